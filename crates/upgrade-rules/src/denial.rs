//! The text of a refusal: what would break, why, and what to type now.
//!
//! Helm and kubectl print a webhook's message whole, with its line ends, so it is laid out for a terminal. A
//! warning is an HTTP header: one line, no control characters, or the API server drops it.

mod block;
mod bounded;
mod outline;

use std::fmt::Write;

pub use self::{
    block::{Block, Cure, cures, goes_another_way, order},
    bounded::{LONGEST_MESSAGE, bounded, cut},
    outline::{Part, indented, outline, typed},
};

use crate::{
    change::{Change, ChartVersion, Gate, Operation},
    finding::{Action, Command, Finding, Fix, Guide, Moment, refuses, shell},
    terminal::{self, Piece, Role, Text},
};

/// The width of what is no command in an answer of the webhook: a usual terminal's without the start of Helm's own error line.
pub const WIDTH: usize = 100;

/// Items of a list that are printed before the rest is only counted.
const ITEMS: usize = 12;

/// The same for what a finding above has cured along with it.
const ITEMS_IN_BRIEF: usize = 3;

/// What whoever knows the request can add to a refusal.
#[derive(Clone, Debug, Default)]
pub struct Beyond {
    /// Sentences of their own.
    pub notes: Vec<String>,
    /// Ways on that give something up.
    pub ways: Vec<Fix>,
}

/// The message of a refusal, or `None` where nothing refuses.
pub fn message(change: &Change, findings: &[Finding]) -> Option<String> {
    message_with(change, findings, &Beyond::default())
}

/// The same with what else is known.
pub fn message_with(change: &Change, findings: &[Finding], beyond: &Beyond) -> Option<String> {
    let mut text = told(change, findings, beyond, None)?.to_string();
    if text.len() > LONGEST_MESSAGE {
        let denied: Vec<_> = denied(findings).collect();
        text = bounded::in_brief(change, &denied, beyond);
    }
    text.truncate(text.trim_end_matches('\n').len());
    Some(bounded(text))
}

/// The same for a terminal of this width. Without one its first line is not wrapped: it follows words of Helm's.
pub fn told(
    change: &Change,
    findings: &[Finding],
    beyond: &Beyond,
    width: Option<usize>,
) -> Option<Text> {
    let denied: Vec<_> = denied(findings).collect();
    if denied.is_empty() {
        return None;
    }
    let mut text = Text::new(width.unwrap_or(WIDTH));
    let headline = headline(change, &denied);
    match width {
        Some(_) => text.wrapped(Role::Refusal, &headline, 2),
        None => text.verbatim(Role::Refusal, &headline),
    }
    text.blank();
    match Block::of(change, findings) {
        Some(block) => type_this(&mut text, &block),
        None => text.wrapped(Role::Prose, &nothing_to_type(change), 0),
    }
    text.blank();
    why(&mut text, &denied);
    for note in &beyond.notes {
        text.blank();
        text.wrapped(Role::Prose, note, 0);
    }
    let ways = denied.iter().flat_map(|finding| &finding.fixes);
    let ways = ways.filter(|fix| fix.moment == Moment::OnPurpose);
    let ways: Vec<_> = ways.chain(&beyond.ways).collect();
    if !ways.is_empty() {
        text.blank();
        on_purpose(&mut text, &ways);
    }
    Some(text)
}

/// What takes the place of a block where there is none.
pub fn nothing_to_type(change: &Change) -> String {
    format!(
        "Nothing can be typed against this: decide as it says below, then {}.",
        again(change)
    )
}

fn denied(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|it| it.action == Action::Deny)
}

/// The heading above what is to be typed.
const TYPE_THIS: &str = "TYPE THIS     ";
/// The heading above the problems.
const WHY: &str = "WHY";
/// The heading above what gives something up.
const ON_PURPOSE: &str = "ON PURPOSE    ";

fn type_this(text: &mut Text, block: &Block) {
    let indent = TYPE_THIS.len();
    let heading = Piece::new(Role::Heading, TYPE_THIS);
    let mut know = block.know.iter().map(|know| Piece::prose(know));
    let first: Vec<_> = [heading].into_iter().chain(know.next()).collect();
    text.flowing(0, indent, &first);
    for know in know {
        text.flowing(indent, 0, &[know]);
    }
    text.verbatim(Role::Command, &block.script);
    text.blank();
    text.flowing(0, 0, &block.then);
    for flag in &block.flags {
        text.verbatim(Role::Command, flag);
    }
}

fn why(text: &mut Text, denied: &[&Finding]) {
    let mut first = vec![Piece::new(Role::Heading, WHY)];
    if let Some(reason) = reason(denied) {
        first.push(Piece::prose(&format!("           {reason}")));
    }
    text.flowing(0, 14, &first);
    let mut telling = Telling::default();
    for (number, finding) in (1..).zip(denied) {
        heading(text, Role::Refusal, &format!("{number}. "), finding);
        telling.tell(text, finding);
    }
}

