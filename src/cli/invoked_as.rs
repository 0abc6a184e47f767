//! How the program was called: by its own name, as a kubectl plugin or as a Helm plugin.

use std::{env, ffi::OsStr, path::Path};

use anyhow::bail;

use super::NAME;

/// Helm's cluster options that this program does not support.
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

/// Returns what the user types for this program, if that is not its file's name.
pub(super) fn name() -> Option<String> {
    if in_helm() {
        return Some(format!("helm {NAME}"));
    }
    let program = env::args_os().next()?;
    plugin(Path::new(&program).file_name()?)
}

/// Returns the kubectl command that runs this plugin: kubectl finds `kubectl-a-b_c` for `kubectl a b-c`.
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

/// Returns one of Helm's own flags, which it removes from a plugin's command line, `-n` among them, and passes as
/// variables.
pub(super) fn helm(variable: &str) -> Option<String> {
    let value = in_helm().then(|| env::var(variable).ok()).flatten();
    value.filter(|value| !value.is_empty())
}

/// Refuses Helm's cluster options that would otherwise be ignored: the command would ask another cluster, or as
/// another user.
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
