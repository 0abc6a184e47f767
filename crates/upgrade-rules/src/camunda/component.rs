//! The component that a workload runs.

use serde::Deserialize;

use super::image_name;
use crate::kubernetes::Object;

/// The workloads whose names, claims or credentials some rule follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// Zeebe's brokers; from 13 on the Orchestration Cluster.
    Zeebe,
    /// Elasticsearch, of elastic's chart (up to 8.2) or Bitnami's.
    Elasticsearch,
    /// Keycloak.
    Keycloak,
    /// Keycloak's PostgreSQL.
    KeycloakPostgresql,
    /// Web Modeler's PostgreSQL.
    WebModelerPostgresql,
    /// Identity's own PostgreSQL, which holds tenants and mapping rules.
    IdentityPostgresql,
    /// Anything else.
    Other,
}

impl Component {
    /// Classifies a workload by the subchart that it was rendered from, else by its labels, else by its image.
    ///
    /// `charts` is the path of subcharts below Camunda's chart, where the manifest tells it.
    pub fn of(workload: &Object, charts: Option<&[String]>) -> Component {
        charts
            .and_then(|charts| by_chart(charts, workload))
            .or_else(|| by_labels(workload))
            .or_else(|| by_image(workload))
            .unwrap_or(Component::Other)
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Component::Zeebe => "Zeebe",
            Component::Elasticsearch => "Elasticsearch",
            Component::Keycloak => "Keycloak",
            Component::KeycloakPostgresql => "Keycloak's PostgreSQL",
            Component::WebModelerPostgresql => "Web Modeler's PostgreSQL",
            Component::IdentityPostgresql => "Identity's PostgreSQL",
            Component::Other => "a component",
        }
    }
}

fn by_chart(charts: &[String], workload: &Object) -> Option<Component> {
    let last = charts.last()?.as_str();
    let in_keycloak = charts
        .iter()
        .any(|chart| chart.to_lowercase().contains("keycloak"));
    match last {
        "elasticsearch" => Some(Component::Elasticsearch),
        "zeebe" => Some(Component::Zeebe),
        "keycloak" | "identityKeycloak" => Some(Component::Keycloak),
        "postgresql" if in_keycloak => Some(Component::KeycloakPostgresql),
        "identityPostgresql" => Some(Component::IdentityPostgresql),
        "postgresql" if charts.iter().any(|chart| chart == "identity") => {
            Some(Component::IdentityPostgresql)
        }
        // Up to 12 the top-level `postgresql` is Web Modeler's; in somebody else's umbrella chart it need not be.
        "postgresql" | "webModelerPostgresql" => {
            by_labels(workload).or(Some(Component::WebModelerPostgresql))
        }
        _ => None,
    }
}

fn by_labels(workload: &Object) -> Option<Component> {
    if workload.label("app.kubernetes.io/component") == Some("zeebe-broker") {
        return Some(Component::Zeebe);
    }
    if workload.label("chart") == Some("elasticsearch") {
        return Some(Component::Elasticsearch);
    }
    match workload.label("app.kubernetes.io/name")? {
        "elasticsearch" => Some(Component::Elasticsearch),
        "keycloak" => Some(Component::Keycloak),
        "postgresql" => Some(Component::KeycloakPostgresql),
        "postgresql-web-modeler" => Some(Component::WebModelerPostgresql),
        "identity-postgresql" => Some(Component::IdentityPostgresql),
        _ => None,
    }
}

fn by_image(workload: &Object) -> Option<Component> {
    match image_name(workload.image()?) {
        "elasticsearch" => Some(Component::Elasticsearch),
        "zeebe" => Some(Component::Zeebe),
        "keycloak" => Some(Component::Keycloak),
        "postgresql" => Some(Component::KeycloakPostgresql),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(labels: serde_json::Value, image: &str) -> Object {
        Object(json!({
            "metadata": {"name": "w", "labels": labels},
            "spec": {"template": {"spec": {"containers": [{"image": image}]}}},
        }))
    }

    fn charts(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn the_subchart_decides_under_any_name() {
        let renamed = workload(json!({"app.kubernetes.io/name": "db"}), "registry/pg:15");
        for (path, component) in [
            (
                "identity/keycloak/postgresql",
                Component::KeycloakPostgresql,
            ),
            ("identityKeycloak/postgresql", Component::KeycloakPostgresql),
            ("webModelerPostgresql", Component::WebModelerPostgresql),
            ("postgresql", Component::WebModelerPostgresql),
            ("identityPostgresql", Component::IdentityPostgresql),
            ("identity/postgresql", Component::IdentityPostgresql),
            ("elasticsearch", Component::Elasticsearch),
        ] {
            assert_eq!(
                Component::of(&renamed, Some(&charts(path))),
                component,
                "{path}"
            );
        }
    }

    #[test]
    fn labels_and_image_decide_where_comments_were_stripped() {
        let elastic = workload(json!({"chart": "elasticsearch"}), "mirror/es:7");
        assert_eq!(Component::of(&elastic, None), Component::Elasticsearch);
        let bare = workload(
            json!({}),
            "registry:5000/bitnami/elasticsearch:8.7.1@sha256:00",
        );
        assert_eq!(Component::of(&bare, None), Component::Elasticsearch);
        let modeler = workload(
            json!({"app.kubernetes.io/name": "postgresql-web-modeler"}),
            "x",
        );
        assert_eq!(
            Component::of(&modeler, None),
            Component::WebModelerPostgresql
        );
        assert_eq!(
            Component::of(&workload(json!({}), "nginx"), None),
            Component::Other
        );
    }
}
