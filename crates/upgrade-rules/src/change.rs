//! A change before it happens: what one release record or one object would make of the cluster.

mod defaults;
mod dry_run;
mod facts;
mod images;
mod live;
mod merge;
mod parts;
mod rendered;
mod unread;

use std::{collections::BTreeSet, sync::Arc};

pub use self::{
    defaults::Defaults,
    dry_run::{DryRun, Refusal},
    facts::{Facts, Gap, RESOURCE_POLICY},
    images::Versioned,
    merge::{after, after_spec, secret_data},
    parts::{Part, parts},
    rendered::{HelmCli, Rendered, RenderedObject, chart_version},
    unread::Dropped,
};
use semver::Version;

use crate::{
    camunda::{Application, Component, Feature, Line, NewestPatches},
    helm::{
        release::{Release, Status},
        values::{Schema, Values},
    },
    kubernetes::{Kind, Object, ObjectRef},
};

/// Where a change was seen; it decides what a rule may refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gate {
    /// A Helm release record: nothing was applied yet.
    #[default]
    Release,
    /// One object: a refusal here can leave a half-applied upgrade behind.
    Object,
}

/// What is being done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// `helm install`, also over what an earlier release left.
    Install,
    /// `helm upgrade`.
    #[default]
    Upgrade,
    /// `helm rollback`, also `--atomic`'s own.
    Rollback,
    /// One object is created.
    Create,
    /// One object is updated.
    Update,
    /// One object is deleted.
    Delete,
    /// Nothing: a release is looked at as it runs.
    Deployed,
}

impl Operation {
    /// The operation that a pending record announces.
    pub fn of(status: Status) -> Option<Operation> {
        match status {
            Status::PendingInstall => Some(Operation::Install),
            Status::PendingUpgrade => Some(Operation::Upgrade),
            Status::PendingRollback => Some(Operation::Rollback),
            _ => None,
        }
    }

    /// The noun for a sentence: "upgrade of release …".
    pub fn noun(self) -> &'static str {
        match self {
            Operation::Install => "install",
            Operation::Upgrade => "upgrade",
            Operation::Rollback => "rollback",
            Operation::Create => "creation",
            Operation::Update => "update",
            Operation::Delete => "deletion",
            Operation::Deployed => "state",
        }
    }

    /// Whether Helm runs a hook with these events now.
    pub fn runs(self, events: &[String]) -> bool {
        events.iter().any(|event| {
            matches!(
                (self, event.as_str()),
                (Operation::Install, "pre-install" | "post-install")
                    | (Operation::Upgrade, "pre-upgrade" | "post-upgrade")
                    | (Operation::Rollback, "pre-rollback" | "post-rollback")
            )
        })
    }
}

/// A chart and its version, as far as they are known.
#[derive(Clone, Debug)]
pub struct ChartVersion {
    /// The version of Camunda's chart.
    pub version: String,
    /// The same, to compare.
    pub parsed: Option<Version>,
    /// Its release line, if the guard knows it.
    pub line: Option<&'static Line>,
}

impl ChartVersion {
    /// A version with its line.
    pub fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            parsed: Version::parse(version).ok(),
            line: Line::of(version),
        }
    }
}

/// One of the two manifests that a change is between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The running release's.
    Running,
    /// The new one.
    Planned,
}

/// What one request would change.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Where it was seen.
    pub gate: Gate,
    /// What is being done.
    pub operation: Operation,
    /// The release's name; for a single object the one that its labels name.
    pub release: String,
    /// The release's namespace.
    pub namespace: String,
    /// The chart that runs.
    pub from: Option<ChartVersion>,
    /// The chart that is to run.
    pub to: Option<ChartVersion>,
    /// The objects of both.
    pub objects: Vec<ObjectChange>,
    /// What the user sets for Camunda's chart.
    pub values: Values,
    /// What the schema of the chart that is to run says of values, where its record carries one.
    pub schema: Schema,
    /// What the chart that is to run has by default, where its record carries it.
    pub defaults: Defaults,
    /// What the user had set for the release that runs.
    pub running_values: Option<Values>,
    /// The newest patches of the lines, where an admin has set them.
    pub newest_patches: NewestPatches,
    /// The Helm that is at work.
    pub helm: HelmCli,
    /// The Helm that wrote the record of the release that runs.
    pub running_helm: Option<HelmCli>,
    /// Namespace and name of the Secrets that controllers will make of the new manifest's objects.
    pub produced: BTreeSet<(String, String)>,
    /// What Helm deletes of subcharts beside a StatefulSet, of kinds that no rule reads.
    pub dropped: Vec<Dropped>,
    /// The claims that only a revision has brought that never was deployed, and that a rollback takes away.
    pub abandoned: BTreeSet<ObjectRef>,
    /// What Helm did last with a release that is looked at as it runs, where that came to no end.
    pub attempt: Option<Attempt>,
}

