//! PartiQL: what ExecuteStatement, BatchExecuteStatement and ExecuteTransaction have in common.

use std::cmp::Ordering;
use std::sync::Arc;

use haneul_dynamodb_wire::shapes::AttributeValue;
use haneul_kit::{Access, ApiError, Cx, Result};

use super::Dynamodb;
use super::access::{Facts, item_access, text_of};
use super::query::{Counted, Reading, span};
use super::select::{self, Wanted};
use crate::engine::capacity::Used;
use crate::engine::keys;
use crate::engine::plan::{Action, Outcome, Refusal, Write};
use crate::error::{self, validation};
use crate::expression::key_condition::KeyRange;
use crate::expression::{Condition, Path, Projection};
use crate::partiql::plan::{self, Access as Keys};
use crate::partiql::{Returning, Select, Statement, parse};
use crate::store::read::Span;
use crate::store::write::{Batch, OneFailure};
use crate::table::{KeySchema, TableInfo, name};
use crate::value::{Attrs, Value, wire};

/// Items of a page of what is found by a list of IN. Source: DynamoDB Developer Guide, "PartiQL … operators".
const IN_PAGE: usize = 10;

const NO_KEY: &str = "Where clause does not contain a mandatory equality on all key attributes";

pub(super) fn values(parameters: Option<Vec<AttributeValue>>) -> Result<Vec<Value>> {
    parameters.into_iter().flatten().map(wire::value).collect()
}

/// A page of a SELECT, or what a write returned.
#[derive(Default)]
pub(super) struct Done {
    pub(super) items: Vec<Attrs>,
    /// The key to go on after, and in which of the ranges.
    pub(super) next: Option<(usize, Attrs)>,
    pub(super) used: Used,
    pub(super) table: Option<Arc<TableInfo>>,
}

/// How a SELECT is to be read.
#[derive(Default)]
pub(super) struct Paging {
    pub(super) consistent: bool,
    pub(super) limit: Option<usize>,
    /// After this key, in this range.
    pub(super) start: Option<(usize, Attrs)>,
}

impl Dynamodb {
    pub(super) async fn statement_access(
        &self,
        cx: &Cx,
        text: &str,
        parameters: Option<Vec<AttributeValue>>,
        enclosing: Option<&'static str>,
    ) -> Result<Access> {
        let statement = parse(text, &values(parameters)?)?;
        let id = name::of(cx, statement.table())?;
        let info = self.db.find_table(&id).await?;
        let leading = |condition: Option<&Condition>| -> (Vec<String>, bool) {
            let Some(info) = &info else { return (Vec::new(), false) };
            match plan::access(condition, &info.schema) {
                Keys::Scan => (Vec::new(), true),
                Keys::Keys(ranges) => {
                    let first = ranges.into_iter().filter_map(|range| range.partition.into_iter().next());
                    (first.filter_map(|value| text_of(&wire::to_wire(value))).collect(), false)
                }
            }
        };
        let mut facts = Facts { enclosing, ..Facts::default() };
        let (mut attributes, mut full_scan) = (Vec::new(), None);
        let mut named = |condition: Option<&Condition>| {
            if let Some(condition) = condition {
                condition.paths(&mut |path| attributes.push(path.attribute().to_owned()));
            }
        };
        let action = match &statement {
            Statement::Select(select) | Statement::Exists(select) => {
                named(select.condition.as_ref());
                attributes.extend(select.paths.iter().flatten().map(|path| path.attribute().to_owned()));
                let (keys, scan) = leading(select.condition.as_ref());
                (facts.leading, full_scan) = (keys, Some(scan));
                facts.index = select.index.as_deref();
                facts.select =
                    Some(if select.paths.is_some() { "SPECIFIC_ATTRIBUTES" } else { "ALL_ATTRIBUTES" });
                "dynamodb:PartiQLSelect"
            }
            Statement::Insert { item, .. } => {
                attributes.extend(item.iter().map(|(name, _)| name.to_owned()));
                let hash = info.as_ref().and_then(|info| info.schema.hash.first());
                let value = hash.and_then(|key| item.get(&key.name)).cloned();
                facts.leading.extend(value.and_then(|value| text_of(&wire::to_wire(value))));
                "dynamodb:PartiQLInsert"
            }
            Statement::Update { condition, update, .. } => {
                named(Some(condition));
                attributes.extend(update.paths().map(|path| path.attribute().to_owned()));
                facts.leading = leading(Some(condition)).0;
                "dynamodb:PartiQLUpdate"
            }
            Statement::Delete { condition, .. } => {
                named(Some(condition));
                facts.leading = leading(Some(condition)).0;
                "dynamodb:PartiQLDelete"
            }
        };
        facts.attributes = attributes;
        let access = item_access(action, &id, info.as_deref(), facts);
        Ok(match full_scan {
            Some(scan) => access.key("dynamodb:FullTableScan", scan.to_string()),
            None => access,
        })
    }

