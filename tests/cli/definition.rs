//! What is made of the one definition of the command line, and of the one table of rules.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use camunda_upgrade_guard::{cli::Cli, finding::Action, mutations::MUTATIONS, rules::RULES};
use clap::CommandFactory;
use serde_json::Value;

use crate::{fails, guard};

/// What the program prints when all is well.
#[track_caller]
fn prints(args: &[&str]) -> String {
    let output = guard(args);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a machine has a program; those that it has not are not tested here.
fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

#[test]
fn rules_are_listed_as_text_json_and_markdown() {
    let text = prints(&["rules"]);
    let lines: Vec<_> = text.lines().skip(1).collect();
    let json: Value = serde_json::from_str(&prints(&["rules", "-o", "json"])).unwrap();
    let json = json.as_array().unwrap();
    assert_eq!(
        [lines.len(), json.len()],
        [RULES.len() + MUTATIONS.len(); 2]
    );
    for ((rule, line), entry) in RULES.iter().zip(lines).zip(json) {
        assert!(
            line.starts_with(rule.id.name()) && line.ends_with(rule.summary),
            "{line}"
        );
        assert_eq!(
            [&entry["id"], &entry["summary"]],
            [rule.id.name(), rule.summary]
        );
        let counted = ["release", "object"].map(|gate| entry[gate].as_array().unwrap());
        assert!(counted.iter().any(|it| !it.is_empty()), "{entry}");
        let known = [Action::Deny, Action::Warn].map(Action::name);
        for action in counted.into_iter().flatten() {
            assert!(
                known.contains(&action.as_str().unwrap())
                    && line.contains(action.as_str().unwrap())
            );
        }
    }
    for rule in RULES {
        let table = rule.table();
        assert!(
            rule.page.contains(&format!("\n\n{table}\n- ")),
            "{}: its page lacks its row:\n{table}",
            rule.id
        );
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules/README.md");
    let page = fs::read_to_string(page).unwrap();
    let table = prints(&["rules", "--output", "markdown"]);
    assert!(page.ends_with(&format!("\n\n{table}")), "{table}");
}

#[test]
fn a_rule_that_is_nearly_typed_right_is_named() {
    fails(&["explain", "downgrad"], "did you mean downgrade?");
    fails(
        &["explain", "[volume-not-retain]"],
        "did you mean volume-not-retained?",
    );
    fails(
        &["explain", "x"],
        "camunda-upgrade-guard rules lists them all",
    );
    fails(&["explain", "overide"], "did you mean override?");
    fails(&["explain", "glosary"], "did you mean glossary?");
    let page = prints(&["explain", "[downgrade]"]);
    assert_eq!(page, prints(&["explain", "downgrade"]));
    assert_eq!(guard(&["explain", "x"]).status.code(), Some(2));
}

#[test]
fn what_is_mistyped_gets_one_hint() {
    for (typed, hint) in [
        (&["re"][..], "tip: a similar subcommand exists: 'ready'"),
        (&["chek"], "tip: a similar subcommand exists: 'check'"),
        (
            &["check", "--namespac", "a"],
            "tip: a similar argument exists: '--namespace'",
        ),
        (
            &["rules", "-o", "jsn"],
            "tip: a similar value exists: 'json'",
        ),
    ] {
        let output = guard(typed);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(said.matches("tip:").count(), 1, "{said}");
        assert!(said.contains(hint), "{said}");
    }
}

/// What bash offers for the last word of a line.
fn bash(script: &Path, line: &[&str]) -> BTreeSet<String> {
    let last = line.len() - 1;
    let [before, word] = [last - 1, last].map(|index| line[index]);
    let words = line.join(" ");
    let ask = format!(
        "source {0}; COMP_WORDS=({words}); COMP_CWORD={last}; $(complete -p {1} | sed 's/.*-F \\([^ ]*\\).*/\\1/') {1} '{word}' '{before}'; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        line[0],
    );
    let Output { stdout, stderr, .. } = Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    let offered = String::from_utf8(stdout).unwrap();
    offered.lines().map(str::to_owned).collect()
}

#[test]
fn shells_complete_commands_formats_and_rules() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = prints(&["completions", shell]);
        let file = dir.path().join(shell);
        fs::write(&file, script).unwrap();
        if ["bash", "zsh", "fish"].contains(&shell) && has(shell) {
            let output = Command::new(shell).arg("-n").arg(&file).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
    }
    let script = dir.path().join("bash");
    let name = "camunda-upgrade-guard";
    let known = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let rules: BTreeSet<_> = known(&[
        "volume-claim-ref",
        "volume-not-retained",
        "volume-rebind-while-running",
        "volume-reclaim-policy",
    ]);
    assert_eq!(bash(&script, &[name, "explain", "volume-"]), rules);
    let formats: BTreeSet<_> = known(&["text", "json", "markdown"]);
    assert_eq!(bash(&script, &[name, "rules", "-o", "''"]), formats);
    let commands = bash(&script, &[name, "''"]);
    for command in Cli::command().get_subcommands() {
        assert!(commands.contains(command.get_name()), "{commands:?}");
    }
    if has("fish") {
        let ask = format!(
            "source {}; complete -C '{name} explain downg'",
            dir.path().join("fish").display()
        );
        let output = Command::new("fish").args(["-c", &ask]).output().unwrap();
        let offered = String::from_utf8(output.stdout).unwrap();
        assert!(offered.starts_with("downgrade\t"), "{offered}");
    }
    fails(&["completions", "tcsh"], "invalid value 'tcsh'");
}

#[test]
fn each_command_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("share/man1");
    prints(&["man", "--out", folder.to_str().unwrap()]);
    let pages = fs::read_dir(&folder).unwrap().count();
    let commands = Cli::command();
    let commands: Vec<_> = commands.get_subcommands().collect();
    assert_eq!(pages, commands.len() + 1);
    let main = prints(&["man"]);
    let written = fs::read_to_string(folder.join("camunda-upgrade-guard.1")).unwrap();
    assert_eq!(main, written);
    for command in commands {
        assert!(
            main.contains(&format!(
                "camunda\\-upgrade\\-guard\\-{}(1)",
                command.get_name().replace('-', "\\-")
            )),
            "{main}"
        );
        let file = folder.join(format!("camunda-upgrade-guard-{}.1", command.get_name()));
        let page = fs::read_to_string(&file).unwrap();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{page}");
        }
        if has("groff") {
            // As man calls it: pages are UTF-8.
            let render = ["-Kutf8", "-man", "-Tutf8", "-ww", "-z"];
            let output = Command::new("groff")
                .args(render)
                .arg(&file)
                .output()
                .unwrap();
            assert!(
                output.status.success() && output.stderr.is_empty(),
                "{output:?}"
            );
        }
    }
    let blocked = dir.path().join("file");
    fs::write(&blocked, "").unwrap();
    fails(
        &["man", "--out", blocked.to_str().unwrap()],
        "can't make --out",
    );
}
