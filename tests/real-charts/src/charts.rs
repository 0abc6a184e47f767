//! The charts of a folder, in the order of their versions.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use semver::Version;

const NAME: &str = "camunda-platform";

/// An unpacked chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    pub version: Version,
    pub path: PathBuf,
    /// The values that its upgrade is given.
    pub values: Option<PathBuf>,
}

impl Chart {
    /// Camunda's charts in a folder, the oldest first.
    pub fn all(folder: &Path) -> Result<Vec<Self>> {
        let mut charts = Vec::new();
        let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let path = entry?.path();
            if path.join("Chart.yaml").is_file() {
                charts.extend(Self::of(folder, &path)?);
            }
        }
        charts.sort_by(|one, other| one.version.cmp(&other.version));
        Ok(charts)
    }

    /// Nothing for a chart of another name.
    fn of(folder: &Path, path: &Path) -> Result<Option<Self>> {
        let file = path.join("Chart.yaml");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        if field(&text, "name") != Some(NAME) {
            return Ok(None);
        }
        let version = field(&text, "version").unwrap_or_default();
        let version = Version::parse(version)
            .with_context(|| format!("{}: version {version:?}", file.display()))?;
        let own = folder.join(format!("values-{version}.yaml"));
        let files = [own, folder.join("values.yaml")];
        Ok(Some(Self {
            version,
            path: path.to_owned(),
            values: files.into_iter().find(|file| file.is_file()),
        }))
    }

    /// The flags that Helm is given with it.
    pub fn flags(&self) -> Vec<String> {
        let file = self.values.iter().map(|file| file.display().to_string());
        file.flat_map(|file| ["-f".to_owned(), file]).collect()
    }

    /// The chart's release line, by its place among all: 8.0 to 8.3, then 9, 10, ….
    fn line(&self) -> u64 {
        match (self.version.major, self.version.minor) {
            (8, minor) => minor.min(3),
            (major, _) => major - 5,
        }
    }
}

/// Each chart with the next one, where no line lies between.
pub fn consecutive(charts: &[Chart]) -> Vec<(&Chart, &Chart)> {
    let pairs = charts.iter().zip(charts.iter().skip(1));
    pairs
        .filter(|(from, to)| to.line() <= from.line() + 1)
        .collect()
}

/// The value of a key at the top of a chart's file.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let value = value.split(" #").next().unwrap_or_default();
    Some(value.trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(version: &str) -> Chart {
        Chart {
            version: version.parse().unwrap(),
            path: PathBuf::from(version),
            values: None,
        }
    }

    #[test]
    fn a_line_that_is_not_there_is_no_way() {
        let charts = ["8.2.34", "8.3.1", "9.3.7", "12.13.3", "13.12.7"].map(chart);
        let pairs: Vec<_> = consecutive(&charts)
            .iter()
            .map(|(from, to)| format!("{} {}", from.version, to.version))
            .collect();
        assert_eq!(pairs, ["8.2.34 8.3.1", "8.3.1 9.3.7", "12.13.3 13.12.7"]);
    }

    #[test]
    fn a_chart_says_who_it_is() {
        let text = "apiVersion: v2\nname: \"camunda-platform\"\nversion: 13.12.7 # the newest\n";
        assert_eq!(field(text, "name"), Some("camunda-platform"));
        assert_eq!(field(text, "version"), Some("13.12.7"));
        assert_eq!(field(text, "appVersion"), None);
    }
}
