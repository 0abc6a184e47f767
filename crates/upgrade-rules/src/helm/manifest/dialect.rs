//! The differences between YAML 1.2, which the parser reads, and YAML 1.1, which go-yaml reads.

use std::borrow::Cow;

use granit_parser::{ScalarStyle, Span};

use super::error::{Cause, ManifestError};

/// YAML 1.2 ends an unfinished last line of a block scalar with a break, YAML 1.1 does not.
pub(super) fn without_added_break<'t>(
    document: &str,
    mut scalar: Cow<'t, str>,
    style: ScalarStyle,
    span: &Span,
) -> Result<Cow<'t, str>, Cause> {
    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    if !block || span.end.byte_offset() != Some(document.len()) {
        return Ok(scalar);
    }
    let last_line = document.rsplit(['\n', '\r']).next().unwrap_or_default();
    if last_line.is_empty() || !scalar.ends_with('\n') {
        return Ok(scalar);
    }
    if last_line.bytes().all(|b| b == b' ') {
        return Err(Cause::UnfinishedLine);
    }
    scalar.to_mut().pop();
    Ok(scalar)
}

/// Between brackets the two do not agree where a plain scalar begins and ends.
pub(super) fn check_flow(
    document: &str,
    scalar: &str,
    style: ScalarStyle,
    span: &Span,
) -> Result<(), Cause> {
    if style != ScalarStyle::Plain {
        return Ok(());
    }
    let rest = span.end.byte_offset().and_then(|end| document.get(end..));
    let mut rest = rest.unwrap_or_default().chars();
    let colon = rest.next() == Some(':') && rest.next().is_some_and(|c| ",[]{}".contains(c));
    if colon || scalar.starts_with(':') || scalar.contains('?') {
        return Err(Cause::FlowScalar);
    }
    Ok(())
}

/// YAML 1.1 lets a tag go on over commas and brackets.
pub(super) fn check_tag(document: &str, span: &Span) -> Result<(), Cause> {
    let end = span.tag_span().and_then(|tag| tag.end.byte_offset());
    match end.and_then(|end| document.get(end..)) {
        Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']) => Ok(()),
        _ => Err(Cause::Property),
    }
}

/// YAML 1.2 takes nearly anything for the name of an anchor.
pub(super) fn check_anchor(name: &str) -> Result<(), Cause> {
    if name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    {
        return Ok(());
    }
    Err(Cause::Property)
}

/// Refuses what go-yaml's reader refuses, and the line breaks that only YAML 1.1 knows.
pub(super) fn check_characters(text: &str) -> Result<(), ManifestError> {
    let plain = |b: &u8| matches!(b, 0x20..=0x7e | b'\t' | b'\n' | b'\r');
    let all_plain = |chunk: &[u8]| chunk.iter().fold(true, |so_far, b| so_far & plain(b));
    if text.as_bytes().chunks(64).all(all_plain) {
        return Ok(());
    }
    let (mut line, mut column) = (1, 1);
    for (at, c) in text.char_indices() {
        match c {
            '\u{feff}' if at > 0 => return Err(Cause::ControlCharacter(c).at(line, column)),
            '\u{85}' | '\u{2028}' | '\u{2029}' => return Err(Cause::LineBreak(c).at(line, column)),
            '\n' => (line, column) = (line + 1, 0),
            '\t' | '\r' | ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'.. => {}
            _ => return Err(Cause::ControlCharacter(c).at(line, column)),
        }
        column += 1;
    }
    Ok(())
}