    pub(super) async fn select(&self, cx: &Cx, select: &Select, paging: Paging) -> Result<Done> {
        let table = self.table(cx, &select.table).await?;
        // Statements have their own words for both.
        let index = match &select.index {
            Some(name) => {
                let unknown = |_| validation("The table does not have the specified index");
                Some(table.index(name).map_err(unknown)?)
            }
            None => None,
        };
        if paging.consistent && index.is_some_and(|index| index.record.global) {
            return Err(validation("Strongly consistent read is not supported on Global Secondary Indexes"));
        }
        let schema = index.map_or(&table.schema, |index| &index.schema);
        let space = index.map_or(table.record.space, |index| index.record.space);
        let wanted = match &select.paths {
            None => Wanted::Default,
            Some(paths) => Wanted::Columns(paths.clone()),
        };
        let condition = select.condition.as_ref();
        if let Some(condition) = condition {
            plan::check_operands(condition, schema)?;
        }
        let order = Order::of(select, schema)?;
        let spans: Vec<Span> = match plan::access(condition, schema) {
            Keys::Scan if !select.order.is_empty() => {
                return Err(validation(match condition {
                    None => "Must have WHERE clause in the statement when using ORDER BY clause.",
                    Some(_) => {
                        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY \
                         clause."
                    }
                }));
            }
            Keys::Scan => vec![Span::prefix(keys::of_space(space).to_vec())],
            Keys::Keys(mut ranges) => {
                order.sort(&mut ranges);
                if let Some(condition) = condition {
                    select::check_projected(condition, &table, index)?;
                }
                ranges.iter().map(|range| Span { reverse: order.descends, ..span(space, range) }).collect()
            }
        };
        let (first, mut start) = match paging.start {
            Some((range, key)) => (range, Some(key)),
            None => (0, None),
        };
        let mut done = Done { table: Some(table.clone()), ..Done::default() };
        let lists = condition.is_some_and(|condition| plan::lists_partitions(condition, schema));
        let page = if lists && spans.len() > 1 { IN_PAGE } else { usize::MAX };
        let mut left = paging.limit.unwrap_or(usize::MAX).min(page);
        for (position, mut span) in spans.into_iter().enumerate().skip(first) {
            if let Some(key) = start.take() {
                span = span.after(&select::start_at(&table, index, &key)?);
            }
            let reading = Reading {
                table: &table,
                index,
                wanted: &wanted,
                filter: condition,
                consistent: paging.consistent,
                counted: Counted::Nothing,
            };
            let read = self.read(reading, span, left).await?;
            left -= usize::try_from(read.scanned).unwrap_or(0).min(left);
            done.used.add(&read.used);
            done.items.extend(read.items);
            if let Some(last) = read.last {
                done.next = Some((position, last));
                return Ok(done);
            }
        }
        Ok(done)
    }

