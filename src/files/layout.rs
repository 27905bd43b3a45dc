//! The plan of a table that is no known publisher's: its columns have the names of this program.

use crate::domain::Metric;
use crate::files::plan::{Fact, Measure, MoneyScale, Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, DecimalMark, FileError, FileKind};

/// A flow of an ETF day reaches so many dollars, if it is in dollars.
const USUAL_FLOW_USD: f64 = 10_000.0;

/// The plan for the kind that the caller names or the columns prove.
pub(super) fn plan(seen: &Sighting<'_>) -> Result<Plan, FileError> {
    if !seen.head.has_names {
        return Err(FileError::NoNames);
    }
    let has =
        |column: Column| seen.options.columns.contains_key(&column) || seen.head.names.iter().any(|name| column.is_called(name));
    let kind = seen.options.kind.or_else(|| FileKind::of(has)).or_else(|| flow_column(seen).map(|_| FileKind::EtfFlows));
    let kind = kind.ok_or_else(|| FileError::UnknownKind { header: seen.head.names.clone() })?;
    let mut plan = Plan::new(kind);
    if kind == FileKind::EtfFlows {
        let scale = scale(seen, has(Column::Fund))?;
        plan.told.push(format!("flows in {} ({})", scale.value, scale.origin));
        plan.scale = scale.value.factor();
        if !has(Column::Fund) {
            let column = flow_column(seen)
                .ok_or_else(|| FileError::MissingColumn { column: Column::Flow, header: seen.head.names.clone() })?;
            plan.measures = vec![Measure { factor: plan.scale, ..Measure::new(column, Metric::EtfFlow) }];
        }
    } else if let Some(scale) = seen.options.values_in {
        plan.scale = scale.factor();
    }
    Ok(plan)
}

/// The column of flows in a table without funds: the one that a flag names, else the only one beside the time that is
/// called a flow or a total, or the only one at all.
fn flow_column<'a>(seen: &'a Sighting<'_>) -> Option<&'a str> {
    let names = || seen.head.names.iter().map(String::as_str);
    if let Some(name) = seen.options.columns.get(&Column::Flow).or_else(|| seen.options.columns.get(&Column::Value)) {
        return names().find(|own| own == name);
    }
    let others: Vec<&str> = names().filter(|name| !Column::Time.is_called(name) && !Column::KnownAt.is_called(name)).collect();
    let is_flow = |name: &&&str| ["flow", "total"].iter().any(|word| name.to_ascii_lowercase().contains(word));
    match others.iter().filter(is_flow).collect::<Vec<_>>().as_slice() {
        [only] => Some(only),
        _ if others.len() == 1 && seen.options.kind == Some(FileKind::EtfFlows) => Some(others[0]),
        _ => None,
    }
}

/// What a flow of 1 stands for: by flag, by the column's name, or by the publisher.
fn scale(seen: &Sighting<'_>, has_funds: bool) -> Result<Fact<MoneyScale>, FileError> {
    if let Some(scale) = seen.options.values_in {
        return Ok(Fact::new(scale, Origin::Flag));
    }
    let name = if has_funds {
        let named = seen.options.columns.get(&Column::Flow).map(String::as_str);
        named.or_else(|| seen.head.names.iter().map(String::as_str).find(|name| Column::Flow.is_called(name)))
    } else {
        flow_column(seen)
    };
    let Some(name) = name else { return Ok(Fact::new(MoneyScale::Units, Origin::Layout)) };
    if let Some(scale) = MoneyScale::in_name(name) {
        return Ok(Fact::new(scale, Origin::Content));
    }
    if seen.options.source.as_ref().is_some_and(|source| source.as_str() == "farside") {
        return Ok(Fact::new(MoneyScale::Millions, Origin::Publisher));
    }
    let place = seen.head.names.iter().position(|own| own == name).unwrap_or_default();
    let cells = seen.head.rows.iter().filter_map(|row| row.get(place));
    let reaches = |cell: &String| DecimalMark::Point.read(cell).is_ok_and(|flow| flow.abs() >= USUAL_FLOW_USD);
    if cells.into_iter().any(reaches) {
        Ok(Fact::new(MoneyScale::Units, Origin::Content))
    } else {
        Err(FileError::Scale { column: name.to_owned(), limit_usd: USUAL_FLOW_USD })
    }
}
