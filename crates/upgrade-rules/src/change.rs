//! A change before it happens: what one release record or one object would change in the cluster.

mod defaults;
mod dry_run;
mod excess;
mod facts;
mod gap;
mod images;
mod live;
mod merge;
mod parsed;
mod parts;
mod rendered;
mod unread;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use self::{
    defaults::Defaults,
    dry_run::{DryRun, Refusal},
    excess::Excess,
    facts::{Facts, RESOURCE_POLICY},
    gap::{Gap, Unseen, Wanted},
    images::Versioned,
    merge::{after, after_spec, secret_data},
    parsed::Parsed,
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

/// The Helm operation or the API request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// `helm install`, also over leftovers of an earlier release.
    Install,
    /// `helm upgrade`.
    #[default]
    Upgrade,
    /// `helm rollback`, also the one that `--atomic` runs.
    Rollback,
    /// One object is created.
    Create,
    /// One object is updated.
    Update,
    /// One object is deleted.
    Delete,
    /// No operation: a deployed release is checked as it is.
    Deployed,
}

impl Operation {
    /// Returns the operation that a pending record announces.
    pub fn of(status: Status) -> Option<Operation> {
        match status {
            Status::PendingInstall => Some(Operation::Install),
            Status::PendingUpgrade => Some(Operation::Upgrade),
            Status::PendingRollback => Some(Operation::Rollback),
            _ => None,
        }
    }

    /// Returns the name that machine-readable reports use.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Install => "install",
            Operation::Upgrade => "upgrade",
            Operation::Rollback => "rollback",
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Delete => "delete",
            Operation::Deployed => "deployed",
        }
    }

    /// Returns the noun for a sentence: "upgrade of release …".
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
    /// The parsed version, for comparisons.
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

/// One of the two manifests that a change compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The running release's manifest.
    Running,
    /// The new manifest.
    Planned,
}

/// The change that one request would make.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The place where the change was seen.
    pub gate: Gate,
    /// The operation.
    pub operation: Operation,
    /// The release's name; for a single object, the name in its labels.
    pub release: String,
    /// The release's namespace.
    pub namespace: String,
    /// The chart that runs.
    pub from: Option<ChartVersion>,
    /// The chart that is to run.
    pub to: Option<ChartVersion>,
    /// The objects of both manifests.
    pub objects: Vec<ObjectChange>,
    /// The user's values for Camunda's chart.
    pub values: Values,
    /// The value schema of the new chart, if its record carries one.
    pub schema: Schema,
    /// The default values of the new chart, if its record carries them.
    pub defaults: Defaults,
    /// The user's values of the running release.
    pub running_values: Option<Values>,
    /// The newest patch of each line, if an admin has set it.
    pub newest_patches: NewestPatches,
    /// The Helm version that makes this change.
    pub helm: HelmCli,
    /// The Helm version that wrote the running release's record.
    pub running_helm: Option<HelmCli>,
    /// Namespaces and names of the Secrets that controllers will create from the new manifest's objects.
    pub produced: BTreeSet<(String, String)>,
    /// Subcharts' objects of kinds that no rule reads, which Helm deletes; filled only if a StatefulSet of Camunda goes.
    pub dropped: Vec<Dropped>,
    /// Claims that a rollback deletes and that only a never deployed revision brought.
    pub abandoned: BTreeSet<ObjectRef>,
    /// Helm's last attempt, if it did not complete; only for a deployed release that is checked as it is.
    pub attempt: Option<Attempt>,
}

/// A revision newer than the last deployed one.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The revision's number.
    pub revision: u64,
    /// The revision's status.
    pub status: Status,
    /// The chart versions: of this revision, and of the last deployed one.
    pub charts: [Option<String>; 2],
    /// Whether no revision before it is deployed.
    pub is_first: bool,
    /// The live workloads that match this revision, and those that still match the deployed one.
    pub live: [Vec<ObjectRef>; 2],
}

impl Attempt {
    /// Whether at least one live workload matches this revision.
    pub fn has_arrived(&self) -> bool {
        !self.live[0].is_empty()
    }
}