/// A revision newer than what was deployed last.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its number.
    pub revision: u64,
    /// What became of it.
    pub status: Status,
    /// The version of its chart, and of the chart that was deployed last.
    pub charts: [Option<String>; 2],
    /// Whether no revision before it is deployed.
    pub is_first: bool,
    /// The workloads that are as it has them, and those that are as before.
    pub live: [Vec<ObjectRef>; 2],
}

impl Attempt {
    /// Whether what runs is of this revision, in part at least.
    pub fn has_arrived(&self) -> bool {
        !self.live[0].is_empty()
    }
}

/// One object of a change; what is live is among the facts.
#[derive(Clone, Debug)]
pub struct ObjectChange {
    /// Which object.
    pub object: ObjectRef,
    /// Whether it comes from Camunda's chart, not from another one under the same umbrella.
    pub camunda: bool,
    /// The subcharts below the release's chart that it was rendered from, where the manifest tells.
    pub charts: Option<Vec<String>>,
    /// Which part of Camunda it is, for workloads.
    pub component: Component,
    /// As the running release's manifest has it.
    pub running: Option<Arc<Object>>,
    /// As the new manifest has it, or the hook that runs now.
    pub planned: Option<Arc<Object>>,
    /// Whether Helm deletes and creates it anew instead of patching it (a hook's default).
    pub recreated: bool,
}

impl Change {
    /// The change that a pending record announces over what runs.
    pub fn of_release(
        release: &Release,
        planned: &Rendered,
        running: Option<&Rendered>,
    ) -> Option<Change> {
        let operation = Operation::of(release.info.status)?;
        let (name, namespace) = (&release.name, &release.namespace);
        Some(Change::between(
            operation, name, namespace, planned, running,
        ))
    }

    /// The change from what runs to what is to run.
    pub fn between(
        operation: Operation,
        release: &str,
        namespace: &str,
        planned: &Rendered,
        running: Option<&Rendered>,
    ) -> Change {
        let objects = paired(operation, planned, running);
        let goes = |object: &ObjectChange| {
            object.object.kind == Kind::StatefulSet && object.camunda && object.removed()
        };
        let dropped = running.filter(|_| objects.iter().any(goes));
        let dropped = dropped.map(|running| unread::dropped(running, planned, namespace));
        Change {
            gate: Gate::Release,
            operation,
            release: release.to_owned(),
            namespace: namespace.to_owned(),
            from: running
                .and_then(|running| running.camunda_version.as_deref().map(ChartVersion::new)),
            to: planned.camunda_version.as_deref().map(ChartVersion::new),
            objects,
            values: planned.values.clone(),
            schema: planned.schema.clone(),
            defaults: planned.defaults.clone(),
            running_values: running.map(|running| running.values.clone()),
            newest_patches: NewestPatches::default(),
            helm: planned.helm.clone(),
            running_helm: running.map(|running| running.helm.clone()),
            produced: planned.produced.clone(),
            dropped: dropped.unwrap_or_default(),
            abandoned: BTreeSet::new(),
            attempt: None,
        }
    }

    /// Adds the claims of the revision that a rollback leaves, should that never have been deployed: Helm compares with it.
    pub fn leaving(&mut self, left: &Rendered) {
        let claims = left.objects.iter().filter(|object| {
            object.reference.kind == Kind::PersistentVolumeClaim && object.hook.is_none()
        });
        for claim in claims {
            if self.find(&claim.reference).is_some() {
                continue;
            }
            let mut change = ObjectChange::from_rendered(claim);
            change.running = Some(Arc::clone(&claim.object));
            self.objects.push(change);
            self.abandoned.insert(claim.reference.clone());
        }
    }

    /// No change at all: a release as it runs.
    pub fn of_deployed(release: &str, namespace: &str, running: &Rendered) -> Change {
        let operation = Operation::Deployed;
        Change::between(operation, release, namespace, running, Some(running))
    }

    /// The change of a single object.
    pub fn of_object(
        operation: Operation,
        reference: ObjectRef,
        release: &str,
        planned: Object,
    ) -> Change {
        let version = rendered::chart_version(&planned);
        Change {
            gate: Gate::Object,
            operation,
            release: release.to_owned(),
            namespace: reference.namespace.clone(),
            to: version.map(|version| ChartVersion::new(&version)),
            objects: vec![ObjectChange {
                object: reference,
                camunda: true,
                charts: None,
                component: Component::of(&planned, None),
                running: None,
                planned: Some(Arc::new(planned)),
                recreated: false,
            }],
            ..Change::default()
        }
    }

