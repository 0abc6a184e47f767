//! The text of a refusal: what would break, why, and what to type now.
//!
//! Helm and kubectl print a webhook's message whole, with its line ends, so it is laid out for a terminal. A
//! warning is an HTTP header: one line, no control characters, or the API server drops it.

mod outline;

use std::fmt::Write;

pub use self::outline::{Part, indented, outline, typed};

use crate::{
    change::{Change, ChartVersion, Gate, Operation},
    finding::{Action, Command, Finding},
};

/// The column at which a heading's rule id ends: a usual terminal's width without the start of Helm's own error line.
pub const WIDTH: usize = 100;

/// The message of a refusal, or `None` where nothing refuses.
pub fn message(change: &Change, findings: &[Finding]) -> Option<String> {
    let denied: Vec<_> = findings
        .iter()
        .filter(|finding| finding.action == Action::Deny)
        .collect();
    if denied.is_empty() {
        return None;
    }
    let mut text = headline(change, denied.len());
    for (number, finding) in (1..).zip(&denied) {
        text.push_str("\n\n");
        text.push_str(&section(number, finding, &denied[..number - 1]));
    }
    text.push_str("\n\n");
    text.push_str(&closing(change, &denied));
    Some(text)
}

/// One finding on its own, for objects that no release is known of.
pub fn object_message(finding: &Finding) -> String {
    let mut text = object_headline(finding);
    // Writing to a String cannot fail.
    let _ = write!(text, "\n{}", body(finding, &[]).trim_end());
    text
}

/// The findings that only warn, a line each.
pub fn warnings(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .filter(|finding| finding.action != Action::Deny)
        .map(|finding| {
            let mut text = format!("{}: {}.", finding.rule, finding.title);
            for line in &finding.why {
                let _ = write!(text, " {line}");
            }
            if finding.fixes.iter().any(|fix| !fix.commands.is_empty()) {
                let end = if text.ends_with('.') { "" } else { "." };
                let _ = write!(text, "{end} {TYPED}");
            }
            one_line(&text)
        })
        .collect()
}

/// Whoever prints a warning quotes it, so a command in it could not be pasted.
const TYPED: &str = "What to type: camunda-upgrade-guard check.";

/// A text fit for a warning header.
pub fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .collect()
}

