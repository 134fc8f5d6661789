use haneul_kit::{Access, Arn, Cx, Fault, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use super::metric_filters::PAGE;
use crate::Logs;
use crate::error;
use crate::filters::payload::control;
use crate::filters::system::{self, Selected};
use crate::model::Subscription;
use crate::names::{DestinationName, GroupName};
use crate::pattern::Pattern;

pub(crate) const BY_STREAM: &str = "ByLogStream";

impl Handle<op::PutSubscriptionFilter> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutSubscriptionFilterRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        let mut all = self.on_group("logs:PutSubscriptionFilter", &name).await?;
        all.extend(pass_role(input.role_arn.as_deref()));
        all.extend(self.subscribing(&input.destination_arn).await?);
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::PutSubscriptionFilterRequest) -> Result<Empty> {
        let selection = input.field_selection_criteria.filter(|text| !text.trim().is_empty());
        selection.as_deref().map(Selected::parse).transpose()?;
        let system_fields = input.emit_system_fields.unwrap_or_default();
        system::check(&system_fields, &system::FORWARDED, "emitSystemFields")?;
        Pattern::given(&input.filter_pattern)?;
        let name = GroupName::own(cx, &input.log_group_name);
        let group = self.records.group(&name).await?;
        // Those of the Delivery class are there to be delivered to Firehose. Source: Lambda Developer Guide, "Sending Lambda
        // function logs to Firehose".
        let is_firehose = Arn::parse(&input.destination_arn).is_ok_and(|arn| arn.service() == "firehose");
        if group.class != "STANDARD" && !(group.class == "DELIVERY" && is_firehose) {
            return Err(error::not_of_class("Subscription filters", &group.class));
        }
        let transformed = input.apply_on_transformed_logs == Some(true);
        if transformed && !self.has_transformer(&name, &group).await? {
            return Err(error::no_transformer());
        }
        let through =
            self.check_destination(&name, &input.destination_arn, input.role_arn.as_deref()).await?;
        let subscription = Subscription {
            id: self.platform.env.rng.u64(),
            created_ms: cx.now().millis(),
            pattern: input.filter_pattern,
            destination: input.destination_arn,
            distribution: input.distribution.unwrap_or_else(|| BY_STREAM.into()),
            transformed,
            role: input.role_arn,
            through,
            selection,
            system_fields,
        };
        self.records.put_subscription(&name, &input.filter_name, &subscription).await?;
        Ok(Empty {})
    }
}

impl Handle<op::DeleteSubscriptionFilter> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteSubscriptionFilterRequest) -> Result<Vec<Access>> {
        self.on_group("logs:DeleteSubscriptionFilter", &GroupName::own(cx, &input.log_group_name)).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteSubscriptionFilterRequest) -> Result<Empty> {
        let name = GroupName::own(cx, &input.log_group_name);
        self.records.delete_subscription(&name, &input.filter_name).await?;
        self.delivering.wake();
        Ok(Empty {})
    }
}

impl Handle<op::DescribeSubscriptionFilters> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DescribeSubscriptionFiltersRequest) -> Result<Vec<Access>> {
        self.on_group("logs:DescribeSubscriptionFilters", &GroupName::own(cx, &input.log_group_name)).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeSubscriptionFiltersRequest,
    ) -> Result<s::DescribeSubscriptionFiltersResponse> {
        let name = GroupName::own(cx, &input.log_group_name);
        let group = self.records.group(&name).await?;
        let prefix = input.filter_name_prefix.unwrap_or_default();
        let mut found = self.records.subscriptions(&name).await?;
        found.retain(|(filter, _)| filter.starts_with(&prefix));
        let purpose = format!("logs.subscriptions {} {prefix}", group.id);
        let seal = &self.platform.seal;
        if let Some(token) = &input.next_token {
            let after: String = paging::position(seal, &purpose, token).ok_or_else(error::next_token)?;
            found.retain(|(filter, _)| *filter > after);
        }
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let page = paging::cut(found, limit, seal, &purpose, |(filter, _)| filter.clone());
        let shown = |(filter, subscription): (String, Subscription)| s::SubscriptionFilter {
            filter_name: Some(filter),
            log_group_name: Some(name.name.clone()),
            filter_pattern: Some(subscription.pattern),
            destination_arn: Some(subscription.destination),
            distribution: Some(subscription.distribution),
            apply_on_transformed_logs: Some(subscription.transformed),
            creation_time: Some(subscription.created_ms),
            role_arn: subscription.role,
            field_selection_criteria: subscription.selection,
            emit_system_fields: Some(subscription.system_fields).filter(|list| !list.is_empty()),
        };
        Ok(s::DescribeSubscriptionFiltersResponse {
            subscription_filters: Some(page.items.into_iter().map(shown).collect()),
            next_token: page.next,
        })
    }
}

/// What handing over a role asks for.
pub(super) fn pass_role(role: Option<&str>) -> Option<Access> {
    let arn = Arn::parse(role?).ok()?;
    Some(Access::on("iam:PassRole", &arn).key("iam:PassedToService", "logs.amazonaws.com"))
}

impl Logs {
    /// Whether events of a group can go there: it is there and lets us in. Gives the id of a logical destination.
    pub(super) async fn check_destination(
        &self,
        group: &GroupName,
        arn: &str,
        role: Option<&str>,
    ) -> Result<Option<u64>> {
        let parsed = Arn::parse(arn).map_err(|_| error::invalid("destinationArn is not a valid ARN"))?;
        match parsed.service() {
            "lambda" => {}
            vendor @ ("kinesis" | "firehose") if role.is_some() => {
                self.check_stream(group, vendor, &parsed, role.unwrap_or_default()).await?;
                return Ok(None);
            }
            vendor @ ("kinesis" | "firehose") => {
                return Err(error::invalid(format!(
                    "destinationArn for vendor {vendor} cannot be used without roleArn"
                )));
            }
            "logs" if let Some(name) = DestinationName::of(&parsed) => {
                return self.check_logical(group, &name, role).await.map(Some);
            }
            vendor => {
                return Err(error::invalid(format!(
                    "PutSubscriptionFilter operation cannot work with destinationArn for vendor {vendor}"
                )));
            }
        }
        if role.is_some() {
            return Err(error::invalid("destinationArn for vendor lambda cannot be used with roleArn"));
        }
        let ours = parsed.region() == group.region.as_str() && parsed.account_id() == Some(group.account);
        if !ours || !parsed.resource().starts_with("function:") {
            return Err(error::cannot_invoke());
        }
        match self.can_invoke(group, arn).await {
            Ok(()) => Ok(None),
            Err(error) if error.fault() == Fault::Client => Err(error::cannot_invoke()),
            Err(error) => Err(error),
        }
    }

    /// Whether a stream takes records: it is sent one that says what it is.
    async fn check_stream(&self, group: &GroupName, vendor: &str, arn: &Arn, role: &str) -> Result<()> {
        let (kind, name) =
            if vendor == "kinesis" { ("Kinesis", "kinesis") } else { ("Firehose", "Firehose") };
        let ours = arn.region() == group.region.as_str() && arn.account_id() == Some(group.account);
        if !ours {
            return Err(error::undeliverable(kind, name));
        }
        let stream = if vendor == "kinesis" { "Kinesis stream" } else { "Firehose" };
        let record = control(stream, self.platform.env.now().millis())?;
        let key = self.platform.env.rng.uuid();
        match self.put_record(group, role, arn, &key, record.into()).await {
            Ok(()) => Ok(()),
            Err(error) if error.fault() == Fault::Client => Err(error::undeliverable(kind, name)),
            Err(error) => Err(error),
        }
    }
}
