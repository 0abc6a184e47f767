//! `importers-disabled`: what Operate and Tasklist have not imported yet would be lost to them.
//!
//! In 12 Operate and Tasklist import what Zeebe exports on their own. 13 has an exporter in their place, and importers
//! only for what is left over from 12: a Deployment that the chart renders with the data migration, off by default. The
//! migration waits for them.
//!
//! Since chart 13. Documented: "Enable Operate and Tasklist importers" and "Process migration"; the keys that the guide
//! names (`orchestration.importer.enabled`, `camunda.*.importerEnabled`) are read by no released chart.

use super::{Judge, Rule, wanted};

use crate::{
    camunda::Application,
    change::{Change, Facts, ObjectChange, Side},
    finding::{Action, Finding, Fix, RuleId, guide},
    fixes::migrations,
    knowledge::{configuration::Configuration, migration},
    kubernetes::workload::is_stopped,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ImportersDisabled,
    summary: "13 would run without the importers of what Operate and Tasklist have yet to read",
    guide: guide::IMPORTERS,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/importers-disabled.md"),
    needs: &[wanted::configuration],
    judge: Judge::Alone(judge),
};

/// Values that look as if they switched the importers on, one of them in the guide, and do nothing in the chart.
const UNREAD: [&str; 3] = [
    "orchestration.importer.enabled",
    "camunda.operate.importerEnabled",
    "camunda.tasklist.importerEnabled",
];

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let Some((from, to)) = migration::entering(change) else {
        return Vec::new();
    };
    if migration::is_done(change, facts) {
        return Vec::new();
    }
    let importers = Importers::of(change, facts);
    let missing: Vec<_> = migration::with_data(change, facts)
        .into_iter()
        .filter(|application| !importers.run_for(*application))
        .collect();
    let names: Vec<_> = missing
        .iter()
        .map(|application| application.name())
        .collect();
    let title = match names.as_slice() {
        [] => return Vec::new(),
        [name] => format!("The importer of {name} would not run"),
        names => format!("The importers of {} would not run", names.join(" and ")),
    };
    let mut why = vec![format!(
        "{} would never show what Zeebe {} has exported and {} not read yet. The data migration waits for it in vain.",
        to.application,
        from.application,
        match names.as_slice() {
            [name] => format!("{name} has"),
            names => format!("{} have", names.join(" and ")),
        },
    )];
    let (reasons, fixes) = cure(change, facts, &importers, &missing);
    why.extend(reasons);
    why.extend(migration::unread(change, &UNREAD));
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title,
        objects: importers
            .all
            .iter()
            .map(|(importer, _)| importer.object.clone())
            .collect(),
        why,
        fixes,
        guide: RULE.guide,
    }]
}

/// The workloads that can import in the new manifest.
struct Importers<'a> {
    /// The importer Deployments with their configuration.
    all: Vec<(&'a ObjectChange, Configuration)>,
    /// The Orchestration Cluster itself.
    cluster: Configuration,
}

impl<'a> Importers<'a> {
    fn of(change: &'a Change, facts: &Facts) -> Self {
        let configured = |workload| Configuration::of(change, facts, workload, Side::Planned);
        let is_importer = |workload: &&ObjectChange| {
            workload.camunda && workload.application(Side::Planned) == Some(Application::IMPORTER)
        };
        let all = change.objects.iter().filter(is_importer);
        let cluster = change.application(Application::ZEEBE, Side::Planned);
        Self {
            all: all
                .map(|workload| (workload, configured(workload)))
                .collect(),
            cluster: cluster.map(configured).unwrap_or_default(),
        }
    }

    fn run_for(&self, application: Application) -> bool {
        let property = property(application);
        let on = |(workload, configuration): &(&ObjectChange, Configuration)| {
            !is_off(workload) && configuration.flag(property) != Some(false)
        };
        self.cluster.flag(property) == Some(true) || self.all.iter().any(on)
    }
}

fn property(application: Application) -> &'static str {
    match application {
        Application::TASKLIST => "camunda.tasklist.importerEnabled",
        _ => "camunda.operate.importerEnabled",
    }
}

fn is_off(importer: &ObjectChange) -> bool {
    importer.on(Side::Planned).is_some_and(is_stopped)
}

/// Returns why the importers would not run, and the steps that make them run.
fn cure(
    change: &Change,
    facts: &Facts,
    importers: &Importers<'_>,
    missing: &[Application],
) -> (Vec<String>, Vec<Fix>) {
    let Some((importer, _)) = importers.all.first() else {
        let reason = "The new manifest has no importers; the chart renders them with the data migration, which is off by default.";
        return (
            vec![reason.to_owned()],
            migrations::switch_on(change, facts),
        );
    };
    if importers.all.iter().all(|(importer, _)| is_off(importer)) {
        let reason = format!("{} is to run with no replicas.", importer.object);
        let intro = "Give it one until the data migration is Complete: take away whatever sets its replicas to 0.";
        return (vec![reason], vec![Fix::say(intro)]);
    }
    let properties: Vec<_> = missing
        .iter()
        .map(|application| property(*application))
        .collect();
    let reasons = properties
        .iter()
        .map(|property| format!("{} is configured with {property}=false.", importer.object))
        .collect();
    let intro = format!(
        "Take {} out of your values (extraConfiguration, env, envFrom), or set it to true there.",
        properties.join(" and ")
    );
    (reasons, vec![Fix::say(intro)])
}
