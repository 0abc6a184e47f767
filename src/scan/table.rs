//! The scan as a table for a terminal.

use std::fmt;

use super::{Problem, Row, Scan};
use crate::{
    denial::{counted, one_line},
    finding::{Command, shell},
    terminal::{Piece, Role, Text},
};

const HEADS: [&str; 9] = [
    "NAMESPACE",
    "RELEASE",
    "REVISION",
    "STATUS",
    "CHART",
    "NEWEST",
    "CAMUNDA",
    "NEXT",
    "SUPPORT",
];

/// Most lines shown of a problem's details, and of its commands; longer texts are left to `plan`.
const SHOWN: usize = 4;

/// Without colours, and without a terminal's width; `{:#}` is the same.
impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text(None).fmt(f)
    }
}

impl Scan {
    /// The scan for people; without a width, each sentence is a line.
    pub fn text(&self, width: Option<usize>) -> Text {
        let mut text = Text::new(width.unwrap_or(usize::MAX));
        if !self.releases.is_empty() {
            let rows: Vec<_> = self.releases.iter().map(cells).collect();
            text.table(&HEADS, &rows);
        }
        for row in &self.releases {
            tell_problems(&mut text, row);
        }
        if !self.not_seen.is_empty() {
            text.blank();
            text.verbatim(Role::Warning, "Not seen:");
        }
        for gap in &self.not_seen {
            let (what, reason) = (gap.what.to_string(), one_line(&gap.reason));
            let line = format!("  {}: {reason}", one_line(&what));
            text.wrapped(Role::Prose, &line, 2);
        }
        if !text.lines().is_empty() {
            text.blank();
        }
        let (role, verdict) = self.verdict();
        text.wrapped(role, &verdict, 2);
        text
    }

    /// The result in a line, for who sees only the end.
    fn verdict(&self) -> (Role, String) {
        let not_seen = match self.not_seen.is_empty() {
            true => "",
            false => " Not all was seen.",
        };
        if self.releases.is_empty() {
            let role = match self.not_seen.is_empty() {
                true => Role::Prose,
                false => Role::Warning,
            };
            return (role, format!("No Camunda release was found.{not_seen}"));
        }
        let stopped = self.releases.iter().filter(|row| row.stops().count() > 0);
        let stopped = stopped.count();
        let unreadable = self.releases.iter().filter(|row| row.unreadable.is_some());
        let problems: usize = self.releases.iter().map(|row| row.stops().count()).sum();
        let counts = [
            (problems, "problem"),
            (
                self.releases.iter().map(|row| row.risks().count()).sum(),
                "risk",
            ),
            (unreadable.count(), "unreadable record"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| counted(count, what)).collect();
        let counts = match &counts[..] {
            [] => String::new(),
            counts => format!(": {}", counts.join(", ")),
        };
        let releases = counted(self.releases.len(), "release");
        let (role, stops) = match stopped {
            0 if counts.is_empty() && not_seen.is_empty() => {
                (Role::Clean, "none is stopped today".to_owned())
            }
            0 => (Role::Warning, "none is stopped today".to_owned()),
            1 => (Role::Refusal, "1 is stopped today".to_owned()),
            count => (Role::Refusal, format!("{count} are stopped today")),
        };
        (role, format!("{releases}, {stops}{counts}.{not_seen}"))
    }
}

/// Returns the release's name, with that of the subchart if there are several Camundas.
pub(super) fn named(row: &Row) -> String {
    match &row.subchart {
        Some(subchart) => format!("{} ({subchart})", row.release),
        None => row.release.clone(),
    }
}

fn cells(row: &Row) -> [String; HEADS.len()] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let line = row.line.as_ref();
    let next = row.next.as_ref();
    [
        row.namespace.clone(),
        named(row),
        or_none(row.revision.map(|revision| revision.to_string())),
        row.status.clone(),
        or_none(row.chart.clone()),
        or_none(line.map(|line| line.newest.clone())),
        or_none(
            row.application
                .clone()
                .or(line.map(|line| line.application.clone())),
        ),
        or_none(next.map(|next| format!("{} ({})", next.newest, next.application))),
        or_none(row.support.clone()),
    ]
    .map(|cell| one_line(&cell))
}

