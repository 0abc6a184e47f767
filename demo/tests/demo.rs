//! The demo as a newcomer runs it, to its end.
#![allow(clippy::unwrap_used)]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use harness::{Binaries, NodePrograms, Run, binaries::workspace, wait_until};

/// The lines of the README that take a node.
const LOGIN: [&str; 2] = ["$ sh login", "demo is logged in."];
const LAST_LINE: &str = "Refused, cured, upgraded; nothing was lost.";

/// Building it, where nothing was built, takes its time.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// A block of the README, pasted.
fn pasted(block: &str) -> Run {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    assert!(readme.contains(&format!("```sh\n{block}\n```")), "{block}");
    let shell = Run::new("bash")
        .args(["-euo", "pipefail", "-c", block])
        .current_dir(workspace())
        .timeout(PATIENCE);
    not_inherited().fold(shell, |shell, name| shell.env_remove(&name))
}

#[test]
fn an_upgrade_is_judged_without_a_cluster() {
    let home = tempfile::tempdir().unwrap();
    let tried = pasted("make try").env("KUBECONFIG", home.path().join("none"));
    let output = tried.output().unwrap().ok().unwrap();
    for expected in ["\nRefused: 3 problems, ", "\nNot refused: "] {
        assert!(output.stdout.contains(expected), "{}", output.report());
    }
    let page = fs::read_to_string(workspace().join("target/try/report.html")).unwrap();
    assert!(page.contains("Elasticsearch would start on empty volumes"));
}

/// What a test has from make or cargo and a newcomer has not; some build scripts run again where it differs.
fn not_inherited() -> impl Iterator<Item = String> {
    let own = |name: &String| {
        let prefixes = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ];
        prefixes.iter().any(|prefix| name.starts_with(prefix))
            || ["CARGO", "LD_LIBRARY_PATH", "MAKEFLAGS", "MAKELEVEL", "KEEP"]
                .contains(&name.as_str())
    };
    env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(own)
}

#[test]
fn it_ends_well_and_leaves_nothing() {
    if Binaries::find_or_skip().is_none() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let demo = pasted("make demo").env("TMPDIR", temporary.path());
    let output = demo.output().unwrap().ok().unwrap();
    let text = &output.stdout;
    assert!(text.trim_end().ends_with(LAST_LINE), "{text}");
    assert!(!text.contains('\u{1b}'), "colour where no terminal is");
    for rule in [
        "elasticsearch-claims-orphaned",
        "identity-secret-regenerated",
        "immutable-field-changed",
    ] {
        assert!(text.contains(&format!("[{rule}]")), "{rule}: {text}");
    }
    readme_shows(text);
    wait_until("all folders to be gone", Duration::from_secs(20), || {
        let mut left = fs::read_dir(temporary.path())?;
        Ok(left.next().is_none().then_some(()))
    })
    .unwrap();
}

/// Each line that the README shows of the demo is a line of it, but for what it leaves out.
fn readme_shows(text: &str) {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let printed: Vec<_> = text.lines().map(without_ids).collect();
    let runs_pods = NodePrograms::find().is_ok();
    let mut shown = 0;
    for block in readme.split("```console\n").skip(1) {
        let lines = block.split("```").next().unwrap().lines();
        // Where no pod runs, nobody logs in.
        let is_told = |line: &String| runs_pods || !LOGIN.contains(&line.as_str());
        let lines = lines.map(without_ids).filter(|line| line.trim() != "…");
        for line in lines.filter(is_told) {
            assert!(printed.contains(&line), "not printed: {line}\n{text}");
            shown += 1;
        }
    }
    assert!(shown > 8, "only {shown} lines");
}

/// The line with each volume's id, shortened or not, as `ID`.
fn without_ids(line: &str) -> String {
    let is_id = |c: char| c.is_ascii_hexdigit() || c == '-' || c == '…';
    let mut parts = line.split_inclusive("pvc-");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + "ID" + part.trim_start_matches(is_id)
    })
}

#[test]
fn a_long_build_says_that_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said");
    let run = |command: &str| {
        let script = format!(".ci/progress 'it: building' sh -c '{command}' 2>>\"$SAID\"");
        let run = Run::new("bash").args(["-c", &script]);
        let run = run.env("EVERY", "0.01").env("SAID", &said);
        run.current_dir(workspace()).output().unwrap()
    };
    // It ends once it is told of.
    let done = run(r#"until grep -q "it: building for" "$SAID"; do sleep 0.05; done; echo done"#);
    assert_eq!(done.ok().unwrap().stdout, "done\n");
    assert_eq!(run("exit 7").code, Some(7));
}

