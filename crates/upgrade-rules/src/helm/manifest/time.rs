//! The timestamps that go-yaml v2 takes for an explicit `!!timestamp`.

/// Whether one of Go's four layouts fits.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some((date, rest)) = date(text) else {
        return false;
    };
    if !date {
        return false;
    }
    match rest.as_bytes().first() {
        None => true,
        Some(b'T' | b't') => clock(&rest[1..]).is_some_and(zone),
        Some(b' ') => clock(&rest[1..]).is_some_and(str::is_empty),
        Some(_) => false,
    }
}

/// `2006-1-2`: whether the day exists, and what follows.
fn date(text: &str) -> Option<(bool, &str)> {
    let (year, rest) = number(text, 4, 4)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 1, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 1, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    Some(((1..=days).contains(&day), rest))
}

/// `15:4:5.999999999`: what follows.
fn clock(text: &str) -> Option<&str> {
    let (hour, rest) = number(text, 1, 2)?;
    let (minute, rest) = number(rest.strip_prefix(':')?, 1, 2)?;
    let (second, rest) = number(rest.strip_prefix(':')?, 1, 2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let Some(fraction) = rest.strip_prefix(['.', ',']) else {
        return Some(rest);
    };
    let end = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (end.len() < fraction.len()).then_some(end)
}

/// `Z07:00`.
fn zone(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else {
        return text == "Z";
    };
    number(offset, 2, 2)
        .and_then(|(hour, rest)| {
            let (minute, rest) = number(rest.strip_prefix(':')?, 2, 2)?;
            Some(hour <= 24 && minute <= 60 && rest.is_empty())
        })
        .unwrap_or(false)
}

fn number(text: &str, least: usize, most: usize) -> Option<(u32, &str)> {
    let digits = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if digits < least {
        return None;
    }
    Some((text[..digits].parse().ok()?, &text[digits..]))
}
