use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::model::{ArchiveRule, Status};
use crate::store::RULES_MAX;
use crate::{AccessAnalyzer, error, filter, page, render};

fn on(cx: &Cx, action: &'static str, analyzer: &str, rule: &str) -> Vec<Access> {
    let resource = format_args!("analyzer/{analyzer}/archive-rule/{rule}").to_string();
    vec![Access::on(action, &Arn::new("access-analyzer", cx.region(), cx.account(), resource))]
}

impl Handle<op::CreateArchiveRule> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::CreateArchiveRuleRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "access-analyzer:CreateArchiveRule", &input.analyzer_name, &input.rule_name))
    }

    async fn call(&self, cx: &Cx, input: s::CreateArchiveRuleRequest) -> Result<Empty> {
        let (name, filter) = (&input.rule_name, filter::parse(input.filter)?);
        let rule = ArchiveRule { filter, created: cx.now().into(), updated: cx.now().into() };
        self.state
            .change(cx.account(), cx.region(), &input.analyzer_name, |analyzer| {
                if analyzer.rules.contains_key(name) {
                    return Err(error::conflict(name, "ARCHIVE_RULE"));
                }
                if analyzer.rules.len() >= RULES_MAX {
                    let message = "The maximum number of archive rules has been reached.";
                    return Err(error::quota(name, "ARCHIVE_RULE", message));
                }
                analyzer.rules.insert(name.clone(), rule.clone());
                Ok(Empty)
            })
            .await
    }
}

impl Handle<op::UpdateArchiveRule> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::UpdateArchiveRuleRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "access-analyzer:UpdateArchiveRule", &input.analyzer_name, &input.rule_name))
    }

    async fn call(&self, cx: &Cx, input: s::UpdateArchiveRuleRequest) -> Result<Empty> {
        let (name, filter) = (&input.rule_name, filter::parse(input.filter)?);
        self.state
            .change(cx.account(), cx.region(), &input.analyzer_name, |analyzer| {
                let rule =
                    analyzer.rules.get_mut(name).ok_or_else(|| error::not_found(name, "ARCHIVE_RULE"))?;
                rule.filter.clone_from(&filter);
                rule.updated = cx.now().into();
                Ok(Empty)
            })
            .await
    }
}

impl Handle<op::DeleteArchiveRule> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::DeleteArchiveRuleRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "access-analyzer:DeleteArchiveRule", &input.analyzer_name, &input.rule_name))
    }

    async fn call(&self, cx: &Cx, input: s::DeleteArchiveRuleRequest) -> Result<Empty> {
        let name = &input.rule_name;
        self.state
            .change(cx.account(), cx.region(), &input.analyzer_name, |analyzer| {
                let removed = analyzer.rules.remove(name);
                removed.map(|_| Empty).ok_or_else(|| error::not_found(name, "ARCHIVE_RULE"))
            })
            .await
    }
}

impl Handle<op::GetArchiveRule> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::GetArchiveRuleRequest) -> Result<Vec<Access>> {
        Ok(on(cx, "access-analyzer:GetArchiveRule", &input.analyzer_name, &input.rule_name))
    }

    async fn call(&self, cx: &Cx, input: s::GetArchiveRuleRequest) -> Result<s::GetArchiveRuleResponse> {
        let analyzer = self.analyzer(cx, &input.analyzer_name).await?;
        let rule = analyzer.rules.get(&input.rule_name);
        let rule = rule.ok_or_else(|| error::not_found(&input.rule_name, "ARCHIVE_RULE"))?;
        Ok(s::GetArchiveRuleResponse { archive_rule: render::rule(&input.rule_name, rule) })
    }
}

impl Handle<op::ListArchiveRules> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::ListArchiveRulesRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on(cx, "access-analyzer:ListArchiveRules", &input.analyzer_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ListArchiveRulesRequest) -> Result<s::ListArchiveRulesResponse> {
        let analyzer = self.analyzer(cx, &input.analyzer_name).await?;
        let all = analyzer.rules.iter().map(|(name, rule)| render::rule(name, rule)).collect();
        let purpose = format!("rules {} {} {}", cx.account(), cx.region(), input.analyzer_name);
        let token = input.next_token.as_deref();
        let (archive_rules, next_token) =
            page::cut(&self.platform.seal, &purpose, token, input.max_results, all)?;
        Ok(s::ListArchiveRulesResponse { archive_rules, next_token })
    }
}

impl Handle<op::ApplyArchiveRule> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::ApplyArchiveRuleRequest) -> Result<Vec<Access>> {
        let name = input.analyzer_arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, "access-analyzer:ApplyArchiveRule", name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ApplyArchiveRuleRequest) -> Result<Empty> {
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        let analyzer = self.analyzer(cx, &name).await?;
        let rule = analyzer.rules.get(&input.rule_name);
        let rule = rule.ok_or_else(|| error::not_found(&input.rule_name, "ARCHIVE_RULE"))?;
        let meets = |id: &str, finding: &crate::model::Finding| filter::passes(&rule.filter, id, finding);
        self.state
            .set_status((cx.account(), cx.region(), &name), &meets, &[], Status::Archived, cx.now())
            .await?;
        Ok(Empty)
    }
}
