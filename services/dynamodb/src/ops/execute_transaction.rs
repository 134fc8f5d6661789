//! ExecuteTransaction.

use haneul_dynamodb_wire::operations::ExecuteTransaction;
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use super::partiql::{not_in_transaction, values};
use super::select::columns;
use super::transact_get_items::shown;
use super::transact_write_items::{cancelled, check_writes, consumed, repeated};
use super::{Dynamodb, digest, strong};
use crate::engine::capacity::{self, Direction, Used, UsedTables};
use crate::engine::keys;
use crate::engine::plan::Refusal;
use crate::model::TokenRecord;
use crate::partiql::{Statement, parse, plan};
use crate::store::read;
use crate::store::write::{Batch, Failure};
use crate::value::size;

impl Handle<ExecuteTransaction> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::ExecuteTransactionInput) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for one in &input.transact_statements {
            let enclosing = Some("ExecuteTransaction");
            all.push(self.statement_access(cx, &one.statement, one.parameters.clone(), enclosing).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::ExecuteTransactionInput) -> Result<s::ExecuteTransactionOutput> {
        let token = input.client_request_token.as_ref().map(|token| {
            let digest = digest::of(&input.transact_statements);
            let record = TokenRecord { digest, at_ms: cx.now().millis(), bytes: Vec::new() };
            ((cx.account(), cx.region(), token.clone()), record)
        });
        let mut statements = Vec::with_capacity(input.transact_statements.len());
        let mut returned = Vec::with_capacity(statements.capacity());
        for one in input.transact_statements {
            statements.push(parse(&one.statement, &values(one.parameters)?)?);
            returned.push(one.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"));
        }
        let reads = statements.iter().filter(|statement| statement.is_read()).count();
        let capacity = input.return_consumed_capacity.as_deref();
        match reads {
            0 => self.transact_writes(cx, statements, &returned, token, capacity).await,
            all if all == statements.len() => self.transact_reads(cx, statements, capacity).await,
            _ => Err(not_in_transaction()),
        }
    }
}

impl Dynamodb {
    async fn transact_writes(
        &self,
        cx: &Cx,
        statements: Vec<Statement>,
        returned: &[bool],
        token: Option<(crate::model::TableKey, TokenRecord)>,
        capacity: Option<&str>,
    ) -> Result<s::ExecuteTransactionOutput> {
        let mut writes = Vec::with_capacity(statements.len());
        let mut inserts = Vec::with_capacity(statements.len());
        for statement in statements {
            inserts.push(matches!(statement, Statement::Insert { .. }));
            writes.push(self.statement_write(cx, statement).await?.0);
        }
        check_writes(&writes)?;
        let tables: Vec<_> = writes.iter().map(|write| write.table.clone()).collect();
        let consumed_capacity = match self
            .db
            .write(Batch {
                writes,
                wants_old: true,
                token,
                by_statement: true,
                transaction: true,
                ..Batch::default()
            })
            .await
        {
            Ok(outcomes) => consumed(&tables, &outcomes, capacity),
            Err(Failure::TokenDone(bytes)) => repeated(&tables, &bytes, capacity),
            Err(Failure::Refused(mut refusals)) => {
                for (refusal, inserts) in refusals.iter_mut().zip(inserts) {
                    if inserts && matches!(refusal, Some(Refusal::Condition(_))) {
                        *refusal = Some(Refusal::Duplicate);
                    }
                }
                return Err(cancelled(refusals, returned));
            }
            Err(failure) => return Err(failure.into()),
        };
        Ok(s::ExecuteTransactionOutput { responses: Some(Vec::new()), consumed_capacity })
    }

    async fn transact_reads(
        &self,
        cx: &Cx,
        statements: Vec<Statement>,
        capacity: Option<&str>,
    ) -> Result<s::ExecuteTransactionOutput> {
        let snapshot = self.db.snapshot().await?;
        let (mut responses, mut sums, mut bytes) = (Vec::new(), UsedTables::default(), 0);
        for statement in statements {
            let Statement::Select(select) = statement else { return Err(not_in_transaction()) };
            self.single(cx, &select).await?;
            let table = self.table(cx, &select.table).await?;
            strong::refuse(&table.record, strong::TRANSACTIONS)?;
            let condition = select.condition.as_ref();
            let Some((key, rest)) = condition.and_then(|condition| plan::key(condition, &table.schema))
            else {
                return Err(not_in_transaction());
            };
            keys::check_key(&table.schema, &key)?;
            self.db.admit_read(&table, None)?;
            let item =
                read::get(&snapshot, &table, &keys::of_item(table.record.space, &table.schema, &key)).await?;
            let size = item.as_ref().map_or(0, size::of_item);
            bytes += size;
            size::check_transaction(bytes)?;
            let used = Used::of_table(capacity::of_read(size, true)).doubled();
            self.db.charge_read(&table, &used);
            sums.add(&table, &used);
            let item = item.filter(|item| rest.as_ref().is_none_or(|rest| rest.holds(item)));
            let item = match select.paths {
                Some(paths) => item.map(|item| columns(&paths, &item)),
                None => item,
            };
            responses.push(s::ItemResponse { item: shown(item) });
        }
        Ok(s::ExecuteTransactionOutput {
            responses: Some(responses),
            consumed_capacity: sums.report(capacity, Some(Direction::Read)),
        })
    }
}
