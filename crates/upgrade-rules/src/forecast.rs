//! Predicts what the chart of another version would make of a release, as far as the lines' data tell.
//!
//! The chart itself is not at hand: the lines' files hold the workloads with their names, images, users, claims, selectors and
//! generated Secrets, and everything else is assumed to stay. The result is a [`Change`] like that of a release record, so that
//! the rules can judge it, except for what only a rendered manifest tells.

mod aftermath;
mod claims;
mod converted;
mod count;
mod elasticsearch;
mod image;
mod migrations;
mod rewired;
mod runs;
mod secrets;
mod workloads;

pub use self::{aftermath::settle, converted::ConvertedUpgrade};

use std::sync::Arc;

use crate::{
    camunda::Line,
    change::{Change, ChartVersion, Operation, Rendered, RenderedObject},
    helm::values::Values,
    kubernetes::{Kind, Object, ObjectRef},
};

/// A release at one point of its way.
#[derive(Clone, Debug)]
pub struct InstalledRelease {
    /// Its name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The chart.
    pub chart: ChartVersion,
    /// Its objects and values.
    pub rendered: Rendered,
}

/// A predicted upgrade that has not begun.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// The change that it would make.
    pub change: Change,
    /// The predicted release; its Secrets are the existing ones, not those that the chart would generate.
    pub planned: Rendered,
}

/// The start and the target of an upgrade.
struct Between<'a> {
    standing: &'a InstalledRelease,
    from: &'static Line,
    to: &'static Line,
    chart: &'a ChartVersion,
    values: &'a Values,
}

impl InstalledRelease {
    /// A release as its record tells; nothing where it is not Camunda's or its chart's version is none.
    pub fn of(release: &str, namespace: &str, rendered: Rendered) -> Option<InstalledRelease> {
        let chart = ChartVersion::new(rendered.camunda_version.as_deref()?);
        chart.parsed.as_ref()?;
        // A record may name anything; what is not of the release's namespace and of charts with plain names is nobody's here.
        let mut rendered = rendered;
        let home = |object: &RenderedObject| object.reference.namespace == namespace;
        rendered.objects.retain(home);
        for object in &mut rendered.objects {
            let plain = |chart: &String| chart.chars().all(is_plain);
            object.charts = object
                .charts
                .take()
                .filter(|charts| charts.iter().all(plain));
        }
        Some(InstalledRelease {
            release: release.to_owned(),
            namespace: namespace.to_owned(),
            chart,
            rendered,
        })
    }

    /// Each Camunda of it on its own, with the name of its chart where there are several.
    pub fn parts(self) -> Vec<(Option<String>, InstalledRelease)> {
        let parts = self.rendered.parts();
        let parts = parts.into_iter().filter_map(|(subchart, rendered)| {
            let chart = ChartVersion::new(rendered.camunda_version.as_deref()?);
            chart.parsed.as_ref()?;
            let standing = InstalledRelease {
                release: self.release.clone(),
                namespace: self.namespace.clone(),
                chart,
                rendered: rendered.into_owned(),
            };
            Some((subchart.map(str::to_owned), standing))
        });
        parts.collect()
    }

    /// Predicts an upgrade to another chart with these values; `None` if either line is unknown.
    pub fn upgraded(&self, chart: &ChartVersion, values: &Values) -> Option<Forecast> {
        let between = Between {
            standing: self,
            from: self.chart.line?,
            to: chart.line?,
            chart,
            values,
        };
        let mut running = self.rendered.clone();
        let looked_up = secrets::looked_up(&between);
        running.objects.retain(|object| {
            object.hook.is_none() && !(object.reference.kind == Kind::Secret && looked_up)
        });
        let mut objects: Vec<_> = running
            .objects
            .iter()
            .filter_map(|object| match object.reference.kind {
                Kind::Secret => secrets::planned(&between, object),
                Kind::StatefulSet | Kind::Deployment | Kind::Job => {
                    workloads::planned(&between, object)
                }
                _ => Some(object.clone()),
            })
            .collect();
        workloads::drop_with_their_chart(&running, &mut objects);
        claims::rename(&between, &mut objects);
        for object in &mut objects {
            rewired::rewire(&between, object);
        }
        let new_secrets = secrets::new(&between);
        objects.extend(new_secrets.iter().cloned());
        objects.extend(migrations::new(&between, &running));
        let mut planned = running.replaced(&chart.version, objects, values.clone());
        let change = Change::between(
            Operation::Upgrade,
            &self.release,
            &self.namespace,
            &planned,
            Some(&running),
        );
        planned
            .objects
            .retain(|object| object.reference.kind != Kind::Secret);
        planned.objects.extend(secrets::kept(&between));
        planned.objects.extend(new_secrets);
        Some(Forecast { change, planned })
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

impl Between<'_> {
    /// Whether the upgrade takes the chart from below `version` to `version` or above.
    fn enters(&self, version: &str) -> bool {
        let Ok(version) = semver::Version::parse(version) else {
            return false;
        };
        let (from, to) = (&self.standing.chart.parsed, &self.chart.parsed);
        from.as_ref().is_some_and(|from| *from < version)
            && to.as_ref().is_some_and(|to| *to >= version)
    }
}

/// The same object as another chart has it.
fn with(object: &RenderedObject, changed: Object) -> RenderedObject {
    let mut other = object.clone();
    let (kind, namespace) = (object.reference.kind, &object.reference.namespace);
    other.reference = ObjectRef::new(kind, namespace, changed.name());
    other.object = Arc::new(changed);
    other
}
