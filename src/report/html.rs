//! A report as a page for a browser: the verdict, what to type, and why.

use maud::{Markup, html};

use super::{Outcome, Report};
use crate::{
    change::Operation,
    denial::{self, Block, Part},
    finding::{Finding, Fix, Guide, Moment},
    html::{
        Sides, Tone, Verdict, commands, page, quoted, reasons, rule, rule_pages, step, storage,
        typed,
    },
};

pub(super) fn print(report: &Report) -> String {
    let sentence = report.headline();
    let (tone, word) = verdict(report);
    let verdict = Verdict {
        tone,
        word,
        sentence: &sentence,
    };
    let (denied, warned) = (report.denied(), report.warned());
    let body = html! {
        (about(report))
        (overview(&denied, &warned))
        (type_this(report))
        (problems(report, &denied))
        (on_purpose(&denied))
        (warnings(&denied, &warned))
        (data(report))
        (notes(report))
        (rule_pages(report.findings.iter().map(|finding| finding.rule)))
    };
    page("check", &verdict, &body)
}

/// How good it is, in a few words.
fn verdict(report: &Report) -> (Tone, &'static str) {
    let runs = report.change.operation == Operation::Deployed;
    match report.outcome() {
        Outcome::Clean if report.findings.is_empty() && runs => {
            (Tone::Good, "Nothing is left to be done")
        }
        Outcome::Clean if report.findings.is_empty() => (Tone::Good, "Nothing stops it"),
        Outcome::Clean if runs => (Tone::Warning, "Read the warnings"),
        Outcome::Clean => (Tone::Good, "Nothing stops it; read the warnings"),
        Outcome::Refused if runs => (Tone::Bad, "Something is wrong"),
        Outcome::Refused => (Tone::Bad, "Refused"),
        Outcome::Unchecked => (Tone::Warning, "Not all could be checked"),
    }
}

/// What was judged.
fn about(report: &Report) -> Markup {
    let change = &report.change;
    let version = |chart: &Option<crate::change::ChartVersion>| {
        chart.as_ref().map(|chart| chart.version.clone())
    };
    let source = Some(report.source.clone()).filter(|source| !source.is_empty());
    let rows = [
        ("Release", Some(change.release.clone())),
        ("Namespace", Some(change.namespace.clone())),
        ("Chart now", version(&change.from)),
        (
            "Chart afterwards",
            version(&change.to).filter(|_| change.operation != Operation::Deployed),
        ),
        ("Read from", source),
    ];
    html! {
        section {
            dl {
                @for (name, value) in rows {
                    @if let Some(value) = value { dt { (name) } dd { (value) } }
                }
            }
        }
    }
}

