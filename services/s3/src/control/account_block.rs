use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use haneul_shape::Empty;
use http::StatusCode;

use super::account;
use crate::model::PublicAccessBlock;
use crate::{S3, error};

impl Handle<op::GetPublicAccessBlock> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetPublicAccessBlockRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:GetAccountPublicAccessBlock")])
    }

    async fn call(
        &self,
        cx: &Cx,
        _input: s::GetPublicAccessBlockRequest,
    ) -> Result<s::GetPublicAccessBlockOutput> {
        let block = self.records.account_block(cx.account()).await?.ok_or_else(|| {
            let message = "The public access block configuration was not found";
            error::new("NoSuchPublicAccessBlockConfiguration", 404, message)
                .with_field("AccountId", cx.account().to_string())
        })?;
        Ok(s::GetPublicAccessBlockOutput { public_access_block_configuration: Some(to_wire(block)) })
    }
}

impl Handle<op::PutPublicAccessBlock> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutPublicAccessBlockRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:PutAccountPublicAccessBlock")])
    }

    async fn call(&self, cx: &Cx, input: s::PutPublicAccessBlockRequest) -> Result<Empty> {
        let given = &input.public_access_block_configuration;
        let settings = [
            given.block_public_acls,
            given.ignore_public_acls,
            given.block_public_policy,
            given.restrict_public_buckets,
        ];
        if settings.iter().all(Option::is_none) {
            return Err(error::invalid_request("Must specify at least one configuration."));
        }
        self.records.set_account_block(cx.account(), Some(&from_wire(given))).await?;
        // Not in the model, where it is 200; so for what takes it away.
        cx.set_status(StatusCode::CREATED);
        Ok(Empty)
    }
}

impl Handle<op::DeletePublicAccessBlock> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeletePublicAccessBlockRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:PutAccountPublicAccessBlock")])
    }

    async fn call(&self, cx: &Cx, _input: s::DeletePublicAccessBlockRequest) -> Result<Empty> {
        self.records.set_account_block(cx.account(), None).await?;
        cx.set_status(StatusCode::NO_CONTENT);
        Ok(Empty)
    }
}

pub(super) fn from_wire(given: &s::PublicAccessBlockConfiguration) -> PublicAccessBlock {
    PublicAccessBlock {
        block_public_acls: given.block_public_acls == Some(true),
        ignore_public_acls: given.ignore_public_acls == Some(true),
        block_public_policy: given.block_public_policy == Some(true),
        restrict_public_buckets: given.restrict_public_buckets == Some(true),
    }
}

pub(super) fn to_wire(block: PublicAccessBlock) -> s::PublicAccessBlockConfiguration {
    s::PublicAccessBlockConfiguration {
        block_public_acls: Some(block.block_public_acls),
        ignore_public_acls: Some(block.ignore_public_acls),
        block_public_policy: Some(block.block_public_policy),
        restrict_public_buckets: Some(block.restrict_public_buckets),
    }
}
