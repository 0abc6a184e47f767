//! A report as Markdown, for a ticket or a pull request.

use super::{Report, printable};
use crate::{
    denial::{self, Block, Part},
    finding::{Command, Finding, Fix},
};

pub(super) fn print(report: &Report) -> String {
    let (denied, warned) = (report.denied(), report.warned());
    let mut parts = vec![format!("## {}", line(&report.headline()))];
    if !report.findings.is_empty() {
        parts.push(table(&denied, &warned));
    }
    if let Some(block) = Block::of(&report.change, &report.findings) {
        parts.push("### Type this".to_owned());
        parts.extend(block.know.iter().map(|know| line(know)));
        parts.push(fenced(&block.script, "sh"));
        parts.push(line(&block.said()));
        if !block.flags.is_empty() {
            parts.push(fenced(&block.flags.join("\n"), ""));
        }
    }
    for (number, finding) in (1..).zip(&denied) {
        parts.push(format!("### {number}. {}", line(&finding.title)));
        parts.extend(body(finding, None));
    }
    for finding in &warned {
        parts.push(format!("### Warning: {}", line(&finding.title)));
        parts.extend(body(finding, Some(&denied)));
    }
    if !report.notes.is_empty() {
        parts.push("### Notes".to_owned());
        let notes: Vec<_> = report.notes.iter().map(|note| item(note)).collect();
        parts.push(notes.join("\n"));
    }
    parts.join("\n\n") + "\n"
}

fn table(denied: &[&Finding], warned: &[&Finding]) -> String {
    let denied = (1..)
        .zip(denied)
        .map(|(number, it)| (number.to_string(), it));
    let warned = warned.iter().map(|it| ("warning".to_owned(), it));
    let rows = denied.chain(warned).map(|(number, finding)| {
        let rule = match finding.rule.page_address() {
            Some(address) => format!("[`{}`]({address})", finding.rule),
            None => format!("`{}`", finding.rule),
        };
        format!("| {number} | {} | {rule} |", line(&finding.title))
    });
    let head = ["| | Problem | Rule |", "|---|---|---|"].map(str::to_owned);
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

/// Formats a finding as paragraphs, lists and blocks of commands. The steps that cure a refusal are in the block above.
fn body(finding: &Finding, denied: Option<&[&Finding]>) -> Vec<String> {
    let mut parts = Vec::new();
    let mut list: Vec<String> = Vec::new();
    for told in denial::outline(finding, denied.unwrap_or_default()) {
        if let Part::Why(why) = told
            && why.starts_with(' ')
        {
            list.push(item(why));
            continue;
        }
        if !list.is_empty() {
            parts.push(std::mem::take(&mut list).join("\n"));
        }
        match told {
            Part::Why(why) => parts.push(line(why)),
            Part::Under(number) => parts.push(denial::under(number)),
            Part::Guide(guide) => parts.push(format!(
                "Guide: [{}]({})",
                line(guide.section),
                guide.address()
            )),
            Part::Fix(fix) if denied.is_none() && fix.moment.cures() => {}
            Part::Fix(fix) => {
                parts.push(line(&fix.intro));
                parts.extend(commands(fix));
            }
        }
    }
    if !list.is_empty() {
        parts.push(list.join("\n"));
    }
    parts
}

fn item(text: &str) -> String {
    format!("- {}", line(text))
}

/// Returns a fix's commands as one fenced block; None if it has none.
fn commands(fix: &Fix) -> Option<String> {
    if fix.commands.is_empty() {
        return None;
    }
    let manual = |command: &Command| matches!(command, Command::Manual(_));
    let language = if fix.commands.iter().any(manual) {
        ""
    } else {
        "sh"
    };
    Some(fenced(&denial::typed(fix).join("\n"), language))
}

fn fenced(text: &str, language: &str) -> String {
    let text = printable(text);
    let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
    format!(
        "{fence}{language}\n{}\n{fence}",
        text.trim_end_matches('\n')
    )
}

fn longest_run(text: &str, of: char) -> usize {
    let runs = text.split(|c| c != of);
    runs.map(str::len).max().unwrap_or(0)
}

/// Escapes one line of text so that neither Markdown nor HTML interprets it.
pub(crate) fn line(text: &str) -> String {
    let text = printable(text);
    let words: Vec<_> = text.split_whitespace().collect();
    let mut line = String::new();
    for c in words.join(" ").chars() {
        match c {
            '&' => line += "&amp;",
            '<' => line += "&lt;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '>' => {
                line.push('\\');
                line.push(c);
            }
            // At the start of a line it would make a list item, or a heading of the line above.
            '-' | '+' | '=' if line.is_empty() => {
                line.push('\\');
                line.push(c);
            }
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_name_is_markup() {
        assert_eq!(line("a|b <img> `c`\nd_e"), r"a\|b &lt;img\> \`c\` d\_e");
        assert_eq!(line("--- a"), r"\--- a");
    }

    #[test]
    fn a_fence_outlives_what_it_holds() {
        let command = Command::Shell("echo '````'".to_owned());
        let block = commands(&Fix::new("Do:", vec![command])).unwrap();
        assert_eq!(block, "`````sh\necho '````'\n`````");
        assert_eq!(commands(&Fix::say("Nothing to type")), None);
    }
}
