//! What a user has set may be secret wherever it stands, and none of it comes out: a canary in a record (`CAMUNDA_CORPUS`).

use std::sync::{Arc, Mutex};

use camunda_upgrade_guard::{
    cluster::{Cluster, Snapshot},
    events::Events,
    helm::manifest,
    metrics::Metrics,
    scan,
};
use harness::{Corpus, canary::assert_silent};
use serde_json::Value;

use crate::{post, recorded, review, router_telling};

/// What a subscriber is told, line by line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn raw(corpus: &Corpus, name: &str) -> Value {
    corpus.record(name).unwrap().raw
}

/// A release whose values hold canaries, its record and its objects.
pub fn running(corpus: &Corpus) -> (Value, Vec<Value>) {
    let running = raw(corpus, "12.13.3-secrets-in-values");
    let mut objects = vec![recorded(&running, 1, "deployed")];
    for document in manifest::split(running["manifest"].as_str().unwrap()) {
        let mut object = document.parse().unwrap().unwrap_or_default();
        if !object.is_null() {
            object["metadata"]["namespace"] = "prod".into();
            objects.push(object);
        }
    }
    (running, objects)
}

#[tokio::test]
async fn no_canary_is_in_an_answer_in_an_event_or_in_the_log() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    let (running, objects) = running(&corpus);
    for (planned, refused) in [
        ("13.12.7-defaults", true),
        ("12.13.3-secrets-in-values", false),
    ] {
        let mut planned = raw(&corpus, planned);
        planned["config"] = running["config"].clone();
        let planned = recorded(&planned, 2, "pending-upgrade");
        let review = review("Secret", "CREATE", &planned);
        let metrics = Metrics::new();
        let (events, mut told) = Events::queued(&metrics);
        let router = router_telling(objects.clone(), &metrics, events);
        let response = post(
            router,
            "/validate?timeout=30s",
            review.to_string().into_bytes(),
        )
        .await;
        assert_eq!(response["allowed"], !refused, "{response:#}");
        assert_silent("answer", &response.to_string());
        let event = told.recv().await;
        assert_eq!(event.is_some(), refused, "{event:?}");
        assert_silent("event", &format!("{event:?}"));
        if refused {
            let message = response["status"]["message"].as_str().unwrap();
            assert!(
                message.contains("camunda-upgrade-guard convert camunda -n prod --to 13.12.7"),
                "{message}"
            );
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("TRACE") || log.contains("DEBUG") || log.contains("INFO"),
        "{log}"
    );
    assert_silent("log", &log);
}

#[tokio::test]
async fn no_canary_is_in_the_overview() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let (_, objects) = running(&corpus);
    let snapshot: Snapshot = objects.into_iter().collect();
    let cluster = Cluster::Snapshot(Arc::new(snapshot));
    let scan = scan::look(&cluster, None, "2026-11-29").await;
    let [row] = &scan.releases[..] else {
        panic!("{scan}");
    };
    assert!(!row.problems.is_empty(), "{scan}");
    assert_silent("table", &scan.to_string());
    assert_silent("JSON", &scan.json().unwrap());
}
