//! `web-modeler-database-url`: Web Modeler would not find its external database.
//!
//! 8.3 reads one JDBC URL in place of host, port and database, and starts Web Modeler without any where it is not set.
//!
//! Since chart 8.3.0. Documented: "v8.3.0, Web-Modeler".

use super::{Rule, cures::convert::Converted};

use crate::{
    change::{Change, Gate},
    facts::Facts,
    finding::{Action, Finding},
    values::Values,
};

pub(super) const RULE: Rule = Rule {
    id: "web-modeler-database-url",
    summary: "8.3 no longer reads host, port and name of Web Modeler's database",
    page: include_str!("../../docs/rules/web-modeler-database-url.md"),
    judge,
};

/// The chart that wants a URL.
const SINCE: &str = "8.3.0";
const DATABASE: &str = "webModeler.restapi.externalDatabase";
const DEFAULT_PORT: &str = "5432";

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    if change.gate == Gate::Object || !change.enters(SINCE) {
        return Vec::new();
    }
    let Some(url) = missing_url(&change.values) else {
        return Vec::new();
    };
    let mut new = Converted::default();
    new.set(&format!("{DATABASE}.url"), url.clone().into());
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Web Modeler's external database is set under keys that 8.3 does not read"
            .to_owned(),
        objects: Vec::new(),
        why: vec![format!(
            "{DATABASE}.host, .port and .database have no effect any more: now .url, {url}"
        )],
        fixes: new.fixes(&change.values, "web-modeler-8.3.yaml"),
        guide: "v8.3.0, Web-Modeler",
    }]
}

/// The URL that the old keys amount to, where they are in use and it is not set.
fn missing_url(values: &Values) -> Option<String> {
    let used = values.flag("webModeler.enabled") == Some(true)
        && values.flag("postgresql.enabled") != Some(true);
    let of = |key: &str| values.text(&format!("{DATABASE}.{key}"));
    if !used || of("url").is_some() {
        return None;
    }
    let (host, port) = (of("host")?, of("port"));
    Some(format!(
        "jdbc:postgresql://{host}:{}/{}",
        port.as_deref().unwrap_or(DEFAULT_PORT),
        of("database").unwrap_or_default()
    ))
}
