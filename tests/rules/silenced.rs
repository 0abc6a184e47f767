//! A rule that is off, only warns or is overridden takes no refusal of another along.

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    change::{Change, Facts, Operation},
    finding::{Action, Finding},
    kubernetes::{Kind, ObjectRef},
    overrides::Override,
    policy::Policy,
    rules::{self, RULES, Rule},
};
use harness::Corpus;
use serde_json::json;

use crate::{
    migration::{AGAIN, IMMUTABLE, TEMPLATE, broker_claim, brokers, ended, job},
    pairs::{Live, PAIRS, upgrade},
    scene::{Scene, claim, secret, statefulset},
};

const LABELS: &str = "elasticsearch-claim-labels";

const PASSWORDS: &str = "identity-secret-regenerated";

type Ids = BTreeSet<&'static str>;

fn set(rules: &[&str], setting: &str) -> Policy {
    let rules: Vec<_> = rules.iter().map(|id| format!("{id}: {setting}")).collect();
    Policy::parse(&format!("rules: {{{}}}", rules.join(", "))).unwrap()
}

/// The rules that a rule yields to.
fn yields_to(id: &str) -> impl Iterator<Item = &'static str> {
    let others = Rule::named(id).unwrap().yields_to();
    others.iter().map(|other| other.name())
}

fn refusing(findings: &[Finding]) -> Ids {
    let refusals = findings.iter().filter(|it| it.action == Action::Deny);
    refusals.map(|it| it.rule.name()).collect()
}

fn told(findings: &[Finding]) -> Ids {
    findings.iter().map(|it| it.rule.name()).collect()
}

fn overridden(rules: &[&'static str]) -> Override {
    Override {
        release: "camunda".to_owned(),
        revision: 2,
        rules: rules.iter().map(|id| id.parse().unwrap()).collect(),
        reason: "a rehearsal".to_owned(),
    }
}

/// What is said by policies that silence some rules, the last one by an override.
fn silencing(change: &Change, facts: &Facts, silenced: &[&'static str]) -> [Vec<Finding>; 3] {
    let decided = overridden(silenced);
    [
        set(silenced, "off").judge(change, facts),
        set(silenced, "warn").judge(change, facts),
        Policy::default().judge_past(change, facts, Some(&decided)),
    ]
}

/// Where both rules see a problem only the first speaks, and the other one where the first is not heard.
#[track_caller]
fn stands_in((change, facts): &(Change, Facts), first: &'static str, other: &'static str) {
    assert!(
        yields_to(other).any(|it| it == first),
        "{other} yields to {first}"
    );
    let default = rules::judge(change, facts);
    assert!(refusing(&default).contains(first), "{:?}", told(&default));
    let of = |findings: &[Finding]| {
        let mut own = findings.to_vec();
        own.retain(|it| it.rule.name() == other);
        own
    };
    let before = of(&default);
    for found in silencing(change, facts, &[first]) {
        assert!(!refusing(&found).contains(first), "{found:#?}");
        let own = of(&found);
        assert_ne!(own, before, "{other} has nothing to say without {first}");
        assert!(refusing(&own).contains(other), "{own:#?}");
    }
    // What is only reported is what would be refused.
    let audit = Policy::parse("mode: audit").unwrap().judge(change, facts);
    let audited = audit.iter().filter(|it| it.action == Action::Audited);
    assert_eq!(
        audited.map(|it| it.rule.name()).collect::<Ids>(),
        refusing(&default)
    );
    assert_eq!(told(&audit), told(&default));
}

#[test]
fn an_immutable_claim_template_is_refused_although_its_labels_are_not_minded() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let change = upgrade(&corpus, "8.0.12", "8.1.27");
    stands_in(&change, LABELS, IMMUTABLE);
    stands_in(&change, LABELS, "volume-not-retained");
    let [off, ..] = silencing(&change.0, &change.1, &[LABELS]);
    let immutable = off.iter().find(|it| it.rule.name() == IMMUTABLE).unwrap();
    let names: Vec<_> = immutable
        .objects
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["elasticsearch-master"]);
    // Nearest good case: once the claims are labelled and it is deleted, nothing is left to refuse.
    let (change, facts) = upgrade(&corpus, "8.0.12", "8.1.27");
    let mut live = Live::of(&facts);
    for claim in live.of_kind(Kind::PersistentVolumeClaim) {
        for (key, value) in [
            ("release", "camunda"),
            ("chart", "elasticsearch"),
            ("app", "elasticsearch-master"),
        ] {
            claim.0["metadata"]["labels"][key] = value.into();
        }
    }
    for volume in live.of_kind(Kind::PersistentVolume) {
        volume.0["spec"]["persistentVolumeReclaimPolicy"] = "Retain".into();
    }
    let name = "elasticsearch-master";
    live.0
        .remove(&ObjectRef::new(Kind::StatefulSet, "camunda", name));
    let facts = live.facts();
    let done = set(&[LABELS], "off").judge(&change, &facts);
    assert_eq!(refusing(&done), Ids::from([PASSWORDS]), "{done:#?}");
}

