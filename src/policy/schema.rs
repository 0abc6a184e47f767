//! The JSON schemas of the configuration, as its types make them: for editors, and for the chart's values.

use std::{borrow::Cow, collections::BTreeMap, env, fs, path::Path};

use schemars::{
    JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema,
    transform::RecursiveTransform,
};
use serde_json::Value;
use strum::VariantNames;

use super::{KnownRule, Policy, Setting};
use crate::{mutations::volume_reclaim_policy::RetainScope, rules::RULES};

/// How rules count, by their ids.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the schema's shape of a rules map, made once")]
pub(super) struct Rules(BTreeMap<KnownRule, Setting>);

impl JsonSchema for KnownRule {
    fn schema_name() -> Cow<'static, str> {
        "KnownRule".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let rules: Vec<_> = RULES.iter().map(|rule| rule.id.name()).collect();
        json_schema!({"type": "string", "enum": rules})
    }
}

pub(super) fn retain_volumes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": RetainScope::VARIANTS})
}

pub(super) fn newest_patches(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": {"pattern": r"^(8\.[0-9]+|[0-9]+)$"},
        "additionalProperties": {"type": "string"},
    })
}

/// Returns the schema of the configuration, in the draft that Helm knows best.
fn schema() -> String {
    let settings = SchemaSettings::draft07().with_transform(RecursiveTransform(plain));
    let mut schema = settings.into_generator().into_root_schema_for::<Policy>();
    schema.insert(
        "title".to_owned(),
        "Configuration of camunda-upgrade-guard".into(),
    );
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

/// Takes out what Helm would answer less clearly by: alternatives of words become one list of them.
fn plain(schema: &mut Schema) {
    schema.remove("default");
    if let Some(Value::Array(all)) = schema.get("allOf")
        && let [of] = all.as_slice()
    {
        *schema = of.clone().try_into().unwrap();
    }
    let Some(Value::Array(words)) = schema.remove("oneOf") else {
        return;
    };
    let meant = words.iter().map(|word| {
        let text = |key: &str| word[key].as_str().unwrap();
        format!("{}: {}", text("const"), text("description"))
    });
    let mut meant: Vec<_> = meant.collect();
    meant.insert(
        0,
        schema
            .get("description")
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned(),
    );
    let words: Value = words.iter().map(|word| word["const"].clone()).collect();
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), words);
    schema.insert("description".to_owned(), meant.join(" ").into());
}

/// Returns the schema of the chart's values with that of the configuration in its place.
fn within_values(values: &str, schema: &str) -> String {
    const BEFORE: &str = "\n    \"config\": {\n";
    const AFTER: &str = "\n    }";
    let (before, rest) = values.split_once(BEFORE).unwrap();
    let (_, after) = rest.split_once(AFTER).unwrap();
    let lines = schema.lines().skip(1);
    let own = lines.filter(|line| !line.starts_with("  \"$schema\"") && *line != "}");
    let own: Vec<_> = own.map(|line| format!("    {line}")).collect();
    let own = own.join("\n");
    let own = own.replace("\"#/definitions/", "\"#/properties/config/definitions/");
    format!("{before}{BEFORE}{own}{AFTER}{after}")
}

#[test]
fn the_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = schema();
    let chart = folder.join("deploy/chart/values.schema.json");
    let values = fs::read_to_string(&chart).unwrap();
    for (file, text) in [
        (
            folder.join("docs/configuration.schema.json"),
            schema.clone(),
        ),
        (chart, within_values(&values, &schema)),
    ] {
        if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
            fs::write(&file, &text).unwrap();
        }
        let told = format!("INSTA_UPDATE=always writes {} anew", file.display());
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "{told}");
    }
}
