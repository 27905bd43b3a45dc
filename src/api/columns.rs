//! The columns of an answer written as CSV, taken from its schema: they do not depend on the data.

use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};

/// One column: the path to a field, its words joined by dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    name: String,
}

impl Column {
    /// The column of a field; `low.at` is the field `at` of the object `low`.
    #[must_use]
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    /// Its name in the header row.
    #[must_use]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its field of a row; `None` where the row or an object on the way has none.
    #[must_use]
    pub(super) fn of<'a>(&self, row: &'a Value) -> Option<&'a Value> {
        self.name.split('.').try_fold(row, |value, field| value.get(field))
    }
}

/// The columns of a schema in the order of its fields: objects are opened and joined, lists stay whole (they
/// are written as JSON). For a list of rows, those of one row.
///
/// # Errors
/// When a schema cannot be written as JSON: a fault of utoipa.
pub(super) fn columns(schema: &RefOr<Schema>, known: &[(String, RefOr<Schema>)]) -> serde_json::Result<Vec<Column>> {
    let known = known.iter().map(|(name, schema)| Ok((name.clone(), serde_json::to_value(schema)?)));
    let known: serde_json::Map<String, Value> = known.collect::<serde_json::Result<_>>()?;
    let schema = serde_json::to_value(schema)?;
    let schema = resolve(&schema, &known);
    let row = schema.get("items").unwrap_or(schema);
    let mut columns = vec![];
    collect(row, "", &known, &mut columns);
    Ok(columns)
}

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
        assert_eq!(columns(&Price::schema(), &known).unwrap(), expected.map(Column::new));
        assert_eq!(columns(&<Vec<Price>>::schema(), &known).unwrap().len(), 6);
    }
}
