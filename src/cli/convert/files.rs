//! `convert -f FILE --from LINE`: values files, without a chart and without a cluster.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use semver::Version;

use super::super::{
    outputs::Outputs,
    tell_as,
    written::{self, Existing},
};
use crate::{
    camunda::Line,
    convert::{self, File},
    terminal::Role,
    values_report::{Format, Report},
};

/// The converted files' mode: other users of the machine must not read them.
const MODE: u32 = 0o600;

/// The files, the lines, and where the result goes.
pub(super) struct Files {
    pub(super) from: Version,
    pub(super) to: Version,
    pub(super) values: Vec<PathBuf>,
    pub(super) folder: Option<PathBuf>,
    pub(super) outputs: Vec<OsString>,
}

impl Files {
    pub(super) fn convert(self) -> anyhow::Result<ExitCode> {
        let outputs: Outputs<Format> = Outputs::of(&self.outputs)?;
        outputs.look_at()?;
        let (from, to) = (line(&self.from)?, line(&self.to)?);
        if from.position() >= to.position() {
            bail!(
                "line {} does not come after line {}: there is nothing to convert",
                to.line,
                from.line
            );
        }
        let targets = self.targets()?;
        let files = read(&self.values)?;
        let conversion = convert::convert(&files, from, to)?;
        if let Some(folder) = &self.folder {
            written::make_folder(folder)
                .with_context(|| format!("can't make {}", folder.display()))?;
        }
        for (target, file) in targets.iter().zip(&conversion.files) {
            let written = written::write(target, file.text.as_bytes(), MODE, Existing::Kept);
            written.with_context(|| format!("can't write {}", target.display()))?;
            tell_as(Role::Clean, "written", target.display());
        }
        let report = Report::of_conversion(&conversion, from, to);
        outputs.write(|format, look| Ok(report.print(*format, look)?.into_bytes()))?;
        Ok(ExitCode::from(conversion.outcome().code()))
    }

    /// The files to write; fails before anything is read if one is there.
    fn targets(&self) -> anyhow::Result<Vec<PathBuf>> {
        let Some(folder) = &self.folder else {
            return Ok(Vec::new());
        };
        let mut seen = BTreeSet::new();
        let mut targets = Vec::new();
        for file in &self.values {
            let name = file.file_name();
            let name = name.with_context(|| format!("{} names no file", file.display()))?;
            if !seen.insert(name) {
                bail!(
                    "two of the values files are called {}: in one folder they need names of their own",
                    Path::new(name).display()
                );
            }
            targets.push(folder.join(name));
        }
        for target in &targets {
            let shown = target.display();
            match fs::symlink_metadata(target) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("can't look at {shown}"));
                }
                Ok(_) => {
                    bail!("{shown} is there already, and is not written over: name another folder")
                }
            }
        }
        Ok(targets)
    }
}

/// Reads values files.
pub(in super::super) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<File>> {
    let files = files.iter().map(|file| {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| format!("can't read {name}"))?;
        Ok(File { name, text })
    });
    files.collect()
}

/// The line of a chart's version.
pub(in super::super) fn line(version: &Version) -> anyhow::Result<&'static Line> {
    let line = Line::of(&version.to_string());
    line.with_context(|| format!("nothing is known of chart {version}"))
}
