//! PutInsightRule, DescribeInsightRules, EnableInsightRules, DisableInsightRules, DeleteInsightRules.

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::contributors::Rule;
use haneul_kit::{Access, ApiError, Cx, Handle, Result, Tags, paging};

use super::alarm_parts::owner;
use super::tags::refused;
use crate::CloudWatch;
use crate::contributors::Definition;
use crate::error;

const PAGE_MAX: usize = 500;

/// Source: Service Authorization Reference; the groups of a rule, as its definition names them.
const GROUPS_KEY: &str = "cloudwatch:requestInsightRuleLogGroups";

pub(super) fn pairs(tags: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

impl CloudWatch {
    pub(super) async fn on_rule(&self, cx: &Cx, action: &'static str, name: &str) -> Result<Access> {
        let access = Access::on(action, &cx.arn("cloudwatch", format_args!("insight-rule/{name}")));
        Ok(match self.rule(owner(cx), name).await? {
            Some(rule) => access.resource_tags(pairs(&rule.tags)),
            None => access,
        })
    }

    async fn on_rules(&self, cx: &Cx, action: &'static str, names: &[String]) -> Result<Vec<Access>> {
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            all.push(self.on_rule(cx, action, name).await?);
        }
        Ok(all)
    }

    /// Changes each of the rules, and tells of those that cannot be.
    async fn change_rules(
        &self,
        cx: &Cx,
        names: Vec<String>,
        change: impl Fn(Rule) -> Option<Rule> + Sync,
    ) -> Result<Option<Vec<s::PartialFailure>>> {
        let change = |rule: Rule| match &rule.managed {
            Some(managed) => Err(error::rule_managed(&managed.by)),
            None => Ok(change(rule)),
        };
        let mut failures = Vec::new();
        for name in names {
            match self.change_rule(owner(cx), &name, change).await {
                Err(error) if error.fault() == haneul_kit::Fault::Client => {
                    failures.push(s::PartialFailure {
                        failure_resource: Some(name),
                        exception_type: Some(error.code().to_owned()),
                        failure_code: Some("400".into()),
                        failure_description: Some(error.message().to_owned()),
                    });
                }
                other => other?,
            }
        }
        Ok(Some(failures))
    }
}

/// Whether a rule counts, as given.
fn state(given: Option<&str>) -> Result<Option<bool>> {
    match given {
        None => Ok(None),
        Some("ENABLED") => Ok(Some(true)),
        Some("DISABLED") => Ok(Some(false)),
        Some(other) => Err(error::value_for(other, "RuleState")),
    }
}

fn definition(cx: &Cx, text: &str) -> Result<Definition> {
    let wrong =
        |why: String| error::invalid_value(format!("The parameter RuleDefinition is not valid: {why}."));
    Definition::parse(text, cx.account(), cx.region()).map_err(wrong)
}

impl Handle<op::PutInsightRule> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::PutInsightRuleInput) -> Result<Vec<Access>> {
        let tags = || input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let put = self.on_rule(cx, "cloudwatch:PutInsightRule", &input.rule_name).await?.request_tags(tags());
        let put = match definition(cx, &input.rule_definition) {
            Ok(definition) => put.keys(GROUPS_KEY, definition.groups().to_vec()),
            // It will be refused for that.
            Err(_) => put,
        };
        let mut all = vec![put];
        if tags().next().is_some() {
            let tagging = self.on_rule(cx, "cloudwatch:TagResource", &input.rule_name).await?;
            all.push(tagging.request_tags(tags()));
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::PutInsightRuleInput) -> Result<s::PutInsightRuleOutput> {
        let name = input.rule_name;
        if name.is_empty() || name.len() > 128 || !name.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(error::value_for(&name, "RuleName"));
        }
        let enabled = state(input.rule_state.as_deref())?;
        definition(cx, &input.rule_definition)?;
        let tags = input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        let tags = Tags::from_request(tags).map_err(refused)?;
        let fresh = Rule {
            id: self.platform.env.rng.u64(),
            definition: input.rule_definition,
            enabled: enabled.unwrap_or(true),
            since_ms: cx.now().millis(),
            transformed: input.apply_on_transformed_logs,
            tags: tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            managed: None,
        };
        self.put_rule(owner(cx), &name, |before| {
            let Some(before) = before else { return Ok(fresh.clone()) };
            if let Some(managed) = before.managed {
                return Err(error::rule_managed(&managed.by));
            }
            // Its tags stay; so does what it counted, unless it counts something else now.
            let mut rule = Rule { tags: before.tags, ..fresh.clone() };
            if (&before.definition, before.transformed) == (&rule.definition, rule.transformed) {
                rule.id = before.id;
                rule.since_ms = if before.enabled { before.since_ms } else { rule.since_ms };
            }
            Ok(rule)
        })
        .await?;
        Ok(s::PutInsightRuleOutput {})
    }
}

