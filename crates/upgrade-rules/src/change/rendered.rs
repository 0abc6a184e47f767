//! A release's manifest and hooks, parsed, with Camunda's objects marked.

mod reading;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use self::reading::Reading;
pub(super) use self::reading::is_wanted;

use super::{
    Change, Defaults,
    excess::{self, CHARTS, Excess},
    parsed::Parsed,
    unread::Unread,
};
use crate::{
    camunda::{self, Component, Line},
    helm::{
        manifest::{self, Budget},
        release::{Hook, Release},
        values::{Schema, Values},
    },
    kubernetes::{Object, ObjectRef},
};

/// The objects of a release that rules look at.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// Secrets, ConfigMaps, claims, StatefulSets, Deployments and Jobs, hooks included.
    pub objects: Vec<RenderedObject>,
    /// The version of Camunda's chart, if Camunda is in this release.
    pub camunda_version: Option<String>,
    /// Whether Camunda is in this release, alone or under an umbrella chart.
    pub camunda: bool,
    /// Documents that could not be read, each with its reason.
    pub unreadable: Vec<String>,
    /// Why it was not read to its end: it holds more than any release does.
    pub excess: Option<Excess>,
    /// The user's values for Camunda's chart.
    pub values: Values,
    /// The chart's value schema; only for a planned release.
    pub schema: Schema,
    /// The chart's default values; only for a planned release.
    pub defaults: Defaults,
    /// The Helm that wrote the record.
    pub helm: HelmCli,
    /// Namespace and name of the Secrets that controllers make of the release's objects.
    pub produced: BTreeSet<(String, String)>,
    /// Camunda's charts under an umbrella chart; empty if Camunda's chart is the release's own.
    pub(super) subcharts: Vec<Subchart>,
    /// Documents of subcharts that are not parsed yet.
    pub(super) unread: Vec<Unread>,
    /// The objects parsed from each wanted document's text; only for a running release.
    pub(super) documents: HashMap<Box<str>, Vec<Arc<Object>>>,
}

/// A chart of Camunda's under an umbrella chart.
#[derive(Clone, Debug)]
pub(super) struct Subchart {
    /// Its name or alias.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// The user's values for it.
    pub(super) values: Values,
}

/// What a release record tells about the Helm CLI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelmCli {
    /// Its major version; 0 if unknown.
    pub major: u64,
    /// Its version, if the CLI could be asked.
    pub version: Option<String>,
    /// The versions that the chart was tested with.
    pub tested: Vec<String>,
    /// Whether it has the API server merge its objects (server-side apply), as far as known.
    pub server_side: bool,
}

/// One object of a manifest.
#[derive(Clone, Debug)]
pub struct RenderedObject {
    /// The object's reference.
    pub reference: ObjectRef,
    /// Its JSON.
    pub object: Arc<Object>,
    /// The subcharts below the release's chart, where a `# Source:` comment tells them.
    pub charts: Option<Vec<String>>,
    /// Whether it comes from Camunda's chart.
    pub camunda: bool,
    /// The object's component.
    pub component: Component,
    /// Its hook events, if it is a hook.
    pub hook: Option<HookRun>,
}

/// The events of a hook, and whether Helm recreates its object.
#[derive(Clone, Debug)]
pub struct HookRun {
    /// Its events.
    pub events: Vec<String>,
    /// Whether Helm deletes the old object first.
    pub recreated: bool,
}

impl Rendered {
    /// Reads the documents of the kinds that rules want. Other documents are not parsed, and those that stand word for word in
    /// `known` are not parsed again: most upgrades change little.
    pub fn of(release: &Release, known: Option<&Rendered>) -> Rendered {
        Rendered::within(release, known, &mut Budget::default())
    }

    /// Does the same with another budget than that of a webhook's review.
    pub fn within(release: &Release, known: Option<&Rendered>, budget: &mut Budget) -> Rendered {
        Rendered::read(
            Reading {
                known,
                ..Reading::of(release)
            },
            budget,
        )
    }

    /// Does the same without parsing again what was parsed when the manifest was read.
    pub fn of_parsed(
        release: &Release,
        parsed: &Parsed,
        known: Option<&Rendered>,
        budget: &mut Budget,
    ) -> Rendered {
        let parsed = Some(parsed);
        Rendered::read(
            Reading {
                known,
                parsed,
                ..Reading::of(release)
            },
            budget,
        )
    }