fn tell_problems(text: &mut Text, row: &Row) {
    let name = format!("{}/{}", row.namespace, named(row));
    let heading = |text: &mut Text, role, what: &str| {
        text.blank();
        text.wrapped(role, &one_line(&format!("{name}: {what}")), 2);
    };
    if let Some(reason) = &row.unreadable {
        heading(text, Role::Warning, reason);
    }
    let to = row.next.as_ref().map(|next| next.newest.as_str());
    if row.stops().count() > 0 {
        let what = match to {
            Some(to) => format!("what stops an upgrade to chart {to} today"),
            None => "what stops an upgrade today".to_owned(),
        };
        heading(text, Role::Refusal, &what);
    }
    for (number, problem) in (1..).zip(row.stops()) {
        tell_problem(text, number, problem);
    }
    if let Some(way) = way(row).filter(|_| row.stops().count() > 0) {
        let whole = Piece::prose("The whole way: ");
        text.flowing(2, 2, &[whole, Piece::command(&way)]);
    }
    if row.risks().count() > 0 {
        heading(text, Role::Warning, "what else should not stay so");
    }
    for (number, problem) in (1..).zip(row.risks()) {
        tell_problem(text, number, problem);
    }
}

/// Returns the command that plans the way to the next line.
pub(super) fn way(row: &Row) -> Option<String> {
    let to = &row.next.as_ref()?.newest;
    let (release, namespace) = (&row.release, &row.namespace);
    let words = [shell::PROGRAM, "plan", release, "-n", namespace];
    let subchart = row.subchart.as_deref();
    let subchart = subchart.into_iter().flat_map(|name| ["--subchart", name]);
    Some(shell::command(
        words.into_iter().chain(["--to", to]).chain(subchart),
    ))
}

fn tell_problem(text: &mut Text, number: usize, problem: &Problem) {
    let title = format!("{number}. {}", one_line(&problem.title));
    let mut heading = vec![Piece::prose(&title)];
    if let Some(rule) = problem.rule {
        heading.push(Piece::prose(" "));
        heading.push(Piece::new(Role::Faint, &format!("[{rule}]")));
    }
    text.flowing(2, 3, &heading);
    if problem.why.len() <= SHOWN {
        for line in &problem.why {
            let line = format!("     {}", shell::on_one_line(line));
            text.wrapped(Role::Prose, &line, 2);
        }
    }
    let typed: Vec<_> = problem.cure.iter().map(Command::text).collect();
    let lines: Vec<_> = typed.iter().flat_map(|text| text.lines()).collect();
    if lines.len() <= SHOWN {
        for line in lines {
            text.verbatim(Role::Command, &format!("       {line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{change::Gap, finding::RuleId};

    fn row(release: &str, stops: &[bool]) -> Row {
        let problem = |stops: &bool| Problem {
            rule: Some(RuleId::Downgrade),
            stops: *stops,
            title: "Something that takes more than one line of a narrow terminal".to_owned(),
            why: Vec::new(),
            objects: Vec::new(),
            cure: vec![Command::Shell(
                "kubectl get persistentvolumeclaims -n prod -o wide".to_owned(),
            )],
            documentation: None,
        };
        Row {
            namespace: "prod".to_owned(),
            release: release.to_owned(),
            status: "deployed".to_owned(),
            problems: stops.iter().map(problem).collect(),
            ..Row::default()
        }
    }

    #[test]
    fn the_last_line_is_the_verdict() {
        let gap = || vec![Gap::new("secrets", "forbidden")];
        for (releases, not_seen, expected) in [
            (Vec::new(), Vec::new(), "No Camunda release was found."),
            (
                Vec::new(),
                gap(),
                "No Camunda release was found. Not all was seen.",
            ),
            (
                vec![row("a", &[])],
                Vec::new(),
                "1 release, none is stopped today.",
            ),
            (
                vec![row("a", &[true, true, false]), row("b", &[])],
                Vec::new(),
                "2 releases, 1 is stopped today: 2 problems, 1 risk.",
            ),
            (
                vec![row("a", &[true]), row("b", &[true])],
                gap(),
                "2 releases, 2 are stopped today: 2 problems. Not all was seen.",
            ),
        ] {
            let scan = Scan {
                releases,
                not_seen,
                all_listed: true,
            };
            let text = scan.to_string();
            assert_eq!(text.lines().last(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_narrow_terminal_breaks_sentences_and_no_command() {
        let scan = Scan {
            all_listed: true,
            releases: vec![row("camunda", &[true])],
            not_seen: Vec::new(),
        };
        let text = scan.text(Some(40)).to_string();
        let command = "\n       kubectl get persistentvolumeclaims -n prod -o wide\n";
        assert!(text.contains(command), "{text}");
        let others = text.lines().filter(|line| !line.contains("kubectl"));
        assert!(others.clone().all(|line| line.len() <= 40), "{text}");
        let words: Vec<_> = text.split_whitespace().collect();
        let whole = scan.to_string();
        let title = "Something that takes more than one line of a narrow terminal [downgrade]";
        assert!(words.join(" ").contains(title), "{text}");
        assert!(whole.contains(title), "{whole}");
    }
}
