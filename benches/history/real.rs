//! Real files, read in place if they exist.

use std::fs::File;
use std::path::{Path, PathBuf};

use market_stress::domain::{Batch, Period, SourceInfo, SourceKind};
use market_stress::files::{FileKind, ImportOptions, Input, read};

const KINDS: [(&str, FileKind); 4] = [
    ("candles", FileKind::Candles),
    ("series", FileKind::Series),
    ("etf_flows", FileKind::EtfFlows),
    ("liquidations", FileKind::Liquidations),
];

/// Reads the rows of every file; `None` if there are no files.
pub(super) fn batches() -> Option<Vec<Batch>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    folder.is_dir().then(|| KINDS.iter().flat_map(|(part, kind)| of_folder(&folder.join(part), *kind)).collect())
}

/// Sources of the files, as an operator describes them at import.
pub(super) fn sources() -> Vec<SourceInfo> {
    let info = |source: &str, kind| {
        let source = source.parse().expect("a source of this bench is well formed");
        SourceInfo { source, kind, note: String::new() }
    };
    vec![info("yahoo", SourceKind::Aggregator), info("coinglass", SourceKind::Aggregator)]
}

fn of_folder(folder: &Path, kind: FileKind) -> Vec<Batch> {
    let entries = std::fs::read_dir(folder).expect("a folder of files can be listed");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file can be listed").path()).collect();
    files.sort();
    files.into_iter().filter(|file| !is_of_orders(file)).map(|file| of_file(kind, &file)).collect()
}

/// Returns true for a file of single orders. They cover one day, too little to measure: the benches generate their own.
fn is_of_orders(file: &Path) -> bool {
    file.to_string_lossy().contains("orders")
}

fn of_file(kind: FileKind, file: &Path) -> Batch {
    let hourly = file.to_string_lossy().ends_with("-2026.csv");
    let interval = hourly.then_some(Period::HOUR);
    let options = ImportOptions { kind: Some(kind), skip_bad: true, interval, ..ImportOptions::default() };
    let rows = Input::File(Box::new(File::open(file).expect("a file can be opened")));
    read(rows, Some(file), &options).expect("a file can be read").batch
}
