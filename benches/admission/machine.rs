//! What the figures were measured on.

use std::{fs, process::Command};

use anyhow::{Context, Result};

/// The machine, and how busy it was before we came.
pub struct Machine {
    pub date: String,
    pub processor: String,
    pub cores: usize,
    pub kernel: String,
    /// The load average of the last minute.
    pub load: f64,
}

pub fn look() -> Result<Machine> {
    let date = Command::new("date").args(["-u", "+%F"]).output()?;
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(Machine {
        date: String::from_utf8(date.stdout)?.trim().to_owned(),
        processor: model
            .unwrap_or("unknown")
            .trim_matches([' ', '\t', ':'])
            .to_owned(),
        cores: std::thread::available_parallelism()?.get(),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
            .trim()
            .to_owned(),
        load: load.split(' ').next().context("a load average")?.parse()?,
    })
}
