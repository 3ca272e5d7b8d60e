//! Tables: as wide as the terminal at most; one line a row where nobody watches.

use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement, Table as Inner, presets};

use super::terminal::{Terminal, Tone};
use crate::domain::text::clean;

/// A table in the making.
pub(crate) struct Table {
    inner: Inner,
    one_line: bool,
}

/// A field of a table.
pub(crate) struct Cell {
    text: String,
    tone: Option<Tone>,
    right: bool,
}

/// A field with this text.
pub(crate) fn cell(text: impl ToString) -> Cell {
    Cell { text: text.to_string(), tone: None, right: false }
}

impl Cell {
    /// Shown in this tone.
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = Some(tone);
        self
    }

    /// Shown at the right, as numbers are.
    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }
}

impl Table {
    /// A table with these headings.
    pub fn new(terminal: &Terminal, headings: &[&str]) -> Self {
        let mut inner = Inner::new();
        inner.load_style(presets::NOTHING).force_no_tty();
        if terminal.colour {
            inner.enforce_styling();
        }
        match terminal.width {
            Some(width) => inner.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => inner.set_content_arrangement(ContentArrangement::Disabled),
        };
        inner.set_header(headings.iter().map(|heading| comfy_table::Cell::new(heading).add_attribute(Attribute::Bold)));
        Self { inner, one_line: terminal.width.is_none() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells = cells.into_iter().map(|cell| {
            let text = clean(&cell.text);
            let text = if self.one_line { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text };
            let made = comfy_table::Cell::new(text);
            let made = if cell.right { made.set_alignment(CellAlignment::Right) } else { made };
            match cell.tone {
                Some(Tone::Good) => made.fg(Color::DarkGreen),
                Some(Tone::Warn) => made.fg(Color::DarkYellow),
                Some(Tone::Bad) => made.fg(Color::DarkRed),
                Some(Tone::Dim) => made.add_attribute(Attribute::Dim),
                Some(Tone::Strong) => made.add_attribute(Attribute::Bold),
                None => made,
            }
        });
        self.inner.add_row(cells.collect::<Vec<_>>());
    }

    /// The table as text, without spaces at the ends of lines.
    pub fn show(&mut self) -> String {
        for column in self.inner.column_iter_mut() {
            column.set_padding((0, 2));
        }
        self.inner.trim_fmt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<u16>) -> String {
        let terminal = Terminal { width, interactive: width.is_some(), ..Terminal::plain() };
        let mut table = Table::new(&terminal, &["ID", "WHY"]);
        table.row([cell(1), cell("one two three four five six seven eight nine ten\u{1b}[2J\neleven")]);
        table.row([cell(22).right(), cell("short").tone(Tone::Bad)]);
        table.show()
    }

    #[test]
    fn a_row_is_a_line_where_nobody_watches() {
        assert_eq!(table(None), "ID  WHY\n1   one two three four five six seven eight nine ten[2J eleven\n22  short");
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let shown = table(Some(30));
        assert!(shown.lines().count() > 3, "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() <= 30), "{shown}");
    }
}
