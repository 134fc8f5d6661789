use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};

use super::access::on_alarm;
use super::alarm_parts::owner;
use crate::CloudWatch;
use crate::error;
use crate::model::HistoryItem;

const PAGE: usize = 100;
/// Items looked at at once.
const SCAN: usize = 500;

impl Handle<op::DescribeAlarmHistory> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DescribeAlarmHistoryInput) -> Result<Vec<Access>> {
        let action = "cloudwatch:DescribeAlarmHistory";
        Ok(vec![match &input.alarm_name {
            Some(name) => self.with_tags(cx, action, name).await?,
            None => on_alarm(cx, action, "*"),
        }])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeAlarmHistoryInput,
    ) -> Result<s::DescribeAlarmHistoryOutput> {
        let types = input.alarm_types.unwrap_or_default();
        // A name says which alarm; without one, only metric alarms are meant.
        let composites =
            input.alarm_name.is_some() && types.is_empty() || types.iter().any(|one| one == "CompositeAlarm");
        let metrics = types.is_empty() || types.iter().any(|one| one == "MetricAlarm");
        let wanted = |item: &HistoryItem| {
            (if item.composite { composites } else { metrics })
                && input.alarm_name.as_ref().is_none_or(|name| *name == item.alarm)
                && input.history_item_type.as_ref().is_none_or(|kind| *kind == item.kind)
                && input
                    .alarm_contributor_id
                    .as_ref()
                    .is_none_or(|id| item.contributor.as_ref().is_some_and(|(known, _)| known == id))
        };
        let ascending = input.scan_by.as_deref() == Some("TimestampAscending");
        let times = (
            input.start_date.map_or(i64::MIN, |at| at.millis()),
            input.end_date.map_or(i64::MAX - 1, |at| at.millis()),
        );
        if times.0 > times.1 {
            return Err(error::validation("StartDate must not be after EndDate."));
        }
        let limit = input.max_records.map_or(PAGE, |limit| limit as usize);
        let purpose = format!("cloudwatch.DescribeAlarmHistory {} {} {ascending}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let mut after: Option<(i64, u64)> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut found = Vec::new();
        loop {
            let page = self.history(owner(cx), times, after, ascending, SCAN).await?;
            let through = page.len() < SCAN;
            after = page.last().map(|(at, number, _)| (*at, *number));
            found.extend(page.into_iter().filter(|(_, _, item)| wanted(item)));
            if through || found.len() > limit {
                break;
            }
        }
        let page = paging::cut(found, limit, seal, &purpose, |(at, number, _)| (*at, *number));
        let item = |(at, _, item): (i64, u64, HistoryItem)| s::AlarmHistoryItem {
            alarm_contributor_id: item.contributor.as_ref().map(|(id, _)| id.clone()),
            alarm_contributor_attributes: item
                .contributor
                .map(|(_, attributes)| attributes.into_iter().collect()),
            alarm_name: Some(item.alarm),
            alarm_type: Some(if item.composite { "CompositeAlarm" } else { "MetricAlarm" }.to_owned()),
            timestamp: Some(Instant::from_millis(at)),
            history_item_type: Some(item.kind),
            history_summary: Some(item.summary),
            history_data: Some(item.data),
        };
        Ok(s::DescribeAlarmHistoryOutput {
            alarm_history_items: Some(page.items.into_iter().map(item).collect()),
            next_token: page.next,
        })
    }
}
