//! A values file is converted or refused; what comes out is a values file, and converting it again changes nothing.

#![no_main]

use camunda_upgrade_guard::{
    camunda::Line,
    convert::{File, convert, validate},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let named = |name: &str| Line::all().iter().find(|line| line.line == name);
    let (Some(from), Some(to)) = (named("12"), named("15")) else {
        panic!("12 and 15 are lines");
    };
    let file = |text: &str| File {
        name: "values.yaml".to_owned(),
        text: text.to_owned(),
    };
    let Ok(converted) = convert(&[file(text)], from, to) else {
        return;
    };
    let once = &converted.files[0].text;
    // Panics show the input; a message shows how far it got.
    let read = validate(&[file(once)], to).unwrap_or_else(|error| panic!("{error}: {once:?}"));
    assert_eq!(read.files[0].text, *once);
    let again =
        convert(&[file(once)], from, to).unwrap_or_else(|error| panic!("{error}: {once:?}"));
    assert_eq!(again.files[0].text, *once);
});
