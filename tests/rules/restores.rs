//! Restores of backups of real releases (`CAMUNDA_CORPUS`): which steps, what they may touch, and where there is none.

use std::sync::Arc;

use camunda_upgrade_guard::{
    camunda::{Component, Line, NewestPatches},
    change::{Change, Operation, Rendered},
    finding::{Action, Command, Moment},
    forecast::InstalledRelease,
    html,
    kubernetes::{Kind, Object},
    plan::{Earlier, Means, Plan, RestoreError, Step},
    rules,
};
use harness::{Corpus, Run};
use serde_json::json;

use crate::{
    corpus_volumes::{live, release},
    texts::as_before,
};

const ID: u64 = 1_748_937_221;

/// A release as its record tells, with changed objects.
fn edited(corpus: &Corpus, name: &str, edit: impl Fn(Component, &mut Object)) -> InstalledRelease {
    let mut rendered = Rendered::of(&release(corpus, name, "deployed"), None);
    for object in &mut rendered.objects {
        let mut changed = Object::clone(&object.object);
        edit(object.component, &mut changed);
        object.object = Arc::new(changed);
    }
    InstalledRelease::of("camunda", "camunda", rendered).unwrap()
}

/// The same with a store for the brokers' backups.
fn stored(corpus: &Corpus, name: &str) -> InstalledRelease {
    let version = corpus.record(name).unwrap().version;
    let store = &Line::of(&version).unwrap().backup.as_ref().unwrap().store;
    edited(corpus, name, |component, object| {
        if component == Component::Zeebe && object.at("/spec/volumeClaimTemplates").is_some() {
            let env = &mut object.0["spec"]["template"]["spec"]["containers"][0]["env"];
            env.as_array_mut()
                .unwrap()
                .push(json!({"name": store, "value": "S3"}));
        }
    })
}

fn means() -> Means {
    Means {
        context: Some("prod".to_owned()),
        ..Means::default()
    }
}

fn restore(standing: &InstalledRelease, earlier: Option<&Earlier>) -> Result<Plan, RestoreError> {
    let facts = live(&standing.rendered);
    Plan::restore(standing, earlier, &facts, ID, means())
}

fn back_to(corpus: &Corpus, now: &str, then: &str) -> (InstalledRelease, Plan) {
    let standing = stored(corpus, now);
    let earlier = Earlier {
        revision: 3,
        standing: stored(corpus, then),
    };
    let plan = restore(&standing, Some(&earlier)).unwrap();
    (standing, plan)
}

#[track_caller]
fn assert_script(plan: &Plan) -> String {
    let script = plan.script();
    let run = Run::new("bash").args(["-n"]).input(script.clone());
    run.output().unwrap().ok().unwrap();
    script
}

fn step<'a>(plan: &'a Plan, title: &str) -> &'a Step {
    let mut steps = plan.hops[0].steps.iter();
    let found = steps.find(|step| step.title.contains(title));
    found.unwrap_or_else(|| panic!("{title}: {plan}"))
}

fn shell(step: &Step) -> String {
    let lines: Vec<_> = step.commands.iter().map(Command::text).collect();
    lines.join("\n")
}

fn decides(step: &Step) -> bool {
    let mut commands = step.commands.iter();
    commands.any(|command| matches!(command, Command::Manual(_)))
}

#[test]
fn restores_are_told_as_before() {
    let Some(corpus) = Corpus::find() else { return };
    for name in ["8.2.34", "12.13.3", "13.12.7-migration-full"] {
        let plan = restore(&stored(&corpus, name), None).unwrap();
        let script = assert_script(&plan);
        as_before(&format!("restore--{name}"), &format!("{plan}\n{script}"));
    }
    for (now, then) in [
        ("13.12.7-migration-full", "12.13.3"),
        ("8.3.1", "8.2.34"),
        ("12.13.3-after-11.0.1", "11.0.1"),
    ] {
        let (_, plan) = back_to(&corpus, now, then);
        let script = assert_script(&plan);
        let name = format!("restore--{now}--{then}");
        as_before(&name, &format!("{plan}\n{script}"));
    }
}

