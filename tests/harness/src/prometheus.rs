//! A Prometheus that scrapes one address, and promtool, from Debian's package.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    binaries::{found_or_skip, on_path},
    cluster::Cluster,
    ports::free_ports,
    process::Run,
    supervise::{Program, Supervised},
    wait::wait_until,
};

const START: Duration = Duration::from_secs(120);

/// The programs of the package.
pub struct PrometheusPrograms {
    prometheus: PathBuf,
    promtool: PathBuf,
}

/// A server on a port of 127.0.0.1. It ends when dropped, and no later than its cluster.
pub struct Prometheus {
    server: Supervised,
    promtool: PathBuf,
    url: String,
}

impl PrometheusPrograms {
    /// Finds both; None, with a message, where one is not installed.
    ///
    /// # Panics
    /// When one is not installed and `CI` is set: its machine can have both.
    pub fn find_or_skip() -> Option<Self> {
        let find = || {
            Some(Self {
                prometheus: on_path(&["prometheus"])?,
                promtool: on_path(&["promtool"])?,
            })
        };
        let missing = || "prometheus or promtool is missing: apt-get install prometheus".to_owned();
        found_or_skip(find().ok_or_else(missing))
    }

    /// Starts promtool.
    pub fn promtool(&self) -> Run {
        Run::new(&self.promtool)
    }

    /// Starts a server that scrapes an address every second as that of a pod, as a ServiceMonitor has it done.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn scrape(&self, cluster: &Cluster, target: SocketAddr) -> Result<Prometheus> {
        let folder = cluster.scratch("prometheus")?;
        let labels =
            json!({"namespace": "camunda-upgrade-guard", "pod": "camunda-upgrade-guard-0"});
        let job = json!({
            "job_name": "camunda-upgrade-guard",
            "static_configs": [{"targets": [target.to_string()], "labels": labels}],
        });
        let config = json!({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]});
        let file = folder.join("prometheus.yml");
        fs::write(&file, config.to_string())?;
        let [port] = free_ports()?;
        let program = Program::new(&self.prometheus)
            .flag("config.file", file)
            .flag("storage.tsdb.path", folder.join("data"))
            .flag("web.listen-address", format!("127.0.0.1:{port}"));
        let mut started = Prometheus {
            server: cluster.supervise(&cluster.unique("prometheus"), &program)?,
            promtool: self.promtool.clone(),
            url: format!("http://127.0.0.1:{port}"),
        };
        started.wait()?;
        Ok(started)
    }
}

impl Prometheus {
    fn wait(&mut self) -> Result<()> {
        wait_until("Prometheus", START, || {
            let ended = self.server.ended()?;
            ensure!(ended.is_none(), "{}", self.server.log_tail(20));
            self.query("vector(1)").map(Some)
        })?;
        Ok(())
    }

    /// Returns what an expression yields now: one entry for each series.
    ///
    /// # Errors
    /// When it is no expression.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>> {
        let words = ["query", "instant", "--format=json", &self.url, expression];
        let output = Run::new(&self.promtool).args(words).output()?;
        Ok(serde_json::from_str(&output.ok()?.stdout)?)
    }
}
