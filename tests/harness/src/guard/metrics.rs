//! Parses the text format of Prometheus.

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: Vec<(String, String)>,
    pub value: f64,
}

impl Sample {
    pub fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The sum of all samples of a metric that have these labels, and perhaps more.
pub fn sum(text: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    samples(text)
        .filter(|sample| sample.name == name)
        .filter(|sample| {
            labels
                .iter()
                .all(|(key, value)| sample.label(key) == *value)
        })
        .map(|sample| sample.value)
        .sum()
}

pub fn samples(text: &str) -> impl Iterator<Item = Sample> + '_ {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(sample)
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (key, after) = rest.trim_start_matches([',', ' ']).split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.push((key.to_owned(), value));
            rest = after.trim_start_matches(',');
        }
        rest = &rest[1..];
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// Returns the text up to the closing quote, and the rest after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP reviews What came.\n# TYPE reviews counter\n\
        reviews_total{endpoint=\"validate\",result=\"a \\\"b\\\"}\"} 2\n\
        reviews_total{endpoint=\"mutate\",result=\"ok\"} 3 1700000000\n\
        up 1\nlatency_bucket{le=\"+Inf\"} 1e3\n# EOF\n";

    #[test]
    fn sums_the_samples_that_have_the_labels() {
        assert_eq!(sum(TEXT, "reviews_total", &[]), 5.0);
        assert_eq!(sum(TEXT, "reviews_total", &[("endpoint", "mutate")]), 3.0);
        assert_eq!(sum(TEXT, "reviews_total", &[("result", "a \"b\"}")]), 2.0);
        assert_eq!(sum(TEXT, "latency_bucket", &[("le", "+Inf")]), 1000.0);
        assert_eq!(sum(TEXT, "up", &[]), 1.0);
        assert_eq!(sum(TEXT, "down", &[]), 0.0);
    }
}
