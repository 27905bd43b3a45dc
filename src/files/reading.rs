//! Reading the rows of a table by its plan.

use std::collections::HashMap;
use std::path::Path;

use csv::ByteRecord;

use crate::domain::{Period, Timestamp};
use crate::files::candles::Candles;
use crate::files::collected::{Collected, Sorted};
use crate::files::column::{Header, Need};
use crate::files::etf_flows::EtfFlows;
use crate::files::facts::ImportContext;
use crate::files::format::cell_format;
use crate::files::import::RowReader;
use crate::files::liquidations::Liquidations;
use crate::files::newest;
use crate::files::options::Options;
use crate::files::orders::Orders;
use crate::files::plan::{Plan, Stamps};
use crate::files::row::{CellFormat, Row};
use crate::files::series::{Measured, Measures, Series, is_settlement};
use crate::files::spacing::{self, Stamped};
use crate::files::table::{Head, Table};
use crate::files::volume::Volumes;
use crate::files::{BadRows, Column, ColumnNames, FileError, FileKind, ImportOptions, Parsed, ParsedRow, Place, RowError};

/// Lines of a table that are no days, by the word in the place of their time.
const SUMMARIES: [&str; 9] = ["total", "average", "sum", "fee", "fees", "maximum", "minimum", "seed", "mean"];

/// Reads every row.
pub(super) fn read_table(
    table: Table<'_>,
    plan: &Plan,
    path: Option<&Path>,
    options: &ImportOptions,
) -> Result<Parsed, FileError> {
    let names = plan.names.clone().unwrap_or_else(|| table.head.names.clone());
    let header = Header::resolve(names, &wanted(plan, options), &columns(plan, options)?)?;
    let mut facts = ImportContext::new(plan, path, options);
    let format = cell_format(&table.head, &header, plan, &mut facts)?;
    let inferred = inferred_interval(&table.head, &header, &format, plan);
    let (reader, measured) = reader(&header, plan, &mut facts, inferred)?;
    let mut rows = Rows::new(plan, reader, has_spacing(plan, &header, &facts));
    let mut told = [table.head.told.clone(), plan.told.clone()].concat();
    table.for_each(&mut |cells, place| {
        rows.take(&Row { cells, header: &header, place, format: &format });
        Ok(())
    })?;
    if rows.count == 0 {
        return Err(FileError::NoRows);
    }
    let interval = facts.stated_interval().map(|fact| (fact.value, format!(" ({})", fact.origin)));
    let interval = interval.or_else(|| inferred.map(|interval| (interval, String::new())));
    rows.check_spacing(interval, format.instants.has_assumed_utc())?;
    told.extend(format.instants.seen());
    told.extend(rows.told(header.has(Column::Series)));
    let unread = unread(&header, &measured);
    finish(rows, plan, &mut facts, told, unread)
}

/// Sorts what was read and judges the rows that were refused.
fn finish(
    mut rows: Rows<'_>,
    plan: &Plan,
    facts: &mut ImportContext<'_>,
    mut told: Vec<String>,
    unread: Vec<String>,
) -> Result<Parsed, FileError> {
    let options = facts.options;
    let by_day = matches!(plan.stamps, Stamps::TradingDay(_)) || options.day_of.is_some();
    let Sorted { mut batch, doubles } = rows.collected.sort(facts.writer(), plan.doubles, by_day, &mut rows.bad);
    if rows.bad.count > 0 && !options.skip_bad {
        return Err(FileError::BadRows(rows.bad));
    }
    let newest = newest::judge(&mut batch, plan, options);
    rows.left_out += newest.left_out;
    told.extend(newest.told);
    if batch.is_empty() {
        return Err(if rows.bad.count > 0 {
            FileError::NoGoodRows(rows.bad)
        } else {
            FileError::NothingStated { rows: rows.count }
        });
    }
    Ok(Parsed {
        batch,
        kind: plan.kind,
        preset: plan.preset,
        rows: rows.count,
        empty: rows.empty,
        doubles,
        left_out: rows.left_out,
        bad: rows.bad,
        inferred: std::mem::take(&mut facts.told),
        told,
        unread,
    })
}

