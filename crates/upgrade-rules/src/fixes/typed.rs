//! Values of the types that the new chart's schema wants: it refuses `clusterSize: 5`, and 12 took it.

use serde_json::{Map, Value, json};

use crate::{
    camunda::Line,
    change::Change,
    helm::values::{Node, Type, Values, set},
};

/// The types of a chart's values: from its schema, or without one from the line's data.
#[derive(Clone, Copy)]
pub(crate) struct Types<'a> {
    schema: Option<&'a Node>,
    line: Option<&'a Line>,
}

impl<'a> Types<'a> {
    /// Takes the types from the chart that a change goes to.
    pub(crate) fn of(change: &'a Change) -> Self {
        Self {
            schema: change.schema.root(),
            line: change.target_line(),
        }
    }

    /// Takes the types from a line's data.
    pub(crate) fn of_line(line: &'a Line) -> Self {
        Self {
            schema: None,
            line: Some(line),
        }
    }

    /// The keys of values whose type is wrong and that only a person can convert.
    pub(crate) fn unfit(self, values: &Values) -> Vec<String> {
        let leaves = values.leaves().into_iter();
        let unfit = leaves.filter(|(key, value)| {
            let wanted = self.wanted(key, value);
            wanted.is_some_and(|wanted| converted(key, value, wanted).is_none())
        });
        unfit.map(|(key, _)| key).collect()
    }

    /// The type that a number or a text should have under a dotted key, if it should have another one.
    fn wanted(self, key: &str, value: &Value) -> Option<Type> {
        let Some(root) = self.schema else {
            let is_in = |keys: &Vec<String>| keys.iter().any(|listed| listed == key);
            let line = self.line?;
            let wanted = match value {
                Value::Number(_) if is_in(&line.text_values) => Type::String,
                Value::String(_) if is_in(&line.number_values) => Type::Number,
                Value::Object(_) if is_in(&line.file_lists) => Type::Array,
                _ => return None,
            };
            return Some(wanted);
        };
        other_type(at(root, key)?, value)
    }

    /// Converts each value to the wanted type, if that keeps its meaning.
    pub(crate) fn fit(self, values: &mut Map<String, Value>) {
        for (key, value) in self.misfits(values) {
            set(values, &key, value);
        }
    }

    /// The values of another type than is wanted, as they should be.
    pub(crate) fn misfits(self, values: &Map<String, Value>) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        for (key, value) in values {
            self.look(key, value, &mut found);
        }
        found
    }

    fn look(self, key: &str, value: &Value, found: &mut Vec<(String, Value)>) {
        let fitting = self
            .wanted(key, value)
            .and_then(|wanted| converted(key, value, wanted));
        match (fitting, value) {
            (Some(fitting), _) => found.push((key.to_owned(), fitting)),
            (None, Value::Object(below)) => {
                // A part with a dot of its own, as annotations have, is no path: its mapping goes as a whole.
                if below.keys().any(|part| part.contains('.')) {
                    let whole = self.whole(key, below);
                    found.extend(whole.map(|whole| (key.to_owned(), whole)));
                    return;
                }
                for (part, value) in below {
                    self.look(&format!("{key}.{part}"), value, found);
                }
            }
            _ => {}
        }
    }

    fn whole(self, key: &str, values: &Map<String, Value>) -> Option<Value> {
        let node = at(self.schema?, key)?;
        let mut fitting = values.clone();
        for (part, value) in &mut fitting {
            let wanted = node.key(part).and_then(|node| other_type(node, value));
            if let Some(new) = wanted.and_then(|wanted| converted(part, value, wanted)) {
                *value = new;
            }
        }
        (fitting != *values).then_some(Value::Object(fitting))
    }

    /// Whether a flag must mark its value as a string.
    pub(crate) fn is_text(self, key: &str, value: &str) -> bool {
        let read = as_helm_reads(value);
        !read.is_string() && self.wanted(key, &read) == Some(Type::String)
    }
}

