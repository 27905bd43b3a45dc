use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{Asset, Metric, Period, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::etf::figures::{
    EtfDayFlow, EtfDirection, EtfExtreme, EtfFlows, EtfFlowsRow, EtfFundFlow, EtfFundRow, EtfStreak,
};
use crate::metrics::etf::trading_days::{EXPECTED_FOR_DAYS, EtfDay, EtfFunds, EtfStatus};
use crate::metrics::liveness::CLOSED_MARKET_MS;
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::source_order::{Candidates, Need};
use crate::metrics::{
    Answer, Context, Length, Method, Query, QueryError, SourceOrder, Span, WarningCode, Window, WindowCoverage,
};
use crate::stats::flows;
use crate::stats::moments::Moments;
use crate::stats::real;
use crate::stats::sum::sum;

/// Trading days over which flips, choppiness and efficiency look.
const CHOPPINESS_DAYS: usize = 20;
/// Trading days before the last that make the baseline of the z-score.
const BASELINE_DAYS: usize = 60;
/// Trading days the baseline needs.
const LEAST_BASELINE: usize = 20;
/// The last two trading days and those before them that tell which funds are expected to report.
const LAST_DAYS: usize = 2 + EXPECTED_FOR_DAYS;
/// Stands for every trading day on record.
const ALL_DAYS: usize = usize::MAX;

/// What is asked about ETF flows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EtfFlowsParams {
    /// Of the funds that hold this asset.
    pub asset: Asset,
    /// According to whom; the first source in the configured order where none is named.
    pub source: Option<Source>,
    /// Which span; `5d` means the last five trading days.
    pub window: Window,
}

/// Net flows of the funds of an asset.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source, or an empty window.
pub fn etf_flows(view: &MarketView, order: &SourceOrder, question: &EtfFlowsParams) -> Result<Answer<EtfFlows>, QueryError> {
    let (mut trail, days) = open(view, order, question, ALL_DAYS)?;
    let window = in_window(view, question, &days)?;
    let mut figures = EtfFlows { covered: covered(window, view.as_of()), ..EtfFlows::default() };
    fill_streak_from_recent(&mut trail, &days, window, &mut figures);
    fill_flips(&mut trail, &days, &mut figures);
    fill_history(&days, &mut figures);
    fill_window(window, &mut figures);
    let n_obs = Some(window.len() as u64);
    Ok(trail.answer(figures, Derivation { n_obs, ..working(view, question, window)? }))
}

/// What [`etf_flows`] says of the last `trading_days`, without the figures that look beyond them and
/// those of single funds and days: the flow of the window, and the last two days.
///
/// # Errors
/// As [`etf_flows`].
pub(in crate::metrics) fn etf_flows_lately(
    view: &MarketView,
    order: &SourceOrder,
    asset: &Asset,
    trading_days: u16,
) -> Result<Answer<EtfFlows>, QueryError> {
    let question = EtfFlowsParams { asset: asset.clone(), source: None, window: Window::days(i64::from(trading_days)) };
    let (mut trail, days) = open(view, order, &question, usize::from(trading_days).max(LAST_DAYS))?;
    let window = in_window(view, &question, &days)?;
    let mut figures = EtfFlows::default();
    fill_streak_from_recent(&mut trail, &days, window, &mut figures);
    Ok(trail.answer(figures, working(view, &question, window)?))
}

/// The course of flows by day or week.
///
/// # Errors
/// As [`etf_flows`].
pub fn etf_flows_series(
    view: &MarketView,
    order: &SourceOrder,
    question: &EtfFlowsParams,
    weekly: bool,
) -> Result<Answer<Vec<EtfFlowsRow>>, QueryError> {
    let (trail, days) = open(view, order, question, ALL_DAYS)?;
    let window = in_window(view, question, &days)?;
    let before: f64 = sum(days[..days.len() - window.len()].iter().map(EtfDay::net_flow_usd));
    let mut rows: Vec<EtfFlowsRow> = Vec::new();
    let mut cumulative_usd = before;
    for day in window {
        let net_flow_usd = day.net_flow_usd();
        cumulative_usd += net_flow_usd;
        let trading_day = if weekly { Period::WEEK.start_of(day.at) } else { day.at }.date();
        match rows.last_mut().filter(|row| row.trading_day == trading_day) {
            Some(row) => {
                *row = EtfFlowsRow { net_flow_usd: row.net_flow_usd + net_flow_usd, cumulative_usd, status: day.status, ..*row }
            }
            None => rows.push(EtfFlowsRow { trading_day, net_flow_usd, cumulative_usd, status: day.status }),
        }
    }
    Ok(trail.answer(rows, working(view, question, window)?))
}

