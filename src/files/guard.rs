use std::io::{self, Read};

use crate::files::FileError;

/// The most bytes a line may have.
const LINE_LIMIT: usize = 64 * 1024;

/// Passes bytes on while they look like lines of text, so that a binary or endless file is refused
/// before it fills the memory.
#[derive(Debug)]
pub(super) struct LineLimitReader<R> {
    inner: R,
    line: u64,
    length: usize,
    in_quotes: bool,
}

impl<R> LineLimitReader<R> {
    pub(super) const fn new(inner: R) -> Self {
        Self { inner, line: 1, length: 0, in_quotes: false }
    }

    fn inspect(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        for &byte in bytes {
            self.length += 1;
            match byte {
                b'\n' | b'\r' if self.in_quotes => return Err(FileError::UnclosedQuote { line: self.line }),
                b'\n' => {
                    self.line += 1;
                    self.length = 0;
                }
                b'\r' => self.length = 0,
                b'"' => self.in_quotes = !self.in_quotes,
                0 => return Err(FileError::Binary { line: self.line }),
                _ if self.length > LINE_LIMIT => {
                    return Err(FileError::LineTooLong { line: self.line, limit: LINE_LIMIT });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for LineLimitReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let checked = if count == 0 && self.in_quotes {
            Err(FileError::UnclosedQuote { line: self.line })
        } else {
            self.inspect(&buffer[..count])
        };
        checked.map(|()| count).map_err(io::Error::other)
    }
}
