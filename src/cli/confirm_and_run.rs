//! Shows a plan, asks for confirmation and executes it: shared by `rebind` and `relabel`.

use std::{
    io::{BufRead, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use jiff::SignedDuration;

use super::{complain, connect::Connection, print, show, show_line};
use crate::{
    cluster::Effect,
    denial,
    finding::{Fix, Moment},
    rebind::Plan,
    runner::{Done, Runner},
    terminal::{Piece, Role, Text},
};

/// Exit code for wrong usage.
const USAGE: u8 = 2;

/// Whether and how to go ahead.
#[derive(Args, Clone, Debug)]
pub(super) struct WalkArgs {
    /// Go ahead without asking
    #[arg(long)]
    yes: bool,

    /// Send each change as a dry run, and store none
    #[arg(long)]
    dry_run: bool,

    /// How long a step waits for pods or claims
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = patience)]
    timeout: Duration,
}

enum Answer {
    Yes(Effect),
    No,
    NobodyThere,
}

/// A plan and its surrounding messages.
pub(super) struct Walk {
    pub(super) plan: Plan,
    /// Message if nothing is left to do.
    pub(super) nothing: String,
    /// What there is to know and to do after the last step.
    pub(super) next: Vec<Fix>,
}

impl WalkArgs {
    /// Shows the plan and executes it if the user confirms.
    pub(super) async fn walk(
        &self,
        connection: Connection,
        walk: Walk,
    ) -> anyhow::Result<ExitCode> {
        let Connection { cluster, namespace } = connection;
        let Walk {
            plan,
            nothing,
            next,
        } = walk;
        show(|width| plan.text(width))?;
        if plan.steps.is_empty() {
            say(&nothing)?;
            return Ok(ExitCode::SUCCESS);
        }
        let lacking = cluster.lacking(&plan.accesses(&namespace)).await;
        let lacking = lacking.context("can't ask what you may do")?;
        if !lacking.is_empty() {
            bail!(
                "nothing was changed: you may not {}",
                lacking.join(", nor ")
            );
        }
        let effect = match self.ask()? {
            Answer::Yes(effect) => effect,
            Answer::No => bail!("nothing was changed"),
            Answer::NobodyThere => {
                complain(&anyhow!(
                    "nothing was changed: there is no terminal to ask on; --yes goes ahead"
                ));
                return Ok(ExitCode::from(USAGE));
            }
        };
        let runner = Runner::new(cluster, &namespace, effect, self.timeout);
        do_all(&runner, &plan, &namespace).await?;
        match effect {
            Effect::DryRun => say("This was a dry run: nothing was changed.")?,
            Effect::Stored => show(|width| told(&next, width))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn ask(&self) -> anyhow::Result<Answer> {
        if self.dry_run {
            return Ok(Answer::Yes(Effect::DryRun));
        }
        if self.yes {
            return Ok(Answer::Yes(Effect::Stored));
        }
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Ok(Answer::NobodyThere);
        }
        eprint!("Proceed? [y/N] ");
        Ok(match is_yes(stdin.lock())? {
            true => Answer::Yes(Effect::Stored),
            false => Answer::No,
        })
    }
}

/// The steps as refusals tell theirs.
fn told(fixes: &[Fix], width: Option<usize>) -> Text {
    let mut text = Text::new(width.unwrap_or(usize::MAX));
    for fix in fixes {
        denial::step(&mut text, fix);
    }
    text
}

async fn do_all(runner: &Runner, plan: &Plan, namespace: &str) -> anyhow::Result<()> {
    let count = plan.steps.len();
    for (index, (step, fix)) in plan.steps.iter().zip(plan.fixes(namespace)).enumerate() {
        let (number, told) = (format!("{}/{count}", index + 1), &fix.intro);
        if fix.moment == Moment::Verify {
            say(&format!("{number} {told} …"))?;
        }
        let done = runner.run(step).await.with_context(|| {
            format!("step {number}, {told}: it is not done, all before it is; run the command again to go on from here")
        })?;
        let (role, what, step) = match done {
            Done::Done => (Role::Clean, "done:", told.clone()),
            Done::Tried => (Role::Heading, "dry run:", told.clone()),
            Done::Later(why) => (Role::Warning, "not tried:", format!("{told} ({why})")),
            Done::But(but) => (Role::Warning, "done:", format!("{told}, but {but}")),
        };
        show_line(&[
            Piece::prose(&format!("{number} ")),
            Piece::new(role, what),
            Piece::prose(&format!(" {step}")),
        ])?;
    }
    Ok(())
}

pub(super) fn say(line: &str) -> anyhow::Result<()> {
    print(format!("{line}\n"))
}

fn is_yes(mut answers: impl BufRead) -> anyhow::Result<bool> {
    let mut answer = String::new();
    answers
        .read_line(&mut answer)
        .context("reading the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn patience(text: &str) -> anyhow::Result<Duration> {
    let patience: SignedDuration = text.parse()?;
    Duration::try_from(patience).context("it must not be negative")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        for (answer, yes) in [
            ("y\n", true),
            ("YES\n", true),
            ("n\n", false),
            ("\n", false),
            ("", false),
            ("yesterday\n", false),
        ] {
            assert_eq!(is_yes(answer.as_bytes()).unwrap(), yes, "{answer:?}");
        }
    }
}