#[test]
fn the_object_gate_judges_by_itself() {
    let labels =
        "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker";
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .known()
        .live(&statefulset("camunda-zeebe", "data", labels, 3))
        .planned(&statefulset("camunda-zeebe", "other", labels, 3));
    let (_, facts) = scene.judged();
    let reference = ObjectRef::new(Kind::StatefulSet, "prod", "camunda-zeebe");
    let mut planned = facts.get(&reference).unwrap().clone();
    planned.0["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] = "other".into();
    let change = Change::of_object(Operation::Update, reference, "camunda", planned);
    for silenced in yields_to(IMMUTABLE) {
        for found in silencing(&change, &facts, &[silenced]) {
            assert_eq!(refusing(&found), Ids::from([IMMUTABLE]), "{silenced}");
        }
    }
    for found in silencing(&change, &facts, &[IMMUTABLE]) {
        assert_eq!(refusing(&found), Ids::new(), "{found:#?}");
    }
}

#[test]
fn elasticsearch_left_behind_is_refused_as_what_it_is_or_as_any_other() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let change = upgrade(&corpus, "8.2.34", "8.3.1");
    stands_in(&change, "elasticsearch-claims-orphaned", "claims-orphaned");
}

/// An Elasticsearch that mounts nothing at all any more has no claims of another name, and is no less empty.
#[test]
fn elasticsearch_without_any_claim_is_refused_by_one_of_them() {
    let labels = "app.kubernetes.io/name: elasticsearch, app.kubernetes.io/instance: camunda, app.kubernetes.io/component: master";
    let kept = statefulset("camunda-elasticsearch-master", "data", labels, 1);
    let bare: String = kept
        .lines()
        .take_while(|line| !line.contains("volumeClaimTemplates"))
        .map(|line| format!("{line}\n"))
        .collect();
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .deleted(&kept)
        .live(&claim(
            "data-camunda-elasticsearch-master-0",
            "Bound",
            labels,
        ))
        .planned(&bare);
    scene.refused("claims-orphaned");
    scene.replanned(&kept).passes();
}

#[test]
fn brokers_that_go_are_told_of_one_way_or_the_other() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let (change, facts) = upgrade(
        &corpus,
        "12.13.3-five-brokers",
        "13.12.7-five-brokers-dropped",
    );
    let lowered = |findings: &[Finding]| {
        let mut titles = findings.iter().map(|it| it.title.as_str());
        titles.any(|it| it.contains("leaves data-camunda-zeebe-3, data-camunda-zeebe-4 unused"))
    };
    let default = rules::judge(&change, &facts);
    assert!(!lowered(&default), "{default:#?}");
    let off = set(&["zeebe-brokers-reduced"], "off").judge(&change, &facts);
    assert!(lowered(&off), "{off:#?}");
}

/// A StatefulSet that takes its claims along, and their volumes with them.
#[test]
fn volumes_that_go_with_their_claims_are_refused_although_nobody_minds_the_claims() {
    let labels = "app.kubernetes.io/name: postgresql, app.kubernetes.io/instance: camunda";
    let set = statefulset("camunda-postgresql", "data", labels, 1)
        + "\n  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}";
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .running(&set)
        .live(&claim("data-camunda-postgresql-0", "Bound", labels));
    stands_in(&scene.judged(), "claims-orphaned", "volume-not-retained");
}

