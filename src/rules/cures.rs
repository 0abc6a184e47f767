//! Commands that more than one rule prints.

pub(super) mod carry_over;
pub(super) mod clients;
pub(crate) mod conversion;
pub(crate) mod convert;
pub(super) mod count;
pub(crate) mod dump;
pub(crate) mod flag;
pub(super) mod give_up;
pub(crate) mod hand_over;
pub(crate) mod keep_claims;
pub(super) mod keep_running;
pub(crate) mod supply;
pub(crate) mod typed;
pub(crate) mod way;
