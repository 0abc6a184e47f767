//! Keeps Camunda 8 safe through Helm upgrades.
//!
//! Helm writes its release record before it touches anything else, so refusing that one Secret stops an upgrade
//! with nothing applied. This crate is the admission webhook that reads the record, compares what it announces
//! with what is live, and answers with every problem and the commands that cure it.
//!
//! # The way through the house
//!
//! A request comes in at [`server`], which knows TLS and connections and nothing of Kubernetes. [`admission`] takes
//! the AdmissionReview apart and sends it to one of three places: the release gate (a record), the object gate (an
//! object that arrived without one), or the mutating endpoint. [`webhooks`] prints which requests the API server
//! brings here at all, and [`certificates`] sees to it that the API server trusts whom it calls.
//!
//! Behind the gates nothing knows of HTTP. [`release`] decodes a record within limits, [`manifest`] reads its
//! YAML the way Helm and the API server do, and [`change`] puts both together with the release that runs: a list of
//! objects as they were, as they are to be, and, once Helm merged them, would be, with the [`values`] that users gave.
//! [`camunda`] is what is known of the charts, most of it as data.
//!
//! What a rule needs from the cluster is read before any rule runs: [`gather`] decides what, within the API server's
//! patience, [`cluster`] does the reading, [`facts`] holds the result. What could not be read is a finding too.
//!
//! [`rules`] is the table of rules. Each is a pure function from a [`change::Change`] and [`facts::Facts`] to
//! [`finding::Finding`]s; [`claims`] holds what several of them know of StatefulSets and claims, `credentials` what
//! workloads read their passwords from, [`configuration`] what an application's files and environment amount to,
//! `workload` whether pods became ready, `migration` who needs 13's migration Jobs and how far they are, and
//! `rules::cures` what more than one of them prints, of which the conversion of a user's values is the largest. What an
//! admin sets of all that is [`policy`], and what somebody decides for one upgrade [`overrides`]. [`mutations`] are what
//! the guard sets itself. [`denial`] turns findings into the text that a person reads at two in the morning, with
//! commands that [`shell`] has quoted.
//!
//! The command line judges without a gate: [`input`] makes a release of what Helm and its like print, [`check`] sends it the same
//! way, [`report`] prints what came of it, and [`snapshot`] keeps a namespace as files without secrets.
//!
//! Where there is no change yet, [`forecast`] tells by the lines' data what the next chart would make of a release, and the same
//! rules judge that: [`scan`] says what stops it today, [`plan`] the whole way.
//!
//! What the guides have a person do by hand is a command as well: [`hand_over`] moves Elasticsearch's volumes from claims to
//! claims, [`rescue`] keeps credentials. Both plan from what is there, without doing it, and [`cli`] asks in between.
//!
//! [`object`] is underneath all of it: a Kubernetes object is its JSON, and [`strategic`] merges one as Helm and the API server do. [`cli`], [`logging`], [`metrics`] and [`events`] are
//! the edges of the process.

pub mod admission;
pub mod camunda;
pub mod certificates;
pub mod change;
pub mod check;
pub mod claims;
pub mod cli;
pub mod cluster;
pub mod configuration;
mod credentials;
pub mod denial;
pub mod events;
pub mod facts;
pub mod finding;
pub mod forecast;
pub mod gather;
pub mod hand_over;
pub mod input;
pub mod logging;
pub mod manifest;
pub mod metrics;
mod migration;
pub mod mutations;
pub mod object;
pub mod overrides;
pub mod plan;
pub mod policy;
pub mod release;
pub mod report;
pub mod rescue;
pub mod rules;
pub mod scan;
mod secrecy;
pub mod server;
pub mod shell;
pub mod snapshot;
pub mod strategic;
pub mod values;
pub mod webhooks;
mod workload;
