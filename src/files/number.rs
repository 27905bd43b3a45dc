//! Numbers as publishers write them: thousands separators, decimal commas, suffixes, brackets.

use crate::domain::finite;
use crate::files::RowFault;

/// The character before the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalMark {
    /// `1,234.5`.
    #[default]
    Point,
    /// `1.234,5`.
    Comma,
}

/// Cells that state nothing, in lower case.
const BLANK: [&str; 9] = ["", "-", "\u{2013}", ".", "nan", "null", "none", "n/a", "#n/a"];

/// Separators of thousands that no decimal can be mistaken for.
const SPACES: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\''];

/// Whether a trimmed cell states nothing.
pub(super) fn is_blank(text: &str) -> bool {
    text.len() <= 4 && BLANK.iter().any(|word| text.eq_ignore_ascii_case(word))
}

impl DecimalMark {
    /// The decimal mark that the cells of a file prove; `None` if they contain no mark at all.
    ///
    /// # Errors
    /// The cell that can be read either way, if nothing else decides, or that contradicts another one.
    pub(super) fn decide<'a>(cells: impl Iterator<Item = &'a str>) -> Result<Option<Self>, String> {
        let (mut proven, mut doubtful) = (None, None);
        for cell in cells {
            match evidence(cell) {
                Evidence::None => {}
                Evidence::Doubtful => doubtful = doubtful.or(Some(cell)),
                Evidence::Proof(mark) if proven.is_some_and(|known| known != mark) => return Err(cell.to_owned()),
                Evidence::Proof(mark) => proven = Some(mark),
            }
        }
        match (proven, doubtful) {
            (None, Some(cell)) => Err(cell.to_owned()),
            _ => Ok(proven),
        }
    }

    /// The number in a trimmed cell that is not blank.
    pub(super) fn read(self, text: &str) -> Result<f64, RowFault> {
        if self == Self::Point && is_plain(text) {
            return checked(text, text.parse().ok());
        }
        checked(text, self.scaled(text))
    }

    /// Reads signs, currency, suffix and separators.
    fn scaled(self, text: &str) -> Option<f64> {
        let (text, is_bracketed) = match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            Some(inner) => (inner.trim(), true),
            None => (text, false),
        };
        let (text, is_negative) = match text.strip_prefix(['-', '\u{2212}']) {
            Some(rest) => (rest.trim_start(), true),
            None => (text, false),
        };
        let text = text.strip_prefix('$').unwrap_or(text).trim();
        let (text, scale) = match text.bytes().last()? {
            b'K' | b'k' => (&text[..text.len() - 1], 1e3),
            b'M' => (&text[..text.len() - 1], 1e6),
            b'B' => (&text[..text.len() - 1], 1e9),
            b'T' => (&text[..text.len() - 1], 1e12),
            _ => (text, 1.0),
        };
        let number = self.ungrouped(text.trim_end())?.parse::<f64>().ok()?;
        Some(if is_bracketed || is_negative { -number * scale } else { number * scale })
    }

    /// Removes the separators of thousands, which stand before groups of three digits.
    fn ungrouped(self, text: &str) -> Option<String> {
        let (decimal, separator) = match self {
            Self::Point => ('.', ','),
            Self::Comma => (',', '.'),
        };
        let (whole, decimals) = text.split_once(decimal).map_or((text, None), |(whole, decimals)| (whole, Some(decimals)));
        let mut groups = whole.split(|letter| letter == separator || SPACES.contains(&letter));
        let first = groups.next()?;
        let mut plain = first.to_owned();
        for group in groups {
            if group.len() != 3 || !(1..=3).contains(&first.len()) {
                return None;
            }
            plain.push_str(group);
        }
        if let Some(decimals) = decimals {
            plain.push('.');
            plain.push_str(decimals);
        }
        Some(plain)
    }
}

/// What a cell proves about the decimal mark.
enum Evidence {
    None,
    Doubtful,
    Proof(DecimalMark),
}

