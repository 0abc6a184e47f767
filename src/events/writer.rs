//! The task that writes Events.
//!
//! Refused requests come again: Helm in a loop, Flux and Argo CD by themselves. So a repeated Event is counted in the
//! `series` of the first, which is all that the API server lets clients change of an Event.

use std::{collections::HashMap, env, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1 as api},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use super::{Event, Outcomes};
use crate::{
    cluster::{ReadError, explain},
    kubernetes::ObjectRef,
    webhooks::NAME,
};

/// Time limit of one write; the review was answered long ago.
const DEADLINE: Duration = Duration::from_secs(5);

/// Shortest pause between two writes.
const PAUSE: Duration = Duration::from_millis(50);

/// Pause between two writes of the series' counts.
const INTERVAL: Duration = Duration::from_secs(10);

/// Time after which a series without a new Event ends: before the API server forgets the Event, after an hour.
const SERIES: SignedDuration = SignedDuration::from_mins(30);

/// Number of series that are remembered.
const KNOWN: usize = 1024;

/// Pause between two warnings about lost Events.
const COMPLAINTS: Duration = Duration::from_secs(60);

/// The API server's limits, in bytes.
const NOTE: usize = 1024;
const INSTANCE: usize = 128;

pub(super) struct Writer {
    client: Client,
    instance: String,
    series: HashMap<Event, Series>,
    outcomes: Outcomes,
    complained: Option<Instant>,
    /// Number of failed and dropped Events that were already warned of.
    told: u64,
}

/// A written Event, and how often it has happened.
struct Series {
    name: String,
    count: i32,
    written: i32,
    last: Timestamp,
}

impl Writer {
    pub(super) fn new(client: Client, outcomes: Outcomes) -> Self {
        // A pod's name.
        let instance = env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
        Self {
            client,
            instance: cut(instance.as_deref().unwrap_or(NAME), INSTANCE),
            series: HashMap::new(),
            outcomes,
            complained: None,
            told: 0,
        }
    }

    /// Writes Events until all senders are dropped.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Event>) {
        let mut due = interval(INTERVAL);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                event = waiting.recv() => match event {
                    Some(event) => self.take(event).await,
                    None => break,
                },
                _ = due.tick() => {
                    self.write_counts().await;
                    self.complain(None);
                }
            }
        }
        self.write_counts().await;
    }

    async fn take(&mut self, event: Event) {
        let now = Timestamp::now();
        if let Some(series) = self.series.get_mut(&event) {
            series.count = series.count.saturating_add(1);
            series.last = now;
            return;
        }
        let new = self.typed(&event, now);
        let written = write(self.api(&event).create(&PostParams::default(), &new)).await;
        match written {
            Ok(created) => {
                self.outcomes.written.inc();
                if let (Some(name), true) = (created.metadata.name, self.series.len() < KNOWN) {
                    let series = Series {
                        name,
                        count: 1,
                        written: 1,
                        last: now,
                    };
                    self.series.insert(event, series);
                }
            }
            Err(error) => self.failed(&explain(&error)),
        }
        sleep(PAUSE).await;
    }

    /// Writes the counts that have grown, and forgets the series that are over.
    async fn write_counts(&mut self) {
        let over = Timestamp::now() - SERIES;
        self.series
            .retain(|_, series| series.last > over || series.count > series.written);
        let grown = self.series.iter().filter(|(_, it)| it.count > it.written);
        let grown: Vec<_> = grown.map(|(event, _)| event.clone()).collect();
        for event in grown {
            let Some(series) = self.series.get(&event) else {
                continue;
            };
            let (name, count, last) = (series.name.clone(), series.count, MicroTime(series.last));
            let patch = json!({"series": {"count": count, "lastObservedTime": last}});
            let (api, patch) = (self.api(&event), Patch::Merge(&patch));
            match write(api.patch(&name, &PatchParams::default(), &patch)).await {
                Ok(_) => {
                    self.outcomes.written.inc();
                    if let Some(series) = self.series.get_mut(&event) {
                        series.written = count;
                    }
                }
                // The series' first Event is gone, so this one starts a new series.
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    self.series.remove(&event);
                    self.take(event).await;
                }
                Err(error) => {
                    self.series.remove(&event);
                    self.failed(&explain(&error));
                }
            }
            sleep(PAUSE).await;
        }
    }

    fn api(&self, event: &Event) -> Api<api::Event> {
        Api::namespaced(self.client.clone(), namespace(event))
    }

    fn typed(&self, event: &Event, now: Timestamp) -> api::Event {
        let mut regarding = reference(&event.regarding);
        regarding.uid.clone_from(&event.uid);
        api::Event {
            metadata: ObjectMeta {
                generate_name: Some(format!("{NAME}-")),
                namespace: Some(namespace(event).to_owned()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            reporting_controller: Some(NAME.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            action: Some(event.reason.action().to_owned()),
            reason: Some(event.reason.to_string()),
            type_: Some(event.reason.severity().to_owned()),
            note: Some(cut(&event.note, NOTE)),
            regarding: Some(regarding),
            related: event.related.as_ref().map(reference),
            ..api::Event::default()
        }
    }

    fn failed(&mut self, error: &ReadError) {
        self.outcomes.failed.inc();
        self.complain(Some(error));
    }

    /// Warns of lost Events, if there are any and the last warning is not too recent.
    fn complain(&mut self, error: Option<&ReadError>) {
        let lost = self.outcomes.failed.get() + self.outcomes.dropped.get();
        let quiet = self.complained.is_none_or(|at| at.elapsed() >= COMPLAINTS);
        if lost > self.told && quiet {
            let error = error.map(tracing::field::display);
            tracing::warn!(
                lost = lost - self.told,
                error,
                "Events could not be written"
            );
            self.told = lost;
            self.complained = Some(Instant::now());
        }
    }
}

/// Awaits a write, up to the deadline.
async fn write(
    write: impl Future<Output = Result<api::Event, kube::Error>>,
) -> Result<api::Event, kube::Error> {
    let late = |_| kube::Error::Service("no answer in time".into());
    timeout(DEADLINE, write).await.map_err(late)?
}

/// Returns the Event's namespace: `default` for cluster-scoped objects, as Kubernetes does.
fn namespace(event: &Event) -> &str {
    match &*event.regarding.namespace {
        "" => "default",
        namespace => namespace,
    }
}

fn reference(object: &ObjectRef) -> ObjectReference {
    let (kind, namespace) = (object.kind, &object.namespace);
    ObjectReference {
        api_version: Some(kind.api_version()),
        kind: Some(kind.name().to_owned()),
        name: Some(object.name.clone()),
        namespace: Some(namespace.clone()).filter(|namespace| !namespace.is_empty()),
        ..ObjectReference::default()
    }
}

/// Cuts a text to at most so many bytes.
fn cut(text: &str, bytes: usize) -> String {
    const MORE: &str = "…";
    if text.len() <= bytes {
        return text.to_owned();
    }
    let fits = |at: &usize| text.is_char_boundary(*at);
    let end = (0..=bytes - MORE.len()).rev().find(fits);
    format!("{}{MORE}", &text[..end.unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "lo…");
        for bytes in 3..12 {
            let text = cut("aüäöß€€€€", bytes);
            assert!(text.len() <= bytes && text.ends_with('…'), "{text}");
        }
    }
}
