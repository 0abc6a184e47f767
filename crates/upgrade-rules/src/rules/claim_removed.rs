//! `claim-removed`: Helm would delete a claim that stands in the chart's manifest, and its data with it.
//!
//! Claims of StatefulSets outlive them; those of Deployments are objects of the release like any other: where the next
//! manifest does not have them, Helm deletes them. Optimize's two become one in 14, Web Modeler's goes within 13, and
//! `persistence.enabled: false` takes away any of them.
//!
//! Since chart 13. Beyond the guides.

mod mounted;

use self::mounted::{Mount, Source, mounts, source};
use super::{Judge, Rule, at};

use crate::{
    annotations::REBIND_TO,
    camunda::is_own,
    change::{Change, Facts, ObjectChange, Operation, Wanted},
    finding::{Action, Command, Finding, Fix, Kubectl, Objects, Reference, RuleId},
    fixes::{give_up, retain::retain},
    knowledge::claims::{deleted_on_purpose, holds_data, is_retained, named_volume, names_claim},
    kubernetes::{
        Kind, Object, ObjectRef,
        workload::{became_ready, is_stopped},
    },
    matching,
    volume_move::keep_claims,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::ClaimRemoved,
    summary: "a claim that is not in the new manifest would be deleted with its data",
    guide: Reference::Nowhere("Camunda's guides speak of the claims of StatefulSets only"),
    release: &[Action::Deny, Action::Warn],
    object: at(&[Action::Deny, Action::Warn], &[&matching::CLAIM_DELETIONS]),
    page: include_str!("../../../../docs/rules/claim-removed.md"),
    needs: &[needs],
    judge: Judge::Alone(judge),
};

/// A claim that Helm deletes.
struct Removed<'a> {
    claim: &'a Object,
    reference: &'a ObjectRef,
    volume: Option<&'a Object>,
    mounts: Vec<Mount<'a>>,
    lot: Lot,
}

/// What happens to the data in a removed claim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lot {
    /// It is deleted with the volume.
    Lost,
    /// The volume stays.
    Retained,
    /// There is nothing in it, as the claim never got a volume.
    Unbound,
    /// Nothing ever mounted the claim.
    Unmounted,
    /// It is temporary and may be lost at any time.
    Temporary,
    /// The claim came with the revision that is left, and no pod that mounts it became ready.
    Unready,
}

/// The claims that Helm would delete, as they are.
pub fn removed<'a>(
    change: &'a Change,
    facts: &'a Facts,
) -> impl Iterator<Item = (&'a ObjectChange, &'a Object)> {
    let upgrades = matches!(change.operation, Operation::Upgrade | Operation::Rollback);
    let claims = change.of_kind(Kind::PersistentVolumeClaim);
    let claims = claims.filter(move |claim| upgrades && claim.removed());
    claims.filter_map(|claim| {
        let live = facts.get(&claim.object)?;
        let own = claim.camunda || is_own(live);
        (own && !facts.keeps(&claim.object)).then_some((claim, live))
    })
}

/// The claims' volumes, and the pods that may use them.
fn needs(change: &Change, facts: Option<&Facts>) -> Vec<Wanted> {
    facts.map_or_else(Vec::new, |facts| behind_removed(change, facts))
}

/// The volumes of the claims that Helm deletes, and the pods that may use them.
pub fn behind_removed(change: &Change, facts: &Facts) -> Vec<Wanted> {
    let bound = removed(change, facts).filter(|(_, live)| holds_data(live));
    let behind = bound.flat_map(|(claim, live)| {
        let pods = Wanted::All(Kind::Pod, claim.object.namespace.clone());
        named_volume(live)
            .map(Wanted::One)
            .into_iter()
            .chain([pods])
    });
    behind.collect()
}

fn judge(change: &Change, facts: &Facts) -> Vec<Finding> {
    let (lost, told): (Vec<_>, Vec<_>) = removed(change, facts)
        .filter_map(|(claim, live)| Removed::of(change, facts, &claim.object, live))
        .partition(|removed| removed.lot == Lot::Lost);
    let deny = (!lost.is_empty()).then(|| refusal(change, facts, &lost));
    let warn = (!told.is_empty()).then(|| warning(change, facts, &told));
    deny.into_iter().chain(warn).collect()
}

