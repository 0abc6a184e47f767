//! The chart to go to, as a person names it.

use semver::Version;

use crate::camunda::{Line, NewestPatches};

/// What a person may name a chart by.
const FORMS: &str =
    "a chart's version (13.13.0), a line of charts (13), a version of Camunda (8.8), or latest";

/// A name that leads to no chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of these: {FORMS}; lines: {lines}", lines = lines())]
pub struct TargetError(String);

/// Returns the version of the chart that a name stands for: of a line its newest patch, and of `latest` that of the newest line
/// that is released.
///
/// # Errors
/// When no chart of a known line has that name.
pub fn target(name: &str, newest: &NewestPatches) -> Result<Version, TargetError> {
    let unknown = || TargetError(name.to_owned());
    let plain = name.trim_start_matches('v');
    if let Ok(version) = Version::parse(plain) {
        return Ok(version);
    }
    let newest = |line: &Line| Version::parse(newest.of(line).version).ok();
    let mut lines = Line::all().iter().rev();
    let found = match plain {
        "latest" => lines.filter_map(newest).find(|it| it.pre.is_empty()),
        _ => lines
            .find(|line| line.line == plain || line.application == plain)
            .and_then(newest),
    };
    found.ok_or_else(unknown)
}

fn lines() -> String {
    let lines: Vec<_> = Line::all().iter().map(|line| line.line.as_str()).collect();
    lines.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_several_names() {
        let newest = NewestPatches::default();
        let named = |name: &str| target(name, &newest).unwrap().to_string();
        let of = |line: &str| {
            let mut lines = Line::all().iter();
            let line = lines.find(|it| it.line == line).unwrap();
            newest.of(line).version.to_owned()
        };
        assert_eq!(named("v13.13.0"), "13.13.0");
        assert_eq!(named("13"), of("13"));
        assert_eq!(named("8.8"), of("13"));
        assert_eq!(named("8.2"), of("8.2"));
        let latest = target("latest", &newest).unwrap();
        assert!(latest.pre.is_empty());
        for unknown in ["", "7", "13.12", "8.8.x", "newest"] {
            let told = target(unknown, &newest).unwrap_err().to_string();
            assert!(told.contains("latest") && told.contains("13"), "{told}");
        }
    }
}
