//! Where data is before a change and after it: a drawing, and a table that says the same.

use maud::{Markup, html};

use super::drawing;
use crate::storage::{Fate, Storage, Store, Volume, Way};

/// What of a change is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sides {
    /// A release as it is.
    Now,
    /// Before and after.
    Both,
}

/// Returns the drawing and the table; `id` keeps several on one page apart.
pub(crate) fn storage(id: &str, storage: &Storage, sides: Sides) -> Markup {
    html! {
        @if storage.unseen {
            p { "The claims could not be listed, so what is live is not shown." }
        }
        @if !storage.stores.is_empty() {
            (drawing::draw(id, storage, sides, &summary(storage, sides)))
            (table(storage, sides))
        }
    }
}

/// What happens to how many volumes.
fn summary(storage: &Storage, sides: Sides) -> String {
    let count = storage.stores.len();
    let volumes = if count == 1 {
        "1 claim".to_owned()
    } else {
        format!("{count} claims")
    };
    if sides == Sides::Now {
        return format!("{volumes} with their volumes and what mounts them.");
    }
    const ALL: [Fate; 8] = [
        Fate::LeftBehind,
        Fate::ClaimDeleted,
        Fate::GivenUp,
        Fate::New,
        Fate::HandedOver,
        Fate::TakenUp,
        Fate::Kept,
        Fate::Unused,
    ];
    let fates = ALL.into_iter().filter_map(|fate| {
        let count = storage.stores.iter().filter(|it| it.fate == fate).count();
        (count > 0).then(|| format!("{count} {}", fate.told()))
    });
    let fates: Vec<_> = fates.collect();
    format!("{volumes}: {}.", fates.join("; "))
}

fn table(storage: &Storage, sides: Sides) -> Markup {
    html! {
        div.wide tabindex="0" role="group" aria-label="Claims, volumes and workloads as a table" {
            table {
                thead {
                    tr {
                        @if sides == Sides::Both {
                            th scope="col" { "Mounted by" }
                            th scope="col" { "Claim" }
                            th scope="col" { "Volume" }
                            th scope="col" { "Claim afterwards" }
                            th scope="col" { "Mounted afterwards by" }
                            th scope="col" { "What becomes of the data" }
                        } @else {
                            th scope="col" { "Mounted by" }
                            th scope="col" { "Claim" }
                            th scope="col" { "Volume" }
                        }
                    }
                }
                tbody { @for store in &storage.stores { (row(store, sides)) } }
            }
        }
    }
}

fn row(store: &Store, sides: Sides) -> Markup {
    let volume = match &store.volume {
        Some(volume) => named(volume),
        None if store.fate == Fate::New => "new volume (empty)".to_owned(),
        None => "–".to_owned(),
    };
    html! {
        tr.loss[sides == Sides::Both && store.fate.is_loss()] {
            td { (mounting(store.before.as_ref())) }
            td { (claim(store.before.as_ref())) }
            td { (volume) }
            @if sides == Sides::Both {
                td { (claim(store.after.as_ref())) }
                td { (mounting(store.after.as_ref())) }
                td { (store.fate.told()) }
            }
        }
    }
}

fn named(volume: &Volume) -> String {
    let details = details(volume);
    match details.is_empty() {
        true => volume.name.clone(),
        false => format!("{} ({details})", volume.name),
    }
}

/// The size of a volume and what happens to it without its claim.
pub(super) fn details(volume: &Volume) -> String {
    let policy = volume.retained.map(|retained| match retained {
        true => "Retain".to_owned(),
        false => "Delete".to_owned(),
    });
    let details: Vec<_> = volume.size.clone().into_iter().chain(policy).collect();
    details.join(", ")
}

fn claim(way: Option<&Way>) -> String {
    let Some(way) = way else {
        return "–".to_owned();
    };
    match way.phase.as_deref() {
        None => format!("{} (new)", way.claim),
        Some("Bound") => way.claim.clone(),
        Some(phase) => format!("{} ({phase})", way.claim),
    }
}

fn mounting(way: Option<&Way>) -> String {
    let workload = way.and_then(|way| way.workload.as_ref());
    workload.map_or_else(|| "–".to_owned(), ToString::to_string)
}
