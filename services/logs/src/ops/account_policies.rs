use haneul_kit::{Access, Cx, Handle, Result};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use serde_json::Value;

use super::access::on_all;
use super::subscription_filters::{BY_STREAM, pass_role};
use crate::Logs;
use crate::error;
use crate::model::AccountPolicy;
use crate::names::GroupName;
use crate::pattern::Pattern;

pub(crate) const DATA_PROTECTION: &str = "DATA_PROTECTION_POLICY";
pub(crate) const SUBSCRIPTION: &str = "SUBSCRIPTION_FILTER_POLICY";

const DOCUMENT_MAX: usize = 30_720;
const SELECTION_MAX: usize = 25 * 1024;

/// Which groups a policy is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Selection {
    #[default]
    All,
    /// `LogGroupName NOT IN ["a", "b"]`
    NotNamed(Vec<String>),
}

impl Selection {
    pub(crate) fn parse(text: Option<&str>) -> Result<Selection> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Selection::All);
        };
        let bad =
            || error::invalid("The selectionCriteria is not valid: LogGroupName NOT IN [] is supported.");
        if text.len() > SELECTION_MAX {
            return Err(error::invalid("The selectionCriteria can be up to 25 KB long."));
        }
        let list = text.strip_prefix("LogGroupName").ok_or_else(bad)?.trim_start();
        let list = list.strip_prefix("NOT").ok_or_else(bad)?.trim_start();
        let list = list.strip_prefix("IN").ok_or_else(bad)?;
        serde_json::from_str(list.trim()).map(Selection::NotNamed).map_err(|_| bad())
    }

    pub(crate) fn has(&self, group: &str) -> bool {
        match self {
            Selection::All => true,
            Selection::NotNamed(names) => !names.iter().any(|name| name == group),
        }
    }
}

/// The document of a subscription policy.
pub(crate) struct Forwarding {
    pub(crate) destination: String,
    pub(crate) pattern: String,
    pub(crate) role: Option<String>,
    pub(crate) distribution: String,
}

impl Forwarding {
    pub(crate) fn parse(document: &str) -> Result<Forwarding> {
        let bad = |why: &str| error::invalid(format!("Invalid policy document: {why}"));
        let root: Value = serde_json::from_str(document).map_err(|_| bad("it is not JSON"))?;
        let members = root.as_object().ok_or_else(|| bad("it is not an object"))?;
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(bad(&format!("{name} is not a string"))),
        };
        const KNOWN: [&str; 4] = ["DestinationArn", "RoleArn", "FilterPattern", "Distribution"];
        if let Some(other) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(bad(&format!("{other} is unknown")));
        }
        if text("Distribution")?.is_some_and(|given| given != BY_STREAM && given != "Random") {
            return Err(bad("Distribution is Random or ByLogStream"));
        }
        Ok(Forwarding {
            destination: text("DestinationArn")?.ok_or_else(|| bad("DestinationArn is missing"))?,
            pattern: text("FilterPattern")?.unwrap_or_default(),
            role: text("RoleArn")?,
            distribution: text("Distribution")?.unwrap_or_else(|| BY_STREAM.into()),
        })
    }
}

/// What else a policy of a kind asks permission for, to put, see and delete it.
fn actions(kind: &str) -> Option<[&'static str; 3]> {
    match kind {
        SUBSCRIPTION => Some([
            "logs:PutSubscriptionFilter",
            "logs:DescribeSubscriptionFilters",
            "logs:DeleteSubscriptionFilter",
        ]),
        DATA_PROTECTION => Some([
            "logs:PutDataProtectionPolicy",
            "logs:GetDataProtectionPolicy",
            "logs:DeleteDataProtectionPolicy",
        ]),
        _ => None,
    }
}

fn accesses(cx: &Cx, action: &'static str, kind: &str, which: usize) -> Vec<Access> {
    let mut all = on_all(cx, action);
    all.extend(actions(kind).into_iter().flat_map(|actions| on_all(cx, actions[which])));
    all
}

