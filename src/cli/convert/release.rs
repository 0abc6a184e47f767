//! `convert RELEASE`: a release's values under the keys that the next chart reads, in a file that nobody else may read.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use semver::Version;

use super::super::{
    check::values_files,
    connect::{ConnectArgs, block_on},
    standing::{self, Looked},
    tell, tell_as,
    written::{self, Existing},
};
use crate::{
    camunda::NewestPatches,
    change::{Change, ChartVersion, Facts},
    finding::shell,
    forecast::InstalledRelease,
    helm::values::Values,
    plan, rules,
    terminal::Role,
};

/// The output's mode: other users of the machine must not read it.
const MODE: u32 = 0o600;

/// The release, the chart to go to, and the file to write.
pub(super) struct Release {
    pub(super) name: String,
    pub(super) to: Version,
    pub(super) subchart: Option<String>,
    pub(super) values: Vec<PathBuf>,
    pub(super) output: PathBuf,
    pub(super) force: bool,
    pub(super) cluster: ConnectArgs,
}

impl Release {
    pub(super) fn convert(self) -> anyhow::Result<ExitCode> {
        // Check that the output can be written before reading anything.
        look_at(&self.output, self.force)?;
        let (change, facts) = block_on(self.next())?;
        let file = self.output.display();
        for gap in facts.gaps() {
            let (what, reason) = (&gap.what, &gap.reason);
            tell_as(Role::Warning, "not seen", format_args!("{what}: {reason}"));
        }
        let Some((text, decisions)) = rules::converted_file(&change, &facts) else {
            tell(format_args!(
                "chart {} reads all values of release {} as they are: {file} was not written",
                self.to, self.name
            ));
            return Ok(ExitCode::SUCCESS);
        };
        write(&self.output, &text, self.force).with_context(|| format!("can't write {file}"))?;
        let said = format!(
            "{file} has the values of release {} for chart {}, secret ones among them: give it to helm upgrade after your other files, -f {file}",
            self.name, self.to
        );
        tell_as(Role::Clean, "written", said);
        for decision in decisions {
            tell_as(Role::Warning, "decide", shell::on_one_line(&decision));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the next upgrade with today's values, and the live facts.
    async fn next(&self) -> anyhow::Result<(Change, Facts)> {
        let files = values_files(&self.values)?;
        let Looked {
            standing, reader, ..
        } = &standing::look(&self.cluster, &self.name, self.subchart.as_deref(), false).await?;
        let own = &standing.rendered.values;
        let values = match self.values.is_empty() {
            true => own.clone(),
            false => Values::of_files(files, own.root()),
        };
        let change = next(standing, &self.to, &values)?;
        let facts = reader.standing_facts(standing, Some(change.clone())).await;
        Ok((change, facts))
    }
}

/// Returns the upgrade to `to`; fails if another chart must come first.
fn next(standing: &InstalledRelease, to: &Version, values: &Values) -> anyhow::Result<Change> {
    let first = plan::first(standing, to, &NewestPatches::default())?;
    let first = first.and_then(|change| change.to);
    let chart = ChartVersion::new(&to.to_string());
    if let Some(first) = first.filter(|first| first.version != chart.version) {
        bail!(
            "the way to chart {to} goes through {}: convert the values for that one first",
            first.version
        );
    }
    let forecast = standing.upgraded(&chart, values);
    let forecast = forecast.with_context(|| format!("nothing is known of chart {to}"))?;
    Ok(forecast.change)
}

/// Refuses an output that is not a regular file, and an existing one without `force`.
fn look_at(file: &Path, force: bool) -> anyhow::Result<()> {
    let name = file.display();
    if file.as_os_str() == "-" {
        bail!("the values may be secret, so they go into a file only: -o FILE");
    }
    match fs::symlink_metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("can't look at {name}")),
        Ok(found) if !found.is_file() => bail!("{name} is there and is no file"),
        Ok(_) if !force => bail!("{name} is there already: --force writes over it"),
        Ok(_) => Ok(()),
    }
}

/// Writes a new file, or with `force` replaces an existing one once the new one is complete.
fn write(file: &Path, text: &str, force: bool) -> io::Result<()> {
    let existing = match force {
        true => Existing::Replaced,
        false => Existing::Kept,
    };
    written::write(file, text.as_bytes(), MODE, existing)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_its_owner_may_read_what_is_written_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("camunda-13.yaml");
        look_at(&file, false).unwrap();
        write(&file, "a: 1\n", false).unwrap();
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        let error = look_at(&file, false).unwrap_err().to_string();
        assert!(error.contains("--force"), "{error}");
        assert!(write(&file, "b: 2\n", false).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "a: 1\n");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        look_at(&file, true).unwrap();
        write(&file, "b: 2\n", true).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "b: 2\n");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_terminal_gets_nothing() {
        for no_file in ["-", "/dev/null", "/dev"] {
            assert!(look_at(Path::new(no_file), true).is_err(), "{no_file}");
        }
    }
}