    fn read(reading: Reading<'_>, budget: &mut Budget) -> Rendered {
        let release = reading.release;
        let mut rendered = Rendered::default();
        // One budget for the whole record: many documents must not add up to what one may not cost.
        for document in manifest::split(&release.manifest) {
            let same = reading.parsed_at(&document);
            rendered.read_within(&document, same, reading, budget, None);
        }
        for hook in &release.hooks {
            let run = HookRun::of(hook);
            for document in manifest::split(&hook.manifest) {
                let mut document = document;
                document.source = Some(&hook.path);
                rendered.read_within(&document, None, reading, budget, Some(&run));
            }
        }
        if let Some(excess) = excess::of(&rendered.objects, budget) {
            rendered.has_more_than(excess);
        }
        rendered.find_camunda(release);
        if rendered.camunda {
            rendered.read_values(release, budget);
        }
        // An umbrella's schema speaks of other keys, and what runs is kept for long and asked nothing of the kind.
        if rendered.subcharts.is_empty() && release.info.status.is_pending() {
            rendered.schema = Schema::of(release.chart.schema.as_deref());
        }
        // What runs is kept for long, and nobody asks for its defaults; of several charts each has others.
        if rendered.subcharts.len() < 2 && release.info.status.is_pending() {
            let root = rendered.subcharts.first().map(|chart| chart.name.as_str());
            let defaults = release.chart.values.as_deref();
            match defaults.map_or(Ok(()), |values| budget.take_json(values.get())) {
                Ok(()) => rendered.defaults = Defaults::of(defaults, root),
                Err(error) => {
                    let reason = format!("the chart's values: {error}");
                    rendered.unreadable.push(reason);
                }
            }
        }
        rendered.helm = HelmCli::of(release);
        rendered
    }

    /// Reads the user's values for each of Camunda's charts.
    fn read_values(&mut self, release: &Release, budget: &mut Budget) {
        let config = release.config.as_deref();
        // Each of the charts gets its own copy.
        for _ in 0..self.subcharts.len().max(1) {
            let taken = config.map_or(Ok(()), |config| budget.take_json(config.get()));
            if let Err(error) = taken {
                return self.unreadable.push(format!("the user's values: {error}"));
            }
        }
        for subchart in &mut self.subcharts {
            match Values::of(config, Some(&subchart.name)) {
                Ok(values) => subchart.values = values,
                Err(error) => return self.unreadable.push(error.to_string()),
            }
        }
        match self.subcharts.first() {
            Some(first) => self.values = first.values.clone(),
            None => match Values::of(config, None) {
                Ok(values) => self.values = values,
                Err(error) => self.unreadable.push(error.to_string()),
            },
        }
    }

