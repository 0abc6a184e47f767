//! Credentials that exist only in the release's own Secrets.

use super::Look;
use crate::{
    camunda::{self, Supply},
    change::secret_data,
    finding::{Command, RuleId, shell},
    kubernetes::Kind,
    scan::Problem,
};

impl Look<'_> {
    /// Finds credentials that only the Secrets of the release hold.
    pub(super) fn credentials(&self) -> Option<Problem> {
        let secrets = self.standing.rendered.objects.iter();
        let secrets = secrets.filter(|it| it.camunda && it.reference.kind == Kind::Secret);
        let values = &self.standing.rendered.values;
        let generated = secrets.flat_map(|it| {
            let charts = it.charts.as_deref();
            let keys = secret_data(&it.object).into_keys().filter(move |key| {
                let found = camunda::credential(&it.object, key, charts, self.standing.chart.line);
                found.is_some_and(|found| match found.supply {
                    Supply::Value(value) => values.get(values.own_key(&value)).is_none(),
                    Supply::WithoutGeneration => true,
                })
            });
            keys.map(|key| format!("{} ({key})", it.reference.name))
        });
        let why: Vec<_> = generated.collect();
        let (release, namespace) = (&self.standing.release, &self.standing.namespace);
        let secret = format!("{release}-credentials-saved");
        let rescue = [shell::PROGRAM, "rescue", release, "-n", namespace];
        let rescue = shell::command(rescue.into_iter().chain(["--to", &secret]));
        let title = format!(
            "{} credentials are in no values: whoever uninstalls the release loses them, and the data knows no others",
            why.len()
        );
        let problem = Problem::risk(RuleId::ReinstallOverOldClaims, title, why)?;
        Some(problem.cured_by(Command::Shell(rescue)))
    }
}