/// Every fund on every trading day of the window, newest day first.
///
/// # Errors
/// As [`etf_flows`].
pub fn etf_funds(
    view: &MarketView,
    order: &SourceOrder,
    question: &EtfFlowsParams,
) -> Result<Answer<Vec<EtfFundRow>>, QueryError> {
    let (trail, days) = open(view, order, question, ALL_DAYS)?;
    let window = in_window(view, question, &days)?;
    let rows = window.iter().rev().flat_map(fund_rows).collect();
    Ok(trail.answer(rows, working(view, question, window)?))
}

fn fund_rows(day: &EtfDay<'_>) -> Vec<EtfFundRow> {
    let trading_day = day.at.date();
    let reported = day.cells.iter().map(|cell| EtfFundRow {
        fund: cell.fund.to_owned(),
        trading_day,
        flow_usd: Some(cell.flow_usd),
        status: if day.pending_funds.iter().any(|fund| fund == cell.fund) { EtfStatus::Preliminary } else { day.status },
        known_at: Some(cell.known_at),
    });
    let awaited = day.pending_funds.iter().filter(|fund| day.cells.iter().all(|cell| cell.fund != *fund)).map(|fund| {
        EtfFundRow { fund: fund.clone(), trading_day, flow_usd: None, status: EtfStatus::Preliminary, known_at: None }
    });
    let unreadable = day.unreadable_funds.iter().map(|fund| EtfFundRow {
        fund: fund.clone(),
        trading_day,
        flow_usd: None,
        status: EtfStatus::Unreadable,
        known_at: None,
    });
    let mut rows: Vec<_> = reported.chain(awaited).chain(unreadable).collect();
    rows.sort_by(|a, b| a.fund.cmp(&b.fund));
    rows
}

/// What was read, and the last trading days: so many at least, or all there are.
fn open<'a>(
    view: &'a MarketView,
    order: &SourceOrder,
    question: &EtfFlowsParams,
    least_days: usize,
) -> Result<(Provenance<'a>, Vec<EtfDay<'a>>), QueryError> {
    known_asset(view, &question.asset)?;
    let mut trail = Provenance::until(view, question.window.resolve(view.as_of())?.to);
    let candidates = Candidates::at(trail.at()).with(view.readings(Metric::EtfFlow, &question.asset));
    let choice = order.choose(&mut trail, &candidates, question.source.as_ref(), Need::History)?;
    let funds = choice.map(|choice| EtfFunds::open(view, &mut trail, &question.asset, &choice.source));
    // One more, since the last may have no report yet.
    let mut days = funds.map(|funds| funds.last_days(least_days.saturating_add(1))).unwrap_or_default();
    days.retain(|day| {
        if !day.has_reports() {
            trail.warn(WarningCode::Provisional, format!("no fund has reported for {} yet", day.at.date()));
        }
        day.has_reports()
    });
    Ok((trail, days))
}

/// The days of the window: the last so many trading days, or those whose date lies between two moments.
fn in_window<'a, 'd>(
    view: &MarketView,
    question: &EtfFlowsParams,
    days: &'d [EtfDay<'a>],
) -> Result<&'d [EtfDay<'a>], QueryError> {
    if let Window::Last(Length::Ms(ms)) = question.window {
        let count = usize::try_from(ms / Period::DAY.ms()).unwrap_or(usize::MAX).max(1);
        return Ok(&days[days.len().saturating_sub(count)..]);
    }
    let span = question.window.resolve(view.as_of())?;
    let from = days.partition_point(|day| day.at < span.from.day_start());
    let to = days.partition_point(|day| day.at <= span.to);
    Ok(&days[from..to.max(from)])
}

