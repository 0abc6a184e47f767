//! No command that the guard prints is one that it refuses: each goes through a shell's parser and the guard's own endpoints, in the
//! order in which it is printed, and each value through the schema of the chart that is to read it.

pub mod block;
pub mod kubectl;
pub mod stage;
mod values;
mod whole;

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    annotations::REBIND_TO,
    change::{Change, Facts, Operation, Rendered},
    denial::{Part, outline},
    finding::{Action, Command, Effect, Finding, Fix, Flag, Typing, What},
    forecast::InstalledRelease,
    kubernetes::{Kind, Object, ObjectRef},
    plan::{Means, Plan},
    proof::prove,
    rules,
};
use harness::Corpus;

use self::stage::Stage;
use crate::{
    corpus_volumes::{live, newest, release},
    pairs::{PAIRS, upgrade},
    scene::{Scene, claim, secret, statefulset},
};

/// What a person has yet to fill in, as it has been printed.
const BLANKS: [&str; 4] = ["CHANGE_ME", "YOUR_", "TODO", "changeme"];

/// Programs that a block may begin with.
const PROGRAMS: [&str; 11] = [
    "{ ",
    "kubectl ",
    "helm ",
    "export ",
    "cat > ",
    "camunda-upgrade-guard ",
    "test ",
    "(",
    "if ",
    "case ",
    "umask ",
];

/// What is wrong with commands, a line each.
#[derive(Default)]
struct Faults {
    found: BTreeSet<String>,
    /// The commands that were looked at already.
    seen: BTreeSet<String>,
}

impl Faults {
    fn add(&mut self, of: &str, finding: &Finding, command: &str, what: &str) {
        self.found.insert(format!(
            "{of}: {}: {what}\n{command}\n",
            finding.rule.name()
        ));
    }

    #[track_caller]
    fn none(self) {
        let faults: Vec<_> = self.found.into_iter().collect();
        assert!(
            faults.is_empty(),
            "{} faults\n{}",
            faults.len(),
            faults.join("\n")
        );
    }
}

