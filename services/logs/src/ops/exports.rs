use haneul_kit::{Access, ApiError, Cx, Fault, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_roles::is_denial;
use haneul_shape::Empty;

use super::access::on_all;
use crate::Logs;
use crate::error;
use crate::model::{Export, ExportState, GroupPlace};
use crate::names::GroupName;

const PAGE: usize = 50;
const PREFIX_DEFAULT: &str = "exportedlogs";
/// Longest key of S3, less what a file's own part takes.
const PREFIX_BYTES_MAX: usize = 1024 - 64;

impl Handle<op::CreateExportTask> for Logs {
    async fn access(&self, cx: &Cx, input: &s::CreateExportTaskRequest) -> Result<Vec<Access>> {
        self.on_group("logs:CreateExportTask", &GroupName::own(cx, &input.log_group_name)).await
    }

    async fn call(&self, cx: &Cx, input: s::CreateExportTaskRequest) -> Result<s::CreateExportTaskResponse> {
        let name = GroupName::own(cx, &input.log_group_name);
        let group = self.records.group(&name).await?;
        if group.class != "STANDARD" {
            return Err(error::invalid(format!(
                "Export tasks are not supported for log groups of the {} class.",
                group.class
            )));
        }
        if input.from > input.to {
            return Err(error::invalid("The from time must not be after the to time."));
        }
        if input.to < group.created_ms {
            return Err(error::invalid("The to time must not be earlier than the log group was created."));
        }
        let prefix = input.destination_prefix.filter(|prefix| !prefix.is_empty());
        let prefix = prefix.unwrap_or_else(|| PREFIX_DEFAULT.into());
        let prefix = prefix.trim_end_matches('/').to_owned();
        if prefix.len() > PREFIX_BYTES_MAX {
            return Err(error::invalid("The destinationPrefix is too long."));
        }
        self.check_bucket(&name, &input.destination, &prefix).await?;
        let export = Export {
            name: input.task_name,
            group: GroupPlace::of(&name),
            group_id: group.id,
            stream_prefix: input.log_stream_name_prefix,
            from_ms: input.from,
            to_ms: input.to,
            bucket: input.destination,
            prefix,
            state: ExportState::Pending,
            message: "Started successfully.".into(),
            created_ms: cx.now().millis(),
            ended_ms: None,
            done: None,
        };
        let id = self.platform.env.rng.uuid();
        self.records.create_export((cx.account(), cx.region()), &id, &export).await?;
        self.exporting.wake();
        Ok(s::CreateExportTaskResponse { task_id: Some(id) })
    }
}

impl Handle<op::CancelExportTask> for Logs {
    async fn access(&self, cx: &Cx, _: &s::CancelExportTaskRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:CancelExportTask"))
    }

    async fn call(&self, cx: &Cx, input: s::CancelExportTaskRequest) -> Result<Empty> {
        let owner = (cx.account(), cx.region());
        self.records
            .change_export(owner, &input.task_id, |export| match export.state {
                ExportState::Pending | ExportState::Running => {
                    export.state = ExportState::PendingCancel;
                    Ok(())
                }
                state => Err(error::not_cancellable(word(state))),
            })
            .await?;
        self.exporting.wake();
        Ok(Empty {})
    }
}

impl Handle<op::DescribeExportTasks> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DescribeExportTasksRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DescribeExportTasks"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeExportTasksRequest,
    ) -> Result<s::DescribeExportTasksResponse> {
        let owner = (cx.account(), cx.region());
        let mut found = self.records.exports(owner).await?;
        found.retain(|(id, export)| {
            input.task_id.as_ref().is_none_or(|wanted| wanted == id)
                && input.status_code.as_ref().is_none_or(|code| code == word(export.state))
        });
        // The newest first.
        let key = |(id, export): &(String, Export)| (-export.created_ms, id.clone());
        found.sort_by_key(key);
        let purpose = format!("logs.exports {} {}", owner.0, owner.1);
        let seal = &self.platform.seal;
        if let Some(token) = &input.next_token {
            let after: (i64, String) =
                paging::position(seal, &purpose, token).ok_or_else(error::next_token)?;
            found.retain(|one| key(one) > after);
        }
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let page = paging::cut(found, limit, seal, &purpose, key);
        let tasks = page.items.into_iter().map(shown).collect::<Result<_>>()?;
        Ok(s::DescribeExportTasksResponse { export_tasks: Some(tasks), next_token: page.next })
    }
}

fn shown((id, export): (String, Export)) -> Result<s::ExportTask> {
    Ok(s::ExportTask {
        task_id: Some(id),
        task_name: export.name,
        log_group_name: Some(export.group.name()?.name),
        from: Some(export.from_ms),
        to: Some(export.to_ms),
        destination: Some(export.bucket),
        destination_prefix: Some(export.prefix),
        status: Some(s::ExportTaskStatus {
            code: Some(word(export.state).into()),
            message: Some(export.message),
        }),
        execution_info: Some(s::ExportTaskExecutionInfo {
            creation_time: Some(export.created_ms),
            completion_time: export.ended_ms,
        }),
    })
}

fn word(state: ExportState) -> &'static str {
    match state {
        ExportState::Pending => "PENDING",
        ExportState::Running => "RUNNING",
        ExportState::PendingCancel => "PENDING_CANCEL",
        ExportState::Cancelled => "CANCELLED",
        ExportState::Completed => "COMPLETED",
        ExportState::Failed => "FAILED",
    }
}

impl Logs {
    /// Whether the bucket lets us in: its ACL can be read, and a file written.
    async fn check_bucket(&self, name: &GroupName, bucket: &str, prefix: &str) -> Result<()> {
        let refused = |call: &str, error: ApiError| match error.code() {
            "NoSuchBucket" | "InvalidBucketName" | "PermanentRedirect" => {
                error::invalid("The given bucket does not exist. Please provide a valid bucket.")
            }
            _ if is_denial(&error) => error::bucket_denied(call),
            _ if error.fault() == Fault::Client => {
                error::invalid(format!("{call} call on the given bucket failed. {}", error.message()))
            }
            _ => error,
        };
        self.can_see_bucket(name, bucket).await.map_err(|error| refused("GetBucketAcl", error))?;
        let key = format!("{prefix}/aws-logs-write-test");
        let body = b"Permission Check Successful".to_vec();
        self.put_file(name, bucket, &key, body).await.map_err(|error| refused("PutObject", error))
    }
}
