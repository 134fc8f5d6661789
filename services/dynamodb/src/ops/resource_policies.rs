//! PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy, of tables.

use haneul_dynamodb_wire::operations::{DeleteResourcePolicy, GetResourcePolicy, PutResourcePolicy};
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{Access, ApiError, Cx, Handle, Result};

use super::Dynamodb;
use super::tables::revision;
use crate::error;
use crate::model::{PolicyRecord, TableRecord};
use crate::store::tables::Change;
use crate::table::name::{self, TableId};

/// An expected revision that means: none.
const NO_POLICY: &str = "NO_POLICY";

impl Handle<PutResourcePolicy> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::PutResourcePolicyInput) -> Result<Vec<Access>> {
        of_table(cx, &input.resource_arn)?;
        self.on_table(cx, "dynamodb:PutResourcePolicy", &input.resource_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::PutResourcePolicyInput) -> Result<s::PutResourcePolicyOutput> {
        let id = of_table(cx, &input.resource_arn)?;
        name::check_policy(&input.policy)?;
        let (revision, input) = (&revision(cx), &input);
        let changed = self
            .db
            .change_table(&id, |record, _| {
                check_revision(record, input.expected_revision_id.as_deref(), true)?;
                let document = input.policy.clone();
                let same = record.resource_policy.as_ref().is_some_and(|policy| policy.document == document);
                if !same {
                    record.resource_policy = Some(PolicyRecord { document, revision: revision.clone() });
                }
                Ok(Change::default())
            })
            .await?;
        let revision_id = changed.record.resource_policy.as_ref().map(|policy| policy.revision.clone());
        Ok(s::PutResourcePolicyOutput { revision_id })
    }
}

impl Handle<GetResourcePolicy> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::GetResourcePolicyInput) -> Result<Vec<Access>> {
        of_table(cx, &input.resource_arn)?;
        self.on_table(cx, "dynamodb:GetResourcePolicy", &input.resource_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::GetResourcePolicyInput) -> Result<s::GetResourcePolicyOutput> {
        let info = self.db.named_table(&of_table(cx, &input.resource_arn)?).await?;
        let policy = info.record.resource_policy.clone().ok_or_else(no_policy)?;
        Ok(s::GetResourcePolicyOutput { policy: Some(policy.document), revision_id: Some(policy.revision) })
    }
}

impl Handle<DeleteResourcePolicy> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DeleteResourcePolicyInput) -> Result<Vec<Access>> {
        of_table(cx, &input.resource_arn)?;
        self.on_table(cx, "dynamodb:DeleteResourcePolicy", &input.resource_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteResourcePolicyInput,
    ) -> Result<s::DeleteResourcePolicyOutput> {
        let id = of_table(cx, &input.resource_arn)?;
        let before = self.db.named_table(&id).await?.record.resource_policy.clone();
        let expected = input.expected_revision_id.as_deref();
        self.db
            .change_table(&id, |record, _| {
                check_revision(record, expected, false)?;
                record.resource_policy = None;
                Ok(Change::default())
            })
            .await?;
        Ok(s::DeleteResourcePolicyOutput { revision_id: before.map(|policy| policy.revision) })
    }
}

/// A stream's own policy would have to be kept apart.
fn of_table(cx: &Cx, arn: &str) -> Result<TableId> {
    let id = name::of_resource(cx, arn)?;
    match arn.contains("/stream/") {
        true => Err(error::not_here("resource policies of streams")),
        false => Ok(id),
    }
}

fn check_revision(record: &TableRecord, expected: Option<&str>, may_be_none: bool) -> Result<()> {
    let own = record.resource_policy.as_ref().map(|policy| policy.revision.as_str());
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