    /// The deletion of a single object.
    pub fn of_deletion(reference: ObjectRef, release: &str, old: Object) -> Change {
        let mut change = Change::of_object(Operation::Delete, reference, release, old);
        change.from = change.to.take();
        for object in &mut change.objects {
            object.running = object.planned.take();
        }
        change
    }

    /// The lines that an upgrade leaves and enters, if it changes line.
    pub fn lines_crossed(&self) -> Option<(&'static Line, &'static Line)> {
        let from = self.from.as_ref()?.line?;
        let to = self.to.as_ref()?.line?;
        (from.position() != to.position()).then_some((from, to))
    }

    /// The lines that an upgrade enters, its target last; none on a way down.
    pub fn lines_entered(&self) -> &'static [Line] {
        let crossed = self.lines_crossed();
        crossed.map_or(&[], |(from, to)| from.entered_to(to))
    }

    /// Whether this takes the chart from below `version` to it or above.
    pub fn enters(&self, version: &str) -> bool {
        let parsed = |chart: &Option<ChartVersion>| chart.as_ref()?.parsed.clone();
        let (Some(from), Some(to), Ok(version)) = (
            parsed(&self.from),
            parsed(&self.to),
            Version::parse(version),
        ) else {
            return false;
        };
        from < version && version <= to
    }

    /// Whether this takes the chart to something that it did not have.
    pub fn gets(&self, feature: Feature) -> bool {
        let parsed = |chart: &'_ Option<ChartVersion>| chart.as_ref()?.parsed.clone();
        let ends = parsed(&self.from).zip(parsed(&self.to));
        ends.is_some_and(|(from, to)| feature.comes_with(&from, &to))
    }

    /// The objects of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &ObjectChange> {
        self.objects
            .iter()
            .filter(move |change| change.object.kind == kind)
    }

    /// An object by its name.
    pub fn find(&self, reference: &ObjectRef) -> Option<&ObjectChange> {
        self.objects
            .iter()
            .find(|change| change.object == *reference)
    }

    /// Camunda's own workload of this kind that one of the two manifests has.
    pub fn application(&self, application: Application, side: Side) -> Option<&ObjectChange> {
        self.objects
            .iter()
            .find(|change| change.camunda && change.application(side) == Some(application))
    }

    /// The line whose value keys a user should type.
    pub fn target_line(&self) -> Option<&'static Line> {
        self.to.as_ref().or(self.from.as_ref())?.line
    }
}

/// The objects of both manifests, each once: what is planned, in its order, and what only runs.
fn paired(
    operation: Operation,
    planned: &Rendered,
    running: Option<&Rendered>,
) -> Vec<ObjectChange> {
    let mut objects: Vec<ObjectChange> = Vec::with_capacity(planned.objects.len());
    for object in &planned.objects {
        if object
            .hook
            .as_ref()
            .is_some_and(|hook| !operation.runs(&hook.events))
        {
            continue;
        }
        let mut change = ObjectChange::from_rendered(object);
        change.planned = Some(Arc::clone(&object.object));
        change.recreated = object.hook.as_ref().is_some_and(|hook| hook.recreated);
        objects.push(change);
    }
    for object in running.into_iter().flat_map(|running| &running.objects) {
        // Helm forgets a hook once it ran; its object is not the release's to delete.
        if object.hook.is_some() {
            continue;
        }
        if let Some(change) = objects
            .iter_mut()
            .find(|change| change.object == object.reference)
        {
            change.running = Some(Arc::clone(&object.object));
        } else {
            let mut change = ObjectChange::from_rendered(object);
            change.running = Some(Arc::clone(&object.object));
            objects.push(change);
        }
    }
    objects
}

impl ObjectChange {
    fn from_rendered(object: &RenderedObject) -> Self {
        Self {
            object: object.reference.clone(),
            camunda: object.camunda,
            charts: object.charts.clone(),
            component: object.component,
            running: None,
            planned: None,
            recreated: false,
        }
    }

    /// As one of the two manifests has it.
    pub fn on(&self, side: Side) -> Option<&Object> {
        match side {
            Side::Running => self.running.as_deref(),
            Side::Planned => self.planned.as_deref(),
        }
    }

    /// Which of Camunda's own applications it is in one of the two manifests.
    pub fn application(&self, side: Side) -> Option<Application> {
        match self.object.kind {
            Kind::StatefulSet | Kind::Deployment | Kind::Job => Application::of(self.on(side)?),
            _ => None,
        }
    }

    /// Whether Helm would delete it: it is in the running manifest and not in the new one.
    pub fn removed(&self) -> bool {
        self.running.is_some() && self.planned.is_none()
    }
}