/// Returns the headline: the refused change and the number of problems.
pub fn headline(change: &Change, count: usize) -> String {
    let problems = match count {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let subject = subject(change);
    match (change.operation, change.gate) {
        (Operation::Deployed, _) => format!("{subject}: {problems}."),
        (_, Gate::Release) => format!("{}: {problems}. Nothing was changed.", refused(change)),
        (_, Gate::Object) => format!("{}: {problems}.", refused(change)),
    }
}

/// Returns the headline of one finding on its own.
pub fn object_headline(finding: &Finding) -> String {
    format!("{} [{}]", finding.title, finding.rule)
}

/// Returns the refused change without its problems, as everybody may know it.
pub fn refused(change: &Change) -> String {
    format!("{} is refused", subject(change))
}

/// Returns the judged change as the start of a sentence: "upgrade of release …".
pub fn subject(change: &Change) -> String {
    let object = change
        .objects
        .first()
        .map(|object| object.object.to_string());
    let subject = match (change.gate, object) {
        (Gate::Object, Some(object)) => format!("{object} of release {}", change.release),
        _ => format!("release {}", change.release),
    };
    if change.operation == Operation::Deployed {
        let version = change.to.as_ref().map(|chart| chart.version.as_str());
        let version = version.map(|version| format!(" on camunda-platform {version}"));
        let version = version.unwrap_or_default();
        return format!("{subject} (namespace {}){version}", change.namespace);
    }
    format!(
        "{} of {subject} (namespace {}){}",
        change.operation.noun(),
        change.namespace,
        versions(change)
    )
}

fn versions(change: &Change) -> String {
    let version = |chart: &Option<ChartVersion>| chart.as_ref().map(|chart| chart.version.clone());
    match (version(&change.from), version(&change.to)) {
        (Some(from), Some(to)) => format!(" from camunda-platform {from} to {to}"),
        (None, Some(to)) if change.gate == Gate::Release => format!(" with camunda-platform {to}"),
        _ => String::new(),
    }
}

fn section(number: usize, finding: &Finding, before: &[&Finding]) -> String {
    let heading = heading(&format!("{number}. "), finding);
    format!("{heading}\n{}", body(finding, before))
        .trim_end()
        .to_owned()
}

/// The line above what a finding tells, with the rule's id at its end.
pub fn heading(start: &str, finding: &Finding) -> String {
    let title = format!("{start}{}", finding.title);
    let id = format!("[{}]", finding.rule);
    let gap = WIDTH
        .saturating_sub(title.chars().count() + id.len())
        .max(2);
    format!("{title}{:gap$}{id}", "")
}

/// `before` are the sections above.
fn body(finding: &Finding, before: &[&Finding]) -> String {
    let lines: Vec<_> = outline(finding, before)
        .into_iter()
        .flat_map(|told| match told {
            Part::Why(line) => vec![format!("   {line}")],
            Part::Under(number) => vec![format!("   {}", under(number))],
            Part::Fix(fix) => {
                let mut lines = vec![format!("   {}", fix.intro)];
                lines.extend(indented(fix));
                lines
            }
            Part::Guide(guide) => vec![format!("   Guide: {guide}")],
        })
        .collect();
    lines.join("\n")
}

/// Returns the sentence that replaces a step printed before.
pub fn under(number: usize) -> String {
    format!("What is to be typed under {number} cures this too.")
}

/// Whether a finding recommends another upgrade instead of this one.
fn goes_another_way(finding: &Finding) -> bool {
    let mut commands = finding.fixes.iter().flat_map(|fix| &fix.commands);
    commands.any(|command| matches!(command, Command::Upgrade(_)))
}

/// Whether a finding has flags added to the Helm command.
fn adds_flags(finding: &Finding) -> bool {
    let needed = finding.fixes.iter().filter(|fix| !fix.instead);
    let mut commands = needed.flat_map(|fix| &fix.commands);
    commands.any(|command| matches!(command, Command::HelmFlag(_)))
}

/// Returns the closing line: what to do after typing all of that.
pub fn closing(change: &Change, denied: &[&Finding]) -> String {
    let count = denied.len();
    if let Some(number) = denied.iter().position(|finding| goes_another_way(finding)) {
        let rest = match count {
            1 => "",
            _ => " The rest is what this one would have met.",
        };
        return format!("Do {} in place of this upgrade.{rest}", number + 1);
    }
    let again = match change.operation {
        Operation::Rollback if denied.iter().any(|finding| adds_flags(finding)) => {
            let to = change.to.as_ref().map_or("", |to| to.version.as_str());
            format!(
                "run helm upgrade with chart {to} and the flags above; helm rollback takes none"
            )
        }
        Operation::Install | Operation::Upgrade | Operation::Rollback => {
            format!("run the {} again", change.operation.noun())
        }
        Operation::Deployed => "look again".to_owned(),
        Operation::Create | Operation::Update => "apply it again".to_owned(),
        Operation::Delete => "delete it".to_owned(),
    };
    match count {
        1 => format!("Then {again}."),
        2 => format!("Do 1 and 2 in this order, then {again}."),
        count => format!("Do 1 to {count} in this order, then {again}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::RuleId;
    use crate::finding::{Command, Fix, Flag, guide};

    fn change() -> Change {
        Change {
            gate: Gate::Release,
            operation: Operation::Upgrade,
            release: "camunda".to_owned(),
            namespace: "prod".to_owned(),
            from: Some(ChartVersion::new("8.2.34")),
            to: Some(ChartVersion::new("8.3.1")),
            ..Change::default()
        }
    }

    fn finding(action: Action) -> Finding {
        Finding {
            rule: RuleId::Downgrade,
            action,
            title: "Something would break".to_owned(),
            objects: Vec::new(),
            why: vec!["Because of this:".to_owned(), "  claim a".to_owned()],
            fixes: vec![
                Fix::new("Do:", vec![Command::Shell("kubectl get pods".to_owned())]),
                Fix::new(
                    "and add to your helm upgrade:",
                    [Flag::set("a", "1"), Flag::set("b", "2")],
                ),
            ],
            guide: Some(guide::UPGRADING),
        }
    }

    #[test]
    fn another_way_takes_the_place_of_this_one() {
        let mut other = finding(Action::Deny);
        other.fixes = vec![Fix::new(
            "Take this one:",
            [Command::Upgrade(
                "helm upgrade a b --version 8.2.34".to_owned(),
            )],
        )];
        let text = message(&change(), &[other.clone(), finding(Action::Deny)]).unwrap();
        let end = "Do 1 in place of this upgrade. The rest is what this one would have met.";
        assert!(text.ends_with(end), "{text}");
        let text = message(&change(), &[other]).unwrap();
        assert!(text.ends_with("Do 1 in place of this upgrade."), "{text}");
    }

    #[test]
    fn a_refusal_reads_from_top_to_bottom() {
        let findings = [
            finding(Action::Deny),
            finding(Action::Warn),
            finding(Action::Deny),
        ];
        insta::assert_snapshot!(message(&change(), &findings).unwrap());
    }

    /// `helm rollback` knows no `--set`.
    #[test]
    fn a_rollback_that_needs_flags_becomes_an_upgrade() {
        let rollback = Change {
            operation: Operation::Rollback,
            ..change()
        };
        let end = |change: &Change, finding: Finding| {
            let text = message(change, &[finding]).unwrap();
            text.lines().last().unwrap().to_owned()
        };
        assert_eq!(
            end(&rollback, finding(Action::Deny)),
            "Then run helm upgrade with chart 8.3.1 and the flags above; helm rollback takes none."
        );
        let mut without = finding(Action::Deny);
        without.fixes.pop();
        assert_eq!(end(&rollback, without), "Then run the rollback again.");
        assert_eq!(
            end(&change(), finding(Action::Deny)),
            "Then run the upgrade again."
        );
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let mut second = finding(Action::Deny);
        second
            .fixes
            .push(Fix::new("And:", vec![Command::Shell("true".to_owned())]));
        let text = message(&change(), &[finding(Action::Deny), second]).unwrap();
        let told = "What is to be typed under 1 cures this too.\n   And:\n     true";
        assert!(text.contains(told), "{text}");
        assert_eq!(text.matches("kubectl get pods").count(), 1, "{text}");
    }

    #[test]
    fn warnings_alone_refuse_nothing() {
        let findings = [finding(Action::Warn)];
        assert_eq!(message(&change(), &findings), None);
        assert_eq!(
            warnings(&findings),
            [
                "downgrade: Something would break. Because of this: claim a. What to type: camunda-upgrade-guard check."
            ]
        );
    }

    #[test]
    fn a_warning_is_one_line_without_control_characters() {
        assert_eq!(one_line("a\n b\t\u{7}c"), "a b c");
    }
}
