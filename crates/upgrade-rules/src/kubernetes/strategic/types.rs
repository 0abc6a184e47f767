//! The fields of Kubernetes' built-in kinds that are objects, maps or lists, and how their lists merge.

use std::{collections::HashMap, sync::LazyLock};

use super::PatchError;

/// The type of an object, or of something in it.
#[derive(Clone, Copy, Debug)]
pub struct Schema(Option<&'static [Field]>);

#[derive(Debug)]
struct Field {
    name: &'static str,
    shape: Shape,
    merging: Merging,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// An object of this type.
    Struct(&'static str),
    /// Values by names that the type does not know.
    Map,
    /// A list, of objects of this type or of something else.
    List(Option<&'static str>),
}

/// How a field is merged.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Merging {
    pub(super) strategy: Strategy,
    /// Whether fields that the new value does not name are removed.
    pub(super) retain_keys: bool,
    /// The key that identifies the items of a list; empty for lists of single values.
    pub(super) key: &'static str,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Strategy {
    /// Objects are merged, lists replaced.
    #[default]
    Default,
    /// The whole is replaced.
    Replace,
    /// The list's items are merged.
    Merge,
}

#[derive(Default)]
struct Types {
    kinds: HashMap<(&'static str, &'static str), &'static str>,
    fields: HashMap<&'static str, Vec<Field>>,
}

static TYPES: LazyLock<Types> = LazyLock::new(|| Types::read(include_str!("types.txt")));

impl Types {
    fn read(text: &'static str) -> Types {
        let mut types = Types::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            match words.next() {
                Some("kind") => {
                    if let (Some(version), Some(kind), Some(of)) =
                        (words.next(), words.next(), words.next())
                    {
                        types.kinds.insert((version, kind), of);
                    }
                }
                Some("type") => {
                    if let Some(name) = words.next() {
                        types.fields.insert(name, words.filter_map(field).collect());
                    }
                }
                _ => {}
            }
        }
        types
    }
}

fn field(text: &'static str) -> Option<Field> {
    let (name, rest) = text.split_once('=')?;
    let mut parts = rest.split(':');
    let shape = match parts.next()? {
        "{}" => Shape::Map,
        list if list.starts_with('[') => {
            let of = list.trim_matches(['[', ']']);
            Shape::List((!of.is_empty() && of != "{}").then_some(of))
        }
        of => Shape::Struct(of),
    };
    let mut merging = Merging::default();
    for strategy in parts.next().unwrap_or_default().split(',') {
        match strategy {
            "merge" => merging.strategy = Strategy::Merge,
            "replace" => merging.strategy = Strategy::Replace,
            "retainKeys" => merging.retain_keys = true,
            _ => {}
        }
    }
    merging.key = parts.next().unwrap_or_default();
    Some(Field {
        name,
        shape,
        merging,
    })
}

impl Schema {
    /// Returns the schema of a kind, if Helm knows its fields.
    pub fn of(api_version: &str, kind: &str) -> Option<Schema> {
        let name = TYPES.kinds.get(&(api_version, kind))?;
        Some(Schema::named(name))
    }

    fn named(name: &str) -> Schema {
        Schema(TYPES.fields.get(name).map(Vec::as_slice))
    }

    fn field(self, key: &str) -> Result<&'static Field, PatchError> {
        let fields = self.0.ok_or_else(|| PatchError::NoStruct(key.to_owned()))?;
        let found = fields.iter().find(|field| field.name == key);
        found.ok_or_else(|| PatchError::NoField(key.to_owned()))
    }

    /// Returns the schema of a field that holds an object.
    pub(super) fn object(self, key: &str) -> Result<(Schema, Merging), PatchError> {
        let field = self.field(key)?;
        let below = match field.shape {
            Shape::Struct(of) => Schema::named(of),
            Shape::Map | Shape::List(_) => Schema(None),
        };
        Ok((below, field.merging))
    }

    /// Returns the schema of the items of a field that holds a list.
    pub(super) fn list(self, key: &str) -> Result<(Schema, Merging), PatchError> {
        let field = self.field(key)?;
        let items = match field.shape {
            Shape::List(of) => of.map_or(Schema(None), Schema::named),
            Shape::Struct(_) | Shape::Map => return Err(PatchError::NoStruct(key.to_owned())),
        };
        Ok((items, field.merging))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_named_is_there() {
        let types = &*TYPES;
        assert!(types.kinds.len() > 60, "{}", types.kinds.len());
        for name in types.kinds.values() {
            assert!(types.fields.contains_key(name), "{name}");
        }
        for field in types.fields.values().flatten() {
            if let Shape::Struct(of) | Shape::List(Some(of)) = field.shape {
                assert!(types.fields.contains_key(of), "{of}");
            }
            let is_list = matches!(field.shape, Shape::List(_));
            assert!(field.merging.key.is_empty() || is_list, "{field:?}");
        }
    }

    #[test]
    fn the_keys_are_those_of_the_field_in_its_type() {
        let ports = |kind: &str, version: &str, way: &[&str]| {
            let top = Schema::of(version, kind).unwrap();
            let below = way.iter().fold(top, |schema, key| match *key {
                "containers" => schema.list(key).unwrap().0,
                _ => schema.object(key).unwrap().0,
            });
            below.list("ports").unwrap().1.key
        };
        assert_eq!(ports("Service", "v1", &["spec"]), "port");
        let pod = ["spec", "template", "spec", "containers"];
        assert_eq!(ports("Deployment", "apps/v1", &pod), "containerPort");
        assert!(Schema::of("monitoring.coreos.com/v1", "ServiceMonitor").is_none());
        assert!(Schema::of("v1", "Service").unwrap().object("spce").is_err());
    }
}
