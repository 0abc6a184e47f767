//! What a Helm upgrade of Camunda 8 would lose, judged without a cluster.
//!
//! This crate does no input or output: whoever uses it brings a release record, the live objects and, where there are
//! some, an admin's decisions. Each module uses only modules that stand before it here:
//!
//! - [`kubernetes`]: an object is its JSON. References, merges, the claims that a StatefulSet mounts.
//! - [`helm`]: release records, the manifests in them, and the values that users gave.
//! - [`annotations`]: what users and the guard write on objects.
//! - [`camunda`]: the charts' lines, components, applications and credentials. Most of it is read from `lines/*.yaml`.
//! - [`change`]: what a release record or one object would change, and the live [`Facts`](change::Facts).
//! - [`finding`]: a problem, why it matters, and what to type. [`denial`] prints findings as a refusal.
//! - [`knowledge`]: what several rules know of claims, credentials, configuration and migrations.
//! - [`volume_move`]: the steps that bring a volume to another claim. Rules print them, plans hold them, `rebind` does them.
//! - [`fixes`]: what more than one rule prints to be typed. The conversion of a user's values is the largest.
//! - [`rules`]: the table of rules. A rule is a pure function from a change and facts to findings.
//! - [`mutations`]: what the guard sets itself.
//! - [`forecast`] and [`plan`]: what the next chart would make of a release, judged by the same rules.
//! - [`rebind`]: what is still to be done to move Elasticsearch's volumes of a namespace, there and back.

pub mod annotations;
pub mod camunda;
pub mod change;
pub mod denial;
pub mod finding;
pub mod fixes;
pub mod forecast;
pub mod helm;
pub mod knowledge;
pub mod kubernetes;
pub mod mutations;
pub mod plan;
pub mod rebind;
pub mod rules;
pub mod volume_move;
