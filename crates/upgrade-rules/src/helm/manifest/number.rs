//! Numbers as Go reads and writes them.

use std::borrow::Cow;

use serde_json::Number;

use super::scalar::Scalar;

/// Reads a scalar that starts with a digit, a sign or a dot; `None` if it is text after all.
pub(super) fn parse(text: &str) -> Option<Scalar<'static>> {
    if text.starts_with('.') {
        return dotted(text);
    }
    let plain = without_underscores(text);
    integer(&plain)
        .or_else(|| float(&plain))
        .or_else(|| binary(&plain))
}

/// The JSON number that Go's encoder writes, as `serde_json` would read it back.
pub(super) fn to_json(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() < 1e21 && (value != 0.0 || value.is_sign_positive()) {
        let digits = value.to_string();
        if let Ok(value) = digits.parse::<u64>() {
            return Some(value.into());
        }
        if let Ok(value) = digits.parse::<i64>() {
            return Some(value.into());
        }
    }
    Number::from_f64(value)
}

/// A float as a key: `strconv.FormatFloat(value, 'g', -1, 32)` with YAML's names for the rest.
pub(super) fn to_key(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "Go formats it as 32 bits")]
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

fn without_underscores(text: &str) -> Cow<'_, str> {
    if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// `strconv.ParseInt` and then `ParseUint`, both with base 0.
fn integer(text: &str) -> Option<Scalar<'static>> {
    let (negative, signed, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = radix(unsigned);
    if digits.is_empty() {
        // "0" has its zero taken for the octal prefix.
        return (unsigned == "0").then_some(Scalar::Int(0));
    }
    if !digits.bytes().all(|b| char::from(b).is_digit(radix)) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(value).map(Scalar::Int);
    }
    match i64::try_from(value) {
        Ok(value) => Some(Scalar::Int(value)),
        Err(_) if signed => None,
        Err(_) => Some(Scalar::Uint(value)),
    }
}

fn radix(text: &str) -> (u32, &str) {
    let bytes = text.as_bytes();
    match bytes {
        [b'0', b'x' | b'X', _, ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &text[2..]),
        [b'0', ..] => (8, &text[1..]),
        _ => (10, text),
    }
}

/// go-yaml's `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`; out of range is text.
fn float(text: &str) -> Option<Scalar<'static>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let rest = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
    let whole = unsigned.len() - rest.len();
    let rest = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let end = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if whole == 0 && end.len() == fraction.len() {
                return None;
            }
            end
        }
    };
    if whole == 0 && !unsigned.starts_with('.') {
        return None;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    } else if !rest.is_empty() {
        return None;
    }
    finite(text)
}

/// Parses a number that starts with a dot as Go's `ParseFloat` does, single underscores included.
fn dotted(text: &str) -> Option<Scalar<'static>> {
    let bytes = text.as_bytes();
    let placed = |at: usize| {
        let digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
        digit(bytes.get(at.wrapping_sub(1))) && digit(bytes.get(at + 1))
    };
    if !text.match_indices('_').all(|(at, _)| placed(at)) {
        return None;
    }
    float(&without_underscores(text))
}

/// go-yaml's second look at `0b`: it takes a sign behind the prefix.
fn binary(text: &str) -> Option<Scalar<'static>> {
    if let Some(digits) = text.strip_prefix("0b") {
        return i64::from_str_radix(digits, 2).ok().map(Scalar::Int);
    }
    let digits = text.strip_prefix("-0b")?;
    i64::from_str_radix(&format!("-{digits}"), 2)
        .ok()
        .map(Scalar::Int)
}

fn finite(text: &str) -> Option<Scalar<'static>> {
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Scalar::Float(value))
}
