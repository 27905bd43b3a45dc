//! How the cells of one file are read: decided once, for whole columns, by their first rows.

use crate::domain::Timestamp;
use crate::files::column::Header;
use crate::files::facts::ImportContext;
use crate::files::instant::{DateOrder, Instants, OrderEvidence};
use crate::files::number::is_blank;
use crate::files::plan::{Origin, Plan, Stamps};
use crate::files::row::CellFormat;
use crate::files::series::is_settlement;
use crate::files::table::{Form, Head};
use crate::files::{Column, DecimalMark, FileError, spacing};

/// Decides how cells are read; what was decided by the content goes into the report of `facts`.
pub(super) fn cell_format(
    head: &Head,
    header: &Header,
    plan: &Plan,
    facts: &mut ImportContext<'_>,
) -> Result<CellFormat, FileError> {
    let options = facts.options;
    let latest = options.now.map_or(Timestamp::MAX, |now| now.plus_days(1));
    let order = match options.date_order.or(plan.order) {
        Some(order) => Some(order),
        None => date_order(head, header, facts)?,
    };
    let mut instants = Instants::until(latest);
    (instants.order, instants.unit, instants.zone) = (order, options.times_in, options.zone);
    let decimal = match options.decimal {
        Some(mark) => mark,
        None if head.form == Form::Delimited => decimal(head, header, plan, facts)?,
        None => DecimalMark::Point,
    };
    let is_of_settlements = plan.measures.is_empty() && facts.metric().is_some_and(is_settlement) && !header.has(Column::Series);
    let stamps = match options.day_of {
        Some(zone) => Stamps::TradingDay(zone),
        None if is_of_settlements => Stamps::Minute,
        None => plan.stamps,
    };
    if let Stamps::TradingDay(zone) = stamps {
        facts.told.push((
            format!("days by the clock of {zone}"),
            if options.day_of.is_some() { Origin::Flag } else { Origin::Publisher },
        ));
    }
    Ok(CellFormat { instants, decimal, stamps, at: options.at, has_blank_words: true })
}

/// The order of day and month: proven by a day above 12, or by the one reading that fits the interval.
fn date_order(head: &Head, header: &Header, facts: &mut ImportContext<'_>) -> Result<Option<DateOrder>, FileError> {
    let Some(place) = header.place(Column::Time) else { return Ok(None) };
    let cells = head.rows.iter().filter_map(|row| row.get(place)).map(String::as_str).filter(|cell| !is_blank(cell));
    let evidence = OrderEvidence::of(cells);
    let in_words = |order| match order {
        DateOrder::Dmy => "dates day first",
        DateOrder::Mdy => "dates month first",
    };
    if let Some(order) = evidence.proven {
        facts.told.push((in_words(order).to_owned(), Origin::Content));
        return Ok(Some(order));
    }
    let (Some([first, second]), Some(example)) = (evidence.doubtful.first(), evidence.example.clone()) else { return Ok(None) };
    let fits = |place: usize| {
        let interval = facts.stated_interval()?.value;
        let enough = evidence.doubtful.len() > 2;
        Some(enough && spacing::fits(evidence.doubtful.iter().map(|both| Timestamp::from_date(both[place])), interval))
    };
    let order = match (fits(0), fits(1)) {
        (Some(true), Some(false)) => DateOrder::Dmy,
        (Some(false), Some(true)) => DateOrder::Mdy,
        _ => return Err(FileError::DateOrder { example, first: *first, second: *second }),
    };
    facts.told.push((format!("{}, by the interval", in_words(order)), Origin::Content));
    Ok(Some(order))
}

/// The decimal mark that the number columns prove.
fn decimal(head: &Head, header: &Header, plan: &Plan, facts: &mut ImportContext<'_>) -> Result<DecimalMark, FileError> {
    let of_header = header.places().filter(|(column, _)| column.is_number()).map(|(_, place)| place);
    let of_measures = plan.measures.iter().filter_map(|measure| header.named(&measure.column));
    let places: Vec<usize> = of_header.chain(of_measures).collect();
    let cells = head.rows.iter().flat_map(|row| places.iter().filter_map(|place| row.get(*place)));
    let decided = DecimalMark::decide(cells.map(String::as_str)).map_err(|example| FileError::Decimal { example })?;
    if decided == Some(DecimalMark::Comma) {
        facts.told.push(("decimal commas".to_owned(), Origin::Content));
    }
    Ok(decided.unwrap_or_default())
}
