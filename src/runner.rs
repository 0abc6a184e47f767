//! Does on the cluster what a [`Plan`](crate::volume_move::Plan) of a move of volumes says, one step at a time.

pub mod read;
mod run;
mod wait;

pub use self::run::{Done, Runner};
