//! The components that run by a line's defaults and a user's values.

use super::Between;
use crate::camunda::{Application, Component, Line};

impl Between<'_> {
    /// Whether the target chart has an application that runs now.
    pub fn runs(&self, application: Application) -> bool {
        if self.to.gone_applications.contains(&application) {
            return false;
        }
        let becomes = self.to.becomes.get(&application);
        if becomes.is_some_and(|it| it.application != application) {
            return false;
        }
        let flag = application.switch().and_then(|key| self.values.flag(key));
        flag.unwrap_or(!is_off(self.to, application) || is_off(self.from, application))
    }

    /// Whether the target chart bundles a component that runs now.
    pub(super) fn brings(&self, component: Component) -> bool {
        if self.to.gone.contains_key(&component) {
            return false;
        }
        match self.to.switches.get(&component) {
            Some(keys) if self.from.switches.get(&component) == Some(keys) => true,
            Some(keys) => keys.iter().all(|key| self.values.flag(key) == Some(true)),
            None => true,
        }
    }
}

/// Whether a line turns the application off by default. If it ran nevertheless, somebody turned it on outside these values.
fn is_off(line: &Line, application: Application) -> bool {
    line.switched_off.contains(&application)
}
