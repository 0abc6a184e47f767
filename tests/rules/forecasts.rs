//! What is foretold of an upgrade by the data of the lines, beside what the real chart makes of it (`CAMUNDA_CORPUS`).

use std::collections::BTreeSet;

use camunda_upgrade_guard::{
    change::{Change, ChartVersion, Facts, Rendered},
    finding::Action,
    forecast::InstalledRelease,
    kubernetes::Kind,
    rules,
};
use harness::Corpus;

use crate::corpus_volumes::{live, release};

/// A release and the chart over it, with what only the real manifest shows, and what only its other values do.
type Step = (&'static str, &'static str, &'static [&'static str]);

const STEPS: [Step; 10] = [
    ("8.0.12", "8.1.27", &[]),
    ("8.1.27", "8.2.34", &[]),
    ("8.2.34", "8.3.1", &[]),
    ("8.2.34-defaults", "8.3.1-defaults", &[]),
    ("8.2.34-three-nodes", "8.3.1-three-nodes", &[]),
    // These charts find their Secrets on a cluster, which the corpus was rendered without.
    ("8.3.1", "9.3.7", &["identity-secret-regenerated"]),
    ("9.3.7", "10.0.2", &["identity-secret-regenerated"]),
    ("10.0.2", "12.13.3", &["identity-secret-regenerated"]),
    // How the new applications are configured to log in is in no data.
    ("12.13.3", "13.12.7-defaults", &["authentication-changed"]),
    (
        "12.13.3-defaults",
        "13.12.7-defaults",
        &["authentication-changed"],
    ),
];

fn refusing(change: &Change, facts: &Facts) -> BTreeSet<&'static str> {
    let findings = rules::judge(change, facts);
    let denied = findings
        .iter()
        .filter(|finding| finding.action == Action::Deny);
    denied.map(|finding| finding.rule.name()).collect()
}

#[test]
fn what_is_foretold_meets_the_rules_that_the_real_chart_meets() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    for (from, to, only_real) in STEPS {
        let running = Rendered::of(&release(&corpus, from, "deployed"), None);
        let next = release(&corpus, to, "pending-upgrade");
        let mut planned = Rendered::of(&next, Some(&running));
        planned.values = running.values.clone();
        let real = Change::of_release(&next, &planned, Some(&running)).unwrap();
        let facts = live(&running);
        let chart = ChartVersion::new(planned.camunda_version.as_deref().unwrap());
        let standing = InstalledRelease::of("camunda", "camunda", running.clone()).unwrap();
        let forecast = standing.upgraded(&chart, &running.values).unwrap();
        let mut expected = refusing(&real, &facts);
        for rule in only_real {
            assert!(expected.remove(rule), "{from} to {to}: {rule}");
        }
        assert_eq!(
            refusing(&forecast.change, &facts),
            expected,
            "{from} to {to}"
        );
    }
}

/// Names, kinds, claims and images of what runs then are those of the real chart.
#[test]
fn what_is_foretold_runs_what_the_real_chart_runs() {
    let Some(corpus) = Corpus::find() else {
        return;
    };
    for (from, to) in [
        ("8.1.27", "8.2.34"),
        ("8.2.34", "8.3.1"),
        ("9.3.7", "10.0.2"),
        ("10.0.2", "12.13.3"),
    ] {
        let workloads = |rendered: &Rendered| -> BTreeSet<_> {
            let kinds = [Kind::StatefulSet, Kind::Deployment, Kind::Secret];
            let objects = rendered.objects.iter();
            let of_kinds = objects.filter(|object| kinds.contains(&object.reference.kind));
            of_kinds
                .map(|object| {
                    let template = "/spec/volumeClaimTemplates/0/metadata/name";
                    let template = object.object.str(template).map(str::to_owned);
                    (object.reference.clone(), template)
                })
                .collect()
        };
        let running = Rendered::of(&release(&corpus, from, "deployed"), None);
        let real = Rendered::of(&release(&corpus, to, "deployed"), None);
        let chart = ChartVersion::new(real.camunda_version.as_deref().unwrap());
        let standing = InstalledRelease::of("camunda", "camunda", running.clone()).unwrap();
        let forecast = standing.upgraded(&chart, &running.values).unwrap();
        let (foretold, real) = (workloads(&forecast.planned), workloads(&real));
        let missing: Vec<_> = real.difference(&foretold).collect();
        // Console and the license came with later charts, switched off and on by nobody here.
        let new = ["-console", "-license"];
        let missing: Vec<_> = missing
            .into_iter()
            .filter(|(object, _)| !new.iter().any(|end| object.name.ends_with(end)))
            .collect();
        assert!(missing.is_empty(), "{from} to {to}: {missing:?}");
        let surplus: Vec<_> = foretold.difference(&real).collect();
        assert!(surplus.is_empty(), "{from} to {to}: {surplus:?}");
    }
}
