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
        "docs/pipelines.md",
        "packaging/gitlab/camunda-upgrade-guard.yml",
    ] {
        for line in scripts(file).lines() {
            for command in line.split(['|', '>']) {
                let command = command.trim().trim_start_matches("- ");
                let command = ["kubectl ", "helm "]
                    .iter()
                    .find_map(|way| command.strip_prefix(way))
                    .unwrap_or(command);
                if !command.starts_with("camunda-upgrade-guard ") {
                    continue;
                }
                let words = command.split_whitespace();
                let words = words.map(|word| word.trim_matches(['"', '\'']));
                let parsed = Cli::command().try_get_matches_from(words);
                assert!(parsed.is_ok(), "{file}: {command}: {parsed:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 8, "{tried}");
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
        "image: camunda-upgrade-guard:{}\n",
        env!("CARGO_PKG_VERSION")
    );
    assert!(scripts("deploy/argo-cd/check.yaml").contains(&image));
}
