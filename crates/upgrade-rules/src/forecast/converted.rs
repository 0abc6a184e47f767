//! An upgrade whose values are converted first, as a plan has it.

use super::{Forecast, InstalledRelease, prepare};
use crate::{
    change::{ChartVersion, Facts},
    rules::values_files,
};

impl InstalledRelease {
    /// Predicts an upgrade with the values under the keys that the next chart reads, and what is live once the Secret that
    /// they name is made; `None` if either line is unknown.
    pub fn converted(&self, chart: &ChartVersion, facts: &Facts) -> Option<(Forecast, Facts)> {
        let given = self.rendered.values.clone();
        let refused = self.upgraded(chart, &given)?;
        let files = values_files(&refused.change, facts).into_iter();
        let values = files.fold(given, |values, file| values.with(file.values));
        let mut prepared = facts.clone();
        prepare(&mut prepared, &refused.change);
        Some((self.upgraded(chart, &values)?, prepared))
    }
}