    /// Treats all objects as Camunda's, because an admin says so.
    pub fn as_camundas(mut self, release: &Release) -> Rendered {
        if self.camunda {
            return self;
        }
        self.camunda = true;
        for object in &mut self.objects {
            object.camunda = true;
        }
        let metadata = &release.chart.metadata;
        // A chart of one's own may count as it likes: it counts as Camunda's where both versions are of one line.
        let of_line = Line::of(&metadata.version).is_some_and(|line| {
            let application = metadata.app_version.as_deref().unwrap_or_default();
            let rest = application.strip_prefix(line.application.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        self.camunda_version = of_line.then(|| metadata.version.clone());
        match Values::of(release.config.as_deref(), None) {
            Ok(values) => self.values = values,
            Err(error) => self.unreadable.push(error.to_string()),
        }
        self
    }

    /// Returns the release that a change finds, as far as the change knows it.
    pub(super) fn found_by(change: &Change) -> Option<Rendered> {
        let from = change.from.as_ref()?;
        let running = change.objects.iter().filter_map(|object| {
            Some(RenderedObject {
                reference: object.object.clone(),
                object: Arc::clone(object.running.as_ref()?),
                charts: object.charts.clone(),
                camunda: object.camunda,
                component: object.component,
                hook: None,
            })
        });
        Some(Rendered {
            objects: running.collect(),
            camunda_version: Some(from.version.clone()),
            camunda: true,
            values: change.running_values.clone().unwrap_or_default(),
            helm: change.running_helm.clone().unwrap_or_default(),
            ..Rendered::default()
        })
    }

    /// Returns the release as another chart would render it: with other objects and values, and without the unread documents of
    /// subcharts that none of the objects is from.
    pub(crate) fn replaced(
        &self,
        version: &str,
        objects: Vec<RenderedObject>,
        values: Values,
    ) -> Rendered {
        let stays = |unread: &&Unread| {
            let mut objects = objects.iter();
            unread.charts.is_none() || objects.any(|object| object.charts == unread.charts)
        };
        Rendered {
            camunda_version: Some(version.to_owned()),
            camunda: true,
            unread: self.unread.iter().filter(stays).cloned().collect(),
            objects,
            values,
            helm: self.helm.clone(),
            produced: self.produced.clone(),
            ..Rendered::default()
        }
    }

    /// Finds Camunda: as the release's own chart, or as subcharts whose objects carry its labels.
    fn find_camunda(&mut self, release: &Release) {
        let metadata = &release.chart.metadata;
        if metadata.name == camunda::CHART {
            self.camunda = true;
            // A rendered manifest tells it only by its labels.
            self.camunda_version = match metadata.version.is_empty() {
                true => self.objects.iter().find_map(|it| chart_version(&it.object)),
                false => Some(metadata.version.clone()),
            };
            for object in &mut self.objects {
                object.camunda = true;
            }
            return;
        }
        let Some(version) = self.find_subcharts() else {
            return;
        };
        self.camunda = true;
        let locked = release
            .chart
            .lock
            .iter()
            .flat_map(|lock| &lock.dependencies);
        let locked = locked
            .chain(&metadata.dependencies)
            .find(|dependency| dependency.name == camunda::CHART && is_exact(&dependency.version))
            .map(|dependency| dependency.version.clone());
        // The lock has no aliases: of several charts only their objects tell which is which.
        self.camunda_version = match &mut self.subcharts[..] {
            [only] => {
                only.version = locked.unwrap_or(version);
                Some(only.version.clone())
            }
            [first, ..] => Some(first.version.clone()),
            [] => locked.or(Some(version)),
        };
        self.find_own_objects();
    }

    /// Finds the subcharts whose objects carry Camunda's labels; returns the version on the first of these objects.
    fn find_subcharts(&mut self) -> Option<String> {
        let labelled = self.objects.iter().filter_map(|object| {
            let root = object.charts.as_deref().and_then(<[String]>::first);
            Some((root.cloned(), chart_version(&object.object)?))
        });
        let mut first = None;
        for (root, version) in labelled {
            first.get_or_insert_with(|| version.clone());
            if self.subcharts.len() > CHARTS {
                break;
            }
            let known = |subchart: &Subchart| Some(&subchart.name) == root.as_ref();
            if let Some(name) = root.as_ref().filter(|_| !self.subcharts.iter().any(known)) {
                self.subcharts.push(Subchart {
                    name: name.clone(),
                    version,
                    values: Values::default(),
                });
            }
        }
        if self.subcharts.len() > CHARTS {
            self.has_more_than(Excess::Charts(CHARTS));
        }
        first
    }

    /// Marks Camunda's objects among those of other charts under the same umbrella.
    fn find_own_objects(&mut self) {
        for object in &mut self.objects {
            object.camunda = match object.charts.as_deref() {
                Some(charts) if !self.subcharts.is_empty() => {
                    let own = |subchart: &Subchart| charts.first() == Some(&subchart.name);
                    self.subcharts.iter().any(own)
                }
                // A post-renderer took the comments away: the labels are all there is.
                _ => camunda::is_own(&object.object) || object.component != Component::Other,
            };
        }
        // Recognise databases again, now that the umbrella's own level is known.
        for object in &mut self.objects {
            let below = object
                .charts
                .as_ref()
                .map(|charts| charts.get(1..).unwrap_or_default());
            object.component = Component::of(&object.object, below);
        }
    }
}

impl HelmCli {
    fn of(release: &Release) -> Self {
        let annotations = release.chart.metadata.annotations.as_ref();
        let tested = annotations.and_then(|annotations| annotations.helm_cli_version.as_deref());
        Self {
            major: match release.apply_method {
                Some(_) => 4,
                None => 3,
            },
            version: None,
            server_side: release.apply_method.as_deref() == Some("ssa"),
            tested: tested
                .into_iter()
                .flat_map(|tested| tested.split(','))
                .map(|version| version.trim().to_owned())
                .collect(),
        }
    }
}

impl HookRun {
    fn of(hook: &Hook) -> Self {
        Self {
            events: hook.events.clone(),
            recreated: hook.is_recreated(),
        }
    }
}

/// `camunda-platform/charts/identity/charts/keycloak/templates/x.yaml` → `[identity, keycloak]`.
pub(super) fn subcharts(source: &str) -> Vec<String> {
    let mut parts = source.split('/').skip(1);
    let mut charts = Vec::new();
    while parts.next() == Some("charts") {
        match parts.next() {
            Some(chart) => charts.push(chart.to_owned()),
            None => break,
        }
    }
    charts
}

/// Returns the version in `helm.sh/chart` of one of Camunda's own objects; up to 8.3.0 its subcharts carry it.
pub fn chart_version(object: &Object) -> Option<String> {
    if !camunda::is_own(object) {
        return None;
    }
    let label = object.label("helm.sh/chart")?;
    // A chart's name may hold dashes and digits itself: zeebe-gateway-8.2.34, camunda-8-12.13.3.
    label
        .match_indices('-')
        .map(|(at, _)| &label[at + 1..])
        .find(|version| is_exact(version))
        // A `+` is not allowed in a label; Helm's charts put `_` there.
        .map(|version| version.replace('_', "+"))
}

fn is_exact(version: &str) -> bool {
    let core = version.split(['-', '+', '_']).next().unwrap_or_default();
    core.split('.').count() == 3 && core.split('.').all(|part| part.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_same_words_are_not_parsed_again() {
        let release = |replicas: &str| -> Release {
            let manifest = format!(
                "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n---\napiVersion: apps/v1\nkind: Deployment\n\
                 metadata: {{name: b}}\nspec: {{replicas: {replicas}}}\n"
            );
            serde_json::from_value(json!({
                "name": "camunda", "version": 1, "chart": {"metadata": {}}, "manifest": manifest,
            }))
            .unwrap()
        };
        let running = Rendered::of(&release("1"), None);
        let next = Rendered::of(&release("01"), Some(&running));
        let [secret, deployment] = &next.objects[..] else {
            panic!("{:?}", next.objects)
        };
        assert!(Arc::ptr_eq(&secret.object, &running.objects[0].object));
        assert!(!Arc::ptr_eq(&deployment.object, &running.objects[1].object));
        let last = Rendered::of(&release("2"), Some(&running));
        assert_eq!(last.objects[1].object.0["spec"]["replicas"], 2);
    }

    #[test]
    fn subcharts_are_read_from_the_source() {
        assert_eq!(
            subcharts("camunda-platform/charts/identity/charts/keycloak/templates/secrets.yaml"),
            ["identity", "keycloak"]
        );
        assert!(subcharts("camunda-platform/templates/zeebe/statefulset.yaml").is_empty());
        assert!(subcharts("").is_empty());
    }

    #[test]
    fn the_chart_version_is_in_the_label_of_own_objects() {
        let own = |chart: &str| {
            Object(
                json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "camunda-platform", "helm.sh/chart": chart}}}),
            )
        };
        assert_eq!(
            chart_version(&own("zeebe-gateway-8.2.34")).as_deref(),
            Some("8.2.34")
        );
        assert_eq!(
            chart_version(&own("camunda-platform-15.0.0-alpha4")).as_deref(),
            Some("15.0.0-alpha4")
        );
        assert_eq!(
            chart_version(&own("camunda-8-12.13.3")).as_deref(),
            Some("12.13.3")
        );
        assert_eq!(chart_version(&own("camunda-platform")), None);
        assert_eq!(chart_version(&Object(json!({}))), None);
    }

    #[test]
    fn ranges_are_no_versions() {
        assert!(is_exact("12.13.3"));
        assert!(is_exact("15.0.0-alpha4"));
        assert!(!is_exact("12.x.x"));
        assert!(!is_exact("~12.1"));
    }
}
