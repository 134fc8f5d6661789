//! EnableKinesisStreamingDestination, DisableKinesisStreamingDestination, UpdateKinesisStreamingDestination and
//! DescribeKinesisStreamingDestination. As in AWS, whether the stream can be used is found out behind the answer.

use haneul_dynamodb_wire::operations::{
    DescribeKinesisStreamingDestination, DisableKinesisStreamingDestination,
    EnableKinesisStreamingDestination, UpdateKinesisStreamingDestination,
};
use haneul_dynamodb_wire::shapes as s;
use haneul_kinesis_wire::operations as kinesis;
use haneul_kinesis_wire::shapes as k;
use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Result};

use super::Dynamodb;
use crate::error::{self, validation};
use crate::model::{DestinationRecord, DestinationState, TableRecord};
use crate::roles::{self, PRINCIPAL};
use crate::store::tables::Change;
use crate::table::name;

/// Why a destination cannot be enabled.
const NO_PERMISSION: &str = "User does not have a permission to use kinesis stream";
const OTHER_REGION: &str = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in the current region";
const NOT_ACTIVE: &str =
    "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in Active state";

const MILLISECOND: &str = "MILLISECOND";

/// Streams that a table remembers, beside the one that it has.
const REMEMBERED_MAX: usize = 20;

impl Handle<EnableKinesisStreamingDestination> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::KinesisStreamingDestinationInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:EnableKinesisStreamingDestination", &input.table_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::KinesisStreamingDestinationInput,
    ) -> Result<s::KinesisStreamingDestinationOutput> {
        let id = name::of(cx, &input.table_name)?;
        check_free(&self.db.named_table(&id).await?.record, &id.2)?;
        roles::need_role(&self.platform, cx).await?;
        let why = self.unusable(cx, &input.stream_arn).await;
        let given = input.enable_kinesis_streaming_configuration;
        let precision =
            given.as_ref().and_then(|given| given.approximate_creation_date_time_precision.clone());
        let now_ms = cx.now().millis();
        let (stream_arn, precision) = (&input.stream_arn, &precision);
        self.db
            .change_table(&id, |record, numbers| {
                check_free(record, &id.2)?;
                record.destinations.retain(|other| other.stream_arn != *stream_arn);
                let over = record.destinations.len().saturating_sub(REMEMBERED_MAX);
                record.destinations.drain(..over);
                record.destinations.push(DestinationRecord {
                    stream_arn: stream_arn.clone(),
                    state: DestinationState::Enabling,
                    why: why.map(str::to_owned),
                    precision: precision.clone(),
                    log: Some(numbers.next()),
                    since_ms: now_ms,
                });
                Ok(Change::default())
            })
            .await?;
        self.db.delivery().wake();
        let given = Some(given.unwrap_or_default());
        Ok(answer(id.2, input.stream_arn, DestinationState::Enabling, given))
    }
}

impl Handle<DisableKinesisStreamingDestination> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::KinesisStreamingDestinationInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:DisableKinesisStreamingDestination", &input.table_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::KinesisStreamingDestinationInput,
    ) -> Result<s::KinesisStreamingDestinationOutput> {
        let given = input.enable_kinesis_streaming_configuration.as_ref();
        if given.is_some_and(|given| given.approximate_creation_date_time_precision.is_some()) {
            return Err(validation(
                "Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters",
            ));
        }
        let id = name::of(cx, &input.table_name)?;
        let now_ms = cx.now().millis();
        self.db
            .change_table(&id, |record, _| {
                let destination = find(record, &input.stream_arn)
                    .filter(|destination| destination.state == DestinationState::Active)
                    .ok_or_else(|| {
                        state("KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")
                    })?;
                (destination.state, destination.since_ms) = (DestinationState::Disabling, now_ms);
                (destination.log, destination.precision) = (None, None);
                Ok(Change::default())
            })
            .await?;
        self.db.delivery().wake();
        Ok(answer(id.2, input.stream_arn, DestinationState::Disabling, None))
    }
}

