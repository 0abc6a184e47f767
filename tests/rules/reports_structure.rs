//! What programs read of a report beside its texts: steps, claims, credentials and values, as structure.

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    change::{Change, Facts},
    denial,
    report::{Format, Report},
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

use crate::{
    corpus_versions::change,
    reports::{printed, reports},
    scene::Scene,
};

fn json(report: &Report) -> Value {
    serde_json::from_str(&printed(report, Format::Json, false)).unwrap()
}

fn report(change: &Change, facts: &Facts) -> Report {
    let report = Report::new(change.clone(), rules::judge(change, facts), "");
    report.with_storage([(change, facts)])
}

/// The entries of a list; none of null.
fn list(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().into_iter().flatten()
}

/// The entry of a list whose members are as given.
#[track_caller]
fn entry<'a>(list: &'a Value, members: &[(&str, &str)]) -> &'a Value {
    let is_it = |entry: &&Value| members.iter().all(|(name, value)| entry[*name] == *value);
    let mut found = list.as_array().unwrap().iter().filter(is_it);
    let first = found.next();
    first.unwrap_or_else(|| panic!("no {members:?} in {list:#}"))
}

/// The steps are those of the script, in its order, and the upgrade ends it.
#[test]
fn steps_are_those_of_the_script() {
    let mut steps_seen = 0;
    for report in reports() {
        let json = json(&report);
        let steps = json["steps"].as_array().unwrap();
        let Some(script) = json["script"].as_str() else {
            assert!(steps.is_empty() && json["upgrade"].is_null());
            continue;
        };
        let cures = denial::cures(&report.findings);
        let expected = cures.iter().flat_map(|cure| {
            let rule = cure.finding.rule.name();
            cure.fixes
                .iter()
                .map(move |fix| (rule, fix.moment.name(), fix.intro.as_str()))
        });
        let told = steps.iter().map(|step| {
            let [rule, when, intro] =
                ["rule", "when", "intro"].map(|it| step[it].as_str().unwrap());
            (rule, when, intro)
        });
        assert!(told.eq(expected), "{script}");
        if let Some(upgrade) = json["upgrade"]["text"].as_str() {
            assert!(script.ends_with(&format!("{upgrade}\n)")), "{script}");
            // Each flag and file of a step is one of the upgrade.
            for kind in ["values", "files"] {
                let all: Vec<_> = list(&json["upgrade"]["does"][kind]).collect();
                let commands = steps
                    .iter()
                    .flat_map(|step| step["commands"].as_array().unwrap());
                let flags = commands.flat_map(|command| list(&command["does"][kind]));
                assert!(flags.clone().all(|flag| all.contains(&flag)), "{script}");
            }
        }
        steps_seen += steps.len();
    }
    assert!(steps_seen > 5, "{steps_seen}");
}

#[test]
fn what_a_command_does_is_told() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let host = json!({"hostPath": {"path": "/var/data"}});
    let (planned, facts) = change(&corpus, "8.2.34", "8.3.1", "pending-upgrade", &host);
    let json = json(&report(&planned, &facts));
    let steps = json["steps"].as_array().unwrap();
    let commands: Vec<_> = steps
        .iter()
        .flat_map(|step| step["commands"].as_array().unwrap())
        .collect();
    let changes = commands.iter().flat_map(|it| list(&it["does"]["changes"]));
    let changes: BTreeSet<_> = changes
        .map(|it| {
            let told = ["/what", "/object/kind", "/object/name"];
            told.map(|at| it.pointer(at).unwrap().as_str().unwrap().to_owned())
        })
        .collect();
    let change = |what: &str, kind: &str, name: &str| {
        let wanted = [what, kind, name].map(str::to_owned);
        assert!(changes.contains(&wanted), "{wanted:?}: {changes:#?}");
    };
    let reads = commands.iter().flat_map(|it| list(&it["does"]["reads"]));
    let password =
        json!({"namespace": "camunda", "secret": "camunda-postgresql", "key": "password"});
    assert!(reads.clone().any(|read| *read == password));
    change("stopped", "StatefulSet", "elasticsearch-master");
    change(
        "patched",
        "PersistentVolume",
        "volume-elasticsearch-master-elasticsearch-master-0",
    );
}

