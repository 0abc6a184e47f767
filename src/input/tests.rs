use std::{io::Write, sync::Arc};

use base64_simd::STANDARD;
use flate2::{Compression, write::GzEncoder};
use serde_json::json;

use super::*;
use crate::{
    change::Rendered,
    helm::{manifest::Budget, release::Status},
};

const STATEFUL_SET: &str = "# Source: camunda-platform/templates/zeebe/statefulset.yaml
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: camunda-zeebe
  labels:
    app.kubernetes.io/part-of: camunda-platform
    app.kubernetes.io/instance: camunda
    helm.sh/chart: camunda-platform-12.13.3
";

const HOOK: &str = "# Source: camunda-platform/templates/hook.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: hook
  annotations:
    helm.sh/hook: pre-upgrade, post-upgrade
    helm.sh/hook-delete-policy: hook-succeeded
";

fn text(text: &str) -> Result<Input, InputError> {
    read("file", text.as_bytes().to_vec())
}

#[track_caller]
fn fails(input: &str, expected: &str) {
    assert_eq!(text(input).unwrap_err().to_string(), expected);
}

fn record() -> Value {
    json!({
        "name": "camunda", "namespace": "prod", "version": 3,
        "info": {"status": "pending-upgrade"},
        "chart": {"metadata": {"name": "camunda-platform", "version": "12.13.3"}},
        "config": {"a": "hunter2"},
        "manifest": STATEFUL_SET,
    })
}

fn packed(bytes: &[u8]) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    STANDARD.encode_to_string(encoder.finish().unwrap())
}

fn secret(revision: u64) -> Value {
    let data = STANDARD.encode_to_string(packed(record().to_string().as_bytes()));
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": format!("sh.helm.release.v1.camunda.v{revision}"), "namespace": "prod"},
        "data": {"release": data},
    })
}

#[test]
fn a_release_is_read_however_it_was_saved() {
    let packed = packed(record().to_string().as_bytes());
    let config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "sh.helm.release.v1.camunda.v3"}, "data": {"release": packed},
    });
    let yaml = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: sh.helm.release.v1.camunda.v3\ndata:\n  release: {}\n",
        STANDARD.encode_to_string(&packed)
    );
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [secret(3), {"kind": "Pod"}]});
    for given in [
        record().to_string(),
        secret(3).to_string(),
        config_map.to_string(),
        list.to_string(),
        yaml,
        packed.clone(),
        STANDARD.encode_to_string(&packed),
        format!("\u{feff}{}", record()),
    ] {
        let input = text(&given).unwrap();
        assert_eq!(input.source, Source::Release, "{given}");
        let release = input.release;
        assert_eq!((&*release.name, &*release.namespace), ("camunda", "prod"));
        assert_eq!(release.revision, 3);
    }
}

