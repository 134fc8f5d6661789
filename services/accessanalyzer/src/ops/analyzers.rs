use std::collections::BTreeMap;

use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::model::{Analyzer, ArchiveRule, Exclusion, UnusedRule};
use crate::store::RULES_MAX;
use crate::{AccessAnalyzer, error, filter, page, render};

const SERVICE: &str = "access-analyzer.amazonaws.com";

impl AccessAnalyzer {
    /// The organization that an analyzer of the caller's may look at.
    async fn organization(&self, cx: &Cx) -> Result<String> {
        let standing = self.platform.standing(cx.account()).await?;
        let membership = standing.as_ref().and_then(|standing| standing.membership.as_ref());
        let membership = membership.ok_or_else(error::no_organization)?;
        let delegated = membership.delegated_services.iter().any(|service| service == SERVICE);
        if !(membership.is_management_account(cx.account()) || delegated) || !membership.trusts(SERVICE) {
            return Err(error::no_organization());
        }
        Ok(membership.organization_id.clone())
    }
}

impl Handle<op::CreateAnalyzer> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::CreateAnalyzerRequest) -> Result<Vec<Access>> {
        let access = self.on(cx, "access-analyzer:CreateAnalyzer", &input.analyzer_name).await?;
        let tags = input.tags.iter().flat_map(|tags| tags.iter()).map(|(key, value)| (key, value.as_str()));
        Ok(vec![access.request_tags(tags)])
    }

    async fn call(&self, cx: &Cx, input: s::CreateAnalyzerRequest) -> Result<s::CreateAnalyzerResponse> {
        let organization = match input.r#type.as_str() {
            "ACCOUNT" | "ACCOUNT_UNUSED_ACCESS" => None,
            "ORGANIZATION" | "ORGANIZATION_UNUSED_ACCESS" => Some(self.organization(cx).await?),
            "ACCOUNT_INTERNAL_ACCESS" | "ORGANIZATION_INTERNAL_ACCESS" => {
                return Err(error::not_supported(
                    "Analyzers of internal access are not supported by Haneul.",
                ));
            }
            other => return Err(error::invalid(format!("The analyzer type {other} is not valid."))),
        };
        let unused = match (input.r#type.ends_with("_UNUSED_ACCESS"), input.configuration) {
            (true, given) => Some(unused_rule(given)?),
            (false, None) => None,
            (false, Some(_)) => return Err(error::unconfigured()),
        };
        let mut rules = BTreeMap::new();
        for rule in input.archive_rules.unwrap_or_default() {
            let made = ArchiveRule {
                filter: filter::parse(rule.filter)?,
                created: cx.now().into(),
                updated: cx.now().into(),
            };
            if rules.insert(rule.rule_name.clone(), made).is_some() {
                return Err(error::conflict(&rule.rule_name, "ARCHIVE_RULE"));
            }
        }
        if rules.len() > RULES_MAX {
            let message = "The maximum number of archive rules has been reached.";
            return Err(error::quota(&input.analyzer_name, "ANALYZER", message));
        }
        let analyzer = Analyzer {
            organization,
            created: cx.now().into(),
            unused,
            tags: input.tags.into_iter().flatten().collect(),
            rules,
            last: None,
            scanned: None,
        };
        let name = &input.analyzer_name;
        self.state.create(cx.account(), cx.region(), name, &analyzer).await?;
        self.work.wake();
        let arn = render::analyzer_arn(cx.account(), cx.region(), name);
        Ok(s::CreateAnalyzerResponse { arn: Some(arn.to_string()) })
    }
}

/// The API Reference, UnusedAccessConfiguration.
const AGE_DAYS_DEFAULT: i32 = 90;
const AGE_DAYS_MAX: i32 = 365;

fn unused_rule(given: Option<s::AnalyzerConfiguration>) -> Result<UnusedRule> {
    let given = match given {
        None => s::UnusedAccessConfiguration::default(),
        Some(s::AnalyzerConfiguration::UnusedAccess(given)) => given,
        Some(_) => return Err(error::invalid("The configuration is not one of unused access.")),
    };
    let age_days = given.unused_access_age.unwrap_or(AGE_DAYS_DEFAULT);
    if !(1..=AGE_DAYS_MAX).contains(&age_days) {
        return Err(error::invalid(format!("unusedAccessAge must be between 1 and {AGE_DAYS_MAX}.")));
    }
    let exclusions = given.analysis_rule.and_then(|rule| rule.exclusions).unwrap_or_default();
    let exclusion = |given: s::AnalysisRuleCriteria| Exclusion {
        accounts: given.account_ids.unwrap_or_default(),
        tags: given.resource_tags.into_iter().flatten().map(|set| set.into_iter().collect()).collect(),
    };
    Ok(UnusedRule {
        age_days: age_days.unsigned_abs(),
        exclusions: exclusions.into_iter().map(exclusion).collect(),
    })
}

impl Handle<op::UpdateAnalyzer> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::UpdateAnalyzerRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on(cx, "access-analyzer:UpdateAnalyzer", &input.analyzer_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateAnalyzerRequest) -> Result<s::UpdateAnalyzerResponse> {
        let rule = input.configuration.map(|given| unused_rule(Some(given))).transpose()?;
        let rule = self
            .state
            .change(cx.account(), cx.region(), &input.analyzer_name, |analyzer| {
                let held = analyzer.unused.as_mut().ok_or_else(error::unconfigured)?;
                if let Some(rule) = &rule {
                    held.clone_from(rule);
                }
                let rule = held.clone();
                // The rule says anew what is unused.
                analyzer.scanned = None;
                Ok(rule)
            })
            .await?;
        self.work.wake();
        Ok(s::UpdateAnalyzerResponse { configuration: Some(render::configuration(&rule)) })
    }
}

impl Handle<op::GetAnalyzer> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::GetAnalyzerRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on(cx, "access-analyzer:GetAnalyzer", &input.analyzer_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetAnalyzerRequest) -> Result<s::GetAnalyzerResponse> {
        let found = self.analyzer(cx, &input.analyzer_name).await?;
        let analyzer = render::analyzer(cx.account(), cx.region(), &input.analyzer_name, &found);
        Ok(s::GetAnalyzerResponse { analyzer })
    }
}

impl Handle<op::ListAnalyzers> for AccessAnalyzer {
    async fn access(&self, _: &Cx, _: &s::ListAnalyzersRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("access-analyzer:ListAnalyzers")])
    }

    async fn call(&self, cx: &Cx, input: s::ListAnalyzersRequest) -> Result<s::ListAnalyzersResponse> {
        let all = self.state.list(cx.account(), cx.region()).await?;
        let all = all.iter().map(|(name, found)| render::analyzer(cx.account(), cx.region(), name, found));
        let all =
            all.filter(|found| input.r#type.as_ref().is_none_or(|kind| *kind == found.r#type)).collect();
        let purpose = format!("analyzers {} {} {:?}", cx.account(), cx.region(), input.r#type);
        let token = input.next_token.as_deref();
        let (analyzers, next_token) =
            page::cut(&self.platform.seal, &purpose, token, input.max_results, all)?;
        Ok(s::ListAnalyzersResponse { analyzers, next_token })
    }
}

impl Handle<op::DeleteAnalyzer> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::DeleteAnalyzerRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on(cx, "access-analyzer:DeleteAnalyzer", &input.analyzer_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAnalyzerRequest) -> Result<Empty> {
        self.state.delete(cx.account(), cx.region(), &input.analyzer_name).await?;
        Ok(Empty)
    }
}
