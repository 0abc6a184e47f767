//! Builds a release's row from what was read.

use super::{Known, Problem, Row, checks};
use crate::{
    camunda::{Application, Line, NewestPatches, Support, image_version},
    change::{ChartVersion, Facts},
    forecast::{Forecast, InstalledRelease},
    gather::Recorded,
};

impl Known {
    fn of(line: &Line, newest: &NewestPatches) -> Self {
        Self {
            line: line.line.clone(),
            application: line.application.clone(),
            newest: newest.of(line).version.to_owned(),
        }
    }
}

impl Row {
    /// Creates the row of a release whose record can't be read.
    pub(super) fn unreadable(recorded: &Recorded, reason: String) -> Row {
        Row {
            unreadable: Some(reason),
            ..Row::recorded(recorded)
        }
    }

    /// Creates the row of a release; `recorded` is None if only labels reveal it.
    pub(super) fn of(
        recorded: Option<&Recorded>,
        standing: &InstalledRelease,
        facts: &Facts,
        next: Option<&Forecast>,
        today: &str,
    ) -> Row {
        let mut row = recorded.map_or_else(Row::default, Row::recorded);
        if recorded.is_none() {
            row.namespace = standing.namespace.clone();
            row.release = standing.release.clone();
            row.status = "unknown".to_owned();
        }
        let newest = NewestPatches::default();
        row.chart = Some(standing.chart.version.clone());
        row.application = application(standing, facts);
        row.line = standing.chart.line.map(|line| Known::of(line, &newest));
        row.next = next_line(&standing.chart).map(|line| Known::of(line, &newest));
        let support = standing.chart.line.and_then(|line| line.support.as_ref());
        row.support = support.map(|support| told(support, today));
        row.problems = checks::problems(recorded, standing, facts, next);
        row
    }

    fn recorded(recorded: &Recorded) -> Row {
        let newest = recorded.newest();
        Row {
            namespace: recorded.namespace.clone(),
            release: recorded.release.clone(),
            revision: recorded.running().or(newest).map(|it| it.number),
            status: newest.map_or_else(String::new, |newest| newest.status.to_string()),
            ..Row::default()
        }
    }

    /// Returns the problems that stop the next upgrade.
    pub fn stops(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.stops)
    }

    /// Returns the problems that stop no upgrade but need attention.
    pub fn risks(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| !problem.stops)
    }
}

/// Returns the line after a chart's own.
pub(super) fn next_line(chart: &ChartVersion) -> Option<&'static Line> {
    Line::all().get(chart.line?.position() + 1)
}

/// Returns the version of Zeebe's running image.
fn application(standing: &InstalledRelease, facts: &Facts) -> Option<String> {
    let brokers = standing.rendered.objects.iter();
    let mut brokers =
        brokers.filter(|it| it.reference.kind == crate::kubernetes::Kind::StatefulSet);
    let brokers = brokers.find(|it| Application::of(&it.object) == Some(Application::ZEEBE))?;
    let live = facts.get(&brokers.reference).unwrap_or(&brokers.object);
    image_version(live.image()?).map(|version| version.to_string())
}

/// Formats the end of support. ISO 8601 dates sort as texts.
fn told(support: &Support, today: &str) -> String {
    match support {
        Support::Until(day) if day.as_str() < today => format!("ended {day}"),
        Support::Until(day) => format!("until {day}"),
        Support::Ended => "ended".to_owned(),
        Support::Preview => "preview".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_ends_after_its_day() {
        let until = Support::Until("2026-10-13".to_owned());
        assert_eq!(told(&until, "2026-10-13"), "until 2026-10-13");
        assert_eq!(told(&until, "2026-10-14"), "ended 2026-10-13");
    }

    #[test]
    fn the_newest_line_has_none_after_it() {
        let next = |version| next_line(&ChartVersion::new(version)).map(|line| line.line.as_str());
        assert_eq!(next("8.3.1"), Some("9"));
        assert_eq!(next("15.0.0-alpha4"), None);
        assert_eq!(next("99.0.0"), None);
    }
}
