//! What a conversion did and what it leaves to a person. No value is ever in it, only keys.

use super::hop::Hop;

/// What became of a key, or what has to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The upgrade can't go on with such values, whatever the file says.
    Obstacle,
    /// A person has to decide.
    Decide,
    /// Nothing reads it any more; it stays in the file and has no effect.
    Ignored,
    /// It still works, and a later line drops it.
    Deprecated,
    /// It has become a comment, since nothing takes its place.
    Removed,
    /// It has another key.
    Renamed,
    /// It is part of a list that is one for several applications.
    Merged,
    /// It has another type.
    Typed,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, by its index.
    pub file: usize,
    /// The line in the user's file, from 1; none if a conversion made it.
    pub line: Option<usize>,
}

/// One change, or one thing to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is.
    pub kind: Kind,
    /// The lines of charts that the hop goes between.
    pub hop: [&'static str; 2],
    /// The key.
    pub key: String,
    /// The key that takes its place, if one does.
    pub new: Option<String>,
    /// Where it stands; nowhere if it is missing.
    pub place: Option<Place>,
    /// Why.
    pub reason: String,
}

/// The overall result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The files are ready for the next chart.
    Clean,
    /// Something stands in the way of the upgrade.
    Stopped,
    /// A person has to decide something.
    Undecided,
}

impl Kind {
    /// All kinds, the gravest first.
    pub const ALL: [Kind; 8] = [
        Kind::Obstacle,
        Kind::Decide,
        Kind::Ignored,
        Kind::Deprecated,
        Kind::Removed,
        Kind::Renamed,
        Kind::Merged,
        Kind::Typed,
    ];

    /// Returns the name that machine-readable formats use.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Obstacle => "obstacle",
            Kind::Decide => "decide",
            Kind::Ignored => "ignored",
            Kind::Deprecated => "deprecated",
            Kind::Removed => "removed",
            Kind::Renamed => "renamed",
            Kind::Merged => "merged",
            Kind::Typed => "typed",
        }
    }

    /// Returns what it means, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Kind::Obstacle => "This stands in the way of the upgrade.",
            Kind::Decide => "A person has to decide this.",
            Kind::Ignored => "The chart does not read this key, and says nothing of it.",
            Kind::Deprecated => "The chart reads this key, and a later one will not.",
            Kind::Removed => "Nothing takes the place of this key, so it becomes a comment.",
            Kind::Renamed => "The chart reads this value under another key.",
            Kind::Merged => "The chart has one list for all applications.",
            Kind::Typed => "The chart's schema wants another type.",
        }
    }
}

impl Outcome {
    pub(super) fn of(told: &[Told]) -> Outcome {
        let has = |kind| told.iter().any(|it| it.kind == kind);
        match (has(Kind::Obstacle), has(Kind::Decide)) {
            (true, _) => Outcome::Stopped,
            (false, true) => Outcome::Undecided,
            (false, false) => Outcome::Clean,
        }
    }

    /// Returns the name in machine-readable formats.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Clean => "clean",
            Outcome::Stopped => "stopped",
            Outcome::Undecided => "undecided",
        }
    }

    /// Returns the exit code of the command.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Clean => 0,
            Outcome::Stopped => 1,
            Outcome::Undecided => 3,
        }
    }
}

impl Told {
    pub(super) fn new(kind: Kind, hop: Hop, key: &str, reason: impl Into<String>) -> Told {
        Told {
            kind,
            hop: hop.names(),
            key: key.to_owned(),
            new: None,
            place: None,
            reason: reason.into(),
        }
    }

    /// Whether it says what another one says, whatever the hop.
    pub(super) fn says(&self, other: &Told) -> bool {
        (self.kind, &self.key, &self.new, self.place)
            == (other.kind, &other.key, &other.new, other.place)
    }

    pub(super) fn at(mut self, file: usize, line: Option<usize>) -> Told {
        self.place = Some(Place { file, line });
        self
    }

    pub(super) fn now(mut self, new: Option<String>) -> Told {
        self.new = new;
        self
    }
}
