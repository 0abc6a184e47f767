//! A real control plane, real Helm and real Camunda releases, for the tests, the demo and the benchmark.
#![forbid(unsafe_code)]

pub mod binaries;
pub mod browser;
pub mod canary;
pub mod chart;
pub mod cluster;
pub mod corpus;
pub mod denial;
pub mod guard;
pub mod helm;
pub mod hostile;
pub mod kubectl;
pub mod markup;
pub mod node;
pub mod person;
pub mod pki;
pub mod ports;
pub mod postgresql;
pub mod process;
pub mod prometheus;
pub mod record;
pub mod schema;
pub mod shell;
pub mod supervise;
pub mod wait;

pub use binaries::{Binaries, Missing};
pub use chart::{Chart, ChartBuilder, Document, Secrets, umbrella};
pub use cluster::{
    Cluster, ClusterOptions, Lease, Namespace, SecondApiServer,
    faults::{Fault, FaultyServer},
    storage::{StorageClass, Volumes},
};
pub use corpus::{Corpus, Hook, Record};
pub use denial::{Denial, assert_tells_none_of};
pub use guard::{Endpoints, Guard, GuardOptions, WebhookCalls, machine_address};
pub use helm::{Helm, HelmCli, Revision};
pub use kubectl::Kubectl;
pub use node::{Node, NodePrograms, run_on_a_node};
pub use person::Person;
pub use ports::{free_addresses, free_ports};
pub use postgresql::Postgresql;
pub use process::{Output, Run};
pub use prometheus::{Prometheus, PrometheusPrograms};
pub use schema::Schema;
pub use shell::Shell;
pub use wait::wait_until;

/// The shared cluster, or a return from the test when its programs were not built.
/// `cluster_or_skip!(Ok(()))` is for a test that returns something.
#[macro_export]
macro_rules! cluster_or_skip {
    () => {
        $crate::cluster_or_skip!(())
    };
    ($otherwise:expr) => {
        match $crate::Cluster::shared_or_skip() {
            Some(cluster) => cluster,
            None => return $otherwise,
        }
    };
}
