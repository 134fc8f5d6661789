use haneul_firehose_wire::operations as op;
use haneul_firehose_wire::shapes as s;
use haneul_firehose_wire::values::key_type;
use haneul_kit::{Access, Cx, Handle, Instant, Result};

use super::{key, tags};
use crate::error::{invalid, not_offered};
use crate::firehose::{arn, passes_role};
use crate::model::{DataKeyRecord, Destination, Source, StreamKey, StreamRecord};
use crate::{Firehose, error};

/// A stream has one destination.
pub(super) const DESTINATION: &str = "destinationId-000000000001";
const DIRECT_PUT: &str = "DirectPut";
const KINESIS: &str = "KinesisStreamAsSource";
const LIST_DEFAULT: usize = 10;

impl Handle<op::CreateDeliveryStream> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::CreateDeliveryStreamInput) -> Result<Vec<Access>> {
        let given = input.tags.iter().flatten();
        let given = given.map(|tag| (tag.key.as_str(), tag.value.as_deref().unwrap_or_default()));
        let own = Access::on("firehose:CreateDeliveryStream", &arn(&key(cx, &input.delivery_stream_name)));
        let mut all = vec![own.request_tags(given)];
        let extended = input.extended_s3_destination_configuration.as_ref();
        let plain = input.s3_destination_configuration.as_ref();
        let backup = extended.and_then(|given| given.s3_backup_configuration.as_ref());
        let mut roles: Vec<&str> = [extended.map(|given| given.role_arn.as_str())]
            .into_iter()
            .chain([plain, backup].map(|given| given.map(|given| given.role_arn.as_str())))
            .chain([input.kinesis_stream_source_configuration.as_ref().map(|given| given.role_arn.as_str())])
            .flatten()
            .collect();
        roles.sort_unstable();
        roles.dedup();
        all.extend(roles.into_iter().filter_map(passes_role));
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateDeliveryStreamInput,
    ) -> Result<s::CreateDeliveryStreamOutput> {
        let key = key(cx, &input.delivery_stream_name);
        let source = source(&input)?;
        let other = input.redshift_destination_configuration.is_some()
            || input.elasticsearch_destination_configuration.is_some()
            || input.amazonopensearchservice_destination_configuration.is_some()
            || input.splunk_destination_configuration.is_some()
            || input.http_endpoint_destination_configuration.is_some()
            || input.amazon_open_search_serverless_destination_configuration.is_some()
            || input.snowflake_destination_configuration.is_some()
            || input.iceberg_destination_configuration.is_some();
        if other {
            return Err(not_offered("A destination other than Amazon S3"));
        }
        let destination =
            match (input.extended_s3_destination_configuration, input.s3_destination_configuration) {
                (Some(given), None) => Destination::of_extended(given)?,
                (None, Some(given)) => Destination::of_plain(given)?,
                (Some(_), Some(_)) => return Err(invalid("Only one destination can be specified.")),
                (None, None) => {
                    return Err(invalid("Exactly one destination configuration must be specified."));
                }
            };
        let encryption = input.delivery_stream_encryption_configuration_input;
        if encryption.is_some() && source.is_some() {
            return Err(invalid(
                "Server-side encryption can only be enabled for a stream that uses DirectPut as its source.",
            ));
        }
        for role in destination.roles() {
            self.check_role(&key, role).await?;
        }
        if let Some(source) = &source {
            self.check_source(&key, source).await?;
        }
        let id = self.platform.env.rng.u64();
        let tags = tags::checked(&input.tags.unwrap_or_default(), &Default::default())?;
        let data_key = match &encryption {
            Some(given) => Some(self.kept_as(cx, &key, (id, None), Some(given)).await?),
            None => None,
        };
        let stream = StreamRecord {
            id,
            created_ms: cx.now().millis(),
            updated_ms: None,
            version: 1,
            source,
            destination,
            throughput_hint: input.direct_put_source_configuration.map(|given| given.throughput_hint_in_m_bs),
            tags,
            data_key,
            encrypts: encryption.is_some(),
        };
        if let Err(refused) = self.records.create(&key, &stream).await {
            self.retire(&key, stream.data_key.as_ref()).await;
            return Err(refused);
        }
        if stream.source.is_some() {
            self.sources.wake();
        }
        Ok(s::CreateDeliveryStreamOutput { delivery_stream_arn: Some(arn(&key).to_string()) })
    }
}

/// What a stream is to read, if it is not put into.
fn source(input: &s::CreateDeliveryStreamInput) -> Result<Option<Source>> {
    let given = input.kinesis_stream_source_configuration.as_ref();
    let is_put = input.direct_put_source_configuration.is_some();
    match (input.delivery_stream_type.as_deref().unwrap_or(DIRECT_PUT), given) {
        (DIRECT_PUT, None) => Ok(None),
        (DIRECT_PUT, Some(_)) => Err(invalid(
            "KinesisStreamSourceConfig is only applicable for KinesisStreamAsSource stream type.",
        )),
        (KINESIS, Some(_)) if is_put => {
            Err(invalid("DirectPutSourceConfiguration is only applicable for DirectPut stream type."))
        }
        (KINESIS, Some(given)) => {
            Ok(Some(Source { stream: given.kinesis_stream_arn.clone(), role: given.role_arn.clone() }))
        }
        (KINESIS, None) => {
            Err(invalid("KinesisStreamSourceConfig is required for KinesisStreamAsSource stream type."))
        }
        (other, _) => Err(not_offered(&format!("The type {other} of a Firehose stream"))),
    }
}

