use std::collections::BTreeMap;
use std::sync::Arc;

use haneul_kit::{BoxFuture, Platform, Region, Result};
use haneul_lambda_exec::Invocation;
use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::super::cloud::{ALL, Cloud, OURS, create, root};

/// The function is put to sleep.
pub(super) struct Sleeps;

/// Either it sleeps, or the operation failed with this type of error.
pub(super) enum Stop {
    Sleeps,
    Failed(String),
}

impl From<Sleeps> for Stop {
    fn from(_: Sleeps) -> Stop {
        Stop::Sleeps
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) status: String,
    pub(super) result: Option<String>,
    pub(super) error: Option<String>,
    pub(super) callback: Option<String>,
    pub(super) replay_children: bool,
}

impl Seen {
    fn of_json(operation: &Value) -> Seen {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let none = Value::Null;
        let details = ["ContextDetails", "StepDetails", "CallbackDetails", "ChainedInvokeDetails"];
        let details = details.iter().find_map(|name| operation.get(*name)).unwrap_or(&none);
        Seen {
            status: operation["Status"].as_str().unwrap().to_owned(),
            result: text(&details["Result"]),
            error: text(&details["Error"]["ErrorType"]),
            callback: text(&details["CallbackId"]),
            replay_children: details["ReplayChildren"] == true,
        }
    }

    fn of_shape(operation: &s::Operation) -> Seen {
        let mut seen = Seen { status: operation.status.clone(), ..Seen::default() };
        let mut take = |result: &Option<String>, error: &Option<s::ErrorObject>| {
            seen.result.clone_from(result);
            seen.error = error.as_ref().and_then(|error| error.error_type.clone());
        };
        if let Some(own) = &operation.step_details {
            take(&own.result, &own.error);
        }
        if let Some(own) = &operation.context_details {
            take(&own.result, &own.error);
            seen.replay_children = own.replay_children == Some(true);
        }
        if let Some(own) = &operation.callback_details {
            take(&own.result, &own.error);
            seen.callback.clone_from(&own.callback_id);
        }
        if let Some(own) = &operation.chained_invoke_details {
            take(&own.result, &own.error);
        }
        seen
    }
}

/// What the function has of its execution.
pub(super) struct Context {
    platform: Platform,
    pub(super) arn: String,
    pub(super) input: Value,
    pub(super) updated: Vec<String>,
    token: Mutex<Option<String>>,
    operations: Mutex<BTreeMap<String, Seen>>,
}

