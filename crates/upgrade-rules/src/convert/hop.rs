//! One hop from a line to the next one.

use super::{
    bundled, effective::Effective, keys, layer::Layer, merges::Merges, obligations, renames,
    told::Told, types,
};
use crate::camunda::Line;

/// Why an edit is left to a person.
const NOT_IN_PLACE: &str = "The file can't be edited safely here, as the value is shared by an anchor or written in braces: change it by hand.";

/// The lines that a hop goes between; the same line twice where files are only judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop {
    pub(super) from: &'static Line,
    pub(super) to: &'static Line,
}

impl Hop {
    /// Why something is left to a person that a machine would do in another file.
    pub(super) fn by_hand(self, what: &str) -> String {
        match self.from.line == self.to.line {
            true => what.to_owned(),
            false => format!("{what} {NOT_IN_PLACE}"),
        }
    }

    pub(super) fn names(self) -> [&'static str; 2] {
        [&self.from.line, &self.to.line]
    }

    /// Converts all files and tells what was done.
    pub(super) fn run(self, layers: &mut [Layer], told: &mut Vec<Told>) {
        self.rewrite(layers, told);
        bundled::look(self, layers, told);
        let effective = Effective::of(layers);
        keys::look(self, layers, &effective, told);
        obligations::look(self, &effective, told);
    }

    /// Brings values under the keys and into the types that the line has.
    pub(super) fn rewrite(self, layers: &mut [Layer], told: &mut Vec<Told>) {
        let merges = Merges::of(self.to, layers);
        for (file, layer) in layers.iter_mut().enumerate() {
            renames::rename(self, file, layer, &merges, told);
        }
        merges.ask(self, layers, told);
        for (file, layer) in layers.iter_mut().enumerate() {
            types::fit(self, file, layer, told);
        }
    }
}
