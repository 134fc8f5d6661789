//! TransactWriteItems.

use std::sync::Arc;

use haneul_dynamodb_wire::operations::TransactWriteItems;
use haneul_dynamodb_wire::shapes::{
    CancellationReason, ConditionCheck, ConsumedCapacity, Delete, Put, TransactWriteItem,
    TransactWriteItemsInput, TransactWriteItemsOutput, Update as WireUpdate,
};
use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_shape::value::Map;

use super::access::{Facts, named};
use super::request::to_wire;
use super::{Dynamodb, digest, strong};
use crate::engine::capacity::{self, Direction, Used, UsedTables};
use crate::engine::plan::{Action, Outcome, Refusal, Write};
use crate::error::{CONDITIONAL_FAILED, DUPLICATE, transaction_cancelled, validation};
use crate::expression::{Condition, Placeholders, Update};
use crate::model::TokenRecord;
use crate::store::write::{Batch, Failure};
use crate::table::TableInfo;
use crate::value::wire;

const ENCLOSING: &str = "TransactWriteItems";

impl Handle<TransactWriteItems> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &TransactWriteItemsInput) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for item in &input.transact_items {
            let (action, table, key, expressions, names) = match item {
                TransactWriteItem { put: Some(put), .. } => (
                    "dynamodb:PutItem",
                    &put.table_name,
                    &put.item,
                    [put.condition_expression.as_ref(), None],
                    put.expression_attribute_names.as_ref(),
                ),
                TransactWriteItem { update: Some(update), .. } => (
                    "dynamodb:UpdateItem",
                    &update.table_name,
                    &update.key,
                    [update.condition_expression.as_ref(), Some(&update.update_expression)],
                    update.expression_attribute_names.as_ref(),
                ),
                TransactWriteItem { delete: Some(delete), .. } => (
                    "dynamodb:DeleteItem",
                    &delete.table_name,
                    &delete.key,
                    [delete.condition_expression.as_ref(), None],
                    delete.expression_attribute_names.as_ref(),
                ),
                TransactWriteItem { condition_check: Some(check), .. } => (
                    "dynamodb:ConditionCheckItem",
                    &check.table_name,
                    &check.key,
                    [Some(&check.condition_expression), None],
                    check.expression_attribute_names.as_ref(),
                ),
                _ => continue,
            };
            let facts = Facts {
                keys: vec![key],
                attributes: named(expressions, names, key.iter().map(|(name, _)| name)),
                return_consumed_capacity: input.return_consumed_capacity.as_deref(),
                enclosing: Some(ENCLOSING),
                ..Facts::default()
            };
            all.push(self.on_items(cx, action, table, facts).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: TransactWriteItemsInput) -> Result<TransactWriteItemsOutput> {
        let token = input.client_request_token.as_ref().map(|token| {
            let digest = digest::of(&input.transact_items);
            let record = TokenRecord { digest, at_ms: cx.now().millis(), bytes: Vec::new() };
            ((cx.account(), cx.region(), token.clone()), record)
        });
        let mut writes = Vec::with_capacity(input.transact_items.len());
        let mut returned = Vec::with_capacity(writes.capacity());
        for item in input.transact_items {
            let (write, returns) = self.transact_write(cx, item).await?;
            writes.push(write);
            returned.push(returns);
        }
        check_writes(&writes)?;
        let (capacity, metrics) =
            (input.return_consumed_capacity.as_deref(), input.return_item_collection_metrics.as_deref());
        let (tables, keys): (Vec<_>, Vec<_>) =
            writes.iter().map(|write| (write.table.clone(), write.key.clone())).unzip();
        let batch = Batch { writes, wants_old: true, token, transaction: true, ..Batch::default() };
        let consumed_capacity = match self.db.write(batch).await {
            Ok(outcomes) => consumed(&tables, &outcomes, capacity),
            Err(Failure::TokenDone(bytes)) => repeated(&tables, &bytes, capacity),
            Err(Failure::Refused(refusals)) => return Err(cancelled(refusals, &returned)),
            Err(failure) => return Err(failure.into()),
        };
        let mut collections: Map<Vec<_>> = Map::default();
        for (table, key) in tables.iter().zip(&keys) {
            let Some(metrics) = self.collection_metrics(table, key, metrics).await? else { continue };
            match collections.0.iter_mut().find(|(name, _)| *name == table.name) {
                Some((_, of_table)) => of_table.push(metrics),
                None => collections.0.push((table.name.clone(), vec![metrics])),
            }
        }
        Ok(TransactWriteItemsOutput {
            consumed_capacity,
            item_collection_metrics: (!collections.is_empty()).then_some(collections),
        })
    }
}

