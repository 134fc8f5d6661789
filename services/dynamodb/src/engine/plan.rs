//! What one write comes to: the new item, and the index entries that change with it. Pure.

use std::sync::Arc;

use haneul_kit::{ApiError, Result};

use super::capacity::{self, Used};
use super::keys;
use super::versions::Version;
use crate::expression::{Condition, Update};
use crate::table::{Index, KeySchema, TableInfo};
use crate::value::{Attrs, size, wire};

/// A write of one item, ready to be done.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) table: Arc<TableInfo>,
    /// Where the item lies.
    pub(crate) at: Vec<u8>,
    /// The key attributes.
    pub(crate) key: Attrs,
    pub(crate) action: Action,
    pub(crate) condition: Option<Condition>,
    /// Who does it, where it is not a client: TTL.
    pub(crate) by_service: bool,
    /// Of a write that another replica of a global table did: it counts only where it is the last one.
    pub(crate) version: Option<Version>,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Put(Arc<Attrs>),
    Update(Update),
    Delete,
    /// Only the condition counts.
    Check,
    /// Nothing: the request's key is none of the table, which a transaction says as a reason for its cancellation.
    Refuse(String),
}

/// An item before and after, and what the change cost.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) old: Option<Arc<Attrs>>,
    pub(crate) new: Option<Arc<Attrs>>,
    pub(crate) used: Used,
}

impl Outcome {
    /// The larger of both items, by which a write is paid.
    pub(crate) fn bytes(&self) -> usize {
        [&self.old, &self.new].into_iter().flatten().map(|item| size::of_item(item)).max().unwrap_or(0)
    }
}

/// Why a write is not done.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// The condition failed; with the item as it is.
    Condition(Option<Arc<Attrs>>),
    /// There is an item already that a statement would insert.
    Duplicate,
    /// Something about the values: an update that does not fit the item, an item that is too large.
    Invalid(String),
}

impl Write {
    pub(crate) fn put(table: Arc<TableInfo>, item: Attrs, condition: Option<Condition>) -> Result<Write> {
        keys::check_empty(&table, &item)?;
        keys::check_item(&table, &item)?;
        size::check_bytes(bytes_kept(&table, &item))?;
        let at = keys::of_item(table.record.space, &table.schema, &item);
        let key = key_of(&table.schema, &item);
        Ok(Write {
            table,
            at,
            key,
            action: Action::Put(Arc::new(item)),
            condition,
            by_service: false,
            version: None,
        })
    }

    pub(crate) fn of_key(
        table: Arc<TableInfo>,
        key: Attrs,
        action: Action,
        condition: Option<Condition>,
    ) -> Result<Write> {
        keys::check_key(&table.schema, &key)?;
        if let Action::Update(update) = &action {
            for path in update.paths() {
                let name = path.attribute();
                if table.schema.has(name) {
                    return Err(crate::error::invalid(format!(
                        "Cannot update attribute {name}. This attribute is part of the key"
                    )));
                }
            }
        }
        let at = keys::of_item(table.record.space, &table.schema, &key);
        Ok(Write { table, at, key, action, condition, by_service: false, version: None })
    }

    /// A put of a transaction. An empty key or an item that is too large is the request's fault as a whole; anything else
    /// about the key cancels the transaction, with this as the reason.
    pub(crate) fn transact_put(
        table: Arc<TableInfo>,
        item: Attrs,
        condition: Option<Condition>,
    ) -> Result<Write> {
        size::check_bytes(bytes_kept(&table, &item))?;
        keys::check_empty(&table, &item)?;
        Ok(Write::put(table.clone(), item, condition).unwrap_or_else(|why| Write::refused(table, &why)))
    }

    /// The same of a write that names its item by the key.
    pub(crate) fn transact_key(
        table: Arc<TableInfo>,
        key: Attrs,
        action: Action,
        condition: Option<Condition>,
    ) -> Result<Write> {
        keys::check_empty(&table, &key)?;
        let write = Write::of_key(table.clone(), key, action, condition);
        Ok(write.unwrap_or_else(|why| Write::refused(table, &why)))
    }

    fn refused(table: Arc<TableInfo>, why: &ApiError) -> Write {
        let action = Action::Refuse(why.message().to_owned());
        Write {
            table,
            at: Vec::new(),
            key: Attrs::new(),
            action,
            condition: None,
            by_service: false,
            version: None,
        }
    }

