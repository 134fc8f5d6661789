//! Select, ProjectionExpression and AttributesToGet of Query and Scan: which part of each item is answered.

use std::collections::BTreeSet;

use haneul_dynamodb_wire::shapes::AttributeValue;
use haneul_kit::Result;
use haneul_shape::value::Map;
use haneul_store::Snapshot;

use super::get_item::of_attributes;
use crate::engine::keys;
use crate::error::{invalid, validation};
use crate::expression::{Condition, Path, Placeholders, Projection};
use crate::store::read;
use crate::table::{Index, TableInfo};
use crate::value::{Attrs, wire};

/// What a request says of it.
pub(super) struct Asked {
    select: Option<String>,
    projection: Option<String>,
    attributes: Option<Projection>,
}

#[derive(Debug)]
pub(super) enum Wanted {
    /// The whole item, or the whole entry of an index.
    Default,
    /// The whole item, even from an index that has less.
    All,
    Some(Projection),
    /// What a statement names, each part under a name of its own.
    Columns(Vec<Path>),
    Count,
}

impl Asked {
    /// Refuses parameters that contradict one another, in words that `envelope` comes before.
    pub(super) fn new(
        envelope: &str,
        select: Option<String>,
        projection: Option<String>,
        attributes_to_get: Option<Vec<String>>,
        on_index: bool,
    ) -> Result<Asked> {
        let given = match (&projection, &attributes_to_get) {
            (Some(_), _) => Some("ProjectionExpression"),
            (None, Some(_)) => Some("AttributesToGet"),
            (None, None) => None,
        };
        let wrong = match (select.as_deref(), given) {
            (Some("COUNT"), Some(given)) => {
                Some(format!("Cannot specify the {given} when choosing to get only the Count"))
            }
            (Some(select @ ("ALL_ATTRIBUTES" | "ALL_PROJECTED_ATTRIBUTES")), Some(given)) => {
                Some(format!("Cannot specify the {given} when choosing to get {select}"))
            }
            (Some("SPECIFIC_ATTRIBUTES"), None) => Some(
                "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
                    .to_owned(),
            ),
            (Some("ALL_PROJECTED_ATTRIBUTES"), None) if !on_index => {
                Some("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName".to_owned())
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(validation(format!("{envelope}{wrong}")));
        }
        let attributes = attributes_to_get.map(|names| of_attributes(&names)).transpose()?;
        Ok(Asked { select, projection, attributes })
    }

    pub(super) fn wanted(self, placeholders: &Placeholders) -> Result<Wanted> {
        if let Some(projection) = &self.projection {
            return Projection::parse(projection, placeholders).map(Wanted::Some);
        }
        Ok(match (self.attributes, self.select.as_deref()) {
            (Some(attributes), _) => Wanted::Some(attributes),
            (None, Some("COUNT")) => Wanted::Count,
            (None, Some("ALL_ATTRIBUTES")) => Wanted::All,
            (None, _) => Wanted::Default,
        })
    }
}

impl Wanted {
    /// Whether an index can answer it; a local one looks into the table for what it has not.
    pub(super) fn fetches(&self, table: &TableInfo, index: &Index) -> Result<bool> {
        let name = &index.record.name;
        match self {
            Wanted::All if index.projects_all() => Ok(false),
            Wanted::All if index.record.global => Err(invalid(format!(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index {name} because its projection \
                 type is not ALL"
            ))),
            Wanted::All => Ok(true),
            Wanted::Default | Wanted::Count => Ok(false),
            Wanted::Some(_) | Wanted::Columns(_) => {
                let missing: Vec<&str> = self
                    .paths()
                    .iter()
                    .map(Path::attribute)
                    .filter(|attribute| !index.projects(attribute, &table.schema))
                    .collect();
                if index.record.global && !missing.is_empty() {
                    return Err(invalid(format!(
                        "Global secondary index {name} does not project [{}]",
                        missing.join(", ")
                    )));
                }
                Ok(!missing.is_empty())
            }
        }
    }

    fn paths(&self) -> &[Path] {
        match self {
            Wanted::Some(projection) => projection.paths(),
            Wanted::Columns(paths) => paths,
            _ => &[],
        }
    }

    pub(super) fn is_count(&self) -> bool {
        matches!(self, Wanted::Count)
    }

    pub(super) fn part(&self, item: Attrs) -> Attrs {
        match self {
            Wanted::Some(projection) => projection.apply(&item),
            Wanted::Columns(paths) => columns(paths, &item),
            _ => item,
        }
    }
}

/// What SELECT answers of an item: the value of each path, under the last name in it and the indexes behind that.
pub(super) fn columns(paths: &[Path], item: &Attrs) -> Attrs {
    paths.iter().filter_map(|path| Some((path.column(), path.get(item)?.clone()))).collect()
}

/// A query's filter is about what the index has: even a local index does not look into the table for it.
pub(super) fn check_projected(filter: &Condition, table: &TableInfo, index: Option<&Index>) -> Result<()> {
    let Some(index) = index else { return Ok(()) };
    let mut missing = BTreeSet::new();
    filter.paths(&mut |path| {
        if !index.projects(path.attribute(), &table.schema) {
            missing.insert(path.attribute());
        }
    });
    match missing.is_empty() {
        true => Ok(()),
        false => Err(invalid(format!(
            "Secondary index {} does not project one or more filter attributes: [{}]",
            index.record.name,
            missing.into_iter().collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// ExclusiveStartKey as attributes, whatever the table may be.
pub(super) fn start_key(given: Option<Map<AttributeValue>>) -> Result<Option<Attrs>> {
    let wrong = |error: haneul_kit::ApiError| invalid_start(&format!(": {}", error.message()));
    given.map(|key| wire::attrs(key).map_err(wrong)).transpose()
}

/// The same as the key in the space that is read.
pub(super) fn start_at(table: &TableInfo, index: Option<&Index>, key: &Attrs) -> Result<Vec<u8>> {
    let mismatch = || invalid_start(": The provided key element does not match the schema");
    let Some(index) = index else {
        keys::check_key(&table.schema, key).map_err(|_| mismatch())?;
        return Ok(keys::of_item(table.record.space, &table.schema, key));
    };
    let known = |name: &str| index.schema.has(name) || table.schema.has(name);
    if !key.iter().all(|(name, _)| known(name)) {
        return Err(invalid_start(""));
    }
    for attribute in index.schema.attributes().chain(table.schema.attributes()) {
        match key.get(&attribute.name) {
            None => return Err(invalid_start("")),
            Some(value) if value.type_name() != attribute.kind => return Err(mismatch()),
            Some(_) => {}
        }
    }
    keys::of_entry(index, &table.schema, key).ok_or_else(|| invalid_start(""))
}

pub(super) fn invalid_start(why: &str) -> haneul_kit::ApiError {
    validation(format!("The provided starting key is invalid{why}"))
}

/// The key by which a next page goes on after an item.
pub(super) fn last_key(table: &TableInfo, index: Option<&Index>, item: &Attrs) -> Attrs {
    let own = table.schema.attributes();
    let of_index = index.into_iter().flat_map(|index| index.schema.attributes());
    let entry = |name: &str| Some((name.to_owned(), item.get(name)?.clone()));
    own.chain(of_index).filter_map(|key| entry(&key.name)).collect()
}

/// The whole item of an entry.
pub(super) async fn fetch(snapshot: &Snapshot, table: &TableInfo, entry: &Attrs) -> Result<Option<Attrs>> {
    read::get(snapshot, table, &keys::of_item(table.record.space, &table.schema, entry)).await
}
