//! The value keys that a user types for a workload, under any alias and umbrella.

use super::{Component, Feature, Line};

/// Returns the value key for the number of brokers.
pub fn broker_count(line: Option<&Line>, charts: Option<&[String]>) -> Option<String> {
    Some(own(&line?.brokers.count, charts))
}

/// Returns the value key for the number of Elasticsearch nodes with a role, named as in the label `app.kubernetes.io/component`.
pub fn node_count(role: &str, line: Option<&Line>, charts: Option<&[String]>) -> Option<String> {
    let key = line?.nodes.as_deref()?.replace("$ROLE", role);
    let (_, rest) = key.split_once('.')?;
    let path = bundled(Component::Elasticsearch, line, charts)?;
    Some(format!("{path}.{rest}"))
}

/// Returns the value key for the size of a workload's claims.
pub fn claim_size(
    component: Component,
    line: Option<&Line>,
    charts: Option<&[String]>,
) -> Option<String> {
    match component {
        Component::Zeebe => Some(own(&line?.brokers.size, charts)),
        // Elastic's chart, up to 8.2, had a claim template.
        Component::Elasticsearch if !line?.has(Feature::BitnamiElasticsearch) => None,
        Component::Elasticsearch => {
            let path = bundled(component, line, charts)?;
            Some(format!("{path}.master.persistence.size"))
        }
        Component::KeycloakPostgresql
        | Component::WebModelerPostgresql
        | Component::IdentityPostgresql => {
            let path = bundled(component, line, charts)?;
            Some(format!("{path}.primary.persistence.size"))
        }
        Component::Keycloak | Component::Other => None,
    }
}

/// Returns the key of a bundled chart's values: its path of subcharts if known, else the line's default key.
pub fn bundled(
    component: Component,
    line: Option<&Line>,
    charts: Option<&[String]>,
) -> Option<String> {
    if let Some(charts) = charts.filter(|charts| !charts.is_empty()) {
        return Some(charts.join("."));
    }
    let credential = match component {
        Component::Elasticsearch => return Some("elasticsearch".to_owned()),
        Component::KeycloakPostgresql => "postgresql",
        Component::WebModelerPostgresql => "web-modeler-postgresql",
        Component::IdentityPostgresql => "identity-postgresql",
        _ => return None,
    };
    let facts = &line?.credentials;
    let fact = facts.iter().find(|fact| fact.name == credential)?;
    let (path, _) = fact.value.rsplit_once(".auth.")?;
    Some(path.to_owned())
}

/// Puts an umbrella's prefix before a key of Camunda's chart itself; up to 8.2 Zeebe was a subchart.
fn own(key: &str, charts: Option<&[String]>) -> String {
    let umbrella = match charts {
        Some([umbrella @ .., zeebe]) if zeebe == "zeebe" => umbrella,
        other => other.unwrap_or_default(),
    };
    let parts = umbrella.iter().map(String::as_str).chain([key]);
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charts(path: &str) -> Vec<String> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    #[test]
    fn brokers_are_counted_under_the_lines_key() {
        for (version, path, key) in [
            ("8.2.34", "zeebe", "zeebe.clusterSize"),
            ("12.13.3", "", "zeebe.clusterSize"),
            ("13.12.7", "", "orchestration.clusterSize"),
            ("8.2.34", "bpm/zeebe", "bpm.zeebe.clusterSize"),
            ("14.8.4", "bpm", "bpm.orchestration.clusterSize"),
        ] {
            let found = broker_count(Line::of(version), Some(&charts(path)));
            assert_eq!(found.as_deref(), Some(key), "{version} {path}");
        }
    }

    #[test]
    fn nodes_are_counted_under_the_lines_key() {
        for (version, path, key) in [
            ("8.2.34", "elasticsearch", Some("elasticsearch.replicas")),
            ("8.3.1", "", Some("elasticsearch.data.replicaCount")),
            (
                "12.13.3",
                "bpm/search",
                Some("bpm.search.data.replicaCount"),
            ),
            ("15.0.0", "elasticsearch", None),
        ] {
            let found = node_count("data", Line::of(version), Some(&charts(path)));
            assert_eq!(found.as_deref(), key, "{version} {path}");
        }
    }

    #[test]
    fn a_bundled_chart_is_found_with_and_without_comments() {
        use Component::{Elasticsearch, KeycloakPostgresql, WebModelerPostgresql};
        let path = |component, version, charts: Option<&[String]>| {
            bundled(component, Line::of(version), charts)
        };
        assert_eq!(
            path(KeycloakPostgresql, "8.2.34", None).as_deref(),
            Some("identity.keycloak.postgresql")
        );
        assert_eq!(
            path(WebModelerPostgresql, "13.12.7", None).as_deref(),
            Some("webModelerPostgresql")
        );
        let renamed = charts("bpm/identityKeycloak/postgresql");
        assert_eq!(
            path(KeycloakPostgresql, "12.13.3", Some(&renamed)).as_deref(),
            Some("bpm.identityKeycloak.postgresql")
        );
        assert_eq!(
            claim_size(Elasticsearch, Line::of("8.3.1"), None).as_deref(),
            Some("elasticsearch.master.persistence.size")
        );
        assert_eq!(claim_size(Elasticsearch, Line::of("8.2.34"), None), None);
    }
}
