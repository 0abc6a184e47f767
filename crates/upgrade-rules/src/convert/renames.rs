//! Values under other keys: what has moved is found as refusals find it, and then moved in the text.

use super::{
    hop::Hop,
    layer::Layer,
    merges::{Auto, Merges},
    told::{Kind, Told},
    work::Work,
};
use crate::{
    fixes::conversion::{Move, Moves, moves},
    helm::values::{Values, at_key, below},
};

/// Moves a file's values, merges what was one for each application, and makes comments of what nothing takes the place of.
pub(super) fn rename(
    hop: Hop,
    file: usize,
    layer: &mut Layer,
    merges: &Merges,
    told: &mut Vec<Told>,
) {
    let before = layer.values.clone();
    let Moves {
        values: moved,
        list,
    } = moves(&before, &before, hop.to);
    let lines: Vec<_> = list.iter().map(|it| layer.line(&it.old)).collect();
    let auto = merges.auto(file);
    let found: Vec<_> = auto
        .iter()
        .map(|auto| auto.from.iter().map(|key| layer.line(key)).collect())
        .collect();
    let mut work = Work::new(layer, hop.to, merges.held(file));
    work.run(auto);
    for (auto, lines) in auto.iter().zip(found) {
        tell_merged(hop, file, &work, (auto, lines), told);
    }
    let chart = &hop.to.line;
    let reads = format!("Chart {chart} reads it under its new key.");
    let nothing = format!("Chart {chart} has nothing in its place.");
    for (Move { old, new }, line) in list.into_iter().zip(lines) {
        let values = &work.layer.values;
        let now = work.now(&old);
        let done = match &new {
            Some(new) => {
                at_key(values, new) == at_key(&moved, new)
                    && (now == *new || at_key(values, &now).is_none())
            }
            None => at_key(values, &now).is_none(),
        };
        let (kind, reason) = match (done, &new) {
            (false, _) => (Kind::Decide, hop.by_hand(&reads)),
            (true, None) => (Kind::Removed, nothing.clone()),
            (true, Some(_)) => (Kind::Renamed, reads.clone()),
        };
        let one = Told::new(kind, hop, &old, reason).now(new);
        told.push(one.at(file, line));
    }
    tell_stayed(hop, file, &work, merges, told);
}

/// Tells of what stays where the chart does not read it, beside its new key.
fn tell_stayed(hop: Hop, file: usize, work: &Work<'_>, merges: &Merges, told: &mut Vec<Told>) {
    let asked = merges.held(file);
    let values = Values::from(work.layer.values.clone());
    for (key, _) in values.leaves() {
        let stays = work.stayed().iter().any(|it| below(&key, it).is_some());
        let is_asked = asked.iter().any(|it| below(&key, it).is_some());
        let mut known = told.iter().filter(|it| it.hop == hop.names());
        let is_told = known.any(|it| {
            it.kind == Kind::Decide
                && it.place.is_some_and(|place| place.file == file)
                && it.key == key
        });
        if stays && !is_asked && !is_told {
            let reason = hop.by_hand("The chart does not read it here.");
            let one = Told::new(Kind::Decide, hop, &key, reason);
            told.push(one.at(file, work.layer.line(&key)));
        }
    }
}

fn tell_merged(
    hop: Hop,
    file: usize,
    work: &Work<'_>,
    (auto, lines): (&Auto, Vec<Option<usize>>),
    told: &mut Vec<Told>,
) {
    let done = at_key(&work.layer.values, &auto.rule.to) == Some(&auto.value);
    let reason = format!("Chart {} has one list for all applications.", hop.to.line);
    let (kind, reason) = match done {
        true => (Kind::Merged, reason),
        false => (Kind::Decide, hop.by_hand(&reason)),
    };
    for (old, line) in auto.from.iter().zip(lines) {
        let one = Told::new(kind, hop, old, reason.as_str());
        told.push(one.now(Some(auto.rule.to.clone())).at(file, line));
    }
}
