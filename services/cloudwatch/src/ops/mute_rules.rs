//! PutAlarmMuteRule, GetAlarmMuteRule, ListAlarmMuteRules, DeleteAlarmMuteRule.

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result, Tags, paging};
use haneul_shape::Empty;

use super::alarm_parts::owner;
use super::insight_rules::pairs;
use super::tags::refused;
use crate::CloudWatch;
use crate::error;
use crate::model::MuteRule;
use crate::mute::schedule::Schedule;
use crate::mute::status;

const PAGE: usize = 50;

fn rule_arn(cx: &Cx, name: &str) -> Arn {
    cx.arn("cloudwatch", format_args!("alarm-mute-rule:{name}"))
}

fn kind(rule: &MuteRule) -> &'static str {
    if rule.expression.starts_with("at(") { "ONE_TIME" } else { "RECURRING" }
}

impl CloudWatch {
    async fn on_mute_rule(&self, cx: &Cx, action: &'static str, name: &str) -> Result<Access> {
        let access = Access::on(action, &rule_arn(cx, name));
        Ok(match self.mute_rule(owner(cx), name).await? {
            Some(rule) => access.resource_tags(pairs(&rule.tags)),
            None => access,
        })
    }
}

impl Handle<op::PutAlarmMuteRule> for CloudWatch {
    /// On the rule, and on each alarm that it targets.
    async fn access(&self, cx: &Cx, input: &s::PutAlarmMuteRuleInput) -> Result<Vec<Access>> {
        let action = "cloudwatch:PutAlarmMuteRule";
        let tags = input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let mut all = vec![self.on_mute_rule(cx, action, &input.name).await?.request_tags(tags)];
        if let Some(targets) = &input.mute_targets {
            all.extend(self.on_alarms(cx, action, &targets.alarm_names).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::PutAlarmMuteRuleInput) -> Result<Empty> {
        let schedule = input.rule.schedule;
        let parsed = Schedule::parse(&schedule.expression, &schedule.duration, schedule.timezone.as_deref());
        let parsed = parsed.map_err(error::validation)?;
        let expires = input.expire_date.map(Instant::millis);
        let starts = input.start_date.map(Instant::millis);
        if starts.zip(expires).is_some_and(|(start, expire)| start >= expire) {
            return Err(error::validation("StartDate must be before ExpireDate."));
        }
        if expires.is_some_and(|expire| expire <= cx.now().millis())
            || parsed.is_once() && parsed.is_over(cx.now())
        {
            return Err(error::validation("The mute rule would have expired already."));
        }
        let tags = match input.tags {
            None => None,
            Some(tags) => {
                let tags = Tags::from_request(tags.into_iter().map(|tag| (tag.key, tag.value)));
                let tags = tags.map_err(refused)?;
                Some(tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect::<Vec<_>>())
            }
        };
        let rule = MuteRule {
            description: input.description,
            expression: schedule.expression,
            duration: schedule.duration,
            zone: schedule.timezone,
            targets: input.mute_targets.map(|targets| targets.alarm_names).unwrap_or_default(),
            tags: Vec::new(),
            start_ms: starts,
            expire_ms: expires,
            updated_ms: cx.now().millis(),
        };
        self.put_mute_rule(owner(cx), &input.name, &rule, tags.as_deref()).await?;
        Ok(Empty {})
    }
}

impl Handle<op::GetAlarmMuteRule> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::GetAlarmMuteRuleInput) -> Result<Vec<Access>> {
        Ok(vec![self.on_mute_rule(cx, "cloudwatch:GetAlarmMuteRule", &input.alarm_mute_rule_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetAlarmMuteRuleInput) -> Result<s::GetAlarmMuteRuleOutput> {
        let name = input.alarm_mute_rule_name;
        let rule = self.mute_rule(owner(cx), &name).await?;
        let rule = rule.ok_or_else(|| error::resource_not_found("AlarmMuteRule", &name))?;
        Ok(s::GetAlarmMuteRuleOutput {
            alarm_mute_rule_arn: Some(rule_arn(cx, &name).to_string()),
            name: Some(name),
            status: Some(status(&rule, cx.now()).to_owned()),
            mute_type: Some(kind(&rule).to_owned()),
            description: rule.description,
            rule: Some(s::Rule {
                schedule: s::Schedule {
                    expression: rule.expression,
                    duration: rule.duration,
                    timezone: rule.zone,
                },
            }),
            mute_targets: (!rule.targets.is_empty()).then_some(s::MuteTargets { alarm_names: rule.targets }),
            start_date: rule.start_ms.map(Instant::from_millis),
            expire_date: rule.expire_ms.map(Instant::from_millis),
            last_updated_timestamp: Some(Instant::from_millis(rule.updated_ms)),
        })
    }
}

impl Handle<op::ListAlarmMuteRules> for CloudWatch {
    async fn access(&self, cx: &Cx, _: &s::ListAlarmMuteRulesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::on("cloudwatch:ListAlarmMuteRules", &rule_arn(cx, "*"))])
    }

    async fn call(&self, cx: &Cx, input: s::ListAlarmMuteRulesInput) -> Result<s::ListAlarmMuteRulesOutput> {
        let purpose = format!(
            "cloudwatch.ListAlarmMuteRules {} {} {:?} {:?}",
            cx.account(),
            cx.region(),
            input.alarm_name,
            input.statuses
        );
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let statuses = input.statuses.unwrap_or_default();
        let mut all = self.mute_rules(owner(cx)).await?;
        all.retain(|(name, rule)| {
            after.as_ref().is_none_or(|after| name > after)
                && input.alarm_name.as_ref().is_none_or(|alarm| rule.targets.contains(alarm))
                && (statuses.is_empty() || statuses.iter().any(|wanted| wanted == status(rule, cx.now())))
        });
        let limit = input.max_records.map_or(PAGE, |limit| limit as usize);
        let page = paging::cut(all, limit, seal, &purpose, |(name, _)| name.clone());
        let shown = |(name, rule): (String, MuteRule)| s::AlarmMuteRuleSummary {
            alarm_mute_rule_arn: Some(rule_arn(cx, &name).to_string()),
            expire_date: rule.expire_ms.map(Instant::from_millis),
            status: Some(status(&rule, cx.now()).to_owned()),
            mute_type: Some(kind(&rule).to_owned()),
            last_updated_timestamp: Some(Instant::from_millis(rule.updated_ms)),
        };
        Ok(s::ListAlarmMuteRulesOutput {
            alarm_mute_rule_summaries: Some(page.items.into_iter().map(shown).collect()),
            next_token: page.next,
        })
    }
}

impl Handle<op::DeleteAlarmMuteRule> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DeleteAlarmMuteRuleInput) -> Result<Vec<Access>> {
        Ok(vec![self.on_mute_rule(cx, "cloudwatch:DeleteAlarmMuteRule", &input.alarm_mute_rule_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAlarmMuteRuleInput) -> Result<Empty> {
        self.delete_mute_rule(owner(cx), &input.alarm_mute_rule_name).await?;
        Ok(Empty {})
    }
}
