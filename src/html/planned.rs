//! A plan as a page: the upgrades in a table, and below it each with its steps to tick and where its data is.

mod data;

use maud::{Markup, html};

pub use self::data::data;
use super::{Sides, Tone, Verdict, commands, page, reasons, rule, rule_pages, storage, typed};
use crate::{
    finding::{Command, Fix},
    plan::{Hop, Know, Plan, Step},
    storage::Storage,
};

/// Returns a plan as a page; `data` is where the data is at each of its upgrades, as far as that is known.
pub fn plan(plan: &Plan, data: &[Storage]) -> String {
    let steps = plan.hops.iter().flat_map(|hop| &hop.steps);
    let mut commands = steps.flat_map(|step| &step.commands);
    let (tone, word) = match commands.any(|command| matches!(command, Command::Manual(_))) {
        true => (Tone::Warning, "Something has to be decided"),
        false => (Tone::Good, "The way is known"),
    };
    let sentence = format!("{}.", plan.title());
    let verdict = Verdict {
        tone,
        word,
        sentence: &sentence,
    };
    let hops = (1..).zip(&plan.hops);
    let known = plan.hops.iter().flat_map(|hop| &hop.know);
    let body = html! {
        @if !plan.notes.is_empty() {
            section {
                h2 { "Notes" }
                @for note in &plan.notes { p { (note) } }
            }
        }
        (overview(plan))
        @for (number, hop) in hops { (self::hop(number, hop, data.get(number - 1))) }
        (rule_pages(known.map(|know| know.rule)))
    };
    page("plan", &verdict, &body)
}

fn overview(plan: &Plan) -> Markup {
    html! {
        section {
            h2 { "Upgrades" }
            div.wide tabindex="0" role="group" aria-label="Upgrades" {
                table {
                    thead {
                        tr {
                            @for head in ["Number", "Upgrade", "Steps", "Downtime"] { th scope="col" { (head) } }
                        }
                    }
                    tbody {
                        @for (number, hop) in (1..).zip(&plan.hops) {
                            tr {
                                td { (number) }
                                td { a href={ "#upgrade-" (number) } { (hop.title()) } }
                                td { (hop.steps.len()) }
                                td { (hop.down()) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn hop(number: usize, hop: &Hop, data: Option<&Storage>) -> Markup {
    let data = data.filter(|data| !data.stores.is_empty());
    html! {
        section id={ "upgrade-" (number) } {
            h2 { (number) ". " (hop.title()) }
            p { strong { (hop.down()) } }
            @for note in hop.notes() { p { (note) } }
            @if !hop.know.is_empty() {
                h3 { "To know" }
                @for know in &hop.know { (self::know(know)) }
            }
            h3 { "Steps" }
            ol.steps start=(hop.steps.first().map_or(1, |step| step.number)) {
                @for step in &hop.steps { (self::step(step)) }
            }
            @if !hop.back.is_empty() {
                h3 { "The way back" }
                @for fix in &hop.back { (other(fix)) }
            }
            @if let Some(data) = data {
                h3 { "Where the data is, before and after" }
                p { "What this upgrade does to the data with the steps before it done, as far as it is known today." }
                (storage(&format!("data-{number}"), data, Sides::Both))
            }
        }
    }
}

fn know(know: &Know) -> Markup {
    html! {
        h4 { (know.title) (rule(know.rule)) }
        (reasons(know.why.iter().map(String::as_str)))
        @for fix in &know.fixes { (other(fix)) }
    }
}

fn other(fix: &Fix) -> Markup {
    html! {
        p { (fix.intro) }
        (commands(fix))
    }
}

fn step(step: &Step) -> Markup {
    let more = html! {
        (reasons(step.why.iter().map(String::as_str)))
        @for told in told(&step.commands) {
            @match told {
                Told::Said(said) => p { (said) },
                Told::Typed(lines) => (typed(&lines.join("\n"))),
            }
        }
        @for fix in &step.instead { (other(fix)) }
    };
    super::step(&step.title, &more)
}

/// What is done in a step: sentences, and commands that follow each other as one block.
enum Told<'a> {
    Said(&'a str),
    Typed(Vec<String>),
}

fn told(commands: &[Command]) -> Vec<Told<'_>> {
    let mut all: Vec<Told<'_>> = Vec::new();
    for command in commands {
        match (command, all.last_mut()) {
            (Command::Ask(said) | Command::Manual(said), _) => all.push(Told::Said(said)),
            (command, Some(Told::Typed(block))) => block.push(command.text()),
            (command, _) => all.push(Told::Typed(vec![command.text()])),
        }
    }
    all
}
