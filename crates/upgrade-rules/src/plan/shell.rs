//! A plan as a script for bash: each step says what it does, and one that failed can be begun with again.

use std::fmt::Write;

use super::{Hop, Plan, Step, text::known};
use crate::{
    denial::one_line,
    finding::{
        Command, Fix, Moment,
        shell::{on_one_line, quote},
    },
};

/// The frame of every script; `$0` may be a file or bash itself.
const FRAME: &str = r#"set -euo pipefail

step=1
trap 'printf "Stopped in step %s. When its cause is gone, go on with FROM=%s, or plan again from where the release is:\n  %s\n" "$step" "$step" "$again" >&2' ERR

# Begins a step, unless it was done before.
begin() {
  step=$1
  [ "$1" -ge "${FROM:-1}" ] || return 1
  printf '\n== %s. %s\n' "$1" "$2"
}

# Waits for somebody to say yes.
ask() {
  printf '%s\n' "$1"
  if [ "${YES:-}" != 1 ]; then
    read -r -p 'Go on? [y/N] ' answer </dev/tty
    case $answer in
    [yY]*) ;;
    *)
      echo "Stopped in step $step. Go on with FROM=$step." >&2
      exit 1
      ;;
    esac
  fi
}

# Waits for somebody who has done it; YES=1 does not say so.
decide() {
  if [ "${YES:-}" = 1 ] && [ "${DECIDED:-}" != "$step" ]; then
    printf '%s\n' "$1"
    echo "YES=1 does not answer this. When it is done, go on with DECIDED=$step FROM=$step." >&2
    exit 1
  fi
  ask "$1"
}
"#;

impl Plan {
    /// Formats the plan as a bash script.
    pub fn script(&self) -> String {
        let mut text = String::from("#!/usr/bin/env bash\n");
        comment(&mut text, &self.title());
        comment(
            &mut text,
            "YES=1 asks nothing but what has to be decided, BACKUP=0 leaves the backups to you, FROM=N begins with step N.",
        );
        for note in &self.notes {
            comment(&mut text, &format!("Note: {note}"));
        }
        text.push_str(FRAME);
        line(&mut text, &format!("again={}", quote(&self.again())));
        self.files(&mut text);
        for hop in &self.hops {
            self::hop(&mut text, hop);
        }
        let done = match self.restores() {
            Some(id) => format!(
                "Release {} is restored from backup {id}, on chart {}.",
                self.release, self.to
            ),
            None => format!("Release {} is on chart {}.", self.release, self.to),
        };
        line(&mut text, &format!("\necho {}", quote(&done)));
        text
    }

    /// The user's own files have to be there.
    fn files(&self, text: &mut String) {
        for file in &self.means.values {
            let told = format!(
                "{file} is not here. It is to hold your values; --values names other files. What the release was given: \
                 (umask 077; helm get values {} -n {} -o yaml > {file})",
                self.release, self.namespace
            );
            let file = quote(file);
            line(
                text,
                &format!(
                    "\nif [ ! -e {file} ]; then\n  echo {} >&2\n  exit 1\nfi",
                    quote(&told)
                ),
            );
        }
    }
}

fn hop(text: &mut String, hop: &Hop) {
    line(text, "");
    comment(text, &format!("---- {} ----", hop.title()));
    comment(text, &hop.down());
    for note in hop.notes() {
        comment(text, &note);
    }
    for know in &hop.know {
        comment(text, &format!("Know: {}", known(know)));
        alternatives(text, &know.fixes);
    }
    if !hop.back.is_empty() {
        comment(text, "The way back:");
        alternatives(text, &hop.back);
    }
    for step in &hop.steps {
        self::step(text, hop, step);
    }
}

fn step(text: &mut String, hop: &Hop, step: &Step) {
    let title = quote(&one_line(&step.title));
    line(text, "");
    for why in &step.why {
        comment(text, why);
    }
    alternatives(text, &step.instead);
    line(text, &format!("if begin {} {title}; then", step.number));
    let down = hop.downtime;
    if down.is_some_and(|[first, _]| first == step.number) {
        ask(text, &format!("Downtime begins here. {}", hop.down()));
    }
    let leave = match step.moment {
        Moment::BackUp => {
            line(text, "if [ \"${BACKUP:-1}\" != 0 ]; then");
            true
        }
        _ => false,
    };
    for command in &step.commands {
        self::command(text, command);
    }
    if leave {
        line(text, "fi");
    }
    if down.is_some_and(|[_, last]| last == step.number) {
        line(text, "echo 'Downtime is over.'");
    }
    line(text, "fi");
}

fn command(text: &mut String, command: &Command) {
    match command {
        // An assignment of its own fails when its command does.
        Command::Export { variable, value } => {
            line(
                text,
                &format!("{variable}=$({value})\n: \"${{{variable}:?is empty}}\""),
            );
        }
        Command::Ask(what) => ask(text, what),
        Command::Manual(what) => line(text, &format!("decide {}", quote(&one_line(what)))),
        Command::Once { there, command } => {
            line(
                text,
                &format!(
                    "if {there}; then\necho 'It is there already, and stays.'\nelse\n{command}\nfi"
                ),
            );
        }
        command => line(text, &command.text()),
    }
}

fn ask(text: &mut String, what: &str) {
    line(text, &format!("ask {}", quote(&one_line(what))));
}

/// Other ways are told, not gone.
fn alternatives(text: &mut String, fixes: &[Fix]) {
    for fix in fixes {
        comment(text, &fix.intro);
        for command in &fix.commands {
            for line in command.text().lines() {
                comment(text, &format!("  {line}"));
            }
        }
    }
}

/// Writes a comment on one line, so that its text can't end it.
fn comment(text: &mut String, comment: &str) {
    line(text, format!("# {}", on_one_line(comment)).trim_end());
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}