/// Trading days reach farther back than as many calendar days: a window of them begins with its first day.
fn working(view: &MarketView, question: &EtfFlowsParams, window: &[EtfDay<'_>]) -> Result<Derivation, QueryError> {
    let method = Method { name: "etf_flows", version: 2, interval: Some(Period::DAY.to_string()), basis: None };
    let asked = question.window.resolve(view.as_of())?;
    let first = window.first().filter(|_| matches!(question.window, Window::Last(_)));
    let span = Span { from: first.map_or(asked.from, |day| day.at), ..asked };
    Ok(Derivation { span: Some(span), method: Some(method), ..Derivation::default() })
}

fn day_flow(day: &EtfDay<'_>) -> EtfDayFlow {
    EtfDayFlow {
        trading_day: day.at.date(),
        net_flow_usd: day.net_flow_usd(),
        status: day.status,
        known_at: day.known_at(),
        pending_funds: day.pending_funds.clone(),
        unreadable_funds: day.unreadable_funds.clone(),
        stated_total_usd: day.stated_total_usd,
    }
}

fn fill_days(trail: &mut Provenance<'_>, latest: &EtfDay<'_>, previous: Option<&EtfDay<'_>>, figures: &mut EtfFlows) {
    if latest.status == EtfStatus::Preliminary && latest.unreadable_funds.is_empty() {
        trail.warn(WarningCode::Provisional, format!("funds are still reporting for {}", latest.at.date()));
    }
    figures.latest = Some(day_flow(latest));
    figures.previous = previous.map(day_flow);
    let Some(before) = previous.map(EtfDay::net_flow_usd) else {
        trail.warn(WarningCode::InsufficientHistory, "one trading day is known, and none before it to compare with");
        return;
    };
    let now = latest.net_flow_usd();
    figures.reversal = Some(now * before < 0.0);
    figures.offset_ratio = (before.abs() > 0.0).then(|| -now / before);
}

/// Fills the flow of the window and what the last two trading days say.
fn fill_streak_from_recent(trail: &mut Provenance<'_>, days: &[EtfDay<'_>], window: &[EtfDay<'_>], figures: &mut EtfFlows) {
    let Some(latest) = days.last() else { return };
    fill_days(trail, latest, days.iter().rev().nth(1), figures);
    figures.net_flow_usd = (!window.is_empty()).then(|| sum(window.iter().map(EtfDay::net_flow_usd)));
    warn_of_gaps(trail, window);
    warn_of_cells(trail, window);
}

/// How many of the reports that are due there are.
fn covered(window: &[EtfDay<'_>], as_of: Timestamp) -> Option<WindowCoverage> {
    let (first, last) = window.first().zip(window.last())?;
    let there: usize = window.iter().map(EtfDay::reports).sum();
    let missing: usize = window.iter().map(|day| day.pending_funds.len() + day.unreadable_funds.len()).sum();
    let ratio = real(there) / real(there + missing);
    Some(WindowCoverage { from: Some(first.at), to: Some(last.at.plus_days(1).min(as_of)), ratio })
}

/// Names the days of the window whose cells cannot be read, or whose funds do not add up to the publisher's own sum.
fn warn_of_cells(trail: &mut Provenance<'_>, window: &[EtfDay<'_>]) {
    for day in window {
        let date = day.at.date();
        if !day.unreadable_funds.is_empty() {
            let funds = day.unreadable_funds.join(", ");
            trail.warn(WarningCode::Provisional, format!("the figure of {funds} on {date} cannot be read: it is left out"));
        }
        if let Some(stated) = day.stated_total_usd.filter(|_| day.differs_from_stated()) {
            let sum = day.net_flow_usd();
            let detail = format!("the publisher states {stated:.0} USD for {date}, its funds add up to {sum:.0}");
            trail.warn(WarningCode::Provisional, detail);
        }
    }
}

/// Fills how often and how far the flow turned of late.
fn fill_flips(trail: &mut Provenance<'_>, days: &[EtfDay<'_>], figures: &mut EtfFlows) {
    let looked_at = &days[days.len().saturating_sub(BASELINE_DAYS + 1)..];
    let daily: Vec<f64> = looked_at.iter().map(EtfDay::net_flow_usd).collect();
    let Some((latest, baseline)) = daily.split_last() else { return };
    let lately = &daily[daily.len().saturating_sub(CHOPPINESS_DAYS)..];
    figures.flips = Some(flows::flips(lately));
    figures.choppiness_ratio = flows::choppiness(lately);
    figures.efficiency_ratio = flows::efficiency_ratio(lately);
    if baseline.len() < LEAST_BASELINE {
        let detail = format!("zscore needs {LEAST_BASELINE} earlier trading days, {} are known", baseline.len());
        trail.warn(WarningCode::InsufficientHistory, detail);
        return;
    }
    let moments: Moments = baseline.iter().copied().collect();
    figures.zscore = moments.z_score(*latest);
    if figures.zscore.is_none() {
        trail.warn(WarningCode::ZeroVariance, "zscore needs earlier trading days that differ");
    }
}