/// Adds the line above what a finding tells, with the rule's id at its end.
pub fn heading(text: &mut Text, role: Role, start: &str, finding: &Finding) {
    let title = format!("{start}{}", finding.title);
    text.title(role, &title, start.len(), &format!("[{}]", finding.rule));
}

/// Which of several problems is the reason, where that one takes another upgrade.
pub fn reason(denied: &[&Finding]) -> Option<String> {
    let mut findings = denied.iter();
    let number = findings.position(|finding| goes_another_way(finding))? + 1;
    let told = format!("{number} is the reason; the others are what this upgrade would have met");
    (denied.len() > 1).then_some(told)
}

/// What is told of a finding below its heading.
#[derive(Default)]
struct Telling<'a> {
    /// Other ways that are told above.
    ways: Vec<&'a Fix>,
    /// Steps that are typed for a finding above.
    steps: Vec<&'a Fix>,
    /// Sections of the guide whose addresses stand above.
    sections: Vec<Guide>,
}

impl<'a> Telling<'a> {
    /// Why a finding counts, with other ways to cure it and the section of the guide. Of what a finding above has cured
    /// along with it, a sentence is enough.
    fn tell(&mut self, text: &mut Text, finding: &'a Finding) {
        let cures = || finding.fixes.iter().filter(|fix| fix.moment.cures());
        let is_cured = cures().count() > 0 && cures().all(|fix| self.steps.contains(&fix));
        self.steps.extend(cures());
        reasons(text, &finding.why, is_cured);
        if !is_cured {
            let decide = |fix: &&Fix| fix.moment == Moment::Decide;
            for fix in finding.fixes.iter().filter(decide) {
                step(text, fix);
            }
        }
        for way in &finding.fixes {
            if way.moment == Moment::Alternative && !self.ways.contains(&way) {
                self.ways.push(way);
                step(text, way);
            }
        }
        if let Some(section) = finding.guide.section()
            && !self.sections.contains(&section)
            && !(is_cured && self.sections.iter().any(|told| told.is_beside(&section)))
        {
            self.sections.push(section);
            text.verbatim(Role::Prose, &format!("   {}", section.address()));
        }
    }
}

/// Adds a sentence with the commands below it.
pub fn step(text: &mut Text, fix: &Fix) {
    text.wrapped(Role::Prose, &indented_by(3, &fix.intro), 0);
    for (command, typed) in fix.commands.iter().zip(indented(fix)) {
        let role = match command {
            Command::Manual(_) => Role::Prose,
            _ => Role::Command,
        };
        text.verbatim(role, &typed);
    }
}

/// The lines of a sentence behind spaces; only the first of them is behind any in a refusal.
fn indented_by(columns: usize, sentence: &str) -> String {
    format!("{:columns$}{sentence}", "")
}

/// Adds the reasons in full, or in brief: a sentence and a few items.
fn reasons(text: &mut Text, why: &[String], in_brief: bool) {
    let most = if in_brief { ITEMS_IN_BRIEF } else { ITEMS };
    let (items, prose): (Vec<_>, Vec<_>) = why.iter().partition(|why| why.starts_with(' '));
    let more = items.len().saturating_sub(most);
    let mut item = 0;
    let mut add = |line: &str, hanging| {
        text.wrapped(Role::Prose, &indented_by(3, line), hanging);
    };
    for why in why {
        if why.starts_with(' ') {
            item += 1;
            if item <= most {
                add(why, 2);
            } else if item == most + 1 {
                add(&format!("  and {more} more"), 2);
            }
        } else if !in_brief {
            add(why, 0);
        } else if prose.first() == Some(&why) {
            let sentence = why.find(". ").map_or(why.as_str(), |end| &why[..=end]);
            add(sentence, 0);
        }
    }
}

/// Each line stands behind a comment sign, so that nobody types it unread.
fn on_purpose(text: &mut Text, ways: &[&Fix]) {
    let heading = Piece::new(Role::Heading, ON_PURPOSE);
    text.flowing(0, 14, &[heading, Piece::prose("each gives something up")]);
    for (intro, commands) in alike(ways.iter().copied()) {
        let mut wrapped = Text::new(text.width().saturating_sub(2));
        wrapped.wrapped(Role::Prose, intro, 0);
        text.behind(&Piece::prose("# "), wrapped);
        for command in &commands {
            let mut typed = Text::new(text.width());
            typed.verbatim(Role::Command, command);
            text.behind(&Piece::prose("#   "), typed);
        }
    }
}