impl Dynamodb {
    /// A write, and whether its item is returned when its condition fails.
    async fn transact_write(&self, cx: &Cx, item: TransactWriteItem) -> Result<(Write, bool)> {
        let returns = |wanted: &Option<String>| wanted.as_deref() == Some("ALL_OLD");
        match item {
            TransactWriteItem { put: Some(put), condition_check: None, delete: None, update: None } => {
                let Put { item, table_name, condition_expression, .. } = put;
                let item = wire::attrs(item)?;
                let (condition, _) = expressions(
                    None,
                    condition_expression,
                    put.expression_attribute_names,
                    put.expression_attribute_values,
                )?;
                let table = self.table(cx, &table_name).await?;
                let returns = returns(&put.return_values_on_condition_check_failure);
                Ok((Write::transact_put(table, item, condition)?, returns))
            }
            TransactWriteItem { update: Some(update), condition_check: None, delete: None, put: None } => {
                let WireUpdate { key, update_expression, table_name, condition_expression, .. } = update;
                let key = wire::attrs(key)?;
                let (condition, change) = expressions(
                    Some(update_expression),
                    condition_expression,
                    update.expression_attribute_names,
                    update.expression_attribute_values,
                )?;
                let table = self.table(cx, &table_name).await?;
                let returns = returns(&update.return_values_on_condition_check_failure);
                let action = Action::Update(change.unwrap_or_default());
                Ok((Write::transact_key(table, key, action, condition)?, returns))
            }
            TransactWriteItem { delete: Some(delete), condition_check: None, put: None, update: None } => {
                let Delete { key, table_name, condition_expression, .. } = delete;
                let key = wire::attrs(key)?;
                let (condition, _) = expressions(
                    None,
                    condition_expression,
                    delete.expression_attribute_names,
                    delete.expression_attribute_values,
                )?;
                let table = self.table(cx, &table_name).await?;
                let returns = returns(&delete.return_values_on_condition_check_failure);
                Ok((Write::transact_key(table, key, Action::Delete, condition)?, returns))
            }
            TransactWriteItem { condition_check: Some(check), delete: None, put: None, update: None } => {
                let ConditionCheck { key, table_name, condition_expression, .. } = check;
                let key = wire::attrs(key)?;
                let (condition, _) = expressions(
                    None,
                    Some(condition_expression),
                    check.expression_attribute_names,
                    check.expression_attribute_values,
                )?;
                let table = self.table(cx, &table_name).await?;
                let returns = returns(&check.return_values_on_condition_check_failure);
                Ok((Write::transact_key(table, key, Action::Check, condition)?, returns))
            }
            _ => Err(validation("TransactItems can only contain one of Check, Put, Update or Delete")),
        }
    }
}

fn expressions(
    update: Option<String>,
    condition: Option<String>,
    names: Option<Map<String>>,
    values: Option<Map<haneul_dynamodb_wire::shapes::AttributeValue>>,
) -> Result<(Option<Condition>, Option<Update>)> {
    // What names and values are for nothing, a transaction does not mind.
    if update.is_none() && condition.is_none() {
        return Ok((None, None));
    }
    let mut given = vec![("ConditionExpression", condition.is_some())];
    if update.is_some() {
        given.insert(0, ("UpdateExpression", true));
    }
    let placeholders = Placeholders::of(names, values, &given)?;
    let update = update.map(|text| Update::parse(&text, &placeholders)).transpose()?;
    let condition =
        condition.map(|text| Condition::parse("ConditionExpression", &text, &placeholders)).transpose()?;
    placeholders.check_used()?;
    Ok((condition, update))
}

pub(super) fn check_writes(writes: &[Write]) -> Result<()> {
    writes.iter().try_for_each(|write| strong::refuse(&write.table.record, strong::TRANSACTIONS))?;
    for (i, write) in writes.iter().enumerate() {
        if !write.is_refused() && writes[..i].iter().any(|other| other.at == write.at) {
            return Err(validation("Transaction request cannot include multiple operations on one item"));
        }
    }
    Ok(())
}

pub(super) fn cancelled(refusals: Vec<Option<Refusal>>, returned: &[bool]) -> ApiError {
    let reason = |(i, refusal): (usize, Option<Refusal>)| match refusal {
        None => CancellationReason { code: Some("None".into()), ..Default::default() },
        Some(Refusal::Condition(item)) => CancellationReason {
            item: item.filter(|_| returned.get(i) == Some(&true)).map(to_wire),
            code: Some("ConditionalCheckFailed".into()),
            message: Some(CONDITIONAL_FAILED.into()),
        },
        Some(Refusal::Duplicate) => CancellationReason {
            item: None,
            code: Some("DuplicateItem".into()),
            message: Some(DUPLICATE.into()),
        },
        Some(Refusal::Invalid(message)) => {
            CancellationReason { item: None, code: Some("ValidationError".into()), message: Some(message) }
        }
    };
    transaction_cancelled(refusals.into_iter().enumerate().map(reason).collect())
}

/// What the writes cost.
pub(super) fn consumed(
    tables: &[Arc<TableInfo>],
    outcomes: &[Outcome],
    wanted: Option<&str>,
) -> Option<Vec<ConsumedCapacity>> {
    let all: Vec<Used> = outcomes.iter().map(|outcome| outcome.used.clone()).collect();
    of_tables(tables, &all, wanted, Direction::Write)
}

/// What the repetition of a transaction costs that is done already: reading its items as they were.
pub(super) fn repeated(
    tables: &[Arc<TableInfo>],
    bytes: &[usize],
    wanted: Option<&str>,
) -> Option<Vec<ConsumedCapacity>> {
    let of_item = |i| Used::of_table(capacity::of_read(bytes.get(i).copied().unwrap_or(0), true));
    let all: Vec<Used> = (0..tables.len()).map(of_item).collect();
    of_tables(tables, &all, wanted, Direction::Read)
}

/// One report for each table, doubled, since a transaction touches each item twice.
pub(super) fn of_tables(
    tables: &[Arc<TableInfo>],
    all: &[Used],
    wanted: Option<&str>,
    direction: Direction,
) -> Option<Vec<ConsumedCapacity>> {
    let mut sums = UsedTables::default();
    for (table, used) in tables.iter().zip(all) {
        sums.add(table, &used.clone().doubled());
    }
    sums.report(wanted, Some(direction))
}
