//! What a terminal gets that a file does not: lines of its width, colours, rendered pages, and what is waited for.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use serde_json::{Value, json};

use crate::guard;

/// The program on a terminal of its own.
struct Session {
    child: Child,
    terminal: File,
    seen: String,
}

impl Session {
    fn start(columns: u16, args: &[&str], variables: &[(&str, &str)]) -> Session {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let mut options = File::options();
        let its = options.read(true).write(true);
        let its = its.open(name.to_str().unwrap()).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&its, size).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_camunda-upgrade-guard"))
            .args(args)
            .env_clear()
            .env("TERM", "xterm")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(its.try_clone().unwrap())
            .stderr(its)
            .spawn()
            .unwrap();
        Session {
            child,
            terminal: File::from(terminal),
            seen: String::new(),
        }
    }

    /// Reads more; false once the program has closed its terminal.
    fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let count = match self.terminal.read(&mut bytes) {
            Ok(count) => count,
            // Linux says so where nobody has the other end any more.
            Err(error) if error.raw_os_error() == Some(5) => 0,
            Err(error) if error.kind() == ErrorKind::Interrupted => return true,
            Err(error) => panic!("{error}"),
        };
        let text = String::from_utf8_lossy(&bytes[..count]);
        self.seen += &text.replace('\r', "");
        count > 0
    }

    /// All that the terminal has shown once the program has ended.
    fn end(mut self) -> String {
        while self.read() {}
        self.child.wait().unwrap();
        self.seen
    }
}

fn shown(columns: u16, args: &[&str], variables: &[(&str, &str)]) -> String {
    Session::start(columns, args, variables).end()
}

const PLAIN: [(&str, &str); 1] = [("NO_COLOR", "1")];

#[test]
fn lines_are_as_long_as_the_terminal_is_wide() {
    let longest = |text: &str| text.lines().map(|line| line.chars().count()).max();
    let words = |text: &str| -> Vec<_> { text.split_whitespace().map(str::to_owned).collect() };
    let piped = String::from_utf8(guard(&["rules"]).stdout).unwrap();
    let mut lengths = Vec::new();
    for columns in [90, 110] {
        let text = shown(columns, &["rules"], &PLAIN);
        assert_eq!(words(&text), words(&piped));
        assert!(longest(&text) <= Some(columns.into()), "{text}");
        lengths.push(longest(&text));
        let page = shown(columns, &["explain", "override"], &PLAIN);
        assert!(longest(&page) <= Some(columns.into()), "{page}");
    }
    assert!(lengths[0] < lengths[1], "{lengths:?}");
    // Where a table does not fit, each row is a list.
    let narrow = shown(60, &["rules"], &PLAIN);
    assert!(
        narrow.contains("RULE     not-checked\nRELEASE  deny\n"),
        "{narrow}"
    );
    assert!(longest(&narrow) <= Some(60), "{narrow}");
}

/// A revision of a release, as Helm's record and its dry run have it.
fn revision(number: u64, status: &str, version: &str) -> Value {
    let manifest = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: camunda-connectors\n  \
        labels: {app.kubernetes.io/name: camunda-platform, app.kubernetes.io/component: connectors}\nspec: {}\n";
    json!({
        "name": "camunda", "namespace": "prod", "version": number, "info": {"status": status}, "config": {},
        "chart": {"metadata": {"name": "camunda-platform", "version": version}, "values": {}},
        "manifest": manifest,
    })
}

/// A folder with a snapshot of a release, and what an upgrade of it would be.
fn upgrade(folder: &Path, from: &str, to: &str) -> String {
    for below in ["objects", "releases"] {
        fs::create_dir(folder.join(below)).unwrap();
    }
    let meta = json!({
        "apiVersion": "camunda-upgrade-guard/v1", "kind": "Snapshot", "namespace": "prod",
        "takenAt": "2026-01-31T12:00:00Z", "takenBy": "0.1.0", "salt": "0".repeat(64), "notRead": [],
    });
    let running = json!({"status": "deployed", "release": revision(1, "deployed", from)});
    let upgrade = revision(2, "pending-upgrade", to);
    for (file, content) in [
        ("snapshot.json", meta),
        ("releases/camunda.v1.json", running),
        ("upgrade.json", upgrade),
    ] {
        fs::write(folder.join(file), content.to_string()).unwrap();
    }
    folder.join("upgrade.json").display().to_string()
}

