//! Images of another line than the chart's: `images-of-another-line`, and the rules that go by what runs
//! (`CAMUNDA_CORPUS` for real charts).

use camunda_upgrade_guard::{finding::Action, kubernetes::Kind};
use harness::Corpus;
use serde_json::{Value, json};

use crate::{live::Upgrade, scene::Scene};

const RULE: &str = "images-of-another-line";
const SKIPPED: &str = "upgrade-path-skipped";
const OWN: &str = "app.kubernetes.io/part-of: camunda-platform, app.kubernetes.io/component";

fn workload(kind: &str, component: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: {kind}
metadata: {{name: camunda-{component}, labels: {{{OWN}: {component}}}}}
spec: {{replicas: 1, template: {{spec: {{containers: [{{image: \"{image}\"}}]}}}}}}"
    )
}

/// Zeebe and Operate.
fn images(tag: &str) -> String {
    let separator = if tag.starts_with("sha256") { '@' } else { ':' };
    [
        workload(
            "StatefulSet",
            "zeebe-broker",
            &format!("camunda/zeebe{separator}{tag}"),
        ),
        workload(
            "Deployment",
            "operate",
            &format!("camunda/operate{separator}{tag}"),
        ),
    ]
    .join("\n---\n")
}

fn scene(versions: [&'static str; 2], before: &str, after: &str) -> Scene {
    let [from, to] = versions;
    let mut scene = Scene::upgrade(from, to).planned(&images(after));
    for document in images(before).split("\n---\n") {
        scene = scene.running(document);
    }
    scene
}

fn found(scene: &Scene) -> Vec<&'static str> {
    let mut rules = scene.rules();
    rules.retain(|rule| [RULE, SKIPPED, "downgrade"].contains(rule));
    rules
}

#[test]
fn a_chart_does_not_run_images_of_another_line() {
    let pins = json!({"zeebe": {"image": {"tag": "8.4.9"}}, "operate": {"image": {"tag": "8.4.10"}},
        "optimize": {"image": {"tag": "8.3.1"}}, "global": {"image": {"tag": ""}}});
    let pinned = scene(["9.3.7", "10.0.2"], "8.4.9", "8.4.9").values(Value::Null, pins);
    let finding = pinned.refused(RULE);
    assert_eq!(
        finding.title,
        "Camunda 8.4 would run under chart 10.0.2, which is for 8.5"
    );
    assert!(
        finding
            .why
            .contains(&"  Operate 8.4.9 (Deployment camunda-operate)".to_owned()),
        "{:?}",
        finding.why
    );
    assert_eq!(
        finding.why.last().unwrap(),
        "Your values pin them: operate.image.tag, zeebe.image.tag."
    );
    // Beyond an old chart, too, and on an installation.
    assert_eq!(
        found(&scene(["10.0.2", "10.0.2"], "8.5.0", "8.6.1")),
        [RULE]
    );
    // Where nothing has run yet there is nothing to lose.
    let installed = Scene::install("10.0.2").planned(&images("8.4.9"));
    assert_eq!(installed.one(RULE).action, Action::Warn);
}

#[test]
fn images_that_belong_or_tell_nothing_pass() {
    for (versions, before, after) in [
        (["9.3.7", "10.0.2"], "8.4.9", "8.5.13"),
        (["9.3.7", "10.0.2"], "8.4.9", "sha256:00"),
        (["9.3.7", "10.0.2"], "8.4.9", "latest"),
        (["9.3.7", "10.0.2"], "8.4.9", "SNAPSHOT"),
        // A numbering of one's own.
        (["9.3.7", "10.0.2"], "1.4.9", "1.4.9"),
        // It has been so before.
        (["10.0.2", "10.11.3"], "8.4.9", "8.4.10"),
        (["10.0.2", "11.0.1"], "8.4.9", "8.4.9"),
    ] {
        assert!(
            found(&scene(versions, before, after)).is_empty(),
            "{versions:?} {before} {after}"
        );
    }
    let back = scene(["10.0.2", "10.0.2"], "8.5.0", "8.4.9").rollback();
    assert!(!found(&back).contains(&RULE));
}

/// Where all images are of an older line than the chart, they tell where one is.
#[test]
fn a_line_that_never_ran_is_skipped() {
    for (versions, before, after) in [
        (["10.0.2", "11.0.1"], "8.4.9", "8.6.2"),
        (["10.0.2", "10.11.3"], "8.3.5", "8.5.0"),
        // By its images, beyond its chart.
        (["10.0.2", "10.0.2"], "8.5.0", "8.7.1"),
        // By its chart, whatever it runs.
        (["10.0.2", "12.13.3"], "8.4.9", "8.4.9"),
    ] {
        assert!(
            found(&scene(versions, before, after)).contains(&SKIPPED),
            "{versions:?} {before} {after}"
        );
    }
    let finding = scene(["10.0.2", "11.0.1"], "8.4.9", "8.6.2").refused(SKIPPED);
    assert_eq!(finding.title, "The upgrade jumps over Camunda 8.5");
    let text = finding.why.join("\n");
    assert!(
        text.starts_with("From Camunda 8.4, which all images that run are of, to chart 11.0.1"),
        "{text}"
    );
    assert!(text.contains("10.11.3 (Camunda 8.5)"), "{text}");
    for (versions, before, after) in [
        (["10.0.2", "11.0.1"], "8.5.0", "8.6.2"),
        // The pins are taken out.
        (["10.0.2", "10.11.3"], "8.4.9", "8.5.13"),
    ] {
        assert!(
            found(&scene(versions, before, after)).is_empty(),
            "{versions:?} {before} {after}"
        );
    }
    // One of them has gone on already.
    let mixed = scene(["10.0.2", "11.0.1"], "8.5.0", "8.6.2");
    let mixed = mixed.live(&workload("Deployment", "operate", "camunda/operate:8.4.9"));
    assert!(!found(&mixed).contains(&SKIPPED));
}

#[test]
fn backups_and_notes_go_by_what_runs() {
    let backup = |scene: &Scene| scene.one("backup-first").title;
    let stays = scene(["9.3.7", "10.0.2"], "8.4.9", "8.4.9");
    assert_eq!(backup(&stays), "Back up before chart 9.3.7 becomes 10.0.2");
    let moves = scene(["10.0.2", "10.11.3"], "8.4.9", "8.5.13");
    assert_eq!(backup(&moves), "Back up before Camunda 8.4 becomes 8.5");
    let usual = scene(["9.3.7", "10.0.2"], "8.4.9", "8.5.0");
    assert_eq!(backup(&usual), "Back up before Camunda 8.4 becomes 8.5");
    let notes = |scene: &Scene| {
        let findings = scene.findings().into_iter();
        let notes = findings.filter(|finding| finding.rule.name() == "release-notes");
        notes
            .filter(|note| note.title.contains("migrate their data"))
            .count()
    };
    assert_eq!(notes(&scene(["8.2.34", "8.3.26"], "8.2.34", "8.3.26")), 1);
    assert_eq!(notes(&scene(["8.2.34", "8.3.26"], "8.2.34", "8.2.34")), 0);
    assert_eq!(notes(&scene(["8.3.26", "8.3.26"], "8.2.34", "8.3.26")), 1);
}

#[test]
fn real_charts_with_pinned_images() {
    let Some(corpus) = Corpus::find() else { return };
    let to_10 = Upgrade::between(&corpus, "9.3.7", "10.0.2-images-of-8.4");
    assert_eq!(
        to_10.refusing(),
        [RULE, "immutable-field-changed"],
        "{}",
        to_10.refusal()
    );
    let backup = to_10
        .findings()
        .into_iter()
        .find(|it| it.rule.name() == "backup-first")
        .unwrap();
    assert_eq!(backup.action, Action::Warn);
    assert!(
        backup.title.contains("chart 9.3.7 becomes 10.0.2"),
        "{}",
        backup.title
    );
    let good = Upgrade::between(&corpus, "9.3.7", "10.0.2");
    assert!(!good.refusing().contains(&RULE), "{}", good.refusal());

    let mut skipping = Upgrade::between(
        &corpus,
        "10.0.2-images-of-8.4",
        "11.0.1-after-images-of-8.4",
    );
    assert_eq!(skipping.refusing(), [SKIPPED], "{}", skipping.refusal());
    let next = Upgrade::between(&corpus, "10.0.2", "11.0.1");
    assert_eq!(next.refusing(), Vec::<&str>::new(), "{}", next.refusal());
    // What runs counts, not what the record says.
    for (kind, name) in [
        (Kind::StatefulSet, "camunda-zeebe"),
        (Kind::Deployment, "camunda-operate"),
    ] {
        let mut live = skipping.live(kind, name);
        let text = live.to_string().replace(":8.4.", ":8.5.");
        live = serde_json::from_str(&text).unwrap();
        skipping = skipping.with(live);
    }
    assert_eq!(
        skipping.refusing(),
        Vec::<&str>::new(),
        "{}",
        skipping.refusal()
    );
}
