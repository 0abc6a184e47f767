//! A report as JUnit XML: one test case for each rule, so that a pipeline also shows what passed.
//!
//! The names of the suite and of its cases are the same in each run, so that a pipeline can follow a rule over time.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::Report;
use crate::{
    change::ChartVersion,
    denial,
    finding::{Action, Finding},
    rules::{NOT_CHECKED, RULES, Rule},
    terminal::printable,
};

/// The name of the document and of its one suite.
const NAME: &str = "camunda-upgrade-guard";

/// The test case of a rule.
struct Case<'a> {
    rule: &'static Rule,
    /// What has it fail.
    stops: Vec<&'a Finding>,
    /// What it says beside that.
    warns: Vec<&'a Finding>,
}

type Xml = Writer<Vec<u8>>;

pub(super) fn print(report: &Report) -> io::Result<String> {
    let cases: Vec<_> = RULES.iter().map(|rule| Case::of(report, rule)).collect();
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites = xml.create_element("testsuites");
    suites.write_inner_content(|xml| write_suite(report, &cases, xml))?;
    let mut text = String::from_utf8(xml.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

fn write_suite(report: &Report, cases: &[Case<'_>], xml: &mut Xml) -> io::Result<()> {
    let count = |element| {
        let cases = cases.iter().filter(|case| case.element() == Some(element));
        cases.count().to_string()
    };
    let mut suite = xml.create_element("testsuite").with_attributes([
        ("name", NAME),
        ("tests", &cases.len().to_string()),
        ("failures", &count(FAILURE)),
        ("errors", &count(ERROR)),
        ("skipped", "0"),
    ]);
    if let Some(file) = report.file() {
        suite = suite.with_attribute(("file", &*line(file)));
    }
    suite.write_inner_content(|xml| {
        let properties = xml.create_element("properties");
        properties.write_inner_content(|xml| write_properties(report, xml))?;
        for case in cases {
            case.write(report, xml)?;
        }
        let headline = report.headline();
        let told = std::iter::once(&headline).chain(&report.notes);
        let told: Vec<_> = told.map(String::as_str).collect();
        write_text("system-out", &told.join("\n"), xml)
    })?;
    Ok(())
}

fn write_properties(report: &Report, xml: &mut Xml) -> io::Result<()> {
    let change = &report.change;
    let version = |chart: &Option<ChartVersion>| {
        let version = chart.as_ref().map(|chart| chart.version.as_str());
        version.unwrap_or_default().to_owned()
    };
    for (name, value) in [
        ("outcome", report.outcome().name()),
        ("operation", change.operation.name()),
        ("release", &change.release),
        ("namespace", &change.namespace),
        ("from", &version(&change.from)),
        ("to", &version(&change.to)),
    ] {
        let property = xml.create_element("property");
        let property = property.with_attributes([("name", name), ("value", &*line(value))]);
        property.write_empty()?;
    }
    Ok(())
}

const FAILURE: &str = "failure";
const ERROR: &str = "error";

impl<'a> Case<'a> {
    fn of(report: &'a Report, rule: &'static Rule) -> Self {
        let found = report.findings.iter().filter(|it| it.rule == rule.id);
        let (stops, warns) =
            found.partition(|it| rule.id == NOT_CHECKED || it.action == Action::Deny);
        Self { rule, stops, warns }
    }

    /// Returns the element that says how it failed.
    fn element(&self) -> Option<&'static str> {
        match self.rule.id {
            _ if self.stops.is_empty() => None,
            NOT_CHECKED => Some(ERROR),
            _ => Some(FAILURE),
        }
    }

    fn write(&self, report: &Report, xml: &mut Xml) -> io::Result<()> {
        let change = &report.change;
        let class = line(&format!("{}.{}", change.namespace, change.release));
        let name = self.rule.id.name();
        let case = xml.create_element("testcase");
        let case = case.with_attributes([("name", name), ("classname", &*class)]);
        if self.stops.is_empty() && self.warns.is_empty() {
            case.write_empty()?;
            return Ok(());
        }
        case.write_inner_content(|xml| {
            if let Some(element) = self.element() {
                let titles: Vec<_> = self.stops.iter().map(|it| it.title.as_str()).collect();
                let message = line(&titles.join("; "));
                let failed = xml.create_element(element);
                let failed = failed.with_attributes([("message", &*message), ("type", name)]);
                failed.write_text_content(BytesText::new(&told(&self.stops)))?;
            }
            match self.warns.is_empty() {
                true => Ok(()),
                false => write_text("system-out", &told(&self.warns), xml),
            }
        })?;
        Ok(())
    }
}

fn write_text(element: &str, text: &str, xml: &mut Xml) -> io::Result<()> {
    let element = xml.create_element(element);
    element.write_text_content(BytesText::new(&shown(text)))?;
    Ok(())
}

fn told(findings: &[&Finding]) -> String {
    let texts = findings.iter().map(|it| denial::object_message(it));
    shown(&texts.collect::<Vec<_>>().join("\n\n"))
}

/// Replaces what a terminal would act on, and the two characters that XML can't represent beside them.
fn shown(text: &str) -> String {
    printable(text).replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}")
}

/// The same as one line: a parser makes spaces of the line ends in an attribute.
fn line(text: &str) -> String {
    shown(text).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_say_is_replaced() {
        assert_eq!(
            shown("a\u{0}b\u{1b}[31m\u{FFFE}\u{202E}\r\nü\u{1F600}"),
            "a\u{FFFD}b\u{FFFD}[31m\u{FFFD}\u{FFFD}\u{FFFD}\nü\u{1F600}"
        );
        assert_eq!(line("a\n\tb"), "a  b");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut xml = Writer::new(Vec::new());
        let hostile = "<a href=\"x\" b='y'>&]]>&amp;";
        let element = xml.create_element("a").with_attribute(("b", hostile));
        element.write_text_content(BytesText::new(hostile)).unwrap();
        let text = String::from_utf8(xml.into_inner()).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(document.root_element().attribute("b"), Some(hostile));
        assert_eq!(document.root_element().text(), Some(hostile));
    }
}
