//! The newest patch of each release line: from the data files, or a newer one that an admin has set.

use std::{collections::BTreeMap, fmt};

use semver::Version;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
};

use super::Line;

/// The patches that an admin has set, by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewestPatches(BTreeMap<&'static str, String>);

/// A released chart version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest<'a> {
    /// The chart's version.
    pub version: &'a str,
    /// When it was released, as precisely as is known.
    pub date: Option<&'a str>,
}

impl NewestPatches {
    /// Returns the newest patch of a line.
    pub fn of<'a>(&'a self, line: &'a Line) -> Newest<'a> {
        match self.0.get(line.line.as_str()) {
            Some(version) => Newest {
                version,
                date: None,
            },
            None => Newest {
                version: &line.newest_patch.version,
                date: line.newest_patch.date.as_deref(),
            },
        }
    }

    /// Whether a line has a newer patch than this version.
    pub fn is_after(&self, version: &Version, line: &Line) -> bool {
        Version::parse(self.of(line).version).is_ok_and(|newest| *version < newest)
    }
}

impl<'de> Deserialize<'de> for NewestPatches {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Patches)
    }
}

struct Patches;

impl<'de> Visitor<'de> for Patches {
    type Value = NewestPatches;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chart version by release line")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<NewestPatches, M::Error> {
        let mut patches = BTreeMap::new();
        while let Some(line) = map.next_key_seed(Known)? {
            patches.insert(line.line.as_str(), map.next_value_seed(PatchOf(line))?);
        }
        Ok(NewestPatches(patches))
    }
}

/// Deserializes the name of a known line.
struct Known;

impl<'de> DeserializeSeed<'de> for Known {
    type Value = &'static Line;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static Line, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Line::all().iter().find(|line| line.line == name);
        known.ok_or_else(|| D::Error::custom(format!("there is no release line {name:?}")))
    }
}

/// Deserializes a version of this line.
struct PatchOf(&'static Line);

impl<'de> DeserializeSeed<'de> for PatchOf {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let version = String::deserialize(deserializer)?;
        let line = &self.0.line;
        if Version::parse(&version).is_err() {
            return Err(D::Error::custom(format!("{version:?} is no chart version")));
        }
        match Line::of(&version) {
            Some(of) if of.line == *line => Ok(version),
            _ => Err(D::Error::custom(format!(
                "{version} is no patch of line {line}"
            ))),
        }
    }
}