impl Handle<op::DescribeInsightRules> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::DescribeInsightRulesInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:DescribeInsightRules"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeInsightRulesInput,
    ) -> Result<s::DescribeInsightRulesOutput> {
        let purpose = format!("cloudwatch.DescribeInsightRules {} {}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut found = self.rules(owner(cx)).await?;
        found.retain(|(name, _)| after.as_ref().is_none_or(|after| name > after));
        let limit = input.max_results.map_or(PAGE_MAX, |limit| usize::try_from(limit).unwrap_or(1));
        let page = paging::cut(found, limit.clamp(1, PAGE_MAX), seal, &purpose, |(name, _)| name.clone());
        let shown = |(name, rule): (String, Rule)| s::InsightRule {
            name,
            state: if rule.enabled { "ENABLED" } else { "DISABLED" }.to_owned(),
            schema: if rule.managed.is_some() { "ServiceLogRule/1" } else { "CloudWatchLogRule/1" }
                .to_owned(),
            definition: rule.definition,
            managed_rule: Some(rule.managed.is_some()),
            apply_on_transformed_logs: rule.transformed,
        };
        let rules = page.items.into_iter().map(shown).collect();
        Ok(s::DescribeInsightRulesOutput { insight_rules: Some(rules), next_token: page.next })
    }
}

impl Handle<op::EnableInsightRules> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::EnableInsightRulesInput) -> Result<Vec<Access>> {
        self.on_rules(cx, "cloudwatch:EnableInsightRules", &input.rule_names).await
    }

    async fn call(&self, cx: &Cx, input: s::EnableInsightRulesInput) -> Result<s::EnableInsightRulesOutput> {
        let now_ms = cx.now().millis();
        let enable = |rule: Rule| {
            let since_ms = if rule.enabled { rule.since_ms } else { now_ms };
            Some(Rule { enabled: true, since_ms, ..rule })
        };
        let failures = self.change_rules(cx, input.rule_names, enable).await?;
        Ok(s::EnableInsightRulesOutput { failures })
    }
}

impl Handle<op::DisableInsightRules> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DisableInsightRulesInput) -> Result<Vec<Access>> {
        self.on_rules(cx, "cloudwatch:DisableInsightRules", &input.rule_names).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DisableInsightRulesInput,
    ) -> Result<s::DisableInsightRulesOutput> {
        let disable = |rule: Rule| Some(Rule { enabled: false, ..rule });
        let failures = self.change_rules(cx, input.rule_names, disable).await?;
        Ok(s::DisableInsightRulesOutput { failures })
    }
}

impl Handle<op::DeleteInsightRules> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DeleteInsightRulesInput) -> Result<Vec<Access>> {
        self.on_rules(cx, "cloudwatch:DeleteInsightRules", &input.rule_names).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteInsightRulesInput) -> Result<s::DeleteInsightRulesOutput> {
        let failures = self.change_rules(cx, input.rule_names, |_| None).await?;
        Ok(s::DeleteInsightRulesOutput { failures })
    }
}

impl CloudWatch {
    pub(super) async fn change_rule_tags(
        &self,
        cx: &Cx,
        name: &str,
        change: impl Fn(&mut Vec<(String, String)>) -> Result<()> + Sync,
    ) -> Result<(), ApiError> {
        self.change_rule(owner(cx), name, |mut rule| {
            change(&mut rule.tags)?;
            Ok(Some(rule))
        })
        .await
    }
}