/// The part about a dotted key.
fn at<'a>(root: &'a Node, key: &str) -> Option<&'a Node> {
    key.split('.').try_fold(root, Node::key)
}

fn other_type(node: &Node, value: &Value) -> Option<Type> {
    if node.allows(Type::of(value))? {
        return None;
    }
    let wanted = [Type::String, Type::Number, Type::Boolean, Type::Array];
    wanted
        .into_iter()
        .find(|wanted| node.allows(*wanted) == Some(true))
}

/// Converts a value to another type; `None` if only a person can decide how.
fn converted(key: &str, value: &Value, wanted: Type) -> Option<Value> {
    match (value, wanted) {
        (Value::Number(number), Type::String) => Some(number.to_string().into()),
        (Value::Bool(switch), Type::String) => Some(switch.to_string().into()),
        (Value::String(text), Type::Number) => match as_helm_reads(text.trim()) {
            number @ Value::Number(_) => Some(number),
            _ => None,
        },
        (Value::String(text), Type::Boolean) => match as_helm_reads(text) {
            switch @ Value::Bool(_) => Some(switch),
            _ => None,
        },
        (Value::Object(files), Type::Array) if key.ends_with(".extraConfiguration") => {
            let file = |(name, text): (&String, &Value)| json!({"file": name, "content": text});
            Some(Value::Array(files.iter().map(file).collect()))
        }
        _ => None,
    }
}

/// Converts a text as `--set` does.
fn as_helm_reads(text: &str) -> Value {
    match text {
        "true" => true.into(),
        "false" => false.into(),
        "null" => Value::Null,
        // What begins with a zero stays a text.
        _ if text.len() > 1 && text.starts_with('0') => text.into(),
        _ => text
            .parse::<i64>()
            .map_or_else(|_| Value::from(text), Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(line: &str, mut values: Value) -> Value {
        let types = Types {
            schema: None,
            line: Line::of(line),
        };
        types.fit(values.as_object_mut().unwrap());
        values
    }

    #[test]
    fn what_says_the_same_has_the_wanted_type() {
        let values = json!({
            "orchestration": {"clusterSize": 5, "partitionCount": "5", "resources": {"limits": {"cpu": 0.5, "memory": "2Gi"}}},
            "connectors": {"replicas": "2", "service": {"serverPort": "http"}},
            "elasticsearch": {"master": {"resources": {"limits": {"cpu": 2}}}},
        });
        assert_eq!(
            fitted("13.12.7", values),
            json!({
                "orchestration": {"clusterSize": "5", "partitionCount": "5", "resources": {"limits": {"cpu": "0.5", "memory": "2Gi"}}},
                "connectors": {"replicas": 2, "service": {"serverPort": "http"}},
                "elasticsearch": {"master": {"resources": {"limits": {"cpu": 2}}}},
            })
        );
        let zeebe = json!({"zeebe": {"clusterSize": 5}});
        assert_eq!(fitted("12.13.3", zeebe.clone()), zeebe);
    }

    #[test]
    fn files_become_a_list_where_the_chart_has_one() {
        let files = json!({"orchestration": {"extraConfiguration": {"a.yaml": "x: 1\n"}}});
        assert_eq!(fitted("13.12.7", files.clone()), files);
        assert_eq!(
            fitted("14.8.4", files),
            json!({"orchestration": {"extraConfiguration": [{"file": "a.yaml", "content": "x: 1\n"}]}})
        );
    }

    #[test]
    fn flags_say_what_helm_would_take_for_a_number() {
        let types = |line| Types {
            schema: None,
            line: Line::of(line),
        };
        assert!(types("13.12.7").is_text("orchestration.clusterSize", "5"));
        assert!(!types("13.12.7").is_text("orchestration.pvcSize", "64Gi"));
        assert!(types("13.12.7").is_text("orchestration.pvcSize", "64"));
        assert!(!types("13.12.7").is_text("orchestration.migration.data.enabled", "true"));
        assert!(!types("12.13.3").is_text("zeebe.clusterSize", "5"));
    }
}
