use haneul_dynamodbstreams_wire::{operations as streams_op, shapes as d};
use haneul_kinesis_wire::{operations as kinesis_op, shapes as k};
use haneul_kit::{Access, ApiError, Arn, Cx, Fault, Handle, Instant, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_sqs_wire::{operations as sqs_op, shapes as q};

use crate::durable::start::check_awaited;
use crate::invoke::destinations::{self, Allowed, queue_url};
use crate::mappings::{Filters, is_consumer, stream_of};
use crate::model::mapping::{Kind, MappingRecord, MappingState};
use crate::names::{self, Named};
use crate::store::mappings::{MappingRow, NO_MAPPING};
use crate::{Lambda, error, settings};

/// Mappings of one page. Source: API Reference, ListEventSourceMappings.
const PAGE_MAX: i32 = 100;

/// Source: Developer Guide, the pages on SQS and DynamoDB.
const BATCH_MAX: i32 = 10_000;
const FIFO_BATCH_MAX: i32 = 10;

impl Handle<op::CreateEventSourceMapping> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::CreateEventSourceMappingRequest) -> Result<Vec<Access>> {
        let named = names::read(cx, &input.function_name, None)?;
        let tags = input.tags.iter().flat_map(|tags| tags.iter());
        let access = Access::to("lambda:CreateEventSourceMapping")
            .key("lambda:FunctionArn", named.arn().to_string())
            .request_tags(tags.map(|(key, value)| (key, value.as_str())));
        Ok(vec![access])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateEventSourceMappingRequest,
    ) -> Result<s::EventSourceMappingConfiguration> {
        let named = names::read(cx, &input.function_name, None)?;
        settings::tags(&input.tags)?;
        let elsewhere = [
            (input.topics.is_some(), "Topics"),
            (input.queues.is_some(), "Queues"),
            (input.self_managed_event_source.is_some(), "SelfManagedEventSource"),
            (input.amazon_managed_kafka_event_source_config.is_some(), "AmazonManagedKafkaEventSourceConfig"),
            (input.self_managed_kafka_event_source_config.is_some(), "SelfManagedKafkaEventSourceConfig"),
            (input.document_db_event_source_config.is_some(), "DocumentDBEventSourceConfig"),
            (
                input.source_access_configurations.is_some_and(|all| !all.is_empty()),
                "SourceAccessConfigurations",
            ),
            (input.provisioned_poller_config.is_some(), "ProvisionedPollerConfig"),
            (input.kms_key_arn.is_some_and(|key| !key.is_empty()), "KMSKeyArn of filter criteria"),
            (input.logging_config.is_some(), "LoggingConfig"),
        ];
        if let Some((_, name)) = elsewhere.iter().find(|(given, _)| *given) {
            return Err(error::unsupported(name));
        }
        let source = input
            .event_source_arn
            .ok_or_else(|| error::parameter("Event source ARN is required for this event source type."))?;
        let arn = Arn::parse(&source).map_err(|_| {
            error::parameter(format!(
                "Unrecognized event source, must be kinesis, dynamodb stream or sqs. Provided arn: {source}"
            ))
        })?;
        let kind = match (arn.service(), arn.resource()) {
            ("sqs", _) => Kind::Sqs,
            ("dynamodb", resource) if resource.contains("/stream/") => Kind::DynamoDb,
            ("kinesis", resource) if resource.starts_with("stream/") => Kind::Kinesis,
            ("kafka" | "mq" | "rds", _) => return Err(error::unsupported("This event source")),
            _ => {
                return Err(error::parameter(format!(
                    "Unrecognized event source, must be kinesis, dynamodb stream or sqs. Provided arn: {source}"
                )));
            }
        };
        if arn.region() != cx.region().as_str() {
            return Err(error::parameter("The event source must be in the Region of the function."));
        }
        let given = Given {
            batch_size: input.batch_size,
            window_s: input.maximum_batching_window_in_seconds,
            filters: input.filter_criteria,
            scaling: input.scaling_config,
            responses: input.function_response_types,
            metrics: input.metrics_config,
            parallel: input.parallelization_factor,
            destination: input.destination_config,
            age_s: input.maximum_record_age_in_seconds,
            bisect: input.bisect_batch_on_function_error,
            retries: input.maximum_retry_attempts,
            tumbling_s: input.tumbling_window_in_seconds,
        };
        let at = input.starting_position_timestamp;
        let start = start(kind, input.starting_position, at, &source)?;
        if at.is_some_and(|at| at > cx.now()) {
            return Err(error::parameter("StartingPositionTimestamp cannot be in the future."));
        }
        let start_ms = match (kind, start.as_deref()) {
            (Kind::Kinesis, Some("LATEST")) => Some(cx.now().millis()),
            (Kind::Kinesis, _) => at.map(|at| at.millis()),
            _ => None,
        };
        let enabled = input.enabled.unwrap_or(true);
        let stream = kind.is_stream();
        let mut record = MappingRecord {
            source,
            kind,
            function: named.arn().to_string(),
            state: if enabled { MappingState::Creating } else { MappingState::Disabled },
            reason: String::from(if stream { "User action" } else { "USER_INITIATED" }),
            result: String::from(if stream { "No records processed" } else { "" }),
            modified_ms: cx.now().millis(),
            batch_size: if stream { 100 } else { 10 },
            window_s: 0,
            filters: Vec::new(),
            item_failures: false,
            concurrency_max: None,
            metrics: None,
            tags: input.tags.unwrap_or_default().into_iter().collect(),
            start,
            start_ms,
            parallel: 1,
            on_failure: None,
            age_max_s: -1,
            retries_max: -1,
            bisect: false,
            tumbling_s: 0,
        };
        given.put_into(&mut record, &arn)?;
        self.check_source(&named, &record, &arn).await?;
        let uuid = self.platform.env.rng.uuid();
        let row = (named.function.account, named.function.region, uuid);
        self.records.create_mapping(&row, &record).await?;
        self.wake.mappings.wake();
        Ok(show(&row, &record))
    }
}

