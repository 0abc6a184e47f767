//! The guard's own configuration, when its ConfigMap is written.
//!
//! A file that the guard can't read is refused where somebody is there to read why, and not when a pod starts over it.

use super::{review::Request, verdict::Verdict};
use crate::policy::{CONFIG_KEY, Policy};

/// The label with the version of the guard that a configuration is written for.
const VERSION_LABEL: &str = "app.kubernetes.io/version";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Judges the guard's ConfigMap as the guard would read it.
pub(super) fn judge(request: &Request<'_>) -> Verdict {
    let Some(config_map) = request.object() else {
        return Verdict::admitted();
    };
    let mistake = match config_map.at("/data").and_then(|data| data.get(CONFIG_KEY)) {
        Some(text) => match Policy::parse(text.as_str().unwrap_or_default()) {
            Ok(_) => return Verdict::admitted(),
            Err(error) => format!("{CONFIG_KEY} {error}"),
        },
        None => format!("there is no key {CONFIG_KEY}"),
    };
    let head = format!(
        "ConfigMap {}/{} is no configuration of camunda-upgrade-guard",
        request.namespace,
        request.name()
    );
    // An upgrade writes the configuration of the new version while the old one still runs.
    let version = config_map.label(VERSION_LABEL);
    if let Some(version) = version.filter(|version| *version != VERSION) {
        return Verdict::warned(&format!(
            "{head} {VERSION}, but it is admitted for version {version}: {mistake}"
        ));
    }
    let goes_on = "The guard goes on with what it has read before.";
    Verdict::refused(head, &format!("{mistake}\n\n{goes_on}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(metadata: &Value, data: &Value) -> String {
        let review = json!({
            "kind": "AdmissionReview",
            "request": {
                "uid": "1",
                "kind": {"group": "", "kind": "ConfigMap"},
                "namespace": "guard",
                "name": "camunda-upgrade-guard",
                "operation": "UPDATE",
                "object": {"metadata": metadata, "data": data},
            },
        });
        let review = review.to_string();
        let request = Request::of_review(review.as_bytes()).unwrap();
        judge(&request).to_review("1")
    }

    const GOOD: &str = "rules: {release-notes: warn}";
    const MISTYPED: &str = "rules: {relase-notes: warn}";

    #[test]
    fn what_the_guard_could_not_read_is_refused_with_its_place() {
        for (data, told) in [
            (json!({CONFIG_KEY: GOOD}), None),
            (json!({CONFIG_KEY: ""}), None),
            (
                json!({CONFIG_KEY: MISTYPED}),
                Some("config.yaml at rules.relase-notes: line 1 column 9: there is no rule"),
            ),
            (
                json!({"config.yml": GOOD}),
                Some("there is no key config.yaml"),
            ),
            (Value::Null, Some("there is no key config.yaml")),
        ] {
            let answer = judged(&json!({}), &data);
            let allowed = answer.contains("\"allowed\":true");
            assert_eq!(allowed, told.is_none(), "{answer}");
            assert!(answer.contains(told.unwrap_or_default()), "{answer}");
        }
    }

    #[test]
    fn what_is_for_another_version_is_admitted_with_a_warning() {
        for (version, allowed) in [(VERSION, false), ("99.0.0", true)] {
            let metadata = json!({"labels": {VERSION_LABEL: version}});
            let answer = judged(&metadata, &json!({CONFIG_KEY: MISTYPED}));
            let admitted = answer.contains("\"allowed\":true");
            assert_eq!(admitted, allowed, "{answer}");
            assert!(answer.contains("relase-notes"), "{answer}");
        }
    }
}