impl<'a> Removed<'a> {
    /// Returns `None` if somebody has decided about the claim, or its volume belongs to another claim already.
    fn of(
        change: &'a Change,
        facts: &'a Facts,
        reference: &'a ObjectRef,
        claim: &'a Object,
    ) -> Option<Self> {
        let namespace_terminating = claim.at("/metadata/deletionTimestamp").is_some();
        if namespace_terminating
            || deleted_on_purpose(claim)
            || facts.namespace_terminating(&reference.namespace)
        {
            return None;
        }
        let mounts = mounts(change, facts, &reference.namespace, claim.name());
        let mut removed = Self {
            claim,
            reference,
            volume: None,
            mounts,
            lot: Lot::Unbound,
        };
        if !holds_data(claim) {
            let is_lost = claim.str("/status/phase") == Some("Lost");
            return (!is_lost).then_some(removed);
        }
        let volume = facts.volume_of(claim)?;
        let is_its = names_claim(volume, &reference.namespace, claim.name());
        if !is_its || deleted_on_purpose(volume) {
            return None;
        }
        removed.volume = Some(volume);
        removed.lot = removed.lot_of(change, facts, volume);
        Some(removed)
    }

    fn lot_of(&self, change: &Change, facts: &Facts, volume: &Object) -> Lot {
        let mut paths = self.paths();
        if self.mounts.is_empty() {
            Lot::Unmounted
        } else if paths.all(mounted::is_temporary) {
            Lot::Temporary
        } else if is_retained(volume) {
            Lot::Retained
        } else if change.abandoned.contains(self.reference) && !self.has_run(facts) {
            Lot::Unready
        } else {
            Lot::Lost
        }
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.mounts
            .iter()
            .flat_map(|mount| mount.paths.iter().map(String::as_str))
    }

    /// Whether a workload or pod that mounts the claim may have written to it.
    fn has_run(&self, facts: &Facts) -> bool {
        self.mounts.iter().any(|mount| {
            let live = facts.get(&mount.by);
            mount.workload.is_none() || live.is_some_and(|live| became_ready(mount.by.kind, live))
        })
    }

    fn volume_name(&self) -> &str {
        self.volume.map_or("", Object::name)
    }

    fn size(&self) -> &str {
        let size = self.volume.and_then(|it| it.str("/spec/capacity/storage"));
        size.unwrap_or("of unknown size")
    }

    /// Describes who mounts the claim, and where.
    fn use_of(&self) -> String {
        let mounts = self.mounts.iter().map(|mount| {
            let paths: Vec<_> = mount.paths.iter().map(String::as_str).collect();
            format!("at {} by {}", paths.join(", "), mount.by)
        });
        let mounts: Vec<_> = mounts.collect();
        format!("mounted {}", mounts.join(" and "))
    }

    /// Returns the replacement that pods find in its place, if the new manifest tells.
    fn place(&self, change: &Change) -> Option<Source> {
        self.mounts.iter().find_map(|mount| {
            let paths = mount.paths.iter();
            let mut lasting = paths.filter(|path| !mounted::is_temporary(path));
            lasting.find_map(|path| source(change, mount.workload?, path))
        })
    }

    /// Returns the end of a sentence about the claim's replacement.
    fn successor(&self, change: &Change) -> String {
        match self.place(change) {
            Some(Source::Claim(claim)) => format!("; claim {claim} takes its place, empty"),
            Some(Source::Ephemeral) => {
                "; a directory that goes with its pod takes its place".to_owned()
            }
            None => "; nothing takes its place".to_owned(),
        }
    }

    /// The new claim that its volume can be handed over to: one that there is not yet.
    fn heir(&self, change: &Change, facts: &Facts) -> Option<String> {
        let Some(Source::Claim(claim)) = self.place(change) else {
            return None;
        };
        let heir = ObjectRef::new(
            Kind::PersistentVolumeClaim,
            &self.reference.namespace,
            &claim,
        );
        let planned = change.find(&heir).and_then(|it| it.planned.as_deref());
        (planned.is_some() && facts.get(&heir).is_none() && !facts.unread(&heir)).then_some(claim)
    }
}

