//! Keeps a second service off a SQLite file.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::address::Place;
use super::{StoreError, StoreUrl};

/// The right to serve a log. Given back when dropped and when the process ends, however it ends.
#[derive(Debug)]
pub struct ServeLock {
    /// Locked for as long as it is open; nothing is held of a log that many may serve.
    _locked: Option<File>,
}

/// Takes the right to serve the log at `url`. A log in Postgres is served by any number of processes. A
/// SQLite file is served by one, beside which others may import and export: whoever serves it locks the
/// file of the same name with `.lock` behind it.
///
/// # Errors
/// [`StoreError::Held`] when another process serves it, [`StoreError::Address`] when that cannot be
/// found out there.
pub fn lock_for_serving(url: &StoreUrl) -> Result<ServeLock, StoreError> {
    let Place::Sqlite(path) = &url.place else { return Ok(ServeLock { _locked: None }) };
    let lock = lock_of(path);
    match take(&lock) {
        Ok(file) => Ok(ServeLock { _locked: Some(file) }),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(StoreError::Held { url: url.to_string(), holder: holder(&lock) })
        }
        Err(error) => {
            let reason = format!("{} cannot be locked: {error}", lock.display());
            Err(StoreError::Address { url: url.to_string(), reason })
        }
    }
}

/// The file that is locked for the database at `path`: the same one whichever way leads there.
fn lock_of(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = path.into_os_string();
    name.push(".lock");
    name.into()
}

/// Locks the file and writes into it who did.
fn take(lock: &Path) -> io::Result<File> {
    if let Some(folder) = lock.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(lock)?;
    file.try_lock()?;
    write_holder(&mut file)?;
    Ok(file)
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {}", std::process::id())
}

/// Who wrote itself into the lock file.
fn holder(lock: &Path) -> String {
    let mut words = String::new();
    // It may be writing right now: then it stays unnamed.
    let _ = File::open(lock).and_then(|mut file| file.read_to_string(&mut words));
    let words = words.trim();
    if words.is_empty() { "another process".to_owned() } else { words.to_owned() }
}
