//! Tables: as wide as the terminal at most; one line a row where nobody watches.

use comfy_table::{Attribute, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table as Inner, Width, presets};

use super::terminal::{Terminal, Tone};
use crate::domain::text::clean;

/// Spaces between columns.
const GAP: usize = 2;

/// The least width to which a column of longer texts is squeezed.
const SQUEEZED: usize = 12;

/// A table in the making.
pub(crate) struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<Cell>>,
    colour: bool,
    width: Option<u16>,
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

impl Cell {
    /// Characters of its longest line.
    fn width(&self) -> usize {
        self.text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
    }

    fn made(&self) -> comfy_table::Cell {
        let made = comfy_table::Cell::new(&self.text);
        let made = if self.right { made.set_alignment(CellAlignment::Right) } else { made };
        match self.tone {
            Some(Tone::Good) => made.fg(Color::DarkGreen),
            Some(Tone::Warn) => made.fg(Color::DarkYellow),
            Some(Tone::Bad) => made.fg(Color::DarkRed),
            Some(Tone::Dim) => made.add_attribute(Attribute::Dim),
            Some(Tone::Strong) => made.add_attribute(Attribute::Bold),
            None => made,
        }
    }
}

impl Table {
    /// A table with these headings.
    pub fn new(terminal: &Terminal, headings: &[&str]) -> Self {
        let headings = headings.iter().map(|&heading| heading.to_owned()).collect();
        Self { headings, rows: Vec::new(), colour: terminal.colour, width: terminal.width }
    }

    /// Adds a row, with a field for each heading.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let one_line = self.width.is_none();
        let shown = |cell: Cell| {
            let text = clean(&cell.text);
            let text = if one_line { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text };
            Cell { text, ..cell }
        };
        self.rows.push(cells.into_iter().map(shown).collect());
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, without spaces at the ends of lines. A column in which nothing stands is left out.
    pub fn show(&self) -> String {
        let told = |column: &usize| self.rows.iter().any(|row| row.get(*column).is_some_and(|cell| !cell.text.is_empty()));
        let columns: Vec<usize> = (0..self.headings.len()).filter(told).collect();
        let mut inner = Inner::new();
        inner.load_style(presets::NOTHING).force_no_tty();
        if self.colour {
            inner.enforce_styling();
        }
        let heading = |column: &usize| comfy_table::Cell::new(&self.headings[*column]).add_attribute(Attribute::Bold);
        inner.set_header(columns.iter().map(heading).collect::<Vec<_>>());
        for row in &self.rows {
            inner.add_row(columns.iter().filter_map(|column| row.get(*column)).map(Cell::made).collect::<Vec<_>>());
        }
        for column in inner.column_iter_mut() {
            column.set_padding((0, 2));
        }
        match self.width {
            Some(width) => {
                inner.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
                for (index, exact) in self.exact(&columns, usize::from(width)).into_iter().enumerate() {
                    if let (Some(exact), Some(column)) = (exact, inner.column_mut(index)) {
                        let exact = u16::try_from(exact + GAP).unwrap_or(u16::MAX);
                        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(exact)));
                    }
                }
            }
            None => {
                inner.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        inner.trim_fmt()
    }

    /// Which columns are as wide as what stands in them. The longest texts are squeezed first; where even that does not help, all are.
    fn exact(&self, columns: &[usize], width: usize) -> Vec<Option<usize>> {
        let natural = |column: &usize| {
            let texts = self.rows.iter().filter_map(|row| row.get(*column)).map(Cell::width).max().unwrap_or(0);
            texts.max(self.headings[*column].chars().count())
        };
        let mut exact: Vec<Option<usize>> = columns.iter().map(natural).map(Some).collect();
        loop {
            let needed: usize = exact.iter().map(|width| width.unwrap_or(SQUEEZED) + GAP).sum();
            if needed <= width {
                return exact;
            }
            match exact.iter_mut().filter(|width| width.is_some_and(|width| width > SQUEEZED)).max() {
                Some(widest) => *widest = None,
                None => return vec![None; exact.len()],
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<u16>) -> String {
        let terminal = Terminal { width, interactive: width.is_some(), ..Terminal::plain() };
        let mut table = Table::new(&terminal, &["ID", "NOTHING", "KIND", "WHY"]);
        let long = "one two three four five six seven eight nine ten\u{1b}[2J\neleven";
        table.row([cell(1), cell(""), cell("build_product"), cell(long)]);
        table.row([cell(22).right(), cell(""), cell("x"), cell("short").tone(Tone::Bad)]);
        table.show()
    }

    #[test]
    fn a_row_is_a_line_where_nobody_watches() {
        let lines = [
            "ID  KIND           WHY",
            "1   build_product  one two three four five six seven eight nine ten[2J eleven",
            "22  x              short",
        ];
        assert_eq!(table(None), lines.join("\n"));
    }

    #[test]
    fn a_table_fits_the_terminal_and_breaks_the_longest_text_first() {
        for width in [120, 80, 50, 40, 33, 20, 12] {
            let shown = table(Some(width));
            assert!(shown.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{shown}");
            assert_eq!(shown.contains("build_product"), width > 32, "{width}:\n{shown}");
        }
    }
}