/// A word that stands for something else, such as `<its value>`.
pub fn blank(text: &str) -> Option<&str> {
    let begins = |at: usize| text[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
    let angle = text
        .match_indices('<')
        .map(|(at, _)| at)
        .find(|at| begins(*at));
    let angle = angle.and_then(|at| {
        let line = text[at..].lines().next()?;
        Some(&line[..=line.find('>')?])
    });
    angle.or_else(|| BLANKS.into_iter().find(|blank| text.contains(*blank)))
}

/// What is wrong with a command as it stands.
fn wrong(command: &Command) -> Option<String> {
    let text = command.text();
    if let Some(blank) = blank(&text) {
        return Some(format!("holds the blank {blank}"));
    }
    let prose = matches!(command, Command::Manual(_));
    if text.trim_end().ends_with('.') && !prose {
        return Some("ends in a full stop".to_owned());
    }
    match command {
        Command::HelmFlag(_) => None,
        command if command.typing() == Typing::Shell => {
            (!begins(&text)).then(|| "begins with no program".to_owned())
        }
        Command::Manual(text) if begins(without_number(text)) => {
            Some("is a command that nobody can paste".to_owned())
        }
        Command::Manual(text) => text
            .starts_with('-')
            .then(|| "is a flag without its program".to_owned()),
        _ => None,
    }
}

/// The line for a shell. What a person decides on is behind a comment sign; what only a person can do is none.
fn typed(command: &Command, giving_up: bool) -> Option<String> {
    match command {
        Command::HelmFlag(_) | Command::Manual(_) => None,
        Command::Commented(command) => typed(command, giving_up).filter(|_| giving_up),
        Command::Decide(command) => typed(command, giving_up),
        other => Some(other.text()),
    }
}

fn without_number(text: &str) -> &str {
    let numbered = text.split_once(". ");
    let numbered = numbered.filter(|(number, _)| number.parse::<u32>().is_ok());
    numbered.map_or(text, |(_, rest)| rest)
}

fn begins(text: &str) -> bool {
    PROGRAMS.iter().any(|program| text.starts_with(program))
}

/// Pastes one step.
pub fn paste(stage: &mut Stage, fix: &Fix, giving_up: bool) -> Result<(), (String, String)> {
    let commands = fix.commands.iter();
    let lines: Vec<_> = commands
        .filter_map(|command| typed(command, giving_up))
        .collect();
    let block = lines.join("\n");
    if block.is_empty() {
        return Ok(());
    }
    let calls = block::run(&block).map_err(|error| (block.clone(), error))?;
    for call in calls {
        kubectl::apply(stage, &call).map_err(|error| (call.words.join(" "), error))?;
    }
    Ok(())
}

/// What a call of kubectl says that it changes is what it changes.
fn assert_effects(stage: &Stage, fix: &Fix, seen: &mut BTreeSet<String>) {
    let mut stage = stage.clone();
    for command in &fix.commands {
        let Some(text) = typed(command, false).filter(|text| !text.contains('$')) else {
            continue;
        };
        let Ok(calls) = block::run(&text) else { return };
        let before = stage.live.0.clone();
        for call in calls {
            if kubectl::apply(&mut stage, &call).is_err() {
                return;
            }
        }
        if matches!(command, Command::Kubectl(_)) && seen.insert(text.clone()) {
            let after = &stage.live.0;
            let changed = before
                .iter()
                .filter(|(it, object)| after.get(it) != Some(object));
            // What follows for others, such as a claim whose volume goes, is not the command's own.
            let kinds: Vec<_> = command.effects().iter().map(|it| it.object.kind).collect();
            for (object, _) in changed.filter(|(it, _)| kinds.contains(&it.kind)) {
                let mut told = command.effects().iter();
                assert!(
                    told.any(|effect| effect.object == *object),
                    "{text}: {object}"
                );
            }
            for effect in command.effects() {
                assert_is_so(&text, effect, after.get(&effect.object));
            }
        }
    }
}

fn assert_is_so(text: &str, effect: &Effect, object: Option<&Object>) {
    match (&effect.what, object) {
        (What::Deleted | What::DeletedAlone | What::AwaitedGone, after) => {
            assert_eq!(after, None, "{text}");
        }
        // What is waited for nothing here brings about, and the shell makes the values.
        (What::AwaitedComplete | What::AwaitedBound | What::Made(_) | What::Filled(_), _) => {}
        (_, None) => panic!("{text}: {} is not there", effect.object),
        (What::Scaled(pods), Some(after)) => {
            assert_eq!(after.0["spec"]["replicas"], *pods, "{text}")
        }
        // A guard may have set more, and taken away what asked it to.
        (What::Merged(patch), Some(after)) if !patch.to_string().contains(REBIND_TO) => {
            let mut again = after.0.clone();
            json_patch::merge(&mut again, patch);
            assert_eq!(again, after.0, "{text}");
        }
        (What::Merged(_) | What::Patched(_), Some(_)) => {}
    }
}

/// Pastes all that findings print, in its order; another way to the same is gone beside.
fn paste_all(of: &str, stage: &mut Stage, findings: &[Finding], faults: &mut Faults) {
    let mut before: Vec<&Finding> = Vec::new();
    for action in [Action::Deny, Action::Warn] {
        for finding in findings.iter().filter(|it| it.action == action) {
            let fixes = outline(finding, &before)
                .into_iter()
                .filter_map(|told| match told {
                    Part::Fix(fix) => Some(fix),
                    _ => None,
                });
            let mut start = stage.clone();
            for fix in fixes {
                for command in &fix.commands {
                    if let Some(wrong) = wrong(command) {
                        faults.add(of, finding, &command.text(), &wrong);
                    }
                }
                if fix.moment.cures() {
                    start = stage.clone();
                }
                assert_effects(&start, fix, &mut faults.seen);
                let mut results = vec![paste(&mut start.clone(), fix, true)];
                if fix.moment.cures() {
                    results.push(paste(stage, fix, false));
                }
                for (command, error) in results.into_iter().filter_map(Result::err) {
                    faults.add(of, finding, &command, &error);
                }
            }
            before.push(finding);
        }
    }
}

/// Judges, does what is printed, and judges what is left.
fn prepare(of: &str, change: &Change, facts: &Facts, faults: &mut Faults) {
    let mut stage = Stage::of(facts);
    for round in 1..=3 {
        let facts = stage.live.facts();
        let findings = rules::judge(change, &facts);
        let mut proved = findings.clone();
        prove(change, &facts, &mut proved);
        let fixes = |findings: &[Finding]| -> Vec<_> {
            findings.iter().map(|it| it.fixes.clone()).collect()
        };
        assert_eq!(fixes(&proved), fixes(&findings), "{of}, round {round}");
        paste_all(
            &format!("{of}, round {round}"),
            &mut stage,
            &findings,
            faults,
        );
    }
}

#[test]
fn nothing_printed_for_a_real_upgrade_is_refused() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let mut faults = Faults::default();
    for (from, to) in PAIRS {
        let (change, facts) = upgrade(&corpus, from, to);
        prepare(&format!("{from} to {to}"), &change, &facts, &mut faults);
    }
    faults.none();
}

