//! What an account ends up with, of the types that are merged.

use haneul_kit::{Access, AccountId, Cx, Handle, Instant, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use serde_json::Value;

use super::accounts::number;
use super::policies::{TYPE_KEY, kind};
use crate::content::{inherit, schema};
use crate::kinds::{Form, Kind};
use crate::organizations::{On, Vantage, Who};
use crate::page::{self, Wanted};
use crate::store::{member, members, policies, tree};
use crate::{Organizations, error, render};

struct Effective {
    document: Value,
    updated: Instant,
    /// ARNs of the policies that it was made from.
    sources: Vec<String>,
    /// `o-…/r-…/ou-…/account/`
    path: String,
}

fn merged_kind(name: &str) -> Result<&'static Kind> {
    let kind = kind(name)?;
    match kind.form {
        Form::Settings(_) => Ok(kind),
        _ => Err(error::invalid("INVALID_ENUM_POLICY_TYPE", "Policies of this type are not merged.")),
    }
}

impl Organizations {
    /// `None` when the account has no policy of the type, or none of their settings is left.
    async fn effective(
        &self,
        vantage: &Vantage,
        kind: &Kind,
        account: AccountId,
    ) -> Result<Option<Effective>> {
        let snapshot = self.state.store.snapshot().await?;
        let id = &vantage.id;
        let found = member(&snapshot, id, account).await?.ok_or_else(error::target_not_found)?;
        let Some(seat) = found.seat else { return Ok(None) };
        if !vantage.organization.enabled_types.contains(kind.name) {
            return Ok(None);
        }
        let above = tree::above(&snapshot, id, &vantage.organization, &seat.parent).await?;
        let nodes = above.into_iter().map(|(_, node)| node).chain([seat.node]);
        let (mut levels, mut sources) = (Vec::new(), Vec::new());
        let mut updated = Instant::from_millis(0);
        for node in nodes {
            let mut level = Vec::new();
            for policy_id in &node.attached {
                let policy = policies::find(&snapshot, id, policy_id).await?;
                let Some(policy) = policy.filter(|policy| policy.kind == kind.name) else { continue };
                level.extend(serde_json::from_str::<Value>(&policy.content).ok());
                updated = updated.max(policy.updated.into());
                sources.push(vantage.arns().policy(kind.name, policy_id).to_string());
            }
            levels.push(level);
        }
        let Some(document) = inherit::effective(&levels) else { return Ok(None) };
        let path = render::path(&snapshot, id, &vantage.organization, &seat.parent).await?;
        Ok(Some(Effective { document, updated, sources, path: format!("{path}{account}/") }))
    }
}

impl Handle<op::DescribeEffectivePolicy> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DescribeEffectivePolicyRequest) -> Result<Vec<Access>> {
        let own = cx.account().to_string();
        let target = input.target_id.as_deref().unwrap_or(&own);
        let who = if target == own { Who::Member } else { Who::Reader };
        let keys = [(TYPE_KEY, input.policy_type.as_str())];
        self.ask(cx, who, "organizations:DescribeEffectivePolicy", &[On::Target(target)], &keys).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeEffectivePolicyRequest,
    ) -> Result<s::DescribeEffectivePolicyResponse> {
        let kind = merged_kind(&input.policy_type)?;
        let own = cx.account().to_string();
        let target = input.target_id.unwrap_or_else(|| own.clone());
        let who = if target == own { Who::Member } else { Who::Reader };
        let vantage = self.enter(cx, who).await?;
        let account = target.parse().map_err(|_| error::target_not_found())?;
        let found = self.effective(&vantage, kind, account).await?;
        let found = found.ok_or_else(error::effective_policy_not_found)?;
        Ok(s::DescribeEffectivePolicyResponse {
            effective_policy: Some(s::EffectivePolicy {
                policy_content: Some(found.document.to_string()),
                last_updated_timestamp: Some(found.updated),
                target_id: Some(target),
                policy_type: Some(kind.name.into()),
            }),
        })
    }
}

impl Handle<op::ListAccountsWithInvalidEffectivePolicy> for Organizations {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListAccountsWithInvalidEffectivePolicyRequest,
    ) -> Result<Vec<Access>> {
        let keys = [(TYPE_KEY, input.policy_type.as_str())];
        let action = "organizations:ListAccountsWithInvalidEffectivePolicy";
        self.ask(cx, Who::Reader, action, &[On::All], &keys).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAccountsWithInvalidEffectivePolicyRequest,
    ) -> Result<s::ListAccountsWithInvalidEffectivePolicyResponse> {
        let kind = merged_kind(&input.policy_type)?;
        let vantage = self.enter(cx, Who::Reader).await?;
        if !vantage.organization.enabled_types.contains(kind.name) {
            return Err(error::effective_policy_not_found());
        }
        let mut invalid = Vec::new();
        for (account, _) in members(&self.state.store, &vantage.id).await? {
            let found = self.effective(&vantage, kind, account).await?;
            if found.is_some_and(|found| !schema::broken(kind.name, &found.document).is_empty()) {
                invalid.push(account);
            }
        }
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("invalid {} {}", vantage.id, kind.name),
        };
        let (invalid, next_token) = page::cut(&self.platform.seal, &wanted, invalid, ToString::to_string)?;
        Ok(s::ListAccountsWithInvalidEffectivePolicyResponse {
            accounts: Some(self.render_accounts(&vantage, invalid.unwrap_or_default()).await?),
            policy_type: Some(kind.name.into()),
            next_token,
        })
    }
}

impl Handle<op::ListEffectivePolicyValidationErrors> for Organizations {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListEffectivePolicyValidationErrorsRequest,
    ) -> Result<Vec<Access>> {
        let keys = [(TYPE_KEY, input.policy_type.as_str())];
        let action = "organizations:ListEffectivePolicyValidationErrors";
        self.ask(cx, Who::Reader, action, &[On::Target(&input.account_id)], &keys).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListEffectivePolicyValidationErrorsRequest,
    ) -> Result<s::ListEffectivePolicyValidationErrorsResponse> {
        let kind = merged_kind(&input.policy_type)?;
        let vantage = self.enter(cx, Who::Reader).await?;
        let account = number(&input.account_id)?;
        if member(&self.state.store, &vantage.id, account).await?.is_none() {
            return Err(error::account_not_found());
        }
        let found = self.effective(&vantage, kind, account).await?;
        let found = found.ok_or_else(error::effective_policy_not_found)?;
        let all = schema::broken(kind.name, &found.document);
        let all = all.into_iter().map(|(code, message, path)| s::EffectivePolicyValidationError {
            error_code: Some(code.into()),
            error_message: Some(message),
            path_to_error: Some(path),
            contributing_policies: Some(found.sources.clone()),
        });
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("errors {} {} {account}", vantage.id, kind.name),
        };
        let position = |error: &s::EffectivePolicyValidationError| {
            let (path, message) = (&error.path_to_error, &error.error_message);
            format!("{} {}", path.as_deref().unwrap_or_default(), message.as_deref().unwrap_or_default())
        };
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(position);
        let (errors, next_token) = page::cut(&self.platform.seal, &wanted, all, position)?;
        Ok(s::ListEffectivePolicyValidationErrorsResponse {
            account_id: Some(input.account_id),
            policy_type: Some(kind.name.into()),
            path: Some(found.path),
            evaluation_timestamp: Some(cx.now()),
            next_token,
            effective_policy_validation_errors: errors,
        })
    }
}
