//! The facts needed to judge a whole release.

use std::{collections::BTreeSet, sync::Arc};

use futures::{StreamExt, stream};

use super::{Left, PARALLEL, Reader, Running, measure::REVIEW};
use crate::{
    camunda::NewestPatches,
    change::{Change, Facts, Gap, ObjectChange, Rendered, parts},
    cluster::User,
    finding::Finding,
    helm::release::Release,
    kubernetes::{Kind, ObjectRef},
    proof,
    rules::{self, Counting, NOT_CHECKED},
};

/// The user on whose behalf a release is judged.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// The user who wrote a record into this namespace: may write there, and elsewhere only if the API server says
    /// so.
    Writer(&'a str, &'a User),
    /// A user who reads the cluster with their own rights.
    Reader,
}

/// The changes and facts of a pending release, one part for each Camunda in it.
#[derive(Debug, Default)]
pub struct Announced {
    /// Per part: the name of its chart if there are several, its change and its facts.
    pub parts: Vec<(Option<String>, Change, Facts)>,
}

impl Announced {
    /// Returns the findings of all rules for all parts.
    pub fn judge(&self) -> Vec<Finding> {
        self.judge_while(&rules::by_default, &|| true)
            .unwrap_or_default()
    }

    /// Like [`Announced::judge`], with other actions than the rules' defaults, and `None` once `goes_on` says no.
    pub(crate) fn judge_while(
        &self,
        counts: Counting<'_>,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Vec<Finding>> {
        let mut all = Vec::new();
        for (subchart, change, facts) in &self.parts {
            let mut findings = rules::judge_while(change, facts, counts, goes_on)?;
            if !proof::prove_while(change, facts, &mut findings, goes_on) {
                return None;
            }
            for mut finding in findings {
                // A finding that is the same for all parts belongs to the whole release.
                if let (Some(name), false) = (subchart, finding.rule == NOT_CHECKED) {
                    finding.title = format!("Subchart {name}: {}", finding.title);
                }
                if !all.contains(&finding) {
                    all.push(finding);
                }
            }
        }
        Some(all)
    }

    /// Returns the change that messages describe: the first part, without versions if there are several.
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

/// Compares what is planned with what runs, for each Camunda in it, which is named if there are several.
fn changes(
    release: &Release,
    planned: &Rendered,
    running: Option<&Rendered>,
    left: Option<&Rendered>,
    newest_patches: &NewestPatches,
) -> Option<Vec<(Option<String>, Change)>> {
    let parts = parts(planned, running).into_iter();
    let changes = parts.map(|part| {
        let mut change = Change::of_release(release, &part.planned, part.running.as_deref())?;
        if let Some(left) = left {
            change.leaving(&left.only(part.subchart.as_deref()));
        }
        change.newest_patches = newest_patches.clone();
        Some((part.subchart, change))
    });
    changes.collect()
}

impl Reader {
    /// Reads changes and facts of a pending release, for each Camunda in it; `None` if neither manifest contains
    /// Camunda.
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
        let left = left.map(|left| &**left);
        let compared = self.work(|| changes(release, planned, running, left, newest_patches));
        let changes = match compared.await {
            Ok(changes) => changes?,
            Err(late) => {
                gaps.push(Gap::new("manifest", late.to_string()));
                let nothing = Rendered::default();
                vec![(None, Change::of_release(release, &nothing, None)?)]
            }
        };
        let mut announced = Announced::default();
        for (subchart, mut change) in changes {
            let mut facts = self.release_facts(&mut change, asker).await;
            for reason in &planned.unreadable {
                facts.insert_gap("manifest", reason.clone());
            }
            for gap in &gaps {
                facts.insert_gap(gap.what.clone(), gap.reason.clone());
            }
            announced.parts.push((subchart, change, facts));
        }
        Some(announced)
    }

    /// Reads the facts of the running release; `gaps` are already known.
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
        let reader = reader.knowing(change);
        let mut asked = BTreeSet::new();
        let mut wanted = self.work(|| rules::needs(change, None)).await;
        loop {
            match wanted {
                Ok(wanted) if wanted.is_empty() => return facts,
                Ok(wanted) => {
                    asked.extend(wanted.iter().cloned());
                    reader.read_all(&mut facts, wanted).await;
                }
                Err(late) => {
                    facts.insert_gap("live objects", late.to_string());
                    return facts;
                }
            }
            let next = self.work(|| &rules::needs(change, Some(&facts)) - &asked);
            wanted = next.await;
        }
    }

    /// Reads the CSI drivers of the storage classes that were read: only CSI drivers can clone.
    pub(super) async fn drivers(&self, facts: &mut Facts) {
        let drivers: Vec<_> = facts
            .of_kind(Kind::StorageClass)
            .filter_map(|class| class.str("/provisioner"))
            .map(|driver| ObjectRef::new(Kind::CsiDriver, "", driver))
            .collect();
        self.get_all(facts, drivers).await;
    }

    /// Drops objects outside the namespaces that the record's writer may write: comparing with those would reveal
    /// secrets. The returned reader reads no other namespace, whatever a rule asks for.
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
