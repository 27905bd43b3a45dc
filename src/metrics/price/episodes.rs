use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Timestamp;
use crate::market::MarketView;
use crate::metrics::paged::ordered;
use crate::metrics::price::drawdown::{method, warn_of_edges};
use crate::metrics::price::price_path::{Basis, PricePath};
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, DrawdownParams, Paged, Query, QueryError, SourceOrder};
use crate::stats::episodes::{Episode, Outcome, Rebound, deepest, rebounds};

/// What is asked about episodes under water.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpisodesParams {
    /// Which path; `basis` is always close here.
    pub path: DrawdownParams,
    /// The least depth of an episode, percent above 0.
    pub min_depth_pct: f64,
    /// The least rise of a rebound, percent above 0.
    pub rebound_pct: f64,
}

/// One fall from a peak and the way back to it (METHODOLOGY sections 1.3 to 1.5 and 1.10).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DrawdownEpisode {
    /// The bar of the peak.
    pub peak_at: Timestamp,
    /// The peak, USD.
    pub peak_usd: f64,
    /// The bar of the lowest close.
    pub trough_at: Timestamp,
    /// The lowest close, USD.
    pub trough_usd: f64,
    /// The first bar that closed at the peak or above; absent while the episode is open.
    pub recovered_at: Option<Timestamp>,
    /// Trough against peak, percent in [-100, 0].
    pub depth_pct: f64,
    /// Days from peak to trough.
    pub decline_days: f64,
    /// Days from trough to recovery; absent while open.
    pub recovery_days: Option<f64>,
    /// Days from peak to recovery, or to the last bar while open.
    pub underwater_days: f64,
    /// The gain that leads from the trough back to the peak, percent.
    pub required_gain_pct: Option<f64>,
    /// Whether the price has not been back at the peak.
    pub open: bool,
    /// Rebounds that were turned back before they reached the peak.
    pub failed_rebounds: usize,
    /// Every rebound of the asked-for size, in the order of time.
    pub rebounds: Vec<ReboundRow>,
}

impl Paged<EpisodesParams> for DrawdownEpisode {
    type Position = (i64, Timestamp);

    fn position(&self, _: &EpisodesParams) -> Self::Position {
        (ordered(self.depth_pct), self.peak_at)
    }
}

/// An episode that the newest row leaves open may have ended since.
impl Statements for Vec<DrawdownEpisode> {
    fn withhold(&mut self, _stale: &StaleInputs) {
        self.retain(|episode| !episode.open);
    }
}

/// One rise inside an episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct ReboundRow {
    /// The bar it rose from.
    pub low_at: Timestamp,
    /// Its highest bar before the peak was regained.
    pub high_at: Timestamp,
    /// The rise, percent.
    pub gain_pct: f64,
    /// How it ended.
    pub state: ReboundState,
    /// The bar at which a failure was certain.
    pub confirmed_at: Option<Timestamp>,
}

/// How a rebound ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReboundState {
    /// It fell back by the threshold before it reached the peak.
    Failed,
    /// It went on to the peak.
    Recovered,
    /// Neither yet.
    Open,
}

/// The episodes under water of an asset, deepest first, of equals the earlier first.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source, an empty window, or bars that cannot be made.
pub fn drawdown_episodes(
    view: &MarketView,
    order: &SourceOrder,
    question: &EpisodesParams,
) -> Result<Answer<Vec<DrawdownEpisode>>, QueryError> {
    let asked = &question.path;
    known_asset(view, &asked.asset)?;
    let span = asked.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    let mut working = Derivation { span: Some(span), ..Derivation::default() };
    let mut rows = Vec::new();
    if let Some(path) = PricePath::find(view, &mut trail, order, &asked.asset, asked.source.as_ref(), (asked.interval, span))? {
        let (times, closes): (Vec<_>, Vec<_>) = path.closes(span).into_iter().unzip();
        let found = deepest(&closes, question.min_depth_pct / 100.0);
        rows = found.iter().map(|episode| row(&times, &closes, episode, question.rebound_pct / 100.0)).collect();
        rows.sort_by_key(|row| row.position(question));
        warn_of_edges(&mut trail, &path, span, closes.len() as u64);
        working.n_obs = Some(closes.len() as u64);
        working.method = Some(method(&path, Basis::Close));
    }
    Ok(trail.answer(rows, working))
}

fn row(times: &[Timestamp], closes: &[f64], episode: &Episode, threshold: f64) -> DrawdownEpisode {
    let rebounds = rebounds(closes, episode, threshold);
    let recovered_at = episode.recovery.map(|index| times[index]);
    DrawdownEpisode {
        peak_at: times[episode.peak],
        peak_usd: episode.peak_value,
        trough_at: times[episode.trough],
        trough_usd: episode.trough_value,
        recovered_at,
        depth_pct: episode.depth() * 100.0,
        decline_days: times[episode.trough].days_since(times[episode.peak]),
        recovery_days: recovered_at.map(|at| at.days_since(times[episode.trough])),
        underwater_days: times[episode.last].days_since(times[episode.peak]),
        required_gain_pct: episode.required_gain().map(|gain| gain * 100.0),
        open: episode.is_open(),
        failed_rebounds: rebounds.iter().filter(|rebound| matches!(rebound.outcome, Outcome::Failed { .. })).count(),
        rebounds: rebounds.iter().map(|rebound| rebound_row(times, rebound)).collect(),
    }
}

fn rebound_row(times: &[Timestamp], rebound: &Rebound) -> ReboundRow {
    let (state, confirmed_at) = match rebound.outcome {
        Outcome::Failed { confirmed_at } => (ReboundState::Failed, Some(times[confirmed_at])),
        Outcome::Recovered => (ReboundState::Recovered, None),
        Outcome::Open => (ReboundState::Open, None),
    };
    ReboundRow { low_at: times[rebound.low], high_at: times[rebound.high], gain_pct: rebound.gain * 100.0, state, confirmed_at }
}

/// Drawdown episodes: peak, trough, recovery.
#[derive(Debug)]
pub enum DrawdownEpisodesQuery {}

impl Query for DrawdownEpisodesQuery {
    type Params = EpisodesParams;
    type Answer = Vec<DrawdownEpisode>;
    const NAME: &'static str = "drawdown/episodes";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        drawdown_episodes(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Asset, Period};
    use crate::metrics::Window;
    use crate::metrics::fixture::{Fixture, at, order};

    #[test]
    fn a_rebound_that_is_sold_is_counted_as_failed() {
        let closes = [100.0, 80.0, 90.0, 75.0, 70.0];
        let days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"];
        let rows: Vec<_> = days.iter().zip(closes).map(|(day, close)| (*day, close, close, close)).collect();
        let view = Fixture::new().bars("candle.btc@x:1d", &rows).cut("2026-01-06");
        let path =
            DrawdownParams { asset: Asset::btc(), source: None, window: Window::ALL, interval: Period::DAY, basis: Basis::Close };
        let question = EpisodesParams { path, min_depth_pct: 5.0, rebound_pct: 10.0 };
        let episodes = drawdown_episodes(&view, &order(), &question).unwrap().data;
        assert_eq!(episodes.len(), 1);
        let episode = &episodes[0];
        assert_eq!((episode.open, episode.failed_rebounds, episode.trough_at), (true, 1, at("2026-01-05")));
        assert_eq!((episode.decline_days, episode.recovery_days), (4.0, None));
        assert_eq!(episode.rebounds[0].state, ReboundState::Failed);
        assert_eq!(episode.rebounds[0].confirmed_at, Some(at("2026-01-04")));
    }
}
