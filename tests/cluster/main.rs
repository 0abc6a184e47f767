//! The guard on a real control plane, with the real Helm 3 and Helm 4.
//!
//! One program for all of it, so that all share one cluster and one guard.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod argo_cd;
mod at_once;
mod availability;
mod backing_up;
mod blast_radius;
mod bundled;
mod busy;
mod certificates;
mod charts;
mod checking;
mod checking_against;
mod command;
mod configuration;
mod corpus_13;
mod corpus_14;
mod corpus_15;
mod corpus_chain;
mod corpus_good;
mod corpus_matrix;
mod corpus_pairs;
mod corpus_upgrade;
mod cures;
mod environment;
mod events;
mod facts_faults;
mod hub;
mod just_written;
mod load;
mod mutated_twice;
mod mutations;
mod neighbours;
mod object_gate;
mod observability;
mod odd_chart;
mod opting_out;
mod oracle;
mod overriding;
mod own_charts;
mod planning;
mod rebind;
mod records;
mod relabel;
mod release;
mod removed;
mod replicas;
mod rescue;
mod restoring;
mod scanning;
mod scarce;
mod secrets;
mod sending;
mod serving;
mod sql_storage;
mod stage;
mod stand_ins;
mod to_13;
mod umbrella;
mod variants_of_13;
mod volumes;
mod walking;
mod ways_in;
mod without_a_guard;
