use crate::domain::{Bar, RecordedOrder, SeriesKey, Timestamp, Version, Vintage};
use crate::market::Market;
use crate::market::change_log::ChangeLog;
use crate::store::{LoadSink, Store, StoreError};

/// Rows between two progress lines in the log.
const PROGRESS_EVERY_ROWS: u64 = 1_000_000;

/// Builds the first market while the log is read.
#[derive(Debug)]
struct Loader {
    market: Market,
    rows: u64,
    expected_rows: u64,
}

/// Loads the market as of the last commit of `store`.
///
/// Progress is logged, one line per million rows.
///
/// # Errors
/// [`StoreError`] if the store is unreachable or rejects a statement.
pub async fn load(store: &dyn Store) -> Result<Market, StoreError> {
    let expected_rows = store.estimated_rows().await?;
    let mut loader = Loader { market: Market::default(), rows: 0, expected_rows };
    tracing::info!(expected_rows, "loading the market");
    let version = store.load(&mut loader).await?;
    let sources = store.sources().await?;
    tracing::info!(rows = loader.rows, version, "the market is loaded");
    loader.market.version = version;
    loader.market.touched = ChangeLog::after(version);
    Ok(loader.market.with_sources(sources))
}

impl Loader {
    fn progress(&mut self, rows: usize) {
        let before = self.rows / PROGRESS_EVERY_ROWS;
        self.rows += rows as u64;
        if self.rows / PROGRESS_EVERY_ROWS > before {
            tracing::info!(rows = self.rows, expected_rows = self.expected_rows, "loading the market");
        }
    }
}

impl LoadSink for Loader {
    fn readings(&mut self, key: &SeriesKey, rows: Vec<Vintage<f64>>) {
        self.progress(rows.len());
        self.market.add_readings(key, &rows, 0);
    }

    fn candles(&mut self, key: &SeriesKey, rows: Vec<Vintage<Bar>>) {
        self.progress(rows.len());
        self.market.add_candles(key, &rows, 0);
    }

    fn orders(&mut self, rows: Vec<RecordedOrder>) {
        self.progress(rows.len());
        self.market.add_orders(&rows, 0);
    }

    fn commits(&mut self, rows: Vec<(Version, Timestamp)>) {
        self.market.add_commits(&rows);
    }
}
