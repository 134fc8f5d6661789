//! PutMetricStream, GetMetricStream, ListMetricStreams, StartMetricStreams, StopMetricStreams, DeleteMetricStream.

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::metrics::Owner;
use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result, Tags, paging};

use super::alarm_parts::owner;
use super::insight_rules::pairs;
use super::tags::refused;
use crate::CloudWatch;
use crate::error;
use crate::model::{MoreStatistics, OutputFormat, StreamFilter, StreamRecord};
use crate::statistic::Statistic;
use crate::streams::PRINCIPAL;

const PAGE: usize = 500;

fn stream_arn(cx: &Cx, name: &str) -> Arn {
    cx.arn("cloudwatch", format_args!("metric-stream/{name}"))
}

fn state(stream: &StreamRecord) -> &'static str {
    if stream.running { "running" } else { "stopped" }
}

impl CloudWatch {
    async fn on_stream(&self, cx: &Cx, action: &'static str, name: &str) -> Result<Access> {
        let access = Access::on(action, &stream_arn(cx, name));
        Ok(match self.stream(owner(cx), name).await? {
            Some(stream) => access.resource_tags(pairs(&stream.tags)),
            None => access,
        })
    }

    /// Starts or stops streams; none when one of them is not there.
    async fn set_running(&self, cx: &Cx, names: &[String], running: bool) -> Result<()> {
        let owner: Owner = owner(cx);
        for name in names {
            if self.stream(owner, name).await?.is_none() {
                return Err(error::resource_not_found("MetricStream", name));
            }
        }
        let now = cx.now();
        for name in names {
            self.change_stream(owner, name, |stream| {
                if running && !stream.running {
                    // What came while it stood is not sent.
                    stream.sent_s = minute(now);
                }
                if stream.running != running {
                    stream.updated_ms = now.millis();
                }
                stream.running = running;
                Ok(())
            })
            .await?;
        }
        self.streams_signal.wake();
        Ok(())
    }
}

fn minute(now: Instant) -> i64 {
    now.secs().div_euclid(60) * 60
}

impl Handle<op::PutMetricStream> for CloudWatch {
    /// On the stream; and its role is handed over.
    async fn access(&self, cx: &Cx, input: &s::PutMetricStreamInput) -> Result<Vec<Access>> {
        let tags = input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let mut all =
            vec![self.on_stream(cx, "cloudwatch:PutMetricStream", &input.name).await?.request_tags(tags)];
        if let Ok(role) = Arn::parse(&input.role_arn) {
            all.push(Access::on("iam:PassRole", &role).key("iam:PassedToService", PRINCIPAL));
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::PutMetricStreamInput) -> Result<s::PutMetricStreamOutput> {
        if input.include_filters.is_some() && input.exclude_filters.is_some() {
            return Err(error::exclusive("IncludeFilters", "ExcludeFilters"));
        }
        if input.include_linked_accounts_metrics == Some(true) {
            return Err(error::not_offered("A stream of linked accounts' metrics"));
        }
        let format = OutputFormat::parse(&input.output_format)
            .ok_or_else(|| error::value_for(&input.output_format, "OutputFormat"))?;
        let owner = owner(cx);
        let role = Arn::parse(&input.role_arn).ok();
        let role = role.filter(|arn| arn.service() == "iam" && arn.account_id() == Some(owner.account));
        role.ok_or_else(|| error::value_for(&input.role_arn, "RoleArn"))?;
        let firehose = Arn::parse(&input.firehose_arn).ok();
        let firehose =
            firehose.filter(|arn| arn.service() == "firehose" && arn.account_id() == Some(owner.account));
        firehose.ok_or_else(|| error::value_for(&input.firehose_arn, "FirehoseArn"))?;
        let mut statistics = Vec::new();
        for one in input.statistics_configurations.unwrap_or_default() {
            for text in &one.additional_statistics {
                if !Statistic::extended(text).is_some_and(|statistic| format.takes(statistic)) {
                    return Err(error::value_for(text, "StatisticsConfigurations.AdditionalStatistics"));
                }
            }
            let metrics =
                one.include_metrics.into_iter().map(|metric| (metric.namespace, metric.metric_name));
            statistics
                .push(MoreStatistics { metrics: metrics.collect(), statistics: one.additional_statistics });
        }
        let tags =
            Tags::from_request(input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
        let tags = tags.map_err(refused)?;
        let stream = StreamRecord {
            firehose: input.firehose_arn,
            role: input.role_arn,
            include: filters(input.include_filters)?,
            exclude: filters(input.exclude_filters)?,
            statistics,
            format,
            running: true,
            created_ms: cx.now().millis(),
            updated_ms: cx.now().millis(),
            sent_s: minute(cx.now()),
            tags: tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        };
        self.put_stream(owner, &input.name, &stream).await?;
        self.streams_signal.wake();
        Ok(s::PutMetricStreamOutput { arn: Some(stream_arn(cx, &input.name).to_string()) })
    }
}

fn filters(given: Option<Vec<s::MetricStreamFilter>>) -> Result<Vec<StreamFilter>> {
    let filter = |one: s::MetricStreamFilter| {
        let namespace = one.namespace.ok_or_else(|| error::missing("A filter must have a Namespace."))?;
        Ok(StreamFilter { namespace, names: one.metric_names.unwrap_or_default() })
    };
    given.unwrap_or_default().into_iter().map(filter).collect()
}

fn shown(filters: Vec<StreamFilter>) -> Option<Vec<s::MetricStreamFilter>> {
    let filter = |one: StreamFilter| s::MetricStreamFilter {
        namespace: Some(one.namespace),
        metric_names: (!one.names.is_empty()).then_some(one.names),
    };
    (!filters.is_empty()).then(|| filters.into_iter().map(filter).collect())
}

impl Handle<op::GetMetricStream> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::GetMetricStreamInput) -> Result<Vec<Access>> {
        Ok(vec![self.on_stream(cx, "cloudwatch:GetMetricStream", &input.name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetMetricStreamInput) -> Result<s::GetMetricStreamOutput> {
        let found = self.stream(owner(cx), &input.name).await?;
        let stream = found.ok_or_else(|| error::resource_not_found("MetricStream", &input.name))?;
        let metric = |(namespace, metric_name)| s::MetricStreamStatisticsMetric { namespace, metric_name };
        let configuration = |more: MoreStatistics| s::MetricStreamStatisticsConfiguration {
            include_metrics: more.metrics.into_iter().map(metric).collect(),
            additional_statistics: more.statistics,
        };
        Ok(s::GetMetricStreamOutput {
            arn: Some(stream_arn(cx, &input.name).to_string()),
            name: Some(input.name),
            state: Some(state(&stream).into()),
            include_filters: shown(stream.include),
            exclude_filters: shown(stream.exclude),
            firehose_arn: Some(stream.firehose),
            role_arn: Some(stream.role),
            creation_date: Some(Instant::from_millis(stream.created_ms)),
            last_update_date: Some(Instant::from_millis(stream.updated_ms)),
            output_format: Some(stream.format.name().into()),
            statistics_configurations: (!stream.statistics.is_empty())
                .then(|| stream.statistics.into_iter().map(configuration).collect()),
            include_linked_accounts_metrics: Some(false),
        })
    }
}

impl Handle<op::ListMetricStreams> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::ListMetricStreamsInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:ListMetricStreams"))
    }

