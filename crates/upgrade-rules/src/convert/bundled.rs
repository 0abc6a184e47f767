//! Components that a line's chart does not bundle any more.

use super::{
    edit,
    effective::{Effective, is_off_by_default},
    hop::Hop,
    layer::{Comments, Layer},
    told::{Kind, Told},
};
use crate::fixes::conversion::renamed::take;

/// Makes comments of the values of components that are off, and stops at one that is on.
pub(super) fn look(hop: Hop, layers: &mut [Layer], told: &mut Vec<Told>) {
    for fact in hop.to.value_keys.iter().filter(|fact| fact.bundled) {
        let key = fact.key.as_str();
        let switch = format!("{key}.enabled");
        let effective = Effective::of(layers);
        let on = effective.0.flag(&switch);
        let is_on = on.unwrap_or_else(|| !is_off_by_default(&switch, hop.from));
        for (file, layer) in layers.iter_mut().enumerate() {
            if !layer.values.contains_key(key) {
                continue;
            }
            let line = layer.line(key);
            let now = fact.now.clone();
            if is_on {
                let one = Told::new(Kind::Obstacle, hop, key, running(hop));
                told.push(one.now(now).at(file, line));
                continue;
            }
            let mut expected = layer.values.clone();
            take(&mut expected, key);
            let why = format!(
                "{key}: chart {} refuses this key, and it was off.",
                hop.to.line
            );
            let done = layer.attempt(expected, Comments::Grow, |tree, text| {
                edit::comment_out(tree, text, key, &why)
            });
            let kind = if done { Kind::Removed } else { Kind::Decide };
            told.push(Told::new(kind, hop, key, refused(hop)).at(file, line));
        }
        if is_on && on.is_none() && !layers.iter().any(|it| it.values.contains_key(key)) {
            let one = Told::new(Kind::Obstacle, hop, &switch, running(hop));
            told.push(one.now(fact.now.clone()));
        }
    }
}

fn running(hop: Hop) -> String {
    format!(
        "Chart {} does not bundle it: move its data to a service of your own while you are on chart {}, and name that service.",
        hop.to.line, hop.from.line
    )
}

fn refused(hop: Hop) -> String {
    format!(
        "Chart {} does not bundle it, and refuses its keys even where it is off.",
        hop.to.line
    )
}
