//! The charts of a folder, in the order of their versions.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use semver::Version;
use serde::Deserialize;

const NAME: &str = "camunda-platform";

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

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
        let metadata: Metadata =
            serde_saphyr::from_str(&text).with_context(|| file.display().to_string())?;
        if metadata.name != NAME {
            return Ok(None);
        }
        let version = Version::parse(&metadata.version)
            .with_context(|| format!("{}: version {:?}", file.display(), metadata.version))?;
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
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("Chart.yaml"), text).unwrap();
        };
        write(
            "a",
            "apiVersion: v2\nname: \"camunda-platform\"\nversion: 13.12.7 # the newest\n",
        );
        write("b", "apiVersion: v2\nname: other\nversion: 1.0.0\n");
        let charts = Chart::all(folder.path()).unwrap();
        assert_eq!(charts.len(), 1);
        assert_eq!(charts[0].version.to_string(), "13.12.7");
        assert_eq!(charts[0].values, None);
    }
}
