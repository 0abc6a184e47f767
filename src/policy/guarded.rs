//! Releases that are Camunda's although nothing in them says so.

use semver::Version;
use serde::{Deserialize, Deserializer, de::Error};

use super::matches;
use crate::{helm::release::Release, kubernetes::Object};

/// Which releases; what is named has to fit, and at least one has to be named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    charts: Vec<String>,
    namespaces: Vec<String>,
    releases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    #[serde(default)]
    charts: Vec<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    releases: Vec<String>,
}

impl<'de> Deserialize<'de> for Guarded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Named {
            charts,
            namespaces,
            releases,
        } = Named::deserialize(deserializer)?;
        if charts.is_empty() && namespaces.is_empty() && releases.is_empty() {
            let all = "guarded names nothing: charts, namespaces or releases, of which * is all";
            return Err(D::Error::custom(all));
        }
        Ok(Self {
            charts,
            namespaces,
            releases,
        })
    }
}

impl Guarded {
    /// Whether it goes by the chart's name.
    pub fn names_charts(&self) -> bool {
        !self.charts.is_empty()
    }

    /// Whether one of them says that all of a release is Camunda's.
    pub fn covers(guarded: &[Guarded], release: &Release) -> bool {
        let (chart, namespace) = (&release.chart.metadata.name, &release.namespace);
        let mut guarded = guarded.iter();
        guarded.any(|it| it.fits(Some(chart), namespace, &release.name))
    }

    /// Whether it is about a release; `chart` is its chart's name, as far as that is known.
    pub fn fits(&self, chart: Option<&str>, namespace: &str, release: &str) -> bool {
        (self.charts.is_empty() || chart.is_some_and(|chart| one(&self.charts, chart)))
            && one(&self.namespaces, namespace)
            && one(&self.releases, release)
    }
}

/// The chart that an object's label names, without its version.
pub fn chart_label(object: &Object) -> Option<&str> {
    let label = object.label("helm.sh/chart")?;
    let version = |at: &usize| Version::parse(&label[at + 1..].replace('_', "+")).is_ok();
    let end = label.match_indices('-').map(|(at, _)| at).find(version);
    Some(&label[..end.unwrap_or(label.len())])
}

/// Whether a name is one of those that patterns stand for; none is all.
pub(super) fn one(patterns: &[String], name: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name))
}