/// Fills what all trading days on record say together.
fn fill_history(days: &[EtfDay<'_>], figures: &mut EtfFlows) {
    if days.is_empty() {
        return;
    }
    let daily: Vec<f64> = days.iter().map(EtfDay::net_flow_usd).collect();
    let streak = flows::streak(&daily);
    let direction = match streak.total {
        total if total > 0.0 => EtfDirection::Inflow,
        total if total < 0.0 => EtfDirection::Outflow,
        _ => EtfDirection::None,
    };
    figures.streak = Some(EtfStreak { direction, days: streak.days, net_flow_usd: streak.total });
    figures.cumulative_usd = Some(sum(daily));
}

/// Names where trading days of the window must be missing: no exchange is closed that long.
fn warn_of_gaps(trail: &mut Provenance<'_>, window: &[EtfDay<'_>]) {
    for pair in window.windows(2) {
        if pair[1].at.ms_since(pair[0].at) > Period::DAY.ms() + CLOSED_MARKET_MS {
            let detail = format!("no trading day is known between {} and {}", pair[0].at.date(), pair[1].at.date());
            trail.warn(WarningCode::Gap, detail);
        }
    }
}

/// Fills the days and funds of the window that stand out.
fn fill_window(window: &[EtfDay<'_>], figures: &mut EtfFlows) {
    let extreme = |day: &EtfDay<'_>| EtfExtreme { trading_day: day.at.date(), net_flow_usd: day.net_flow_usd() };
    let by_flow = |a: &EtfExtreme, b: &EtfExtreme| a.net_flow_usd.total_cmp(&b.net_flow_usd);
    figures.largest_inflow = window.iter().map(extreme).max_by(by_flow).filter(|day| day.net_flow_usd > 0.0);
    figures.largest_outflow = window.iter().map(extreme).min_by(by_flow).filter(|day| day.net_flow_usd < 0.0);
    let mut funds: BTreeMap<&str, f64> = BTreeMap::new();
    for cell in window.iter().flat_map(|day| &day.cells) {
        *funds.entry(cell.fund).or_default() += cell.flow_usd;
    }
    figures.by_fund = funds.into_iter().map(|(fund, net_flow_usd)| EtfFundFlow { fund: fund.to_owned(), net_flow_usd }).collect();
    figures.by_fund.sort_by(|a, b| b.net_flow_usd.total_cmp(&a.net_flow_usd));
}

/// Net flows of funds.
#[derive(Debug)]
pub enum EtfFlowsQuery {}

impl Query for EtfFlowsQuery {
    type Params = EtfFlowsParams;
    type Answer = EtfFlows;
    const NAME: &'static str = "etf-flows";

    fn is_light(_: &Self::Params, _: &MarketView) -> bool {
        true
    }

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        etf_flows(cx.view, cx.source_order, params)
    }
}

/// Parameters of [`EtfFlowsSeriesQuery`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EtfFlowsSeriesParams {
    /// The funds and the window.
    pub flows: EtfFlowsParams,
    /// True if a row is a week, false if it is a trading day.
    pub weekly: bool,
}

/// Net flows by trading day or week.
#[derive(Debug)]
pub enum EtfFlowsSeriesQuery {}

impl Query for EtfFlowsSeriesQuery {
    type Params = EtfFlowsSeriesParams;
    type Answer = Vec<EtfFlowsRow>;
    const NAME: &'static str = "etf-flows/series";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        etf_flows_series(cx.view, cx.source_order, &params.flows, params.weekly)
    }
}

/// Flows by fund and trading day.
#[derive(Debug)]
pub enum EtfFundsQuery {}

impl Query for EtfFundsQuery {
    type Params = EtfFlowsParams;
    type Answer = Vec<EtfFundRow>;
    const NAME: &'static str = "etf-flows/funds";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        etf_funds(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::metrics::Warning;
    use crate::metrics::fixture::{Fixture, at, order};

