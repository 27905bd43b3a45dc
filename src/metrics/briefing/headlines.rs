use crate::domain::{Asset, Period};
use crate::metrics::bound::Bounded;
use crate::metrics::briefing::figures::HeadlineBuilder;
use crate::metrics::briefing::market_headlines;
use crate::metrics::briefing::text_format::{amount, counted, date, duration, percent, signed_amount};
use crate::metrics::derivatives::funding::funding_unranked;
use crate::metrics::etf::flows::etf_flows_lately;
use crate::metrics::liquidations::queries::{liquidated_usd, liquidations_and_record};
use crate::metrics::price::breadth::small_cap_return;
use crate::metrics::price::volatility::volatility_of_month;
use crate::metrics::{
    Basis, Caches, DrawdownParams, EpisodesParams, EtfStatus, FundingState, Liquidations, LiquidationsParams, MarketCapParams,
    OpenInterestParams, PriceParams, Span, Window, drawdown, drawdown_episodes, market_cap, open_interest, price,
};
use crate::stats::real;

/// The window of open interest, days.
const OPEN_INTEREST_DAYS: i64 = 7;
/// The windows of the flows of bitcoin funds and of altcoin funds, trading days.
const FLOW_DAYS: u16 = 5;
const ALTCOIN_FLOW_DAYS: u16 = 90;
/// The rise that makes a rebound, percent, and the least depth of an episode.
const REBOUND_PCT: f64 = 10.0;
const LEAST_DEPTH_PCT: f64 = 5.0;

/// Collects every headline figure there is.
pub(in crate::metrics) fn collect(headlines: &mut HeadlineBuilder<'_>, caches: &Caches) {
    of_market_cap(headlines);
    of_price(headlines);
    of_drawdown(headlines);
    of_liquidations(headlines, caches);
    of_open_interest(headlines);
    of_funding(headlines);
    of_etf_flows(headlines);
    for (asset, id) in [("eth", "etf_flow_eth_90d"), ("sol", "etf_flow_sol_90d"), ("xrp", "etf_flow_xrp_90d")] {
        of_altcoin_flows(headlines, asset, id);
    }
    of_small_caps(headlines);
    of_volatility(headlines, caches);
    market_headlines::collect(headlines, caches);
}

fn of_market_cap(headlines: &mut HeadlineBuilder<'_>) {
    let (view, order, window) = (headlines.view, headlines.order, headlines.since);
    let question = MarketCapParams { asset: Asset::total(), source: None, window };
    let ids = ["market_cap_change", "market_cap_change_pct"];
    let Some(told) = headlines.ask(&ids, || market_cap(view, order, &question)) else { return };
    let since = told.data.anchor.map(|anchor| date(anchor.at));
    let change = told.data.change_usd.zip(since.clone());
    headlines.push(
        &told,
        "market_cap_change",
        change.map(|(usd, since)| (usd, format!("The value of all crypto changed by {} since {since}.", signed_amount(usd)))),
    );
    let change = told.data.change_pct.zip(since);
    headlines.push(
        &told,
        "market_cap_change_pct",
        change.map(|(pct, since)| (pct, format!("The value of all crypto changed by {} since {since}.", percent(pct)))),
    );
}

fn of_price(headlines: &mut HeadlineBuilder<'_>) {
    let (view, order) = (headlines.view, headlines.order);
    let question = PriceParams { asset: Asset::btc(), source: None, window: headlines.since };
    let ids = ["price", "previous_day_low", "previous_day_worst_fall", "previous_day_lowest_since"];
    let Some(told) = headlines.ask(&ids, || price(view, order, &question)) else { return };
    headlines.push(&told, "price", told.data.price_usd.map(|usd| (usd, format!("Bitcoin trades at {}.", amount(usd)))));
    let day = told.data.previous_day;
    headlines.push(
        &told,
        "previous_day_low",
        day.map(|day| (day.low_usd, format!("On {} bitcoin fell as low as {}.", date(day.at), amount(day.low_usd)))),
    );
    let fall = day.and_then(|day| Some((day, day.worst_fall_pct?)));
    headlines.push(
        &told,
        "previous_day_worst_fall",
        fall.map(|(day, pct)| {
            (pct, format!("At worst that day, {}, it was {} against the close before.", date(day.at), percent(pct)))
        }),
    );
    let mark = day.and_then(|day| Some((day, day.lowest_since?)));
    headlines.push(
        &told,
        "previous_day_lowest_since",
        mark.map(|(day, mark)| {
            let sentence = if mark.at_least {
                format!("No lower day than {} is known, back to {}.", date(day.at), date(mark.at))
            } else {
                format!("The low of {} is the lowest since {}.", date(day.at), date(mark.at))
            };
            (date(mark.at), sentence)
        }),
    );
}

