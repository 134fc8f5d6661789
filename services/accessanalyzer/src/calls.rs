//! All that we ask of other services: which resources there are, and their policies. The calls are made as the root user
//! of the account that is looked at: like AWS's analyzer we see what a resource's policy does not deny to its owner.

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{AccountId, ApiError, Arn, Caller, Operation, Region, Result};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_s3_wire::operations as s3;
use haneul_s3_wire::shapes as b;
use haneul_secretsmanager_wire::operations as secrets;
use haneul_secretsmanager_wire::shapes as m;
use haneul_sqs_wire::operations as sqs;
use haneul_sqs_wire::shapes as q;

use crate::AccessAnalyzer;
use crate::model::Access;

/// A resource as it is now.
pub(crate) struct Seen {
    pub arn: String,
    pub kind: &'static str,
    pub policies: Vec<String>,
    /// Grants beside policies, as a bucket's ACL gives.
    pub grants: Vec<Access>,
    /// Nobody is let in as the public, whatever the policy says (Block Public Access).
    pub private: bool,
    pub error: Option<&'static str>,
}

impl Seen {
    fn new(arn: impl ToString, kind: &'static str) -> Seen {
        Seen {
            arn: arn.to_string(),
            kind,
            policies: Vec::new(),
            grants: Vec::new(),
            private: false,
            error: None,
        }
    }

    /// Takes a policy, or notes why there is none.
    fn take(mut self, policy: Result<Option<String>>) -> Seen {
        match policy {
            Ok(policy) => self.policies.extend(policy.filter(|policy| !policy.is_empty())),
            Err(error) => self.error = Some(reason(&error)),
        }
        self
    }
}

fn reason(error: &ApiError) -> &'static str {
    if error.code().starts_with("AccessDenied") { "ACCESS_DENIED" } else { "INTERNAL_ERROR" }
}

/// Pages that are read of one listing.
const PAGES_MAX: usize = 1000;

struct Reader<'a> {
    analyzer: &'a AccessAnalyzer,
    account: AccountId,
    region: Region,
}

impl AccessAnalyzer {
    /// Every resource of the account in the Region, of the kinds that we know. A service that is not there has none.
    pub(crate) async fn look(&self, account: AccountId, region: Region) -> Result<Vec<Seen>> {
        let reader = Reader { analyzer: self, account, region };
        let mut seen = Vec::new();
        for part in [
            reader.buckets().await,
            reader.queues().await,
            reader.roles().await,
            reader.keys().await,
            reader.secrets().await,
        ] {
            match part {
                Ok(part) => seen.extend(part),
                Err(error)
                    if error.code() == "NotImplemented" || error.code().starts_with("AccessDenied") => {}
                Err(error) => return Err(error),
            }
        }
        Ok(seen)
    }
}

