//! All that we ask of other services, as a session of the service-linked role: whoever takes it a permission stops scaling.

use std::collections::HashMap;

use haneul_cloudwatch_wire::operations as cw;
use haneul_cloudwatch_wire::shapes as c;
use haneul_dynamodb_wire::operations as ddb;
use haneul_dynamodb_wire::shapes as d;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{AccountId, Arn, Caller, Cx, Operation, Region, Result};
use haneul_roles::{By, request};

use crate::ApplicationAutoscaling;
use crate::model::{NamedKey, PolicyRecord};
use crate::policy::{self, KINDS};
use crate::target::Target;

/// Who forwards a caller's permissions.
pub(crate) const PRINCIPAL: &str = "application-autoscaling.amazonaws.com";

/// Who assumes the role.
const LINKED: &str = "dynamodb.application-autoscaling.amazonaws.com";
const ROLE: &str = "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable";

const SESSION: &str = "AutoScaling-UpdateDynamoDB";

/// What a table or an index has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Capacity {
    pub(crate) read: i64,
    pub(crate) write: i64,
    /// There are no units to be set.
    pub(crate) on_demand: bool,
    /// Nothing is being made or changed, so that units can be set now.
    pub(crate) active: bool,
}

impl Capacity {
    pub(crate) fn units(&self, target: &Target) -> i64 {
        if target.writes { self.write } else { self.read }
    }
}

/// What an alarm says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AlarmState {
    pub(crate) in_alarm: bool,
}

pub(crate) fn role_arn(account: AccountId) -> Arn {
    Arn::global("iam", account, format_args!("role/aws-service-role/{LINKED}/{ROLE}"))
}

