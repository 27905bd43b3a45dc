//! What a row may say, and who may say it: everything that is decided before the store is asked.

use crate::api::push::PushError;
use crate::api::push::verdict::RowFault;
use crate::domain::{ApiKey, KnownAtRule, Metric, Observation, SeriesKey, Source, Timestamp};
use crate::files::ParsedRow;

/// How far ahead of our clock the clock of whoever pushes may be, milliseconds.
const SKEW_MS: i64 = 60_000;

/// What the rules look at in a row.
struct Claims<'a> {
    source: &'a Source,
    /// The instant up to which it speaks: the end of its period.
    until: Timestamp,
    knowledge: KnownAtRule,
}

/// Refuses rows that the key may not push.
///
/// # Errors
/// [`PushError::Forbidden`] for a source it may not speak for, and for a row that is dated back.
pub(super) fn permit<'a>(rows: impl Iterator<Item = &'a ParsedRow>, key: &ApiKey) -> Result<(), PushError> {
    for claims in rows.flat_map(claims) {
        if !key.speaks_for(claims.source) {
            let allowed: Vec<&str> = key.sources.iter().map(Source::as_str).collect();
            let detail = format!("this key may push rows of {}, not of {}", allowed.join(", "), claims.source);
            return Err(PushError::Forbidden(detail));
        }
        if matches!(claims.knowledge, KnownAtRule::Vintage(_)) && !key.may_backfill {
            let detail = "this key may not say since when a row was known: leave `known_at` out, and the row is known from now on; \
                          or use a key made with --may-backfill";
            return Err(PushError::Forbidden(detail.to_owned()));
        }
    }
    Ok(())
}

/// Refuses a row that speaks of the future.
///
/// # Errors
/// [`RowFault`] that says which instant lies ahead.
pub(super) fn check(stated: &ParsedRow, now: Timestamp) -> Result<(), RowFault> {
    let latest = now.plus_ms(SKEW_MS);
    for claims in claims(stated) {
        if claims.until > latest {
            let detail = format!("it speaks of the time up to {}, and it is {now}: push it when that is over", claims.until);
            return Err(RowFault { field: None, detail });
        }
        if let KnownAtRule::Vintage(at) = claims.knowledge
            && at > latest
        {
            let detail = format!("{at} lies ahead, it is {now}: leave `known_at` out, and the row is known from now on");
            return Err(RowFault { field: Some("known_at".to_owned()), detail });
        }
    }
    Ok(())
}

fn claims(stated: &ParsedRow) -> Vec<Claims<'_>> {
    match stated {
        ParsedRow::Nothing => vec![],
        ParsedRow::Reading((key, reading)) => vec![of_series(key, reading)],
        ParsedRow::Readings(readings) => readings.iter().map(|(key, reading)| of_series(key, reading)).collect(),
        ParsedRow::Candle(key, candle) => vec![of_series(key, candle)],
        ParsedRow::Order(order) => vec![Claims { source: &order.source, until: order.occurred_at, knowledge: order.knowledge }],
    }
}

fn of_series<'a, P>(key: &'a SeriesKey, row: &Observation<P>) -> Claims<'a> {
    // Flows of a trading day are stated while it lasts; everything else when its period is over.
    let length_ms = if key.metric == Metric::EtfFlow { 0 } else { key.publication_lag_ms() };
    Claims { source: &key.source, until: row.observed_at.plus_ms(length_ms), knowledge: row.knowledge }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::{Digest, KeyId};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn row(key: &str, observed_at: &str, knowledge: KnownAtRule) -> ParsedRow {
        ParsedRow::Reading((key.parse().unwrap(), Observation { observed_at: at(observed_at), knowledge, value: 1.0 }))
    }

    #[rstest]
    #[case::now("price.btc@desk", "2026-02-04T08:00:00Z", true)]
    #[case::skewed("price.btc@desk", "2026-02-04T08:01:00Z", true)]
    #[case::ahead("price.btc@desk", "2026-02-04T08:01:00.001Z", false)]
    #[case::over("liquidation.btc.long@desk:1h", "2026-02-04T07:00:00Z", true)]
    #[case::running("liquidation.btc.long@desk:1h", "2026-02-04T07:30:00Z", false)]
    #[case::trading_day("etf_flow.btc.IBIT@desk", "2026-02-04", true)]
    #[case::settlement("funding_rate.btc@desk:8h", "2026-02-04T08:00:00Z", true)]
    fn a_row_must_not_speak_of_the_future(#[case] key: &str, #[case] observed_at: &str, #[case] taken: bool) {
        let stated = row(key, observed_at, KnownAtRule::OnCommit);
        assert_eq!(check(&stated, at("2026-02-04T08:00:00Z")).is_ok(), taken);
    }

    #[test]
    fn a_vintage_of_tomorrow_is_refused() {
        let stated = row("price.btc@desk", "2026-02-03", KnownAtRule::Vintage(at("2026-02-05")));
        let error = check(&stated, at("2026-02-04T08:00:00Z")).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("known_at"));
    }

    #[rstest]
    #[case::any(&[], false, "price.btc@desk", KnownAtRule::OnCommit, true)]
    #[case::own(&["desk", "a"], false, "price.btc@desk", KnownAtRule::OnCommit, true)]
    #[case::other(&["a"], true, "price.btc@desk", KnownAtRule::OnCommit, false)]
    #[case::dated(&[], false, "price.btc@desk", KnownAtRule::Vintage(Timestamp::MIN), false)]
    #[case::may_date(&[], true, "price.btc@desk", KnownAtRule::Vintage(Timestamp::MIN), true)]
    fn a_key_may_do_what_it_was_made_for(
        #[case] sources: &[&str],
        #[case] may_backfill: bool,
        #[case] series: &str,
        #[case] knowledge: KnownAtRule,
        #[case] permitted: bool,
    ) {
        let sources = sources.iter().map(|name| name.parse().unwrap()).collect();
        let key = ApiKey { sources, may_backfill, ..ApiKey::new(KeyId::new(1), "desk", Digest::new([0; 32]), Timestamp::MIN) };
        assert_eq!(permit([row(series, "2026-02-03", knowledge)].iter(), &key).is_ok(), permitted);
    }
}
