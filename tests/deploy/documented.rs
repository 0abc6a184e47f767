//! The pages whose commands are what the tests type.

use std::fs;

use harness::binaries::workspace;

/// docs/install.md.
pub fn page() -> String {
    page_called("install.md")
}

pub fn page_called(name: &str) -> String {
    fs::read_to_string(workspace().join("docs").join(name)).unwrap()
}

/// From a heading to the next of the same level.
pub fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// Each block of `sh` below a heading.
pub fn blocks(page: &str, heading: &str) -> Vec<String> {
    let section = section(page, heading);
    let blocks = section.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// What is to be typed below a heading: all its blocks of `sh`.
pub fn commands(page: &str, heading: &str) -> String {
    let commands = blocks(page, heading).concat();
    assert!(!commands.is_empty(), "{heading}");
    commands
}

/// The same of lines after a `$`.
pub fn typed(page: &str, heading: &str) -> String {
    let lines = section(page, heading).lines();
    let typed: Vec<_> = lines.filter_map(|line| line.strip_prefix("$ ")).collect();
    assert!(!typed.is_empty(), "{heading}");
    typed.join("\n")
}