impl Handle<op::UpdateEventSourceMapping> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::UpdateEventSourceMappingRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_mapping(cx, "lambda:UpdateEventSourceMapping", &input.uuid).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateEventSourceMappingRequest,
    ) -> Result<s::EventSourceMappingConfiguration> {
        let row = (cx.account(), cx.region(), input.uuid);
        let elsewhere = [
            (input.provisioned_poller_config.is_some(), "ProvisionedPollerConfig"),
            (input.amazon_managed_kafka_event_source_config.is_some(), "AmazonManagedKafkaEventSourceConfig"),
            (input.self_managed_kafka_event_source_config.is_some(), "SelfManagedKafkaEventSourceConfig"),
            (input.document_db_event_source_config.is_some(), "DocumentDBEventSourceConfig"),
            (
                input.source_access_configurations.is_some_and(|all| !all.is_empty()),
                "SourceAccessConfigurations",
            ),
            (input.kms_key_arn.is_some_and(|key| !key.is_empty()), "KMSKeyArn of filter criteria"),
            (input.logging_config.is_some(), "LoggingConfig"),
        ];
        if let Some((_, name)) = elsewhere.iter().find(|(given, _)| *given) {
            return Err(error::unsupported(name));
        }
        let before = self.records.mapping(&row).await?.ok_or_else(|| error::not_found(NO_MAPPING))?;
        if before.state == MappingState::Deleting {
            return Err(in_use());
        }
        let arn = Arn::parse(&before.source).map_err(ApiError::internal)?;
        let named = match &input.function_name {
            Some(given) => names::read(cx, given, None)?,
            None => crate::mappings::named(&row, &before)?,
        };
        let given = Given {
            batch_size: input.batch_size,
            window_s: input.maximum_batching_window_in_seconds,
            filters: input.filter_criteria,
            scaling: input.scaling_config,
            responses: input.function_response_types,
            metrics: input.metrics_config,
            parallel: input.parallelization_factor,
            destination: input.destination_config,
            age_s: input.maximum_record_age_in_seconds,
            bisect: input.bisect_batch_on_function_error,
            retries: input.maximum_retry_attempts,
            tumbling_s: input.tumbling_window_in_seconds,
        };
        let mut next = before.clone();
        next.function = named.arn().to_string();
        given.put_into(&mut next, &arn)?;
        self.check_source(&named, &next, &arn).await?;
        let (enabled, now_ms) = (input.enabled, cx.now().millis());
        let edit = self.records.change_mapping(&row, |record| {
            if record.state == MappingState::Deleting {
                return Err(in_use());
            }
            let (state, result) = (record.state, std::mem::take(&mut record.result));
            *record = MappingRecord { state, result, ..next.clone() };
            // Never the same twice, by which the poller is known to be of another configuration.
            record.modified_ms = now_ms.max(before.modified_ms + 1);
            let runs = !matches!(state, MappingState::Disabled | MappingState::Disabling);
            record.state = match (enabled, runs) {
                (Some(false), true) => MappingState::Disabling,
                (Some(true), false) => MappingState::Enabling,
                (_, true) if state == MappingState::Creating => MappingState::Creating,
                (_, true) => MappingState::Updating,
                (_, false) => state,
            };
            Ok(record.clone())
        });
        let record = edit.await?;
        self.wake.mappings.wake();
        Ok(show(&row, &record))
    }
}

