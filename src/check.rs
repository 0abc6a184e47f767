//! The webhook's judgement without the webhook: of what Helm is about to do.
//!
//! Uses the same change, facts, rules and policy as the release gate, but reads the cluster with the rights of the
//! user who runs the command.

use std::{sync::Arc, time::Duration};

use crate::{
    change::{Change, Facts, HelmCli, Parsed, Rendered},
    cluster::{Cluster, Sent},
    gather::{Asker, Left, RECORDED_ELSEWHERE, ReadErrors, Reader, Records, Running},
    helm::{
        manifest::Budget,
        release::{self, Release, Status},
        values::Values,
    },
    input::{Input, LIMITS, Source},
    policy::{Guarded, Policy},
    proof,
    report::{Outcome, Report},
    rules,
};

/// Time limit for all reads.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Judges releases against one cluster.
#[derive(Clone)]
pub struct Check {
    cluster: Cluster,
    policy: Arc<Policy>,
    patience: Duration,
    dry_run: bool,
    running_values: Option<Values>,
    helm: Option<String>,
}

/// Reason why there is no judgement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A plain manifest that does not name its release.
    #[error("the release's name can't be told from the manifest: give it, check NAME -i FILE")]
    NoName,
    /// No release of this name.
    #[error("there is no release {release} in namespace {namespace}")]
    NoRelease {
        /// The release's name.
        release: String,
        /// The namespace that was searched.
        namespace: String,
    },
    /// No such revision of the release.
    #[error("release {release} in namespace {namespace} has no revision {revision}")]
    NoRevision {
        /// The release's name.
        release: String,
        /// The namespace that was searched.
        namespace: String,
        /// The missing revision.
        revision: u64,
    },
    /// A read that failed and without which nothing can be judged.
    #[error("{what} can't be read: {reason}")]
    Unread {
        /// The object or list.
        what: String,
        /// The reason.
        reason: String,
    },
}

impl Check {
    /// Creates a check against `cluster` under `policy` that reads for at most `patience`.
    pub fn new(cluster: Cluster, policy: Policy, patience: Duration) -> Self {
        Self {
            cluster,
            policy: Arc::new(policy),
            patience,
            dry_run: false,
            running_values: None,
            helm: None,
        }
    }

    /// Sets the version of the Helm that will apply the release.
    #[must_use]
    pub fn with_helm(self, version: Option<String>) -> Self {
        Self {
            helm: version,
            ..self
        }
    }

    /// Sets the values of the running release, used if no Helm record has them.
    #[must_use]
    pub fn with_running_values(self, values: Values) -> Self {
        Self {
            running_values: Some(values),
            ..self
        }
    }

    /// Also sends the release to a live API server as a dry run, to learn what it would refuse.
    #[must_use]
    pub fn with_dry_run(self) -> Self {
        Self {
            dry_run: true,
            ..self
        }
    }

    fn reader(&self) -> Reader {
        let guarded = Arc::clone(&self.policy.guarded);
        // A reader keeps an eighth of its budget for the answer, which a command does not need.
        let budget = self.patience.saturating_mul(8) / 7;
        Reader::new(self.cluster.clone(), budget, ReadErrors::default(), guarded)
    }

    /// Judges an input; `source` is its name in the report.
    ///
    /// # Errors
    /// When the input does not say which release it is.
    pub async fn judge(&self, input: Input, source: &str) -> Result<Report, CheckError> {
        let Input {
            mut release,
            source: told,
            parsed,
        } = input;
        if release.name.is_empty() {
            return Err(CheckError::NoName);
        }
        let reader = self.reader();
        let records = Records::default();
        let (namespace, name) = (&release.namespace, &release.name);
        // A finished release is judged as if it were to be applied now.
        let announced = release.info.status.is_pending() && release.revision > 0;
        let revision = announced.then_some(release.revision);
        let running = match release.info.status {
            Status::PendingInstall => Running::Nothing,
            _ => {
                reader
                    .running_anywhere(&records, namespace, name, revision)
                    .await
            }
        };
        if !release.info.status.is_pending() || told == Source::Manifest {
            release.info.status = match running {
                Running::Nothing => Status::PendingInstall,
                _ => Status::PendingUpgrade,
            };
        }
        let planned = self.planned(&release, &parsed, &running, told);
        Ok(self
            .report(
                &reader,
                &release,
                revision,
                &planned,
                (&running, &Left::Nothing),
                source,
            )
            .await)
    }

    /// Judges a rollback to a revision.
    ///
    /// # Errors
    /// When there is no such revision.
    pub async fn rollback(
        &self,
        namespace: &str,
        name: &str,
        revision: u64,
    ) -> Result<Report, CheckError> {
        let reader = self.reader();
        let records = Records::default();
        let mut release = self.recorded(&reader, namespace, name, revision).await?;
        release.info.status = Status::PendingRollback;
        let running = reader
            .running_anywhere(&records, namespace, name, None)
            .await;
        let left = reader.left_anywhere(&records, namespace, name).await;
        let planned = self.planned(&release, &Parsed::default(), &running, Source::Release);
        Ok(self
            .report(&reader, &release, None, &planned, (&running, &left), "")
            .await)
    }

