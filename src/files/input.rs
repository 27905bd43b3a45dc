//! Containers: plain, gzip and zip files, told apart by their first bytes.

use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use crate::files::FileError;

/// The most bytes that may be unpacked from a small file.
const FREE_BYTES: u64 = 256 << 20;

/// How many times larger than the packed file its content may be.
const RATIO: u64 = 200;

/// The most packed bytes that are held in memory, where a container needs random access.
const HELD_BYTES: u64 = 1 << 30;

/// Something that can be read from any position.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// The bytes of a file.
pub enum Input<'a> {
    /// From a file, which is read from any position.
    File(Box<dyn ReadSeek + 'a>),
    /// From a stream, which is read once.
    Stream(Box<dyn Read + 'a>),
}

/// What a container holds.
pub(super) enum Content<'a> {
    /// Text, as UTF-8 without a mark.
    Text(Box<dyn Read + 'a>),
    /// A parquet file, whole.
    Parquet(Vec<u8>),
}

impl Input<'_> {
    /// Unpacks the file and hands over its content, with the name of the packed file if there is one.
    pub(super) fn unpack<T>(
        mut self,
        take: impl FnOnce(Content<'_>, Option<&str>) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        let mut head = [0; 4];
        let length = read_full(self.reader(), &mut head)?;
        let head = &head[..length];
        match head {
            [0x1f, 0x8b, ..] => {
                let limit = self.packed_bytes()?.saturating_mul(RATIO).max(FREE_BYTES);
                let packed = Cursor::new(head.to_vec()).chain(self.reader());
                take(text(Bounded { inner: MultiGzDecoder::new(BufReader::new(packed)), left: limit, limit }), None)
            }
            [b'P', b'K', 3 | 5, 4 | 6] => unzip(self.seekable(head)?, take),
            b"PAR1" => {
                let mut bytes = Vec::new();
                self.seekable(head)?.take(HELD_BYTES).read_to_end(&mut bytes)?;
                take(Content::Parquet(bytes), None)
            }
            _ => {
                let plain = Cursor::new(head.to_vec()).chain(self.reader());
                take(text(plain), None)
            }
        }
    }

    fn reader(&mut self) -> &mut dyn Read {
        match self {
            Self::File(file) => file,
            Self::Stream(stream) => stream,
        }
    }

    /// The size of the file; 0 for a stream.
    fn packed_bytes(&mut self) -> io::Result<u64> {
        let Self::File(file) = self else { return Ok(0) };
        let position = file.stream_position()?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(position))?;
        Ok(length)
    }

    /// The whole file from its beginning, `head` of which was read.
    fn seekable<'s>(&'s mut self, head: &[u8]) -> Result<Box<dyn ReadSeek + 's>, FileError> {
        match self {
            Self::File(file) => {
                file.rewind()?;
                Ok(Box::new(file))
            }
            Self::Stream(stream) => {
                let mut bytes = head.to_vec();
                stream.take(HELD_BYTES).read_to_end(&mut bytes)?;
                Ok(Box::new(Cursor::new(bytes)))
            }
        }
    }
}

/// Reads the one member of an archive that is not a folder.
fn unzip<T>(
    mut archived: Box<dyn ReadSeek + '_>,
    take: impl FnOnce(Content<'_>, Option<&str>) -> Result<T, FileError>,
) -> Result<T, FileError> {
    let packed_bytes = archived.seek(SeekFrom::End(0))?;
    archived.rewind()?;
    let mut archive = ZipArchive::new(BufReader::new(archived)).map_err(|error| damaged(&error))?;
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    if names.iter().any(|name| name.starts_with("xl/") || name == "[Content_Types].xml") {
        return Err(FileError::NotRows { what: "a spreadsheet (xlsx)", advice: "save its sheet as CSV and import that" });
    }
    let is_member = |name: &str| !name.ends_with('/') && !name.starts_with("__MACOSX/");
    let members: Vec<usize> = (0..names.len()).filter(|&at| is_member(&names[at])).collect();
    let [member] = members.as_slice() else {
        let members = names.into_iter().filter(|name| is_member(name)).collect();
        return Err(FileError::Members { members });
    };
    let limit = packed_bytes.saturating_mul(RATIO).max(FREE_BYTES);
    let file = archive.by_index(*member).map_err(|error| damaged(&error))?;
    let name = names[*member].rsplit('/').next().unwrap_or_default().to_owned();
    take(text(Bounded { inner: file, left: limit, limit }), Some(&name))
}

fn damaged(error: &zip::result::ZipError) -> FileError {
    FileError::Io(io::Error::other(format!("the zip archive is damaged: {error}")))
}

/// Text without a byte order mark; UTF-16 with a mark becomes UTF-8.
fn text<'a>(bytes: impl Read + 'a) -> Content<'a> {
    Content::Text(Box::new(DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).build(bytes)))
}

fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..])? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

/// Stops unpacking at a limit, so that a small file cannot fill the memory.
struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other(FileError::TooLarge { limit_bytes: self.limit }))?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rstest::rstest;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in members {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(text).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn unpacked(bytes: Vec<u8>, is_stream: bool) -> Result<(String, Option<String>), FileError> {
        let input =
            if is_stream { Input::Stream(Box::new(Cursor::new(bytes))) } else { Input::File(Box::new(Cursor::new(bytes))) };
        input.unpack(|content, member| {
            let Content::Text(mut reader) = content else { panic!("not text") };
            let mut text = String::new();
            reader.read_to_string(&mut text)?;
            Ok((text, member.map(str::to_owned)))
        })
    }

    #[rstest]
    #[case::plain(b"a,b\n1,2\n".to_vec(), None)]
    #[case::marked(b"\xef\xbb\xbfa,b\n1,2\n".to_vec(), None)]
    #[case::utf_16([b"\xff\xfe".to_vec(), "a,b\n1,2\n".bytes().flat_map(|byte| [byte, 0]).collect()].concat(), None)]
    #[case::gz(gzip(b"a,b\n1,2\n"), None)]
    #[case::joined_gz([gzip(b"a,b\n"), gzip(b"1,2\n")].concat(), None)]
    #[case::zip(archive(&[("x/t.csv", b"a,b\n1,2\n")]), Some("t.csv"))]
    fn every_container_gives_the_same_text(
        #[case] bytes: Vec<u8>,
        #[case] member: Option<&str>,
        #[values(true, false)] stream: bool,
    ) {
        let expected = ("a,b\n1,2\n".to_owned(), member.map(str::to_owned));
        assert_eq!(unpacked(bytes, stream).unwrap(), expected);
    }

    #[rstest]
    #[case::several(archive(&[("a.csv", b""), ("b.csv", b"")]), "the archive holds several files (a.csv, b.csv)")]
    #[case::none(archive(&[]), "the archive holds no file")]
    #[case::spreadsheet(archive(&[("xl/workbook.xml", b"")]), "this is a spreadsheet (xlsx): save its sheet as CSV")]
    #[case::damaged(b"PK\x03\x04nonsense".to_vec(), "the file cannot be read: the zip archive is damaged")]
    fn what_is_not_one_file_is_refused(#[case] bytes: Vec<u8>, #[case] message: &str) {
        let error = unpacked(bytes, false).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }

    #[test]
    fn unpacking_stops_at_the_limit() {
        let mut bounded = Bounded { inner: io::repeat(b'7'), left: 10, limit: 10 };
        let error = bounded.read_to_end(&mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("more than 10 bytes"), "{error}");
    }
}