    /// The item after the write, when it was `old`.
    pub(crate) fn plan(&self, old: Option<&Arc<Attrs>>) -> Result<Option<Arc<Attrs>>, Refusal> {
        if let Some(condition) = &self.condition {
            let nothing = Attrs::new();
            if !condition.holds(old.map_or(&nothing, |old| old)) {
                return Err(Refusal::Condition(old.cloned()));
            }
        }
        match &self.action {
            Action::Put(item) => Ok(Some(item.clone())),
            Action::Delete => Ok(None),
            Action::Check => Ok(old.cloned()),
            Action::Refuse(why) => Err(Refusal::Invalid(why.clone())),
            Action::Update(update) => {
                let invalid = |error: ApiError| Refusal::Invalid(error.message().to_owned());
                let new = update.apply(old.map_or(&self.key, |old| old)).map_err(invalid)?;
                keys::check_updated(&self.table, old.map(|old| &**old), &new).map_err(invalid)?;
                wire::check_nesting(&new).map_err(invalid)?;
                if bytes_kept(&self.table, &new) > size::ITEM_BYTES_MAX {
                    return Err(Refusal::Invalid(
                        "Item size to update has exceeded the maximum allowed size".into(),
                    ));
                }
                // What only takes away makes no item where there is none.
                let makes_none = old.is_none() && update.only_removes();
                Ok((!makes_none).then(|| Arc::new(new)))
            }
        }
    }

    pub(crate) fn writes(&self) -> bool {
        !matches!(self.action, Action::Check | Action::Refuse(_))
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.action, Action::Refuse(_))
    }
}

/// Whether the writes of a transaction, which are all planned, are small enough together: what is put or updated counts as
/// it becomes, everything else as the key that it names.
pub(crate) fn check_transaction(writes: &[Write], outcomes: &[Outcome]) -> Result<()> {
    let bytes = |(write, outcome): (&Write, &Outcome)| match (&write.action, &outcome.new) {
        (Action::Put(_) | Action::Update(_), Some(item)) => size::of_item(item),
        _ => size::of_item(&write.key),
    };
    size::check_transaction(writes.iter().zip(outcomes).map(bytes).sum())
}

/// The key attributes of an item.
pub(crate) fn key_of(schema: &KeySchema, item: &Attrs) -> Attrs {
    let entry = |name: &str| Some((name.to_owned(), item.get(name)?.clone()));
    Attrs::of(schema.attributes().filter_map(|key| entry(&key.name)).collect())
}

/// What an item counts against its limit: itself, with its largest entry in a local index. Source: "Quotas", "Item size
/// for tables with local secondary indexes".
fn bytes_kept(table: &TableInfo, item: &Attrs) -> usize {
    let entry = |index: &Index| {
        let of_entry = item.iter().filter(|(name, _)| index.projects(name, &table.schema));
        of_entry.map(|(name, value)| name.len() + size::of_value(value)).sum::<usize>()
    };
    let local = table.indexes.iter().filter(|index| !index.record.global);
    let kept = local.filter(|index| index.schema.attributes().all(|key| item.get(&key.name).is_some()));
    size::of_item(item) + kept.map(entry).max().unwrap_or(0)
}

/// What an index has of an item.
pub(crate) fn projected(index: &Index, table: &KeySchema, item: &Arc<Attrs>) -> Arc<Attrs> {
    if index.projects_all() {
        return item.clone();
    }
    let wanted = item.iter().filter(|(name, _)| index.projects(name, table));
    Arc::new(wanted.map(|(name, value)| (name.to_owned(), value.clone())).collect())
}

/// One index entry that changes.
#[derive(Debug, PartialEq)]
pub(crate) struct EntryChange {
    pub(crate) at: Vec<u8>,
    pub(crate) entry: Option<Arc<Attrs>>,
}

/// The changes of all indexes that follow from a change of an item, and what all of it costs.
pub(crate) fn entries(
    table: &TableInfo,
    old: Option<&Arc<Attrs>>,
    new: Option<&Arc<Attrs>>,
) -> (Vec<EntryChange>, Used) {
    let size = |item: Option<&Arc<Attrs>>| item.map_or(0, |item| size::of_item(item));
    let mut used = Used::of_table(capacity::of_write(size(old).max(size(new))));
    let mut changes = Vec::new();
    for (position, index) in table.indexes.iter().enumerate() {
        let at = |item: Option<&Arc<Attrs>>| item.and_then(|item| keys::of_entry(index, &table.schema, item));
        let of = |item: Option<&Arc<Attrs>>| item.map(|item| projected(index, &table.schema, item));
        match (at(old), at(new)) {
            (None, None) => {}
            (Some(before), Some(after)) if before == after => {
                let (was, is) = (of(old), of(new));
                if was != is {
                    used.add_index(position, capacity::of_write(size(was.as_ref()).max(size(is.as_ref()))));
                    changes.push(EntryChange { at: after, entry: is });
                }
            }
            (before, after) => {
                if let Some(at) = before {
                    used.add_index(position, capacity::of_write(size(of(old).as_ref())));
                    changes.push(EntryChange { at, entry: None });
                }
                if let Some(at) = after {
                    let entry = of(new);
                    used.add_index(position, capacity::of_write(size(entry.as_ref())));
                    changes.push(EntryChange { at, entry });
                }
            }
        }
    }
    (changes, used)
}