/// Going back, and installing again over what an earlier installation has left.
#[test]
fn nothing_printed_for_other_ways_is_refused() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let mut faults = Faults::default();
    for (from, to) in [
        ("12.13.3", "8.3.1"),
        ("8.2.34", "8.0.12"),
        ("10.0.2", "12.13.3"),
    ] {
        let (change, facts) = upgrade(&corpus, from, to);
        prepare(&format!("{from} to {to}"), &change, &facts, &mut faults);
    }
    for name in ["8.2.34", "12.13.3", "13.12.7-identity"] {
        let planned = release(&corpus, name, "pending-install");
        let rendered = Rendered::of(&planned, None);
        let change = Change::of_release(&planned, &rendered, None).unwrap();
        let mut stage = Stage::of(&live(&rendered));
        let left = [Kind::PersistentVolumeClaim, Kind::PersistentVolume];
        stage
            .live
            .0
            .retain(|reference, _| left.contains(&reference.kind));
        prepare(
            &format!("{name} again"),
            &change,
            &stage.live.facts(),
            &mut faults,
        );
    }
    faults.none();
}

/// What is refused or warned of without a record: claims, volumes and Secrets that somebody deletes, workloads that somebody edits.
#[test]
fn nothing_printed_for_a_single_object_is_refused() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let mut faults = Faults::default();
    for name in ["8.2.34", "12.13.3", "13.12.7-identity"] {
        let rendered = Rendered::of(&release(&corpus, name, "deployed"), None);
        let stage = Stage::of(&live(&rendered));
        let mut facts = stage.live.facts();
        facts.insert_release("camunda", "camunda");
        for (reference, object) in &stage.live.0 {
            let of = format!("{name}, {reference}");
            let mut changes = Vec::new();
            match reference.kind {
                Kind::PersistentVolumeClaim | Kind::PersistentVolume | Kind::Secret => {
                    changes.push(Change::of_deletion(
                        reference.clone(),
                        "camunda",
                        object.clone(),
                    ));
                }
                Kind::StatefulSet => {
                    for edit in EDITS {
                        let mut edited = object.clone();
                        edit(&mut edited.0);
                        let update = Operation::Update;
                        changes.push(Change::of_object(
                            update,
                            reference.clone(),
                            "camunda",
                            edited,
                        ));
                    }
                }
                _ => {}
            }
            for change in changes {
                let findings = rules::judge(&change, &facts);
                paste_all(&of, &mut stage.clone(), &findings, &mut faults);
            }
        }
    }
    faults.none();
}

/// What people do to StatefulSets.
const EDITS: [fn(&mut serde_json::Value); 4] = [
    |set| set["spec"]["replicas"] = 1.into(),
    |set| set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] = "Delete".into(),
    |set| set["spec"]["serviceName"] = "another".into(),
    |set| {
        if set["spec"]["volumeClaimTemplates"].is_array() {
            set["spec"]["volumeClaimTemplates"][0]["metadata"]["name"] = "another".into();
        }
    },
];

