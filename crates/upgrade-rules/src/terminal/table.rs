//! Tables in a text.

use textwrap::core::display_width;

use super::{Piece, Role, Text, padded};

/// The spaces between two columns.
const GAP: &str = "  ";
/// The fewest columns that the last cell of a row is wrapped to.
const NARROWEST: usize = 24;

impl Text {
    /// Adds a table. Its last column is wrapped; where the others leave too little room for that, each row becomes a list.
    pub fn table<R: AsRef<[String]>>(&mut self, heads: &[&str], rows: &[R]) {
        let widths = (0..heads.len()).map(|column| {
            let cells = rows.iter().filter_map(|row| row.as_ref().get(column));
            let cells = cells.map(String::as_str);
            let cells = cells.chain(heads.get(column).copied());
            cells.map(display_width).max().unwrap_or(0)
        });
        let widths: Vec<_> = widths.collect();
        let Some((last, others)) = widths.split_last() else {
            return;
        };
        let before: usize = others.iter().map(|width| width + GAP.len()).sum();
        if before + (*last).min(NARROWEST) > self.width() {
            return self.lists(heads, rows);
        }
        self.row(Role::Heading, heads, others);
        for row in rows {
            let cells: Vec<_> = row.as_ref().iter().map(String::as_str).collect();
            self.row(Role::Prose, &cells, others);
        }
    }

    /// Adds each row as a list of its cells, behind what their columns are called.
    pub fn lists<R: AsRef<[String]>>(&mut self, heads: &[&str], rows: &[R]) {
        let widths = heads.iter().map(|head| display_width(head));
        let width = widths.max().unwrap_or(0);
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                self.blank();
            }
            for (head, cell) in heads.iter().zip(row.as_ref()) {
                let head = Piece::new(Role::Heading, &padded_cell(head, width));
                self.flowing(0, width + GAP.len(), &[head, Piece::prose(cell)]);
            }
        }
    }

    fn row(&mut self, role: Role, cells: &[&str], widths: &[usize]) {
        let padded = cells.iter().zip(widths);
        let start: String = padded
            .map(|(cell, width)| padded_cell(cell, *width))
            .collect();
        let end = cells.last().copied().unwrap_or_default();
        if end.is_empty() {
            return self.verbatim(role, start.trim_end());
        }
        let indent = display_width(&start);
        let mut wrapped = Text::new(self.width().saturating_sub(indent));
        wrapped.flowing(0, 0, &[Piece::new(role, end)]);
        for (index, line) in wrapped.lines().iter().enumerate() {
            let line: String = line.iter().map(Piece::text).collect();
            match index {
                0 => self.verbatim(role, &format!("{start}{line}")),
                _ => self.verbatim(role, &format!("{:indent$}{line}", "")),
            }
        }
    }
}

fn padded_cell(cell: &str, width: usize) -> String {
    padded(cell, width) + GAP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: usize) -> String {
        let rows = [
            ["downgrade", "deny", "a chart that is older than what runs"],
            ["x", "", "日本語"],
        ];
        let rows = rows.map(|row| row.map(str::to_owned));
        let mut text = Text::new(width);
        text.table(&["RULE", "COUNTS", "STOPS"], &rows);
        text.to_string()
    }

    #[test]
    fn the_last_column_is_wrapped() {
        assert_eq!(
            table(48),
            "RULE       COUNTS  STOPS\n\
             downgrade  deny    a chart that is older than\n                   what runs\n\
             x                  日本語\n"
        );
    }

    #[test]
    fn a_row_that_does_not_fit_is_a_list() {
        assert_eq!(
            table(30),
            "RULE    downgrade\nCOUNTS  deny\nSTOPS   a chart that is older\n        than what runs\n\n\
             RULE    x\nCOUNTS\nSTOPS   日本語\n"
        );
    }
}
