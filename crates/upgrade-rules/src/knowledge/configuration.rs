//! The configuration of one of Camunda's applications: its files, its environment, and their placeholders.
//!
//! The applications are Spring Boot's: a property may come from `application.yaml` in a ConfigMap, from a further file
//! of the user's (`extraConfiguration`), or from a variable of the environment, which wins; and its name may be spelled
//! `camunda.operate.importerEnabled`, `importer-enabled` or `CAMUNDA_OPERATE_IMPORTERENABLED`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    change::{Change, Facts, ObjectChange, Side},
    helm::manifest,
    knowledge::credentials::list,
    kubernetes::{Kind, Object, ObjectRef, at},
};

/// The properties of one workload.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// `None` for a value that is in a Secret.
    properties: BTreeMap<String, Option<String>>,
}

/// Whether a workload's own manifest configures it as before; its ConfigMaps may still differ.
pub fn is_alike(running: &Object, planned: &Object) -> bool {
    const OF_CONTAINER: [&str; 3] = ["/env", "/envFrom", "/volumeMounts"];
    const VOLUMES: &str = "/spec/template/spec/volumes";
    let [before, after] = [running, planned].map(|it| it.array("/spec/template/spec/containers"));
    before.len() == after.len()
        && running.at(VOLUMES) == planned.at(VOLUMES)
        && before.iter().zip(after).all(|(before, after)| {
            let mut fields = OF_CONTAINER.iter();
            fields.all(|field| at(before, field) == at(after, field))
        })
}

/// Whether an application is configured as before, in the same words: then no property of it has to be read.
pub fn is_untouched(change: &Change, running: &ObjectChange, planned: &ObjectChange) -> bool {
    let sides = running.running.as_deref().zip(planned.planned.as_deref());
    sides.is_some_and(|(before, after)| {
        let namespace = &planned.object.namespace;
        // What the release does not bring along is the same on both sides.
        let same = |name: String| {
            let config_map = ObjectRef::new(Kind::ConfigMap, namespace, &name);
            let found = change.find(&config_map);
            found.is_none_or(ObjectChange::is_as_before)
        };
        running.object == planned.object && is_alike(before, after) && config_maps(after).all(same)
    })
}

impl Configuration {
    /// The configuration of a workload before or after a change; empty where it does not run on that side.
    pub fn of(change: &Change, facts: &Facts, workload: &ObjectChange, side: Side) -> Self {
        let mut configuration = Configuration::default();
        let Some(object) = workload.on(side) else {
            return configuration;
        };
        let namespace = &workload.object.namespace;
        let config_map = |name: &str| {
            let reference = ObjectRef::new(Kind::ConfigMap, namespace, name);
            change
                .find(&reference)
                .map_or_else(|| facts.get(&reference), |found| found.on(side))
        };
        for container in object.array("/spec/template/spec/containers") {
            for (name, key) in files(object, container) {
                let data = config_map(&name).and_then(|map| map.at("/data")?.as_object());
                let wanted = |file: &str| key.as_deref().is_none_or(|key| key == file);
                let mut found: Vec<_> = data
                    .into_iter()
                    .flatten()
                    .filter(|(file, _)| wanted(file))
                    .collect();
                // The user's own files come after the chart's and win.
                found.sort_by_key(|(file, _)| !is_main(file));
                for (file, text) in found {
                    configuration.add_file(file, text.as_str().unwrap_or_default());
                }
            }
            configuration.add_environment(container, config_map);
        }
        configuration.resolve();
        configuration
    }

    /// The value of a property in any spelling, where it is known.
    pub fn get(&self, property: &str) -> Option<&str> {
        self.properties.get(&canonical(property))?.as_deref()
    }

    /// Whether a property is set, also to a value that only a Secret holds.
    pub fn is_set(&self, property: &str) -> bool {
        let value = self.properties.get(&canonical(property));
        value.is_some_and(|value| value.as_deref() != Some(""))
    }

    /// Whether anything is set below a property.
    pub fn sets_below(&self, property: &str) -> bool {
        let prefix = canonical(property);
        self.properties
            .range(prefix.clone()..)
            .take_while(|(name, _)| name.starts_with(&prefix))
            .any(|(_, value)| value.as_deref() != Some(""))
    }