/// Ways that give something up, each sentence once with all of its commands, those without their comment signs.
pub fn alike<'a>(ways: impl IntoIterator<Item = &'a Fix>) -> Vec<(&'a str, Vec<String>)> {
    let mut told: Vec<(&str, Vec<String>)> = Vec::new();
    for way in ways {
        let at = told.iter().position(|(intro, _)| *intro == way.intro);
        let at = at.unwrap_or_else(|| {
            told.push((&way.intro, Vec::new()));
            told.len() - 1
        });
        for command in &way.commands {
            let text = match command {
                Command::Commented(command) => command.text(),
                other => other.text(),
            };
            if let Some((_, known)) = told.get_mut(at).filter(|(_, known)| !known.contains(&text)) {
                known.push(text);
            }
        }
    }
    told
}

/// What is done again once the cause is gone.
fn again(change: &Change) -> String {
    match change.operation {
        Operation::Install | Operation::Upgrade | Operation::Rollback => {
            format!("run the {} again", change.operation.noun())
        }
        Operation::Deployed => "look again".to_owned(),
        Operation::Create | Operation::Update => "apply it again".to_owned(),
        Operation::Delete => "delete it".to_owned(),
    }
}

/// The command that looks at the release.
fn check(change: &Change) -> String {
    let (release, namespace) = (&change.release, &change.namespace);
    shell::command([shell::PROGRAM, "check", release, "-n", namespace])
}

/// One finding on its own, for objects that no release is known of.
pub fn object_message(finding: &Finding) -> String {
    let mut text = object_headline(finding);
    // Writing to a String cannot fail.
    let _ = write!(text, "\n{}", body(finding).trim_end());
    bounded(terminal::printable(&text))
}

/// The longest warning; Kubernetes cuts off what comes after 4,096 characters in all, and Helm prints each as one quoted line.
const LONGEST_WARNING: usize = 200;

/// The most warnings that are told one by one.
const WARNINGS: usize = 50;

/// What findings say beside an admission, a line each, or beside a refusal, where one line says that there is more.
pub fn warnings(change: &Change, findings: &[Finding]) -> Vec<String> {
    let warned = || {
        findings
            .iter()
            .filter(|finding| finding.action != Action::Deny)
    };
    if refuses(findings) {
        let warned = warned().count();
        if warned == 0 {
            return Vec::new();
        }
        let warnings = counted(warned, "warning");
        let told = format!("{warnings} beside the refusal: {}", looking(change));
        return vec![one_line(&told)];
    }
    let lines = warned().map(|finding| {
        let why = finding.why.join(" ");
        shortened(&one_line(&format!(
            "{}: {}. {why}",
            finding.rule, finding.title
        )))
    });
    let mut lines: Vec<_> = lines.take(WARNINGS).collect();
    if let more @ 1.. = warned().count() - lines.len() {
        let more = counted(more, "more warning");
        lines.push(one_line(&format!("{more}: {}", looking(change))));
    }
    lines
}

/// The command that tells them all, with the variables of the block.
fn looking(change: &Change) -> String {
    let check = check(change);
    match (&change.to, change.gate) {
        (Some(to), Gate::Release) if change.values.root().is_none() => {
            format!(
                "{check} --chart \"$CHART\" --version {} -f \"$VALUES\"",
                shell::quote(&to.version)
            )
        }
        _ => check,
    }
}

/// Cuts a line off at the end of a word.
fn shortened(line: &str) -> String {
    if line.chars().count() <= LONGEST_WARNING {
        return line.to_owned();
    }
    let start: String = line.chars().take(LONGEST_WARNING - 1).collect();
    let whole = start.rfind(' ').unwrap_or(start.len());
    format!("{}…", start[..whole].trim_end_matches([',', ';', ':', '.']))
}

/// A number with what it counts: "1 problem", "2 problems".
pub fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// A text fit for a warning header.
pub fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words
        .join(" ")
        .chars()
        .filter(|c| terminal::is_shown(*c))
        .collect()
}

