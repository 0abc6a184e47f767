//! What a release can't hold: rules compare some objects with each other, so more of them would take all the time that there is.

use serde_json::Value;

use super::rendered::RenderedObject;
use crate::{helm::manifest::Budget, kubernetes::Kind};

/// More than is judged of one release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Excess {
    /// Documents, and items of lists.
    #[error("its manifest holds more than {0} objects")]
    Objects(usize),
    /// Objects of one kind that are compared with each other.
    #[error("its manifest holds more than {1} {0}")]
    Kind(&'static str, usize),
    /// Variables, volumes and the like of its workloads.
    #[error("its workloads have longer lists than any chart's")]
    Lists,
    /// Charts of Camunda's under one umbrella.
    #[error("it holds more than {0} charts of Camunda's")]
    Charts(usize),
}

/// The kinds whose objects rules compare with each other, and how many times the limit there may be. Deployments hold no data, and
/// umbrella charts have many.
const COMPARED: [(Kind, usize); 4] = [
    (Kind::StatefulSet, 1),
    (Kind::Deployment, 2),
    (Kind::Job, 1),
    (Kind::PersistentVolumeClaim, 1),
];

/// Number of Camundas under one umbrella chart; each is judged by all rules.
pub(super) const CHARTS: usize = 4;

/// Looks for what is compared with each other and is more than any release has.
pub(super) fn of(objects: &[RenderedObject], budget: &Budget) -> Option<Excess> {
    for (kind, times) in COMPARED {
        let most = budget.compared().saturating_mul(times);
        let of_kind = objects.iter().filter(|it| it.reference.kind == kind);
        if of_kind.count() > most {
            return Some(Excess::Kind(kind.plural(), most));
        }
    }
    let specs = objects.iter().filter_map(|it| it.object.at("/spec"));
    (specs.map(pairs).sum::<usize>() > budget.pairs()).then_some(Excess::Lists)
}

/// The pairs within all lists below a value.
fn pairs(value: &Value) -> usize {
    match value {
        Value::Array(items) => {
            items.len().saturating_pow(2) + items.iter().map(pairs).sum::<usize>()
        }
        Value::Object(below) => below.values().map(pairs).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{change::Rendered, helm::release::Release};

    fn excess(manifest: &str) -> Option<Excess> {
        let release = json!({"name": "camunda", "version": 1, "chart": {"metadata": {}}, "manifest": manifest});
        let release: Release = serde_json::from_value(release).unwrap();
        let rendered = Rendered::of(&release, None);
        assert_eq!(rendered.excess.is_some(), !rendered.unreadable.is_empty());
        rendered.excess
    }

    fn documents(count: usize, kind: &str) -> String {
        let version = if kind == "Secret" { "v1" } else { "apps/v1" };
        let document =
            |n| format!("---\nkind: {kind}\napiVersion: {version}\nmetadata: {{name: a{n}}}\n");
        (0..count).map(document).collect()
    }

    #[test]
    fn documents_and_items_are_counted_together() {
        assert_eq!(excess(&documents(2000, "Secret")), None);
        assert_eq!(
            excess(&documents(2001, "Secret")),
            Some(Excess::Objects(2000))
        );
        assert_eq!(
            excess(&documents(2001, "Other")),
            Some(Excess::Objects(2000))
        );
        let list = |items| {
            format!(
                "kind: SecretList\napiVersion: v1\nitems: [{}]\n",
                "{}, ".repeat(items)
            )
        };
        assert_eq!(excess(&list(2000)), None);
        assert_eq!(excess(&list(2001)), Some(Excess::Objects(2000)));
        let both = format!("{}---\n{}", documents(1000, "Secret"), list(1001));
        assert_eq!(excess(&both), Some(Excess::Objects(2000)));
    }

    #[test]
    fn what_is_compared_is_less() {
        for (kind, plural, most) in [
            ("StatefulSet", "statefulsets", 100),
            ("Deployment", "deployments", 200),
        ] {
            assert_eq!(excess(&documents(most, kind)), None);
            let more = Excess::Kind(plural, most);
            assert_eq!(excess(&documents(most + 1, kind)), Some(more));
        }
    }

    #[test]
    fn long_lists_of_a_workload_are_refused() {
        let variables = |count| {
            let env = "{name: a}, ".repeat(count);
            let container = format!("{{name: c, env: [{env}]}}");
            let spec = format!("{{template: {{spec: {{containers: [{container}]}}}}}}");
            format!("kind: Deployment\napiVersion: apps/v1\nmetadata: {{name: a}}\nspec: {spec}\n")
        };
        assert_eq!(excess(&variables(1400)), None);
        assert_eq!(excess(&variables(1500)), Some(Excess::Lists));
    }
}