    /// A switch.
    pub fn flag(&self, property: &str) -> Option<bool> {
        self.get(property)?.to_ascii_lowercase().parse().ok()
    }

    fn add_file(&mut self, file: &str, text: &str) {
        if file.ends_with(".properties") {
            for line in text.lines().map(str::trim) {
                if let Some((name, value)) = line.split_once(['=', ':'])
                    && !line.starts_with(['#', '!'])
                {
                    self.set(name.trim(), Some(value.trim()));
                }
            }
            return;
        }
        if !file.ends_with(".yaml") && !file.ends_with(".yml") {
            return;
        }
        for document in manifest::split(text) {
            // A file that the application could not read either has nothing to say.
            let Ok(Some(value)) = document.parse() else {
                continue;
            };
            let mut part = Configuration::default();
            part.add("", &value);
            if !part.is_set("spring.config.activate.on-profile") {
                self.properties.extend(part.properties);
            }
        }
    }

    fn add(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.add(&format!("{name}.{key}"), value);
                }
            }
            Value::Array(items) => {
                let texts: Vec<_> = items.iter().filter_map(text).collect();
                self.set(name, Some(&texts.join(",")));
                for (index, item) in items.iter().enumerate() {
                    self.add(&format!("{name}.{index}"), item);
                }
            }
            Value::Null => {}
            scalar => self.set(name, text(scalar).as_deref()),
        }
    }

    fn add_environment<'a>(
        &mut self,
        container: &Value,
        config_map: impl Fn(&str) -> Option<&'a Object>,
    ) {
        for from in list(container, "/envFrom") {
            let prefix = from.get("prefix").and_then(Value::as_str).unwrap_or("");
            let name = at(from, "/configMapRef/name").and_then(Value::as_str);
            let data = name
                .and_then(&config_map)
                .and_then(|map| map.at("/data")?.as_object());
            for (name, value) in data.into_iter().flatten() {
                self.set(&format!("{prefix}{name}"), value.as_str());
            }
        }
        for variable in list(container, "/env") {
            if let Some(name) = variable.get("name").and_then(Value::as_str) {
                self.set(name, variable.get("value").and_then(Value::as_str));
            }
        }
    }

    fn set(&mut self, name: &str, value: Option<&str>) {
        self.properties
            .insert(canonical(name), value.map(str::to_owned));
    }

    /// `${NAME:default}` is what the variable has, else the default.
    fn resolve(&mut self) {
        let is_placeholder = |value: &str| value.starts_with("${") && value.ends_with('}');
        let names: Vec<_> = self
            .properties
            .iter()
            .filter(|(_, value)| value.as_deref().is_some_and(is_placeholder))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            let value = self.properties.get(&name).cloned().flatten();
            let resolved = value.and_then(|value| self.resolved(&value, 0));
            self.properties.insert(name, resolved);
        }
    }

    fn resolved(&self, value: &str, depth: usize) -> Option<String> {
        let Some(inner) = value
            .strip_prefix("${")
            .and_then(|value| value.strip_suffix('}'))
            .filter(|_| depth < 8)
        else {
            return Some(value.to_owned());
        };
        let (name, default) = match inner.split_once(':') {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        match self.properties.get(&canonical(name)) {
            Some(found) => found
                .as_deref()
                .and_then(|found| self.resolved(found, depth + 1)),
            None => self.resolved(default?, depth + 1),
        }
    }
}

/// The ConfigMaps whose keys are files of a container, each with the one key that is mounted or all of them.
fn files(workload: &Object, container: &Value) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for mount in list(container, "/volumeMounts") {
        let Some(volume) = workload
            .array("/spec/template/spec/volumes")
            .iter()
            .find(|volume| volume.get("name") == mount.get("name"))
        else {
            continue;
        };
        let key = mount.get("subPath").and_then(Value::as_str);
        let projected = list(volume, "/projected/sources").iter();
        let names = at(volume, "/configMap/name")
            .into_iter()
            .chain(projected.filter_map(|source| at(source, "/configMap/name")));
        found.extend(
            names
                .filter_map(Value::as_str)
                .map(|name| (name.to_owned(), key.map(str::to_owned))),
        );
    }
    // A file that takes another's place is mounted beside it; the chart's own comes first.
    found.sort_by_key(|(_, key)| !key.as_deref().is_none_or(is_main));
    found
}

