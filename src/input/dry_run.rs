//! Parses the text that `helm install`, `upgrade` and `rollback` print with `--dry-run`.

use serde_json::value::RawValue;

use super::{Input, InputError, Source, rendered};
use crate::helm::{
    manifest::Document,
    release::{Hook, Info, Status},
};

const HOOKS: &str = "HOOKS:";
const MANIFEST: &str = "MANIFEST:";
const NOTES: &str = "NOTES:";
const VALUES: &str = "USER-SUPPLIED VALUES:";
const COMPUTED: &str = "COMPUTED VALUES:";

/// The header that Helm prints before the manifest.
struct Head<'a> {
    name: &'a str,
    namespace: &'a str,
    status: &'a str,
    revision: u64,
}

/// Parses a dry run's text; None if it is not one.
pub(super) fn read(name: &str, text: &str) -> Option<Result<Input, InputError>> {
    let head = head(text)?;
    let at_manifest = section(text, MANIFEST)?;
    let manifest = &text[at_manifest..];
    let manifest = &manifest[..start_of(manifest, NOTES).unwrap_or(manifest.len())];
    let first_line = text[..at_manifest].lines().count();
    let mut input = match rendered::read_part(name, manifest.to_owned(), first_line) {
        Ok(input) => input,
        Err(error) => return Some(Err(error)),
    };
    let hooks = section(text, HOOKS).filter(|at| *at < at_manifest);
    if let Some(at) = hooks {
        let hooks = &text[at..];
        let hooks = &hooks[..start_of(hooks, MANIFEST).unwrap_or(hooks.len())];
        let first_line = text[..at].lines().count();
        match rendered::hooks(name, hooks, first_line) {
            Ok(hooks) => input.release.hooks.extend::<Vec<Hook>>(hooks),
            Err(error) => return Some(Err(error)),
        }
    }
    let values = user_values(text);
    input.source = Source::DryRun {
        values: values.is_some(),
    };
    input.release.config = values;
    head.name.clone_into(&mut input.release.name);
    head.namespace.clone_into(&mut input.release.namespace);
    input.release.revision = head.revision;
    input.release.info = Info {
        status: match head.status {
            "pending-install" => Status::PendingInstall,
            "pending-rollback" => Status::PendingRollback,
            _ => Status::PendingUpgrade,
        },
    };
    Some(Ok(input))
}

fn head(text: &str) -> Option<Head<'_>> {
    let before = &text[..start_of(text, MANIFEST)?];
    let after = |key: &str| {
        let mut lines = before.lines();
        lines.find_map(|line| line.strip_prefix(key)).map(str::trim)
    };
    Some(Head {
        name: after("NAME: ")?,
        namespace: after("NAMESPACE: ")?,
        status: after("STATUS: ")?,
        revision: after("REVISION: ")?.parse().ok()?,
    })
}

/// Returns the offset of a line with exactly this text.
fn start_of(text: &str, line: &str) -> Option<usize> {
    let mut at = 0;
    for whole in text.split_inclusive('\n') {
        if whole.trim_end() == line {
            return Some(at);
        }
        at += whole.len();
    }
    None
}

/// Returns the offset behind a heading's line.
fn section(text: &str, heading: &str) -> Option<usize> {
    let at = start_of(text, heading)?;
    let rest = &text[at..];
    Some(at + rest.find('\n').map_or(rest.len(), |end| end + 1))
}

/// Parses the values of `-f` and `--set`, which `--debug` prints, too.
fn user_values(text: &str) -> Option<Box<RawValue>> {
    let values = &text[section(text, VALUES)?..];
    let values = &values[..start_of(values, COMPUTED)?];
    let parsed = Document::new(values).parse().ok()?;
    let values = parsed.unwrap_or_else(|| serde_json::json!({}));
    serde_json::value::to_raw_value(&values).ok()
}
