//! Releases to guard although nothing in them shows that they are Camunda's.

use semver::Version;
use serde::{Deserialize, Deserializer, de::Error};

use super::matches;
use crate::{helm::release::Release, kubernetes::Object};

/// Patterns of such releases; all given kinds of patterns must match, and at least one must be given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(with = "Named"))]
pub struct Guarded {
    charts: Vec<String>,
    namespaces: Vec<String>,
    releases: Vec<String>,
}

#[derive(Deserialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(extend("minProperties" = 1))
)]
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
    /// Whether it selects by chart name.
    pub fn names_charts(&self) -> bool {
        !self.charts.is_empty()
    }

    /// Whether one of them matches a release.
    pub fn covers(guarded: &[Guarded], release: &Release) -> bool {
        let (chart, namespace) = (&release.chart.metadata.name, &release.namespace);
        let mut guarded = guarded.iter();
        guarded.any(|it| it.fits(Some(chart), namespace, &release.name))
    }

    /// Whether it matches a release; `chart` is the name of its chart, if known.
    pub fn fits(&self, chart: Option<&str>, namespace: &str, release: &str) -> bool {
        (self.charts.is_empty() || chart.is_some_and(|chart| one(&self.charts, chart)))
            && one(&self.namespaces, namespace)
            && one(&self.releases, release)
    }
}

/// Returns the chart name in an object's `helm.sh/chart` label, without the version.
pub fn chart_label(object: &Object) -> Option<&str> {
    let label = object.label("helm.sh/chart")?;
    let version = |at: &usize| Version::parse(&label[at + 1..].replace('_', "+")).is_ok();
    let end = label.match_indices('-').map(|(at, _)| at).find(version);
    Some(&label[..end.unwrap_or(label.len())])
}

/// Whether a name matches one of the patterns; no pattern matches all names.
pub(super) fn one(patterns: &[String], name: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name))
}