#[test]
fn a_dry_run_is_read_from_its_headings() {
    let printed = |values: &str| {
        format!(
            "Release \"camunda\" has been upgraded. Happy Helming!\nNAME: camunda\n\
             LAST DEPLOYED: Sun Nov 29 00:00:00 2026\nNAMESPACE: prod\nSTATUS: pending-upgrade\nREVISION: 7\n\
             TEST SUITE: None\n{values}HOOKS:\n---\n{HOOK}\nMANIFEST:\n---\n{STATEFUL_SET}\nNOTES:\nkind: nothing\n"
        )
    };
    let input = text(&printed("")).unwrap();
    assert_eq!(input.source, Source::DryRun { values: false });
    let release = input.release;
    assert_eq!((release.revision, &*release.namespace), (7, "prod"));
    assert_eq!(release.info.status, Status::PendingUpgrade);
    assert_eq!(release.hooks[0].events, ["pre-upgrade", "post-upgrade"]);
    assert_eq!(release.hooks[0].delete_policies, ["hook-succeeded"]);
    assert_eq!(release.chart.metadata.name, "camunda-platform");
    assert!(release.manifest.contains("camunda-zeebe"));
    assert!(!release.manifest.contains("nothing") && release.config.is_none());

    let values = "USER-SUPPLIED VALUES:\na:\n  b: 1\n\nCOMPUTED VALUES:\na:\n  b: 1\n  c: 2\n\n";
    let input = text(&printed(values)).unwrap();
    assert_eq!(input.source, Source::DryRun { values: true });
    assert_eq!(input.release.config.unwrap().get(), r#"{"a":{"b":1}}"#);
}

#[test]
fn a_manifest_tells_release_and_hooks_by_labels_and_annotations() {
    let input = text(&format!("---\n{STATEFUL_SET}---\n{HOOK}")).unwrap();
    assert_eq!(input.source, Source::Manifest);
    let release = input.release;
    assert_eq!((&*release.name, &*release.namespace), ("camunda", ""));
    assert_eq!(release.hooks.len(), 1);
    assert_eq!(release.manifest, format!("---\n{STATEFUL_SET}---\n"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    fails(
        "  \n",
        "file is empty: helm has said why it prints nothing \
         (of a PASSWORDS ERROR, check RELEASE --chart CHART lists all that the chart asks for)",
    );
    fails(
        "Error: UPGRADE FAILED: no\n",
        "file holds an error of helm's, not an upgrade \
         (of a PASSWORDS ERROR, check RELEASE --chart CHART lists all that the chart asks for)",
    );
    fails(
        "- a list\n",
        "file holds no Kubernetes object: it should be what helm upgrade --dry-run=server -o json prints, \
         or a rendered manifest, or a release record",
    );
    fails(
        &format!("---\n{STATEFUL_SET}---\n# Source: a/b.yaml\nkind: Secret\nx: [\n"),
        "file: document 2 (a/b.yaml), line 14 column 4: unclosed bracket '['",
    );
    fails(
        "{\"chart\": {}, \"name\": 5",
        "file is neither a Helm release nor a Kubernetes object: it ends too early at line 1",
    );
    fails(
        "{\"chart\": {\"metadata\": {}}, \"name\": \"hunter2\", \"version\": \"hunter2\"}",
        "file is neither a Helm release nor a Kubernetes object: a field is missing or has another type at line 1",
    );
    let mut broken = secret(3);
    broken["data"]["release"] = "%%%".into();
    fails(
        &broken.to_string(),
        "file: sh.helm.release.v1.camunda.v3 can't be decoded: data.release is not base64",
    );
    let both = json!({"kind": "List", "items": [secret(3), secret(4)]});
    fails(
        &both.to_string(),
        "file holds 2 records (sh.helm.release.v1.camunda.v3, sh.helm.release.v1.camunda.v4): give one of them",
    );
    let error = read("file", vec![b'a', 0xff]).unwrap_err();
    assert_eq!(error.to_string(), "file is not text: byte 2 is not UTF-8");
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let bomb = packed(&vec![b' '; 33 << 20]);
    let given = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "sh.helm.release.v1.camunda.v3"}, "data": {"release": bomb},
    });
    let error = text(&given.to_string()).unwrap_err().to_string();
    assert!(error.contains("inflates to more than"), "{error}");
}

#[test]
fn what_was_parsed_to_read_a_manifest_is_its_own_objects() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n";
    let config_map = |name: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: ö}}\n")
    };
    // Hooks stand in a place of their own, so what follows one moves.
    let hook = HOOK.replace("name: hook", "name: höök");
    let manifests = [
        format!("{STATEFUL_SET}---\n{}", config_map("b")),
        format!("---\n{hook}---\n{}---\n{STATEFUL_SET}", config_map("b")),
        format!(
            "\n\n--- # c\n{}---{hook}---\n\n{service}---\n{hook}---\n{STATEFUL_SET}---\n{}",
            config_map("b"),
            config_map("c")
        ),
        format!("{STATEFUL_SET}---\n{}", hook.trim_end()),
        format!("{hook}---\n---\n{}", config_map("b").trim_end()),
    ];
    for manifest in manifests {
        let input = text(&manifest).unwrap();
        let parsed =
            Rendered::of_parsed(&input.release, &input.parsed, None, &mut Budget::default());
        let rendered = Rendered::of(&input.release, None);
        let objects = |rendered: &Rendered| -> Vec<_> {
            let objects = rendered.objects.iter();
            objects
                .map(|it| (it.reference.to_string(), it.object.0.clone()))
                .collect()
        };
        assert_eq!(objects(&parsed), objects(&rendered), "{manifest}");
        assert_eq!(parsed.unreadable, [""; 0], "{manifest}");
        // No document of the manifest is parsed once more.
        let again =
            Rendered::of_parsed(&input.release, &input.parsed, None, &mut Budget::default());
        for (one, other) in parsed.objects.iter().zip(&again.objects) {
            assert!(
                one.hook.is_some() || Arc::ptr_eq(&one.object, &other.object),
                "{manifest}"
            );
        }
    }
}
