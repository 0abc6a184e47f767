//! What was done with values files, for people and for programs. Keys are in it, values never are.

mod json;
mod markdown;
mod sarif;
mod text;

use std::{collections::BTreeMap, io};

use clap::ValueEnum;

use crate::{
    camunda::Line,
    convert::{Conversion, Kind, Outcome, Told},
    denial::counted,
    look::Look,
};

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For programs, as docs/values.schema.json has it
    Json,
    /// The same as YAML
    Yaml,
    /// SARIF 2.1.0, for code scanning, with the lines of your files
    Sarif,
    /// For a ticket or a pull request
    Markdown,
}

/// What a report is about.
#[derive(Clone, Copy, Debug)]
enum About {
    Conversion {
        from: &'static Line,
        to: &'static Line,
    },
    Validation(&'static Line),
}

/// What became of values files.
#[derive(Debug)]
pub struct Report<'a> {
    about: About,
    files: Vec<&'a str>,
    told: &'a [Told],
    outcome: Outcome,
}

/// The lines that a hop goes between.
type Hop = [&'static str; 2];

/// What is told of keys, by its kind and the reason.
type ByReason<'a> = BTreeMap<(Kind, &'a str), Vec<&'a Told>>;

/// What is told of keys for one reason.
struct Group<'a> {
    kind: Kind,
    reason: &'a str,
    told: Vec<&'a Told>,
}

impl<'a> Report<'a> {
    /// Creates the report of a conversion.
    pub fn of_conversion(
        conversion: &'a Conversion,
        from: &'static Line,
        to: &'static Line,
    ) -> Self {
        Self::new(About::Conversion { from, to }, conversion)
    }

    /// Creates the report of a validation.
    pub fn of_validation(judged: &'a Conversion, line: &'static Line) -> Self {
        Self::new(About::Validation(line), judged)
    }

    fn new(about: About, conversion: &'a Conversion) -> Self {
        let files = conversion.files.iter().map(|file| file.name.as_str());
        Self {
            about,
            files: files.collect(),
            told: &conversion.told,
            outcome: conversion.outcome(),
        }
    }

    /// Prints the report; only text has a look.
    ///
    /// # Errors
    /// When it can't be serialized.
    pub fn print(&self, format: Format, look: Look) -> io::Result<String> {
        Ok(match format {
            Format::Text => text::print(self, look),
            Format::Json => json::print(self)?,
            Format::Yaml => json::print_yaml(self)?,
            Format::Sarif => sarif::print(self)?,
            Format::Markdown => markdown::print(self),
        })
    }

    /// The result in one line.
    fn headline(&self) -> String {
        let subject = match self.about {
            About::Conversion { from, to } => {
                format!("Values from chart {} to chart {}", from.line, to.line)
            }
            About::Validation(line) => format!("Values for chart {}", line.line),
        };
        let result = match (self.outcome, self.about) {
            (Outcome::Stopped, About::Validation(_)) => "they do not fit",
            (Outcome::Stopped, _) => "something stands in the way",
            (Outcome::Undecided, _) => "decisions are left to you",
            (Outcome::Clean, About::Validation(_)) => "they fit",
            (Outcome::Clean, _) => "nothing is left to decide",
        };
        let counts: Vec<_> = self.counts().collect();
        match counts.is_empty() {
            true => format!("{subject}: {result}."),
            false => format!("{subject}: {result} ({}).", counts.join(", ")),
        }
    }

    fn counts(&self) -> impl Iterator<Item = String> {
        let of = |kinds: &[Kind]| {
            let told = self.told.iter();
            told.filter(|it| kinds.contains(&it.kind)).count()
        };
        let counts = [
            (of(&[Kind::Obstacle]), "obstacle"),
            (of(&[Kind::Decide]), "decision"),
            (of(&[Kind::Ignored, Kind::Deprecated]), "warning"),
            (
                of(&[Kind::Removed, Kind::Renamed, Kind::Merged, Kind::Typed]),
                "change",
            ),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        counts.map(|(count, what)| counted(count, what))
    }

    /// What is told by hop, the gravest first, and within it by reason.
    fn hops(&self) -> Vec<(Hop, Vec<Group<'a>>)> {
        let mut hops: Vec<(Hop, ByReason<'a>)> = Vec::new();
        for one in self.told {
            if hops.last().is_none_or(|(hop, _)| *hop != one.hop) {
                hops.push((one.hop, BTreeMap::new()));
            }
            if let Some((_, groups)) = hops.last_mut() {
                let group = groups.entry((one.kind, one.reason.as_str()));
                group.or_default().push(one);
            }
        }
        let hops = hops.into_iter().map(|(hop, groups)| {
            let groups = groups.into_iter();
            let groups = groups.map(|((kind, reason), mut told)| {
                told.sort_by_key(|it| it.place);
                Group { kind, reason, told }
            });
            (hop, groups.collect())
        });
        hops.collect()
    }

    fn hop(&self, [from, to]: [&str; 2]) -> String {
        match self.about {
            About::Conversion { .. } => format!("Chart {from} to {to}"),
            About::Validation(_) => format!("Chart {to}"),
        }
    }

    /// Where a key stands, as an editor takes it; nothing of one that is missing.
    fn place(&self, told: &Told) -> String {
        let Some(place) = told.place else {
            return String::new();
        };
        let file = self.files.get(place.file).copied().unwrap_or_default();
        match place.line {
            Some(line) => format!("{file}:{line}: "),
            None => format!("{file}: "),
        }
    }
}

/// A key with what takes its place.
fn key(told: &Told) -> String {
    match &told.new {
        Some(new) => format!("{}: now {new}", told.key),
        None => told.key.clone(),
    }
}
