use haneul_kit::{Access, Cx, Handle, Result};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::access::on_all;
use super::subscription_filters::pass_role;
use super::transformers;
use crate::Logs;
use crate::account::documents::{self, Forwarding};
use crate::account::{Kind, Selection};
use crate::error;
use crate::index;
use crate::model::{AccountPolicy, TransformerRecord};
use crate::names::GroupName;
use crate::pattern::Pattern;

const DOCUMENT_MAX: usize = 30_720;

fn accesses(cx: &Cx, action: &'static str, kind: &str, which: usize) -> Vec<Access> {
    let mut all = on_all(cx, action);
    let also = Kind::parse(kind).and_then(|kind| kind.actions()[which]);
    all.extend(also.into_iter().flat_map(|action| on_all(cx, action)));
    all
}

impl Handle<op::PutAccountPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutAccountPolicyRequest) -> Result<Vec<Access>> {
        let mut all = accesses(cx, "logs:PutAccountPolicy", &input.policy_type, 0);
        if input.policy_type == Kind::Subscription.as_str()
            && let Ok(forwarding) = Forwarding::parse(&input.policy_document)
        {
            all.extend(pass_role(forwarding.role.as_deref()));
            all.extend(self.subscribing(&forwarding.destination).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::PutAccountPolicyRequest) -> Result<s::PutAccountPolicyResponse> {
        if input.dry_run == Some(true) {
            return Err(error::invalid("dryRun is valid only for RETENTION_POLICY."));
        }
        let kind = Kind::parse(&input.policy_type).ok_or_else(|| {
            error::not_offered(&format!("An account policy of the type {}", input.policy_type))
        })?;
        if input.policy_name.is_empty() || input.policy_name.to_ascii_lowercase().starts_with("aws/") {
            return Err(error::invalid("The policy name must not be empty and cannot start with aws/."));
        }
        if input.policy_document.chars().count() > DOCUMENT_MAX {
            return Err(error::invalid("The policy document can be up to 30,720 characters long."));
        }
        let selection = Selection::parse(kind, input.selection_criteria.as_deref())?;
        let (mut through, mut transformer) = (None, None);
        match kind {
            Kind::Subscription => through = self.check_forwarding(cx, &input).await?,
            Kind::DataProtection => self.check_protection(cx, &input.policy_document).await?,
            Kind::FieldIndex => drop(index::policy::fields(&input.policy_document)?),
            Kind::MetricExtraction => drop(documents::extracts(&input.policy_document)?),
            Kind::Transformer => {
                transformer = Some(transformers::write(documents::processors(&input.policy_document)?)?);
            }
        }
        let number = |_: &TransformerRecord| self.platform.env.rng.u64() | TransformerRecord::OF_ACCOUNT;
        let policy = AccountPolicy {
            id: self.platform.env.rng.u64(),
            document: input.policy_document,
            selection: input.selection_criteria,
            updated_ms: cx.now().millis(),
            through,
            transformer: transformer.as_ref().map(number),
        };
        let owner = (cx.account(), cx.region());
        let beside = |others: &[(String, AccountPolicy)]| {
            let parse =
                |(_, other): &(String, AccountPolicy)| Selection::parse(kind, other.selection.as_deref());
            kind.check_beside(&selection, &others.iter().map(parse).collect::<Result<Vec<_>>>()?)
        };
        self.records
            .put_account_policy(
                owner,
                kind.as_str(),
                &input.policy_name,
                (&policy, transformer.as_ref()),
                beside,
            )
            .await?;
        Ok(s::PutAccountPolicyResponse {
            account_policy: Some(shown(cx, kind.as_str(), input.policy_name, policy)),
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
        let mut found = match Kind::parse(&input.policy_type) {
            Some(kind) => self.records.account_policies((cx.account(), cx.region()), kind).await?,
            None => Vec::new(),
        };
        if let Some(name) = &input.policy_name {
            found.retain(|(one, _)| one == name);
            if found.is_empty() {
                return Err(error::account_policy_not_found());
            }
        }
        let policies =
            found.into_iter().map(|(name, policy)| shown(cx, &input.policy_type, name, policy)).collect();
        Ok(s::DescribeAccountPoliciesResponse { account_policies: Some(policies), next_token: None })
    }
}

impl Logs {
    async fn check_forwarding(&self, cx: &Cx, input: &s::PutAccountPolicyRequest) -> Result<Option<u64>> {
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