impl Handle<op::PutAccountPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutAccountPolicyRequest) -> Result<Vec<Access>> {
        let mut all = accesses(cx, "logs:PutAccountPolicy", &input.policy_type, 0);
        if input.policy_type == SUBSCRIPTION
            && let Ok(forwarding) = Forwarding::parse(&input.policy_document)
        {
            all.extend(pass_role(forwarding.role.as_deref()));
            all.extend(self.subscribing(&forwarding.destination).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::PutAccountPolicyRequest) -> Result<s::PutAccountPolicyResponse> {
        let kind = input.policy_type.as_str();
        if input.dry_run == Some(true) {
            return Err(error::invalid("dryRun is valid only for RETENTION_POLICY."));
        }
        if input.policy_name.is_empty() || input.policy_name.to_ascii_lowercase().starts_with("aws/") {
            return Err(error::invalid("The policy name must not be empty and cannot start with aws/."));
        }
        if input.policy_document.chars().count() > DOCUMENT_MAX {
            return Err(error::invalid("The policy document can be up to 30,720 characters long."));
        }
        let mut through = None;
        match kind {
            SUBSCRIPTION => through = self.check_forwarding(cx, &input).await?,
            DATA_PROTECTION => {
                if input.selection_criteria.is_some() {
                    return Err(error::invalid("selectionCriteria is not valid for DATA_PROTECTION_POLICY."));
                }
                self.check_protection(cx, &input.policy_document).await?;
            }
            _ => return Err(error::not_offered(&format!("An account policy of the type {kind}"))),
        }
        let policy = AccountPolicy {
            id: self.platform.env.rng.u64(),
            document: input.policy_document,
            selection: input.selection_criteria,
            updated_ms: cx.now().millis(),
            through,
        };
        let owner = (cx.account(), cx.region());
        let one_only = |others: &[(String, AccountPolicy)]| match others.is_empty() {
            true => Ok(()),
            false => Err(error::limit()),
        };
        self.records.put_account_policy(owner, kind, &input.policy_name, &policy, one_only).await?;
        Ok(s::PutAccountPolicyResponse {
            account_policy: Some(shown(cx, kind, input.policy_name, policy)),
            dry_run_result: None,
        })
    }
}

impl Handle<op::DeleteAccountPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteAccountPolicyRequest) -> Result<Vec<Access>> {
        Ok(accesses(cx, "logs:DeleteAccountPolicy", &input.policy_type, 2))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteAccountPolicyRequest,
    ) -> Result<s::DeleteAccountPolicyResponse> {
        if input.dry_run == Some(true) {
            return Err(error::invalid("dryRun is valid only for RETENTION_POLICY."));
        }
        let owner = (cx.account(), cx.region());
        self.records.delete_account_policy(owner, &input.policy_type, &input.policy_name).await?;
        self.delivering.wake();
        Ok(s::DeleteAccountPolicyResponse::default())
    }
}

impl Handle<op::DescribeAccountPolicies> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DescribeAccountPoliciesRequest) -> Result<Vec<Access>> {
        Ok(accesses(cx, "logs:DescribeAccountPolicies", &input.policy_type, 1))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeAccountPoliciesRequest,
    ) -> Result<s::DescribeAccountPoliciesResponse> {
        let own = |ids: &Vec<String>| ids.iter().all(|id| *id == cx.account().to_string());
        if input.account_identifiers.as_ref().is_some_and(|ids| !own(ids)) {
            return Err(error::not_offered("Cross-account observability"));
        }
        if input.next_token.is_some() {
            // All of an account's policies are in the first page.
            return Err(error::next_token());
        }
        let kind = &input.policy_type;
        let mut found = self.records.account_policies((cx.account(), cx.region()), kind).await?;
        if let Some(name) = &input.policy_name {
            found.retain(|(one, _)| one == name);
            if found.is_empty() {
                return Err(error::account_policy_not_found());
            }
        }
        let policies = found.into_iter().map(|(name, policy)| shown(cx, kind, name, policy)).collect();
        Ok(s::DescribeAccountPoliciesResponse { account_policies: Some(policies), next_token: None })
    }
}

impl Logs {
    async fn check_forwarding(&self, cx: &Cx, input: &s::PutAccountPolicyRequest) -> Result<Option<u64>> {
        Selection::parse(input.selection_criteria.as_deref())?;
        let forwarding = Forwarding::parse(&input.policy_document)?;
        Pattern::given(&forwarding.pattern)?;
        // Any group of the account stands for all of them.
        let any = GroupName::own(cx, "*");
        self.check_destination(&any, &forwarding.destination, forwarding.role.as_deref()).await
    }
}

fn shown(cx: &Cx, kind: &str, name: String, policy: AccountPolicy) -> s::AccountPolicy {
    s::AccountPolicy {
        policy_name: Some(name),
        policy_document: Some(policy.document),
        last_updated_time: Some(policy.updated_ms),
        policy_type: Some(kind.to_owned()),
        scope: Some("ALL".into()),
        selection_criteria: policy.selection,
        account_id: Some(cx.account().to_string()),
    }
}