/// The names of the ConfigMaps that a workload is configured by.
pub fn config_maps(workload: &Object) -> impl Iterator<Item = String> {
    workload
        .array("/spec/template/spec/containers")
        .iter()
        .flat_map(move |container| {
            let named = list(container, "/envFrom")
                .iter()
                .filter_map(|from| at(from, "/configMapRef/name")?.as_str().map(str::to_owned));
            let files = files(workload, container).into_iter();
            named.chain(files.map(|(name, _)| name))
        })
}

fn is_main(file: &str) -> bool {
    file.starts_with("application.")
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(switch) => Some(switch.to_string()),
        _ => None,
    }
}

/// Returns the common form of all spellings of a property.
fn canonical(property: &str) -> String {
    property
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::camunda::Component;

    fn object(kind: Kind, name: &str, value: Value) -> ObjectChange {
        ObjectChange {
            object: ObjectRef::new(kind, "prod", name),
            camunda: true,
            charts: None,
            component: Component::Other,
            running: None,
            planned: Some(Arc::new(Object(value))),
            recreated: false,
        }
    }

    fn configuration() -> Configuration {
        let operate = json!({"spec": {"template": {"spec": {
            "containers": [{
                "env": [
                    {"name": "CAMUNDA_OPERATE_IMPORTERENABLED", "value": "false"},
                    {"name": "VALUES_URL", "value": "http://es"},
                    {"name": "VALUES_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                ],
                "envFrom": [{"configMapRef": {"name": "shared"}}, {"configMapRef": {"name": "absent"}}],
                "volumeMounts": [
                    {"name": "config", "mountPath": "/config/more.yaml", "subPath": "more.yaml"},
                    {"name": "config", "mountPath": "/config/application.yaml", "subPath": "application.yaml"},
                ],
            }],
            "volumes": [{"name": "config", "configMap": {"name": "operate"}}],
        }}}});
        let files = json!({"data": {
            "application.yaml": "camunda.operate:\n  importer-enabled: true\n  ldap: {url: 'ldap://x'}\n\
                camunda:\n  database: {url: '${VALUES_URL:http://other}', user: '${VALUES_USER:elastic}', password: '${VALUES_PASSWORD:}'}\n\
                list: [a, {b: c}]\n---\nspring.config.activate.on-profile: dev\ncamunda.unmounted: true\n",
            "more.yaml": "camunda.operate.ldap.url: ldap://y",
            "unmounted.yaml": "camunda.unmounted: true",
        }});
        let change = Change {
            objects: vec![
                object(Kind::Deployment, "operate", operate),
                object(Kind::ConfigMap, "operate", files),
                object(
                    Kind::ConfigMap,
                    "shared",
                    json!({"data": {"CAMUNDA_IDENTITY_TYPE": "KEYCLOAK"}}),
                ),
            ],
            ..Change::default()
        };
        Configuration::of(
            &change,
            &Facts::default(),
            &change.objects[0],
            Side::Planned,
        )
    }

    #[test]
    fn the_environment_wins_over_files_and_later_files_over_the_first() {
        let found = configuration();
        assert_eq!(found.flag("camunda.operate.importerEnabled"), Some(false));
        assert_eq!(found.get("camunda.operate.ldap.url"), Some("ldap://y"));
        assert_eq!(found.get("camunda.identity.type"), Some("KEYCLOAK"));
        assert!(found.sets_below("camunda.operate.ldap"));
        assert!(!found.sets_below("camunda.tasklist"));
        assert!(!found.is_set("camunda.unmounted"));
    }

    #[test]
    fn placeholders_stand_for_variables() {
        let found = configuration();
        assert_eq!(found.get("camunda.database.url"), Some("http://es"));
        assert_eq!(found.get("camunda.database.user"), Some("elastic"));
        assert_eq!(found.get("camunda.database.password"), None);
        assert!(found.is_set("camunda.database.password"));
        assert_eq!(found.get("list.1.b"), Some("c"));
    }
}
