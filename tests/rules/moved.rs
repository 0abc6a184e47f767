//! `values-moved`.

use serde_json::{Value, json};

use crate::scene::{Scene, commands};

const RULE: &str = "values-moved";

fn upgrade(from: &'static str, to: &'static str, values: Value) -> Scene {
    Scene::upgrade(from, to).values(values.clone(), values)
}

#[track_caller]
fn is_silent(scene: &Scene) {
    let rules = scene.rules();
    assert!(!rules.contains(&RULE), "{rules:?}");
}

#[test]
fn what_has_another_key_is_refused_with_a_file() {
    let old =
        json!({"global": {"license": {"existingSecret": "mine", "existingSecretKey": "key"}}});
    let finding = upgrade("13.12.7", "14.8.4", old.clone()).refused(RULE);
    assert_eq!(finding.title, "2 values that you set would be forgotten");
    assert_eq!(
        finding.why,
        [
            "Chart 14.8.4 does not read these keys of your values:",
            "  global.license.existingSecret: now global.license.secret.existingSecret",
            "  global.license.existingSecretKey: now global.license.secret.existingSecretKey",
        ]
    );
    let commands = commands(&finding).join("\n");
    for part in ["camunda-14.yaml", "existingSecret: mine"] {
        assert!(commands.contains(part), "{commands}");
    }

    // Not once the line is entered, nor before, nor on the way back.
    is_silent(&upgrade("14.0.0", "14.8.4", old.clone()));
    is_silent(&upgrade("12.13.3", "13.12.7", old.clone()));
    is_silent(&upgrade("14.8.4", "13.12.7", old.clone()));
    is_silent(&upgrade("13.12.7", "14.8.4", old).rollback());
}

#[test]
fn what_has_its_place_or_had_no_effect_passes() {
    for values in [
        json!({"global": {"license": {"existingSecret": "mine", "secret": {"existingSecret": "mine"}}}}),
        json!({"orchestration": {"profiles": {"identity": true}}}),
        json!({"identity": {"firstUser": {"enabled": false, "existingSecret": "mine"}}}),
    ] {
        is_silent(&upgrade("13.12.7", "14.8.4", values));
    }
    // What a rule of its own speaks of.
    is_silent(&upgrade(
        "12.13.3",
        "14.8.4",
        json!({"zeebe": {"clusterSize": 5}}),
    ));
    // Chart 10 merges it; 13 does not.
    let keycloak = json!({"identity": {"keycloak": {"auth": {"adminUser": "a"}}}});
    is_silent(&upgrade("9.7.0", "10.11.3", keycloak.clone()));
    upgrade("12.13.3", "13.12.7", keycloak).one(RULE);
}
