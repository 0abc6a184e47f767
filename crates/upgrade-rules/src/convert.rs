//! Converts values files from one release line to another, without a chart and without a cluster.
//!
//! The files are kept apart, as Helm is given them. Each one's text is edited only at the places that change, so that comments
//! and the order of keys stay. Renamed and merged values come from the same functions that refusals use. What can't be edited
//! safely stays as it is, and a person decides.

mod bundled;
mod edit;
mod effective;
mod hop;
mod keys;
mod layer;
mod merges;
mod obligations;
mod renames;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod tree;
mod types;
mod validate;
mod work;

pub use self::{
    told::{Kind, Outcome, Place, Told},
    validate::validate,
};

use self::{hop::Hop, layer::Layer};
use crate::{camunda::Line, helm::manifest::ManifestError};

/// Why a values file can't be converted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is not YAML as Helm reads it.
    #[error(transparent)]
    Yaml(#[from] ManifestError),
    /// Its keys and values can't be located.
    #[error("line {line}: {said}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        said: String,
    },
    /// It holds a list or a scalar.
    #[error("it holds no mapping")]
    NoMapping,
    /// Helm reads only the first document.
    #[error("line {0}: a second document begins, and Helm reads only the first one")]
    Documents(usize),
    /// A key stands twice in one mapping.
    #[error("line {0}: this key stands twice in its mapping; take one of them out")]
    Twice(usize),
    /// A carriage return without a line feed.
    #[error("line {0}: a carriage return without a line feed")]
    CarriageReturn(usize),
    /// It is larger than any values file.
    #[error("it has more than {0} bytes")]
    TooLarge(usize),
}

/// A file that is not a values file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is no values file: {cause}")]
pub struct FileError {
    /// The file's name.
    pub name: String,
    /// What is wrong with it.
    pub cause: Unreadable,
}

/// A values file.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its text, which may hold secrets.
    pub text: String,
}

/// The text may be secret.
impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("name", &self.name).finish()
    }
}

/// Files under the keys of another line.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// The files, in the order in which Helm is given them.
    pub files: Vec<File>,
    /// What changed, and what a person has to know or to decide.
    pub told: Vec<Told>,
}

impl Conversion {
    /// Returns the overall result.
    pub fn outcome(&self) -> Outcome {
        Outcome::of(&self.told)
    }
}

/// Converts files from one line to a later one, hop by hop; the last file wins, as with Helm.
///
/// # Errors
/// When a file is no values file.
pub fn convert(files: &[File], from: &Line, to: &Line) -> Result<Conversion, FileError> {
    let mut layers = read(files)?;
    let mut told = Vec::new();
    let mut before = from.position();
    for line in from.entered_to(to) {
        let Some(from) = Line::all().get(before) else {
            continue;
        };
        let mut more = Vec::new();
        Hop { from, to: line }.run(&mut layers, &mut more);
        // What a person has to know is told once, at the first hop that it is about.
        more.retain(|one| !told.iter().any(|earlier: &Told| earlier.says(one)));
        told.extend(more);
        before = line.position();
    }
    let converted = files.iter().zip(&layers).map(|(file, layer)| File {
        name: file.name.clone(),
        text: layer.text.whole(),
    });
    Ok(Conversion {
        files: converted.collect(),
        told,
    })
}

fn read(files: &[File]) -> Result<Vec<Layer>, FileError> {
    let layers = files.iter().map(|file| {
        Layer::read(&file.text).map_err(|cause| FileError {
            name: file.name.clone(),
            cause,
        })
    });
    layers.collect()
}