/// A line for each problem, with the way to it.
fn overview(denied: &[&Finding], warned: &[&Finding]) -> Markup {
    html! {
        @if !denied.is_empty() || !warned.is_empty() {
            section {
                h2 { "Problems" }
                div.wide tabindex="0" role="group" aria-label="Problems" {
                    table {
                        thead { tr { th scope="col" { "Number" } th scope="col" { "Problem" } th scope="col" { "Rule" } } }
                        tbody {
                            @for (number, finding) in (1..).zip(denied) {
                                tr {
                                    td { (number) }
                                    td { a href={ "#problem-" (number) } { (finding.title) } }
                                    td { code { (finding.rule) } }
                                }
                            }
                            @for (number, finding) in (1..).zip(warned) {
                                tr {
                                    td { "warning" }
                                    td { a href={ "#warning-" (number) } { (finding.title) } }
                                    td { code { (finding.rule) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The block to paste, and the same steps one by one.
fn type_this(report: &Report) -> Markup {
    let (change, findings) = (&report.change, &report.findings);
    let block = Block::of(change, findings);
    let cures = denial::cures(findings);
    let then = match &block {
        Some(block) => block.said(),
        None => denial::nothing_to_type(change),
    };
    let flags = block.as_ref().map_or(&[][..], |block| &block.flags);
    html! {
        @if !cures.is_empty() {
            section.type-this {
                h2 { "What to type" }
                @if let Some(block) = &block {
                    @for (index, know) in block.know.iter().enumerate() {
                        p { @if index == 0 { "Paste this " } (know) }
                    }
                    (typed(&block.script))
                }
                p { (then) }
                @if !flags.is_empty() { (typed(&flags.join("\n"))) }
                h3 { "The same step by step" }
                ol.steps {
                    @for cure in &cures {
                        @if cure.fixes.is_empty() {
                            (step(&format!("Decide: {}. No command cures this.", cure.finding.title), &rule(cure.finding.rule)))
                        }
                        @for fix in &cure.fixes {
                            (step(&fix.intro, &html! { (rule(cure.finding.rule)) (commands(fix)) }))
                        }
                    }
                    @if let Some(upgrade) = block.as_ref().and_then(|block| block.upgrade.as_ref()) {
                        (step("Upgrade", &typed(&upgrade.to_string())))
                    }
                    @if block.is_some() { (step("See what is left to be done", &html! {})) }
                }
            }
        }
    }
}

fn problems(report: &Report, denied: &[&Finding]) -> Markup {
    let cures = denial::cures(&report.findings);
    let steps: Vec<_> = cures.iter().flat_map(|cure| &cure.fixes).collect();
    // A decision that is no step of the block is told here.
    let shown = |fix: &Fix| match fix.moment {
        Moment::Alternative => true,
        Moment::Decide => !steps.iter().any(|step| **step == fix),
        _ => false,
    };
    html! {
        @if !denied.is_empty() {
            section {
                h2 { "Why" }
                @if let Some(reason) = denial::reason(denied) { p { (reason) "." } }
                @for (number, finding) in (1..).zip(denied) {
                    section id={ "problem-" (number) } {
                        h3 { (number) ". " (finding.title) (rule(finding.rule)) }
                        (body(finding, &[], &shown))
                    }
                }
            }
        }
    }
}

fn warnings(denied: &[&Finding], warned: &[&Finding]) -> Markup {
    html! {
        @if !warned.is_empty() {
            section {
                h2 { "Warnings" }
                @for (number, finding) in (1..).zip(warned) {
                    section id={ "warning-" (number) } {
                        h3 { (finding.title) (rule(finding.rule)) }
                        (body(finding, denied, &|_| true))
                    }
                }
            }
        }
    }
}

/// What is told of a finding, with those of its steps that do not stand elsewhere.
fn body(finding: &Finding, before: &[&Finding], shown: &dyn Fn(&Fix) -> bool) -> Markup {
    let told = denial::outline(finding, before);
    html! {
        (reasons(finding.why.iter().map(String::as_str)))
        @for part in &told {
            @match part {
                Part::Why(_) => {}
                Part::Under(number) => p { (denial::under(*number)) },
                Part::Fix(fix) if shown(fix) => { p { (fix.intro) } (commands(fix)) }
                Part::Fix(_) => {}
                Part::Guide(guide) => (self::guide(*guide)),
            }
        }
    }
}

fn guide(guide: Guide) -> Markup {
    html! {
        p { "Camunda's guide: " a href=(guide.address()) rel="noreferrer" { (guide.section) } }
    }
}

/// What gives something up: each line behind a comment sign, so that nobody pastes it unread.
fn on_purpose(denied: &[&Finding]) -> Markup {
    let ways = denied.iter().flat_map(|finding| &finding.fixes);
    let told = denial::alike(ways.filter(|fix| fix.moment == Moment::OnPurpose));
    html! {
        @if !told.is_empty() {
            section.on-purpose {
                h2 { "On purpose" }
                p { "Each of these gives something up. Take the comment signs away only if you want that." }
                @for (intro, commands) in told {
                    p { (intro) }
                    @if !commands.is_empty() { (quoted(&commented(&commands))) }
                }
            }
        }
    }
}

fn commented(commands: &[String]) -> String {
    let lines = commands.iter().flat_map(|command| command.lines());
    let lines: Vec<_> = lines.map(|line| format!("# {line}")).collect();
    lines.join("\n")
}

/// Where the data is; after a change that cures come before also what becomes of it then.
fn data(report: &Report) -> Markup {
    let (heading, sides) = match report.change.operation {
        Operation::Deployed => ("Where the data is", Sides::Now),
        _ => ("Where the data is, before and after", Sides::Both),
    };
    let is_cured = sides == Sides::Both && report.cured != report.storage;
    let noun = report.change.operation.noun();
    html! {
        @if !report.storage.stores.is_empty() || report.storage.unseen {
            section {
                h2 { (heading) }
                @if is_cured { h3 { "As it is now" } }
                @if sides == Sides::Both {
                    p { "What the " (noun) " does to the data if nothing is typed before." }
                }
                (storage("data", &report.storage, sides))
                @if is_cured {
                    h3 { "Once it is cured" }
                    p { "What the " (noun) " does to the data after what is to be typed. What other values change is not in it: the chart renders that." }
                    (storage("cured", &report.cured, sides))
                }
            }
        }
    }
}

fn notes(report: &Report) -> Markup {
    html! {
        @if !report.notes.is_empty() {
            section {
                h2 { "Notes" }
                @for note in &report.notes { p { (note) } }
            }
        }
    }
}
