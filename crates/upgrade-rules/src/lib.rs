//! What a Helm upgrade of Camunda 8 would lose, judged without a cluster.
//!
//! This crate does no input or output: its caller brings a release record, the live objects and, where there are
//! some, an admin's decisions. Each module uses only modules that stand before it here:
//!
//! - [`kubernetes`]: an object is its JSON. References, merges, the claims that a StatefulSet mounts.
//! - [`helm`]: release records, the manifests in them, and the values that users gave.
//! - [`annotations`]: what users and the guard write on objects.
//! - [`camunda`]: the charts' lines, components, applications and credentials. Most of it is read from `lines/*.yaml`.
//! - [`change`]: what a release record or one object would change, and the live [`Facts`](change::Facts).
//! - [`terminal`]: text that is fit for a terminal, whatever a name holds.
//! - [`document`]: what programs read, as JSON and YAML.
//! - [`finding`]: a problem, why it matters, and what to type. [`denial`] prints findings as a refusal.
//! - [`knowledge`]: what several rules know of claims, credentials, configuration and migrations.
//! - [`storage`]: where data is before a change and after it.
//! - [`volume_move`]: the steps that bring a volume to another claim. Rules print them, plans hold them, `rebind` does them.
//! - [`fixes`]: commands that more than one rule prints. The conversion of a user's values is the largest.
//! - [`convert`]: values files of one line as those of another, edited in their own text.
//! - [`matching`]: the requests about single objects that rules and mutations judge.
//! - [`rules`]: the table of rules. A rule is a pure function from a change and facts to findings.
//! - [`touched`]: the credentials and values that a change touches, by their names.
//! - [`mutations`]: changes that the guard makes to objects itself.
//! - [`proof`]: cures are judged before they are printed.
//! - [`forecast`] and [`plan`]: what the next chart would make of a release, judged by the same rules.
//! - [`rebind`]: the remaining steps to move a namespace's Elasticsearch volumes to new claims, and back.

pub mod annotations;
pub mod camunda;
pub mod change;
pub mod convert;
pub mod denial;
pub mod document;
pub mod finding;
pub mod fixes;
pub mod forecast;
pub mod helm;
pub mod knowledge;
pub mod kubernetes;
pub mod matching;
pub mod mutations;
pub mod plan;
pub mod proof;
pub mod rebind;
pub mod rules;
pub mod storage;
pub mod terminal;
pub mod touched;
pub mod volume_move;
