//! Whether values files fit a line's chart, by the line's data alone.

use super::{
    Conversion, File, FileError,
    effective::Effective,
    hop::Hop,
    keys, obligations, read,
    told::{Kind, Told},
};
use crate::camunda::Line;

/// Judges files for a line. What a conversion would change is a problem here; the files stay as they are.
///
/// # Errors
/// When a file is no values file.
pub fn validate(files: &[File], line: &'static Line) -> Result<Conversion, FileError> {
    let mut layers = read(files)?;
    let mut told = Vec::new();
    let hop = Hop {
        from: line,
        to: line,
    };
    hop.rewrite(&mut layers, &mut told);
    for one in &mut told {
        one.kind = problem(line, one);
    }
    let effective = Effective::of(&layers);
    keys::look(hop, &layers, &effective, &mut told);
    for fact in line.value_keys.iter().filter(|fact| fact.bundled) {
        for (file, layer) in layers.iter().enumerate() {
            if layer.values.contains_key(&fact.key) {
                let reason = format!("Chart {} refuses this key.", line.line);
                let one = Told::new(Kind::Obstacle, hop, &fact.key, reason);
                let one = one.now(fact.now.clone());
                told.push(one.at(file, layer.line(&fact.key)));
            }
        }
    }
    obligations::required(hop, &effective, &mut told);
    for one in &mut told {
        if one.kind == Kind::Decide {
            one.kind = Kind::Obstacle;
        }
    }
    Ok(Conversion {
        files: files.to_vec(),
        told,
    })
}

/// What a change of the conversion means for files that are to fit as they are.
fn problem(line: &Line, one: &Told) -> Kind {
    let mut rules = line
        .with_earlier()
        .iter()
        .flat_map(|line| &line.renamed_values);
    let read_still =
        rules.any(|rule| rule.merged && crate::helm::values::below(&one.key, &rule.from).is_some());
    let dropped = line.with_earlier().iter().any(|line| {
        let mut dropped = line.dropped_values.keys();
        dropped.any(|key| crate::helm::values::below(&one.key, key).is_some())
    });
    match one.kind {
        Kind::Removed => Kind::Ignored,
        Kind::Renamed if read_still && !dropped => Kind::Deprecated,
        _ => Kind::Obstacle,
    }
}
