//! What workloads read their passwords from, and which database's data knows them.

pub(crate) mod before;
pub(crate) mod database_of;
pub(crate) mod env_source;
pub mod password_roles;
pub(crate) mod placeholder;
pub(crate) mod readers;
pub(crate) mod values;

pub(crate) use self::readers::list;