impl Reader<'_> {
    async fn ask<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        let bus = &self.analyzer.platform.bus;
        bus.call::<O>(Caller::root(self.account), self.region, None, input).await
    }

    async fn buckets(&self) -> Result<Vec<Seen>> {
        let mut seen = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let list = b::ListBucketsRequest {
                bucket_region: Some(self.region.to_string()),
                continuation_token: token,
                ..Default::default()
            };
            let page = self.ask::<s3::ListBuckets>(list).await?;
            for bucket in page.buckets.unwrap_or_default() {
                let Some(name) = bucket.name else { continue };
                seen.push(self.bucket(&name).await);
            }
            token = page.continuation_token;
            if token.is_none() {
                break;
            }
        }
        Ok(seen)
    }

    async fn bucket(&self, name: &str) -> Seen {
        let get = b::GetBucketPolicyRequest { bucket: name.to_owned(), ..Default::default() };
        let policy = match self.ask::<s3::GetBucketPolicy>(get).await {
            Ok(found) => Ok(found.policy),
            Err(error) if error.code() == "NoSuchBucketPolicy" => Ok(None),
            Err(error) => Err(error),
        };
        let mut seen = Seen::new(Arn::bare("s3", name), "AWS::S3::Bucket").take(policy);
        let get = b::GetPublicAccessBlockRequest { bucket: name.to_owned(), ..Default::default() };
        let block = self.ask::<s3::GetPublicAccessBlock>(get).await.ok();
        let block = block.and_then(|block| block.public_access_block_configuration).unwrap_or_default();
        seen.private = block.restrict_public_buckets.unwrap_or(false);
        if !block.ignore_public_acls.unwrap_or(false) {
            let get = b::GetBucketAclRequest { bucket: name.to_owned(), ..Default::default() };
            if let Ok(acl) = self.ask::<s3::GetBucketAcl>(get).await {
                let owner = acl.owner.and_then(|owner| owner.id).unwrap_or_default();
                seen.grants = acl
                    .grants
                    .unwrap_or_default()
                    .iter()
                    .filter_map(|grant| granted(grant, &owner))
                    .collect();
            }
        }
        seen
    }

    async fn queues(&self) -> Result<Vec<Seen>> {
        let mut seen = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let list =
                q::ListQueuesRequest { max_results: Some(1000), next_token: token, queue_name_prefix: None };
            let page = self.ask::<sqs::ListQueues>(list).await?;
            for url in page.queue_urls.unwrap_or_default() {
                let name = url.rsplit('/').next().unwrap_or_default().to_owned();
                let get = q::GetQueueAttributesRequest {
                    queue_url: url,
                    attribute_names: Some(vec!["Policy".into()]),
                };
                let found = self.ask::<sqs::GetQueueAttributes>(get).await;
                let policy = found
                    .map(|found| found.attributes.and_then(|attributes| attributes.get("Policy").cloned()));
                let arn = Arn::new("sqs", self.region, self.account, name);
                seen.push(Seen::new(arn, "AWS::SQS::Queue").take(policy));
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(seen)
    }

    async fn roles(&self) -> Result<Vec<Seen>> {
        let mut seen = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let list = i::ListRolesRequest { marker, max_items: Some(1000), path_prefix: None };
            let page = self.ask::<iam::ListRoles>(list).await?;
            for role in page.roles {
                if role.path.starts_with("/aws-service-role/") {
                    continue;
                }
                let policy = role
                    .assume_role_policy_document
                    .map(|text| percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned());
                seen.push(Seen::new(role.arn, "AWS::IAM::Role").take(Ok(policy)));
            }
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        Ok(seen)
    }

    async fn keys(&self) -> Result<Vec<Seen>> {
        let mut seen = Vec::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let list = k::ListKeysRequest { marker, ..Default::default() };
            let page = self.ask::<kms::ListKeys>(list).await?;
            for key in page.keys.unwrap_or_default() {
                let (Some(arn), Some(id)) = (key.key_arn, key.key_id) else { continue };
                let get = k::GetKeyPolicyRequest { key_id: id, policy_name: Some("default".into()) };
                let policy = self.ask::<kms::GetKeyPolicy>(get).await.map(|found| found.policy);
                seen.push(Seen::new(arn, "AWS::KMS::Key").take(policy));
            }
            marker = page.next_marker;
            if marker.is_none() {
                break;
            }
        }
        Ok(seen)
    }

    async fn secrets(&self) -> Result<Vec<Seen>> {
        let mut seen = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let list = m::ListSecretsRequest { next_token: token, ..Default::default() };
            let page = self.ask::<secrets::ListSecrets>(list).await?;
            for secret in page.secret_list.unwrap_or_default() {
                let Some(arn) = secret.arn else { continue };
                let get = m::GetResourcePolicyRequest { secret_id: arn.clone(), policy_name: None };
                let policy =
                    self.ask::<secrets::GetResourcePolicy>(get).await.map(|found| found.resource_policy);
                seen.push(Seen::new(arn, "AWS::SecretsManager::Secret").take(policy));
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(seen)
    }
}

/// What a bucket's ACL grants to others than its owner.
fn granted(grant: &b::Grant, owner: &str) -> Option<Access> {
    const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
    const ALL_AWS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
    let grantee = grant.grantee.as_ref()?;
    let (principal, public) = match (grantee.uri.as_deref(), grantee.id.as_deref()) {
        (Some(ALL_USERS | ALL_AWS), _) => (("AWS".to_owned(), "*".to_owned()), true),
        (None, Some(id)) if id != owner => (("CanonicalUser".to_owned(), id.to_owned()), false),
        _ => return None,
    };
    let actions: &[&str] = match grant.permission.as_deref() {
        Some("READ") => &["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"],
        Some("WRITE") => &["s3:DeleteObject", "s3:PutObject"],
        Some("READ_ACP") => &["s3:GetBucketAcl"],
        Some("WRITE_ACP") => &["s3:PutBucketAcl"],
        _ => &["s3:*"],
    };
    Some(Access {
        principal,
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        condition: Default::default(),
        public,
        source: "BUCKET_ACL".to_owned(),
        unused: None,
    })
}

impl AccessAnalyzer {
    /// The accounts of the organization of `account`, which is its management account or a delegated administrator.
    pub(crate) async fn members(&self, account: AccountId) -> Result<Vec<AccountId>> {
        use haneul_organizations_wire::operations::ListAccounts;
        use haneul_organizations_wire::shapes::ListAccountsRequest;
        let mut members = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let list = ListAccountsRequest { next_token: token, max_results: None };
            let caller = Caller::root(account);
            let page = self.platform.bus.call::<ListAccounts>(caller, Region::US_EAST_1, None, list).await?;
            for member in page.accounts.unwrap_or_default() {
                members.extend(member.id.and_then(|id| id.parse::<AccountId>().ok()));
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(members)
    }
}
