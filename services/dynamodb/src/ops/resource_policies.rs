//! PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy, of tables and of streams.

use haneul_dynamodb_wire::operations::{DeleteResourcePolicy, GetResourcePolicy, PutResourcePolicy};
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{Access, ApiError, Cx, Handle, Result, pinned_policy};
use parking_lot::Mutex;

use super::Dynamodb;
use super::tables::revision;
use crate::error;
use crate::model::PolicyRecord;
use crate::store::tables::Change;
use crate::table::name::{self, TableId};

/// An expected revision that means: none.
const NO_POLICY: &str = "NO_POLICY";

/// What a policy is attached to.
enum Place {
    Table(TableId),
    /// With its label.
    Stream(TableId, String),
}

impl Handle<PutResourcePolicy> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::PutResourcePolicyInput) -> Result<Vec<Access>> {
        self.on_place(cx, "dynamodb:PutResourcePolicy", &input.resource_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::PutResourcePolicyInput) -> Result<s::PutResourcePolicyOutput> {
        name::check_policy(&input.policy)?;
        let document = pinned_policy::pin(&self.platform, &input.policy).await?;
        let revision = revision(cx);
        let (_, now) = self
            .change_policy(cx, &input.resource_arn, |own| {
                check_revision(own, input.expected_revision_id.as_deref(), true)?;
                Ok(Some(match own.filter(|own| own.document == document) {
                    Some(same) => same.clone(),
                    None => PolicyRecord { document: document.clone(), revision: revision.clone() },
                }))
            })
            .await?;
        Ok(s::PutResourcePolicyOutput { revision_id: now.map(|policy| policy.revision) })
    }
}

impl Handle<GetResourcePolicy> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::GetResourcePolicyInput) -> Result<Vec<Access>> {
        self.on_place(cx, "dynamodb:GetResourcePolicy", &input.resource_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::GetResourcePolicyInput) -> Result<s::GetResourcePolicyOutput> {
        let policy = match place(cx, &input.resource_arn)? {
            Place::Table(id) => self.db.named_table(&id).await?.record.resource_policy.clone(),
            Place::Stream(id, label) => {
                let stream = self.db.find_stream(&id, &label).await?;
                stream.ok_or_else(|| error::no_stream(&input.resource_arn))?.record.policy.clone()
            }
        };
        let policy = policy.ok_or_else(no_policy)?;
        let document = pinned_policy::show(&self.platform, &policy.document).await?;
        Ok(s::GetResourcePolicyOutput { policy: Some(document), revision_id: Some(policy.revision) })
    }
}

impl Handle<DeleteResourcePolicy> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DeleteResourcePolicyInput) -> Result<Vec<Access>> {
        self.on_place(cx, "dynamodb:DeleteResourcePolicy", &input.resource_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteResourcePolicyInput,
    ) -> Result<s::DeleteResourcePolicyOutput> {
        let (before, _) = self
            .change_policy(cx, &input.resource_arn, |own| {
                check_revision(own, input.expected_revision_id.as_deref(), false)?;
                Ok(None)
            })
            .await?;
        Ok(s::DeleteResourcePolicyOutput { revision_id: before.map(|policy| policy.revision) })
    }
}

impl Dynamodb {
    async fn on_place(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Vec<Access>> {
        match place(cx, arn)? {
            Place::Table(_) => self.on_table(cx, action, arn).await,
            Place::Stream(..) => self.on_stream(cx, action, arn).await,
        }
    }

    /// What the policy was before and what it is now.
    async fn change_policy(
        &self,
        cx: &Cx,
        arn: &str,
        edit: impl Fn(Option<&PolicyRecord>) -> Result<Option<PolicyRecord>> + Send + Sync,
    ) -> Result<(Option<PolicyRecord>, Option<PolicyRecord>)> {
        let id = match place(cx, arn)? {
            Place::Table(id) => id,
            Place::Stream(id, label) => return self.db.change_stream_policy(&id, &label, edit).await,
        };
        // A transaction may run its edit more than once: the last run is the one that counts.
        let before = Mutex::new(None);
        let changed = self
            .db
            .change_table(&id, |record, _| {
                let now = edit(record.resource_policy.as_ref())?;
                *before.lock() = std::mem::replace(&mut record.resource_policy, now);
                Ok(Change::default())
            })
            .await?;
        Ok((before.into_inner(), changed.record.resource_policy.clone()))
    }
}

fn place(cx: &Cx, arn: &str) -> Result<Place> {
    let id = name::of_resource(cx, arn)?;
    Ok(match arn.split_once("/stream/") {
        Some((_, label)) => Place::Stream(id, label.to_owned()),
        None => Place::Table(id),
    })
}

fn check_revision(own: Option<&PolicyRecord>, expected: Option<&str>, may_be_none: bool) -> Result<()> {
    let own = own.map(|policy| policy.revision.as_str());
    match expected {
        None => Ok(()),
        Some(NO_POLICY) if may_be_none && own.is_none() => Ok(()),
        Some(expected) if own == Some(expected) => Ok(()),
        Some(_) => Err(no_policy()),
    }
}

fn no_policy() -> ApiError {
    ApiError::new(
        haneul_dynamodb_wire::values::error::POLICY_NOT_FOUND_EXCEPTION,
        "Resource-based policy not found for the provided ResourceArn.",
    )
}
