//! An upgrade whose values are converted first, as a plan has it.

use super::{Forecast, InstalledRelease, aftermath::prepare};
use crate::{
    change::{Change, ChartVersion, Facts},
    fixes::convert::ValuesFile,
    helm::values::Values,
    rules::values_files,
};

/// An upgrade with values under the keys that the next chart reads.
pub struct ConvertedUpgrade {
    /// The upgrade with the values as they are.
    pub(crate) refused: Change,
    /// The files with the values under other keys.
    pub(crate) files: Vec<ValuesFile>,
    /// All values with those.
    pub(crate) values: Values,
    /// The upgrade with them.
    pub forecast: Forecast,
}

impl InstalledRelease {
    /// Predicts an upgrade with the values under the keys that the next chart reads; `None` if either line is unknown.
    pub fn converted(&self, chart: &ChartVersion, facts: &Facts) -> Option<ConvertedUpgrade> {
        let given = self.rendered.values.clone();
        // What becomes of the values as they are tells what has to be converted.
        let refused = self.upgraded(chart, &given)?.change;
        let files = values_files(&refused, facts);
        let values = files
            .iter()
            .fold(given, |values, file| values.with(file.values.clone()));
        Some(ConvertedUpgrade {
            forecast: self.upgraded(chart, &values)?,
            refused,
            files,
            values,
        })
    }
}

impl ConvertedUpgrade {
    /// What is live once the Secret that the new values name is made.
    pub fn prepared(&self, facts: &Facts) -> Facts {
        let mut prepared = facts.clone();
        prepare(&mut prepared, &self.refused);
        prepared
    }
}
