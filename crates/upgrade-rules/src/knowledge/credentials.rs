//! The sources of the workloads' passwords, and the databases whose data knows those passwords.

pub(crate) mod before;
pub(crate) mod database_of;
pub(crate) mod env_source;
pub(crate) mod overwritten;
pub mod password_roles;
pub(crate) mod placeholder;
pub(crate) mod readers;
pub(crate) mod values;

pub(crate) use self::readers::list;