impl ApplicationAutoscaling {
    /// Makes the role when it is not there, with the caller's permission.
    pub(crate) async fn need_role(&self, cx: &Cx) -> Result<()> {
        if self.platform.directory().role(cx.account(), ROLE).await?.is_some() {
            return Ok(());
        }
        let input =
            i::CreateServiceLinkedRoleRequest { aws_service_name: LINKED.to_owned(), ..Default::default() };
        match self.platform.forward::<iam::CreateServiceLinkedRole>(cx, PRINCIPAL, input).await {
            Ok(_) => Ok(()),
            // Somebody else made it meanwhile.
            Err(error) if error.code().starts_with("InvalidInput") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Calls as the service-linked role of the account.
    async fn as_role<O: Operation>(
        &self,
        account: AccountId,
        region: Region,
        input: O::Input,
    ) -> Result<O::Output> {
        let by = By { service: LINKED, account, region, source: None };
        let request = request(role_arn(account).as_str(), SESSION);
        let call = async |caller| self.platform.bus.call::<O>(caller, region, None, input).await;
        self.sessions.acting(&self.platform, &account, by, request, call).await
    }

    /// `None` when there is no such table or index.
    pub(crate) async fn capacity(
        &self,
        account: AccountId,
        region: Region,
        target: &Target,
    ) -> Result<Option<Capacity>> {
        let input = d::DescribeTableInput { table_name: target.table.clone() };
        let described = match self.as_role::<ddb::DescribeTable>(account, region, input).await {
            Ok(described) => described,
            Err(error) if error.code() == "ResourceNotFoundException" => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(table) = described.table else { return Ok(None) };
        let on_demand = table
            .billing_mode_summary
            .as_ref()
            .is_some_and(|summary| summary.billing_mode.as_deref() == Some("PAY_PER_REQUEST"));
        let throughput = match &target.index {
            None => table.provisioned_throughput,
            Some(name) => {
                let indexes = table.global_secondary_indexes.unwrap_or_default();
                let found = indexes.into_iter().find(|index| index.index_name.as_ref() == Some(name));
                match found {
                    Some(index) => index.provisioned_throughput,
                    None => return Ok(None),
                }
            }
        };
        let (read, write) = throughput.map_or((0, 0), |units| {
            (units.read_capacity_units.unwrap_or(0), units.write_capacity_units.unwrap_or(0))
        });
        let active = table.table_status.as_deref() == Some("ACTIVE");
        Ok(Some(Capacity { read, write, on_demand, active }))
    }

    pub(crate) async fn set_capacity(
        &self,
        account: AccountId,
        region: Region,
        target: &Target,
        now: Capacity,
        units: i64,
    ) -> Result<()> {
        let (read, write) = if target.writes { (now.read, units) } else { (units, now.write) };
        let throughput = d::ProvisionedThroughput { read_capacity_units: read, write_capacity_units: write };
        let mut input = d::UpdateTableInput { table_name: target.table.clone(), ..Default::default() };
        match &target.index {
            None => input.provisioned_throughput = Some(throughput),
            Some(index) => {
                let update = d::UpdateGlobalSecondaryIndexAction {
                    index_name: index.clone(),
                    provisioned_throughput: Some(throughput),
                    ..Default::default()
                };
                let update = d::GlobalSecondaryIndexUpdate { update: Some(update), ..Default::default() };
                input.global_secondary_index_updates = Some(vec![update]);
            }
        }
        self.as_role::<ddb::UpdateTable>(account, region, input).await?;
        Ok(())
    }

    /// Puts the alarms of a policy, for so many units. They go again when the policy went meanwhile.
    pub(crate) async fn put_alarms(&self, key: &NamedKey, record: &PolicyRecord, units: i64) -> Result<()> {
        let target = Target::parse(crate::target::NAMESPACE, &key.2, &key.3)?;
        let arn = policy::arn(key, record);
        for (kind, id) in KINDS.into_iter().zip(&record.alarms) {
            let (period, periods) = kind.window();
            let metric =
                if kind.watches_use() { target.consumed_metric() } else { target.provisioned_metric() };
            let dimensions = policy::dimensions(&target).into_iter();
            let input = c::PutMetricAlarmInput {
                alarm_name: kind.name(key, id),
                alarm_description: Some(format!(
                    "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {arn}."
                )),
                actions_enabled: Some(true),
                alarm_actions: Some(vec![arn.clone()]),
                metric_name: Some(metric.to_owned()),
                namespace: Some("AWS/DynamoDB".to_owned()),
                statistic: Some(if kind.watches_use() { "Sum" } else { "Average" }.to_owned()),
                dimensions: Some(
                    dimensions.map(|(name, value)| c::Dimension { name: name.to_owned(), value }).collect(),
                ),
                period: Some(period),
                evaluation_periods: Some(periods),
                threshold: Some(kind.threshold(record.target, units)),
                comparison_operator: Some(
                    if kind.is_high() { "GreaterThanThreshold" } else { "LessThanThreshold" }.to_owned(),
                ),
                ..Default::default()
            };
            self.as_role::<cw::PutMetricAlarm>(key.0, key.1, input).await?;
        }
        // Whoever dropped it after this has deleted them.
        match self.policy(key).await? {
            Some(there) if there.id == record.id => Ok(()),
            _ => self.delete_alarms(key, record).await,
        }
    }

    pub(crate) async fn delete_alarms(&self, key: &NamedKey, record: &PolicyRecord) -> Result<()> {
        let names = KINDS.into_iter().zip(&record.alarms).map(|(kind, id)| kind.name(key, id)).collect();
        let input = c::DeleteAlarmsInput { alarm_names: names };
        self.as_role::<cw::DeleteAlarms>(key.0, key.1, input).await?;
        Ok(())
    }

    /// What the alarms of a policy say, by their names; one that somebody deleted is not there.
    pub(crate) async fn alarm_states(
        &self,
        key: &NamedKey,
        record: &PolicyRecord,
    ) -> Result<HashMap<String, AlarmState>> {
        let names = KINDS.into_iter().zip(&record.alarms).map(|(kind, id)| kind.name(key, id)).collect();
        let input = c::DescribeAlarmsInput { alarm_names: Some(names), ..Default::default() };
        let found = self.as_role::<cw::DescribeAlarms>(key.0, key.1, input).await?;
        let alarms = found.metric_alarms.unwrap_or_default().into_iter();
        let state = |alarm: c::MetricAlarm| {
            let in_alarm = alarm.state_value.as_deref() == Some("ALARM");
            Some((alarm.alarm_name?, AlarmState { in_alarm }))
        };
        Ok(alarms.filter_map(state).collect())
    }

    /// The most that was used in a minute of the last `minutes`, in units a second. The role reads no metrics, and AWS's
    /// own scaling does not need to.
    pub(crate) async fn used(&self, key: &NamedKey, target: &Target, minutes: i64) -> Result<Option<f64>> {
        const MINUTE_MS: i64 = 60_000;
        let now_ms = self.platform.env.now().millis();
        let end_ms = now_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        let dimensions = policy::dimensions(target).into_iter();
        let input = c::GetMetricStatisticsInput {
            namespace: "AWS/DynamoDB".to_owned(),
            metric_name: target.consumed_metric().to_owned(),
            dimensions: Some(
                dimensions.map(|(name, value)| c::Dimension { name: name.to_owned(), value }).collect(),
            ),
            start_time: haneul_kit::Instant::from_millis(end_ms - minutes * MINUTE_MS),
            end_time: haneul_kit::Instant::from_millis(end_ms),
            period: 60,
            statistics: Some(vec!["Sum".to_owned()]),
            ..Default::default()
        };
        let bus = &self.platform.bus;
        let found = bus.call::<cw::GetMetricStatistics>(Caller::root(key.0), key.1, None, input).await?;
        let sums = found.datapoints.unwrap_or_default().into_iter().filter_map(|point| point.sum);
        Ok(sums.max_by(f64::total_cmp).map(|sum| sum / 60.0))
    }
}
