//! The PASSWORDS ERROR of Bitnami's charts and of Camunda's up to 8.3.2, which names one value at a time.

use regex_lite::Regex;

/// A value that a chart wants to be given, and where it says that the current one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The key of the value.
    pub(super) value: String,
    /// The Secret, where the error names one.
    pub(super) secret: Option<String>,
    /// The key in it.
    pub(super) key: String,
}

/// What the error wants; nothing where it is another error.
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
                value: value.get(1)?.as_str().to_owned(),
                secret: group(1).map(str::to_owned),
                key: group(2).unwrap_or_default().replace(r"\.", "."),
            })
        })
        .collect()
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
}
