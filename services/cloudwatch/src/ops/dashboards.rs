use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result, Tags, paging};

use super::tags::refused;
use crate::CloudWatch;
use crate::dashboard::{Finding, check};
use crate::error;
use crate::model::Dashboard;

const PAGE: usize = 100;

/// Longest body, in bytes of JSON; the model has no limit.
const BODY_MAX: usize = 1024 * 1024;

/// Dashboards are the account's, in no Region.
fn arn(cx: &Cx, name: &str) -> String {
    format!("arn:aws:cloudwatch::{}:dashboard/{name}", cx.account())
}

fn on_dashboard(cx: &Cx, action: &'static str, name: &str) -> Result<Access> {
    let arn = Arn::parse(&arn(cx, name)).map_err(|_| error::value_for(name, "DashboardName"))?;
    Ok(Access::on(action, &arn).owned_by(cx.account()))
}

impl Handle<op::PutDashboard> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::PutDashboardInput) -> Result<Vec<Access>> {
        let put = on_dashboard(cx, "cloudwatch:PutDashboard", &input.dashboard_name)?;
        let mut all = vec![put];
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            let tags = input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
            all.push(on_dashboard(cx, "cloudwatch:TagResource", &input.dashboard_name)?.request_tags(tags));
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::PutDashboardInput) -> Result<s::PutDashboardOutput> {
        let name = input.dashboard_name;
        let good = name.len() <= 255
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !good {
            return Err(error::invalid_value(format!(
                "The value {name} for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).\n"
            )));
        }
        if input.dashboard_body.len() > BODY_MAX {
            return Err(error::invalid_value("The dashboard body is too large."));
        }
        let findings = check(&input.dashboard_body);
        let shown = |finding: Finding| s::DashboardValidationMessage {
            data_path: Some(finding.path),
            message: Some(finding.message),
        };
        if !findings.errors.is_empty() {
            return Err(error::dashboard_invalid(findings.errors.into_iter().map(shown).collect()));
        }
        let given = input.tags.is_some();
        let tags = input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        let tags = Tags::from_request(tags).map_err(refused)?;
        let dashboard = Dashboard {
            body: input.dashboard_body,
            modified_ms: cx.now().millis(),
            tags: tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        };
        self.put_dashboard(cx.account(), &name, &dashboard, !given).await?;
        let warnings = findings.warnings.into_iter().map(shown).collect();
        Ok(s::PutDashboardOutput { dashboard_validation_messages: Some(warnings) })
    }
}

impl Handle<op::GetDashboard> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::GetDashboardInput) -> Result<Vec<Access>> {
        Ok(vec![on_dashboard(cx, "cloudwatch:GetDashboard", &input.dashboard_name)?])
    }

    async fn call(&self, cx: &Cx, input: s::GetDashboardInput) -> Result<s::GetDashboardOutput> {
        let name = input.dashboard_name;
        let found = self.dashboard(cx.account(), &name).await?;
        let dashboard = found.ok_or_else(|| error::dashboard_not_found(&name))?;
        Ok(s::GetDashboardOutput {
            dashboard_arn: Some(arn(cx, &name)),
            dashboard_body: Some(dashboard.body),
            dashboard_name: Some(name),
        })
    }
}

impl Handle<op::ListDashboards> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::ListDashboardsInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:ListDashboards"))
    }

    async fn call(&self, cx: &Cx, input: s::ListDashboardsInput) -> Result<s::ListDashboardsOutput> {
        let prefix = input.dashboard_name_prefix.unwrap_or_default();
        let purpose = format!("cloudwatch.ListDashboards {} {prefix}", cx.account());
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(
                paging::position(seal, &purpose, token)
                    .ok_or_else(|| error::invalid_value("The parameter NextToken is invalid."))?,
            ),
            None => None,
        };
        let found = self.dashboards(cx.account(), &prefix, after.as_deref(), PAGE + 1).await?;
        let page = paging::cut(found, PAGE, seal, &purpose, |(name, _)| name.clone());
        let entry = |(name, dashboard): (String, Dashboard)| s::DashboardEntry {
            dashboard_arn: Some(arn(cx, &name)),
            dashboard_name: Some(name),
            last_modified: Some(Instant::from_millis(dashboard.modified_ms)),
            size: Some(dashboard.body.len() as i64),
        };
        let entries = page.items.into_iter().map(entry).collect();
        Ok(s::ListDashboardsOutput { dashboard_entries: Some(entries), next_token: page.next })
    }
}

impl Handle<op::DeleteDashboards> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DeleteDashboardsInput) -> Result<Vec<Access>> {
        input
            .dashboard_names
            .iter()
            .map(|name| on_dashboard(cx, "cloudwatch:DeleteDashboards", name))
            .collect()
    }

    async fn call(&self, cx: &Cx, input: s::DeleteDashboardsInput) -> Result<s::DeleteDashboardsOutput> {
        self.delete_dashboards(cx.account(), &input.dashboard_names).await?;
        Ok(s::DeleteDashboardsOutput {})
    }
}