    /// Two funds; on the second day both write a zero first and report late in the night.
    fn fixture() -> Fixture {
        Fixture::new()
            .vintages(
                "etf_flow.btc.AAA@f",
                &[
                    ("2026-02-02", "2026-02-03T01:00:00Z", 500.0),
                    ("2026-02-03", "2026-02-03T15:00:00Z", 0.0),
                    ("2026-02-03", "2026-02-04T02:00:00Z", -300.0),
                ],
            )
            .vintages(
                "etf_flow.btc.BBB@f",
                &[
                    ("2026-02-02", "2026-02-03T03:00:00Z", 60.0),
                    ("2026-02-03", "2026-02-03T15:00:00Z", 0.0),
                    ("2026-02-03", "2026-02-04T05:00:00Z", 30.0),
                ],
            )
    }

    fn ask(as_of: &str) -> Answer<EtfFlows> {
        let question = EtfFlowsParams { asset: Asset::btc(), source: None, window: Window::days(5) };
        etf_flows(&fixture().cut(as_of), &order(), &question).unwrap()
    }

    #[test]
    fn the_night_of_a_day_is_preliminary_whatever_the_publisher_writes() {
        let night = ask("2026-02-04T02:01:00Z");
        let latest = night.data.latest.unwrap();
        assert_eq!((latest.net_flow_usd, latest.status), (-300.0, EtfStatus::Preliminary));
        assert_eq!(latest.pending_funds, ["BBB"]);
        assert!(night.warnings.iter().any(|w| w.code == WarningCode::Provisional));
        assert_eq!(night.meta.window.unwrap().from, at("2026-02-02"));
    }

    #[test]
    fn a_day_of_which_no_fund_has_reported_is_not_the_latest() {
        let afternoon = ask("2026-02-03T16:10:00Z");
        let latest = afternoon.data.latest.unwrap();
        assert_eq!((latest.trading_day.to_string(), latest.net_flow_usd), ("2026-02-02".to_owned(), 560.0));
        let warnings: Vec<&str> = afternoon.warnings.iter().map(|warning| warning.detail.as_str()).collect();
        assert!(warnings.contains(&"no fund has reported for 2026-02-03 yet"), "{warnings:?}");
        assert_eq!(ask("2026-02-04T02:01:00Z").data.covered.map(|covered| covered.ratio), Some(0.75));
    }

    #[test]
    fn a_cell_that_cannot_be_read_leaves_its_day_open_and_the_stated_sum_is_compared() {
        let question = EtfFlowsParams { asset: Asset::btc(), source: None, window: Window::days(5) };
        let marked = |mark: f64| {
            let fixture = fixture()
                .vintages("etf_unreadable.btc.BBB@f", &[("2026-02-03", "2026-02-04T06:00:00Z", mark)])
                .readings("etf_flow_total.btc@f", &[("2026-02-03", 9e6)]);
            fixture.cut("2026-02-10")
        };
        let answer = etf_flows(&marked(1.0), &order(), &question).unwrap();
        let latest = answer.data.latest.unwrap();
        assert_eq!((latest.net_flow_usd, latest.status), (-300.0, EtfStatus::Preliminary));
        assert_eq!((latest.unreadable_funds, latest.stated_total_usd), (vec!["BBB".to_owned()], Some(9e6)));
        let details: Vec<&str> = answer.warnings.iter().map(|warning| warning.detail.as_str()).collect();
        assert!(details.iter().any(|detail| detail.starts_with("the figure of BBB on 2026-02-03 cannot be read")), "{details:?}");
        assert!(details.iter().any(|detail| detail.contains("states 9000000 USD")), "{details:?}");
        let rows = etf_funds(&marked(1.0), &order(), &question).unwrap().data;
        assert!(rows.iter().any(|row| row.fund == "BBB" && row.status == EtfStatus::Unreadable && row.flow_usd.is_none()));
        let read = etf_flows(&marked(0.0), &order(), &question).unwrap().data.latest.unwrap();
        assert_eq!((read.net_flow_usd, read.status), (-270.0, EtfStatus::Final));
    }

    #[test]
    fn the_morning_after_is_final_and_tells_the_reversal() {
        let figures = ask("2026-02-04T08:00:00Z").data;
        let latest = figures.latest.unwrap();
        assert_eq!((latest.net_flow_usd, latest.status), (-270.0, EtfStatus::Final));
        assert_eq!((figures.previous.unwrap().net_flow_usd, figures.reversal), (560.0, Some(true)));
        assert!((figures.offset_ratio.unwrap() - 270.0 / 560.0).abs() < 1e-12);
        assert_eq!((figures.net_flow_usd, figures.cumulative_usd), (Some(290.0), Some(290.0)));
        let streak = figures.streak.unwrap();
        assert_eq!((streak.direction, streak.days), (EtfDirection::Outflow, 1));
    }