fn refusal(change: &Change, facts: &Facts, lost: &[Removed<'_>]) -> Finding {
    let title = match lost {
        [one] => format!("Helm would delete claim {} and its data", one.claim.name()),
        more => format!("Helm would delete {} claims and their data", more.len()),
    };
    let mut why = vec![
        "Helm deletes what is not in the new manifest any more; with policy Delete a volume goes with its claim:".to_owned(),
    ];
    why.extend(lost.iter().map(|it| {
        format!(
            "  {} on volume {} ({}), {}{}",
            it.claim.name(),
            it.volume_name(),
            it.size(),
            it.use_of(),
            it.successor(change)
        )
    }));
    let (handed, stop) = hand_over(change, facts, lost);
    let heirless: Vec<_> = lost
        .iter()
        .filter(|it| !handed.iter().any(|(claim, _)| *claim == it.claim.name()))
        .collect();
    let mut fixes: Vec<_> = stop.into_iter().collect();
    if !heirless.is_empty() {
        let volumes = heirless.iter().map(|it| it.volume_name());
        fixes.push(Fix::new(
            "Keep the volume; it is Released then, with all that is in it, and what is needed of it is to be copied by hand:",
            [retain(volumes)],
        ));
    }
    if !handed.is_empty() {
        let volumes = lost.iter().map(|it| it.volume_name());
        fixes.push(Fix::alternative(
            "Or only keep the volume, which nothing mounts then:",
            [retain(volumes)],
        ));
    }
    fixes.extend(give_up::claims(lost.iter().map(|it| it.claim)));
    Finding {
        rule: RULE.id,
        action: Action::Deny,
        title,
        objects: lost.iter().map(|it| it.reference.clone()).collect(),
        why,
        fixes,
        guide: RULE.guide,
    }
}

/// Returns which volume goes to which claim, and the step that does it. A claim takes only one of several volumes.
fn hand_over<'a>(
    change: &Change,
    facts: &Facts,
    removed: &'a [Removed<'_>],
) -> (Vec<(&'a str, String)>, Option<Fix>) {
    let mut handed: Vec<(&str, String)> = Vec::new();
    let (mut stop, mut annotate) = (Vec::new(), Vec::new());
    for it in removed {
        let Some(heir) = it.heir(change, facts) else {
            continue;
        };
        if handed.iter().any(|(_, other)| *other == heir) {
            continue;
        }
        for command in stopped(facts, it) {
            if !stop.contains(&command) {
                stop.push(command);
            }
        }
        let volume = Objects::new(Kind::PersistentVolume, "", [it.volume_name()]);
        let to = format!("{}/{heir}", it.reference.namespace);
        annotate.push(Command::from(volume.annotate(&[(REBIND_TO, &to)])));
        handed.push((it.claim.name(), heir));
    }
    let heirs: Vec<_> = handed.iter().map(|(_, heir)| heir.as_str()).collect();
    let intro = format!(
        "Stop the pods and hand the volume over to claim {}, which the upgrade makes (sets policy Retain and the claimRef); there \
         is downtime from here until the upgrade is through:",
        heirs.join(", ")
    );
    stop.extend(annotate);
    let fix = (!stop.is_empty()).then(|| Fix::new(intro, stop));
    (handed, fix)
}

/// Returns the commands that stop all writers of a claim.
fn stopped(facts: &Facts, removed: &Removed<'_>) -> Vec<Command> {
    let namespace = removed.reference.namespace.as_str();
    let mut commands = Vec::new();
    for mount in &removed.mounts {
        let (kind, name) = (mount.by.kind, mount.by.name.as_str());
        let live = facts.get(&mount.by).filter(|live| !is_stopped(live));
        if live.is_none() || ![Kind::Deployment, Kind::StatefulSet].contains(&kind) {
            continue;
        }
        commands.extend(keep_claims(facts, namespace, name));
        commands.push(Objects::new(kind, namespace, [name]).scale(0).into());
    }
    let pods = facts.pods_using(namespace, removed.claim.name());
    if !pods.is_empty() {
        commands.push(Kubectl::await_gone(namespace, pods).into());
    }
    commands
}

fn warning(change: &Change, facts: &Facts, told: &[Removed<'_>]) -> Finding {
    let title = match told {
        [one] => format!("Helm deletes claim {}", one.claim.name()),
        more => format!("Helm deletes {} claims", more.len()),
    };
    let why = told.iter().map(|it| of_lot(change, it)).collect();
    let retained: Vec<_> = told.iter().filter(|it| it.lot == Lot::Retained).collect();
    let mut fixes = Vec::new();
    if !retained.is_empty() {
        fixes.extend(hand_over(change, facts, told).1);
    }
    let deletable: Vec<_> = told
        .iter()
        .filter_map(|it| it.volume)
        .filter(|volume| !is_retained(volume))
        .map(Object::name)
        .collect();
    if !deletable.is_empty() {
        fixes.push(Fix::new(
            "Should anything in it be of use, keep the volume:",
            [retain(deletable)],
        ));
    }
    Finding {
        rule: RULE.id,
        action: Action::Warn,
        title,
        objects: told.iter().map(|it| it.reference.clone()).collect(),
        why,
        fixes,
        guide: RULE.guide,
    }
}

/// Returns a sentence about what happens to the data of a claim.
fn of_lot(change: &Change, it: &Removed<'_>) -> String {
    let (claim, volume) = (it.claim.name(), it.volume_name());
    match it.lot {
        Lot::Unbound => format!("{claim} never was Bound and holds nothing."),
        Lot::Unmounted => format!("No workload of the release mounts {claim} (volume {volume})."),
        Lot::Temporary => format!("{claim} on volume {volume} is only {}.", it.use_of()),
        Lot::Unready => format!(
            "{claim} on volume {volume} came with a revision that failed before any pod that mounts it became ready."
        ),
        Lot::Retained | Lot::Lost => format!(
            "{claim} is {}; its volume {volume} ({}) stays with the data{}.",
            it.use_of(),
            it.size(),
            it.successor(change)
        ),
    }
}
