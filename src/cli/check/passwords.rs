//! The PASSWORDS ERROR of Bitnami's charts and of Camunda's up to 8.3.2, which names one value at a time.

use regex_lite::Regex;

/// A value that a chart demands, and the Secret in which the error says the current one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The key of the value.
    pub(super) value: String,
    /// The Secret, if the error names one.
    pub(super) secret: Option<String>,
    /// The key in the Secret.
    pub(super) key: String,
}

/// Returns the values that a PASSWORDS ERROR demands; empty for any other error.
pub(super) fn wanted(error: &str) -> Vec<Wanted> {
    if !error.contains("PASSWORDS ERROR") {
        return Vec::new();
    }
    let (Ok(values), Ok(secrets)) = (
        Regex::new(r"'([\w.-]+)' must not be empty"),
        Regex::new(
            r#"get secret --namespace "?[^\s"]+"? "?([^\s"]+)"? -o jsonpath="\{\.data\.([^}]+)\}""#,
        ),
    ) else {
        return Vec::new();
    };
    let charts = charts(error);
    let found: Vec<_> = values.captures_iter(error).collect();
    let ends = found
        .iter()
        .skip(1)
        .filter_map(|next| Some(next.get(0)?.start()));
    let ends: Vec<_> = ends.chain([error.len()]).collect();
    found
        .iter()
        .zip(ends)
        .filter_map(|(value, end)| {
            let start = value.get(0)?.end();
            let told = secrets.captures(&error[start..end]);
            let group = |at| Some(told.as_ref()?.get(at)?.as_str());
            Some(Wanted {
                value: own(value.get(1)?.as_str(), &charts),
                secret: group(1).map(str::to_owned),
                key: group(2).unwrap_or_default().replace(r"\.", "."),
            })
        })
        .collect()
}

/// Returns the path of subcharts, by their names in values, to the one whose template fails.
fn charts(error: &str) -> Vec<&str> {
    const TOLD: &str = "execution error at (";
    let path = error.split_once(TOLD).map_or("", |(_, rest)| rest);
    let path = path.split_once("/templates/").map_or("", |(path, _)| path);
    path.split("/charts/").skip(1).collect()
}

/// Returns the value key below the subcharts: Bitnami's charts name it as if they were the main chart, or name a
/// global value, which would reach every other database, too.
fn own(value: &str, charts: &[&str]) -> String {
    const AUTH: &str = "auth.";
    let bundled = charts.last().map(|chart| chart.to_lowercase());
    let bundled = bundled.is_some_and(|it| it.ends_with("postgresql") || it.contains("keycloak"));
    let own = value
        .rfind(AUTH)
        .filter(|at| bundled && (*at == 0 || value[..*at].ends_with('.')));
    match own {
        Some(at) => format!("{}.{}", charts.join("."), &value[at..]),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_found_with_its_secret() {
        let error = "Error: UPGRADE FAILED: execution error at (camunda-platform/charts/identity/templates/tasklist-secret.yaml:10:22):\n\
            PASSWORDS ERROR: You must provide your current passwords when upgrading the release.\n\n\
            \x20   'global.identity.auth.tasklist.existingSecret' must not be empty, please add '--set global.identity.auth.tasklist.existingSecret=$TASKLIST_SECRET' to the command. To get the current value:\n\n\
            \x20       export TASKLIST_SECRET=$(kubectl get secret --namespace \"prod\" \"camunda-tasklist-identity-secret\" -o jsonpath=\"{.data.tasklist-secret}\" | base64 --decode)\n\n\
            \x20   'auth.password' must not be empty, please add '--set auth.password=$PASSWORD' to the command. To get the current value:\n\n\
            \x20       export PASSWORD=$(kubectl get secret --namespace prod camunda-postgresql -o jsonpath=\"{.data.password}\" | base64 -d)\n";
        let wanted = |value: &str, secret: &str, key: &str| Wanted {
            value: value.to_owned(),
            secret: Some(secret.to_owned()),
            key: key.to_owned(),
        };
        assert_eq!(
            super::wanted(error),
            [
                wanted(
                    "global.identity.auth.tasklist.existingSecret",
                    "camunda-tasklist-identity-secret",
                    "tasklist-secret"
                ),
                wanted("auth.password", "camunda-postgresql", "password"),
            ]
        );
        assert_eq!(super::wanted("Error: release: not found"), []);
    }

    /// Bitnami's PostgreSQL, whichever chart it is in.
    #[test]
    fn a_database_is_given_its_own_password_and_no_other() {
        let asked = |path: &str, value: &str| {
            let error = format!(
                "Error: UPGRADE FAILED: execution error at ({path}:14:24): \n\
                 PASSWORDS ERROR: You must provide your current passwords when upgrading the release.\n\n\
                 \x20   '{value}' must not be empty, please add '--set {value}=$POSTGRES_PASSWORD' to the command. To get the current value:\n\n\
                 \x20       export POSTGRES_PASSWORD=$(kubectl get secret --namespace \"prod\" db -o jsonpath=\"{{.data.password}}\" | base64 -d)\n"
            );
            wanted(&error).remove(0).value
        };
        for (path, value, own) in [
            (
                "camunda-platform/charts/postgresql/templates/secrets.yaml",
                "global.postgresql.auth.password",
                "postgresql.auth.password",
            ),
            (
                "camunda-platform/charts/webModelerPostgresql/templates/secrets.yaml",
                "global.postgresql.auth.postgresPassword",
                "webModelerPostgresql.auth.postgresPassword",
            ),
            (
                "camunda-platform/charts/identityKeycloak/charts/postgresql/templates/secrets.yaml",
                "global.postgresql.auth.password",
                "identityKeycloak.postgresql.auth.password",
            ),
            (
                "shop/charts/bpm/charts/postgresql/templates/secrets.yaml",
                "auth.password",
                "bpm.postgresql.auth.password",
            ),
            (
                "camunda-platform/charts/identity/charts/keycloak/templates/secrets.yaml",
                "auth.adminPassword",
                "identity.keycloak.auth.adminPassword",
            ),
            (
                "camunda-platform/charts/identity/templates/tasklist-secret.yaml",
                "global.identity.auth.tasklist.existingSecret",
                "global.identity.auth.tasklist.existingSecret",
            ),
        ] {
            assert_eq!(asked(path, value), own, "{path}");
        }
    }
}