/// The columns that the readers of a plan look for.
fn wanted(plan: &Plan, options: &ImportOptions) -> Vec<(Column, Need)> {
    let columns = match plan.kind {
        _ if !plan.measures.is_empty() => Measures::COLUMNS,
        FileKind::Candles => Candles::COLUMNS,
        FileKind::Series => Series::COLUMNS,
        FileKind::EtfFlows => EtfFlows::COLUMNS,
        FileKind::Liquidations => Liquidations::COLUMNS,
        FileKind::Orders => Orders::COLUMNS,
        FileKind::Options => Options::COLUMNS,
    };
    let may_lack = |column| match column {
        Column::Time => options.at.is_some(),
        Column::Symbol => plan.symbol.is_some(),
        _ => false,
    };
    columns.iter().map(|&(column, need)| (column, if may_lack(column) { Need::Optional } else { need })).collect()
}

/// The columns named by the plan and by flags, which win.
fn columns(plan: &Plan, options: &ImportOptions) -> Result<ColumnNames, FileError> {
    let wanted = wanted(plan, options);
    let mut columns: ColumnNames = plan.columns.clone();
    columns.retain(|column, _| wanted.iter().any(|(known, _)| known == column));
    for (&column, name) in &options.columns {
        let column = if column == Column::Volume && plan.kind == FileKind::Options { Column::OptionVolume } else { column };
        if wanted.iter().any(|(known, _)| *known == column) {
            columns.insert(column, name.clone());
        } else if plan.preset.is_some() || plan.measures.is_empty() {
            return Err(FileError::Meaningless { flag: column.flag(), kind: plan.kind });
        }
    }
    Ok(columns)
}

/// The reader of a plan, and the columns that it reads beside those of the header.
fn reader<'a>(
    header: &Header,
    plan: &Plan,
    facts: &mut ImportContext<'_>,
    inferred: Option<Period>,
) -> Result<(Box<dyn RowReader + 'a>, Vec<usize>), FileError> {
    if !plan.measures.is_empty() {
        let measures = measures(header, plan, facts)?;
        let places = measures.measured.iter().map(|measured| measured.place).chain(measures.total).collect();
        return Ok((Box::new(measures), places));
    }
    let mut places = Vec::new();
    let reader: Box<dyn RowReader> = match plan.kind {
        FileKind::Candles => {
            let keys = facts.candle_keys(header, inferred)?;
            let volumes = match keys.fixed() {
                None => None,
                Some(key) => Some(Volumes::of(header, &key.asset, plan, facts.options, &mut facts.told)),
            };
            places.extend(volumes.iter().flat_map(Volumes::places));
            Box::new(Candles { keys, volumes })
        }
        FileKind::Series => Box::new(Series { keys: facts.series_keys(header)?, factor: plan.scale }),
        FileKind::EtfFlows => Box::new(EtfFlows::new(Some((facts.asset()?, facts.source()?)), plan.scale)),
        FileKind::Liquidations => Box::new(Liquidations::new(&facts.asset()?, &facts.source()?, facts.interval(inferred)?)),
        FileKind::Orders => Box::new(Orders {
            source: facts.order_source(header)?,
            meaning: facts.options.side_means,
            symbol: plan.symbol.clone().or_else(|| facts.options.symbol.clone()),
            contract_usd: plan.contract_usd,
        }),
        FileKind::Options => Box::new(Options::new(facts.chain_asset()?, facts.source()?)),
    };
    Ok((reader, places))
}

