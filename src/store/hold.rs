//! Prevents a second service from serving the same SQLite file.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::address::Place;
use super::{StoreError, StoreUrl};

/// Permission to serve a log. Released when dropped and when the process ends.
#[derive(Debug)]
pub struct ServeLock {
    /// Lock file, locked while it is open; `None` if several processes may serve the log.
    _locked: Option<File>,
}

/// Locks the log at `url` for serving. A log in Postgres may be served by any number of processes. A
/// SQLite file is served by one, while others may import and export. The server locks a file next to
/// it, with `.lock` appended to the name.
///
/// # Errors
/// [`StoreError::Held`] if another process serves it, [`StoreError::Address`] if the lock file cannot
/// be opened or locked.
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

/// Returns the lock file of the database at `path`, the same for every path to that file.
fn lock_of(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = path.into_os_string();
    name.push(".lock");
    name.into()
}

/// Locks the file and writes the process id into it.
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

/// Returns the process named in the lock file.
fn holder(lock: &Path) -> String {
    let mut text = String::new();
    // The holder may be writing right now: then the result is unnamed.
    let _ = File::open(lock).and_then(|mut file| file.read_to_string(&mut text));
    let text = text.trim();
    if text.is_empty() { "another process".to_owned() } else { text.to_owned() }
}
