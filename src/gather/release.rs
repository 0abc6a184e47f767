//! The facts for a whole release.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, stream};

use super::{Left, PARALLEL, Reader, Running, class_of, measure::REVIEW, volume_of};
use crate::{
    camunda::{Component, NewestPatches, is_elastics},
    change::{Change, Facts, Gap, ObjectChange, Rendered, Wanted, parts},
    cluster::User,
    finding::Finding,
    helm::release::Release,
    knowledge::{
        claims::{self},
        configuration::config_maps,
        migration,
    },
    kubernetes::{Kind, Mounts, Object, ObjectRef},
    rules::{
        self, Counting, NOT_CHECKED, SecretRef, changed_user, connectors_secret,
        gives_claim_labels, goes_back, removed_claims, renamed_gateway, secret_refs,
    },
};

/// On whose behalf a release is judged.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// Whoever wrote a record into this namespace: they may write there, and elsewhere only if the API server says so.
    Writer(&'a str, &'a User),
    /// Whoever reads with rights of their own.
    Reader,
}

/// What a release would change and what is known of it, a part for each Camunda in it.
#[derive(Debug, Default)]
pub struct Announced {
    /// The name of the part's chart where there are several, its change and its facts.
    pub parts: Vec<(Option<String>, Change, Facts)>,
}

impl Announced {
    /// What all rules find of all parts.
    pub fn judge(&self) -> Vec<Finding> {
        self.judge_counting(&rules::by_default)
    }

    /// The same where not all rules count as they do by default.
    pub(crate) fn judge_counting(&self, counts: Counting<'_>) -> Vec<Finding> {
        let mut all = Vec::new();
        for (subchart, change, facts) in &self.parts {
            for mut finding in rules::judge_counting(change, facts, counts) {
                // What no part tells apart from the others is the release's.
                if let (Some(name), false) = (subchart, finding.rule == NOT_CHECKED) {
                    finding.title = format!("Subchart {name}: {}", finding.title);
                }
                if !all.contains(&finding) {
                    all.push(finding);
                }
            }
        }
        all
    }

    /// What the texts about the release speak of: the first part, without versions where the parts differ.
    pub fn into_change(self) -> Change {
        let several = self.parts.len() > 1;
        let mut changes = self.parts.into_iter().map(|(_, change, _)| change);
        let mut change = changes.next().unwrap_or_default();
        if several {
            (change.from, change.to) = (None, None);
        }
        change
    }
}

impl Reader {
    /// What a release would change over what runs, and what the rules need to judge it, for each Camunda in it; nothing where
    /// nothing is about to happen to any.
    pub async fn announced(
        &self,
        release: &Release,
        planned: &Rendered,
        running: &Running,
        left: &Left,
        newest_patches: &NewestPatches,
        asker: Asker<'_>,
    ) -> Option<Announced> {
        let (running, mut gaps) = match running {
            Running::Nothing => (None, Vec::new()),
            Running::Release(rendered, _) => (Some(&**rendered), Vec::new()),
            Running::Live(rendered, gaps) => (Some(&**rendered), gaps.clone()),
            Running::Unknown(reason) => (None, vec![Gap::new("running release", reason.clone())]),
        };
        if !planned.camunda && !running.is_some_and(|running| running.camunda) {
            return None;
        }
        let left = match left {
            Left::Nothing => None,
            Left::Release(left, _) => Some(left),
            Left::Unknown(gap) => {
                gaps.push(gap.clone());
                None
            }
        };
        let mut announced = Announced::default();
        for part in parts(planned, running) {
            let mut change = Change::of_release(release, &part.planned, part.running.as_deref())?;
            if let Some(left) = left {
                change.leaving(&left.only(part.subchart.as_deref()));
            }
            change.newest_patches = newest_patches.clone();
            let mut facts = self.release_facts(&mut change, asker).await;
            for reason in &planned.unreadable {
                facts.insert_gap("manifest", reason.clone());
            }
            for gap in &gaps {
                facts.insert_gap(gap.what.clone(), gap.reason.clone());
            }
            announced.parts.push((part.subchart, change, facts));
        }
        Some(announced)
    }

    /// What the rules need to look at a release that runs; `gaps` are known already.
    pub async fn deployed(&self, mut change: Change, gaps: Vec<Gap>) -> (Change, Facts) {
        let mut facts = self.release_facts(&mut change, Asker::Reader).await;
        for gap in gaps {
            facts.insert_gap(gap.what, gap.reason);
        }
        (change, facts)
    }