fn of_drawdown(headlines: &mut HeadlineBuilder<'_>) {
    let (view, order) = (headlines.view, headlines.order);
    let window = Window::ALL;
    let path = DrawdownParams { asset: Asset::btc(), source: None, window, interval: Period::DAY, basis: Basis::Close };
    if let Some(told) = headlines.ask(&["drawdown"], || drawdown(view, order, &path)) {
        let found = told.data.drawdown_pct.zip(told.data.peak_at);
        headlines.push(
            &told,
            "drawdown",
            found.map(|(pct, at)| {
                let sentence = if pct < 0.0 {
                    format!("Bitcoin stands {} from its record of {}.", percent(pct), date(at))
                } else {
                    format!("Bitcoin stands at its record, of {}.", date(at))
                };
                (pct, sentence)
            }),
        );
    }
    let question = EpisodesParams { path, min_depth_pct: LEAST_DEPTH_PCT, rebound_pct: REBOUND_PCT };
    let Some(told) = headlines.ask(&["failed_rebounds"], || drawdown_episodes(view, order, &question)) else { return };
    let open = told.data.iter().find(|episode| episode.open).map(|episode| (episode.failed_rebounds, episode.peak_at));
    headlines.push(
        &told,
        "failed_rebounds",
        open.map(|(count, at)| {
            let of = format!("of {REBOUND_PCT} % or more");
            let failed = counted(count, &format!("rebound {of} has"), &format!("rebounds {of} have"));
            (real(count), format!("{failed} failed since {}.", date(at)))
        }),
    );
}

fn of_liquidations(headlines: &mut HeadlineBuilder<'_>, caches: &Caches) {
    let (view, order) = (headlines.view, headlines.order);
    let over = |window| LiquidationsParams { asset: None, sources: vec![], window };
    let span = |window: Window| window.resolve(view.as_of()).ok();
    let day = Window::days(1);
    let last_day = || liquidations_and_record(view, order, &caches.records, &over(day));
    if let Some(told) = headlines.ask(&["liquidations_24h", "liquidations_record_day"], last_day) {
        let found = span(day).and_then(|span| liquidated(&told.data, span, "in 24 hours"));
        headlines.push_bounded(&told, "liquidations_24h", found);
        headlines.push_bounded(&told, "liquidations_record_day", record_day(&told.data));
    }
    let since = headlines.since;
    let Some(told) = headlines.ask(&["liquidations_since"], || liquidated_usd(view, order, &over(since))) else { return };
    let found = span(since).and_then(|span| liquidated(&told.data, span, &format!("since {}", date(span.from))));
    headlines.push_bounded(&told, "liquidations_since", found);
}

/// What was liquidated in a window, in a sentence that says how much of it is on record where a part is missing.
fn liquidated(found: &Liquidations, span: Span, window: &str) -> Option<(Bounded, String)> {
    let total = Bounded { value: found.total_usd?, bound: found.bound };
    let part = found.covered.filter(|covered| !covered.is_nearly_whole());
    let window = part.map_or_else(
        || window.to_owned(),
        |covered| match covered.unbroken_ms(span) {
            Some(ms) => format!("in the {} on record", duration(ms)),
            None => format!("{window}, of which {:.0} % is on record", covered.ratio * 100.0),
        },
    );
    Some((total, format!("Positions of {} were liquidated {window}.", total.told(amount))))
}

/// The record day, with the start of the record where the amount is a floor.
fn record_day(found: &Liquidations) -> Option<(Bounded, String)> {
    let day = found.record_day?;
    let total = Bounded { value: day.total_usd, bound: day.bound };
    let since = found.record_since.filter(|_| total.bound.is_some());
    let since = since.map_or_else(String::new, |since| format!(", on record since {}", date(since)));
    Some((total, format!("The record day is {} with {}{since}.", day.date, total.told(amount))))
}

fn of_open_interest(headlines: &mut HeadlineBuilder<'_>) {
    let (view, order) = (headlines.view, headlines.order);
    let window = Window::days(OPEN_INTEREST_DAYS);
    let question = OpenInterestParams { asset: Asset::btc(), sources: vec![], window };
    let Some(told) = headlines.ask(&["open_interest_change", "deleveraging"], || open_interest(view, order, &question)) else {
        return;
    };
    headlines.push(
        &told,
        "open_interest_change",
        told.data.change_pct.map(|pct| {
            (pct, format!("Open interest in bitcoin futures changed by {} in {OPEN_INTEREST_DAYS} days.", percent(pct)))
        }),
    );
    headlines.push_flag(
        &told,
        "deleveraging",
        told.data.deleveraging,
        "Positions were closed unusually fast in the last 24 hours.",
        "Positions were not closed unusually fast.",
    );
}

