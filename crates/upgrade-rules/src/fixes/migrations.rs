//! Switches the migrations of data on and off.

use super::{conversion, flag};
use crate::{
    camunda::Application,
    change::{Change, Facts, Gate},
    finding::{Command, Fix, Flag},
};

/// The value that switches a migration.
fn switch(migration: Application) -> &'static str {
    migration.switch().unwrap_or_default()
}

/// The flag that switches a migration.
pub(crate) fn flag(change: &Change, migration: Application, on: bool) -> Flag {
    flag::set(change, switch(migration), &on.to_string())
}

/// Has the new manifest render the data migration and its importers.
pub(crate) fn switch_on(change: &Change, facts: &Facts) -> Vec<Fix> {
    let key = switch(Application::DATA_MIGRATION);
    let converted = conversion::setting(change, facts, [key]);
    if !converted.is_empty() {
        return converted;
    }
    vec![Fix::new(
        "Switch the data migration on, which brings the importers along; add to your helm upgrade:",
        [flag(change, Application::DATA_MIGRATION, true)],
    )]
}

/// Has the new manifest leave out Jobs that are not to run again.
pub(crate) fn switch_off(change: &Change, migrations: &[Application]) -> Fix {
    match change.gate {
        Gate::Release => Fix::new(
            "What is complete is not needed again; add to your helm upgrade:",
            migrations
                .iter()
                .map(|migration| flag(change, *migration, false)),
        ),
        Gate::Object => Fix::new(
            "What is complete is not needed again; have your values say:",
            migrations
                .iter()
                .map(|migration| change.values.key_in_file(switch(*migration)))
                .map(|key| Command::Manual(format!("{key}: false"))),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helm::values::Values;

    #[test]
    fn an_umbrella_has_the_value_below_its_name_for_the_chart() {
        let mut change = Change::default();
        let off = |change: &Change| flag(change, Application::IDENTITY_MIGRATION, false);
        let key = "orchestration.migration.identity.enabled=false";
        assert_eq!(off(&change).to_string(), format!("--set {key}"));
        change.values = Values::of(None, Some("bpm")).unwrap();
        assert_eq!(off(&change).to_string(), format!("--set bpm.{key}"));
    }
}
