//! The rows and columns of an answer written as CSV. The columns are taken from its schema: they do not depend on the data.

use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};

/// How the data of an answer become a table.
#[derive(Debug, Default)]
pub(in crate::api) struct Table {
    /// The fields of the data that hold the rows, one list after the other; none where the data are the
    /// rows, or the only one.
    lists: &'static [&'static str],
    columns: Vec<Column>,
}

/// One column: the path to a field, its words joined by dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api) struct Column {
    name: String,
}

impl Column {
    /// The column of a field; `low.at` is the field `at` of the object `low`.
    #[must_use]
    pub(in crate::api) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Its name in the header row.
    #[must_use]
    pub(in crate::api) fn name(&self) -> &str {
        &self.name
    }

    /// Its field of a row; `None` where the row or an object on the way has none.
    #[must_use]
    pub(in crate::api) fn of<'a>(&self, row: &'a Value) -> Option<&'a Value> {
        self.name.split('.').try_fold(row, |value, field| value.get(field))
    }
}

impl Table {
    /// The table of data with this schema.
    ///
    /// # Errors
    /// When a schema cannot be written as JSON: a fault of utoipa.
    pub(in crate::api) fn new(
        schema: &RefOr<Schema>,
        known: &[(String, RefOr<Schema>)],
        lists: &'static [&'static str],
    ) -> serde_json::Result<Self> {
        let known = known.iter().map(|(name, schema)| Ok((name.clone(), serde_json::to_value(schema)?)));
        let known: serde_json::Map<String, Value> = known.collect::<serde_json::Result<_>>()?;
        let schema = serde_json::to_value(schema)?;
        let data = resolve(&schema, &known);
        let mut columns = vec![];
        if lists.is_empty() {
            collect(data.get("items").unwrap_or(data), "", &known, &mut columns);
        }
        for list in lists {
            collect(&data["properties"][list]["items"], "", &known, &mut columns);
        }
        Ok(Self { lists, columns: without_repeats(columns) })
    }

    /// The columns, in the order of the fields.
    #[must_use]
    pub(in crate::api) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows of data.
    #[must_use]
    pub(in crate::api) fn rows(&self, data: Value) -> Vec<Value> {
        match data {
            Value::Array(rows) => rows,
            Value::Object(mut fields) if !self.lists.is_empty() => {
                let lists = self.lists.iter().filter_map(|list| fields.remove(*list));
                lists.flat_map(|rows| if let Value::Array(rows) = rows { rows } else { vec![] }).collect()
            }
            object => vec![object],
        }
    }
}

/// Each column where it comes first.
fn without_repeats(columns: Vec<Column>) -> Vec<Column> {
    columns.into_iter().fold(vec![], |mut kept, column| {
        if !kept.contains(&column) {
            kept.push(column);
        }
        kept
    })
}

/// Adds the columns of a schema in the order of its fields: objects are opened and joined, lists stay whole (they
/// are written as JSON).
fn collect(schema: &Value, path: &str, known: &serde_json::Map<String, Value>, columns: &mut Vec<Column>) {
    let schema = resolve(schema, known);
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        for part in parts {
            collect(part, path, known, columns);
        }
        return;
    }
    match schema.get("properties").and_then(Value::as_object) {
        Some(fields) => {
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(field, &path, known, columns);
            }
        }
        None => columns.push(Column::new(path)),
    }
}

/// Follows references, and `null or X` to X.
fn resolve<'a>(schema: &'a Value, known: &'a serde_json::Map<String, Value>) -> &'a Value {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let name = target.rsplit('/').next().unwrap_or_default();
        return known.get(name).map_or(schema, |found| resolve(found, known));
    }
    let branches = ["oneOf", "anyOf", "allOf"].into_iter().find_map(|word| schema.get(word)).and_then(Value::as_array);
    let mut objects = branches.into_iter().flatten().filter(|branch| branch.get("type").is_none_or(|kind| kind != "null"));
    match (objects.next(), objects.next()) {
        (Some(only), None) => resolve(only, known),
        _ => schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use utoipa::{PartialSchema, ToSchema};

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Extreme {
        at: String,
        value_usd: f64,
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Price {
        last_usd: Option<f64>,
        lowest_since: Option<Extreme>,
        by_source: Vec<Extreme>,
        low: Extreme,
    }

    #[test]
    fn objects_are_opened_even_when_they_may_be_null_and_lists_stay_whole() {
        let mut known = vec![];
        Price::schemas(&mut known);
        let expected = ["last_usd", "lowest_since.at", "lowest_since.value_usd", "by_source", "low.at", "low.value_usd"];
        assert_eq!(Table::new(&Price::schema(), &known, &[]).unwrap().columns(), expected.map(Column::new));
        assert_eq!(Table::new(&<Vec<Price>>::schema(), &known, &[]).unwrap().columns().len(), 6);
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Day {
        note: String,
        highs: Vec<Extreme>,
        gaps: Vec<Gap>,
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Gap {
        at: String,
        reason: String,
    }

    #[test]
    fn lists_that_are_named_are_rows_under_the_columns_of_all() {
        let mut known = vec![];
        Day::schemas(&mut known);
        let table = Table::new(&Day::schema(), &known, &["highs", "gaps"]).unwrap();
        assert_eq!(table.columns(), ["at", "value_usd", "reason"].map(Column::new));
        let (high, gap) = (json!({"at": "noon", "value_usd": 1.0}), json!({"at": "one", "reason": "none"}));
        assert_eq!(table.rows(json!({"note": "x", "gaps": [gap], "highs": [high]})), [high, gap]);
    }
}
