//! `web-modeler-database-url`: Web Modeler would not find its external database.
//!
//! 8.3 reads one JDBC URL in place of host, port and database, and starts Web Modeler without any where it is not set.
//!
//! Since chart 8.3.0. Documented: "v8.3.0, Web-Modeler".

use super::{Judge, Rule};

use crate::{
    camunda::Feature,
    change::{Change, Facts},
    finding::{Action, Finding, RuleId, guide},
    fixes::convert::{Converted, ValuesFile},
    helm::values::Values,
    knowledge::secrecy::is_harmless,
};

pub(super) const RULE: Rule = Rule {
    id: RuleId::WebModelerDatabaseUrl,
    summary: "8.3 no longer reads host, port and name of Web Modeler's database",
    guide: guide::WEB_MODELER,
    release: &[Action::Deny],
    object: None,
    page: include_str!("../../../../docs/rules/web-modeler-database-url.md"),
    needs: &[],
    judge: Judge::Alone(judge),
};

const DATABASE: &str = "webModeler.restapi.externalDatabase";
const DEFAULT_PORT: &str = "5432";
const FILE: &str = "web-modeler-8.3.yaml";

fn judge(change: &Change, _: &Facts) -> Vec<Finding> {
    let Some(url) = lost(change) else {
        return Vec::new();
    };
    vec![Finding {
        rule: RULE.id,
        action: Action::Deny,
        title: "Web Modeler's external database is set under keys that 8.3 does not read"
            .to_owned(),
        objects: Vec::new(),
        why: vec![format!(
            "{DATABASE}.host, .port and .database have no effect any more: now .url{}",
            match is_harmless(&["url"], &url) {
                true => format!(", {url}"),
                false => String::new(),
            }
        )],
        fixes: converted(&url).fixes(change, FILE),
        guide: RULE.guide,
    }]
}

/// The file with the URL, if it is missing.
pub(super) fn file(change: &Change) -> Option<ValuesFile> {
    whole(change)?.file(change, FILE)
}

/// The URL as a value.
pub(super) fn whole(change: &Change) -> Option<Converted> {
    Some(converted(&lost(change)?))
}

fn lost(change: &Change) -> Option<String> {
    let enters = change.gets(Feature::WebModelerDatabaseUrl);
    enters.then(|| missing_url(&change.values))?
}

fn converted(url: &str) -> Converted {
    let mut new = Converted::default();
    let (key, old) = (format!("{DATABASE}.url"), format!("{DATABASE}.host"));
    new.set(&key, url.into());
    let but = "as jdbc:postgresql://HOST:PORT/DATABASE";
    new.moved(key, vec![old], Some(but.to_owned()));
    new
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