fn of_funding(headlines: &mut HeadlineBuilder<'_>) {
    let (view, order) = (headlines.view, headlines.order);
    let ids = ["funding_rate_8h", "funding_state", "funding_negative_streak"];
    let Some(told) = headlines.ask(&ids, || funding_unranked(view, order, &Asset::btc())) else { return };
    headlines.push(
        &told,
        "funding_rate_8h",
        told.data
            .rate_8h_ratio
            .map(|ratio| (ratio * 100.0, format!("Perpetual funding is {:.4} % for eight hours.", ratio * 100.0))),
    );
    headlines.push(
        &told,
        "funding_state",
        told.data.state.map(|state| {
            let sentence = match state {
                FundingState::Negative => "Perpetual funding is negative: shorts pay longs.",
                FundingState::BelowNeutral => "Perpetual funding is under its neutral rate.",
                FundingState::Neutral => "Perpetual funding is at its neutral rate.",
                FundingState::AboveNeutral => "Perpetual funding is over its neutral rate: longs pay.",
            };
            (state.as_str().to_owned(), sentence.to_owned())
        }),
    );
    headlines.push(
        &told,
        "funding_negative_streak",
        told.data.negative_streak.map(|streak| {
            let sentence = match streak.intervals {
                0 => "Funding was not negative at the last settlement.".to_owned(),
                1 => "Funding was negative at the last settlement.".to_owned(),
                run => format!("Funding was negative in {run} settlements in a row."),
            };
            (real(streak.intervals), sentence)
        }),
    );
}

fn of_etf_flows(headlines: &mut HeadlineBuilder<'_>) {
    let (view, order) = (headlines.view, headlines.order);
    let ids = ["etf_flow_latest", "etf_flow_previous", "etf_flow_reversal"];
    let Some(told) = headlines.ask(&ids, || etf_flows_lately(view, order, &Asset::btc(), FLOW_DAYS)) else { return };
    let days = [("etf_flow_latest", &told.data.latest), ("etf_flow_previous", &told.data.previous)];
    for (id, day) in days {
        headlines.push(
            &told,
            id,
            day.as_ref().map(|day| {
                let usd = day.net_flow_usd;
                let so_far = if day.status == EtfStatus::Final { "" } else { " so far" };
                (usd, format!("US spot bitcoin funds had {} of net flow on {}{so_far}.", signed_amount(usd), day.trading_day))
            }),
        );
    }
    headlines.push_flag(
        &told,
        "etf_flow_reversal",
        told.data.reversal,
        "The flow turned against the day before.",
        "The flow kept the direction of the day before.",
    );
}

fn of_altcoin_flows(headlines: &mut HeadlineBuilder<'_>, symbol: &str, id: &str) {
    let (view, order) = (headlines.view, headlines.order);
    let Ok(asset) = symbol.parse() else { return };
    let Some(told) = headlines.ask(&[id], || etf_flows_lately(view, order, &asset, ALTCOIN_FLOW_DAYS)) else { return };
    headlines.push(
        &told,
        id,
        told.data.net_flow_usd.map(|usd| {
            let sentence =
                format!("US spot funds of {symbol} had {} of net flow in {ALTCOIN_FLOW_DAYS} trading days.", signed_amount(usd));
            (usd, sentence)
        }),
    );
}

fn of_small_caps(headlines: &mut HeadlineBuilder<'_>) {
    let (view, order) = (headlines.view, headlines.order);
    let asked = || small_cap_return(view, order, Window::days(365));
    let Some(told) = headlines.ask(&["small_cap_return_1y"], asked) else { return };
    headlines.push(
        &told,
        "small_cap_return_1y",
        told.data.map(|pct| (pct, format!("The median small coin returned {} in a year.", percent(pct)))),
    );
}

fn of_volatility(headlines: &mut HeadlineBuilder<'_>, caches: &Caches) {
    let (view, order) = (headlines.view, headlines.order);
    let ids = ["volatility_realised", "volatility_implied", "volatility_pickup", "calm_days"];
    let Some(told) = headlines.ask(&ids, || volatility_of_month(view, order, &caches.regimes, &Asset::btc())) else { return };
    headlines.push(
        &told,
        "volatility_realised",
        told.data.realised_pct.map(|pct| (pct, format!("Bitcoin moved at a yearly volatility of {pct:.1} % over 30 days."))),
    );
    headlines.push(
        &told,
        "volatility_implied",
        told.data.implied_pct.map(|pct| (pct, format!("Options price a yearly volatility of {pct:.1} %."))),
    );
    headlines.push_flag(
        &told,
        "volatility_pickup",
        told.data.pickup,
        "Volatility picked up after a prolonged calm.",
        "Volatility has not picked up after a prolonged calm.",
    );
    headlines.push(
        &told,
        "calm_days",
        told.data
            .calm_days
            .map(|days| (real(days), format!("The calm before it, or now, counts {}.", counted(days, "day", "days")))),
    );
}
