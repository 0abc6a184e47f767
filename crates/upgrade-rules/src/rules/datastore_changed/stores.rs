//! The data stores of a release, according to its workloads and the user's values.

use std::{collections::BTreeMap, fmt};

use crate::{
    camunda::Component,
    change::{Change, Facts, ObjectChange, Side},
    helm::values::Values,
    knowledge::configuration::{Configuration, is_alike},
    kubernetes::{Kind, Object},
};

/// A place for data.
pub(super) struct Store {
    /// The store's name.
    pub name: &'static str,
    /// The applications that use it.
    pub user: &'static str,
    /// The bundled component, if the release bundles the store.
    pub embedded: Option<Component>,
    /// The component label of a workload, its property that names the host, and what runs there.
    properties: &'static [(&'static str, &'static str, &'static str)],
    /// A value that names the host, and what runs there.
    values: &'static [(&'static str, &'static str)],
    /// The value that makes an external one count although the release brings one along.
    external: &'static str,
}

/// Manifests are asked before values: they are what will run.
pub(super) static STORES: [Store; 4] = [
    Store {
        name: "Elasticsearch or OpenSearch",
        user: "Camunda",
        embedded: Some(Component::Elasticsearch),
        properties: &[
            (
                "zeebe-broker",
                "camunda.data.secondary-storage.opensearch.url",
                "OpenSearch",
            ),
            (
                "zeebe-broker",
                "camunda.data.secondary-storage.elasticsearch.url",
                "Elasticsearch",
            ),
            (
                "zeebe-broker",
                "zeebe.broker.exporters.opensearch.args.url",
                "OpenSearch",
            ),
            (
                "zeebe-broker",
                "zeebe.broker.exporters.elasticsearch.args.url",
                "Elasticsearch",
            ),
        ],
        values: &[
            (
                "orchestration.data.secondaryStorage.opensearch.url",
                "OpenSearch",
            ),
            (
                "orchestration.data.secondaryStorage.elasticsearch.url",
                "Elasticsearch",
            ),
            (
                "orchestration.data.secondaryStorage.rdbms.url",
                "a database",
            ),
            ("global.opensearch.url.host", "OpenSearch"),
            ("global.opensearch.url", "OpenSearch"),
            ("global.elasticsearch.url.host", "Elasticsearch"),
            ("global.elasticsearch.url", "Elasticsearch"),
            ("global.elasticsearch.host", "Elasticsearch"),
        ],
        external: "global.elasticsearch.external",
    },
    Store {
        name: "database",
        user: "Keycloak",
        embedded: Some(Component::KeycloakPostgresql),
        properties: &[("keycloak", "KEYCLOAK_DATABASE_HOST", "a database")],
        values: &[
            ("identityKeycloak.externalDatabase.host", "a database"),
            ("identity.keycloak.externalDatabase.host", "a database"),
        ],
        external: "",
    },
    Store {
        name: "database",
        user: "Web Modeler",
        embedded: Some(Component::WebModelerPostgresql),
        properties: &[
            ("restapi", "spring.datasource.url", "a database"),
            ("restapi", "RESTAPI_DB_HOST", "a database"),
        ],
        values: &[
            ("webModeler.restapi.externalDatabase.url", "a database"),
            ("webModeler.restapi.externalDatabase.host", "a database"),
        ],
        external: "",
    },
    Store {
        name: "database",
        user: "Identity",
        embedded: Some(Component::IdentityPostgresql),
        properties: &[
            ("identity", "spring.datasource.url", "a database"),
            ("identity", "IDENTITY_DATABASE_HOST", "a database"),
        ],
        values: &[("identity.externalDatabase.host", "a database")],
        external: "",
    },
];

/// The location of a store.
#[derive(Debug, PartialEq, Eq)]
pub enum State {
    /// Part of the release.
    Embedded,
    /// On a host, with what runs there.
    Host(&'static str, String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Embedded => f.write_str("the one of the release"),
            State::Host(what, host) => write!(f, "{what} on {host}"),
        }
    }
}

impl Store {
    /// Whether the store's configuration and its bundled chart both stay, so that nothing has to be read.
    pub(super) fn is_untouched(&self, change: &Change) -> bool {
        let Some(before) = &change.running_values else {
            return false;
        };
        let same_values = self
            .values
            .iter()
            .all(|(key, _)| before.get(key) == change.values.get(key))
            && (self.external.is_empty()
                || before.get(self.external) == change.values.get(self.external));
        let concerned = |object: &ObjectChange| {
            let workload = object.running.as_deref().or(object.planned.as_deref());
            let label = workload.and_then(|it| it.label("app.kubernetes.io/component"));
            object.object.kind == Kind::ConfigMap
                || Some(object.component) == self.embedded
                || self
                    .properties
                    .iter()
                    .any(|(component, ..)| label == Some(component))
        };
        let same = |object: &ObjectChange| {
            let sides = object.running.as_deref().zip(object.planned.as_deref());
            let alike = sides.is_some_and(|(running, planned)| is_alike(running, planned));
            object.is_as_before() || object.object.kind != Kind::ConfigMap && alike
        };
        same_values
            && change
                .objects
                .iter()
                .filter(|object| concerned(object))
                .all(same)
    }

