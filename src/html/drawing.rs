//! Claims, volumes and workloads as a drawing: volumes in the middle, what leads to them before on the left, afterwards on the right.

use maud::{Markup, html};

use super::storage::{Sides, details};
use crate::{
    kubernetes::ObjectRef,
    storage::{Fate, Storage, Store, Way},
};

/// The height of a row, and of a box in it.
const ROW: usize = 54;
const BOX: usize = 42;
/// Where the first row begins, below the headings.
const TOP: usize = 36;
/// The width of a character of a name.
const CHARACTER: usize = 8;
/// Rows that are drawn; the table has all.
const ROWS: usize = 60;

/// A column: where it begins and how wide it is.
#[derive(Clone, Copy)]
struct Column {
    x: usize,
    width: usize,
}

impl Column {
    const fn end(self) -> usize {
        self.x + self.width
    }

    const fn after(self, width: usize) -> Column {
        Column {
            x: self.end() + 34,
            width,
        }
    }
}

const WORKLOAD: Column = Column { x: 1, width: 244 };
const CLAIM: Column = WORKLOAD.after(304);
const VOLUME: Column = CLAIM.after(244);
const CLAIM_AFTER: Column = VOLUME.after(304);
const WORKLOAD_AFTER: Column = CLAIM_AFTER.after(244);

/// Draws what fits; `summary` says the same in a sentence.
pub(super) fn draw(id: &str, storage: &Storage, sides: Sides, summary: &str) -> Markup {
    let stores = &storage.stores[..storage.stores.len().min(ROWS)];
    let more = storage.stores.len() - stores.len();
    let height = TOP + stores.len() * ROW;
    let width = match sides {
        Sides::Now => VOLUME.end() + 1,
        Sides::Both => WORKLOAD_AFTER.end() + 1,
    };
    let (title, description) = (format!("{id}-title"), format!("{id}-description"));
    html! {
        figure {
            div.wide tabindex="0" role="group" aria-label="Drawing of claims, volumes and workloads" {
                svg viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img"
                    aria-labelledby={ (title) " " (description) } {
                    title id=(title) { "Claims, volumes and what mounts them" }
                    desc id=(description) { (summary) " The table below says the same." }
                    (headings(sides))
                    (workloads(stores, WORKLOAD, |store| store.before.as_ref()))
                    @if sides == Sides::Both {
                        (workloads(stores, WORKLOAD_AFTER, |store| store.after.as_ref()))
                    }
                    @for (index, store) in stores.iter().enumerate() {
                        (row(store, TOP + index * ROW, sides))
                    }
                }
            }
            figcaption {
                (summary)
                @if more > 0 { " The last " (more) " are only in the table." }
            }
        }
    }
}

fn headings(sides: Sides) -> Markup {
    let all = [
        (WORKLOAD, "Mounted by"),
        (CLAIM, "Claim"),
        (VOLUME, "Volume"),
        (CLAIM_AFTER, "Claim afterwards"),
        (WORKLOAD_AFTER, "Mounted afterwards by"),
    ];
    let shown = match sides {
        Sides::Now => 3,
        Sides::Both => all.len(),
    };
    html! {
        @for (column, heading) in &all[..shown] {
            text.heading x=(column.x + 8) y="20" { (heading) }
        }
    }
}

/// One box for the rows of a workload that stand below each other.
fn workloads(stores: &[Store], column: Column, side: fn(&Store) -> Option<&Way>) -> Markup {
    let mounting = |store: &Store| side(store).and_then(|way| way.workload.clone());
    let mut boxes: Vec<(ObjectRef, usize, usize)> = Vec::new();
    for (index, store) in stores.iter().enumerate() {
        let Some(workload) = mounting(store) else {
            continue;
        };
        match boxes.last_mut() {
            Some((last, first, count)) if *last == workload && *first + *count == index => {
                *count += 1
            }
            _ => boxes.push((workload, index, 1)),
        }
    }
    html! {
        @for (workload, first, count) in boxes {
            (node(column, TOP + first * ROW, (count - 1) * ROW + BOX, "node", &workload.name, workload.kind.name()))
        }
    }
}

fn row(store: &Store, y: usize, sides: Sides) -> Markup {
    let both = sides == Sides::Both;
    let class = match store.fate {
        _ if !both => "node",
        fate if fate.is_loss() => "node loss",
        Fate::GivenUp => "node given-up",
        Fate::New => "node new",
        _ => "node",
    };
    html! {
        @if let Some(way) = &store.before {
            @if way.workload.is_some() { (line(WORKLOAD.end(), CLAIM.x, y)) }
            (claim(CLAIM, y, way, "node"))
            @if store.volume.is_some() { (line(CLAIM.end(), VOLUME.x, y)) }
        }
        @match &store.volume {
            Some(volume) => (node(VOLUME, y, BOX, class, &volume.name, &details(volume))),
            None if store.fate == Fate::New => (node(VOLUME, y, BOX, class, "new volume", "empty")),
            None => (node(VOLUME, y, BOX, class, "volume", "none yet")),
        }
        @if both { (afterwards(store, y, class)) }
    }
}

fn afterwards(store: &Store, y: usize, class: &str) -> Markup {
    let has_volume = store.volume.is_some() || store.fate == Fate::New;
    let said = |column: Column, told: &str| {
        html! { text.missing x=(column.x + 8) y=(y + BOX / 2 + 5) { (told) } }
    };
    html! {
        @if let Some(way) = &store.after {
            @if has_volume { (line(VOLUME.end(), CLAIM_AFTER.x, y)) }
            (claim(CLAIM_AFTER, y, way, class))
            @if way.workload.is_some() {
                (line(CLAIM_AFTER.end(), WORKLOAD_AFTER.x, y))
            } @else {
                (said(WORKLOAD_AFTER, "nothing mounts it"))
            }
        } @else {
            (said(CLAIM_AFTER, "the claim is deleted"))
        }
    }
}

fn claim(column: Column, y: usize, way: &Way, class: &str) -> Markup {
    node(
        column,
        y,
        BOX,
        class,
        &way.claim,
        way.phase.as_deref().unwrap_or("new"),
    )
}

fn line(from: usize, to: usize, y: usize) -> Markup {
    let y = y + BOX / 2;
    html! {
        line x1=(from) y1=(y) x2=(to) y2=(y) {}
    }
}

fn node(column: Column, y: usize, height: usize, class: &str, name: &str, detail: &str) -> Markup {
    let middle = y + height / 2;
    html! {
        g class=(class) {
            title { (name) }
            rect x=(column.x) y=(y) width=(column.width) height=(height) rx="4" {}
            text.name x=(column.x + 8) y=(middle - 3) { (shortened(name, (column.width - 16) / CHARACTER)) }
            text.detail x=(column.x + 8) y=(middle + 14) { (detail) }
        }
    }
}

/// A name without its middle where it is too long: beginning and end tell more.
fn shortened(name: &str, most: usize) -> String {
    let all: Vec<char> = name.chars().collect();
    if all.len() <= most {
        return name.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (start, end) = (kept.div_ceil(2), kept / 2);
    let start = all.iter().take(start);
    let end = all.iter().skip(all.len() - end);
    start.chain(&['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_ends() {
        assert_eq!(shortened("data-camunda-0", 14), "data-camunda-0");
        assert_eq!(shortened("data-camunda-10", 9), "data…a-10");
        assert_eq!(shortened("ü-ü", 1), "…");
    }
}
