//! What is live while commands are typed one after the other, behind a guard.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};

use super::{others, pods, unfit::Unfit};
use crate::{
    annotations::REBIND_TO,
    change::{Change, Facts, Operation},
    finding::{Action, Command, Effect, Finding, Source, What},
    knowledge::{claims::is_retained, credentials::values::Value as Known},
    kubernetes::{Kind, Mounts, Object, ObjectRef, json, replicas},
    mutations::volume_claim_ref,
    rules,
    storage::Storage,
};

/// A value that a person types or a command makes up.
const ANY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// What is live.
#[derive(Clone)]
pub(super) struct Live<'a> {
    change: &'a Change,
    /// What was live before anything was typed.
    before: &'a Facts,
    now: Facts,
    /// Pods that were not read, but that a StatefulSet must have.
    assumed: BTreeSet<ObjectRef>,
    deleted: BTreeSet<ObjectRef>,
}

impl<'a> Live<'a> {
    pub(super) fn of(change: &'a Change, before: &'a Facts) -> Self {
        let mut now = before.clone();
        // The gates that the commands pass ask whether their objects are of a release of Camunda.
        now.insert_release(change.namespace.as_str(), change.release.as_str());
        let assumed = pods::assumed(before);
        for (reference, pod) in &assumed {
            now.insert(reference.kind, Arc::new(pod.clone()));
        }
        Self {
            change,
            before,
            now,
            assumed: assumed
                .into_iter()
                .map(|(reference, _)| reference)
                .collect(),
            deleted: BTreeSet::new(),
        }
    }

    /// What is live, as it would be read.
    pub(super) fn facts(&self) -> Facts {
        let mut facts = self.now.clone();
        for pod in &self.assumed {
            facts.remove(pod);
        }
        facts
    }

