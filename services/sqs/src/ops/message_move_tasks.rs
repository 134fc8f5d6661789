//! StartMessageMoveTask, CancelMessageMoveTask and ListMessageMoveTasks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{Access, Cx, Handle, Reconciler, Result};
use haneul_sqs_wire::operations::{CancelMessageMoveTask, ListMessageMoveTasks, StartMessageMoveTask};
use haneul_sqs_wire::shapes::*;
use serde_json::{Value, json};

use super::Sqs;
use crate::error;
use crate::model::{MoveStatus, MoveTaskRecord};
use crate::plane::QueueKey;
use crate::queue::name;

const PER_SECOND_MAX: i32 = 500;
const TASKS_SHOWN_MAX: i32 = 10;

impl Handle<StartMessageMoveTask> for Sqs {
    /// Source: SQS Developer Guide, "Configuring queue permissions for dead-letter queue redrive".
    async fn access(&self, cx: &Cx, input: &StartMessageMoveTaskRequest) -> Result<Vec<Access>> {
        let source = arn_key("SourceArn", &input.source_arn)?;
        let own = source.account == cx.account();
        let mut needed: Vec<Access> =
            ["sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
                .into_iter()
                .map(|action| self.on_queue(action, &source, own))
                .collect();
        match &input.destination_arn {
            Some(arn) => {
                needed.push(self.on_queue("sqs:SendMessage", &arn_key("DestinationArn", arn)?, true))
            }
            None => {
                let sources = self.plane.sources_of(&source);
                needed.extend(sources.iter().map(|queue| self.on_queue("sqs:SendMessage", &queue.key, true)));
            }
        }
        Ok(needed)
    }

    async fn call(&self, _: &Cx, input: StartMessageMoveTaskRequest) -> Result<StartMessageMoveTaskResult> {
        let source = self.queue_of_arn("SourceArn", &input.source_arn)?;
        if self.plane.sources_of(&source.key).is_empty() {
            return Err(error::invalid_parameter("Source queue must be configured as a Dead Letter Queue."));
        }
        if let Some(arn) = &input.destination_arn {
            let destination = self.queue_of_arn("DestinationArn", arn)?;
            if destination.no == source.no {
                return Err(error::invalid_parameter(
                    "Source queue arn and destination queue arn cannot be the same.",
                ));
            }
            if destination.meta().attributes.fifo != source.meta().attributes.fifo {
                return Err(error::invalid_parameter(
                    "Source queue and destination queue must be of the same type.",
                ));
            }
        }
        let per_second_max = match input.max_number_of_messages_per_second {
            None => None,
            Some(count) if (1..=PER_SECOND_MAX).contains(&count) => Some(count as u32),
            Some(count) => {
                return Err(error::invalid_value(
                    &count.to_string(),
                    "MaxNumberOfMessagesPerSecond",
                    "Must be between 1 and 500, if provided.",
                ));
            }
        };
        let to_move = {
            let mut core = source.core.lock();
            self.plane.advance(&source, &mut core, self.plane.now_ms());
            core.queue.counts().visible as u64
        };
        let record = MoveTaskRecord {
            source_no: source.no,
            id: self.platform.env.rng.uuid(),
            source_arn: source.arn.to_string(),
            destination_arn: input.destination_arn,
            per_second_max,
            status: MoveStatus::Running,
            moved: 0,
            to_move,
            failure: None,
            started_ms: self.plane.now_ms(),
        };
        let task_handle = handle(&record);
        self.registry.start_task(&source.key, record).await?;
        self.mover.signal().wake();
        Ok(StartMessageMoveTaskResult { task_handle: Some(task_handle) })
    }
}

impl Handle<CancelMessageMoveTask> for Sqs {
    async fn access(&self, cx: &Cx, input: &CancelMessageMoveTaskRequest) -> Result<Vec<Access>> {
        let (_, source) = open(&input.task_handle)?;
        let own = source.account == cx.account();
        Ok(["sqs:CancelMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
            .into_iter()
            .map(|action| self.on_queue(action, &source, own))
            .collect())
    }

    async fn call(&self, _: &Cx, input: CancelMessageMoveTaskRequest) -> Result<CancelMessageMoveTaskResult> {
        let (id, source) = open(&input.task_handle)?;
        let tasks = self.registry.tasks(&source).await?;
        let found = tasks.into_iter().find(|(_, record)| record.id == id);
        let Some((number, record)) = found else { return Err(no_such_task()) };
        if record.status != MoveStatus::Running {
            return Err(error::unsupported("Only a running message move task can be cancelled."));
        }
        let cancel = |record: &mut MoveTaskRecord| {
            if record.status == MoveStatus::Running {
                record.status = MoveStatus::Cancelling;
            }
        };
        let record = self.registry.change_task(&source, number, cancel).await?.ok_or_else(no_such_task)?;
        self.mover.signal().wake();
        Ok(CancelMessageMoveTaskResult { approximate_number_of_messages_moved: Some(record.moved as i64) })
    }
}

impl Handle<ListMessageMoveTasks> for Sqs {
    async fn access(&self, cx: &Cx, input: &ListMessageMoveTasksRequest) -> Result<Vec<Access>> {
        let source = arn_key("SourceArn", &input.source_arn)?;
        let own = source.account == cx.account();
        Ok(["sqs:ListMessageMoveTasks", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
            .into_iter()
            .map(|action| self.on_queue(action, &source, own))
            .collect())
    }

    async fn call(&self, _: &Cx, input: ListMessageMoveTasksRequest) -> Result<ListMessageMoveTasksResult> {
        let source = self.queue_of_arn("SourceArn", &input.source_arn)?;
        let max = input.max_results.unwrap_or(1);
        if !(1..=TASKS_SHOWN_MAX).contains(&max) {
            return Err(error::invalid_value(
                &max.to_string(),
                "MaxResults",
                "MaxResults must be an integer between 1 and 10.",
            ));
        }
        let tasks = self.registry.tasks(&source.key).await?;
        let results = tasks.into_iter().take(max as usize).map(|(_, record)| render(&record));
        Ok(ListMessageMoveTasksResult { results: Some(results.collect()) })
    }
}

fn render(record: &MoveTaskRecord) -> ListMessageMoveTasksResultEntry {
    ListMessageMoveTasksResultEntry {
        // Only a running task can be cancelled, so only it has a handle.
        task_handle: (record.status == MoveStatus::Running).then(|| handle(record)),
        status: Some(record.status.as_str().to_owned()),
        source_arn: Some(record.source_arn.clone()),
        destination_arn: record.destination_arn.clone(),
        max_number_of_messages_per_second: record.per_second_max.map(|count| count as i32),
        approximate_number_of_messages_moved: Some(record.moved as i64),
        approximate_number_of_messages_to_move: Some(record.to_move as i64),
        failure_reason: record.failure.clone(),
        started_timestamp: Some(record.started_ms),
    }
}

/// The task's id and source as AWS writes them: JSON in base64.
fn handle(record: &MoveTaskRecord) -> String {
    STANDARD.encode(json!({ "taskId": record.id, "sourceArn": record.source_arn }).to_string())
}

fn open(handle: &str) -> Result<(String, QueueKey)> {
    let read = || {
        let content = STANDARD.decode(handle).ok().filter(|_| handle.len() <= 4096)?;
        let content: Value = serde_json::from_slice(&content).ok()?;
        let id = content.get("taskId")?.as_str()?.to_owned();
        Some((id, name::of_arn(content.get("sourceArn")?.as_str()?)?))
    };
    read().ok_or_else(|| error::invalid_parameter("Value for parameter TaskHandle is invalid."))
}

fn no_such_task() -> haneul_kit::ApiError {
    error::resource_not_found("Task does not exist.")
}

fn arn_key(parameter: &str, arn: &str) -> Result<QueueKey> {
    name::of_arn(arn).ok_or_else(|| error::malformed_arn(parameter))
}