/// A migration that is Complete and whose Job changes.
#[test]
fn a_job_that_changes_is_refused_although_its_migration_may_run_again() {
    let scene = Scene::upgrade("13.12.6", "13.12.7")
        .running(&brokers(TEMPLATE))
        .planned(&brokers(TEMPLATE))
        .live(&broker_claim("Bound"))
        .running(&job("data", "x"))
        .live(&ended("data", "Complete"))
        .planned(&job("data", "y"));
    stands_in(&scene.judged(), AGAIN, IMMUTABLE);
}

fn reads(name: &str, labels: &str, secret: &str) -> String {
    let env = format!(
        "env: [{{name: POSTGRES_PASSWORD, valueFrom: {{secretKeyRef: {{name: {secret}, key: password}}}}}}]"
    );
    statefulset(name, "data", labels, 1).replace("image: x", &format!("image: x, {env}"))
}

const POSTGRESQL: &str = "app.kubernetes.io/name: postgresql, app.kubernetes.io/instance: camunda";

fn moved(secret: &str) -> Scene {
    Scene::upgrade("12.13.3", "12.13.3")
        .running(&reads(
            "camunda-postgresql",
            POSTGRESQL,
            "camunda-postgresql",
        ))
        .live(&claim("data-camunda-postgresql-0", "Bound", POSTGRESQL))
        .planned(&reads("camunda-postgresql", POSTGRESQL, secret))
}

fn own(value: &str) -> String {
    secret(
        "camunda-postgresql",
        POSTGRESQL,
        &format!("password: {value}"),
    )
}

/// A database's password in a Secret that is not there.
#[test]
fn a_password_that_nobody_has_made_is_another_one() {
    let scene = moved("mine")
        .running(&own("before"))
        .planned(&own("before"));
    stands_in(
        &scene.judged(),
        "credentials-secret-incomplete",
        "credential-source-changed",
    );
}

/// A Secret that holds the old password, and would be given a new one.
#[test]
fn a_password_that_is_made_anew_is_another_one() {
    let renamed =
        |value: &str| own(value).replacen("camunda-postgresql", "camunda-pg-postgresql", 1);
    let scene = moved("camunda-pg-postgresql")
        .running(&own("before"))
        .planned(&own("before"))
        .live(&renamed("before"))
        .planned(&renamed("after"));
    stands_in(
        &scene.judged(),
        "identity-secret-regenerated",
        "credential-source-changed",
    );
}

/// A database that is to read another password, while Helm deletes the one that it knows.
#[test]
fn a_password_that_goes_is_missed_although_another_one_may_be_read() {
    let scene = moved("mine")
        .running(&own("before"))
        .live(&secret("mine", "", "password: after"));
    stands_in(
        &scene.judged(),
        "credential-source-changed",
        "identity-secret-removed",
    );
}

#[test]
fn a_secret_of_connectors_is_missing_whichever_rule_says_so() {
    let deployment = |reads: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: camunda-connectors}}\nspec:\n  selector: {{}}\n  template: {{spec: {{containers: [{{name: c, {reads}}}]}}}}"
        )
    };
    let identity = secret(
        "camunda-zeebe-identity-secret",
        "app.kubernetes.io/part-of: camunda-platform",
        "zeebe-secret: x",
    );
    let scene = Scene::upgrade("8.1.27", "8.2.34")
        .running(&identity)
        .planned(&identity)
        .running(&deployment("image: x"))
        .planned(&deployment("env: [{name: S, valueFrom: {secretKeyRef: {name: camunda-connectors-identity-secret, key: connectors-secret}}}]"));
    stands_in(
        &scene.judged(),
        "connectors-secret-missing",
        "credentials-secret-incomplete",
    );
}