impl Handle<op::GetEventSourceMapping> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetEventSourceMappingRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_mapping(cx, "lambda:GetEventSourceMapping", &input.uuid).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetEventSourceMappingRequest,
    ) -> Result<s::EventSourceMappingConfiguration> {
        let row = (cx.account(), cx.region(), input.uuid);
        let record = self.records.mapping(&row).await?.ok_or_else(|| error::not_found(NO_MAPPING))?;
        Ok(show(&row, &record))
    }
}

impl Handle<op::DeleteEventSourceMapping> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::DeleteEventSourceMappingRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_mapping(cx, "lambda:DeleteEventSourceMapping", &input.uuid).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteEventSourceMappingRequest,
    ) -> Result<s::EventSourceMappingConfiguration> {
        let row = (cx.account(), cx.region(), input.uuid);
        let edit = self.records.change_mapping(&row, |record| {
            if record.state == MappingState::Deleting {
                return Err(in_use());
            }
            record.state = MappingState::Deleting;
            Ok(record.clone())
        });
        let record = edit.await?;
        self.wake.mappings.wake();
        Ok(show(&row, &record))
    }
}

impl Handle<op::ListEventSourceMappings> for Lambda {
    async fn access(&self, _: &Cx, _: &s::ListEventSourceMappingsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("lambda:ListEventSourceMappings")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListEventSourceMappingsRequest,
    ) -> Result<s::ListEventSourceMappingsResponse> {
        let named = input.function_name.as_deref().map(|given| names::read(cx, given, None)).transpose()?;
        let listing = format!("mappings {named:?} {:?}", input.event_source_arn);
        let begin: Option<String> = self.begin(cx, &listing, input.marker.as_deref())?;
        let mut all = self.records.mappings(cx.account(), cx.region()).await?;
        all.retain(|(row, record)| {
            begin.as_ref().is_none_or(|begin| row.2 > *begin)
                && input.event_source_arn.as_ref().is_none_or(|arn| record.source == *arn)
                && named.as_ref().is_none_or(|named| record.function == named.arn().as_str())
        });
        let limit = usize::try_from(input.max_items.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX)).unwrap_or(1);
        let page = self.page(cx, &listing, all, limit, |(row, _)| row.2.clone());
        let shown = page.items.iter().map(|(row, record)| show(row, record)).collect();
        Ok(s::ListEventSourceMappingsResponse { event_source_mappings: Some(shown), next_marker: page.next })
    }
}

fn in_use() -> ApiError {
    error::in_use("Cannot update the event source mapping because it is in use.")
}

/// What creating and updating may say alike.
struct Given {
    batch_size: Option<i32>,
    window_s: Option<i32>,
    filters: Option<s::FilterCriteria>,
    scaling: Option<s::ScalingConfig>,
    responses: Option<Vec<String>>,
    metrics: Option<s::EventSourceMappingMetricsConfig>,
    parallel: Option<i32>,
    destination: Option<s::DestinationConfig>,
    age_s: Option<i32>,
    bisect: Option<bool>,
    retries: Option<i32>,
    tumbling_s: Option<i32>,
}

