//! Numbers and dates as a sentence has them.

use crate::domain::{Period, Timestamp};

const BILLION: f64 = 1e9;
const MILLION: f64 = 1e6;
/// What rounds to the least amount that is written, USD.
const LEAST_USD: f64 = 0.000_05;
/// What rounds to a tenth of a percent.
const LEAST_PCT: f64 = 0.05;

/// `467.6 billion USD`, `72,877 USD`, `0.58 USD`.
pub(in crate::metrics) fn amount(usd: f64) -> String {
    let size = usd.abs();
    let sign = if usd < 0.0 && size >= LEAST_USD { "-" } else { "" };
    match size {
        size if size >= BILLION => format!("{sign}{:.2} billion USD", size / BILLION),
        size if size >= MILLION => format!("{sign}{:.1} million USD", size / MILLION),
        size if size >= 100.0 => format!("{sign}{} USD", thousands(&format!("{size:.0}"))),
        size => format!("{sign}{size:.4} USD"),
    }
}

/// The same with a plus where money came in.
pub(in crate::metrics) fn signed_amount(usd: f64) -> String {
    let plus = if usd >= LEAST_USD { "+" } else { "" };
    format!("{plus}{}", amount(usd))
}

/// `-39.3 %`, `+4.0 %`; `0.0 %` without a sign where nothing is left after rounding.
pub(in crate::metrics) fn percent(pct: f64) -> String {
    if pct.abs() < LEAST_PCT { "0.0 %".to_owned() } else { format!("{pct:+.1} %") }
}

/// `1 rebound has`, `2 rebounds have`.
pub(in crate::metrics) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `3 minutes`, `20 hours`, `12 days`: in the largest unit of which there are two or more, rounded down.
pub(in crate::metrics) fn duration(ms: i64) -> String {
    let units = [(Period::DAY, "day"), (Period::HOUR, "hour"), (Period::MINUTE, "minute")];
    let counted = units.map(|(period, name)| (ms / period.ms(), name));
    let (count, name) = counted.into_iter().find(|(count, _)| *count > 1).unwrap_or((ms / 1_000, "second"));
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// The UTC date.
pub(in crate::metrics) fn date(at: Timestamp) -> String {
    at.date().to_string()
}

fn thousands(digits: &str) -> String {
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_sign_and_one_thing_is_singular() {
        assert_eq!([-0.04, 0.0, 0.049, -0.06].map(percent), ["0.0 %", "0.0 %", "0.0 %", "-0.1 %"]);
        assert_eq!((signed_amount(-0.000_01), signed_amount(0.0)), ("0.0000 USD".to_owned(), "0.0000 USD".to_owned()));
        assert_eq!([0, 1, 2].map(|count| counted(count, "day", "days")), ["0 days", "1 day", "2 days"]);
    }

    #[test]
    fn amounts_read_as_people_write_them() {
        let told: Vec<String> = [-467.6e9, 743e6, 72_877.0, 126_200.0, 0.58, 100.0].map(amount).into();
        let expected = ["-467.60 billion USD", "743.0 million USD", "72,877 USD", "126,200 USD", "0.5800 USD", "100 USD"];
        assert_eq!(told, expected);
        let lengths = [1_000, 60_000, 180_500, 5_400_000, 74_460_000, 172_800_000].map(duration);
        assert_eq!(lengths, ["1 second", "60 seconds", "3 minutes", "90 minutes", "20 hours", "2 days"]);
        assert_eq!((signed_amount(561.8e6), percent(-39.3)), ("+561.8 million USD".to_owned(), "-39.3 %".to_owned()));
    }
}
