//! What a shell makes of what is pasted into it: the programs that it starts, with their arguments.

use std::{collections::BTreeSet, fs, process::Command};

use harness::Run;

/// A program that was started.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name and arguments, as the shell has taken them apart.
    pub words: Vec<String>,
    /// What it read, where it was told to read its standard input.
    pub input: String,
}

/// In the place of the programs: each notes how it was called. What would be read from the cluster is named, not shown.
const STAGE: &str = r#"
note() { { printf '%s\0' "$@"; printf '\1'; } >>"$CALLS"; }
# The call of this number fails.
fails() {
  [ -n "${FAIL:-}" ] || return 1
  printf . >>"$CALLS.count"
  [ "$(wc -c <"$CALLS.count")" -eq "$FAIL" ] && note failed ''
}
kubectl() {
  # Where a look for something fails, it is not there.
  case "$*" in *' -o name') ;; *) if fails; then return 1; fi ;; esac
  local input='' namespace='' last='' word verb=''
  for word; do
    [ "$last" = -n ] && namespace=$word
    case $word in get|exec|create|apply|delete) [ -n "$verb" ] || verb=$word ;; esac
    [ "$last $word" = '-f -' ] && input=$(cat)
    last=$word
  done
  # What a block makes is there once it has made it, and what it deletes is gone.
  case "$verb $*" in
  'create '*' secret generic '*) echo "$namespace secret $6" >>"$CALLS.made" ;;
  'delete '*) for word; do echo "$namespace $4 $word" >>"$CALLS.gone"; done ;;
  esac
  case $verb in
  get) case "$*" in
    *' --ignore-not-found -o name')
      command grep -qxF -e "$namespace $4 $5" "$CALLS.gone" 2>/dev/null || echo "$4/$5" ;;
    *' -o name') command grep -qxF -e "$namespace secret $5" "$CALLS.made" 2>/dev/null ;;
    *' --raw '*) printf '{"state":"COMPLETED"}' ;;
    *persistentVolumeReclaimPolicy}*) note expect "$@" "$input"; printf Retain ;;
    *) printf '@%s@' "$(printf '%s|' "$@")" ;;
    esac ;;
  exec) note kubectl "$@" "$input"
    case "$*" in *pg_dumpall*) echo '-- PostgreSQL database cluster dump complete' ;; *) echo output ;; esac ;;
  *) note kubectl "$@" "$input" ;;
  esac
}
# No name is ever run.
injected() { note injected ''; }
helm() {
  if fails; then return 1; fi
  note helm "$@" ''
  case $1 in version) echo v9.9.9 ;; template) echo '{}' ;; esac
}
# Helm says whatever it is asked about.
grep() { case "$1 $2" in '-qF -e') cat >/dev/null ;; *) command grep "$@" ;; esac; }
camunda-upgrade-guard() { if fails; then return 1; fi; note camunda-upgrade-guard "$@" ''; }
base64() { cat; }
tr() { cat; }
openssl() { if fails; then return 1; fi; printf 0123456789abcdef0123456789abcdef; }
"#;

/// The variables that a person sets before.
pub fn asked_for(block: &str) -> BTreeSet<&str> {
    let names = block.split("${").skip(1);
    names
        .filter_map(|rest| Some(rest.split_once(":?")?.0))
        .filter(|name| name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()))
        .collect()
}

/// The decisions that it waits for.
fn decisions(block: &str) -> impl Iterator<Item = &str> {
    let asked = block
        .lines()
        .filter_map(|line| line.strip_prefix("test \"${"));
    asked.filter_map(|rest| Some(rest.split_once(":-}\" = decided ")?.0))
}

/// The variables of somebody who has set and decided all that it asks for.
pub fn given(block: &str) -> Vec<(String, &'static str)> {
    let given = asked_for(block).into_iter().map(|name| (name, "given"));
    let decided = decisions(block).map(|name| (name, "decided"));
    let helms = [("CHART", "chart"), ("VALUES", "values.yaml")];
    let all = given.chain(decided).chain(helms);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What is started when a block is pasted by somebody who has set and decided all that it asks for.
///
/// # Errors
/// When it is no block for a shell, or something in it fails.
pub fn run(block: &str) -> Result<Vec<Call>, String> {
    let given = given(block);
    let given = given.iter().map(|(name, value)| (name.as_str(), *value));
    let (calls, error) = run_with(block, given)?;
    error.map_or(Ok(calls), Err)
}

/// What is started when it is pasted with these variables alone, and why it ends early.
///
/// # Errors
/// When it is no block for a shell.
pub fn run_with<'a>(
    block: &str,
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(Vec<Call>, Option<String>), String> {
    let parsed = Run::new("bash").args(["-n"]).input(block.to_owned());
    let parsed = parsed.output().map_err(|error| error.to_string())?;
    // bash only warns of a here-document that does not end.
    if !parsed.success() || parsed.report().contains("here-document") {
        return Err(format!("is no shell's: {}", parsed.report()));
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let calls = folder.path().join("calls");
    let values = folder.path().join("values.yaml");
    // Whoever is asked for something types it.
    let answers = folder.path().join("answers");
    fs::write(&calls, "")
        .and_then(|()| fs::write(values, "{}\n"))
        .and_then(|()| fs::write(&answers, "typed-by-somebody\n".repeat(100)))
        .map_err(|error| error.to_string())?;
    let output = Command::new("bash")
        .args([
            "--noprofile",
            "--norc",
            "-c",
            &format!("{STAGE}\nset -eu\n{block}"),
        ])
        .env("CALLS", &calls)
        .envs(variables)
        .stdin(fs::File::open(&answers).map_err(|error| error.to_string())?)
        .current_dir(folder.path())
        .output()
        .map_err(|error| error.to_string())?;
    let error = String::from_utf8_lossy(&output.stderr);
    let error = (!output.status.success()).then(|| format!("fails: {error}"));
    let noted = fs::read_to_string(&calls).map_err(|error| error.to_string())?;
    let calls = noted.split('\u{1}').filter(|call| !call.is_empty());
    let calls = calls
        .map(|call| {
            let mut words: Vec<_> = call.split('\0').map(str::to_owned).collect();
            // Each word ends in a NUL.
            words.pop();
            let input = words.pop().unwrap_or_default();
            Call { words, input }
        })
        .collect();
    Ok((calls, error))
}
