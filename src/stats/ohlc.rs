//! One bar of prices, the input of the range-based estimators.

/// Open, high, low and close of one bar, in one unit; all positive, low is the minimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ohlc {
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
}

impl Ohlc {
    /// Returns the bar in natural logarithms.
    #[must_use]
    pub fn ln(self) -> Self {
        Self { open: self.open.ln(), high: self.high.ln(), low: self.low.ln(), close: self.close.ln() }
    }
}

/// Returns the log returns between neighbours; the caller ensures that they are adjacent (METHODOLOGY section 0, gaps).
#[must_use]
pub fn log_returns(closes: &[f64]) -> Vec<f64> {
    closes.windows(2).map(|pair| (pair[1] / pair[0]).ln()).collect()
}
