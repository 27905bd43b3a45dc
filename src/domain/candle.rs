use crate::domain::{NonFinite, Observation, finite};

/// One trading bar, labelled by its start and known at its end.
///
/// Prices are in the quote currency of the source (USD or USDT); `low <= open, close <= high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// First price of the bar.
    pub open: f64,
    /// Highest price of the bar.
    pub high: f64,
    /// Lowest price of the bar. May be negative: oil was on 2020-04-20.
    pub low: f64,
    /// Last price of the bar.
    pub close: f64,
    /// Traded amount in coins or shares; `None` if the source does not publish it. An amount in USD is
    /// divided by the close when it is parsed.
    pub volume: Option<f64>,
}

/// A bar with its start and its `known_at` rule, as written to the store.
pub type Candle = Observation<Bar>;

/// The four prices cannot belong to one bar.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InvalidBar {
    /// A price or the volume is not a finite number.
    #[error(transparent)]
    NonFinite(#[from] NonFinite),
    /// The high is below the low, or the open or close lies outside of them.
    #[error("open {open}, high {high}, low {low}, close {close} do not make a bar: low must be the minimum and high the maximum")]
    Disordered {
        /// First price.
        open: f64,
        /// Highest price as given.
        high: f64,
        /// Lowest price as given.
        low: f64,
        /// Last price.
        close: f64,
    },
    /// The volume is below zero.
    #[error("volume {0} is negative")]
    NegativeVolume(f64),
}

impl Bar {
    /// Creates a bar after checking that its prices fit together.
    ///
    /// Publishers round each price separately, so an open or close may exceed high or low by a
    /// relative 1e-6. The extreme is then widened to include it.
    ///
    /// # Errors
    /// [`InvalidBar`] if a number is not finite, the volume is negative, or the prices are disordered.
    pub fn new(open: f64, high: f64, low: f64, close: f64, volume: Option<f64>) -> Result<Self, InvalidBar> {
        for price in [open, high, low, close] {
            finite(price)?;
        }
        if let Some(volume) = volume {
            finite(volume)?;
            if volume < 0.0 {
                return Err(InvalidBar::NegativeVolume(volume));
            }
        }
        let slack = 1e-6 * high.abs().max(low.abs());
        let lowest = open.min(close);
        let highest = open.max(close);
        if high < low || lowest < low - slack || highest > high + slack {
            return Err(InvalidBar::Disordered { open, high, low, close });
        }
        Ok(Self { open, high: high.max(highest), low: low.min(lowest), close, volume })
    }

    /// Returns the bar that covers this one and a later one. Volumes add if both are known.
    #[must_use]
    pub fn join(&self, later: &Self) -> Self {
        Self {
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume.zip(later.volume).map(|(a, b)| a + b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_above_the_high_is_rejected_but_rounding_noise_is_absorbed() {
        assert!(Bar::new(100.0, 101.0, 99.0, 102.0, None).is_err());
        let noisy = Bar::new(100.0, 101.0, 99.0, 101.000_05, None).unwrap();
        assert!((noisy.high - 101.000_05).abs() < 1e-12);
    }

    #[test]
    fn negative_oil_is_a_price_and_nan_is_not() {
        assert!(Bar::new(17.73, 17.85, -40.32, -37.63, None).is_ok());
        assert!(Bar::new(f64::NAN, 1.0, 1.0, 1.0, None).is_err());
        assert!(Bar::new(1.0, 1.0, 1.0, 1.0, Some(-1.0)).is_err());
    }
}
