//! A plan for programs, as described by `docs/plan.schema.json`.

use std::io;

use serde::Serialize;

use super::{Hop, Know, Plan, Step};
use crate::{
    document::{self, API_VERSION},
    finding::{Command, Fix},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'a str,
    kind: &'a str,
    release: &'a str,
    namespace: &'a str,
    from: &'a str,
    to: &'a str,
    notes: &'a [String],
    upgrades: Vec<Upgrade<'a>>,
    script: String,
}

/// One upgrade of a plan.
#[derive(Serialize)]
struct Upgrade<'a> {
    from: &'a str,
    to: &'a str,
    camunda: Camunda<'a>,
    restores: Option<u64>,
    downtime: Option<Downtime>,
    starting: &'a [String],
    know: Vec<Known<'a>>,
    steps: Vec<Done<'a>>,
    back: &'a [Fix],
}

#[derive(Serialize)]
struct Camunda<'a> {
    from: &'a str,
    to: &'a str,
}

#[derive(Serialize)]
struct Downtime {
    first: usize,
    last: usize,
}

#[derive(Serialize)]
struct Known<'a> {
    rule: &'a str,
    title: &'a str,
    why: &'a [String],
    fixes: &'a [Fix],
}

#[derive(Serialize)]
struct Done<'a> {
    number: usize,
    when: &'a str,
    title: &'a str,
    why: &'a [String],
    commands: &'a [Command],
    instead: &'a [Fix],
}

impl Plan {
    /// Formats the plan as JSON.
    ///
    /// # Errors
    /// When it can't be serialized.
    pub fn json(&self) -> io::Result<String> {
        document::json(&Document::of(self))
    }

    /// Formats the plan as YAML.
    ///
    /// # Errors
    /// When it can't be serialized.
    pub fn yaml(&self) -> io::Result<String> {
        document::yaml(&Document::of(self))
    }
}

impl<'a> Document<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self {
            api_version: API_VERSION,
            kind: "Plan",
            release: &plan.release,
            namespace: &plan.namespace,
            from: &plan.from,
            to: &plan.to,
            notes: &plan.notes,
            upgrades: plan.hops.iter().map(Upgrade::of).collect(),
            script: plan.script(),
        }
    }
}

impl<'a> Upgrade<'a> {
    fn of(hop: &'a Hop) -> Self {
        let [from, to] = &hop.application;
        Self {
            from: &hop.from,
            to: &hop.to,
            camunda: Camunda { from, to },
            restores: hop.restores,
            downtime: hop.downtime.map(|[first, last]| Downtime { first, last }),
            starting: &hop.starting,
            know: hop.know.iter().map(Known::of).collect(),
            steps: hop.steps.iter().map(Done::of).collect(),
            back: &hop.back,
        }
    }
}

impl<'a> Known<'a> {
    fn of(know: &'a Know) -> Self {
        Self {
            rule: know.rule.name(),
            title: &know.title,
            why: &know.why,
            fixes: &know.fixes,
        }
    }
}

impl<'a> Done<'a> {
    fn of(step: &'a Step) -> Self {
        Self {
            number: step.number,
            when: step.moment.name(),
            title: &step.title,
            why: &step.why,
            commands: &step.commands,
            instead: &step.instead,
        }
    }
}
