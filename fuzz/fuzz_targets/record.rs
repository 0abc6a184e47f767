//! A record that anybody may write is decoded or refused, and whatever upgrade it is, it is judged in bounded words.
//!
//! The first byte says which layer is hostile: the encoding, what was compressed, or the manifest of a release.

#![no_main]

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use camunda_upgrade_guard::{
    change::{Change, Facts, Rendered},
    denial,
    helm::release::{Limits, Release, Storage, decode},
    rules,
};
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

const LIMITS: Limits = Limits { inflated: 1 << 20 };

fuzz_target!(|data: &[u8]| {
    let Some((layer, rest)) = data.split_first() else {
        return;
    };
    match layer % 3 {
        0 => {
            let text = String::from_utf8_lossy(rest);
            for storage in [Storage::Secret, Storage::ConfigMap] {
                let _ = decode(&text, storage, LIMITS);
            }
        }
        1 => judged(decode(&encoded(rest), Storage::ConfigMap, LIMITS).ok()),
        _ => {
            let Ok(manifests) = std::str::from_utf8(rest) else {
                return;
            };
            let release = release(manifests);
            let text = release.to_string();
            let decoded = decode(&encoded(text.as_bytes()), Storage::ConfigMap, LIMITS);
            let decoded = decoded.unwrap_or_else(|error| panic!("{error}"));
            let (running, next) = manifests.split_once("\n===\n").unwrap_or(("", manifests));
            assert_eq!(decoded.manifest, next);
            let old = decode(
                &encoded(text.replace("pending-upgrade", "deployed").as_bytes()),
                Storage::ConfigMap,
                LIMITS,
            );
            let mut old = old.unwrap_or_else(|error| panic!("{error}"));
            running.clone_into(&mut old.manifest);
            upgraded(&old, &decoded);
        }
    }
});

fn release(manifests: &str) -> Value {
    let next = manifests
        .split_once("\n===\n")
        .map_or(manifests, |(_, next)| next);
    json!({
        "name": "camunda", "namespace": "prod", "version": 2, "info": {"status": "pending-upgrade"},
        "chart": {"metadata": {"name": "camunda-platform", "version": "13.0.0"}, "values": {}},
        "config": {}, "manifest": next, "hooks": null,
    })
}

fn encoded(bytes: &[u8]) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to a Vec does not fail.
    let _ = gzip.write_all(bytes);
    STANDARD.encode(gzip.finish().unwrap_or_default())
}

/// Judges a release as its first installation.
fn judged(release: Option<Release>) {
    if let Some(release) = release {
        upgraded(&release, &release);
    }
}

fn upgraded(old: &Release, next: &Release) {
    let running = Rendered::of(old, None);
    let planned = Rendered::of(next, Some(&running));
    let Some(change) = Change::of_release(next, &planned, Some(&running)) else {
        return;
    };
    let findings = rules::judge(&change, &Facts::default());
    for warning in denial::warnings(&change, &findings) {
        assert!(!warning.contains('\n'), "{warning}");
    }
    if let Some(message) = denial::message(&change, &findings) {
        assert!(message.len() <= 64 * 1024, "{} bytes", message.len());
    }
}