#[test]
fn a_refusal_is_as_wide_as_the_terminal_and_ends_with_the_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let input = upgrade(dir.path(), "12.13.3", "14.0.0");
    let folder = dir.path().to_str().unwrap();
    let args = ["check", "-i", &input, "--snapshot", folder];
    let piped = String::from_utf8(guard(&args).stdout).unwrap();
    assert!(
        piped.ends_with("\n\nRefused: 1 problem, 6 warnings.\n"),
        "{piped}"
    );
    let narrow = shown(60, &args, &PLAIN);
    let words = |text: &str| -> Vec<_> { text.split_whitespace().map(str::to_owned).collect() };
    assert_eq!(words(&narrow), words(&piped));
    let block = "\n: \"${CHART:?set it to the chart that you gave helm, such as camunda/camunda-platform}\"\n\
        helm upgrade camunda \"$CHART\" --version 13.13.0 -n prod\n)\n";
    assert!(narrow.contains(block), "{narrow}");
    let long = narrow.lines().filter(|line| line.chars().count() > 60);
    let long: Vec<_> = long.collect();
    let is_whole = |line: &&str| line.contains("https://") || line.starts_with(": \"${CHART:");
    assert!(long.iter().all(is_whole), "{long:#?}");
    let coloured = shown(60, &args, &[]);
    assert!(
        coloured.contains("\u{1b}[1mTYPE THIS\u{1b}[0m "),
        "{coloured:?}"
    );
    assert!(
        coloured.ends_with("\u{1b}[1m\u{1b}[31mRefused: 1 problem, 6 warnings.\u{1b}[0m\n"),
        "{coloured:?}"
    );

    let dir = tempfile::tempdir().unwrap();
    let input = upgrade(dir.path(), "13.13.0", "13.13.0");
    let folder = dir.path().to_str().unwrap();
    let args = ["check", "-i", &input, "--snapshot", folder];
    let clean = shown(60, &args, &[]);
    assert!(
        clean.ends_with("\u{1b}[1m\u{1b}[32mNot refused.\u{1b}[0m\n"),
        "{clean:?}"
    );
}

#[test]
fn a_page_is_rendered_on_a_terminal() {
    let page = shown(80, &["explain", "downgrade"], &PLAIN);
    assert!(page.starts_with("downgrade\n\n"), "{page}");
    assert!(!page.contains(['\u{1b}', '`', '*']), "{page}");
    assert!(!page.lines().any(|line| line.starts_with('#')), "{page}");
    let coloured = shown(80, &["explain", "downgrade"], &[]);
    assert!(
        coloured.starts_with("\u{1b}[1mdowngrade\u{1b}[0m\n\n"),
        "{coloured:?}"
    );
    let list = shown(60, &["explain"], &PLAIN);
    assert!(
        list.lines().all(|line| line.chars().count() <= 60),
        "{list}"
    );
}

#[test]
fn colours_are_for_terminals_that_have_them() {
    let asked = ["explain", "downgrade"];
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb"), ("CLICOLOR", "0")] {
        let text = shown(80, &asked, &[variable]);
        assert!(!text.contains('\u{1b}'), "{variable:?}: {text:?}");
    }
    let piped = |args: &[&str], variable: (&str, &str)| {
        let output = Command::new(env!("CARGO_BIN_EXE_camunda-upgrade-guard"))
            .args(args)
            .env_clear()
            .envs([variable])
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    for args in [&["explain", "downgrade"][..], &["rules"], &["scan"]] {
        assert!(
            !piped(args, ("TERM", "xterm")).contains('\u{1b}'),
            "{args:?}"
        );
        let forced = piped(args, ("CLICOLOR_FORCE", "1"));
        assert!(forced.contains("\u{1b}[1m"), "{args:?}: {forced:?}");
    }
}

#[test]
fn an_error_is_marked_and_what_a_name_holds_is_not_acted_on() {
    let file = "/no/such/\u{1b}[2J\u{202e}file";
    let said = shown(80, &["scan", "--kubeconfig", file], &[]);
    assert!(
        said.starts_with("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m can't read"),
        "{said:?}"
    );
    assert!(said.contains("\u{fffd}[2J\u{fffd}file"), "{said:?}");
    assert!(!said.contains("\u{1b}[2J"), "{said:?}");
    let plain = shown(80, &["scan", "--kubeconfig", file], &PLAIN);
    assert!(plain.starts_with("error: can't read"), "{plain:?}");
}

/// An API server that does not answer until the terminal says what is waited for.
#[test]
fn what_takes_long_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let kubeconfig = dir.path().join("config");
    let config = format!(
        r#"{{"clusters": [{{"name": "a", "cluster": {{"server": "http://{address}"}}}}], "users": [{{"name": "a", "user": {{}}}}],
        "contexts": [{{"name": "a", "context": {{"cluster": "a", "user": "a"}}}}], "current-context": "a"}}"#
    );
    fs::write(&kubeconfig, config).unwrap();
    let kubeconfig = kubeconfig.to_str().unwrap();
    let args = ["scan", "-n", "prod", "--kubeconfig", kubeconfig];
    let mut session = Session::start(80, &args, &PLAIN);
    let (held, connections) = std::sync::mpsc::channel();
    let accepting = server.try_clone().unwrap();
    thread::spawn(move || {
        // They stay open until the test lets them go, and later ones are closed at once.
        for stream in accepting.incoming().flatten() {
            drop(held.send(stream));
        }
    });
    while !session.seen.contains("reading namespace prod…\n") {
        assert!(session.read(), "{}", session.seen);
    }
    drop(connections);
    let said = session.end();
    assert!(said.ends_with(" Not all was seen.\n"), "{said}");
}