    pub(super) async fn release_facts(&self, change: &mut Change, asker: Asker<'_>) -> Facts {
        let mut facts = Facts::default();
        let reader = match asker {
            Asker::Reader => self.clone(),
            Asker::Writer(home, user) => {
                self.leave_out_foreign_namespaces(&mut facts, change, home, user)
                    .await
            }
        };
        let namespaces: BTreeSet<_> = change
            .of_kind(Kind::StatefulSet)
            .filter(|set| set.camunda)
            .map(|set| set.object.namespace.clone())
            .collect();
        let claims = namespaces
            .iter()
            .map(|namespace| Wanted::All(Kind::PersistentVolumeClaim, namespace.clone()));
        let renamed = renamed_gateway(change).into_iter().flat_map(|renamed| {
            let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::RoleBinding];
            let all = kinds.map(|kind| Wanted::All(kind, renamed.namespace.clone()));
            all.into_iter().chain([Wanted::One(renamed.config_map())])
        });
        let references = references(change).into_iter().map(Wanted::One);
        let wanted = references.chain(claims).chain(renamed);
        reader.read_all(&mut facts, wanted).await;

        let mut more: Vec<_> = drifted(change, &facts)
            .into_iter()
            .chain(behind_claims(change, &facts))
            .map(Wanted::One)
            .collect();
        let left_over = namespaces
            .iter()
            .filter(|namespace| left_over(change, &facts, namespace));
        more.extend(left_over.map(|namespace| Wanted::All(Kind::StatefulSet, namespace.clone())));
        more.extend(behind_removed_claims(change, &facts));
        if goes_back(change, &facts) || claims::goes_back_to_fewer(change, &facts) {
            more.push(Wanted::All(Kind::Pod, change.namespace.clone()));
        }
        if claims::are_volumes_unknown(change, &facts) {
            more.push(Wanted::All(Kind::PersistentVolume, String::new()));
        }
        reader.read_all(&mut facts, more).await;
        reader.drivers(&mut facts).await;
        facts
    }

    /// The drivers of the classes that were read: only they can clone.
    pub(super) async fn drivers(&self, facts: &mut Facts) {
        let drivers: Vec<_> = facts
            .of_kind(Kind::StorageClass)
            .filter_map(|class| class.str("/provisioner"))
            .map(|driver| ObjectRef::new(Kind::CsiDriver, "", driver))
            .collect();
        self.get_all(facts, drivers).await;
    }

    /// A record may name objects of any namespace; comparing with those that its writer can't write would tell secrets.
    /// What is returned reads nowhere else, whatever a rule asks for.
    async fn leave_out_foreign_namespaces(
        &self,
        facts: &mut Facts,
        change: &mut Change,
        home: &str,
        user: &User,
    ) -> Reader {
        let named: BTreeSet<_> = change
            .objects
            .iter()
            .map(|object| &object.object.namespace)
            .chain([&change.namespace])
            .cloned()
            .collect();
        let asked = named.into_iter().map(|namespace| async move {
            let may = match namespace == home {
                true => Ok(true),
                false => {
                    let may = self.cluster.may_write(user, &namespace);
                    self.within(REVIEW, may).await
                }
            };
            (namespace, may)
        });
        let mut open = BTreeSet::from([home.to_owned()]);
        let mut answers = stream::iter(asked).buffer_unordered(PARALLEL);
        while let Some((namespace, may)) = answers.next().await {
            let refusal = match may {
                Ok(true) => {
                    open.insert(namespace);
                    continue;
                }
                Ok(false) => format!("{} may not write there", user.username),
                Err(error) => error.to_string(),
            };
            let refused = ObjectRef::new(Kind::Namespace, "", &namespace);
            facts.insert_gap(refused.to_string(), refusal);
        }
        let open_to = |object: &ObjectChange| open.contains(&object.object.namespace);
        change.objects.retain(open_to);
        Reader {
            open: Some(Arc::new(open)),
            ..self.clone()
        }
    }
}

/// The live twins of all objects, and the Secrets whose values some rule compares or misses.
fn references(change: &Change) -> BTreeSet<ObjectRef> {
    let mut references: BTreeSet<_> = change
        .objects
        .iter()
        .filter(|object| object.object.kind != Kind::ConfigMap)
        .filter(|object| object.object.kind != Kind::Secret || object.camunda)
        .map(|object| object.object.clone())
        .collect();
    let removes = change.of_kind(Kind::Secret).any(|secret| secret.removed());
    for object in change.objects.iter().filter(|object| object.camunda) {
        let (running, planned) = (refs(object.running.as_ref()), refs(object.planned.as_ref()));
        // What is read as before can only change with its Secret, or go.
        let moved = running != planned;
        if removes || moved {
            references.extend(secrets(object, planned));
        }
        if moved {
            references.extend(secrets(object, running));
        }
    }
    references.extend(connectors_secret(change));
    references.extend(migration::earlier_job(change));
    references.extend(foreign_config_maps(change));
    references
}