    /// Returns its location in the running release.
    pub(super) fn before(&self, change: &Change, facts: &Facts) -> Option<State> {
        let values = change.running_values.as_ref()?;
        self.state(change, facts, values, Side::Running)
    }

    /// Returns its location after the change.
    pub(super) fn after(&self, change: &Change, facts: &Facts) -> Option<State> {
        self.state(change, facts, &change.values, Side::Planned)
    }

    /// Whether a value determines its location.
    pub(super) fn is_named_by(&self, key: &str) -> bool {
        key == self.external || self.values.iter().any(|(named, _)| *named == key)
    }

    /// The values that name it in some line.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.values.iter().map(|(key, _)| *key)
    }

    /// The keys that name it, now or before.
    pub(super) fn set_keys(&self, change: &Change) -> impl Iterator<Item = &'static str> {
        let set = |values: &Values, key: &str| values.text(key).is_some();
        self.values.iter().map(|(key, _)| *key).filter(move |key| {
            set(&change.values, key)
                || change
                    .running_values
                    .as_ref()
                    .is_some_and(|values| set(values, key))
        })
    }

    fn state(&self, change: &Change, facts: &Facts, values: &Values, side: Side) -> Option<State> {
        let workloads: Vec<_> = change
            .objects
            .iter()
            .filter(|object| object.camunda)
            .filter(|object| matches!(object.object.kind, Kind::StatefulSet | Kind::Deployment))
            .filter_map(|object| Some((object, object.on(side)?)))
            .collect();
        // One that a chart brings along is the same where another chart only uses it.
        let brought: Vec<_> = change
            .of_kind(Kind::StatefulSet)
            .filter(|set| set.camunda && Some(set.component) == self.embedded)
            .collect();
        let names: Vec<_> = brought.iter().map(|set| set.object.name.as_str()).collect();
        let at = |what, host: String| match is_of(&names, &host) {
            true => State::Embedded,
            false => State::Host(what, host),
        };
        let namespace = &change.namespace;
        let told = self.told(change, facts, &workloads, side);
        if let Some((what, host)) = told {
            return Some(at(what, host));
        }
        if brought.iter().any(|set| set.on(side).is_some())
            && (self.external.is_empty() || values.flag(self.external) != Some(true))
        {
            return Some(State::Embedded);
        }
        self.values.iter().find_map(|(key, what)| {
            let host = host(&values.text(key)?, namespace)?;
            Some(at(what, host))
        })
    }

    /// Returns what the workloads' own configuration says: a value may be meant for something else.
    fn told(
        &self,
        change: &Change,
        facts: &Facts,
        workloads: &[(&ObjectChange, &Object)],
        side: Side,
    ) -> Option<(&'static str, String)> {
        let mut configurations: BTreeMap<&str, Configuration> = BTreeMap::new();
        self.properties
            .iter()
            .find_map(|(component, property, what)| {
                let (change_of, _) = workloads.iter().find(|(_, workload)| {
                    workload.label("app.kubernetes.io/component") == Some(component)
                })?;
                let found = configurations
                    .entry(component)
                    .or_insert_with(|| Configuration::of(change, facts, change_of, side));
                Some((*what, host(found.get(property)?, &change.namespace)?))
            })
    }
}

/// Whether a host is the Service of one of these StatefulSets: it equals the set's name, or its start up to a dash.
fn is_of(statefulsets: &[&str], host: &str) -> bool {
    statefulsets.iter().any(|set| {
        set.strip_prefix(host)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// The host of a URL or JDBC URL, spelled one way; nothing where a template still has to make one.
pub(in crate::rules) fn host(address: &str, namespace: &str) -> Option<String> {
    let address = address.trim();
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?', ',']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let host = host.trim_end_matches('.').to_lowercase();
    let host = host
        .strip_suffix(".svc.cluster.local")
        .or_else(|| host.strip_suffix(".svc"))
        .unwrap_or(&host);
    let host = host
        .strip_suffix(namespace)
        .and_then(|host| host.strip_suffix('.'))
        .unwrap_or(host);
    (!host.is_empty() && !host.contains("{{")).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_many_spellings() {
        for address in [
            "es.prod.svc.cluster.local",
            "http://es:9200",
            "https://elastic:x@ES.prod.svc:9200/path",
            "jdbc:postgresql://es:5432/db?x=y",
        ] {
            assert_eq!(host(address, "prod").as_deref(), Some("es"), "{address}");
        }
        assert_eq!(
            host("es.logging.svc", "prod").as_deref(),
            Some("es.logging")
        );
        assert_eq!(host("{{ .Release.Name }}-elasticsearch", "prod"), None);
        assert_eq!(host("", "prod"), None);
    }

    #[test]
    fn a_service_is_called_like_its_statefulset() {
        assert!(is_of(
            &["camunda-elasticsearch-master"],
            "camunda-elasticsearch"
        ));
        assert!(is_of(&["elasticsearch-master"], "elasticsearch-master"));
        assert!(!is_of(&["camunda-elasticsearch-master"], "es.example.com"));
        assert!(!is_of(&[], "elasticsearch"));
    }
}
