//! The licences of what is in the program, with the texts that its crates bring along: most ask for that wherever the program goes.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{bill::licence, crates::Crates};

/// How the files begin in which crates have such texts.
const FILES: [&str; 5] = ["licen", "copying", "copyright", "notice", "unlicense"];

/// No crate's manifest names these.
const OF_THE_COMPILER: &str = "\nThe compiler adds Rust's standard library (MIT OR Apache-2.0) and, to a static program, musl (MIT).\n";

/// A list of the crates, then each text once with the crates that bring it.
pub fn text(crates: &Crates) -> Result<String> {
    let mut list = String::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in crates.others.iter().filter(|it| it.is_linked) {
        let package = &package.package;
        // What is of this workspace has the licence of the whole.
        if package.source.is_none() {
            continue;
        }
        let name = format!("{} {}", package.name, package.version);
        writeln!(list, "{name}: {}", licence(package)?)?;
        let folder = package.manifest_path.parent();
        let folder = folder.with_context(|| format!("{name} lies nowhere"))?;
        for file in files(folder.as_std_path())? {
            let text = fs::read_to_string(&file);
            let text = text.with_context(|| format!("reading {}", file.display()))?;
            let lines = text.lines().map(str::trim_end).collect::<Vec<_>>();
            let crates = texts.entry(lines.join("\n")).or_default();
            crates.push(name.clone());
        }
    }
    let mut all =
        format!("What is in the program, and under which licence:\n\n{list}{OF_THE_COMPILER}");
    for (text, mut crates) in texts {
        crates.dedup();
        let line = "-".repeat(80);
        write!(
            all,
            "\n{line}\n{}\n{line}\n\n{}\n",
            crates.join(", "),
            text.trim()
        )?;
    }
    Ok(all)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if entry.file_type()?.is_file() && FILES.iter().any(|beginning| name.starts_with(beginning))
        {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