/// The ConfigMaps that configure a changed application and that the release does not bring along.
fn foreign_config_maps(change: &Change) -> impl Iterator<Item = ObjectRef> {
    let changed = change.objects.iter().filter(|object| {
        let same = |(running, planned)| Arc::ptr_eq(running, planned);
        let sides = object.running.as_ref().zip(object.planned.as_ref());
        object.camunda && !sides.is_some_and(same)
    });
    changed
        .flat_map(|object| {
            let sides = object.running.iter().chain(&object.planned);
            let names = sides.flat_map(|workload| config_maps(workload));
            names.map(|name| ObjectRef::new(Kind::ConfigMap, &object.object.namespace, &name))
        })
        .filter(|reference| change.find(reference).is_none())
}

/// The Secrets that live workloads read although no manifest says so.
fn drifted(change: &Change, facts: &Facts) -> Vec<ObjectRef> {
    change
        .objects
        .iter()
        .filter(|object| object.camunda && object.planned.is_some())
        .filter_map(|object| Some((object, facts.get(&object.object)?)))
        .flat_map(|(object, live)| {
            let known = refs(object.running.as_ref());
            let drifted = secret_refs(live)
                .into_iter()
                .filter(move |read| !known.contains(read));
            secrets(object, drifted)
        })
        .filter(|secret| facts.get(secret).is_none())
        .collect()
}

fn refs(workload: Option<&Arc<Object>>) -> BTreeSet<SecretRef> {
    workload
        .map(|workload| secret_refs(workload))
        .unwrap_or_default()
}

fn secrets(
    object: &ObjectChange,
    refs: impl IntoIterator<Item = SecretRef>,
) -> impl Iterator<Item = ObjectRef> {
    let namespace = object.object.namespace.clone();
    refs.into_iter()
        .map(move |read| ObjectRef::new(Kind::Secret, &namespace, &read.secret))
}

/// Whether elastic's chart has left claims of this release behind.
fn left_over(change: &Change, facts: &Facts, namespace: &str) -> bool {
    facts
        .claims(namespace)
        .any(|claim| is_elastics(claim, &change.release))
}

/// The volumes of the claims that Helm deletes, and the pods that may use them.
pub(super) fn behind_removed_claims(change: &Change, facts: &Facts) -> Vec<Wanted> {
    let bound = removed_claims(change, facts).filter(|(_, live)| claims::holds_data(live));
    bound
        .flat_map(|(claim, live)| {
            let pods = Wanted::All(Kind::Pod, claim.object.namespace.clone());
            let volume = volume_of(live).map(Wanted::One);
            volume.into_iter().chain([pods])
        })
        .collect()
}

/// What the StatefulSets mount now that will mount something else, or go.
fn replaced(change: &Change) -> Vec<Mounts> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda)
        .filter_map(|set| {
            let running = Mounts::of(set.running.as_deref()?);
            let planned = set.planned.as_deref().map(Mounts::of);
            planned
                .is_none_or(|planned| planned.templates != running.templates)
                .then_some(running)
        })
        .collect()
}

/// What the StatefulSets mount now that will run as another user.
fn disowned(change: &Change) -> Vec<Mounts> {
    change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.camunda && changed_user(change, set).is_some())
        .filter_map(|set| {
            claims::predecessor(change, set)?
                .running
                .as_deref()
                .map(Mounts::of)
        })
        .collect()
}

/// The volumes and classes of the claims that this change stops mounting or mounts as another user.
fn behind_claims(change: &Change, facts: &Facts) -> Vec<ObjectRef> {
    let (replaced, disowned) = (replaced(change), disowned(change));
    let mounted: Vec<_> = change
        .of_kind(Kind::StatefulSet)
        .filter_map(|set| set.planned.as_deref().map(Mounts::of))
        .collect();
    // Elasticsearch is made anew over the same claims.
    let recreated: Vec<_> = change
        .of_kind(Kind::StatefulSet)
        .filter(|set| set.component == Component::Elasticsearch && gives_claim_labels(change))
        .filter_map(|set| set.planned.as_deref().map(Mounts::of))
        .collect();
    let (mut volumes, mut classes) = (Vec::new(), Vec::new());
    for claim in facts.of_kind(Kind::PersistentVolumeClaim) {
        let named = |mounts: &[Mounts]| {
            mounts
                .iter()
                .any(|mounts| mounts.parse(claim.name()).is_some())
        };
        let goes = named(&replaced) || named(&recreated) || is_elastics(claim, &change.release);
        // What has lost its volume to another claim may go only where that one is mounted.
        let lost = claim.str("/status/phase") == Some("Lost");
        if goes || lost || named(&disowned) {
            volumes.extend(volume_of(claim));
        }
        // A clone that waits is told by its own class.
        if goes || named(&mounted) {
            classes.extend(class_of(claim));
        }
    }
    volumes.extend(classes);
    volumes
}
