//! The dialect of delimited text: its delimiter, the lines before the table, its header.

use crate::domain::Timestamp;
use crate::files::instant::Instants;
use crate::files::table::record;
use crate::files::{DecimalMark, FileError};

/// How many lines decide the delimiter.
const LINES: usize = 50;

/// The most lines before the table.
const LEADING_LINES: usize = 10;

const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// How a text is cut into cells, and where its table begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dialect {
    /// The byte between two cells.
    pub(super) delimiter: u8,
    /// Lines before the header or, without a header, before the first row.
    pub(super) leading_lines: u64,
    /// Lines of the header: 0 to 2.
    pub(super) header_lines: u64,
    /// The names of the columns; `column 1` and so on without a header.
    pub(super) names: Vec<String>,
}

impl Dialect {
    /// Decides the dialect from the beginning of a text.
    ///
    /// # Errors
    /// [`FileError::Delimiter`] if several delimiters fit or none, and `given` names none.
    pub(super) fn of(head: &[u8], given: Option<u8>) -> Result<Self, FileError> {
        let lines: Vec<&[u8]> = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
        let filled: Vec<&[u8]> = lines.iter().copied().filter(|line| is_filled(line)).take(LINES).collect();
        if filled.is_empty() {
            return Err(FileError::Empty);
        }
        let delimiter = given.map_or_else(|| delimiter(&filled), Ok)?;
        let width = usual_width(&filled, delimiter).0;
        let is_leading = |line: &&[u8]| line.starts_with(b"#") || !is_filled(line) || cells(line, delimiter) < width;
        let leading = lines.iter().take_while(|line| is_leading(line)).count();
        let leading = if leading > LEADING_LINES { 0 } else { leading };
        let mut rows = lines.iter().skip(leading).map(|line| record(line, delimiter));
        let first = rows.next().ok_or(FileError::Empty)??;
        let mut names = first.clone();
        let mut header_lines = 0;
        if !states_values(&first) {
            header_lines = 1;
            if let Some(second) = rows.next().transpose()?.filter(|second| completes(&first, second)) {
                header_lines = 2;
                names = first.iter().zip(&second).map(|(one, two)| if one.is_empty() { two } else { one }.clone()).collect();
            }
        }
        if header_lines == 0 {
            names = (1..=first.len()).map(|place| format!("column {place}")).collect();
        }
        Ok(Self { delimiter, leading_lines: leading as u64, header_lines, names })
    }

    /// What was decided that a reader of the report would not expect, in words.
    pub(super) fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        match self.delimiter {
            b'\t' => told.push("cells separated by tabs".to_owned()),
            b',' => {}
            other => told.push(format!("cells separated by `{}`", char::from(other))),
        }
        match self.leading_lines {
            0 => {}
            1 => told.push("1 line before the table left out".to_owned()),
            lines => told.push(format!("{lines} lines before the table left out")),
        }
        if self.header_lines == 0 {
            told.push("no header line".to_owned());
        }
        told
    }
}

fn is_filled(line: &[u8]) -> bool {
    !line.trim_ascii().is_empty()
}

/// The delimiter that gives the same number of cells in more lines than any other.
fn delimiter(lines: &[&[u8]]) -> Result<u8, FileError> {
    let fits = DELIMITERS.map(|delimiter| (usual_width(lines, delimiter), delimiter));
    let best = fits.iter().filter(|((width, _), _)| *width > 1).map(|((_, count), _)| *count).max();
    let best: Vec<u8> =
        fits.iter().filter(|((width, count), _)| *width > 1 && Some(*count) == best).map(|(_, delimiter)| *delimiter).collect();
    match best.as_slice() {
        [only] => Ok(*only),
        several => Err(FileError::Delimiter { candidates: several.iter().map(|byte| char::from(*byte)).collect() }),
    }
}

/// The most frequent number of cells, the larger one of two equally frequent, and in how many lines it occurs. Lines of
/// one cell are no rows of a table.
fn usual_width(lines: &[&[u8]], delimiter: u8) -> (usize, usize) {
    let widths: Vec<usize> = lines.iter().map(|line| cells(line, delimiter)).filter(|width| *width > 1).collect();
    let count = |width: usize| widths.iter().filter(|other| **other == width).count();
    widths.iter().map(|width| (count(*width), *width)).max().map_or((1, 0), |(count, width)| (width, count))
}

fn cells(line: &[u8], delimiter: u8) -> usize {
    let mut in_quotes = false;
    let is_cut = |byte: &&u8| {
        in_quotes ^= **byte == b'"';
        **byte == delimiter && !in_quotes
    };
    line.iter().filter(is_cut).count() + 1
}

/// Whether a line has a cell that is a number or a time, so that it is no header.
fn states_values(cells: &[String]) -> bool {
    let instants = Instants::until(Timestamp::MAX);
    cells.iter().any(|cell| {
        cell.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.' | '('))
            && (DecimalMark::Point.read(cell).is_ok() || DecimalMark::Comma.read(cell).is_ok() || instants.read(cell).is_ok())
    })
}

/// Whether the second line of a header has names where the first is blank.
fn completes(first: &[String], second: &[String]) -> bool {
    let has_gap = first.iter().zip(second).any(|(one, two)| one.is_empty() && !two.is_empty());
    let agrees = first.iter().zip(second).all(|(one, two)| one.is_empty() || two.is_empty());
    has_gap && agrees && first.len() == second.len() && !states_values(second)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("a,b\n1,2\n", b',', 0, 1, &["a", "b"])]
    #[case::semicolons_and_decimal_commas("date;value\n2024-01-01;1,5\n2024-01-02;2,5\n", b';', 0, 1, &["date", "value"])]
    #[case::tabs_beside_words("Date\tOpen\nFeb 6, 2026\t1,000\nFeb 5, 2026\t2,000\n", b'\t', 0, 1, &["Date", "Open"])]
    #[case::quoted_commas("\"Date\",\"Price\"\n\"Aug 17, 2023\",\"28,420.3\"\n", b',', 0, 1, &["Date", "Price"])]
    #[case::address("https://www.example.com\nunix,open\n1,2\n3,4\n", b',', 1, 1, &["unix", "open"])]
    #[case::comment("# made by hand\nunix,open\n1,2\n", b',', 1, 1, &["unix", "open"])]
    #[case::no_header("1381017600,122.0,0.1\n1381104000,123.6,0.1\n", b',', 0, 0, &["column 1", "column 2", "column 3"])]
    #[case::two_lines("\t\tTotal\n\tIBIT\t\n06 Jul 2026\t1\t2\n", b'\t', 0, 2, &["", "IBIT", "Total"])]
    fn the_dialect_is_read_from_the_content(
        #[case] text: &str,
        #[case] delimiter: u8,
        #[case] leading_lines: u64,
        #[case] header_lines: u64,
        #[case] names: &[&str],
    ) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(Dialect::of(text.as_bytes(), None).unwrap(), Dialect { delimiter, leading_lines, header_lines, names });
    }

    #[rstest]
    #[case::one_column("value\n1\n2\n", "no delimiter")]
    #[case::tie("a;b,c\n1;2,3\n", "`;` and `,` both fit")]
    fn doubt_is_refused(#[case] text: &str, #[case] message: &str) {
        let error = Dialect::of(text.as_bytes(), None).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        assert!(Dialect::of(text.as_bytes(), Some(b',')).is_ok());
    }
}
