//! Commands that more than one rule prints. Nothing here knows a rule.

pub(crate) mod carry_over;
pub(crate) mod clients;
pub(crate) mod conversion;
pub mod convert;
pub(crate) mod count;
pub(crate) mod dump;
pub(crate) mod flag;
pub(crate) mod give_up;
pub(crate) mod keep_running;
pub(crate) mod migrations;
pub(crate) mod missing_secrets;
pub(crate) mod move_volumes;
pub mod retain;
pub mod supply;
pub(crate) mod typed;
pub(crate) mod upgrade_path;
pub(crate) mod values_given;
