//! Functions that executions call, as the role of their own function.

use haneul_kit::{ApiError, Fault, Result};
use haneul_lambda_wire::values::error as code;

use super::advance::{Settled, back_off};
use super::drive::failure_of;
use super::names::ExecutionName;
use super::start::{Start, sha256};
use super::{PAYLOAD_MAX, TIMEOUT_MAX_S};
use crate::invoke::{Call, Target};
use crate::model::durable::{ChainedRecord, ExecutionRecord, Failure, OperationStatus, Parent, What};
use crate::names::{self, LATEST, Named};
use crate::store::durable::{DueRow, ForParent};
use crate::{Lambda, error};

impl Lambda {
    /// The function that an execution calls, if the role of its own function may call it now.
    async fn callee(&self, name: &ExecutionName, own: &Target, function: &str) -> Result<Target> {
        let named = names::in_place(name.function.account, name.function.region, function)?;
        let session = self.session(&name.function, &own.version.role).await?;
        let cx = self.cx_of(&name.function, session.caller.clone());
        let access = self.on_named("lambda:InvokeFunction", &named).await?;
        self.platform.authorize(&cx, "lambda", &[access]).await?;
        self.called(&named).await
    }

    async fn called(&self, named: &Named) -> Result<Target> {
        self.target(named).await.map_err(|refused| match refused.fault() {
            Fault::Client => {
                let qualifier = named.qualifier.as_deref().unwrap_or(LATEST);
                error::no_function(named.function.qualified(qualifier))
            }
            Fault::Server => refused,
        })
    }

    /// Goes on with a function that an operation calls.
    pub(crate) async fn drive_call(&self, row: &DueRow, id: &str) -> Result<()> {
        let work = self.records.work(row).await?.filter(|work| work.is_of(id));
        let Some(mut work) = work else { return Ok(()) };
        let name = ExecutionName::of(row.1, row.2, row.3.clone(), row.4.clone());
        let execution = self.records.execution(&name).await?.filter(|execution| execution.id == id);
        let operation = self.records.operation_by_id(&name, &row.5).await?;
        let chained = operation.and_then(|operation| operation.chained);
        let (Some(record), Some(chained)) = (execution, chained) else {
            let unknown = Settled { status: OperationStatus::Failed, result: None, error: None };
            return self.records.end_call(&name, row, id, &unknown, 0).await;
        };
        let settled = match self.call_function(&name, &record, row, &chained).await {
            Ok(settled) => settled,
            Err(refused) if lasts(&refused) => {
                let error = Some(Failure::new(refused.code(), refused.message()));
                Some(Settled { status: OperationStatus::Failed, result: None, error })
            }
            Err(refused) => {
                if !error::is_throttle(&refused) {
                    let execution = name.arn(&record);
                    tracing::warn!(%execution, error = %refused, "a function that an execution calls could not be started");
                }
                work.refusals = work.refusals.saturating_add(1);
                let due = self.platform.env.now().millis() + back_off(work.refusals);
                return self.records.put_call_off(row, due.max(0).unsigned_abs(), &work).await;
            }
        };
        if let Some(settled) = settled {
            let at = self.platform.env.now().millis();
            self.records.end_call(&name, row, id, &settled, at).await?;
        }
        self.wake.durable.wake();
        Ok(())
    }

    /// Runs a function, or starts an execution that will tell of its end itself: then `None`.
    async fn call_function(
        &self,
        name: &ExecutionName,
        record: &ExecutionRecord,
        row: &DueRow,
        chained: &ChainedRecord,
    ) -> Result<Option<Settled>> {
        let own = Named { function: name.function.clone(), qualifier: Some(record.version.clone()) };
        let own = self.target(&own).await?;
        let header = chained.trace.as_deref().unwrap_or(&record.trace);
        let trace = Some(self.traced(&own, Some(header))?);
        let target = self.callee(name, &own, &chained.function).await?;
        let input = chained.input.clone().unwrap_or_default().into_bytes().into();
        let version = Some(target.version.version.clone());
        let what =
            What::ChainedInvokeStarted { function: chained.function.clone(), version, execution: None };
        if target.version.durable.is_some() {
            let parent = Parent {
                account: name.function.account.number(),
                region: name.function.region.as_str().to_owned(),
                function: name.function.name.clone(),
                name: name.name.clone(),
                id: record.id.clone(),
                operation: row.5.clone(),
            };
            let start = Start {
                input,
                trace,
                timeout_max_s: Some(TIMEOUT_MAX_S),
                parent: Some(parent),
                ..Start::default()
            };
            let parent = ForParent { name, id: &record.id, row, what };
            self.start_execution(target, start, Some(&parent)).await?;
            return Ok(None);
        }
        let at = self.platform.env.now().millis();
        if !self.records.begin_call(name, row, &record.id, &what, at).await? {
            return Ok(None);
        }
        let request_id = request_id(&record.id, &row.5);
        let ran = self.run(target, Call { request_id, payload: input, trace, ..Call::default() }).await?;
        let broke = ran.function_error.is_some();
        let answer = ran.whole().await?;
        let failed = |status, failure| Settled { status, result: None, error: Some(failure) };
        Ok(Some(if broke {
            let failure = failure_of(&answer);
            let late = failure.kind.as_deref() == Some("Sandbox.Timedout");
            failed(if late { OperationStatus::TimedOut } else { OperationStatus::Failed }, failure)
        } else if answer.len() > PAYLOAD_MAX {
            let said = format!("The result of the function is larger than {PAYLOAD_MAX} bytes.");
            failed(OperationStatus::Failed, Failure::new("Lambda.ResponseSizeTooLarge", said))
        } else {
            let result = Some(String::from_utf8_lossy(&answer).into_owned());
            Settled { status: OperationStatus::Succeeded, result, error: None }
        }))
    }
}

/// The same whenever an operation's function is run, so that one that runs again after a crash can tell.
fn request_id(execution: &str, operation: &str) -> String {
    let mut id = sha256(format!("{execution} {operation}").as_bytes());
    id.truncate(32);
    for dash in [20, 16, 12, 8] {
        id.insert(dash, '-');
    }
    id
}

/// Whether a refusal is for good.
fn lasts(refused: &ApiError) -> bool {
    let for_good = [
        code::RESOURCE_NOT_FOUND_EXCEPTION,
        code::RECURSIVE_INVOCATION_EXCEPTION,
        code::INVALID_PARAMETER_VALUE_EXCEPTION,
        "AccessDeniedException",
    ];
    for_good.contains(&refused.code())
}
