//! Each rule with the change that it must stop and the nearest one that it must let pass, without a cluster.
//!
//! The proof that these changes are what Helm and the API server make of real charts is in `tests/cluster`.

#![allow(clippy::unwrap_used, reason = "a test that meets an error is over")]

mod applications;
mod attempted;
mod authentication;
mod authentication_corpus;
mod canaries;
mod claims;
mod conversion;
mod conversion_14;
mod corpus_credentials;
mod corpus_migration;
mod corpus_shapes;
mod corpus_verdicts;
mod corpus_versions;
mod corpus_volumes;
mod corpus_ways;
mod credentials;
mod dropped;
mod forecasts;
mod half_way;
mod identities;
mod ignored;
mod ignored_corpus;
mod images;
mod immutable;
mod left_behind;
mod lines;
mod live;
mod migrated;
mod migration;
mod missing;
mod moved;
mod nodes;
mod notices;
mod pairs;
mod partitions;
mod pasted;
mod pinned;
mod placeholders;
mod plans;
mod printed;
mod proved;
mod record;
mod removed;
mod reports;
mod reports_html;
mod reports_schemas;
mod scene;
mod silenced;
mod sources;
mod storage;
mod stored;
mod stores;
mod tenants;
mod texts;
mod typed;
mod unbundled;
mod values;
mod vanished;
mod variants;
mod versions;
mod volumes;
