//! The scan as a table for a terminal.

use std::fmt;

use super::{Problem, Row, Scan};
use crate::{
    denial::one_line,
    finding::{Command, shell},
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

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.releases.is_empty() {
            writeln!(f, "No Camunda release was found.")?;
        } else {
            write_table(f, &self.releases)?;
        }
        for row in &self.releases {
            write_problems(f, row)?;
        }
        if !self.not_seen.is_empty() {
            writeln!(f, "\nNot seen:")?;
        }
        for gap in &self.not_seen {
            writeln!(
                f,
                "  {}: {}",
                one_line(&gap.what.to_string()),
                one_line(&gap.reason)
            )?;
        }
        Ok(())
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let mut lines = vec![HEADS.map(str::to_owned)];
    lines.extend(rows.iter().map(cells));
    let mut widths = [0; HEADS.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for line in &lines {
        let cells = line.iter().zip(widths);
        let padded: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        writeln!(f, "{}", padded.join("  ").trim_end())?;
    }
    Ok(())
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

/// Returns the command that plans the way to the next line.
pub(super) fn way(row: &Row) -> Option<String> {
    let to = &row.next.as_ref()?.newest;
    let words = [
        "camunda-upgrade-guard",
        "plan",
        &row.release,
        "-n",
        &row.namespace,
    ];
    let subchart = row.subchart.as_deref();
    let subchart = subchart.into_iter().flat_map(|name| ["--subchart", name]);
    let words = words.into_iter().chain(["--to", to]).chain(subchart);
    Some(shell::command(words))
}

fn write_problems(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    let name = format!("{}/{}", row.namespace, named(row));
    if let Some(reason) = &row.unreadable {
        writeln!(f, "\n{name}: {}", one_line(reason))?;
    }
    let to = row.next.as_ref().map(|next| next.newest.as_str());
    let plan = way(row);
    let mut problems = row.stops().peekable();
    if problems.peek().is_some() {
        match to {
            Some(to) => writeln!(f, "\n{name}: what stops an upgrade to chart {to} today")?,
            None => writeln!(f, "\n{name}: what stops an upgrade today")?,
        }
        for (number, problem) in (1..).zip(problems) {
            write_problem(f, number, problem)?;
        }
        if let Some(plan) = plan {
            writeln!(f, "  The whole way: {plan}")?;
        }
    }
    let mut risks = row.risks().peekable();
    if risks.peek().is_some() {
        writeln!(f, "\n{name}: what else should not stay so")?;
    }
    for (number, problem) in (1..).zip(risks) {
        write_problem(f, number, problem)?;
    }
    Ok(())
}

fn write_problem(f: &mut fmt::Formatter<'_>, number: usize, problem: &Problem) -> fmt::Result {
    let rule = problem
        .rule
        .map_or_else(String::new, |rule| format!(" [{rule}]"));
    writeln!(f, "  {number}. {}{rule}", one_line(&problem.title))?;
    if problem.why.len() <= SHOWN {
        for line in &problem.why {
            writeln!(f, "     {}", shell::on_one_line(line))?;
        }
    }
    let typed: Vec<_> = problem.cure.iter().map(Command::text).collect();
    let lines: Vec<_> = typed.iter().flat_map(|text| text.lines()).collect();
    if lines.len() <= SHOWN {
        for line in lines {
            writeln!(f, "       {line}")?;
        }
    }
    Ok(())
}