/// From 12 on its own defaults to 13: the databases go, a Secret is to be made, values have moved.
#[test]
fn claims_credentials_and_values_are_structure() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let host = json!({"hostPath": {"path": "/var/data"}});
    let (from, to) = ("12.13.3-secrets-in-values", "13.12.7-defaults");
    let (planned, facts) = change(&corpus, from, to, "pending-upgrade", &host);
    let json = json(&report(&planned, &facts));

    let claims = &json["claims"];
    let left = entry(claims, &[("fate", "leftBehind")]);
    assert_eq!(left["before"]["claim"], "data-camunda-postgresql-0");
    assert_eq!(left["before"]["workload"]["kind"], "StatefulSet");
    assert_eq!(left["volume"]["name"], "volume-data-camunda-postgresql-0");
    assert_eq!(left["volume"]["retained"], true);
    assert_eq!(left["after"]["workload"], Value::Null);
    let kept = entry(claims, &[("fate", "kept")]);
    assert_eq!(kept["before"]["claim"], kept["after"]["claim"]);
    assert_eq!(json["claimsComplete"], true);

    let secret = ("secret", "camunda-postgresql");
    let password = entry(&json["credentials"], &[secret, ("key", "password")]);
    assert!(!password["before"].as_array().unwrap().is_empty());
    assert_eq!(password["after"], json!([]));
    assert_eq!(password["missing"], false);

    let steps = json["steps"].as_array().unwrap();
    let made = steps
        .iter()
        .flat_map(|step| step["commands"].as_array().unwrap());
    let made = made
        .map(|command| &command["does"]["makes"])
        .find(|it| it.is_object());
    let made = made.unwrap();
    assert_eq!(made["name"], "camunda-credentials");
    let key = ("key", "identity-keycloak-postgresql-user-password");
    let from = &entry(&made["keys"], &[key])["from"];
    assert_eq!(
        (&from["secret"], &from["key"]),
        (&json!("camunda-postgresql"), &json!("password"))
    );

    let dropped = entry(&json["values"], &[("key", "zeebe.javaOpts")]);
    assert_eq!(dropped["fate"], "notGiven");
    assert_eq!(dropped["instead"], "orchestration.javaOpts");
}

#[test]
fn what_pods_would_wait_for_is_missing() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let host = json!({"hostPath": {"path": "/var/data"}});
    let (planned, facts) = change(
        &corpus,
        "12.13.3-secrets-in-values",
        "13.12.7-migration-full",
        "pending-upgrade",
        &host,
    );
    let json = json(&report(&planned, &facts));
    let secret = ("secret", "camunda-credentials");
    let key = ("key", "identity-keycloak-postgresql-user-password");
    let credential = entry(&json["credentials"], &[secret, key]);
    assert_eq!(credential["missing"], true);
    assert_eq!(credential["before"], json!([]));
    assert!(!credential["after"].as_array().unwrap().is_empty());
}

#[test]
fn values_are_told_by_what_becomes_of_them() {
    let fates = |scene: Scene| {
        let (change, facts) = scene.judged();
        let json = json(&report(&change, &facts));
        let values = json["values"].as_array().unwrap().iter();
        let told = values.map(|it| {
            let [key, fate] = ["key", "fate"].map(|name| it[name].as_str().unwrap().to_owned());
            (key, fate, it["instead"].as_str().map(str::to_owned))
        });
        told.collect::<Vec<_>>()
    };
    let upgrade = || Scene::upgrade("12.13.3", "13.12.7");
    let enabled = json!({"identity": {"enabled": true}});
    let given = json!({
        "zeebe": {"clusterSize": 5}, "connectors": {"inbound": {"mode": "disabled"}},
        "identity": {"enabled": true},
    });
    let told = |key: &str, fate: &str, instead: Option<&str>| {
        (key.to_owned(), fate.to_owned(), instead.map(str::to_owned))
    };
    let (size, instead) = ("zeebe.clusterSize", Some("orchestration.clusterSize"));
    assert_eq!(
        fates(upgrade().values(given.clone(), given.clone())),
        [
            told("connectors.inbound.mode", "ignored", None),
            told(size, "moved", instead)
        ]
    );
    assert_eq!(
        fates(upgrade().values(given, enabled.clone())),
        [told(size, "notGiven", instead)]
    );
    assert_eq!(fates(upgrade().values(enabled.clone(), enabled)), []);
}
