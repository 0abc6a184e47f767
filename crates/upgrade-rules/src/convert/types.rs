//! Values of the types that a line's chart wants.

use super::{
    edit,
    hop::Hop,
    layer::{Comments, Layer},
    told::{Kind, Told},
};
use crate::{
    fixes::typed::Types,
    helm::values::{Values, set},
};

/// Quotes numbers that have to be texts, takes quotes off, and makes lists of mappings.
pub(super) fn fit(hop: Hop, file: usize, layer: &mut Layer, told: &mut Vec<Told>) {
    let types = Types::of_line(hop.to);
    for (key, new) in types.misfits(&layer.values) {
        let line = layer.line(&key);
        let mut expected = layer.values.clone();
        set(&mut expected, &key, new.clone());
        let done = layer.attempt(expected, Comments::Kept, |tree, text| match &new {
            serde_json::Value::Array(_) => edit::list_files(tree, text, &key),
            new => edit::replace(tree, text, &key, &new.to_string()),
        });
        let wanted = match &new {
            serde_json::Value::Array(_) => "a list of entries with file and content",
            serde_json::Value::String(_) => "a text, in quotes",
            _ => "no text: a number or a switch, without quotes",
        };
        let reason = format!("The schema of chart {} wants {wanted}.", hop.to.line);
        let one = match done {
            true => Told::new(Kind::Typed, hop, &key, reason),
            false => Told::new(Kind::Decide, hop, &key, hop.by_hand(&reason)),
        };
        told.push(one.at(file, line));
    }
    let values = Values::from(layer.values.clone());
    for key in types.unfit(&values) {
        let reason = format!(
            "The schema of chart {} wants another type, and this value can't be converted.",
            hop.to.line
        );
        let one = Told::new(Kind::Decide, hop, &key, reason);
        told.push(one.at(file, layer.line(&key)));
    }
}
