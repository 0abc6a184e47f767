//! A cure that the guard itself would refuse, or that cures nothing, is not printed: a decision takes its place.

mod cases;
mod demands;
mod edits;
mod generated;
mod steps;

use camunda_upgrade_guard::{
    change::{Change, Facts},
    finding::{Action, Finding, Fix, Kubectl, Moment, Objects},
    kubernetes::{Kind, Object, ObjectRef},
    proof::prove,
    rules,
};
use harness::Corpus;
use serde_json::{Value, json};

use self::cases::Case;
use crate::{
    pairs::{PAIRS, upgrade},
    scene::{Scene, claim, statefulset},
};

const DATA: &str = "data-camunda-zeebe-0";
const BROKERS: &str = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker, app.kubernetes.io/instance: camunda";

fn proved(change: &Change, facts: &Facts, findings: &[Finding]) -> Vec<Finding> {
    let mut proved = findings.to_vec();
    prove(change, facts, &mut proved);
    proved
}

#[test]
fn what_is_printed_for_real_upgrades_stands() {
    let Some(corpus) = Corpus::find() else { return };
    for (from, to) in PAIRS {
        let (change, facts) = upgrade(&corpus, from, to);
        let findings = rules::judge(&change, &facts);
        for (before, after) in findings.iter().zip(proved(&change, &facts, &findings)) {
            assert_eq!(before.fixes, after.fixes, "{from} to {to}: {}", before.rule);
        }
    }
}

fn with_brokers(cure: Kubectl) -> (Vec<Finding>, Vec<Finding>) {
    let brokers = statefulset("camunda-zeebe", "data", BROKERS, 1);
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .running(&brokers)
        .live(&claim(DATA, "Bound", BROKERS));
    let (change, facts) = scene.judged();
    let mut findings = rules::judge(&change, &facts);
    findings.retain(|finding| finding.action == Action::Deny);
    let give_up = Fix::on_purpose("Give up:", [cure.clone()]);
    findings[0].fixes = vec![Fix::new("Do:", [cure]), give_up];
    let proved = proved(&change, &facts, &findings);
    (findings, proved)
}

#[test]
fn a_cure_that_the_guard_refuses_is_not_printed() {
    let claims = Objects::new(Kind::PersistentVolumeClaim, "prod", [DATA]);
    let (before, proved) = with_brokers(claims.delete());
    let [decide, give_up] = &proved[0].fixes[..] else {
        panic!("{:?}", proved[0].fixes)
    };
    assert_eq!(decide.moment, Moment::Decide);
    assert!(
        decide.intro.contains("is refused by claim-deleted"),
        "{}",
        decide.intro
    );
    // What only somebody decides on is none of it.
    assert_eq!(give_up, &before[0].fixes[1]);
}

/// The nearest good case: what is looked at or waited for changes nothing, and stays.
#[test]
fn a_call_that_changes_nothing_stays() {
    let look = Kubectl::new("prod", ["get", "pvc"]);
    let (before, proved) = with_brokers(look);
    assert_eq!(before, proved);
}

fn case(of: &str) -> Option<Case> {
    let mut cases = cases::matrix().iter();
    let case = cases.find(|case| case.of == of).cloned();
    assert!(case.is_some() || cases::matrix().is_empty(), "{of}");
    case
}

fn add(case: &mut Case, kind: Kind, name: &str, mut object: Value) {
    object["metadata"] = json!({"name": name, "namespace": "camunda"});
    let reference = ObjectRef::new(kind, "camunda", name);
    case.live.0.insert(reference, Object(object));
}

/// A Secret that somebody has made already, with a password that the database does not know.
#[test]
fn what_another_release_reads_is_not_written_over() {
    const KEY: &str = "identity-keycloak-postgresql-user-password";
    let Some(mut case) = case("12.13.3-defaults to 13.12.7-migration") else {
        return;
    };
    let values = json!({"stringData": {KEY: "another"}});
    add(&mut case, Kind::Secret, "camunda-credentials", values);
    let writes = |case: &Case| {
        let findings = demands::findings(case);
        let fixes = findings.iter().flat_map(|finding| &finding.fixes);
        let mut commands = fixes.flat_map(|fix| &fix.commands);
        commands.any(|command| command.text().contains(&format!("{{\"data\":{{\"{KEY}\"")))
    };
    assert!(writes(&case), "nobody reads it");
    let env = json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "camunda-credentials", "key": KEY}}}]);
    let reader =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "env": env}]}}}});
    add(&mut case, Kind::Deployment, "another-release", reader);
    assert!(!writes(&case), "another release reads it");
}

#[test]
fn a_volume_that_somebody_else_mounts_is_not_handed_over() {
    let Some(mut case) = case("8.2.34 to 8.3.1") else {
        return;
    };
    let cure = |case: &Case| {
        let findings = demands::findings(case);
        let mut findings = findings.iter();
        let finding = findings.find(|it| it.rule.name() == "elasticsearch-claims-orphaned");
        finding.unwrap().fixes[0].clone()
    };
    assert_ne!(cure(&case).moment, Moment::Decide);
    let claim = "elasticsearch-master-elasticsearch-master-0";
    let volume = json!([{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]);
    let user = json!({"spec": {"template": {"spec": {"containers": [], "volumes": volume}}}});
    add(&mut case, Kind::Deployment, "indexer", user);
    let decide = cure(&case);
    assert_eq!(decide.moment, Moment::Decide, "{decide:?}");
    let told = format!("PersistentVolumeClaim {claim}, which Deployment indexer mounts");
    assert!(decide.intro.contains(&told), "{}", decide.intro);
}

/// A file of converted values may have nothing to do with a component that goes all the same.
#[test]
fn a_file_that_switches_nothing_on_is_no_cure_for_what_goes() {
    let of = "12.13.3-keycloak-external-database to 13.12.7-keycloak-external-database";
    let Some(mut case) = case(of) else { return };
    for object in &mut case.change.objects {
        if object.object.name == "camunda-keycloak" {
            object.planned = None;
        }
    }
    let findings = demands::findings(&case);
    let mut findings = findings.iter();
    let finding = findings.find(|it| it.rule.name() == "component-disappears");
    let fix = &finding.unwrap().fixes[0];
    assert_eq!(fix.moment, Moment::Decide, "{fix:?}");
    assert!(
        fix.intro.contains("switch them on already"),
        "{}",
        fix.intro
    );
}