pub(super) fn update(kind: &str, id: &str, action: &str) -> s::OperationUpdate {
    s::OperationUpdate { id: id.into(), r#type: kind.into(), action: action.into(), ..Default::default() }
}

impl Context {
    async fn read(platform: Platform, call: &Invocation) -> Context {
        let event: Value = serde_json::from_slice(&call.payload).unwrap();
        let state = &event["InitialExecutionState"];
        let first = &state["Operations"][0];
        assert_eq!(first["Type"], "EXECUTION");
        let input = first["ExecutionDetails"]["InputPayload"].as_str().unwrap();
        let rest = state["Operations"].as_array().unwrap()[1..].iter();
        let operations: BTreeMap<String, Seen> =
            rest.map(|own| (own["Id"].as_str().unwrap().to_owned(), Seen::of_json(own))).collect();
        let updated = event["UpdatedOperationIds"].as_array().unwrap();
        let context = Context {
            platform,
            arn: event["DurableExecutionArn"].as_str().unwrap().to_owned(),
            input: serde_json::from_str(input).unwrap(),
            updated: updated.iter().map(|id| id.as_str().unwrap().to_owned()).collect(),
            token: Mutex::new(Some(event["CheckpointToken"].as_str().unwrap().to_owned())),
            operations: Mutex::new(operations),
        };
        context.fetch(Some(state["NextMarker"].as_str().unwrap().to_owned())).await;
        context
    }

    async fn fetch(&self, mut marker: Option<String>) {
        while let Some(next) = marker.filter(|marker| !marker.is_empty()) {
            let input = s::GetDurableExecutionStateRequest {
                durable_execution_arn: self.arn.clone(),
                checkpoint_token: self.token(),
                marker: Some(next),
                max_items: Some(1000),
            };
            let page = self.call::<op::GetDurableExecutionState>(input).await.unwrap();
            self.learn(&page.operations);
            marker = page.next_marker;
        }
    }

    fn learn(&self, operations: &[s::Operation]) {
        let mut own = self.operations.lock();
        own.extend(operations.iter().map(|operation| (operation.id.clone(), Seen::of_shape(operation))));
    }

    pub(super) fn token(&self) -> String {
        self.token.lock().clone().unwrap()
    }

    pub(super) fn known(&self) -> Vec<String> {
        self.operations.lock().keys().cloned().collect()
    }

    pub(super) fn seen(&self, id: &str) -> Option<Seen> {
        self.operations.lock().get(id).cloned()
    }

    pub(super) async fn call<O: haneul_kit::Operation>(&self, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(root(OURS), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn try_checkpoint(
        &self,
        updates: Vec<s::OperationUpdate>,
    ) -> Result<Result<(), Sleeps>> {
        let input = s::CheckpointDurableExecutionRequest {
            durable_execution_arn: self.arn.clone(),
            checkpoint_token: self.token(),
            updates: Some(updates),
            client_token: None,
        };
        let answer = self.call::<op::CheckpointDurableExecution>(input).await?;
        self.token.lock().clone_from(&answer.checkpoint_token);
        self.learn(&answer.new_execution_state.operations.unwrap_or_default());
        if answer.checkpoint_token.is_none() {
            return Ok(Err(Sleeps));
        }
        self.fetch(answer.new_execution_state.next_marker).await;
        Ok(Ok(()))
    }

    pub(super) async fn checkpoint(&self, updates: Vec<s::OperationUpdate>) -> Result<(), Sleeps> {
        self.try_checkpoint(updates).await.unwrap()
    }

    /// Runs something once; it may fail and be tried again after these seconds.
    pub(super) async fn step(
        &self,
        id: &str,
        retry_s: Option<i32>,
        work: impl FnOnce() -> Result<String, String>,
    ) -> Result<String, Stop> {
        let seen = self.seen(id).unwrap_or_default();
        match seen.status.as_str() {
            "SUCCEEDED" => return Ok(seen.result.unwrap_or_default()),
            "FAILED" => return Err(Stop::Failed(seen.error.unwrap_or_default())),
            "PENDING" => return Err(Stop::Sleeps),
            "STARTED" => {}
            _ => self.checkpoint(vec![update("STEP", id, "START")]).await?,
        }
        match work() {
            Ok(result) => {
                let done =
                    s::OperationUpdate { payload: Some(result.clone()), ..update("STEP", id, "SUCCEED") };
                self.checkpoint(vec![done]).await?;
                Ok(result)
            }
            Err(kind) => {
                let error = Some(s::ErrorObject { error_type: Some(kind.clone()), ..Default::default() });
                let options =
                    retry_s.map(|seconds| s::StepOptions { next_attempt_delay_seconds: Some(seconds) });
                let action = if options.is_some() { "RETRY" } else { "FAIL" };
                let failed =
                    s::OperationUpdate { error, step_options: options, ..update("STEP", id, action) };
                self.checkpoint(vec![failed]).await?;
                Err(if retry_s.is_some() { Stop::Sleeps } else { Stop::Failed(kind) })
            }
        }
    }

    /// Begins an operation that ends by itself, unless it has begun, and gives what came of it.
    pub(super) async fn begun(&self, begin: s::OperationUpdate) -> Result<Seen, Sleeps> {
        if self.seen(&begin.id).is_none() {
            self.checkpoint(vec![begin.clone()]).await?;
        }
        Ok(self.seen(&begin.id).unwrap())
    }

    pub(super) async fn wait(&self, id: &str, seconds: i32) -> Result<(), Stop> {
        let options = Some(s::WaitOptions { wait_seconds: Some(seconds) });
        let seen =
            self.begun(s::OperationUpdate { wait_options: options, ..update("WAIT", id, "START") }).await?;
        if seen.status == "SUCCEEDED" { Ok(()) } else { Err(Stop::Sleeps) }
    }

    pub(super) async fn callback(
        &self,
        id: &str,
        timeout: i32,
        heartbeat: i32,
        tell: impl FnOnce(&str),
    ) -> Result<Option<String>, Stop> {
        let options = Some(s::CallbackOptions {
            timeout_seconds: Some(timeout),
            heartbeat_timeout_seconds: Some(heartbeat),
        });
        let begin = s::OperationUpdate { callback_options: options, ..update("CALLBACK", id, "START") };
        let seen = self.begun(begin).await?;
        tell(seen.callback.as_deref().unwrap());
        ended(seen)
    }

    pub(super) async fn invoke(
        &self,
        id: &str,
        function: &str,
        input: Value,
    ) -> Result<Option<String>, Stop> {
        let options =
            Some(s::ChainedInvokeOptions { function_name: function.to_owned(), ..Default::default() });
        let begin = s::OperationUpdate {
            chained_invoke_options: options,
            payload: Some(input.to_string()),
            ..update("CHAINED_INVOKE", id, "START")
        };
        ended(self.begun(begin).await?)
    }
}

fn ended(seen: Seen) -> Result<Option<String>, Stop> {
    match seen.status.as_str() {
        "SUCCEEDED" => Ok(seen.result),
        "STARTED" => Err(Stop::Sleeps),
        status => Err(Stop::Failed(format!("{status} {}", seen.error.unwrap_or_default()))),
    }
}

pub(super) type Ends = Result<Value, Stop>;

impl Cloud {
    /// A durable function.
    pub(super) async fn durable(
        &self,
        name: &str,
        timeout_s: i32,
        body: impl Fn(Arc<Context>) -> BoxFuture<'static, Ends> + Send + Sync + 'static,
    ) {
        let role = self.role(&format!("{name}-role"), ALL).await;
        let config = s::DurableConfig { execution_timeout: Some(timeout_s), ..Default::default() };
        let input = s::CreateFunctionRequest { durable_config: Some(config), ..create(name, &role) };
        self.ok::<op::CreateFunction>(input).await;
        self.durable_body(name, body);
        // Its code is unpacked on another thread.
        self.settle().await;
    }

    pub(super) fn durable_body(
        &self,
        name: &str,
        body: impl Fn(Arc<Context>) -> BoxFuture<'static, Ends> + Send + Sync + 'static,
    ) {
        let (platform, body) = (self.platform.clone(), Arc::new(body));
        self.async_body(name, move |call| {
            let (platform, body) = (platform.clone(), body.clone());
            Box::pin(async move {
                let context = Arc::new(Context::read(platform, &call).await);
                Answer::Value(match body(context).await {
                    Ok(result) => json!({ "Status": "SUCCEEDED", "Result": result.to_string() }),
                    Err(Stop::Sleeps) => json!({ "Status": "PENDING" }),
                    Err(Stop::Failed(kind)) => {
                        json!({ "Status": "FAILED", "Error": { "ErrorType": kind, "ErrorMessage": "no" } })
                    }
                })
            })
        });
    }

    /// Begins an execution that nobody waits for.
    pub(super) async fn begin(&self, function: &str, name: &str, input: Value) -> String {
        let input = s::InvocationRequest {
            function_name: format!("{function}:$LATEST"),
            invocation_type: Some("Event".into()),
            durable_execution_name: Some(name.into()),
            payload: Some(input.to_string().into_bytes().into()),
            ..Default::default()
        };
        let answer = self.ok::<op::Invoke>(input).await;
        assert_eq!(answer.status_code, Some(202));
        self.settle().await;
        answer.durable_execution_arn.unwrap()
    }

    pub(super) async fn execution(&self, arn: &str) -> s::GetDurableExecutionResponse {
        let input =
            s::GetDurableExecutionRequest { durable_execution_arn: arn.into(), include_execution_data: None };
        self.ok::<op::GetDurableExecution>(input).await
    }

    /// Status and result, or the error's type.
    pub(super) async fn end(&self, arn: &str) -> (String, String) {
        let got = self.execution(arn).await;
        let error = got.error.and_then(|error| error.error_type);
        (got.status, got.result.or(error).unwrap_or_default())
    }

    pub(super) async fn history(&self, arn: &str) -> Vec<s::Event> {
        let mut all = Vec::new();
        let mut marker = None;
        loop {
            let input = s::GetDurableExecutionHistoryRequest {
                durable_execution_arn: arn.into(),
                marker,
                ..Default::default()
            };
            let page = self.ok::<op::GetDurableExecutionHistory>(input).await;
            all.extend(page.events);
            marker = page.next_marker;
            if marker.is_none() {
                return all;
            }
        }
    }

    /// The types of the history's events.
    pub(super) async fn told(&self, arn: &str) -> Vec<String> {
        self.history(arn).await.into_iter().map(|event| event.event_type.unwrap()).collect()
    }
}