/// Claims that a StatefulSet takes along, classes that can clone, and Secrets that are there already.
#[test]
fn nothing_printed_for_odd_releases_is_refused() {
    const POSTGRESQL: &str = "app.kubernetes.io/name: postgresql, app.kubernetes.io/instance: camunda, app.kubernetes.io/part-of: camunda-platform";
    const ELASTIC: &str =
        "app: elasticsearch-master, chart: elasticsearch, release: camunda, heritage: Helm";
    const BITNAMI: &str = "app.kubernetes.io/name: elasticsearch, app.kubernetes.io/instance: camunda, app.kubernetes.io/component: master, app.kubernetes.io/part-of: camunda-platform";
    let database = statefulset("camunda-postgresql", "data", POSTGRESQL, 1);
    let takes_along = |set: &str| {
        format!("{set}\n  persistentVolumeClaimRetentionPolicy: {{whenDeleted: Delete}}")
    };
    let old = statefulset("elasticsearch-master", "elasticsearch-master", ELASTIC, 2);
    let new = statefulset("camunda-elasticsearch-master", "data", BITNAMI, 2);
    let class = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: standard}\nprovisioner: csi.example.com\nvolumeBindingMode: WaitForFirstConsumer\n---\napiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: csi.example.com}\nspec: {}";
    let camundas = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: camunda-operate, labels: {app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/instance: camunda}}\nspec: {}";
    let elasticsearch = |old: &str| {
        Scene::upgrade("8.2.34", "8.3.1")
            .known()
            .running(camundas)
            .planned(camundas)
            .running(old)
            .planned(&new)
            .live(&claim(
                "elasticsearch-master-elasticsearch-master-0",
                "Bound",
                ELASTIC,
            ))
            .live(&claim(
                "elasticsearch-master-elasticsearch-master-1",
                "Bound",
                ELASTIC,
            ))
    };
    let reads = |secret: &str| {
        let env = format!(
            "env: [{{name: POSTGRES_PASSWORD, valueFrom: {{secretKeyRef: {{name: {secret}, key: password}}}}}}]"
        );
        database.replace("image: x", &format!("image: x, {env}"))
    };
    let passwords =
        |name: &str, value: &str| secret(name, POSTGRESQL, &format!("password: {value}"));
    let moved = |to: &str| {
        Scene::upgrade("12.13.3", "12.13.3")
            .known()
            .running(&reads("camunda-postgresql"))
            .running(&passwords("camunda-postgresql", "before"))
            .live(&claim("data-camunda-postgresql-0", "Bound", POSTGRESQL))
            .planned(&reads(to))
    };
    let scenes = [
        (
            "a database is switched off",
            Scene::upgrade("12.13.3", "12.13.3")
                .known()
                .running(&database)
                .live(&claim("data-camunda-postgresql-0", "Bound", POSTGRESQL)),
        ),
        (
            "a database goes with its claims",
            Scene::upgrade("12.13.3", "12.13.3")
                .known()
                .running(&takes_along(&database))
                .live(&claim("data-camunda-postgresql-0", "Bound", POSTGRESQL)),
        ),
        ("elasticsearch moves", elasticsearch(&old)),
        (
            "elasticsearch moves and can be cloned",
            elasticsearch(&old).live(class),
        ),
        (
            "elasticsearch goes with its claims",
            elasticsearch(&takes_along(&old)),
        ),
        ("a password from a Secret that is not there", moved("mine")),
        (
            "a password from another Secret",
            moved("mine").live(&secret("mine", "", "password: after")),
        ),
        (
            "a Secret goes",
            Scene::upgrade("12.13.3", "12.13.3")
                .known()
                .running(&reads("camunda-postgresql"))
                .running(&passwords("camunda-postgresql", "before"))
                .live(&claim("data-camunda-postgresql-0", "Bound", POSTGRESQL))
                .planned(&reads("camunda-postgresql")),
        ),
        (
            "a database in another major",
            Scene::upgrade("8.1.27", "8.2.34")
                .known()
                .running(&database.replace(
                    "name: c, image: x",
                    "name: postgresql, image: 'bitnami/postgresql:14.5.0'",
                ))
                .planned(&database.replace(
                    "name: c, image: x",
                    "name: postgresql, image: 'bitnami/postgresql:15.2.0'",
                ))
                .live(&claim("data-camunda-postgresql-0", "Bound", POSTGRESQL)),
        ),
    ];
    let mut faults = Faults::default();
    for (of, scene) in scenes {
        let (change, facts) = scene.judged();
        assert!(!rules::judge(&change, &facts).is_empty(), "{of}");
        prepare(of, &change, &facts, &mut faults);
    }
    faults.none();
}

/// Where each line goes next.
const NEXT: [(&str, &str); 9] = [
    ("8.0.", "8.1.27"),
    ("8.1.", "8.2.34"),
    ("8.2.", "8.3.1"),
    ("8.3.", "9.3.7"),
    ("9.", "10.0.2"),
    ("10.", "11.0.1"),
    ("11.", "12.13.3"),
    ("12.", "13.12.7"),
    ("13.", "14.0.0"),
];

/// The plan of a release to the next line, as a script that asks nobody.
fn standing(rendered: &Rendered) -> InstalledRelease {
    InstalledRelease::of("camunda", "camunda", rendered.clone()).unwrap()
}

