//! Elasticsearch or OpenSearch outside of the release.

use harness::Corpus;
use serde_json::{Value, json};

use super::{CARRIED, Variant};
use crate::record::Record;

/// The same store for all that reads one.
const STORE: &str = "http://camunda-elasticsearch:9200";

/// A store outside of the release; `values` name it in 12 as in 13, and `into` writes what else differs.
fn external_store(
    corpus: Corpus,
    values: Value,
    url: &str,
    into: impl Fn(Record) -> Record,
) -> Variant {
    let outside = |name| {
        let record = Record::of(&corpus, name).without(&["charts/elasticsearch/"]);
        into(record.replace("", STORE, url))
    };
    Variant {
        running: outside("12.13.3-defaults"),
        bad: outside("13.12.7-defaults"),
        good: outside("13.12.7-migration"),
        live: vec![json!({"kind": "Secret", "metadata": {"name": "store"},
            "stringData": {"password": "known to the store"}})],
        values,
        corpus,
    }
}

/// Refused where the values that name the store are forgotten, and let pass where they are given again.
#[track_caller]
fn keeps_its_store(variant: &Variant) {
    let migration = variant.corpus.record("13.12.7-migration").unwrap().raw["config"].clone();
    let carried = &CARRIED[..3];
    variant.cured(&migration, carried);
    let mut forgotten = variant.onto_good(&migration, carried);
    let embedded = Record::of(&variant.corpus, "13.12.7-migration").values(&migration);
    forgotten.plan(embedded.raw());
    assert_eq!(
        forgotten.refusing(),
        ["datastore-changed"],
        "{}",
        forgotten.refusal()
    );
    // On the values of 12 the same is lost as elsewhere, and the store is kept.
    let printed = variant.refused(&[
        "component-disappears",
        "claims-orphaned",
        "identity-secret-removed",
        "authentication-changed",
        "importers-disabled",
        "data-migration-disabled",
    ]);
    for key in ["elasticsearch", "opensearch"] {
        assert_eq!(printed.get(key), None, "{printed:#}");
        assert_eq!(printed["global"].get(key), None, "{printed:#}");
    }
    variant.cured(&printed, carried);
}

#[test]
fn an_external_elasticsearch_is_kept() {
    let Some(corpus) = Corpus::find() else { return };
    let url = "https://es.example.com:9243";
    let read = |record: Record| {
        let template = ["zeebe/statefulset", "orchestration/statefulset"];
        template.iter().fold(record, |record, template| {
            record.reading(
                template,
                "VALUES_ELASTICSEARCH_PASSWORD",
                "store",
                "password",
            )
        })
    };
    let values = json!({
        "elasticsearch": {"enabled": false},
        "global": {"elasticsearch": {
            "external": true, "url": {"protocol": "https", "host": "es.example.com", "port": 9243},
            "auth": {"username": "camunda", "existingSecret": "store", "existingSecretKey": "password"},
        }},
    });
    keeps_its_store(&external_store(corpus, values, url, read));
}

#[test]
fn an_opensearch_is_kept() {
    let Some(corpus) = Corpus::find() else { return };
    let url = "https://os.example.com:443";
    let opensearch = |record: Record| {
        let (kind, names): (_, &[&str]) = match record.has("templates/operate/") {
            true => (
                "elasticsearch",
                &[
                    "\n          elasticsearch:\n",
                    "\n      elasticsearch:\n",
                    "zeebeElasticsearch:",
                ],
            ),
            false => ("\"elasticsearch\"", &["\n          elasticsearch:\n"]),
        };
        let to_opensearch = |text: &str| text.replace("elastic", "open").replace("Elastic", "Open");
        let kind = format!("type: {kind}");
        let record = record.replace("", &kind, &to_opensearch(&kind));
        names.iter().fold(record, |record, name| {
            record.replace("", name, &to_opensearch(name))
        })
    };
    let values = json!({
        "elasticsearch": {"enabled": false},
        "global": {
            "elasticsearch": {"enabled": false},
            "opensearch": {"enabled": true, "url": {"protocol": "https", "host": "os.example.com", "port": 443},
                "auth": {"username": "camunda", "existingSecret": "store", "existingSecretKey": "password"}},
        },
    });
    keeps_its_store(&external_store(corpus, values, url, opensearch));
}
