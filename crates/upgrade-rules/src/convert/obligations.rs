//! What a line's chart wants the values to say.

use super::{
    effective::{Effective, is_off_by_default},
    hop::Hop,
    told::{Kind, Told},
};
use crate::camunda::Application;

/// Tells what the values leave open.
pub(super) fn look(hop: Hop, effective: &Effective, told: &mut Vec<Told>) {
    switches(hop, effective, told);
    required(hop, effective, told);
}

/// Values without which the chart fails.
pub(super) fn required(hop: Hop, effective: &Effective, told: &mut Vec<Told>) {
    for required in &hop.to.required_values {
        if required.one_of.iter().any(|key| effective.is_set(key)) {
            continue;
        }
        if let Some(key) = required.one_of.first() {
            told.push(Told::new(Kind::Decide, hop, key, required.say.clone()));
        }
    }
}

/// What the chart has switched off from this line on, where the values do not say what they want.
fn switches(hop: Hop, effective: &Effective, told: &mut Vec<Told>) {
    let applications = hop.to.switched_off.iter().copied();
    let applications = applications.filter_map(Application::switch);
    // A component that one of its switches keeps off needs no word about the others.
    let components = hop.to.switches.values().filter(|keys| {
        let mut set = keys.iter().map(|key| effective.0.flag(key));
        !set.any(|flag| flag == Some(false))
    });
    let components = components.flatten().map(String::as_str);
    let mut open: Vec<_> = applications
        .chain(components)
        .filter(|key| !is_off_by_default(key, hop.from))
        .filter(|key| effective.0.flag(key).is_none() && !effective.is_off(key))
        .collect();
    open.sort_unstable();
    open.dedup();
    for key in open {
        let reason = format!(
            "Chart {} has this off unless the values switch it on: set it to true for what runs now or is to run, else to false.",
            hop.to.line
        );
        told.push(Told::new(Kind::Decide, hop, key, reason));
    }
}