fn script(rendered: &Rendered, to: &str) -> String {
    let standing = standing(rendered);
    let means = Means {
        chart: "camunda/camunda-platform".to_owned(),
        values: vec!["values.yaml".to_owned()],
        ..Means::default()
    };
    let (facts, to) = (live(rendered), to.parse().unwrap());
    let plan = Plan::of(&standing, &facts, &to, means, &newest()).unwrap();
    let script = plan.script();
    for word in ["ask", "decide"] {
        assert!(script.contains(&format!("\n{word}() {{\n")));
    }
    // Whoever is asked says yes.
    script
        .replacen("\nask() {\n", "\nask() { return 0; }\nasked() {\n", 1)
        .replacen(
            "\ndecide() {\n",
            "\ndecide() { return 0; }\ndecided() {\n",
            1,
        )
}

#[test]
fn nothing_in_the_script_of_a_plan_is_refused() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    let mut faults = Vec::new();
    for name in corpus.names().unwrap() {
        let Some((_, to)) = NEXT.iter().find(|(line, _)| name.starts_with(line)) else {
            continue;
        };
        let rendered = Rendered::of(&release(&corpus, &name, "deployed"), None);
        let script = script(&rendered, to);
        let code = script
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        for line in code.filter(|line| line.contains("kubectl") || line.contains("helm ")) {
            if let Some(blank) = blank(line) {
                faults.push(format!("{name} to {to}: {blank} in {line}"));
            }
        }
        let calls = match block::run(&script) {
            Ok(calls) => calls,
            Err(error) => {
                faults.push(format!("{name} to {to}: the script {error}"));
                continue;
            }
        };
        let mut stage = Stage::of(&live(&rendered));
        let upgrades = |call: &block::Call| call.words[0] == "helm" && call.words[1] == "upgrade";
        assert!(calls.iter().any(upgrades), "{name}");
        for call in calls.iter().take_while(|call| !upgrades(call)) {
            if let Err(error) = kubectl::apply(&mut stage, call) {
                faults.push(format!("{name} to {to}: {error}\n{}", call.words.join(" ")));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// The lint itself finds what it is there for.
#[test]
fn a_command_that_nobody_can_paste_is_found() {
    for (command, fault) in [
        (
            Command::Shell(
                "kubectl create secret generic a --from-literal=b='<its value>'".to_owned(),
            ),
            Some("blank"),
        ),
        (
            Command::Shell("kubectl delete pvc a.".to_owned()),
            Some("full stop"),
        ),
        (Command::Shell("--set a=b".to_owned()), Some("program")),
        (
            Command::Manual("--set-string a='<the old password>'".to_owned()),
            Some("blank"),
        ),
        (Flag::set("a", "CHANGE_ME").into(), Some("blank")),
        (
            Command::Shell("cat > a <<'EOF'\na: b\nEOF".to_owned()),
            None,
        ),
        (
            Flag::Printed("kubectl get secret a".to_owned()).into(),
            None,
        ),
    ] {
        let found = wrong(&command);
        assert_eq!(found.is_some(), fault.is_some(), "{command:?}: {found:?}");
        assert!(
            found
                .unwrap_or_default()
                .contains(fault.unwrap_or_default())
        );
    }
    let numbered = Command::Manual("2. kubectl get pods".to_owned());
    assert!(wrong(&numbered).is_some());
    for block in [
        "kubectl get 'x",
        "cat > a <<'EOF'\nb",
        "nobody-knows-this",
        "if true; then",
    ] {
        assert!(block::run(block).is_err(), "{block}");
    }
    let claims = statefulset(
        "camunda-zeebe",
        "data",
        "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker, app.kubernetes.io/instance: camunda",
        1,
    );
    let labels = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component: zeebe-broker, app.kubernetes.io/instance: camunda";
    let scene = Scene::upgrade("12.13.3", "12.13.3")
        .running(&claims)
        .live(&claim("data-camunda-zeebe-0", "Bound", labels));
    let mut stage = Stage::of(&scene.judged().1);
    let deletes = Fix::new(
        "",
        vec![Command::Shell(
            "kubectl -n prod delete pvc data-camunda-zeebe-0".to_owned(),
        )],
    );
    let (_, error) = paste(&mut stage, &deletes, false).unwrap_err();
    assert!(error.contains("claim-deleted"), "{error}");
    let claim = ObjectRef::new(Kind::PersistentVolumeClaim, "prod", "data-camunda-zeebe-0");
    assert!(stage.get(&claim).is_ok());
    let keeps = vec![
        Command::Shell(r#"kubectl patch pv volume-data-camunda-zeebe-0 -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'"#.to_owned()),
        Command::Shell("kubectl -n prod delete pvc data-camunda-zeebe-0".to_owned()),
    ];
    paste(&mut stage, &Fix::new("", keeps), false).unwrap();
    assert!(stage.get(&claim).is_err());
}
