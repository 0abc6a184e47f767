//! Executes the steps of a [`Plan`](crate::rebind::Plan) that moves volumes.

mod error;
pub mod read;
mod run;
mod wait;

pub use self::{
    error::StepError,
    run::{Done, Runner},
};
