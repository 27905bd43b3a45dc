//! Files in and out: CSV of candles, series, ETF flows, liquidations, orders and option chains.
//!
//! Owns column mapping, line-numbered errors and reports of `import` and `export`. It parses and
//! writes files; storing is the store's work.
//!
//! A file is read as a whole before anything is written: the first bad rows are listed by line, and
//! nothing is taken unless the caller said to skip them. The body of a push is read by the same
//! readers, row by row, from CSV or JSON ([`read_body`]).

mod body;
mod candles;
mod column;
mod etf_flows;
mod export;
mod facts;
mod fault;
mod guard;
mod import;
mod json;
mod keys;
mod liquidations;
mod name;
mod options;
mod orders;
mod row;
mod sequence;
mod series;
mod stated;

pub use body::{BodyFormat, read_body};
pub use column::{Column, ColumnNames};
pub use export::{ExportFormat, Exported, Exporter, MixedSelection, Selection};
pub use fault::{BadRows, FileError, Place, RowError, RowFault};
pub use import::{FileKind, ImportOptions, Parsed, read};
pub use name::NameFacts;
pub use orders::SideMeaning;
pub use stated::{ParsedRow, Reading};