/// Nothing is deleted before the snapshots were looked for, and nothing without a decision.
#[test]
fn what_deletes_is_decided_first() {
    let Some(corpus) = Corpus::find() else { return };
    for name in [
        "8.2.34",
        "8.3.1",
        "9.3.7",
        "10.0.2",
        "11.0.1",
        "12.13.3",
        "13.12.7-migration-full",
        "14.0.0-identity",
    ] {
        let plan = restore(&stored(&corpus, name), None).unwrap();
        let steps = &plan.hops[0].steps;
        let number = |title: &str| step(&plan, title).number;
        assert!(number("are whole") < number("Stop all"), "{plan}");
        for step in steps {
            let deletes = ["delete pvc", "elasticsearch DELETE"];
            let text = shell(step);
            if deletes.iter().any(|it| text.contains(it)) {
                assert!(decides(step) && step.number > number("Stop all"), "{text}");
            }
        }
        // The same chart goes on, so nothing has to be let through.
        let script = plan.script();
        assert!(!script.contains("configmap"), "{script}");
        assert_eq!(plan.restores(), Some(ID));
        assert_eq!(plan.hops[0].steps.last().unwrap().moment, Moment::After);
    }
}

/// Charts that start brokers by a script of theirs which knows the variables need no other command.
#[test]
fn brokers_restore_as_their_chart_can() {
    let Some(corpus) = Corpus::find() else { return };
    let start =
        "sed 's|/usr/local/zeebe/bin/broker$|/usr/local/zeebe/bin/restore --backupId=1748937221|'";
    for (name, variables, command) in [
        ("8.2.34", &[][..], true),
        ("10.0.2", &[], true),
        ("11.0.1", &["ZEEBE_RESTORE=true"], true),
        (
            "12.13.3",
            &["ZEEBE_RESTORE=true", "SPRING_PROFILES_ACTIVE=restore"],
            false,
        ),
        (
            "13.12.7-migration-full",
            &["ZEEBE_RESTORE=true", "SPRING_PROFILES_ACTIVE=restore"],
            false,
        ),
    ] {
        let plan = restore(&stored(&corpus, name), None).unwrap();
        let begin = shell(step(&plan, "Start the brokers to restore"));
        let end = shell(step(&plan, "start as before"));
        for variable in variables {
            assert!(begin.contains(variable), "{name}: {begin}");
            let (unset, _) = variable.split_once('=').unwrap();
            assert!(end.contains(&format!(" {unset}-")), "{name}: {end}");
        }
        let quoted = start.replace('\'', r"'\''");
        assert_eq!(begin.contains(&quoted), command, "{name}: {begin}");
        assert_eq!(end.contains("\"command\":null"), command, "{name}: {end}");
        assert!(begin.contains("--replicas=3") && end.contains("--replicas=0"));
    }
}

/// The override lets pass what the rules refuse of the rollback, and only where they do.
#[test]
fn going_back_overrides_what_would_be_refused() {
    let Some(corpus) = Corpus::find() else { return };
    for (now, then) in [
        ("13.12.7-migration-full", "12.13.3"),
        ("12.13.3-after-11.0.1", "11.0.1"),
        ("10.0.2", "9.3.7"),
    ] {
        let (standing, plan) = back_to(&corpus, now, then);
        let back = step(&plan, "Go back to chart");
        let text = shell(back);
        assert!(
            text.contains("helm rollback camunda 3 -n camunda"),
            "{text}"
        );
        let overrides = text.contains("--from-literal=rules=");
        let gates = text.contains("check camunda -n camunda --rollback 3");
        assert!(overrides != gates, "{text}");
        if overrides {
            let remove = "delete configmap camunda-upgrade-guard-override-camunda";
            assert!(text.contains(remove) && decides(back), "{text}");
        }
        // As long as the data of the newer line is there, it is refused.
        let earlier = stored(&corpus, then);
        let change = Change::between(
            Operation::Rollback,
            "camunda",
            "camunda",
            &earlier.rendered,
            Some(&standing.rendered),
        );
        let mut facts = live(&standing.rendered);
        let brokers = change.of_kind(Kind::StatefulSet);
        for set in brokers.filter(|it| it.component == Component::Zeebe) {
            let mut ready = Object::clone(facts.get(&set.object).unwrap());
            ready.0["status"] = json!({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3});
            facts.insert(Kind::StatefulSet, ready.into());
        }
        let findings = rules::judge(&change, &facts);
        let mut refused = findings.iter().filter(|it| it.action == Action::Deny);
        assert!(refused.any(|it| it.rule.name() == "downgrade"));
    }
}

