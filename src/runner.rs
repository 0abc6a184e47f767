//! Does on the cluster what a [`Plan`](crate::rebind::Plan) of a move of volumes says, one step at a time.

mod error;
pub mod read;
mod run;
mod wait;

pub use self::{
    error::StepError,
    run::{Done, Runner},
};
