//! Lists what the guard's program and image are made of: two bills of materials in CycloneDX, and the texts of the licences.
#![forbid(unsafe_code)]

mod bill;
mod crates;
mod licences;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Parser;

use crate::{bill::Bill, crates::Crates};

/// Lists what the guard's program and image are made of.
#[derive(Parser)]
struct Args {
    /// Folder to write camunda-upgrade-guard.cdx.json, image.cdx.json and THIRD-PARTY.txt into
    folder: PathBuf,

    /// What the program is built for
    #[arg(long, default_value = "x86_64-unknown-linux-musl")]
    target: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let crates = Crates::read(&args.target)?;
    fs::create_dir_all(&args.folder)?;
    let bill = Bill {
        crates: &crates,
        target: &args.target,
    };
    let write = |file: &str, text: String| {
        let path = args.folder.join(file);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    write("camunda-upgrade-guard.cdx.json", bill.of_program()?)?;
    write("image.cdx.json", bill.of_image()?)?;
    write("THIRD-PARTY.txt", licences::text(&crates)?)
}