    /// Whether all that commands are about was read, so that what they do is known.
    pub(super) fn foretells<'c>(&self, commands: impl IntoIterator<Item = &'c Command>) -> bool {
        let mut effects = commands.into_iter().flat_map(Command::effects);
        effects.all(|effect| !self.before.unread(&effect.object))
    }

    /// Whether a finding is about one of these objects, or about a claim that one of them mounts.
    pub(super) fn is_about(&self, finding: &Finding, objects: &[ObjectRef]) -> bool {
        let mounts = |set: &&ObjectRef| {
            let live = self
                .before
                .get(set)
                .filter(|_| set.kind == Kind::StatefulSet);
            live.is_some_and(|live| {
                let mounts = Mounts::of(live);
                let mut own = finding.objects.iter();
                own.any(|it| mounts.parse(&it.name).is_some())
            })
        };
        let is_own = |object: &&ObjectRef| finding.objects.contains(object);
        objects
            .iter()
            .any(|object| is_own(&object) || mounts(&object))
    }

    /// Types commands one after the other.
    pub(super) fn type_all<'c>(
        &mut self,
        commands: impl IntoIterator<Item = &'c Command>,
    ) -> Result<(), Unfit> {
        let start = self.facts();
        let mut moves = false;
        for effect in commands.into_iter().flat_map(Command::effects) {
            self.apply(effect)?;
            moves |= !matches!(effect.object.kind, Kind::Secret | Kind::Pod | Kind::Job);
        }
        match moves {
            true => self.keeps_mounted(&start),
            false => Ok(()),
        }
    }

    /// Nothing that was mounted after the upgrade is mounted by nothing then.
    fn keeps_mounted(&self, start: &Facts) -> Result<(), Unfit> {
        let lost = |facts: &Facts| -> BTreeSet<String> {
            let storage = Storage::prepared(self.change, self.before, facts);
            let stores = storage.stores.into_iter();
            let lost = stores.filter(|store| store.fate.is_loss());
            lost.filter_map(|store| Some(store.volume?.name)).collect()
        };
        let (first, then) = (lost(start), lost(&self.facts()));
        let lost = then.difference(&first).next();
        lost.map_or(Ok(()), |volume| Err(Unfit::Unmounts(volume.clone())))
    }

    /// Applies an effect as the API server would behind a guard. What was not read stays unknown.
    pub(super) fn apply(&mut self, effect: &Effect) -> Result<(), Unfit> {
        let reference = &effect.object;
        if let What::AwaitedGone = effect.what {
            return self.await_gone(reference);
        }
        if let What::Made(keys) = &effect.what {
            if self.now.get(reference).is_none() {
                let values = self.values(keys)?;
                self.make_secret(reference, &values);
            }
            return Ok(());
        }
        let Some(live) = self.now.get(reference).cloned() else {
            return self.of_none(effect);
        };
        if effect.what.deletes() {
            return self.delete(effect, &live);
        }
        let Some(object) = self.changed(effect, &live)? else {
            return Ok(());
        };
        self.retains(reference, &live, &object)?;
        let loss = others::loss(self.change, &self.now, reference, &live, Some(&object));
        loss.map_or(Ok(()), |loss| Err(Unfit::Costs(Box::new(loss))))?;
        let release = self.change.release.as_str();
        let update = Operation::Update;
        let update = Change::of_object(update, reference.clone(), release, object.clone());
        self.admitted(&update)?;
        let ends = matches!(effect.what, What::Scaled(_));
        self.now.insert(reference.kind, Arc::new(object.clone()));
        if ends {
            self.end_pods(&object, replicas(&object));
        }
        Ok(())
    }

    /// An effect on what is not live. Several cures may delete the same.
    fn of_none(&self, effect: &Effect) -> Result<(), Unfit> {
        let reference = &effect.object;
        match self.deleted.contains(reference) {
            true if effect.what.deletes() => Ok(()),
            true => Err(Unfit::Gone(reference.clone())),
            false if self.may_be_there(reference) => Ok(()),
            false => Err(Unfit::Nowhere(reference.clone())),
        }
    }

    /// Whether an object that was not read may be there all the same.
    fn may_be_there(&self, reference: &ObjectRef) -> bool {
        let of_a_claim = || {
            let mut claims = self.before.of_kind(Kind::PersistentVolumeClaim);
            claims.any(|claim| claim.str("/spec/volumeName") == Some(reference.name.as_str()))
        };
        match reference.kind {
            Kind::StatefulSet
            | Kind::Deployment
            | Kind::Job
            | Kind::Secret
            | Kind::PersistentVolumeClaim => self.before.unread(reference),
            Kind::PersistentVolume => self.before.unread(reference) || of_a_claim(),
            _ => true,
        }
    }

    /// The object as an effect leaves it, with what the guard changes by itself.
    fn changed(&self, effect: &Effect, live: &Object) -> Result<Option<Object>, Unfit> {
        let mut object = live.clone();
        match &effect.what {
            What::Scaled(replicas) => object.0["spec"]["replicas"] = (*replicas).into(),
            What::Merged(patch) => json_patch::merge(&mut object.0, patch),
            What::Patched(patch) => {
                let patch = serde_json::from_value(patch.clone());
                if patch.is_ok_and(|patch: json_patch::Patch| {
                    json_patch::patch(&mut object.0, &patch).is_err()
                }) {
                    return Ok(None);
                }
            }
            What::Filled(keys) => {
                for (key, value) in self.values(keys)? {
                    put(&mut object.0, &key, &value);
                }
            }
            What::AwaitedComplete => {
                let complete = json!([{"type": "Complete", "status": "True"}]);
                json::set(&mut object.0, ["status", "conditions"], complete);
            }
            What::AwaitedBound => json::set(&mut object.0, ["status", "phase"], "Bound"),
            What::Made(_) | What::Deleted | What::DeletedAlone | What::AwaitedGone => {}
        }
        let is_volume = effect.object.kind == Kind::PersistentVolume;
        if is_volume && object.annotation(REBIND_TO).is_some() {
            match volume_claim_ref::mutate(&object, &self.now) {
                Ok(Some(mutated)) => object = mutated.object,
                Ok(None) => {}
                Err(finding) => return Err(Unfit::Refused(finding.rule)),
            }
        }
        Ok(Some(object))
    }

    /// What is labelled for others to take up or handed over outlives its claim, whatever goes wrong with that.
    fn retains(&self, reference: &ObjectRef, old: &Object, new: &Object) -> Result<(), Unfit> {
        let changed = |pointer: &str| old.at(pointer) != new.at(pointer);
        let volume = match reference.kind {
            Kind::PersistentVolumeClaim if changed("/metadata/labels") => self.now.volume_of(new),
            Kind::PersistentVolume if changed("/spec/claimRef/name") => Some(new),
            _ => None,
        };
        match volume.is_none_or(is_retained) {
            true => Ok(()),
            false => Err(Unfit::Unretained(reference.clone())),
        }
    }

    fn delete(&mut self, effect: &Effect, live: &Object) -> Result<(), Unfit> {
        let reference = &effect.object;
        let loss = others::loss(self.change, &self.now, reference, live, None);
        loss.map_or(Ok(()), |loss| Err(Unfit::Costs(Box::new(loss))))?;
        let release = self.change.release.as_str();
        let deletion = Change::of_deletion(reference.clone(), release, live.clone());
        self.admitted(&deletion)?;
        self.now.remove(reference);
        self.deleted.insert(reference.clone());
        if effect.what == What::Deleted {
            self.end_pods(live, 0);
        }
        Ok(())
    }

    fn admitted(&self, change: &Change) -> Result<(), Unfit> {
        let findings = rules::judge(change, &self.now);
        // What can't be judged yet is judged when the command comes.
        let is_refusal = |it: &&Finding| it.action == Action::Deny && it.rule != rules::NOT_CHECKED;
        let refusal = findings.iter().find(is_refusal);
        refusal.map_or(Ok(()), |refusal| Err(Unfit::Refused(refusal.rule)))
    }

    /// The values that keys get.
    fn values(&self, keys: &[(String, Option<Source>)]) -> Result<Vec<(String, Vec<u8>)>, Unfit> {
        let value = |source: &Option<Source>| match source {
            Some(source) => printed(&self.now, source),
            None => Ok(ANY.to_vec()),
        };
        let keys = keys.iter();
        keys.map(|(key, source)| Ok((key.clone(), value(source)?)))
            .collect()
    }

    fn make_secret(&mut self, reference: &ObjectRef, values: &[(String, Vec<u8>)]) {
        let mut secret = json!({
            "metadata": {"name": reference.name, "namespace": reference.namespace}
        });
        for (key, value) in values {
            put(&mut secret, key, value);
        }
        self.now.insert(reference.kind, Arc::new(Object(secret)));
    }

    /// Has the pods of a StatefulSet go, but for the first ones.
    fn end_pods(&mut self, set: &Object, left: u64) {
        let Some(namespace) = set.namespace() else {
            return;
        };
        let pods: Vec<_> = self
            .now
            .of_kind(Kind::Pod)
            .filter(|pod| pod.namespace() == Some(namespace))
            .filter(|pod| {
                pods::of_set(pod.name(), set.name()).is_some_and(|ordinal| ordinal >= left)
            })
            .cloned()
            .collect();
        for mut pod in pods {
            json::set(&mut pod.0, ["metadata", "deletionTimestamp"], "now");
            self.now.insert(Kind::Pod, Arc::new(pod));
        }
    }

    fn await_gone(&mut self, reference: &ObjectRef) -> Result<(), Unfit> {
        let Some(pod) = self.now.get(reference) else {
            return Ok(());
        };
        if pod.at("/metadata/deletionTimestamp").is_none() {
            return Err(Unfit::WaitsInVain(reference.clone()));
        }
        self.now.remove(reference);
        Ok(())
    }
}

/// The value that a source prints; anything where only the shell knows it.
pub(super) fn printed(facts: &Facts, source: &Source) -> Result<Vec<u8>, Unfit> {
    match others::printed(facts, source) {
        Known::Known(value) if !value.is_empty() => Ok(value),
        Known::Known(_) | Known::Missing => Err(Unfit::Unread(source.to_string())),
        Known::Unknown => Ok(ANY.to_vec()),
    }
}

fn put(secret: &mut Value, key: &str, value: &[u8]) {
    let text = String::from_utf8_lossy(value).into_owned();
    json::set(secret, ["stringData", key], text);
}