impl Handle<op::DeleteDeliveryStream> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::DeleteDeliveryStreamInput) -> Result<Vec<Access>> {
        Ok(vec![self.on("firehose:DeleteDeliveryStream", &key(cx, &input.delivery_stream_name)).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteDeliveryStreamInput,
    ) -> Result<s::DeleteDeliveryStreamOutput> {
        let key = key(cx, &input.delivery_stream_name);
        let gone = self.records.delete(&key).await?;
        self.limits.forget(gone.id);
        self.retire(&key, gone.data_key.as_ref()).await;
        self.sessions.forget(&key);
        self.due.wake();
        Ok(s::DeleteDeliveryStreamOutput {})
    }
}

impl Handle<op::DescribeDeliveryStream> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::DescribeDeliveryStreamInput) -> Result<Vec<Access>> {
        Ok(vec![self.on("firehose:DescribeDeliveryStream", &key(cx, &input.delivery_stream_name)).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeDeliveryStreamInput,
    ) -> Result<s::DescribeDeliveryStreamOutput> {
        let key = key(cx, &input.delivery_stream_name);
        let stream = self.records.stream(&key).await?.ok_or_else(|| error::no_stream(&key))?;
        let is_after =
            input.exclusive_start_destination_id.is_some_and(|after| after.as_str() >= DESTINATION);
        Ok(s::DescribeDeliveryStreamOutput {
            delivery_stream_description: described(&key, stream, !is_after),
        })
    }
}

fn described(key: &StreamKey, stream: StreamRecord, with_destination: bool) -> s::DeliveryStreamDescription {
    let destination = s::DestinationDescription {
        destination_id: DESTINATION.into(),
        s3_destination_description: Some(stream.destination.plain()),
        extended_s3_destination_description: Some(stream.destination.extended()),
        ..Default::default()
    };
    let key_arn = stream.data_key.as_ref().and_then(DataKeyRecord::key_arn);
    let key_type = match key_arn {
        Some(_) => key_type::CUSTOMER_MANAGED_CMK,
        None => key_type::AWS_OWNED_CMK,
    };
    let status = if stream.encrypts { "ENABLED" } else { "DISABLED" };
    s::DeliveryStreamDescription {
        delivery_stream_name: key.2.clone(),
        delivery_stream_arn: arn(key).to_string(),
        delivery_stream_status: "ACTIVE".into(),
        failure_description: None,
        delivery_stream_encryption_configuration: Some(s::DeliveryStreamEncryptionConfiguration {
            key_type: stream.encrypts.then(|| key_type.into()),
            key_arn: key_arn.map(str::to_owned),
            status: Some(status.into()),
            ..Default::default()
        }),
        delivery_stream_type: kind(&stream).into(),
        version_id: stream.version.to_string(),
        create_timestamp: Some(Instant::from_millis(stream.created_ms)),
        last_update_timestamp: stream.updated_ms.map(Instant::from_millis),
        source: described_source(&stream),
        destinations: if with_destination { vec![destination] } else { Vec::new() },
        has_more_destinations: false,
    }
}

fn described_source(stream: &StreamRecord) -> Option<s::SourceDescription> {
    let read = stream.source.as_ref().map(|source| s::KinesisStreamSourceDescription {
        kinesis_stream_arn: Some(source.stream.clone()),
        role_arn: Some(source.role.clone()),
        delivery_start_timestamp: Some(Instant::from_millis(stream.created_ms)),
    });
    let put = stream
        .throughput_hint
        .map(|hint| s::DirectPutSourceDescription { throughput_hint_in_m_bs: Some(hint) });
    (read.is_some() || put.is_some()).then(|| s::SourceDescription {
        kinesis_stream_source_description: read,
        direct_put_source_description: put,
        ..Default::default()
    })
}

fn kind(stream: &StreamRecord) -> &'static str {
    if stream.source.is_some() { KINESIS } else { DIRECT_PUT }
}

impl Handle<op::ListDeliveryStreams> for Firehose {
    async fn access(&self, _: &Cx, _: &s::ListDeliveryStreamsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("firehose:ListDeliveryStreams")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListDeliveryStreamsInput,
    ) -> Result<s::ListDeliveryStreamsOutput> {
        let limit = input.limit.map_or(LIST_DEFAULT, |limit| limit as usize);
        let wanted = input.delivery_stream_type.as_deref();
        let mut after = input.exclusive_start_delivery_stream_name;
        let mut names: Vec<String> = Vec::new();
        while names.len() <= limit {
            let page = self.records.streams(&key(cx, ""), after.as_deref(), limit + 1).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.2.clone());
            let is_wanted = |stream: &StreamRecord| wanted.is_none_or(|wanted| wanted == kind(stream));
            names.extend(page.into_iter().filter(|(_, stream)| is_wanted(stream)).map(|(key, _)| key.2));
        }
        let more = names.len() > limit;
        names.truncate(limit);
        Ok(s::ListDeliveryStreamsOutput { delivery_stream_names: names, has_more_delivery_streams: more })
    }
}
