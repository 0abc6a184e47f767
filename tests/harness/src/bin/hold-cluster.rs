//! Starts a cluster, says where it is, and holds it until it is told to go on standard input.
//! Its end, by whatever means, is the cluster's end; the harness's own tests kill it.

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