    /// Judges the running release: what is still left to be done.
    ///
    /// # Errors
    /// When there is no such release, or its record can't be read.
    pub async fn deployed(&self, namespace: &str, name: &str) -> Result<Report, CheckError> {
        let reader = self.reader();
        let none = || CheckError::NoRelease {
            release: name.to_owned(),
            namespace: namespace.to_owned(),
        };
        let unread = |reason| CheckError::Unread {
            what: format!("release {name}"),
            reason,
        };
        let records = Records::default();
        let running = reader
            .running_anywhere(&records, namespace, name, None)
            .await;
        let is_without_record = running.is_without_record();
        let (rendered, gaps) = match running {
            Running::Nothing => return Err(none()),
            Running::Unknown(reason) => return Err(unread(reason)),
            Running::Release(rendered, _) => (rendered, Vec::new()),
            // A release without Camunda needs no look.
            Running::Live(rendered, gaps) if !rendered.camunda => match gaps.into_iter().next() {
                Some(gap) => return Err(unread(gap.reason)),
                None => return Err(none()),
            },
            Running::Live(rendered, gaps) => (rendered, gaps),
        };
        let mut gaps = gaps;
        let attempted = reader.attempted(&records, namespace, name, &rendered);
        let attempted = attempted.await.unwrap_or_else(|gap| {
            gaps.push(gap);
            None
        });
        let runs = attempted
            .as_ref()
            .filter(|it| it.attempt.has_arrived())
            .map_or(&rendered, |it| &it.rendered);
        let mut change = Change::of_deployed(name, namespace, runs);
        change.attempt = attempted.as_ref().map(|it| it.attempt.clone());
        let (change, facts) = reader.deployed(change, gaps).await;
        let findings = rules::left(&change, &facts);
        let policy = self.policy.in_namespace(&reader, namespace).await;
        let findings = policy.apply(namespace, name, findings);
        let mut report = Report::new(change.clone(), findings, "");
        report
            .notes
            .extend(is_without_record.then(|| without_record(name)));
        Ok(report.with_storage([(&change, &facts)]))
    }

    /// Judges an upgrade that is only foretold, as its chart could not be rendered.
    pub async fn foretold(&self, reader: &Reader, change: Change, facts: &Facts) -> Report {
        let policy = self.policy.in_namespace(reader, &change.namespace).await;
        let mut findings = policy.judge(&change, facts);
        proof::prove(&change, facts, &mut findings);
        Report::new(change.clone(), findings, "").with_storage([(&change, facts)])
    }

    async fn recorded(
        &self,
        reader: &Reader,
        namespace: &str,
        name: &str,
        revision: u64,
    ) -> Result<Release, CheckError> {
        let record = release::record_name(name, revision);
        let unread = |reason: String| CheckError::Unread {
            what: format!("record {record}"),
            reason,
        };
        let found = reader.record(namespace, &record).await;
        let found = found.map_err(|error| unread(error.to_string()))?;
        let Some((object, storage)) = found else {
            return Err(CheckError::NoRevision {
                release: name.to_owned(),
                namespace: namespace.to_owned(),
                revision,
            });
        };
        release::of_record(&object, storage).map_err(|error| unread(error.to_string()))
    }

    fn planned(
        &self,
        release: &Release,
        parsed: &Parsed,
        running: &Running,
        told: Source,
    ) -> Rendered {
        let known = match running {
            Running::Release(rendered, _) => Some(&**rendered),
            _ => None,
        };
        let budget = &mut Budget::new(LIMITS);
        let mut rendered = Rendered::of_parsed(release, parsed, known, budget);
        if Guarded::covers(&self.policy.guarded, release) {
            rendered = rendered.as_camundas(release);
        }
        if told != Source::Release {
            rendered.helm = match told {
                Source::DryRun { .. } => HelmCli {
                    major: 0,
                    ..rendered.helm
                },
                _ => HelmCli::default(),
            };
            if release.config.is_none() {
                rendered.values = Values::unknown();
            }
        }
        if told != Source::Manifest {
            rendered.helm.version.clone_from(&self.helm);
        }
        rendered
    }

    async fn report(
        &self,
        reader: &Reader,
        release: &Release,
        revision: Option<u64>,
        planned: &Rendered,
        (running, left): (&Running, &Left),
        source: &str,
    ) -> Report {
        let newest = &self.policy.newest_patches;
        let announced = reader
            .announced(release, planned, running, left, newest, Asker::Reader)
            .await;
        let Some(mut announced) = announced else {
            return Report::of_others(release, source);
        };
        if let (Running::Live(..), Some(values)) = (running, &self.running_values) {
            for (_, change, _) in &mut announced.parts {
                change.running_values = Some(values.clone());
            }
        }
        if let (true, Cluster::Live(cluster)) = (self.dry_run, &self.cluster) {
            let applied = match running {
                Running::Release(..) => {
                    let (namespace, name) = (&release.namespace, &release.name);
                    reader.running_record(namespace, name, revision).await
                }
                _ => None,
            };
            let dry_run = cluster
                .dry_run(&Sent::of(release, applied.as_ref(), LIMITS))
                .await;
            // The API server answered for the whole release, so only the first part gets the answer.
            for (_, _, facts) in announced.parts.iter_mut().take(1) {
                facts.insert_dry_run(dry_run.clone());
            }
        }
        let policy = self.policy.in_namespace(reader, &release.namespace).await;
        let findings = policy
            .announced_past(&announced, None, &|| true)
            .unwrap_or_default();
        let parts = announced.parts.iter();
        let parts = parts.map(|(_, change, facts)| (change, facts));
        let report = Report::new(Change::default(), findings, source).with_storage(parts);
        let mut report = Report {
            change: announced.into_change(),
            ..report
        };
        if report.outcome() != Outcome::Clean && running.is_without_record() {
            report.notes.push(without_record(&release.name));
        }
        report
    }
}

/// What it means that the release was rebuilt from live objects.
fn without_record(release: &str) -> String {
    format!(
        "No Secret or ConfigMap here holds Helm's record of release {release}, so its live objects told what runs: {RECORDED_ELSEWHERE}."
    )
}
