//! The log on disk: importing a file and loading the market at start, on both engines.
//!
//! `cargo bench --bench store`. The import is compared with the engine's own shell (`sqlite3`, `psql`),
//! which writes the same rows into an equal table in the same run; a missing shell is reported. Postgres
//! is a private server started from the machine's binaries, with its default settings: commits are
//! durable on both engines. The figures are in `docs/BENCHMARKS.md`.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a bench that panics reports where it stopped")]

#[path = "../tests/it/harness/postgres.rs"]
#[expect(dead_code, reason = "tests also kill servers and make standbys")]
mod postgres;
mod prices;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use market_stress::domain::{Asset, Metric};
use market_stress::files::{FileKind, ImportOptions, Input, read};
use market_stress::market::load;
use market_stress::store::{OnRefusal, Store, StoreUrl, open};
use tokio::runtime::Runtime;

use self::prices::{END, at_minute, price_of};

/// Points of the series: nine and a half years of minutes.
const POINTS: i64 = 5_000_000;
/// Rows of one file; each is imported in one commit.
const ROWS: i64 = 1_000_000;
/// Number of loads of the market.
const LOADS: usize = 3;

/// Prints a line; code shared with the tests prints through it too.
fn say(line: &str) {
    println!("{line}");
}

/// Two empty logs on one engine, and the engine's shell.
struct Engine<'a> {
    name: &'static str,
    /// Log written by the program.
    program: Arc<dyn Store>,
    /// Runs the shell on a file of rows for the other log.
    shell: &'a dyn Fn(&Path) -> Command,
}

/// Time taken by one file.
struct Imported {
    reading: Duration,
    storing: Duration,
    shell: Option<Duration>,
}

/// Writes a file of minutes as the program reads it, and one with the columns of the table `observation`.
fn write_files(folder: &Path, first: i64) {
    let create = |name: &str| BufWriter::new(File::create(folder.join(name)).expect("a file in a temporary folder"));
    let (mut series, mut table) = (create("series.csv"), create("table.csv"));
    writeln!(series, "observed_at,value").expect("a header is written");
    for minute in first..first + ROWS {
        let (at, price) = (at_minute(minute, POINTS), price_of(minute));
        writeln!(series, "{at},{price}").expect("a row is written");
        writeln!(table, "1,{at},{at},{price},1", at = at.unix_ms()).expect("a row is written");
    }
    for mut file in [series, table] {
        file.flush().expect("a file is written");
    }
}

/// Imports the file as `market-stress import series` does.
fn import(runtime: &Runtime, store: &dyn Store, file: &Path) -> (Duration, Duration) {
    let options = ImportOptions {
        kind: Some(FileKind::Series),
        asset: Some(Asset::btc()),
        source: "bench".parse().ok(),
        metric: Some(Metric::Price),
        ..ImportOptions::default()
    };
    let started = Instant::now();
    let input = Input::File(Box::new(File::open(file).expect("the file was written")));
    let parsed = read(input, Some(file), &options).expect("the file is a good one");
    let read_at = Instant::now();
    let appended = runtime.block_on(store.append(&parsed.batch, END.plus_days(1), OnRefusal::Abort)).expect("the store takes it");
    assert_eq!(appended.report.new, ROWS.unsigned_abs());
    (read_at - started, read_at.elapsed())
}

/// Imports the file with the shell; `None` if there is no shell.
fn import_by_shell(mut shell: Command) -> Option<Duration> {
    let started = Instant::now();
    let ran = shell.output().ok()?;
    assert!(ran.status.success() && ran.stderr.is_empty(), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(started.elapsed())
}

fn measure(runtime: &Runtime, engine: &Engine<'_>, folder: &Path) {
    let files = (0..POINTS).step_by(usize::try_from(ROWS).expect("a few rows")).map(|first| {
        write_files(folder, first);
        let (reading, storing) = import(runtime, engine.program.as_ref(), &folder.join("series.csv"));
        Imported { reading, storing, shell: import_by_shell((engine.shell)(&folder.join("table.csv"))) }
    });
    let files: Vec<Imported> = files.collect();
    tell_import(engine.name, &files);
    let loads = (0..LOADS).map(|_| {
        let started = Instant::now();
        let market = runtime.block_on(load(engine.program.as_ref())).expect("the log is read back");
        let took = started.elapsed();
        drop(market);
        took
    });
    let took = median(loads.collect());
    say(&format!("e_load    {:<9} {POINTS} points in {took:.1?}: {:.0} rows/s", engine.name, rows_per_second(POINTS, took)));
}

fn tell_import(engine: &str, files: &[Imported]) {
    let whole = |file: &Imported| file.reading + file.storing;
    let of = |part: fn(&Imported) -> Duration| median(files.iter().map(part).collect());
    let took = median(files.iter().map(whole).collect());
    let parts = format!("reading {:.2?}, storing {:.2?}", of(|file| file.reading), of(|file| file.storing));
    say(&format!("f_import  {engine:<9} {:.0} rows/s ({parts} for {ROWS} rows)", rows_per_second(ROWS, took)));
    let shells: Vec<Duration> = files.iter().filter_map(|file| file.shell).collect();
    if shells.len() < files.len() {
        say(&format!("f_import  {engine:<9} no shell to compare with"));
        return;
    }
    let ratios = |part: fn(&Imported) -> Duration| {
        let ratio = |file: &Imported| file.shell.map(|shell| shell.as_secs_f64() / part(file).as_secs_f64());
        let mut ratios: Vec<f64> = files.iter().filter_map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    };
    let shell = rows_per_second(ROWS, median(shells));
    let (all, storing) = (ratios(|file| file.reading + file.storing), ratios(|file| file.storing));
    say(&format!("f_import  {engine:<9} its shell {shell:.0} rows/s: ratio {all:.2}, of storing alone {storing:.2}"));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "a row count is small")]
fn rows_per_second(rows: i64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64()
}

fn sqlite(runtime: &Runtime, folder: &Path) {
    let empty = |name: &str| runtime.block_on(open(&StoreUrl::sqlite(folder.join(name)))).expect("a log in a temporary folder");
    let program = empty("program.db");
    drop(empty("shell.db"));
    let shell = |file: &Path| {
        let mut shell = Command::new("sqlite3");
        shell.arg(folder.join("shell.db")).args([".mode csv", &format!(".import {} observation", file.display())]);
        shell
    };
    measure(runtime, &Engine { name: "sqlite", program, shell: &shell }, folder);
}

fn postgres(runtime: &Runtime, folder: &Path) {
    let server = match postgres::Server::private_with("") {
        Ok(server) => server,
        Err(reason) => return postgres::did_not_run(&reason),
    };
    let (ours, theirs) = runtime.block_on(async { (server.database().await, server.database().await) });
    let empty = |url: &str| {
        let url: StoreUrl = url.parse().expect("the server has an address");
        runtime.block_on(open(&url)).expect("a log in an empty database")
    };
    let program = empty(&ours.url);
    drop(empty(&theirs.url));
    let shell = |file: &Path| {
        let mut shell = Command::new("psql");
        shell.args([&theirs.url, "-q", "-c", &format!("\\copy observation FROM '{}' CSV", file.display())]);
        shell
    };
    measure(runtime, &Engine { name: "postgres", program, shell: &shell }, folder);
}

fn main() {
    let runtime = Runtime::new().expect("a runtime can be built");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    sqlite(&runtime, folder.path());
    postgres(&runtime, folder.path());
}
