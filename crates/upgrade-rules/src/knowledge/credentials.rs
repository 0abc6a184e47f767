//! What workloads read their passwords from, and which database's data knows them.

pub(crate) mod before;
pub(crate) mod known_by;
pub(crate) mod placeholder;
pub mod purposes;
pub(crate) mod readers;
pub(crate) mod sources;
pub(crate) mod values;

pub(crate) use self::readers::list;
