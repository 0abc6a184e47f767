//! Starts a cluster, prints where it is, and keeps it until told on standard input to go on. The cluster ends with
//! this process, however it ends; the harness's own tests kill it.

use std::io::{Read, Write};

use harness::{Cluster, ClusterOptions};

fn main() -> anyhow::Result<()> {
    let cluster = Cluster::start(ClusterOptions::default())?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", cluster.dir().display())?;
    out.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