/// Before anything is built, and only what has to be built counts.
#[test]
fn all_that_is_missing_is_told_at_once() {
    let bin = tempfile::tempdir().unwrap();
    for name in ["sh", "bash", "dirname", "sed", "awk", "cat", "cksum"] {
        let script = format!("ln -s \"$(command -v {name})\" \"$0\"");
        let link = Run::new("sh").args([
            "-c".as_ref(),
            script.as_ref(),
            bin.path().join(name).as_os_str(),
        ]);
        link.output().unwrap().ok().unwrap();
    }
    let told = |built: &std::path::Path| {
        let told = Run::new(workspace().join(".ci/prerequisites"))
            .args(["rustfmt", "go:demo"])
            .env("PATH", bin.path())
            .env("GUARD_CLUSTER_BINARIES", built)
            .env_remove("KUBEBUILDER_ASSETS")
            .output();
        let told = told.unwrap();
        assert_eq!(told.code, Some(1), "{}", told.report());
        told.stderr
    };
    let text = told(&bin.path().join("none"));
    for expected in ["  cc: ", "  openssl 3", "  cargo: ", "  Go 1."] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!bin.path().join("none").exists(), "it only asks");
    if let Some(binaries) = Binaries::find_or_skip() {
        let text = told(binaries.kubectl.parent().unwrap());
        assert!(text.contains("  cargo: ") && !text.contains("Go"), "{text}");
    }
}

#[test]
fn it_can_be_kept_and_stopped() {
    if Binaries::find_or_skip().is_none() {
        return;
    }
    let mut kept = Kept::start();
    let kubeconfig = kept.line_after("$ export KUBECONFIG=");
    let pid = kept.line_after("$ kill ");
    let claims = [
        "get",
        "pvc",
        "data-camunda-elasticsearch-master-0",
        "-n",
        "camunda",
    ];
    let kubectl = Binaries::find().unwrap().kubectl;
    let output = Run::new(kubectl)
        .args(claims)
        .env("KUBECONFIG", &kubeconfig)
        .output();
    assert!(output.unwrap().ok().unwrap().stdout.contains("Bound"));

    // As Ctrl-C does, when it is the demo's turn.
    Run::new("kill")
        .args(["-s", "INT", &pid])
        .output()
        .unwrap()
        .ok()
        .unwrap();
    let folder = PathBuf::from(&kubeconfig).parent().unwrap().to_owned();
    wait_until("the cluster to be gone", Duration::from_secs(20), || {
        Ok((!folder.exists()).then_some(()))
    })
    .unwrap();
}

#[test]
fn a_guard_that_does_not_run_is_an_error() {
    if Binaries::find_or_skip().is_none() {
        return;
    }
    let output = Run::new(env!("CARGO_BIN_EXE_demo"))
        .args(["--guard", "/bin/false"])
        .env_remove("KEEP")
        .output()
        .unwrap();
    assert_eq!(output.code, Some(1), "{}", output.report());
    assert!(
        output.stderr.contains("demo: FAILED: "),
        "{}",
        output.report()
    );
    assert!(!output.stdout.contains(LAST_LINE));
}

/// `make demo KEEP=1`, stopped when this is dropped.
struct Kept {
    make: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Kept {
    fn start() -> Self {
        // Whoever starts the tests in the background has them ignore SIGINT, and make would inherit that.
        let mut make = Command::new("env");
        make.args(["--default-signal=INT", "make"]);
        for name in not_inherited() {
            make.env_remove(name);
        }
        let mut make = make
            .args(["--no-print-directory", "demo", "KEEP=1"])
            .current_dir(workspace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let lines = BufReader::new(make.stdout.take().unwrap()).lines();
        Self { make, lines }
    }

    /// The rest of the next line that begins like this.
    fn line_after(&mut self, beginning: &str) -> String {
        let mut seen = String::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
            seen += &(line + "\n");
        }
        panic!("no line {beginning:?} in:\n{seen}")
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // The demo is in make's group, and takes its cluster down when it ends.
        let group = format!("-{}", self.make.id());
        let _ = Run::new("kill").args(["-s", "TERM", "--", &group]).output();
        let _ = self.make.wait();
    }
}
