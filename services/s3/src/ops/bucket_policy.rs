use haneul_kit::{Access, Cx, Handle, Principal, Result, pinned_policy};
use haneul_policy::is_public;
use haneul_s3_wire::operations::{
    DeleteBucketPolicy, GetBucketPolicy, GetBucketPolicyStatus, PutBucketPolicy,
};
use haneul_s3_wire::shapes::{
    DeleteBucketPolicyRequest, GetBucketPolicyOutput, GetBucketPolicyRequest, GetBucketPolicyStatusOutput,
    GetBucketPolicyStatusRequest, PolicyStatus, PutBucketPolicyRequest,
};
use haneul_shape::Empty;
use http::StatusCode;

use crate::bucket::Bucket;
use crate::model::BucketRecord;
use crate::{S3, error, policy_check, policy_text};

impl Handle<GetBucketPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketPolicyRequest) -> Result<Vec<Access>> {
        self.policy_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketPolicy").await
    }

    async fn call(&self, cx: &Cx, input: GetBucketPolicyRequest) -> Result<GetBucketPolicyOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        check_account(cx, &bucket)?;
        let policy = bucket.record.policy.as_deref().ok_or_else(|| no_policy(&bucket.name))?;
        let policy = pinned_policy::show(&self.platform, policy).await?;
        Ok(GetBucketPolicyOutput { policy: Some(policy) })
    }
}

impl Handle<GetBucketPolicyStatus> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketPolicyStatusRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketPolicyStatus").await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: GetBucketPolicyStatusRequest,
    ) -> Result<GetBucketPolicyStatusOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        if !bucket.has_policy() {
            return Err(no_policy(&bucket.name));
        }
        let restricted = bucket.public_access_block().restrict_public_buckets;
        let is_public = bucket.policy_is_public && !restricted;
        Ok(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public: Some(is_public) }) })
    }
}

impl Handle<PutBucketPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketPolicyRequest) -> Result<Vec<Access>> {
        self.policy_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketPolicy").await
    }

    async fn call(&self, cx: &Cx, input: PutBucketPolicyRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        check_account(cx, &bucket)?;
        let policy = policy_text::parse(&input.policy)?;
        policy_check::check(&policy, &bucket)?;
        self.check_principals(&policy, bucket.owner).await?;
        let public = is_public(&policy);
        let caller = cx.caller().arn();
        // By the account's block, perhaps.
        let blocked = bucket.public_access_block().block_public_policy;
        let text = pinned_policy::pin(&self.platform, &versioned(&input.policy)).await?;
        let text = pinned_policy::with_account_arns(&text);
        let set = |record: &mut BucketRecord| {
            if public && (blocked || record.public_access_block.unwrap_or_default().block_public_policy) {
                let message = format!(
                    "User: {caller} is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because \
                     public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
                    bucket.arn()
                );
                return Err(error::access_denied(message));
            }
            record.policy = Some(text.clone());
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        // Not in the model, where it is 200; so it is for the tags of a bucket.
        cx.set_status(StatusCode::NO_CONTENT);
        Ok(Empty)
    }
}

impl Handle<DeleteBucketPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketPolicyRequest) -> Result<Vec<Access>> {
        self.policy_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:DeleteBucketPolicy").await
    }

    async fn call(&self, cx: &Cx, input: DeleteBucketPolicyRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        check_account(cx, &bucket)?;
        let clear = |record: &mut BucketRecord| {
            record.policy = None;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, clear).await?;
        Ok(Empty)
    }
}

impl S3 {
    /// The owner's root user can always read and mend the policy, whatever it denies (PutBucketPolicy, "Permissions"). A
    /// delegate of it is somebody else.
    async fn policy_access(
        &self,
        cx: &Cx,
        bucket: &str,
        expected_owner: &Option<String>,
        action: &'static str,
    ) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, bucket, expected_owner).await?;
        let access = bucket.access(cx, action);
        let is_owner = cx.caller().is_root() && cx.account() == bucket.owner;
        Ok(vec![if is_owner { access.with_policy(None) } else { access }])
    }
}

/// A policy may let in other accounts, but not to itself: that is an operation for the owner's identities alone
/// (PutBucketPolicy, "Permissions").
fn check_account(cx: &Cx, bucket: &Bucket) -> Result<()> {
    let inside = match cx.caller().principal {
        Principal::Service { .. } => true,
        Principal::Anonymous => false,
        _ => cx.account() == bucket.owner,
    };
    if inside {
        return Ok(());
    }
    let message = "The specified method is not allowed against this resource.";
    Err(error::new("MethodNotAllowed", 405, message).with_field("ResourceType", "BUCKETPOLICY"))
}

fn no_policy(bucket: &str) -> haneul_kit::ApiError {
    error::not_configured("NoSuchBucketPolicy", "The bucket policy does not exist", bucket)
}

/// A policy that names no version is of the first, and is told so when it is read.
fn versioned(text: &str) -> String {
    let document: Option<serde_json::Value> = serde_json::from_str(text).ok();
    match text.split_once('{') {
        Some((start, rest)) if document.is_some_and(|document| document.get("Version").is_none()) => {
            format!("{start}{{\"Version\":\"2008-10-17\",{rest}")
        }
        _ => text.to_owned(),
    }
}
