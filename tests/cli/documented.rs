//! Commands that people are told to type are commands.

use std::{fs, path::Path};

use camunda_upgrade_guard::cli::Cli;
use clap::CommandFactory;

/// The blocks for a shell in a page, or all of a file that is none.
fn scripts(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(path).unwrap().replace("\\\n", " ");
    if !file.ends_with(".md") {
        return text;
    }
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn what_is_to_be_typed_can_be_typed() {
    let mut tried = 0;
    for file in [
        "README.md",
        "docs/command-line.md",
        "docs/glossary.md",
        "docs/override.md",
        "docs/pipelines.md",
        "packaging/gitlab/camunda-upgrade-guard.yml",
    ] {
        for line in scripts(file).lines() {
            for command in commands(line) {
                can_be_typed(command, file);
                tried += 1;
            }
        }
    }
    assert!(tried > 8, "{tried}");
}

/// The parts of a line that are this program's commands, however it is called.
fn commands(line: &str) -> Vec<&str> {
    let parts = line.split(['|', '>']).map(|part| {
        let command = part.trim().trim_start_matches("- ");
        let ways = ["kubectl ", "helm "];
        let mut ways = ways.iter();
        let own = ways.find_map(|way| command.strip_prefix(way));
        own.unwrap_or(command)
    });
    let is_own = |command: &&str| command.starts_with("camunda-upgrade-guard ");
    parts.filter(is_own).collect()
}

#[track_caller]
fn can_be_typed(command: &str, at: &str) {
    let words = command.split_whitespace();
    let words = words.map(|word| word.trim_matches(['"', '\'']));
    let parsed = Cli::command().try_get_matches_from(words);
    assert!(parsed.is_ok(), "{at}: {command}: {parsed:?}");
}

/// Each command's help ends with examples of that command, which a manual page of 80 columns does not wrap.
#[test]
fn each_help_has_examples_that_can_be_typed() {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let help = command.get_after_help().unwrap().to_string();
        assert!(help.starts_with("Examples:\n"), "{name}: {help}");
        let longest = help.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(73), "{name}: {help}");
        let mut of_its_own = 0;
        for line in help.replace("\\\n", " ").lines() {
            for typed in commands(line) {
                can_be_typed(typed, name);
                of_its_own += usize::from(typed.split_whitespace().nth(1) == Some(name));
            }
        }
        assert!(of_its_own > 0, "{name}: {help}");
    }
}

/// What is installed as a plugin is of the version that it says.
#[test]
fn plugins_have_the_program_s_version() {
    let version = format!("\nversion: {}\n", env!("CARGO_PKG_VERSION"));
    for plugin in ["helm3", "helm4", "helm4-post-render"] {
        let file = format!("packaging/{plugin}/plugin.yaml");
        assert!(scripts(&file).contains(&version), "{file}");
    }
    let image = format!(
        "image: camunda-upgrade-guard-ci:{}\n",
        env!("CARGO_PKG_VERSION")
    );
    assert!(scripts("deploy/argo-cd/check.yaml").contains(&image));
}