impl Handle<UpdateKinesisStreamingDestination> for Dynamodb {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::UpdateKinesisStreamingDestinationInput,
    ) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:UpdateKinesisStreamingDestination", &input.table_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateKinesisStreamingDestinationInput,
    ) -> Result<s::UpdateKinesisStreamingDestinationOutput> {
        let id = name::of(cx, &input.table_name)?;
        let given = input.update_kinesis_streaming_configuration;
        let wanted =
            given.as_ref().and_then(|given| given.approximate_creation_date_time_precision.as_deref());
        let (arn, now_ms) = (&input.stream_arn, cx.now().millis());
        self.db
            .change_table(&id, |record, _| {
                let table_id = record.id.clone();
                let destination = find(record, arn).ok_or_else(|| {
                    state(&format!(
                        "No streaming destination with streamArn: {arn} found for table with tableName: {}",
                        id.2
                    ))
                })?;
                if destination.state != DestinationState::Active {
                    return Err(state(&format!(
                        "Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. TableName: \
                         {}, kdsArn: {arn}",
                        id.2
                    )));
                }
                let wanted = wanted.ok_or_else(|| {
                    validation(
                        "Streaming destination cannot be updated with given parameters: \
                         UpdateKinesisStreamingConfiguration cannot be null or contain only null values",
                    )
                })?;
                if destination.precision.as_deref().unwrap_or(MILLISECOND) == wanted {
                    return Err(validation(format!(
                        "Invalid Request: Precision is already set to the desired value of {wanted} for tableId: \
                         {table_id}, kdsArn: {arn}"
                    )));
                }
                (destination.state, destination.since_ms) = (DestinationState::Updating, now_ms);
                destination.precision = Some(wanted.to_owned());
                Ok(Change::default())
            })
            .await?;
        self.db.delivery().wake();
        Ok(s::UpdateKinesisStreamingDestinationOutput {
            table_name: Some(id.2),
            stream_arn: Some(input.stream_arn),
            destination_status: Some(DestinationState::Updating.name().to_owned()),
            update_kinesis_streaming_configuration: given,
        })
    }
}

impl Handle<DescribeKinesisStreamingDestination> for Dynamodb {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DescribeKinesisStreamingDestinationInput,
    ) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:DescribeKinesisStreamingDestination", &input.table_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeKinesisStreamingDestinationInput,
    ) -> Result<s::DescribeKinesisStreamingDestinationOutput> {
        let info = self.db.named_table(&name::of(cx, &input.table_name)?).await?;
        let shown = |destination: &DestinationRecord| s::KinesisDataStreamDestination {
            stream_arn: Some(destination.stream_arn.clone()),
            destination_status: Some(destination.state.name().to_owned()),
            destination_status_description: destination
                .why
                .clone()
                .filter(|_| destination.state == DestinationState::EnableFailed),
            approximate_creation_date_time_precision: destination.precision.clone(),
        };
        Ok(s::DescribeKinesisStreamingDestinationOutput {
            table_name: Some(info.name.clone()),
            kinesis_data_stream_destinations: Some(info.record.destinations.iter().map(shown).collect()),
        })
    }
}

impl Dynamodb {
    /// Why the caller cannot have changes brought to a stream, in AWS's words. Source of the permissions: DynamoDB
    /// Developer Guide, "Using IAM policies for Amazon Kinesis Data Streams and Amazon DynamoDB".
    async fn unusable(&self, cx: &Cx, given: &str) -> Option<&'static str> {
        let Ok(arn) = Arn::parse(given) else { return Some(NO_PERMISSION) };
        if arn.region() != cx.region().as_str() {
            return Some(OTHER_REGION);
        }
        if arn.account_id() != Some(cx.account()) || !matches!(arn.service(), "kinesis" | "dynamodb") {
            return Some(NOT_ACTIVE);
        }
        let is_stream =
            |resource: &str| resource.strip_prefix("stream/").is_some_and(|name| !name.contains('/'));
        if arn.service() != "kinesis" || !is_stream(arn.resource()) {
            return Some(NO_PERMISSION);
        }
        let asked = [Access::to("kinesis:ListStreams"), Access::on("kinesis:PutRecords", &arn)];
        if self.platform.authorize(cx, "kinesis", &asked).await.is_err() {
            return Some(NO_PERMISSION);
        }
        let input = k::DescribeStreamInput { stream_arn: Some(given.to_owned()), ..Default::default() };
        match self.platform.forward::<kinesis::DescribeStream>(cx, PRINCIPAL, input).await {
            Ok(found) if matches!(found.stream_description.stream_status.as_str(), "ACTIVE" | "UPDATING") => {
                None
            }
            _ => Some(NO_PERMISSION),
        }
    }
}

fn answer(
    table: String,
    stream_arn: String,
    state: DestinationState,
    given: Option<s::EnableKinesisStreamingConfiguration>,
) -> s::KinesisStreamingDestinationOutput {
    s::KinesisStreamingDestinationOutput {
        table_name: Some(table),
        stream_arn: Some(stream_arn),
        destination_status: Some(state.name().to_owned()),
        enable_kinesis_streaming_configuration: given,
    }
}

/// A table has one stream at a time.
fn check_free(record: &TableRecord, table: &str) -> Result<()> {
    if !record.is_made() {
        return Err(error::being_created(table));
    }
    match record.destinations.iter().any(|destination| destination.state.is_live()) {
        true => Err(state(
            "EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation.",
        )),
        false => Ok(()),
    }
}

fn find<'a>(record: &'a mut TableRecord, arn: &str) -> Option<&'a mut DestinationRecord> {
    record.destinations.iter_mut().find(|destination| destination.stream_arn == arn)
}

fn state(why: &str) -> ApiError {
    validation(format!("Table is not in a valid state to enable Kinesis Streaming Destination: {why}"))
}