    async fn call(&self, cx: &Cx, input: s::ListMetricStreamsInput) -> Result<s::ListMetricStreamsOutput> {
        let purpose = format!("cloudwatch.ListMetricStreams {} {}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut all = self.streams(owner(cx)).await?;
        all.retain(|(name, _)| after.as_ref().is_none_or(|after| name > after));
        let limit = input.max_results.map_or(PAGE, |limit| limit as usize);
        let page = paging::cut(all, limit, seal, &purpose, |(name, _)| name.clone());
        let entry = |(name, stream): (String, StreamRecord)| s::MetricStreamEntry {
            arn: Some(stream_arn(cx, &name).to_string()),
            creation_date: Some(Instant::from_millis(stream.created_ms)),
            last_update_date: Some(Instant::from_millis(stream.updated_ms)),
            state: Some(state(&stream).into()),
            firehose_arn: Some(stream.firehose),
            output_format: Some(stream.format.name().into()),
            name: Some(name),
        };
        Ok(s::ListMetricStreamsOutput {
            entries: Some(page.items.into_iter().map(entry).collect()),
            next_token: page.next,
        })
    }
}

impl Handle<op::StartMetricStreams> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::StartMetricStreamsInput) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for name in &input.names {
            all.push(self.on_stream(cx, "cloudwatch:StartMetricStreams", name).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::StartMetricStreamsInput) -> Result<s::StartMetricStreamsOutput> {
        self.set_running(cx, &input.names, true).await?;
        Ok(s::StartMetricStreamsOutput {})
    }
}

impl Handle<op::StopMetricStreams> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::StopMetricStreamsInput) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for name in &input.names {
            all.push(self.on_stream(cx, "cloudwatch:StopMetricStreams", name).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::StopMetricStreamsInput) -> Result<s::StopMetricStreamsOutput> {
        self.set_running(cx, &input.names, false).await?;
        Ok(s::StopMetricStreamsOutput {})
    }
}

impl Handle<op::DeleteMetricStream> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DeleteMetricStreamInput) -> Result<Vec<Access>> {
        Ok(vec![self.on_stream(cx, "cloudwatch:DeleteMetricStream", &input.name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteMetricStreamInput) -> Result<s::DeleteMetricStreamOutput> {
        self.delete_stream(owner(cx), &input.name).await?;
        Ok(s::DeleteMetricStreamOutput {})
    }
}