    /// The write of a statement, with what it returns, and whether it must find nothing there.
    pub(super) async fn statement_write(
        &self,
        cx: &Cx,
        statement: Statement,
    ) -> Result<(Write, Option<Returning>, Projection)> {
        let table = self.table(cx, statement.table()).await?;
        let nothing = Projection::default();
        match statement {
            Statement::Insert { item, .. } => {
                let hash = table.schema.hash.first().map(|key| key.name.clone()).unwrap_or_default();
                let condition = Condition::NotExists(Path::of_name(hash));
                Ok((Write::put(table, item, Some(condition))?, None, nothing))
            }
            Statement::Update { update, condition, returning, .. } => {
                let (key, rest) = key_of(&condition, &table.schema)?;
                let hash = table.schema.hash.first().map(|key| key.name.clone()).unwrap_or_default();
                let exists = Condition::Exists(Path::of_name(hash));
                let condition = match rest {
                    Some(rest) => Condition::And(vec![exists, rest]),
                    None => exists,
                };
                let touched = update.touched();
                let write = Write::of_key(table, key, Action::Update(update), Some(condition))?;
                Ok((write, returning, touched))
            }
            Statement::Delete { condition, returning, .. } => {
                if !matches!(returning, None | Some(Returning::AllOld)) {
                    return Err(validation("DELETE can only return ALL OLD *"));
                }
                let (key, rest) = key_of(&condition, &table.schema)?;
                let hash = table.schema.hash.first().map(|key| key.name.clone()).unwrap_or_default();
                // What is not there is deleted, whatever else is asked of it.
                let gone = Condition::NotExists(Path::of_name(hash));
                let condition = rest.map(|rest| Condition::Or(vec![gone, rest]));
                Ok((Write::of_key(table, key, Action::Delete, condition)?, returning, nothing))
            }
            Statement::Exists(select) => {
                let condition = select.condition.ok_or_else(|| validation(NO_KEY))?;
                let (key, rest) = key_of(&condition, &table.schema)?;
                let rest = rest.ok_or_else(|| validation("EXISTS needs a condition beside the key"))?;
                Ok((Write::of_key(table, key, Action::Check, Some(rest))?, None, nothing))
            }
            Statement::Select(_) => Err(validation("This statement is not a write")),
        }
    }

    pub(super) async fn write_statement(
        &self,
        cx: &Cx,
        statement: Statement,
        returns_failed: bool,
    ) -> Result<Done> {
        let inserts = matches!(statement, Statement::Insert { .. });
        if matches!(statement, Statement::Exists(_)) {
            return Err(validation("EXISTS can only be used in a transaction"));
        }
        let (write, returning, touched) = self.statement_write(cx, statement).await?;
        let table = write.table.clone();
        let batch = Batch { writes: vec![write], wants_old: true, by_statement: true, ..Batch::default() };
        let outcome = match self.db.write_alone(batch).await {
            Ok(outcome) => outcome,
            Err(OneFailure::Refused(Refusal::Condition(_))) if inserts => {
                return Err(error::duplicate_item());
            }
            Err(failure) => return Err(failure.into_api(returns_failed)),
        };
        let used = outcome.used.clone();
        let items = returned(outcome, returning, &touched).into_iter().collect();
        Ok(Done { items, used, table: Some(table), next: None })
    }
}

/// The key of the one item that a statement is about, and what else it asks.
fn key_of(condition: &Condition, schema: &KeySchema) -> Result<(Attrs, Option<Condition>)> {
    plan::check_operands(condition, schema)?;
    plan::key(condition, schema).ok_or_else(|| validation(NO_KEY))
}

fn returned(outcome: Outcome, returning: Option<Returning>, touched: &Projection) -> Option<Attrs> {
    let part =
        |item: Option<Arc<Attrs>>| item.map(|item| touched.apply(&item)).filter(|part| !part.is_empty());
    match returning? {
        Returning::AllOld => outcome.old.map(Arc::unwrap_or_clone),
        Returning::AllNew => outcome.new.map(Arc::unwrap_or_clone),
        Returning::ModifiedOld => part(outcome.old),
        Returning::ModifiedNew => part(outcome.new),
    }
}

/// In which order partitions and the items of each are read.
#[derive(Default)]
struct Order {
    /// Whether the sort key is read backwards.
    descends: bool,
    /// By which attribute of the partition key, and whether backwards; by default as the statement names them.
    partitions: Option<(usize, bool)>,
}

impl Order {
    fn of(select: &Select, schema: &KeySchema) -> Result<Order> {
        let mut order = Order::default();
        for (name, down) in &select.order {
            if let Some(at) = schema.hash.iter().position(|key| key.name == *name) {
                order.partitions = order.partitions.or(Some((at, *down)));
            } else if schema.has(name) {
                order.descends = *down;
            } else {
                return Err(validation(format!(
                    "Variable reference {name} in ORDER BY clause must be part of the primary key"
                )));
            }
        }
        Ok(order)
    }

    fn sort(&self, ranges: &mut [KeyRange]) {
        let Some((at, down)) = self.partitions else { return };
        ranges.sort_by(|one, other| {
            let of = |range: &KeyRange| range.partition.get(at).cloned();
            let order = of(one).zip(of(other)).and_then(|(one, other)| one.compare(&other));
            let order = order.unwrap_or(Ordering::Equal);
            if down { order.reverse() } else { order }
        });
    }
}

pub(super) fn not_in_transaction() -> ApiError {
    error::validation("Statements of a transaction must all read or all write")
}
