use haneul_kit::{AccountId, Arn, Instant, Result};
use haneul_store::{Range, Reads};

use super::{State, entities, key, list};
use crate::catalog::PARTNER_POLICY_START;
use crate::managed::{self, AwsPolicy};
use crate::model::{
    ATTACHMENTS, Kind, ManagedPolicy, PARTNER_POLICIES, POLICIES, PartnerPolicy, PolicyVersion, Usage, tie,
};
use crate::{error, quotas};

/// A managed policy: a customer's, or one of AWS's.
pub(crate) enum Managed {
    Own(Box<ManagedPolicy>),
    Aws(&'static AwsPolicy),
    /// A boundary that a partner registered: only for roles that delegated access makes, or whoever else wants less.
    Partner(Box<PartnerPolicy>),
}

/// Whether it has the form of a policy's ARN: IAM looks for no other.
pub(crate) fn check_arn(arn: &str) -> Result<()> {
    let rest = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":policy/"));
    let is_owner = |owner: &str| {
        matches!(owner, "aws" | "partner") || owner.len() == 12 && owner.bytes().all(|b| b.is_ascii_digit())
    };
    match rest {
        Some((owner, place))
            if is_owner(owner) && !place.is_empty() && !place.ends_with(char::is_whitespace) =>
        {
            Ok(())
        }
        _ => Err(error::policy_arn(arn)),
    }
}

/// The policy with this ARN, as `account` sees it: one of its own, or one of AWS's.
pub(crate) async fn find(reads: &impl Reads, account: AccountId, arn: &str) -> Result<Option<Managed>> {
    check_arn(arn)?;
    if managed::is_aws_arn(arn) {
        return Ok(managed::by_arn(arn).map(Managed::Aws));
    }
    if arn.starts_with(PARTNER_POLICY_START) {
        let found = reads.get(&PARTNER_POLICIES, arn).await?;
        return Ok(found.map(|policy| Managed::Partner(Box::new(policy))));
    }
    let policy = own(reads, arn).await?.filter(|(owner, _)| *owner == account);
    Ok(policy.map(|(_, policy)| Managed::Own(Box::new(policy))))
}

/// A customer's policy by its ARN, and its owner.
async fn own(reads: &impl Reads, arn: &str) -> Result<Option<(AccountId, ManagedPolicy)>> {
    let Ok(arn) = Arn::parse(arn) else { return Ok(None) };
    let (Some(owner), true) = (arn.account_id(), arn.service() == "iam") else { return Ok(None) };
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    let policy = reads.get(&POLICIES, &key(owner, name)).await?;
    Ok(policy.filter(|policy| policy.arn(owner) == arn).map(|policy| (owner, policy)))
}

/// One of the account's own, for a change.
async fn changeable(reads: &impl Reads, account: AccountId, arn: &str) -> Result<ManagedPolicy> {
    match find(reads, account, arn).await? {
        Some(Managed::Own(policy)) => Ok(*policy),
        Some(Managed::Aws(_) | Managed::Partner(_)) => Err(error::aws_owned(arn)),
        None => Err(error::no_such_policy(arn)),
    }
}

impl State {
    pub(crate) async fn policy(&self, account: AccountId, arn: &str) -> Result<Managed> {
        find(&self.store, account, arn).await?.ok_or_else(|| error::no_such_policy(arn))
    }

    /// The account's own, by name.
    pub(crate) async fn own_policies(&self, account: AccountId) -> Result<Vec<ManagedPolicy>> {
        let all = list(&self.store, &POLICIES, account).await?;
        Ok(all.into_iter().map(|(_, policy)| policy).collect())
    }

    /// How many entities use each policy of `arns`, as permissions and as boundary.
    pub(crate) async fn uses(&self, account: AccountId, arn: &str) -> Result<(i32, i32)> {
        let all = Range::prefix((account, arn));
        let keys = self.store.scan_keys(&ATTACHMENTS, all, super::LIST_MAX).await?;
        let boundaries = keys.iter().filter(|key| key.2 >= tie(Usage::Boundary, Kind::Group)).count();
        Ok(((keys.len() - boundaries) as i32, boundaries as i32))
    }

    pub(crate) async fn create_policy(&self, account: AccountId, policy: &ManagedPolicy) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let at = key(account, &policy.name);
                if tx.get(&POLICIES, &at).await?.is_some() {
                    return Err(error::policy_exists(&policy.name));
                }
                entities::count(
                    &tx,
                    account,
                    |of| &mut of.policies,
                    ("PoliciesPerAccount", quotas::POLICIES),
                )
                .await?;
                Ok(tx.put(&POLICIES, &at, policy)?)
            })
            .await
    }

    pub(crate) async fn delete_policy(&self, account: AccountId, arn: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let policy = changeable(&tx, account, arn).await?;
                if !tx.scan_keys(&ATTACHMENTS, Range::prefix((account, arn)), 1).await?.is_empty() {
                    return Err(error::policy_attached());
                }
                if policy.versions.len() > 1 {
                    return Err(error::policy_has_versions());
                }
                entities::uncount(&tx, account, |of| &mut of.policies).await?;
                Ok(tx.delete(&POLICIES, &key(account, &policy.name))?)
            })
            .await
    }

    pub(crate) async fn create_version(
        &self,
        account: AccountId,
        arn: &str,
        document: &str,
        set_default: bool,
        now: Instant,
    ) -> Result<PolicyVersion> {
        self.store
            .transact(|tx| async move {
                let mut policy = changeable(&tx, account, arn).await?;
                if policy.versions.len() >= quotas::VERSIONS_PER_POLICY {
                    return Err(error::too_many_versions());
                }
                policy.last_version += 1;
                let version = PolicyVersion {
                    number: policy.last_version,
                    document: document.to_owned(),
                    created: now.into(),
                };
                policy.versions.push(version.clone());
                policy.updated = now.into();
                if set_default {
                    policy.default_version = version.number;
                }
                tx.put(&POLICIES, &key(account, &policy.name), &policy)?;
                Ok(version)
            })
            .await
    }

    pub(crate) async fn delete_version(&self, account: AccountId, arn: &str, version: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut policy = changeable(&tx, account, arn).await?;
                let number =
                    policy.version(version).ok_or_else(|| error::no_such_version(arn, version))?.number;
                if number == policy.default_version {
                    return Err(error::default_version());
                }
                policy.versions.retain(|version| version.number != number);
                Ok(tx.put(&POLICIES, &key(account, &policy.name), &policy)?)
            })
            .await
    }

    pub(crate) async fn set_default_version(
        &self,
        account: AccountId,
        arn: &str,
        version: &str,
        now: Instant,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut policy = changeable(&tx, account, arn).await?;
                let number =
                    policy.version(version).ok_or_else(|| error::no_such_version(arn, version))?.number;
                policy.default_version = number;
                policy.updated = now.into();
                Ok(tx.put(&POLICIES, &key(account, &policy.name), &policy)?)
            })
            .await
    }
}

/// The document of the default version of any account's policy or of AWS's.
pub(crate) async fn default_document(reads: &impl Reads, arn: &str) -> Result<Option<String>> {
    if managed::is_aws_arn(arn) {
        return Ok(managed::by_arn(arn).map(managed::document));
    }
    if arn.starts_with(PARTNER_POLICY_START) {
        return Ok(reads.get(&PARTNER_POLICIES, arn).await?.map(|policy| policy.document));
    }
    let policy = own(reads, arn).await?;
    Ok(policy.and_then(|(_, policy)| policy.default().map(|version| version.document.clone())))
}
