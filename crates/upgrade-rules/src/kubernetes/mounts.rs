//! The claims that a StatefulSet mounts, by their names.

use super::{Object, at};

/// A StatefulSet's claims: `TEMPLATE-STATEFULSET-ORDINAL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounts {
    /// The StatefulSet's name.
    pub statefulset: String,
    /// The names of its volumeClaimTemplates.
    pub templates: Vec<String>,
    /// The replicas in the manifest.
    pub replicas: u64,
}

impl Mounts {
    /// Reads the claims that a StatefulSet mounts.
    pub fn of(statefulset: &Object) -> Mounts {
        Mounts {
            statefulset: statefulset.name().to_owned(),
            templates: statefulset
                .array("/spec/volumeClaimTemplates")
                .iter()
                .filter_map(|template| at(template, "/metadata/name")?.as_str())
                .map(str::to_owned)
                .collect(),
            replicas: replicas(statefulset),
        }
    }

    /// The name of one of its claims.
    pub fn claim(&self, template: &str, ordinal: u64) -> String {
        format!("{template}-{}-{ordinal}", self.statefulset)
    }

    /// The template and ordinal that a claim's name stands for, if it is one of its claims.
    pub fn parse<'a>(&'a self, claim: &str) -> Option<(&'a str, u64)> {
        self.templates.iter().find_map(|template| {
            let ordinal = claim
                .strip_prefix(template.as_str())?
                .strip_prefix('-')?
                .strip_prefix(self.statefulset.as_str())?
                .strip_prefix('-')?;
            Some((template.as_str(), ordinal.parse().ok()?))
        })
    }

    /// The claim template of another StatefulSet that has the place of one of its own, if one has.
    pub fn becomes<'a>(&self, template: &str, new: &'a Mounts) -> Option<&'a str> {
        let is_in = |name: &String, mounts: &Mounts| mounts.templates.contains(name);
        if let Some(same) = new.templates.iter().find(|name| *name == template) {
            return Some(same);
        }
        // Where only one was renamed there is no other to mistake it for.
        let gone = self.templates.iter().filter(|name| !is_in(name, new));
        let mut come = new.templates.iter().filter(|name| !is_in(name, self));
        let first = come.next();
        first
            .filter(|_| gone.count() == 1 && come.next().is_none())
            .map(String::as_str)
    }
}

/// `spec.replicas`, 1 where unset.
pub fn replicas(statefulset: &Object) -> u64 {
    statefulset
        .at("/spec/replicas")
        .and_then(serde_json::Value::as_u64)
        .unwrap_or(1)
}

/// The number at the end of a claim's name.
pub fn ordinal(claim: &str) -> Option<u64> {
    claim.rsplit_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_are_told_by_their_names() {
        let mounts = Mounts::of(&Object(json!({
            "metadata": {"name": "elasticsearch-master"},
            "spec": {"replicas": 2, "volumeClaimTemplates": [{"metadata": {"name": "elasticsearch-master"}}]},
        })));
        assert_eq!(
            mounts.claim("elasticsearch-master", 1),
            "elasticsearch-master-elasticsearch-master-1"
        );
        assert_eq!(
            mounts.parse("elasticsearch-master-elasticsearch-master-1"),
            Some(("elasticsearch-master", 1))
        );
        assert_eq!(
            mounts.parse("elasticsearch-master-elasticsearch-master-"),
            None
        );
        assert_eq!(
            mounts.parse("elasticsearch-master-elasticsearch-master-data-1"),
            None
        );
        assert_eq!(ordinal("data-camunda-zeebe-11"), Some(11));
        assert_eq!(ordinal("data"), None);
    }
}