fn measures(header: &Header, plan: &Plan, facts: &mut ImportContext<'_>) -> Result<Measures, FileError> {
    let mut measured = Vec::with_capacity(plan.measures.len());
    for measure in &plan.measures {
        let missing = || FileError::MissingColumn { column: Column::Value, header: header.names().to_vec() };
        let place = header.named(&measure.column).ok_or_else(missing)?;
        let asset = match &measure.asset {
            Some(asset) => asset.clone(),
            None => facts.asset()?,
        };
        let key = facts.key(measure.metric, &asset, measure.part.clone())?;
        measured.push(Measured {
            place,
            key,
            factor: measure.factor,
            is_zero_unknown: measure.is_zero_unknown,
            lag: measure.lag,
        });
    }
    let total = plan.total.as_deref().and_then(|name| header.named(name));
    Ok(Measures { measured, total, differing: 0, rows: HashMap::new(), repeated: Vec::new() })
}

/// The interval that the first rows prove, where neither a flag nor a name states one.
fn inferred_interval(head: &Head, header: &Header, format: &CellFormat, plan: &Plan) -> Option<Period> {
    let is_by_interval = matches!(plan.kind, FileKind::Candles | FileKind::Liquidations) && !header.has(Column::Series);
    let place = header.place(Column::Time).filter(|_| is_by_interval)?;
    let format = CellFormat { stamps: plan.stamps, ..format.clone() };
    let cells = head.rows.iter().filter_map(|row| row.get(place));
    spacing::infer(cells.filter_map(|cell| {
        let cells = ByteRecord::from(vec![cell.as_str()]);
        let header = Header::of(&[(Column::Time, "time")]);
        Row { cells: &cells, header: &header, place: Place::Row(0), format: &format }.observed_at().ok()
    }))
}

/// Whether the rows have an interval that their distances must fit.
fn has_spacing(plan: &Plan, header: &Header, facts: &ImportContext<'_>) -> bool {
    let of_settlements = || match plan.measures.first() {
        Some(measure) => is_settlement(measure.metric),
        None => facts.metric().is_some_and(is_settlement),
    };
    let is_by_interval = matches!(plan.kind, FileKind::Candles | FileKind::Liquidations | FileKind::Series);
    is_by_interval && !header.has(Column::Series) && !of_settlements()
}

/// The names of the columns that nobody looks at.
fn unread(header: &Header, measured: &[usize]) -> Vec<String> {
    let mut read: Vec<usize> = header.places().map(|(_, place)| place).chain(measured.iter().copied()).collect();
    read.extend(header.other_times());
    let names = header.names().iter().enumerate().filter(|(place, name)| !read.contains(place) && !name.is_empty());
    let mut unread: Vec<String> = Vec::new();
    for (_, name) in names {
        if !unread.contains(name) {
            unread.push(name.clone());
        }
    }
    unread
}

/// The rows of a file while they are read.
struct Rows<'p> {
    plan: &'p Plan,
    reader: Box<dyn RowReader + 'p>,
    has_spacing: bool,
    collected: Collected,
    count: u64,
    empty: u64,
    left_out: u64,
    bad: BadRows,
    /// Instants of all rows and, second, of those that were taken.
    stamped: [Stamped; 2],
    newest: Option<Timestamp>,
    rising: u64,
    falling: u64,
    out_of_place: u64,
    off_midnight: u64,
    early_arrivals: u64,
    has_ended: bool,
}

impl<'p> Rows<'p> {
    fn new(plan: &'p Plan, reader: Box<dyn RowReader + 'p>, has_spacing: bool) -> Self {
        Self {
            plan,
            reader,
            has_spacing,
            collected: Collected::default(),
            count: 0,
            empty: 0,
            left_out: 0,
            bad: BadRows::default(),
            stamped: [Stamped::new(), Stamped::new()],
            newest: None,
            rising: 0,
            falling: 0,
            out_of_place: 0,
            off_midnight: 0,
            early_arrivals: 0,
            has_ended: false,
        }
    }