impl Given {
    fn put_into(self, record: &mut MappingRecord, source: &Arn) -> Result<()> {
        let positive = |given: i32| given.max(0).unsigned_abs();
        if record.kind == Kind::Sqs {
            let of_streams = [
                (self.parallel.is_some(), "ParallelizationFactor"),
                (self.age_s.is_some(), "MaximumRecordAgeInSeconds"),
                (self.bisect.is_some(), "BisectBatchOnFunctionError"),
                (self.retries.is_some(), "MaximumRetryAttempts"),
                (self.tumbling_s.is_some_and(|span| span > 0), "TumblingWindowInSeconds"),
                (self.destination.as_ref().is_some_and(has_destination), "DestinationConfig"),
            ];
            if let Some((_, name)) = of_streams.iter().find(|(given, _)| *given) {
                return Err(error::parameter(format!(
                    "Unsupported {name} parameter for given event source mapping type."
                )));
            }
        } else if self.scaling.as_ref().is_some_and(|scaling| scaling.maximum_concurrency.is_some()) {
            return Err(error::parameter(
                "Unsupported ScalingConfig parameter for given event source mapping type.",
            ));
        }
        record.batch_size = self.batch_size.map_or(record.batch_size, positive);
        record.window_s = self.window_s.map_or(record.window_s, positive);
        let fifo = record.kind == Kind::Sqs && source.resource().ends_with(".fifo");
        let most = if fifo { FIFO_BATCH_MAX } else { BATCH_MAX };
        if record.batch_size > most.unsigned_abs() {
            return Err(error::parameter(format!(
                "BatchSize {} is larger than the maximum of {most} for the event source.",
                record.batch_size
            )));
        }
        if fifo && record.window_s > 0 {
            return Err(error::parameter("Batching window is not supported for FIFO queues"));
        }
        if record.kind == Kind::Sqs && record.batch_size > 10 && record.window_s == 0 {
            return Err(error::parameter(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
            ));
        }
        if let Some(given) = self.filters {
            let filters = given.filters.unwrap_or_default().into_iter().filter_map(|filter| filter.pattern);
            let filters: Vec<String> = filters.collect();
            Filters::parse(record.kind, &filters)
                .map_err(|wrong| error::parameter(format!("Invalid filter pattern definition: {wrong}")))?;
            record.filters = filters;
        }
        if let Some(scaling) = self.scaling {
            record.concurrency_max = scaling.maximum_concurrency.map(positive);
        }
        if let Some(responses) = self.responses {
            record.item_failures = responses.iter().any(|one| one == "ReportBatchItemFailures");
        }
        if let Some(metrics) = self.metrics {
            record.metrics = metrics.metrics;
        }
        record.parallel = self.parallel.map_or(record.parallel, positive).max(1);
        record.age_max_s = match self.age_s {
            Some(age) if (0..60).contains(&age) => {
                return Err(error::parameter(
                    "MaximumRecordAgeInSeconds must be -1 or between 60 and 604800.",
                ));
            }
            Some(age) => i64::from(age),
            None => record.age_max_s,
        };
        record.retries_max = self.retries.map_or(record.retries_max, i64::from);
        record.bisect = self.bisect.unwrap_or(record.bisect);
        record.tumbling_s = self.tumbling_s.map_or(record.tumbling_s, positive);
        if record.tumbling_s > 0 && record.parallel > 1 {
            return Err(error::parameter(
                "TumblingWindowInSeconds and ParallelizationFactor cannot be used together.",
            ));
        }
        if let Some(destination) = self.destination {
            let none = destination.on_success.and_then(|on| on.destination).is_none_or(|arn| arn.is_empty());
            if !none {
                return Err(error::parameter("Unsupported DestinationConfig parameter: OnSuccess."));
            }
            let failure = destination.on_failure.and_then(|on| on.destination).filter(|arn| !arn.is_empty());
            if let Some(arn) = &failure {
                destinations::check(arn, Allowed::OfStream)?;
            }
            record.on_failure = failure;
        }
        Ok(())
    }
}

fn has_destination(config: &s::DestinationConfig) -> bool {
    config.on_failure.as_ref().and_then(|on| on.destination.as_ref()).is_some_and(|arn| !arn.is_empty())
}

