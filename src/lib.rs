//! Keeps Camunda 8 safe through Helm upgrades.
//!
//! Helm writes its release record before it touches anything else, so refusing that one Secret stops an upgrade
//! with nothing applied. This crate is the admission webhook that reads the record, compares what it announces
//! with what is live, and answers with every problem and the commands that cure it.
//!
//! # The way through the house
//!
//! Two crates share the work. [`upgrade_rules`] judges and does no input or output; its modules are shown here as if they
//! were this crate's. This crate is the program: it reads the cluster, answers requests and prints.
//!
//! A request comes in at [`server`], which knows TLS and connections and nothing of Kubernetes. [`admission`] takes
//! the AdmissionReview apart and sends it to one of three places: the release gate (a record), the object gate (an
//! object that arrived without one), or the mutating endpoint. The guard's own configuration has an endpoint, too, which
//! reads it as [`policy`] does. [`webhooks`] prints which requests the API server
//! brings here at all, as the rows of rules and mutations name them in [`matching`], and [`certificates`] sees to it that the API server trusts the guard.
//!
//! Behind the gates nothing knows of HTTP. [`helm::release`] decodes a record within limits, [`helm::manifest`] reads its
//! YAML the way Helm and the API server do, and [`change`] compares both with the release that runs. [`gather`] decides
//! what else the rules need from the cluster and reads it through [`cluster`] into [`change::Facts`], all of it before
//! the first rule runs. What could not be read is a finding, too.
//!
//! [`rules`] judge. [`policy`] is what an admin sets of that, [`overrides`] what somebody decides for one upgrade.
//! [`denial`] turns the findings into the text that a person reads at two in the morning.
//!
//! The command line judges without a gate: [`input`] makes a release of what Helm and its like print, [`check`] sends it
//! the same way, [`report`] prints the outcome, as a page for a browser with [`html`], too, and [`snapshot`] keeps a namespace as files without secrets. [`scan`] says
//! what stops each release's next upgrade. [`runner`] does what a plan of [`rebind`] says, [`rescue`] keeps
//! credentials, and [`cli`] asks in between. What people read is a [`terminal::Text`], whose pieces have roles; [`look`] knows the
//! terminal's width and its colours.
//!
//! Values files alone are converted by [`convert`], and [`values_report`] prints what it did.
//!
//! [`logging`], [`metrics`] and [`events`] are the edges of the process.

pub mod admission;
pub mod certificates;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod events;
pub mod gather;
pub mod html;
pub mod input;
pub mod logging;
pub mod look;
pub mod metrics;
pub mod overrides;
pub mod policy;
pub mod report;
pub mod rescue;
pub mod runner;
pub mod scan;
pub mod server;
pub mod snapshot;
pub mod values_report;
pub mod webhooks;

pub use upgrade_rules::{
    annotations, camunda, change, convert, denial, document, finding, fixes, forecast, helm,
    knowledge, kubernetes, matching, mutations, plan, proof, rebind, rules, storage, terminal,
    touched, volume_move,
};