    #[test]
    fn a_fund_that_is_silent_is_awaited_and_given_up_after_four_days() {
        let fixture = || {
            Fixture::new()
                .readings("etf_flow.btc.AAA@f", &[("2026-02-02", 1.0), ("2026-02-03", 2.0)])
                .readings("etf_flow.btc.BBB@f", &[("2026-02-02", 5.0)])
        };
        let question = EtfFlowsParams { asset: Asset::btc(), source: None, window: Window::days(5) };
        let awaited = etf_flows(&fixture().cut("2026-02-05"), &order(), &question).unwrap().data.latest.unwrap();
        assert_eq!((awaited.status, awaited.pending_funds), (EtfStatus::Preliminary, vec!["BBB".to_owned()]));
        let rows = etf_funds(&fixture().cut("2026-02-05"), &order(), &question).unwrap().data;
        assert!(rows.iter().any(|row| row.fund == "BBB" && row.flow_usd.is_none()));
        let given_up = etf_flows(&fixture().cut("2026-02-07"), &order(), &question).unwrap().data.latest.unwrap();
        assert_eq!(given_up.status, EtfStatus::Final);
    }

    #[test]
    fn weeks_begin_on_monday_and_the_sum_goes_on() {
        let rows = [("2026-01-30", 1.0), ("2026-02-02", 2.0), ("2026-02-06", 4.0), ("2026-02-09", 8.0)];
        let view = Fixture::new().readings("etf_flow.btc.AAA@f", &rows).cut("2026-02-20");
        let question = EtfFlowsParams { asset: Asset::btc(), source: None, window: Window::days(3) };
        let weeks = etf_flows_series(&view, &order(), &question, true).unwrap().data;
        let told: Vec<_> = weeks.iter().map(|row| (row.trading_day.to_string(), row.net_flow_usd, row.cumulative_usd)).collect();
        assert_eq!(told, [("2026-02-02".to_owned(), 6.0, 7.0), ("2026-02-09".to_owned(), 8.0, 15.0)]);
    }

    #[rstest]
    #[case::few(3)]
    #[case::fewer_than_a_baseline(30)]
    #[case::many(200)]
    fn the_last_days_say_what_all_days_say_of_them(#[case] days: i64, #[values(0, 1, 3, 9)] later_days: i64) {
        let row = |day: i64, usd: f64| (at("2025-01-01").plus_days(day).to_string(), usd);
        let texts: Vec<(String, f64)> =
            (0..days).filter(|day| day % 7 < 5).zip(1..).map(|(day, n)| row(day, f64::from(n * 37 % 11) - 5.0)).collect();
        let rows: Vec<(&str, f64)> = texts.iter().map(|(at, usd)| (at.as_str(), *usd)).collect();
        // The second fund was silent for half a year.
        let others: Vec<_> = rows.iter().copied().take(1).chain(rows.iter().copied().skip(120)).collect();
        let now = at("2025-01-01").plus_days(days + later_days).to_string();
        let view = Fixture::new().readings("etf_flow.btc.AAA@f", &rows).readings("etf_flow.btc.BBB@f", &others).cut(&now);
        for trading_days in [5_u16, 90] {
            let window = Window::days(i64::from(trading_days));
            let all = etf_flows(&view, &order(), &EtfFlowsParams { asset: Asset::btc(), source: None, window }).unwrap();
            let lately = etf_flows_lately(&view, &order(), &Asset::btc(), trading_days).unwrap();
            let told = |figures: &EtfFlows| {
                let EtfFlows { net_flow_usd, latest, previous, reversal, offset_ratio, .. } = figures.clone();
                (net_flow_usd, latest, previous, reversal, offset_ratio)
            };
            assert_eq!(told(&lately.data), told(&all.data));
            let of_the_baseline = |warning: &Warning| warning.detail.starts_with("zscore");
            let warnings: Vec<_> = all.warnings.into_iter().filter(|warning| !of_the_baseline(warning)).collect();
            assert_eq!((lately.warnings, lately.sources, lately.meta.window), (warnings, all.sources, all.meta.window));
        }
    }
}