/// Returns the headline: the refused change, the first problem and the number of the others.
pub fn headline(change: &Change, denied: &[&Finding]) -> String {
    let first = denied.first().map_or("", |finding| finding.title.as_str());
    let more = match denied.len() {
        0 | 1 => String::new(),
        count => format!(", and {}", counted(count - 1, "more problem")),
    };
    let subject = subject(change);
    match (change.operation, change.gate) {
        (Operation::Deployed, _) => format!("{subject}: {first}{more}."),
        (_, Gate::Release) => format!("{}: {first}{more}. Nothing was changed.", refused(change)),
        (_, Gate::Object) => format!("{}: {first}{more}.", refused(change)),
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

fn body(finding: &Finding) -> String {
    let lines: Vec<_> = outline(finding, &[])
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
    format!("What is to be typed for {number} cures this too.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::{Flag, Objects, RuleId, guide},
        fixes::upgrade_path,
        kubernetes::Kind,
    };

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
                    "Add to your helm upgrade:",
                    [Flag::set("a", "1"), Flag::set("b", "2")],
                ),
            ],
            guide: guide::UPGRADING,
        }
    }

    fn text(findings: &[Finding]) -> String {
        message(&change(), findings).unwrap()
    }

    #[test]
    fn another_way_takes_the_place_of_this_one() {
        let mut other = finding(Action::Deny);
        let upgrade = upgrade_path::upgrade(&change(), Some("8.2.34"));
        other.fixes = vec![Fix::new("Take this one:", [Command::Upgrade(upgrade)])];
        let text = text(&[finding(Action::Deny), other]);
        let line = "\nhelm upgrade camunda \"$CHART\" --version 8.2.34 -n prod\n)";
        assert!(text.contains(line), "{text}");
        assert!(!text.contains("kubectl get pods"), "{text}");
        assert!(text.contains("2 is the reason; the others"), "{text}");
    }

    #[test]
    fn a_refusal_reads_from_top_to_bottom() {
        let mut backup = finding(Action::Warn);
        let dump = Command::Shell("kubectl exec db-0 > dump".to_owned());
        backup.fixes = vec![Fix::new("Back up:", [dump]).at(Moment::BackUp)];
        let mut stopping = finding(Action::Deny);
        let workload = Objects::new(Kind::Deployment, "prod", ["a"]);
        let claim = Objects::new(Kind::PersistentVolumeClaim, "prod", ["a"]);
        stopping.fixes = vec![
            Fix::new("Delete it:", [workload.delete()]),
            Fix::alternative("Or wait:", [Command::Shell("sleep 1".to_owned())]),
            Fix::on_purpose("Give it up:", [Command::from(claim.delete()).commented()]),
        ];
        let mut open = finding(Action::Deny);
        open.fixes = vec![Fix::say("Choose between two.")];
        insta::assert_snapshot!(text(&[stopping, open, finding(Action::Deny), backup]));
    }

    /// `helm rollback` knows no `--set`.
    #[test]
    fn a_rollback_that_needs_flags_becomes_an_upgrade() {
        let rollback = Change {
            operation: Operation::Rollback,
            ..change()
        };
        let needs = message(&rollback, &[finding(Action::Deny)]).unwrap();
        assert!(needs.contains("helm upgrade camunda \"$CHART\" --version 8.3.1"));
        let mut without = finding(Action::Deny);
        without.fixes.pop();
        let needs = message(&rollback, &[without]).unwrap();
        assert!(
            needs.contains("\n)\n\nThen run the rollback again.\n"),
            "{needs}"
        );
    }

    #[test]
    fn what_one_step_cures_is_not_told_twice() {
        let text = text(&[finding(Action::Deny), finding(Action::Deny)]);
        assert_eq!(text.matches("kubectl get pods").count(), 1, "{text}");
        assert_eq!(text.matches("--set a=1").count(), 1, "{text}");
    }

    #[test]
    fn a_long_list_is_counted() {
        let mut long = finding(Action::Deny);
        long.why
            .extend((0..20).map(|index| format!("  claim {index}")));
        let text = text(&[long]);
        assert!(text.contains("     and 9 more\n"), "{text}");
        assert!(!text.contains("claim 19"), "{text}");
    }

    #[test]
    fn warnings_alone_refuse_nothing() {
        let findings = [finding(Action::Warn)];
        assert_eq!(message(&change(), &findings), None);
        assert_eq!(
            warnings(&change(), &findings),
            ["downgrade: Something would break. Because of this: claim a"]
        );
    }

    /// Helm prints warnings above the refusal, each as a line of a log.
    #[test]
    fn a_refusal_has_one_warning_beside_it() {
        let mut findings = vec![finding(Action::Deny)];
        assert_eq!(warnings(&change(), &findings), [""; 0]);
        findings.extend([finding(Action::Warn), finding(Action::Warn)]);
        let warnings = warnings(&change(), &findings);
        let [line] = &warnings[..] else {
            panic!("{warnings:?}")
        };
        assert!(line.starts_with(
            "2 warnings beside the refusal: camunda-upgrade-guard check camunda -n prod"
        ));
        assert!(line.len() <= LONGEST_WARNING, "{line}");
    }

    #[test]
    fn a_long_warning_ends_with_a_whole_word() {
        let long = shortened(&"word, ".repeat(60));
        assert!(long.ends_with("word…"), "{long}");
        assert!(long.chars().count() <= LONGEST_WARNING);
    }

    #[test]
    fn a_warning_is_one_line_without_control_characters() {
        assert_eq!(one_line("a\n b\t\u{7}c"), "a b c");
    }
}
