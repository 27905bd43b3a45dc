//! Tables of rows: delimited text, JSON lists, lines of JSON objects, parquet.

use std::io::{BufRead, BufReader, Chain, Cursor, Read};

use bytes::Bytes;
use csv::ByteRecord;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Value;

use crate::files::dialect::Dialect;
use crate::files::guard::LineLimitReader;
use crate::files::input::Content;
use crate::files::{FileError, Place, parquet};

/// How much of a file decides what it is.
const HEAD_BYTES: u64 = 1 << 20;

/// The most rows that are looked at beforehand.
const HEAD_ROWS: usize = 20_000;

/// How the rows of a table are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Cells between delimiters.
    Delimited,
    /// Lists of values in one JSON list.
    JsonLists,
    /// JSON objects, one a line or in one list.
    JsonObjects,
    /// Parquet.
    Parquet,
}

/// The beginning of a table: what its readers decide by.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) form: Form,
    /// The names of the columns, from left to right.
    pub(super) names: Vec<String>,
    /// Whether the names are the file's own.
    pub(super) has_names: bool,
    /// The first rows as text.
    pub(super) rows: Vec<Vec<String>>,
    /// What was decided about the form, in words.
    pub(super) told: Vec<String>,
}

/// A table whose beginning was read.
pub(super) struct Table<'a> {
    pub(super) head: Head,
    body: Body<'a>,
}

