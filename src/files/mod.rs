//! Files in and out: CSV of candles, series, ETF flows, liquidations, orders and option chains.
//!
//! Owns containers, dialects, the layouts of publishers, column mapping, line-numbered errors and reports of `import`
//! and `export`. It parses and writes files; storing is the store's work.
//!
//! A file goes through these stations: its container is opened ([`Input`]), its dialect decided and its first rows read
//! (`table`), its layout recognised (`presets`, else `layout`), its cells read in one format (`format`), and its rows
//! turned into points (`reading`) by the reader of their kind. Nothing is written before all of it was read: the first
//! bad rows are listed by line, and nothing is taken unless the caller said to skip them. The body of a push is read by
//! the same readers, row by row, from CSV or JSON ([`read_body`]).

mod body;
mod candles;
mod collected;
mod column;
mod dialect;
mod etf_flows;
mod export;
mod facts;
mod fault;
mod format;
mod guard;
mod import;
mod input;
mod instant;
mod json;
mod keys;
mod layout;
mod liquidations;
mod name;
mod newest;
mod number;
mod options;
mod orders;
mod parquet;
mod plan;
mod presets;
mod reading;
mod row;
mod row_fault;
mod sequence;
mod series;
mod sighting;
mod spacing;
mod stated;
mod table;
#[cfg(test)]
mod testing;
mod volume;

pub use body::{BodyFormat, read_body};
pub use column::{Column, ColumnNames};
pub use export::{ExportFormat, Exported, Exporter, MixedSelection, Selection};
pub use fault::FileError;
pub use import::{FileKind, ImportOptions, Parsed, read};
pub use input::{Input, ReadSeek};
pub use instant::{DateOrder, InstantFault, InvalidZone, TimeUnit, Zone};
pub use name::NameFacts;
pub use number::DecimalMark;
pub use orders::SideMeaning;
pub use plan::{MoneyScale, Origin, VolumeUnit};
pub use presets::{PRESETS, Preset};
pub use row_fault::{BadRows, Place, RowError, RowFault};
pub use stated::{ParsedRow, Reading};
