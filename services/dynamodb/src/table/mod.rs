//! A table as the data plane sees it: schema, indexes, what must happen at each write.
//!
//! Reading order: this file, [`name`] (names and ARNs), [`define`] (what CreateTable and UpdateTable ask for, checked),
//! [`describe`] (the record as the API shows it).

pub(crate) mod define;
pub(crate) mod describe;
pub(crate) mod name;

use std::sync::{Arc, OnceLock};

use haneul_kit::{AccountId, Arn, Policy, Region, Result};

use crate::error;
use crate::metrics::table::{Consumed, TableSeries};
use crate::model::{IndexRecord, KeyRecord, TableRecord};
use crate::store::seal::ItemKey;

/// Everything of one table that does not change from one item to the next. Kept while the record stays as it is.
#[derive(Debug)]
pub(crate) struct TableInfo {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
    arn: Arn,
    pub(crate) record: TableRecord,
    /// Compared with the store's in every write.
    pub(crate) epoch: u64,
    pub(crate) schema: KeySchema,
    pub(crate) indexes: Vec<Index>,
    pub(crate) policy: Option<Arc<Policy>>,
    /// Its data key, once it was opened for somebody.
    pub(crate) key: OnceLock<ItemKey>,
    pub(crate) series: TableSeries,
}

#[derive(Clone, Debug)]
pub(crate) struct Index {
    pub(crate) record: IndexRecord,
    pub(crate) schema: KeySchema,
    pub(crate) consumed: Consumed,
}

/// The attributes of a key, in order, each with its type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeySchema {
    pub(crate) hash: Vec<KeyAttribute>,
    pub(crate) range: Vec<KeyAttribute>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyAttribute {
    pub(crate) name: String,
    /// `S`, `N` or `B`
    pub(crate) kind: &'static str,
}

impl TableInfo {
    pub(crate) fn new(
        (account, region, name): (AccountId, Region, String),
        record: TableRecord,
        epoch: u64,
    ) -> TableInfo {
        let schema = KeySchema::new(&record.key_schema, &record.attributes);
        let index = |index: &IndexRecord| Index {
            schema: KeySchema::new(&index.key_schema, &record.attributes),
            record: index.clone(),
            consumed: Consumed::default(),
        };
        let indexes = record.indexes.iter().map(index).collect();
        let policy = record
            .resource_policy
            .as_ref()
            .and_then(|policy| name::parse_policy(&policy.document).ok())
            .map(Arc::new);
        let arn = Arn::new("dynamodb", region, account, format_args!("table/{name}"));
        let key = OnceLock::new();
        let series = TableSeries::default();
        TableInfo { account, region, name, arn, record, epoch, schema, indexes, policy, key, series }
    }

    pub(crate) fn arn(&self) -> &Arn {
        &self.arn
    }

    pub(crate) fn index_arn(&self, index: &str) -> Arn {
        Arn::new("dynamodb", self.region, self.account, format_args!("table/{}/index/{index}", self.name))
    }

    /// An index that can be read.
    pub(crate) fn index(&self, name: &str) -> Result<&Index> {
        let found = self.indexes.iter().find(|index| index.record.name == name);
        let found = found.ok_or_else(|| {
            error::validation(format!("The table does not have the specified index: {name}"))
        })?;
        match found.record.ready {
            true => Ok(found),
            false => {
                Err(error::validation(format!("Cannot read from backfilling global secondary index: {name}")))
            }
        }
    }

    pub(crate) fn has_local_indexes(&self) -> bool {
        self.indexes.iter().any(|index| !index.record.global)
    }
}

impl Index {
    pub(crate) fn projects_all(&self) -> bool {
        self.record.projection == "ALL"
    }

    /// Whether an entry has the attribute.
    pub(crate) fn projects(&self, attribute: &str, table: &KeySchema) -> bool {
        self.projects_all()
            || self.schema.has(attribute)
            || table.has(attribute)
            || self.record.non_key_attributes.iter().any(|name| name == attribute)
    }
}

impl KeySchema {
    pub(crate) fn new(keys: &[KeyRecord], attributes: &[(String, String)]) -> KeySchema {
        let of_role = |role: &str| {
            let of_role = keys.iter().filter(|key| key.role == role);
            of_role
                .map(|key| {
                    let kind = attributes.iter().find(|(name, _)| *name == key.name);
                    let kind = match kind.map(|(_, kind)| kind.as_str()) {
                        Some("N") => "N",
                        Some("B") => "B",
                        _ => "S",
                    };
                    KeyAttribute { name: key.name.clone(), kind }
                })
                .collect()
        };
        KeySchema { hash: of_role("HASH"), range: of_role("RANGE") }
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.hash.iter().chain(&self.range)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.attributes().any(|key| key.name == name)
    }

    pub(crate) fn len(&self) -> usize {
        self.hash.len() + self.range.len()
    }
}