enum Body<'a> {
    Delimited(Box<csv::Reader<Lines<'a>>>, u64),
    Lists(Box<dyn Read + 'a>),
    Lines(Box<dyn BufRead + 'a>),
    Parquet(Bytes),
}

/// Guarded lines; one more line end closes a last line that has none.
type Lines<'a> = Chain<LineLimitReader<Box<dyn Read + 'a>>, &'static [u8]>;

/// Takes the cells of a row and its place.
type Take<'t> = dyn FnMut(&ByteRecord, Place) -> Result<(), FileError> + 't;

impl<'a> Table<'a> {
    /// Reads the beginning of a content and decides its form.
    pub(super) fn open(content: Content<'a>, delimiter: Option<u8>) -> Result<Self, FileError> {
        let mut reader = match content {
            Content::Text(reader) => reader,
            Content::Parquet(bytes) => {
                let bytes = Bytes::from(bytes);
                let (names, rows) = parquet::head(&bytes, HEAD_ROWS)?;
                let head = Head { form: Form::Parquet, names, has_names: true, rows, told: Vec::new() };
                return Ok(Self { head, body: Body::Parquet(bytes) });
            }
        };
        let mut head = Vec::new();
        reader.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
        let is_whole = (head.len() as u64) < HEAD_BYTES;
        refuse_what_holds_no_rows(&head)?;
        let all = |head: Vec<u8>| -> Box<dyn Read + 'a> { Box::new(Cursor::new(head).chain(reader)) };
        match head.trim_ascii_start().first() {
            Some(b'[') => {
                let form = head_of_list(&head);
                Ok(Self { head: form, body: Body::Lists(all(head)) })
            }
            Some(b'{') if begins_with_object(&head) => {
                let form = head_of_lines(&head);
                Ok(Self { head: form, body: Body::Lines(Box::new(BufReader::new(all(head)))) })
            }
            _ => Self::delimited(&head.clone(), all(head), is_whole, delimiter),
        }
    }

    /// Reads CSV with a header in the first line.
    pub(super) fn of_csv(body: &'a [u8]) -> Result<Self, FileError> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let first = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let names = record(first, b',')?;
        if names.iter().all(String::is_empty) {
            return Err(FileError::Empty);
        }
        let head = Head { form: Form::Delimited, names, has_names: true, rows: Vec::new(), told: Vec::new() };
        Ok(Self { head, body: Body::Delimited(Box::new(csv_reader(Box::new(body), b',')), 1) })
    }

    fn delimited(head: &[u8], all: Box<dyn Read + 'a>, is_whole: bool, delimiter: Option<u8>) -> Result<Self, FileError> {
        let dialect = Dialect::of(head, delimiter)?;
        let end = if is_whole { head.len() } else { head.iter().rposition(|byte| *byte == b'\n').unwrap_or(head.len()) };
        let skipped = dialect.leading_lines + dialect.header_lines;
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut look = |cells: &ByteRecord, _| {
            rows.push(cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect());
            if rows.len() < HEAD_ROWS { Ok(()) } else { Err(FileError::NoRows) }
        };
        // A fault in the head is met again, and reported, when all rows are read.
        let _ = each_delimited(&mut csv_reader(Box::new(&head[..end]), dialect.delimiter), skipped, &mut look);
        let told = dialect.told();
        let head = Head { form: Form::Delimited, names: dialect.names, has_names: dialect.header_lines > 0, rows, told };
        Ok(Self { head, body: Body::Delimited(Box::new(csv_reader(all, dialect.delimiter)), skipped) })
    }

    /// Hands each row to `take`, until that fails.
    pub(super) fn for_each(self, take: &mut Take<'_>) -> Result<(), FileError> {
        match self.body {
            Body::Delimited(mut reader, skipped) => each_delimited(&mut reader, skipped, take),
            Body::Lists(reader) => each_element(BufReader::new(reader), &self.head.names, take),
            Body::Lines(lines) => each_line(lines, &self.head.names, take),
            Body::Parquet(bytes) => parquet::each(&bytes, take),
        }
    }
}

/// A line as cells of text.
pub(super) fn record(line: &[u8], delimiter: u8) -> Result<Vec<String>, FileError> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(line);
    let mut record = ByteRecord::new();
    let is_read = reader.read_byte_record(&mut record).unwrap_or(false);
    let text = |cell: &[u8]| std::str::from_utf8(cell).map(|cell| cell.trim().to_owned());
    let cells = if is_read { record.iter().map(text).collect() } else { Ok(Vec::new()) };
    cells.map_err(|_| FileError::Binary { line: 1 })
}

fn csv_reader(text: Box<dyn Read + '_>, delimiter: u8) -> csv::Reader<Lines<'_>> {
    let mut builder = csv::ReaderBuilder::new();
    // Only a line feed ends a line, so that lines are counted as an editor counts them.
    builder.delimiter(delimiter).has_headers(false).flexible(true).terminator(csv::Terminator::Any(b'\n'));
    builder.buffer_capacity(1 << 16).from_reader(LineLimitReader::new(text).chain(b"\n".as_slice()))
}

fn each_delimited(reader: &mut csv::Reader<Lines<'_>>, skipped: u64, take: &mut Take<'_>) -> Result<(), FileError> {
    let mut cells = ByteRecord::new();
    while reader.read_byte_record(&mut cells).map_err(fatal)? {
        // Its own position would count blank lines before it as part of the row.
        let line = reader.position().line() - 1;
        if line > skipped && !(cells.len() == 1 && cells[0].trim_ascii().is_empty()) {
            take(&cells, Place::Line(line))?;
        }
    }
    Ok(())
}

fn each_line(lines: Box<dyn BufRead + '_>, names: &[String], take: &mut Take<'_>) -> Result<(), FileError> {
    let mut cells = ByteRecord::new();
    for (line, text) in (1..).zip(lines.split(b'\n')) {
        let text = text?;
        if text.trim_ascii().is_empty() {
            continue;
        }
        let value = serde_json::from_slice(&text).map_err(|error| FileError::json(line, &error))?;
        fill(&mut cells, names, &value);
        take(&cells, Place::Line(line as u64))?;
    }
    Ok(())
}

/// Hands over the elements of one JSON list.
fn each_element(reader: impl Read, names: &[String], take: &mut Take<'_>) -> Result<(), FileError> {
    let mut fault = None;
    let mut cells = ByteRecord::new();
    let mut each = |row: u64, value: &Value| {
        fill(&mut cells, names, value);
        take(&cells, Place::Row(row))
    };
    let elements = Elements { take: &mut each, fault: &mut fault };
    let read = elements.deserialize(&mut serde_json::Deserializer::from_reader(reader));
    match (fault, read) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => Err(FileError::json(error.line(), &error)),
        (None, Ok(())) => Ok(()),
    }
}

/// Lays the values of a JSON row out as cells: a list in its order, an object in that of `names`.
fn fill(cells: &mut ByteRecord, names: &[String], value: &Value) {
    cells.clear();
    match value {
        Value::Array(list) => {
            for value in list {
                cells.push_field(text_of(value).as_bytes());
            }
        }
        Value::Object(object) => {
            for name in names {
                cells.push_field(object.get(name).map(text_of).unwrap_or_default().as_bytes());
            }
        }
        other => cells.push_field(text_of(other).as_bytes()),
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Visits the elements of a JSON list one by one, without holding them.
struct Elements<'e> {
    take: &'e mut dyn FnMut(u64, &Value) -> Result<(), FileError>,
    fault: &'e mut Option<FileError>,
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut row = 0;
        while let Some(value) = list.next_element::<Value>()? {
            row += 1;
            if let Err(fault) = (self.take)(row, &value) {
                *self.fault = Some(fault);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

fn head_of_list(head: &[u8]) -> Head {
    let mut values = Vec::new();
    let mut look = |_, value: &Value| {
        values.push(value.clone());
        if values.len() < HEAD_ROWS { Ok(()) } else { Err(FileError::NoRows) }
    };
    // The head may end within an element; what is wrong with the list is reported when all of it is read.
    let _ = Elements { take: &mut look, fault: &mut None }.deserialize(&mut serde_json::Deserializer::from_slice(head));
    head_of_values(&values)
}

/// Some publishers wrap CSV into something like JSON, so the bracket alone proves nothing.
fn begins_with_object(head: &[u8]) -> bool {
    serde_json::Deserializer::from_slice(head).into_iter::<Value>().next().is_some_and(|value| value.is_ok())
}

fn head_of_lines(head: &[u8]) -> Head {
    let values = serde_json::Deserializer::from_slice(head).into_iter::<Value>();
    head_of_values(&values.map_while(Result::ok).take(HEAD_ROWS).collect::<Vec<Value>>())
}

fn head_of_values(values: &[Value]) -> Head {
    let (form, names, has_names) = match values.first() {
        Some(Value::Object(object)) => (Form::JsonObjects, object.keys().cloned().collect(), true),
        Some(Value::Array(list)) => (Form::JsonLists, (1..=list.len()).map(|place| format!("column {place}")).collect(), false),
        _ => (Form::JsonLists, Vec::new(), false),
    };
    let rows = values.iter().map(|value| {
        let mut cells = ByteRecord::new();
        fill(&mut cells, &names, value);
        cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
    });
    let rows = rows.collect();
    Head { form, names, has_names, rows, told: Vec::new() }
}

/// Files that are often taken for tables, by their first bytes.
fn refuse_what_holds_no_rows(head: &[u8]) -> Result<(), FileError> {
    let start = String::from_utf8_lossy(&head[..head.len().min(400)]).trim_start().to_ascii_lowercase();
    let first_word = start.split([' ', '\t', '\n', '\r']).next().unwrap_or_default();
    let is_digest = matches!(first_word.len(), 32 | 40 | 64) && first_word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let not_rows = |what, advice| Err(FileError::NotRows { what, advice });
    if start.is_empty() {
        return Err(FileError::Empty);
    }
    if start.starts_with("version https://git-lfs") {
        return not_rows("a git-lfs pointer and not the file it points to", "fetch the file with `git lfs pull`");
    }
    if start.starts_with("<!doctype") || start.starts_with("<html") || start.starts_with("<?xml") {
        return not_rows("a page (HTML or XML) and not a table", "open it in a browser to see what the publisher answered");
    }
    if is_digest && start.len() > first_word.len() {
        return not_rows("a list of checksums and not a table", "import the file that it names");
    }
    Ok(())
}

/// Returns the guard's own fault from under the CSV reader.
fn fatal(error: csv::Error) -> FileError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => FileError::from(error),
        other => FileError::Io(std::io::Error::other(format!("{other:?}"))),
    }
}
