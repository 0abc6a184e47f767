//! A report as JUnit XML: one test case for each rule, so that a pipeline also shows what passed.

use std::fmt::Write;

use super::Report;
use crate::{
    denial,
    finding::{Action, Finding, RuleId},
    rules::{NOT_CHECKED, RULES},
    terminal::is_shown,
};

pub(super) fn print(report: &Report) -> String {
    let denied = report.denied();
    let rules = RULES.iter().map(|rule| rule.id);
    let (mut cases, mut failures, mut errors) = (String::new(), 0, 0);
    for rule in rules {
        let found: Vec<_> = report
            .findings
            .iter()
            .filter(|it| it.rule == rule)
            .collect();
        let element = match rule {
            NOT_CHECKED if !found.is_empty() => Some("error"),
            _ if denied.iter().any(|it| it.rule == rule) => Some("failure"),
            _ => None,
        };
        match element {
            Some("error") => errors += 1,
            Some(_) => failures += 1,
            None => {}
        }
        cases += &case(report, rule, &found, element);
    }
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    let name = attribute(&report.headline());
    let tests = RULES.len();
    let file = report
        .file()
        .map(|file| format!(" file=\"{}\"", attribute(file)));
    let file = file.unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\"{file}>"
    );
    text += &cases;
    if !report.notes.is_empty() {
        let notes = content(&report.notes.join("\n"));
        let _ = writeln!(text, "    <system-out>{notes}</system-out>");
    }
    text + "  </testsuite>\n</testsuites>\n"
}

fn case(report: &Report, rule: RuleId, found: &[&Finding], element: Option<&str>) -> String {
    let change = &report.change;
    let class = attribute(&format!("{}.{}", change.namespace, change.release));
    let start = format!("    <testcase name=\"{rule}\" classname=\"{class}\"");
    if found.is_empty() {
        return format!("{start}/>\n");
    }
    let told = |findings: &[&Finding]| {
        let texts: Vec<_> = findings
            .iter()
            .map(|it| denial::object_message(it))
            .collect();
        content(&texts.join("\n\n"))
    };
    let (stops, warns): (Vec<&Finding>, Vec<&Finding>) = found
        .iter()
        .partition(|it| it.rule == NOT_CHECKED || it.action == Action::Deny);
    let mut text = format!("{start}>\n");
    if let Some(element) = element {
        let titles: Vec<_> = stops.iter().map(|it| &*it.title).collect();
        let (message, told) = (attribute(&titles.join("; ")), told(&stops));
        let _ = writeln!(
            text,
            "      <{element} message=\"{message}\" type=\"{rule}\">{told}</{element}>"
        );
    }
    if !warns.is_empty() {
        let _ = writeln!(text, "      <system-out>{}</system-out>", told(&warns));
    }
    text + "    </testcase>\n"
}

/// Escapes text between tags; replaces characters that XML 1.0 can't represent.
fn content(text: &str) -> String {
    escaped(text, |_| false)
}

/// Escapes an attribute's value; a parser would turn its line ends into spaces.
fn attribute(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, numbered: fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            // A parser would make a line feed of it.
            '\r' => escaped += "&#13;",
            c if numbered(c) => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            '\n' | '\t' => escaped.push(c),
            c if is_shown(c) && !matches!(c, '\u{FFFE}' | '\u{FFFF}') => escaped.push(c),
            _ => escaped.push(char::REPLACEMENT_CHARACTER),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_say_is_replaced() {
        assert_eq!(
            content("a\u{0}b\u{1b}[31m\u{FFFE}\u{202E}"),
            "a\u{FFFD}b\u{FFFD}[31m\u{FFFD}\u{FFFD}"
        );
        assert_eq!(
            content("<a href=\"x\">&]]>\r\n"),
            "&lt;a href=&quot;x&quot;&gt;&amp;]]&gt;&#13;\n"
        );
        assert_eq!(attribute("a\n\tb"), "a&#10;&#9;b");
        assert_eq!(content("ü\u{1F600}"), "ü\u{1F600}");
    }
}