/// One object of a change; its live state is in [`Facts`].
#[derive(Clone, Debug)]
pub struct ObjectChange {
    /// The object's reference.
    pub object: ObjectRef,
    /// Whether it comes from Camunda's chart, not from another one under the same umbrella.
    pub camunda: bool,
    /// The subcharts below the release's chart that it was rendered from, where the manifest tells.
    pub charts: Option<Vec<String>>,
    /// The object's component, for workloads.
    pub component: Component,
    /// The object in the running release's manifest.
    pub running: Option<Arc<Object>>,
    /// The object in the new manifest, or the hook that runs now.
    pub planned: Option<Arc<Object>>,
    /// Whether Helm deletes and creates it anew instead of patching it (a hook's default).
    pub recreated: bool,
}

impl Change {
    /// Returns the change that a pending record announces against the running release.
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

    /// Compares the planned with the running manifest.
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

    /// Adds the claims of the revision that a rollback leaves if it was never deployed: Helm compares with that revision.
    pub fn leaving(&mut self, left: &Rendered) {
        let claims = left.objects.iter().filter(|object| {
            object.reference.kind == Kind::PersistentVolumeClaim && object.hook.is_none()
        });
        let mut known: BTreeSet<_> = self.objects.iter().map(|it| it.object.clone()).collect();
        for claim in claims {
            if !known.insert(claim.reference.clone()) {
                continue;
            }
            let mut change = ObjectChange::from_rendered(claim);
            change.running = Some(Arc::clone(&claim.object));
            self.objects.push(change);
            self.abandoned.insert(claim.reference.clone());
        }
    }

    /// Returns an empty change: a deployed release compared with itself.
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

    /// Returns the release that runs, as far as this change knows it.
    pub(crate) fn running(&self) -> Option<Rendered> {
        Rendered::found_by(self)
    }

    /// Returns the lines that an upgrade leaves and enters, if they differ.
    pub fn lines_crossed(&self) -> Option<(&'static Line, &'static Line)> {
        let from = self.from.as_ref()?.line?;
        let to = self.to.as_ref()?.line?;
        (from.position() != to.position()).then_some((from, to))
    }

    /// Returns the lines that an upgrade enters, its target last; none for a downgrade.
    pub fn lines_entered(&self) -> &'static [Line] {
        let crossed = self.lines_crossed();
        crossed.map_or(&[], |(from, to)| from.entered_to(to))
    }

    /// Whether the chart goes from below `version` to `version` or above.
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

    /// Whether the new chart has this feature and the running one does not.
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

    /// Finds the workload of one of Camunda's own applications in one of the two manifests.
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

/// Pairs the objects of both manifests: first the planned ones in their order, then those that only run.
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
    // Of two with one name the first counts.
    let mut places = BTreeMap::new();
    for (place, change) in objects.iter().enumerate() {
        places.entry(change.object.clone()).or_insert(place);
    }
    for object in running.into_iter().flat_map(|running| &running.objects) {
        // Helm forgets a hook once it ran; its object is not the release's to delete.
        if object.hook.is_some() {
            continue;
        }
        let place = *places.entry(object.reference.clone()).or_insert_with(|| {
            objects.push(ObjectChange::from_rendered(object));
            objects.len() - 1
        });
        if let Some(change) = objects.get_mut(place) {
            change.running = Some(Arc::clone(&object.object));
        }
    }
    objects
}

impl ObjectChange {
    /// Whether both manifests have it in the same words, so that nothing has to be compared.
    pub fn is_as_before(&self) -> bool {
        let sides = self.running.as_ref().zip(self.planned.as_ref());
        sides.is_some_and(|(running, planned)| Arc::ptr_eq(running, planned))
    }

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

    /// Returns the object from one of the two manifests.
    pub fn on(&self, side: Side) -> Option<&Object> {
        match side {
            Side::Running => self.running.as_deref(),
            Side::Planned => self.planned.as_deref(),
        }
    }

    /// Returns which of Camunda's own applications the object is in one of the two manifests.
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