/// Of values, rules warn; a warning gives way to any that is told.
#[test]
fn values_are_told_of_by_one_rule_or_the_other() {
    let Some(corpus) = Corpus::find() else {
        return;
    };

    for (from, to, first, other) in [
        (
            "12.13.3-five-brokers",
            "13.12.7-five-brokers-dropped",
            "orchestration-values",
            "values-ignored",
        ),
        (
            "12.13.3",
            "13.12.7-defaults",
            "authentication-changed",
            "authentication-not-explicit",
        ),
    ] {
        gives_way(&upgrade(&corpus, from, to), first, other);
    }
    let credential = json!({"identityKeycloak": {"auth": {"adminPassword": "x"}}});
    let dropped = Scene::upgrade("12.13.3", "12.13.3").values(credential, json!({}));
    gives_way(&dropped.judged(), PASSWORDS, "values-dropped");
}

/// Of what a first rule refuses, another one warns only where the first says nothing.
#[track_caller]
fn gives_way((change, facts): &(Change, Facts), first: &str, other: &'static str) {
    let of = |policy: &Policy| {
        let mut found = policy.judge(change, facts);
        found.retain(|it| it.rule.name() == other);
        found
    };
    let default = of(&Policy::default());
    assert_eq!(
        of(&set(&[first], "warn")),
        default,
        "{other} beside {first}"
    );
    let off = of(&set(&[first], "off"));
    assert_ne!(off, default, "{other} without {first}");
    assert_eq!(refusing(&off), Ids::new());
    // A warning takes no refusal along.
    let policy = format!("rules: {{{first}: warn, {other}: deny}}");
    let denied = of(&Policy::parse(&policy).unwrap());
    assert_eq!(refusing(&denied), Ids::from([other]));
    assert_eq!(denied.len(), off.len());
}

/// Over the whole corpus: without one rule, all that the others refuse by themselves is refused by one of them.
#[test]
fn no_real_refusal_is_silenced_by_another_rule() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let targets: Ids = RULES
        .iter()
        .flat_map(|it| yields_to(it.id.name()))
        .collect();
    for (from, to) in PAIRS {
        let (change, facts) = upgrade(&corpus, from, to);
        let default = refusing(&rules::judge(&change, &facts));
        // What each rule finds that yields to nobody.
        let all: Vec<_> = targets.iter().copied().collect();
        let alone = refusing(&set(&all, "off").judge(&change, &facts));
        for silenced in targets.intersection(&default) {
            let decided = overridden(&[silenced]);
            for found in [
                set(&[silenced], "off").judge(&change, &facts),
                Policy::default().judge_past(&change, &facts, Some(&decided)),
            ] {
                let refusing = refusing(&found);
                let lost: Vec<_> = default
                    .iter()
                    .filter(|id| *id != silenced && !refusing.contains(*id))
                    .collect();
                assert!(
                    lost.is_empty(),
                    "{from} to {to} without {silenced}: {lost:?}"
                );
                for rule in &alone {
                    let mut stand = yields_to(rule).chain([*rule]);
                    assert!(
                        stand.any(|it| it != *silenced && refusing.contains(it)),
                        "{from} to {to} without {silenced}: {rule} is silent"
                    );
                }
            }
        }
    }
}

/// Any other rule silences nothing but itself.
#[test]
fn a_rule_that_nobody_yields_to_silences_only_itself() {
    let targets: Ids = RULES
        .iter()
        .flat_map(|it| yields_to(it.id.name()))
        .collect();
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let (change, facts) = upgrade(&corpus, "12.13.3", "13.12.7-guides-line");
    let default = rules::judge(&change, &facts);
    for rule in RULES.iter().filter(|it| !targets.contains(it.id.name())) {
        let mut expected = default.clone();
        expected.retain(|it| it.rule.name() != rule.id.name());
        assert_eq!(
            set(&[rule.id.name()], "off").judge(&change, &facts),
            expected
        );
    }
}

#[test]
fn no_two_rules_yield_to_each_other() {
    for rule in RULES {
        let mut all: Ids = yields_to(rule.id.name()).collect();
        loop {
            let more: Ids = all.iter().flat_map(|it| yields_to(it)).collect();
            if more.is_subset(&all) {
                break;
            }
            all.extend(more);
        }
        assert!(
            !all.contains(rule.id.name()),
            "{} yields to itself",
            rule.id.name()
        );
        assert!(all.iter().all(|id| Rule::named(id).is_some()));
    }
}
