//! The scan as a page for a browser: a table of the releases, and below it what stops each.

use maud::{Markup, html};

use super::{
    Problem, Row, Scan,
    table::{named, way},
};
use crate::{
    finding::Command,
    html::{Tone, Verdict, page, reasons, rule, rule_pages, typed},
};

impl Scan {
    /// Returns the scan as a page.
    pub fn html(&self) -> String {
        let (tone, word, sentence) = self.toned();
        let verdict = Verdict {
            tone,
            word,
            sentence: &sentence,
        };
        let problems = self.releases.iter().flat_map(|row| &row.problems);
        let body = html! {
            (self.table())
            @for (number, row) in (1..).zip(&self.releases) { (release(number, row)) }
            (self.unseen())
            (rule_pages(problems.filter_map(|problem| problem.rule)))
        };
        page("scan", &verdict, &body)
    }

    fn toned(&self) -> (Tone, &'static str, String) {
        let stopped = self.releases.iter().filter(|row| row.stops().count() > 0);
        let all = match self.releases.len() {
            0 => "No Camunda release was found".to_owned(),
            1 => "1 Camunda release".to_owned(),
            count => format!("{count} Camunda releases"),
        };
        let incomplete = !self.not_seen.is_empty();
        let (tone, word, more) = match stopped.count() {
            0 if incomplete => (Tone::Warning, "Not all was seen", String::new()),
            0 if self.releases.is_empty() => (Tone::Warning, "Nothing to see", String::new()),
            0 => (Tone::Good, "Nothing known stops an upgrade", String::new()),
            1 => (
                Tone::Bad,
                "Something stops an upgrade",
                ": 1 can't go to the next line today".to_owned(),
            ),
            count => (
                Tone::Bad,
                "Something stops upgrades",
                format!(": {count} can't go to the next line today"),
            ),
        };
        let unseen = match incomplete {
            true => ". Not all could be looked into",
            false => "",
        };
        (tone, word, format!("{all}{more}{unseen}."))
    }

    fn table(&self) -> Markup {
        const HEADS: [&str; 9] = [
            "Release",
            "Verdict",
            "What stops the next upgrade",
            "Line",
            "Chart",
            "Newest patch",
            "Next line",
            "Support",
            "Revision",
        ];
        html! {
            @if !self.releases.is_empty() {
                section {
                    h2 { "Releases" }
                    div.wide tabindex="0" role="group" aria-label="Releases" {
                        table {
                            thead { tr { @for head in HEADS { th scope="col" { (head) } } } }
                            tbody {
                                @for (number, row) in (1..).zip(&self.releases) { (cells(number, row)) }
                            }
                        }
                    }
                }
            }
        }
    }

    fn unseen(&self) -> Markup {
        html! {
            @if !self.not_seen.is_empty() {
                section {
                    h2 { "Not seen" }
                    ul {
                        @for gap in &self.not_seen { li { (gap.what) ": " (gap.reason) } }
                    }
                }
            }
        }
    }
}

fn cells(number: usize, row: &Row) -> Markup {
    let line = row.line.as_ref();
    let application = row
        .application
        .as_ref()
        .or(line.map(|line| &line.application));
    let revision = row.revision.map(|revision| revision.to_string());
    let none = "–";
    html! {
        tr.loss[row.stops().count() > 0] {
            th scope="row" { a href={ "#release-" (number) } { (row.namespace) "/" (named(row)) } }
            td { (verdict(row)) }
            td { @for problem in row.stops() { p { (problem.title) } } }
            td {
                (line.map_or(none, |line| &line.line))
                @if let Some(application) = application { " (Camunda " (application) ")" }
            }
            td { (row.chart.as_deref().unwrap_or(none)) }
            td { (line.map_or(none, |line| &line.newest)) }
            td {
                @match &row.next {
                    Some(next) => { (next.newest) " (Camunda " (next.application) ")" }
                    None => (none),
                }
            }
            td { (row.support.as_deref().unwrap_or(none)) }
            td { (revision.as_deref().unwrap_or(none)) " (" (row.status) ")" }
        }
    }
}

fn verdict(row: &Row) -> String {
    let (stops, risks) = (row.stops().count(), row.risks().count());
    let verdict = match (stops, &row.next) {
        _ if row.unreadable.is_some() => return "can't be read".to_owned(),
        (0, None) => "no next line is known".to_owned(),
        (0, Some(_)) => "nothing known stops it".to_owned(),
        (1, _) => "1 problem stops it".to_owned(),
        (stops, _) => format!("{stops} problems stop it"),
    };
    match risks {
        0 => verdict,
        1 => format!("{verdict}; 1 risk"),
        risks => format!("{verdict}; {risks} risks"),
    }
}

fn release(number: usize, row: &Row) -> Markup {
    let stops = match &row.next {
        Some(next) => format!("What stops an upgrade to chart {} today", next.newest),
        None => "What stops an upgrade today".to_owned(),
    };
    html! {
        section id={ "release-" (number) } {
            h2 { (row.namespace) "/" (named(row)) }
            p { "Verdict: " (verdict(row)) "." }
            @if let Some(reason) = &row.unreadable { p { (reason) } }
            @if row.stops().count() > 0 {
                h3 { (stops) }
                @for problem in row.stops() { (self::problem(problem)) }
            }
            @if let Some(way) = way(row) {
                p { "The whole way:" }
                (typed(&way))
            }
            @if row.risks().count() > 0 {
                h3 { "What else should not stay so" }
                @for problem in row.risks() { (self::problem(problem)) }
            }
        }
    }
}

fn problem(problem: &Problem) -> Markup {
    let commands: Vec<_> = problem.cure.iter().map(Command::text).collect();
    html! {
        h4 {
            (problem.title)
            @if let Some(id) = problem.rule { (rule(id)) }
        }
        (reasons(problem.why.iter().map(String::as_str)))
        @if !commands.is_empty() { (typed(&commands.join("\n"))) }
    }
}