fn evidence(cell: &str) -> Evidence {
    let text = cell.trim_matches(|letter: char| !letter.is_ascii_digit() && !matches!(letter, '.' | ','));
    let (points, commas) = (text.matches('.').count(), text.matches(',').count());
    match (points, commas) {
        (0, 0) => Evidence::None,
        (0, 1) => of_one_mark(text, ',', DecimalMark::Comma),
        (1, 0) => of_one_mark(text, '.', DecimalMark::Point),
        (0, _) => Evidence::Proof(DecimalMark::Point),
        (_, 0) => Evidence::Proof(DecimalMark::Comma),
        _ if text.rfind('.') > text.rfind(',') => Evidence::Proof(DecimalMark::Point),
        _ => Evidence::Proof(DecimalMark::Comma),
    }
}

/// A single mark before exactly three digits can be either; a point is then taken for a decimal, as in most files.
fn of_one_mark(text: &str, mark: char, decimal: DecimalMark) -> Evidence {
    let Some((whole, rest)) = text.split_once(mark) else { return Evidence::None };
    let is_group = rest.len() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit());
    let may_be_grouped = is_group && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    match (may_be_grouped, decimal) {
        (false, _) => Evidence::Proof(decimal),
        (true, DecimalMark::Comma) => Evidence::Doubtful,
        (true, DecimalMark::Point) => Evidence::None,
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'))
}

fn checked(text: &str, number: Option<f64>) -> Result<f64, RowFault> {
    let number = number.or_else(|| text.parse().ok()).ok_or_else(|| RowFault::Number(text.to_owned()))?;
    Ok(finite(number)?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("28420.3", DecimalMark::Point, 28_420.3)]
    #[case::exponent("-5.82e-06", DecimalMark::Point, -5.82e-6)]
    #[case::grouped("28,420.3", DecimalMark::Point, 28_420.3)]
    #[case::german("28.420,3", DecimalMark::Comma, 28_420.3)]
    #[case::thousands("57.32K", DecimalMark::Point, 57_320.0)]
    #[case::german_thousands("57,32K", DecimalMark::Comma, 57_320.0)]
    #[case::billions("1.04B", DecimalMark::Point, 1.04e9)]
    #[case::bracketed("(1,113.7)", DecimalMark::Point, -1_113.7)]
    #[case::unicode_minus("\u{2212}36.98", DecimalMark::Point, -36.98)]
    #[case::dollars("$78.19", DecimalMark::Point, 78.19)]
    #[case::long_decimals("0.000000944495122962963", DecimalMark::Point, 9.444_951_229_629_63e-7)]
    fn a_number_is_read_as_it_is_written(#[case] text: &str, #[case] mark: DecimalMark, #[case] expected: f64) {
        let number = mark.read(text).unwrap();
        assert!((number - expected).abs() <= 1e-12 * expected.abs(), "{number}");
    }

    #[rstest]
    #[case("two", "`two` is not a number")]
    #[case("1,23,456", "`1,23,456` is not a number")]
    #[case("€5", "`€5` is not a number")]
    #[case("5%", "`5%` is not a number")]
    #[case("inf", "inf is not a finite number")]
    fn what_is_no_number_is_refused(#[case] text: &str, #[case] message: &str) {
        assert_eq!(DecimalMark::Point.read(text).unwrap_err().to_string(), message);
    }

    #[rstest]
    #[case::both(&["28.726,3", "1"], Ok(Some(DecimalMark::Comma)))]
    #[case::short_comma(&["1,234", "0,43"], Ok(Some(DecimalMark::Comma)))]
    #[case::many_commas(&["11,668,451,362"], Ok(Some(DecimalMark::Point)))]
    #[case::point_decides(&["1,234", "0.5"], Ok(Some(DecimalMark::Point)))]
    #[case::three_decimals(&["4.135"], Ok(None))]
    #[case::whole(&["12", "-"], Ok(None))]
    #[case::doubtful(&["1,234", "5,678"], Err("1,234"))]
    #[case::mixed(&["1.5", "2,5"], Err("2,5"))]
    fn the_column_decides_and_doubt_is_returned(#[case] cells: &[&str], #[case] expected: Result<Option<DecimalMark>, &str>) {
        let decided = DecimalMark::decide(cells.iter().copied());
        assert_eq!(decided, expected.map_err(str::to_owned));
    }

    #[test]
    fn blanks_state_nothing() {
        assert!(["", "-", ".", "NaN", "null", "None", "N/A", "#N/A"].into_iter().all(is_blank));
        assert!(!is_blank("0") && !is_blank("-1"));
    }
}
