//! ExecuteStatement and BatchExecuteStatement.

use haneul_dynamodb_wire::operations::{BatchExecuteStatement, ExecuteStatement};
use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::error::CONDITIONAL_CHECK_FAILED_EXCEPTION;
use haneul_kit::{Access, ApiError, Cx, Handle, Result};

use super::Dynamodb;
use super::partiql::{Done, Paging, values};
use crate::error::validation;
use crate::metrics::CONDITIONS_FAILED;
use crate::partiql::{Statement, parse, plan};
use crate::table::name;
use crate::value::{Attrs, wire};

impl Handle<ExecuteStatement> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::ExecuteStatementInput) -> Result<Vec<Access>> {
        Ok(vec![self.statement_access(cx, &input.statement, input.parameters.clone(), None).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ExecuteStatementInput) -> Result<s::ExecuteStatementOutput> {
        let statement = parse(&input.statement, &values(input.parameters)?)?;
        let purpose = format!("dynamodb.statements {} {}", cx.account(), cx.region().as_str());
        let digest = xxhash_rust::xxh3::xxh3_64(input.statement.as_bytes());
        let returns_failed = input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
        let done = match statement {
            Statement::Select(select) => {
                let start = match &input.next_token {
                    Some(token) => Some(self.start(&purpose, digest, token)?),
                    None => None,
                };
                let paging = Paging {
                    consistent: input.consistent_read.unwrap_or(false),
                    limit: input.limit.map(|limit| usize::try_from(limit).unwrap_or(1)),
                    start,
                };
                let done = self.select(cx, &select, paging).await?;
                if let Some(table) = &done.table {
                    table.returned(self.db.metrics(), "ExecuteStatement", cx.now(), done.items.len());
                }
                done
            }
            write => self.write_statement(cx, write, returns_failed).await?,
        };
        let Done { items, next, used, table } = done;
        let next_token = match &next {
            Some((range, key)) => {
                let mut bytes = Vec::new();
                crate::value::codec::encode(key, &mut bytes);
                Some(haneul_kit::paging::token(&self.platform.seal, &purpose, &(digest, range, bytes)))
            }
            None => None,
        };
        let capacity = input.return_consumed_capacity.as_deref();
        Ok(s::ExecuteStatementOutput {
            items: Some(items.into_iter().map(wire::attrs_to_wire).collect()),
            next_token,
            consumed_capacity: table.and_then(|table| used.report(&table, capacity, None)),
            last_evaluated_key: next.map(|(_, key)| wire::attrs_to_wire(key)),
        })
    }
}

impl Handle<BatchExecuteStatement> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::BatchExecuteStatementInput) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for one in &input.statements {
            // What is wrong with one statement is answered in its place.
            if let Ok(access) = self
                .statement_access(cx, &one.statement, one.parameters.clone(), Some("BatchExecuteStatement"))
                .await
            {
                all.push(access);
            }
        }
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::BatchExecuteStatementInput,
    ) -> Result<s::BatchExecuteStatementOutput> {
        let parsed: Vec<Result<Statement>> = input
            .statements
            .iter()
            .map(|one| parse(&one.statement, &values(one.parameters.clone())?))
            .collect();
        let reads = parsed.iter().flatten().filter(|statement| statement.is_read()).count();
        if reads != 0 && reads != parsed.iter().flatten().count() {
            return Err(validation(
                "The batch cannot contain both read and write statements; they must all read or all write",
            ));
        }
        let (mut responses, mut consumed) = (Vec::new(), Vec::new());
        for (statement, one) in parsed.into_iter().zip(input.statements) {
            let name = statement.as_ref().ok().map(|statement| statement.table().to_owned());
            let returns_failed = one.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
            let done = match statement {
                Err(error) => Err(error),
                Ok(Statement::Select(select)) => {
                    let paging =
                        Paging { consistent: one.consistent_read.unwrap_or(false), limit: None, start: None };
                    match self.single(cx, &select).await {
                        Ok(()) => self.select(cx, &select, paging).await,
                        Err(error) => Err(error),
                    }
                }
                Ok(write) => self.write_statement(cx, write, returns_failed).await,
            };
            responses.push(match done {
                Ok(Done { items, used, table, .. }) => {
                    let capacity = input.return_consumed_capacity.as_deref();
                    consumed.extend(table.and_then(|table| used.report(&table, capacity, None)));
                    s::BatchStatementResponse {
                        error: None,
                        table_name: name,
                        item: items.into_iter().next().map(wire::attrs_to_wire),
                    }
                }
                Err(error) => {
                    // An answer of its own, and no error of the call.
                    if error.code() == CONDITIONAL_CHECK_FAILED_EXCEPTION
                        && let Some(id) = name.as_ref().and_then(|name| name::of(cx, name).ok())
                    {
                        let (metrics, dimensions) = (self.db.metrics(), [("TableName", id.2.as_str())]);
                        metrics.record(CONDITIONS_FAILED, id.0, id.1, cx.now(), &dimensions, 1.0);
                    }
                    s::BatchStatementResponse { error: Some(refused(error)), table_name: name, item: None }
                }
            });
        }
        Ok(s::BatchExecuteStatementOutput {
            responses: Some(responses),
            consumed_capacity: (!consumed.is_empty()).then_some(consumed),
        })
    }
}

impl Dynamodb {
    /// A statement of a batch or a transaction reads one item by its key.
    pub(super) async fn single(&self, cx: &Cx, select: &crate::partiql::Select) -> Result<()> {
        let table = self.table(cx, &select.table).await?;
        let condition = select.condition.as_ref();
        if let Some(condition) = condition {
            plan::check_operands(condition, &table.schema)?;
        }
        match condition.and_then(|condition| plan::key(condition, &table.schema)) {
            Some(_) if select.index.is_none() => Ok(()),
            _ => Err(validation(
                "Select statements within BatchExecuteStatement must specify the primary key in the where clause.",
            )),
        }
    }

    /// Where the next page of the statement of this digest begins.
    fn start(&self, purpose: &str, digest: u64, token: &str) -> Result<(usize, Attrs)> {
        let wrong = || validation("Given nextToken is invalid");
        let (given, range, bytes): (u64, usize, Vec<u8>) =
            haneul_kit::paging::position(&self.platform.seal, purpose, token).ok_or_else(wrong)?;
        if given != digest {
            return Err(validation("NextToken does not match request"));
        }
        Ok((range, crate::value::codec::decode(&bytes).ok_or_else(wrong)?))
    }
}

/// An error in the place of an answer.
fn refused(mut error: ApiError) -> s::BatchStatementError {
    let code = match error.code() {
        "ValidationException" => "ValidationError",
        "ConditionalCheckFailedException" => "ConditionalCheckFailed",
        "DuplicateItemException" => "DuplicateItem",
        "ResourceNotFoundException" => "ResourceNotFound",
        "ProvisionedThroughputExceededException" => "ProvisionedThroughputExceeded",
        "ThrottlingException" => "ThrottlingError",
        "AccessDeniedException" => "AccessDenied",
        _ => "InternalServerError",
    };
    let message = error.message().to_owned();
    let item = error
        .take_detail()
        .and_then(|detail| detail.downcast::<s::ConditionalCheckFailedException>())
        .and_then(|failed| failed.item);
    s::BatchStatementError { code: Some(code.to_owned()), message: Some(message), item }
}