/// Where a mapping of a stream begins.
fn start(kind: Kind, given: Option<String>, at: Option<Instant>, source: &str) -> Result<Option<String>> {
    match (kind, given.as_deref()) {
        (Kind::Sqs, None) => Ok(None),
        (Kind::Sqs, Some(_)) => Err(error::parameter("StartingPosition is not valid for SQS event sources.")),
        (_, None) => Err(error::parameter(format!(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be \
             null. It is required for {source}"
        ))),
        (Kind::DynamoDb, Some("AT_TIMESTAMP")) => {
            Err(error::parameter(format!("Unsupported starting position for arn type: {source}")))
        }
        (_, Some("AT_TIMESTAMP")) if at.is_none() => Err(error::parameter(
            "StartingPositionTimestamp is required when StartingPosition is AT_TIMESTAMP.",
        )),
        (_, given) if at.is_some() && given != Some("AT_TIMESTAMP") => Err(error::parameter(
            "StartingPositionTimestamp is only valid with StartingPosition AT_TIMESTAMP.",
        )),
        (_, given) => Ok(given.map(str::to_owned)),
    }
}

impl Lambda {
    async fn on_mapping(&self, cx: &Cx, action: &'static str, uuid: &str) -> Result<Access> {
        let arn = cx.arn("lambda", format_args!("event-source-mapping:{uuid}"));
        let access = Access::on(action, &arn);
        Ok(match self.records.mapping(&(cx.account(), cx.region(), uuid.to_owned())).await? {
            Some(record) => {
                let tags = record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                access.key("lambda:FunctionArn", record.function.clone()).resource_tags(tags)
            }
            None => access,
        })
    }

    /// Whether the function exists and its role may read the source: the source is asked for real, as the role.
    async fn check_source(&self, named: &Named, record: &MappingRecord, source: &Arn) -> Result<()> {
        let target = self.target(named).await?;
        check_awaited(&target)?;
        let (function, role) = (&named.function, &target.version.role);
        let session = self.session(function, role).await?;
        let (bus, caller, region) = (&self.platform.bus, session.caller.clone(), function.region);
        let service = record.kind.service();
        let refused = |action: &'static str| move |refused| cannot(refused, action, service);
        let own = || source.clone();
        let needed: Vec<(&'static str, Arn)> = match record.kind {
            Kind::Sqs => {
                let url = queue_url(source);
                let input = q::GetQueueAttributesRequest {
                    queue_url: url,
                    attribute_names: Some(vec!["VisibilityTimeout".into()]),
                };
                let got = bus.call::<sqs_op::GetQueueAttributes>(caller, region, None, input).await;
                let got = got.map_err(refused("ReceiveMessage"))?;
                let visibility = got.attributes.as_ref().and_then(|all| all.get("VisibilityTimeout"));
                let visibility: u32 = visibility.and_then(|text| text.parse().ok()).unwrap_or(30);
                if visibility < target.version.timeout_s {
                    return Err(error::parameter(format!(
                        "Queue visibility timeout: {visibility} seconds is less than Function timeout: {} seconds",
                        target.version.timeout_s
                    )));
                }
                vec![("sqs:ReceiveMessage", own()), ("sqs:DeleteMessage", own())]
            }
            Kind::DynamoDb => {
                let input = d::DescribeStreamInput { stream_arn: source.to_string(), ..Default::default() };
                let got = bus.call::<streams_op::DescribeStream>(caller, region, None, input).await;
                got.map_err(refused("DescribeStream"))?;
                vec![("dynamodb:GetRecords", own()), ("dynamodb:GetShardIterator", own())]
            }
            Kind::Kinesis if is_consumer(&record.source) => {
                let input = k::DescribeStreamConsumerInput {
                    consumer_arn: Some(record.source.clone()),
                    ..Default::default()
                };
                let got = bus.call::<kinesis_op::DescribeStreamConsumer>(caller, region, None, input).await;
                got.map_err(refused("DescribeStreamConsumer"))?;
                let stream = Arn::parse(stream_of(&record.source)).map_err(ApiError::internal)?;
                vec![("kinesis:SubscribeToShard", own()), ("kinesis:ListShards", stream)]
            }
            Kind::Kinesis => {
                let input = k::DescribeStreamSummaryInput {
                    stream_arn: Some(record.source.clone()),
                    ..Default::default()
                };
                let got = bus.call::<kinesis_op::DescribeStreamSummary>(caller, region, None, input).await;
                got.map_err(refused("DescribeStreamSummary"))?;
                ["kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"]
                    .map(|action| (action, own()))
                    .into()
            }
        };
        // Of a source of another account its own policy has a say, which is asked when it is read.
        let needed = needed.into_iter().filter(|_| source.account_id() == Some(function.account));
        let cx = self.cx_of(function, session.caller.clone());
        for (action, on) in needed {
            let (of, name) = action.split_once(':').unwrap_or_default();
            let asked = self.platform.authorize(&cx, of, &[Access::on(action, &on)]).await;
            asked.map_err(refused(name))?;
        }
        if let Some(destination) = &record.on_failure {
            self.check_destination(function, role, destination, |what| {
                format!("The provided execution role does not have permissions to call {what}")
            })
            .await?;
        }
        Ok(())
    }
}

