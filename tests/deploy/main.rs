//! What `deploy/` installs: by Helm 3, by Helm 4 and by kustomize, on a real control plane.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod accepted;
mod beside;
mod configured;
mod documented;
mod files;
mod installed;
mod monitored;
mod network;
mod notes;
mod outcome;
mod packaged;
mod readme;
mod rendered;
mod rights;
mod scheduled;
mod stage;
mod values;