    fn take(&mut self, row: &Row<'_>) {
        self.has_ended |= self
            .plan
            .ends_before
            .is_some_and(|end| row.cells.get(0).is_some_and(|cell| cell.trim_ascii().starts_with(end.as_bytes())));
        if self.has_ended {
            return;
        }
        self.count += 1;
        match self.read(row) {
            Ok(()) => {}
            Err(error) => self.bad.push(error),
        }
    }

    fn read(&mut self, row: &Row<'_>) -> Result<(), RowError> {
        if is_summary(row) {
            self.left_out += 1;
            return Ok(());
        }
        row.check_width()?;
        let stamp = row.stamp()?;
        if self.plan.stamps == Stamps::Midnight && stamp != stamp.day_start() {
            self.off_midnight += 1;
            self.left_out += 1;
            return Ok(());
        }
        let observed_at = row.observed_at()?;
        if self.has_spacing {
            self.stamped[0].push((observed_at, row.place));
        }
        let mut stated = self.reader.read(row)?;
        if self.plan.has_arrivals {
            let is_early;
            (stated, is_early) = stated.after_end();
            self.early_arrivals += u64::from(is_early);
        }
        stated.check().map_err(|fault| row.blame(fault.column(), fault))?;
        if self.has_spacing {
            self.stamped[1].push((observed_at, row.place));
        }
        self.follow(observed_at);
        if stated == ParsedRow::Nothing {
            self.empty += 1;
        } else {
            self.collected.add(stated, row.place, stamp);
        }
        Ok(())
    }

    /// Notes how time runs from row to row.
    fn follow(&mut self, at: Timestamp) {
        match self.newest {
            Some(newest) if at < newest => {
                self.falling += 1;
                self.out_of_place += 1;
            }
            Some(newest) if at > newest => self.rising += 1,
            _ => {}
        }
        // A falling file never rises above its first row, so the newest is then the last one.
        self.newest = Some(if self.rising == 0 { at } else { self.newest.map_or(at, |newest| newest.max(at)) });
    }

    /// Refuses rows whose distances contradict their interval.
    fn check_spacing(&mut self, interval: Option<(Period, String)>, has_assumed_utc: bool) -> Result<(), FileError> {
        let Some((interval, origin)) = interval.filter(|(interval, _)| self.has_spacing && !interval.is_instant()) else {
            return Ok(());
        };
        let [all, taken] = std::mem::take(&mut self.stamped);
        // Single rows off the grid are refused one by one, and so are all if they are as far apart as they should be.
        if self.bad.count > taken.len() as u64 && spacing::usual(&all) != Some(interval.ms()) {
            spacing::check(all, interval, origin.clone())?;
        }
        if interval == Period::HOUR
            && has_assumed_utc
            && let Some(place) = spacing::clock_change(&taken)
        {
            return Err(FileError::LocalTimes { place });
        }
        spacing::check(taken, interval, origin)
    }

    fn told(&self, has_series: bool) -> Vec<String> {
        let mut told = self.reader.told();
        if self.off_midnight > 0 {
            told.push(format!("{} rows left out that are not of midnight UTC", self.off_midnight));
        }
        if self.early_arrivals > 0 {
            told.push(format!(
                "{} rows that arrived before their own time, by another clock: known at that time",
                self.early_arrivals
            ));
        }
        if has_series {
            return told;
        }
        match (self.rising, self.falling) {
            (0, 1..) => told.push("newest first: turned round".to_owned()),
            _ if self.out_of_place > 0 => told.push(format!("{} rows out of place: sorted by time", self.out_of_place)),
            _ => {}
        }
        told
    }
}

fn is_summary(row: &Row<'_>) -> bool {
    let Some(cell) = row.header.place(Column::Time).and_then(|place| row.cells.get(place)) else { return false };
    let cell = cell.trim_ascii();
    cell.first().is_some_and(u8::is_ascii_alphabetic) && SUMMARIES.iter().any(|word| cell.eq_ignore_ascii_case(word.as_bytes()))
}
