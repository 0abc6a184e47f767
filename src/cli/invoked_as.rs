//! By which way the program was called: its own name, as a plugin of kubectl's or as one of Helm's.

use std::{env, ffi::OsStr, path::Path};

use anyhow::bail;

use super::NAME;

/// What Helm can be told of a cluster and this program can't.
const HELMS_OWN: [(&str, &str); 7] = [
    ("HELM_KUBEAPISERVER", "--kube-apiserver"),
    ("HELM_KUBEASUSER", "--kube-as-user"),
    ("HELM_KUBEASGROUPS", "--kube-as-group"),
    ("HELM_KUBECAFILE", "--kube-ca-file"),
    (
        "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
        "--kube-insecure-skip-tls-verify",
    ),
    ("HELM_KUBETLS_SERVER_NAME", "--kube-tls-server-name"),
    ("HELM_KUBETOKEN", "--kube-token"),
];

/// What a person types for this program, where that is not its file's name.
pub(super) fn name() -> Option<String> {
    if in_helm() {
        return Some(format!("helm {NAME}"));
    }
    let program = env::args_os().next()?;
    plugin(Path::new(&program).file_name()?)
}

/// kubectl finds `kubectl-a-b_c` for `kubectl a b-c`.
fn plugin(file: &OsStr) -> Option<String> {
    let file = file.to_str()?.trim_end_matches(".exe");
    let words = file.strip_prefix("kubectl-")?;
    Some(format!(
        "kubectl {}",
        words.replace('-', " ").replace('_', "-")
    ))
}

fn in_helm() -> bool {
    env::var_os("HELM_PLUGIN_NAME").is_some_and(|name| name == NAME)
}

/// Helm takes its own flags out of a plugin's command line, `-n` among them, and tells them by variables.
pub(super) fn helm(variable: &str) -> Option<String> {
    let value = in_helm().then(|| env::var(variable).ok()).flatten();
    value.filter(|value| !value.is_empty())
}

/// Refuses what Helm was told of the cluster where it would be left out: another cluster, or another user, would be asked.
pub(super) fn refuse_flags_of_helm() -> anyhow::Result<()> {
    for (variable, flag) in HELMS_OWN {
        if helm(variable).is_some_and(|value| value != "false") {
            bail!(
                "{NAME} does not know helm's {flag} ({variable}); name a kubeconfig that says the same"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_s_plugins_are_called_as_kubectl_calls_them() {
        let name = |file| plugin(OsStr::new(file));
        let expected = Some("kubectl camunda-upgrade-guard".to_owned());
        assert_eq!(name("kubectl-camunda_upgrade_guard"), expected);
        assert_eq!(name("kubectl-camunda_upgrade_guard.exe"), expected);
        assert_eq!(name("camunda-upgrade-guard"), None);
    }
}