fn cannot(refused: ApiError, action: &str, service: &str) -> ApiError {
    if refused.fault() == Fault::Server {
        return refused;
    }
    let code = refused.code();
    if code.contains("AccessDenied") {
        return error::parameter(format!(
            "The function execution role does not have permissions to call {action} on {service}"
        ));
    }
    error::parameter(format!(
        "Error occurred while {action}. {service} Error Code: {code}. {service} Error Message: {}",
        refused.message()
    ))
}

fn show(row: &MappingRow, record: &MappingRecord) -> s::EventSourceMappingConfiguration {
    let number = |given: u32| i32::try_from(given).ok();
    let stream = record.kind.is_stream();
    let arn = Arn::new("lambda", row.1, row.0, format_args!("event-source-mapping:{}", row.2));
    let filters = record.filters.iter().map(|pattern| s::Filter { pattern: Some(pattern.clone()) });
    let responses = record.item_failures.then(|| vec![String::from("ReportBatchItemFailures")]);
    s::EventSourceMappingConfiguration {
        uuid: Some(row.2.clone()),
        event_source_mapping_arn: Some(arn.to_string()),
        event_source_arn: Some(record.source.clone()),
        function_arn: Some(record.function.clone()),
        last_modified: Some(Instant::from_millis(record.modified_ms)),
        last_processing_result: stream.then(|| record.result.clone()),
        state: Some(record.state.as_str().to_owned()),
        state_transition_reason: Some(record.reason.clone()),
        batch_size: number(record.batch_size),
        maximum_batching_window_in_seconds: number(record.window_s),
        filter_criteria: (!record.filters.is_empty())
            .then(|| s::FilterCriteria { filters: Some(filters.collect()) }),
        scaling_config: record
            .concurrency_max
            .map(|most| s::ScalingConfig { maximum_concurrency: number(most) }),
        metrics_config: record
            .metrics
            .clone()
            .map(|metrics| s::EventSourceMappingMetricsConfig { metrics: Some(metrics) }),
        function_response_types: responses.or_else(|| Some(Vec::new())),
        starting_position: record.start.clone(),
        starting_position_timestamp: record
            .start_ms
            .filter(|_| record.start.as_deref() == Some("AT_TIMESTAMP"))
            .map(Instant::from_millis),
        parallelization_factor: stream.then(|| number(record.parallel)).flatten(),
        destination_config: stream.then(|| s::DestinationConfig {
            on_success: None,
            on_failure: record.on_failure.clone().map(|arn| s::OnFailure { destination: Some(arn) }),
        }),
        maximum_record_age_in_seconds: stream.then(|| i32::try_from(record.age_max_s).ok()).flatten(),
        maximum_retry_attempts: stream.then(|| i32::try_from(record.retries_max).ok()).flatten(),
        bisect_batch_on_function_error: stream.then_some(record.bisect),
        tumbling_window_in_seconds: stream.then(|| number(record.tumbling_s)).flatten(),
        ..Default::default()
    }
}
