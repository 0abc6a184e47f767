//! `make try`: what it prints and writes, and the README's picture of it.

use std::{
    env, fs,
    path::Path,
    process::{Command, Output},
};

use anstyle_svg::{Term, WIN10_CONSOLE};
use textwrap::{Options, WordSeparator, WordSplitter};

const PICTURE: &str = "docs/try.svg";

/// Columns of the picture.
const COLUMNS: usize = 104;

/// What the picture shows of the output: each part begins with a line that begins like this, and has so many lines.
const SHOWN: [(&str, usize); 7] = [
    ("1. Ask what", 7),
    ("echo '3. Stop", 4),
    ("helm upgrade", 2),
    ("WHY", 4),
    ("2. 8 credentials", 4),
    ("Refused: ", 1),
    ("2. Ask again", 7),
];

fn tried(guard: &str, pages: &Path, colour: bool) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/try.sh");
    let mut command = Command::new(script);
    command.arg(guard).arg(pages).env_remove("CLICOLOR_FORCE");
    // Whatever cluster somebody has is not asked.
    command.env("KUBECONFIG", "/nonexistent");
    if colour {
        command.env("CLICOLOR_FORCE", "1");
    }
    command.output().unwrap()
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn it_shows_a_refusal_and_the_way_through() {
    let pages = tempfile::tempdir().unwrap();
    let guard = env!("CARGO_BIN_EXE_camunda-upgrade-guard");
    let text = text(tried(guard, pages.path(), false));
    for expected in [
        "is refused: Elasticsearch would start on empty volumes, and 2 more problems.",
        "[elasticsearch-claims-orphaned]",
        "[identity-secret-regenerated]",
        "[immutable-field-changed]",
        "\nRefused: 3 problems, ",
        ": nothing stops\n",
        "\nNot refused: ",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "colour where no terminal is");
    for (page, verdict) in [
        ("report.html", "refused"),
        ("prepared.html", "nothing stops"),
    ] {
        let html = fs::read_to_string(pages.path().join(page)).unwrap();
        assert!(
            html.starts_with("<!DOCTYPE html>") && html.contains(verdict),
            "{page}"
        );
    }
}

#[test]
fn a_guard_that_refuses_nothing_is_an_error() {
    let pages = tempfile::tempdir().unwrap();
    let output = tried("true", pages.path(), false);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("try: FAILED: check has exited with 0, not with 1"),
        "{said}"
    );
}

/// Made of what is printed in colour; `INSTA_UPDATE=always` writes it.
#[test]
fn the_readme_has_a_picture_of_it() {
    let pages = tempfile::tempdir().unwrap();
    let guard = env!("CARGO_BIN_EXE_camunda-upgrade-guard");
    let printed = text(tried(guard, pages.path(), true));
    let printed = printed.replace(guard, "camunda-upgrade-guard");
    let folder = format!("{}/", pages.path().display());
    let printed = printed.replace(&folder, "target/try/");
    let picture = Term::new()
        .palette(WIN10_CONSOLE)
        .render_svg(&shown(&printed));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(PICTURE);
    if env::var_os("INSTA_UPDATE").is_some_and(|it| it == "always") {
        fs::write(&file, &picture).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        picture == kept,
        "{PICTURE} is old; INSTA_UPDATE=always writes it"
    );
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    assert!(
        fs::read_to_string(readme)
            .unwrap()
            .contains(&format!("]({PICTURE})"))
    );
}

fn shown(printed: &str) -> String {
    let lines: Vec<_> = printed.lines().collect();
    let options = Options::new(COLUMNS).word_splitter(WordSplitter::NoHyphenation);
    let options = options.word_separator(WordSeparator::AsciiSpace);
    let begins = |line: &&str, with: &str| plain(line).starts_with(with);
    let parts = SHOWN.iter().map(|(first, count)| {
        let at = lines.iter().position(|line| begins(line, first));
        let at = at.unwrap_or_else(|| panic!("{first:?} is not in {printed}"));
        let part = lines[at..].iter().take(*count);
        part.map(|line| textwrap::fill(line, options.clone()))
            .collect::<Vec<_>>()
            .join("\n")
    });
    parts.collect::<Vec<_>>().join("\n…\n")
}

/// A line without its colours.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}
