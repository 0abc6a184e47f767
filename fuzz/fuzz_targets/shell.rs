//! A command that is printed is read back by a shell as the words that it was made of.

#![no_main]

use camunda_upgrade_guard::finding::shell::command;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // No argument of a program holds a NUL, so it can stand between the words.
    let words: Vec<&str> = text.split('\0').collect();
    let line = command(words.iter().copied());
    let read = shlex::split(&line);
    let read = read
        .as_ref()
        .map(|read| read.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(read.as_deref(), Some(&*words), "{line}");
});
