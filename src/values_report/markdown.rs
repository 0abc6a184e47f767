//! The report as Markdown, for a ticket or a pull request.

use super::{Report, key};
use crate::report::markdown::line;

pub(super) fn print(report: &Report<'_>) -> String {
    let mut parts = vec![format!("## {}", line(&report.headline()))];
    for (hop, groups) in report.hops() {
        parts.push(format!("### {}", line(&report.hop(hop))));
        for group in groups {
            parts.push(format!("**{}**: {}", group.kind.name(), line(group.reason)));
            let keys = group.told.iter();
            let keys = keys.map(|told| {
                format!(
                    "- {}",
                    line(&format!("{}{}", report.place(told), key(told)))
                )
            });
            parts.push(keys.collect::<Vec<_>>().join("\n"));
        }
    }
    parts.join("\n\n") + "\n"
}