#[test]
fn what_no_guide_describes_is_refused_with_the_way_by_hand() {
    let Some(corpus) = Corpus::find() else { return };
    let same = |name: &str| edited(&corpus, name, |_, _| {});
    for name in ["8.0.12", "8.1.27"] {
        let error = restore(&same(name), None).unwrap_err();
        assert!(matches!(error, RestoreError::Undocumented(_)), "{error}");
        assert!(error.to_string().contains("snapshots of all volumes"));
    }
    let error = restore(&same("12.13.3"), None).unwrap_err().to_string();
    assert!(error.contains("ZEEBE_BROKER_DATA_BACKUP_STORE"), "{error}");

    let mut database = stored(&corpus, "14.0.0-identity");
    let values = json!({"orchestration": {"data": {"secondaryStorage": {"type": "rdbms"}}}});
    let values = values.as_object().unwrap().clone();
    database.rendered.values = camunda_upgrade_guard::helm::values::Values::of_files(values, None);
    let error = restore(&database, None).unwrap_err().to_string();
    assert!(error.contains("rdbms-restore"), "{error}");
}

#[test]
fn a_store_outside_is_left_to_its_owner() {
    let Some(corpus) = Corpus::find() else { return };
    let mut standing = stored(&corpus, "12.13.3");
    let of_store = |component| component == Component::Elasticsearch;
    standing
        .rendered
        .objects
        .retain(|it| !of_store(it.component));
    let plan = restore(&standing, None).unwrap();
    let outside = step(&plan, "store outside of the release");
    let guide =
        "https://docs.camunda.io/docs/8.7/self-managed/operational-guides/backup-restore/restore/";
    assert!(decides(outside) && shell(outside).contains(guide));
    let script = assert_script(&plan);
    assert!(!script.contains("elasticsearch DELETE"), "{script}");

    // No older chart starts on what a newer one has left there.
    let mut now = stored(&corpus, "13.12.7-migration-full");
    now.rendered.objects.retain(|it| !of_store(it.component));
    let earlier = Earlier {
        revision: 3,
        standing,
    };
    let plan = restore(&now, Some(&earlier)).unwrap();
    let emptied = step(&plan, "Empty the store");
    assert!(
        decides(emptied) && emptied.number < step(&plan, "Go back").number,
        "{plan}"
    );
}

/// An upgrade's plan leads to the restore of the backup that it makes, and overrides nothing.
#[test]
fn an_upgrade_says_how_its_backup_is_restored() {
    let Some(corpus) = Corpus::find() else { return };
    let (to, newest) = ("13.12.7".parse().unwrap(), NewestPatches::default());
    let way = |standing: &InstalledRelease| {
        let facts = live(&standing.rendered);
        let plan = Plan::of(standing, &facts, &to, means(), &newest).unwrap();
        let script = plan.script();
        assert!(
            !script.contains("camunda-upgrade-guard/override"),
            "{script}"
        );
        plan.hops[0].back.last().unwrap().commands.clone()
    };
    let lines = way(&stored(&corpus, "12.13.3"));
    let [Command::Shell(line)] = &lines[..] else {
        panic!("{lines:?}")
    };
    let start = "camunda-upgrade-guard plan camunda -n camunda --to 12.13.3 --restore \"$(sed ";
    assert!(line.starts_with(start), "{line}");
    assert!(line.contains("camunda-backups-12.13.3.txt"), "{line}");
    // What can't be backed up can't be restored.
    assert_eq!(way(&edited(&corpus, "12.13.3", |_, _| {})), []);
}

/// Programs and people get the same plan.
#[test]
fn all_formats_tell_of_the_backup() {
    let Some(corpus) = Corpus::find() else { return };
    let (_, plan) = back_to(&corpus, "13.12.7-migration-full", "12.13.3");
    let document: serde_json::Value = serde_json::from_str(&plan.json().unwrap()).unwrap();
    assert_eq!(document["upgrades"][0]["restores"], ID);
    let title = plan.title();
    assert!(title.contains(&ID.to_string()), "{title}");
    for text in [plan.to_string(), plan.script()] {
        assert!(text.contains(&title), "{text}");
        assert!(text.contains("--restore 1748937221 --to 12.13.3"), "{text}");
    }
    let page = html::plan(&plan, &[]);
    assert!(page.contains(&title), "{page}");
    let ticket = plan.markdown();
    assert!(
        ticket.contains("**3. Stop all of Camunda's applications and brokers**"),
        "{ticket}"
    );
    assert!(plan.yaml().unwrap().contains("restores: 1748937221"));
}
