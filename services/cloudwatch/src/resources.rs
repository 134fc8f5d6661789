//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use haneul_kit::contributors::RULES;

use crate::model::{ALARMS, DASHBOARDS, METRIC_STREAMS, MUTE_RULES, QUERY_DEFINITIONS};

const ALARM: Kind = Kind::new("cloudwatch:alarm", "AWS::CloudWatch::Alarm");
const DASHBOARD: Kind = Kind::new("cloudwatch:dashboard", "AWS::CloudWatch::Dashboard");
const RULE: Kind = Kind::new("cloudwatch:insight-rule", "AWS::CloudWatch::InsightRule");
const MUTE: Kind = Kind::new("cloudwatch:alarm-mute-rule", "AWS::CloudWatch::AlarmMuteRule");
const STREAM: Kind = Kind::new("cloudwatch:metric-stream", "AWS::CloudWatch::MetricStream");
const QUERY: Kind =
    Kind::new("cloudwatch:metric-query-definition", "AWS::CloudWatch::MetricDataQueryDefinition");
pub(crate) const KINDS: &[Kind] = &[ALARM, DASHBOARD, RULE, MUTE, STREAM, QUERY];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        let mut all = rows(store, &ALARMS, (account, region), |(account, region, name), alarm| {
            ALARM.resource(Arn::new("cloudwatch", region, account, format_args!("alarm:{name}")), alarm.tags)
        })
        .await?;
        let rules = rows(store, &RULES, (account, region), |(account, region, name), rule| {
            RULE.resource(
                Arn::new("cloudwatch", region, account, format_args!("insight-rule/{name}")),
                rule.tags,
            )
        });
        all.extend(rules.await?);
        let mutes = rows(store, &MUTE_RULES, (account, region), |(account, region, name), rule| {
            MUTE.resource(
                Arn::new("cloudwatch", region, account, format_args!("alarm-mute-rule:{name}")),
                rule.tags,
            )
        });
        all.extend(mutes.await?);
        let streams = rows(store, &METRIC_STREAMS, (account, region), |(account, region, name), stream| {
            STREAM.resource(
                Arn::new("cloudwatch", region, account, format_args!("metric-stream/{name}")),
                stream.tags,
            )
        });
        all.extend(streams.await?);
        let queries =
            rows(store, &QUERY_DEFINITIONS, (account, region), |(account, region, id), definition| {
                QUERY.resource(
                    Arn::new("cloudwatch", region, account, format_args!("metric-query-definition/{id}")),
                    definition.tags,
                )
            });
        all.extend(queries.await?);
        // Dashboards are in no Region.
        if region == Region::US_EAST_1 {
            let boards = rows(store, &DASHBOARDS, (account,), |(account, name), dashboard| {
                let arn = Arn::global("cloudwatch", account, format_args!("dashboard/{name}"));
                DASHBOARD.resource(arn, dashboard.tags)
            });
            all.extend(boards.await?);
        }
        Ok(all)
    })
}
