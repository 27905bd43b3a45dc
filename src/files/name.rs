use std::path::Path;

use crate::domain::{Asset, Metric, Period, Source};
use crate::files::FileKind;

/// What a file's name says about its rows: `btc-binance-perp-30m.csv`, `open_interest-eth-coinglass-4h.csv`,
/// `btc-farside.csv`, `orders-binance-2025-12-11.csv`, `btc-deribit-2026-04-28.csv`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NameFacts {
    /// The metric, of series.
    pub metric: Option<Metric>,
    /// The asset; of orders the rows say it.
    pub asset: Option<Asset>,
    /// The source.
    pub source: Option<Source>,
    /// The interval.
    pub interval: Option<Period>,
}

impl NameFacts {
    /// Reads a name piece by piece; pieces that make no sense say nothing.
    #[must_use]
    pub fn of(kind: FileKind, path: &Path) -> Self {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let pieces: Vec<&str> = stem.split('-').collect();
        if kind == FileKind::Orders {
            let source = pieces.get(1).filter(|_| pieces[0] == "orders").and_then(|piece| piece.parse().ok());
            return Self { source, ..Self::default() };
        }
        let (metric, pieces) = match (kind, pieces.as_slice()) {
            (FileKind::Series, [metric, rest @ ..]) => (metric.parse().ok(), rest),
            (_, all) => (None, all),
        };
        let Some((asset, pieces)) = pieces.split_first() else { return Self::default() };
        let is_year = |piece: &str| piece.len() == 4 && piece.bytes().all(|byte| byte.is_ascii_digit());
        let source_ends = pieces.iter().position(|piece| piece.parse::<Period>().is_ok() || is_year(piece));
        let source = pieces[..source_ends.unwrap_or(pieces.len())].join("-");
        Self {
            metric,
            asset: asset.parse().ok(),
            source: source.parse().ok(),
            interval: source_ends.and_then(|at| pieces[at].parse().ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: FileKind, name: &str) -> String {
        let facts = NameFacts::of(kind, Path::new(name));
        let words = [
            facts.metric.map(|metric| metric.to_string()),
            facts.asset.map(|asset| asset.to_string()),
            facts.source.map(|source| source.to_string()),
            facts.interval.map(|interval| interval.to_string()),
        ];
        words.map(|word| word.unwrap_or_else(|| "?".to_owned())).join(" ")
    }

    #[test]
    fn names_say_what_the_rows_are_about() {
        for (kind, name, facts) in [
            (FileKind::Candles, "a/btc-binance-perp-30m.csv", "? btc binance-perp 30m"),
            (FileKind::Candles, "btc-binance-spot-1h-2026.csv", "? btc binance-spot 1h"),
            (FileKind::Series, "fear_greed-total-alternative_me-1d.csv", "fear_greed total alternative_me 1d"),
            (FileKind::EtfFlows, "btc-farside.csv", "? btc farside ?"),
            (FileKind::Liquidations, "btc-binance-4h.csv", "? btc binance 4h"),
            (FileKind::Orders, "orders-binance-2025-12-11.csv", "? ? binance ?"),
            (FileKind::Options, "btc-deribit-2026-04-28T2134.csv", "? btc deribit ?"),
            (FileKind::Candles, "Export (1).csv", "? ? ? ?"),
            (FileKind::Series, "", "? ? ? ?"),
        ] {
            assert_eq!(said(kind, name), facts, "{name}");
        }
    }
}
