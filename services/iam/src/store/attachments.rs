use haneul_kit::{AccountId, Result};
use haneul_store::{Range, Reads, Tx};

use super::policies::{Managed, check_arn, find};
use super::{Bounded, Identity, LIST_MAX, State, entities, key};
use crate::model::{ATTACHMENTS, Kind, Usage, tie};
use crate::{error, managed, quotas};

/// A boundary must be a managed policy that the account can attach.
pub(super) async fn check_boundary(tx: &Tx, account: AccountId, arn: &str) -> Result<()> {
    match find(tx, account, arn).await? {
        Some(Managed::Aws(policy)) if policy.is_for_service_linked_roles() => {
            Err(error::service_linked_only(arn))
        }
        Some(_) => Ok(()),
        None => Err(error::boundary_not_attachable(arn)),
    }
}

/// What gives permissions must be a managed policy of the account, or one of AWS's that is not for services alone.
pub(super) async fn check_attachable(tx: &Tx, account: AccountId, arn: &str) -> Result<()> {
    match find(tx, account, arn).await? {
        None | Some(Managed::Partner(_)) => Err(error::not_attachable(arn)),
        Some(Managed::Aws(policy)) if policy.is_for_service_linked_roles() => {
            Err(error::service_linked_only(arn))
        }
        Some(_) => Ok(()),
    }
}

impl State {
    /// Nothing happens when it is attached already.
    pub(crate) async fn attach<T: Identity>(&self, account: AccountId, name: &str, arn: &str) -> Result<()> {
        check_arn(arn)?;
        self.store
            .transact(|tx| async move {
                let mut record: T = entities::get(&tx, account, name).await?;
                record.must_be_changeable()?;
                check_attachable(&tx, account, arn).await?;
                let attached = &mut record.entity_mut().attached;
                if attached.iter().any(|other| other == arn) {
                    return Ok(());
                }
                if attached.len() >= quotas::ATTACHED_POLICIES {
                    return Err(error::quota(
                        &format!("PoliciesPer{}", T::KIND.title()),
                        quotas::ATTACHED_POLICIES,
                    ));
                }
                attached.push(arn.to_owned());
                let at = key(account, name);
                tx.put(&ATTACHMENTS, &(account, arn, tie(Usage::Permissions, T::KIND), &at.1), &())?;
                Ok(tx.put(T::TABLE, &at, &record)?)
            })
            .await
    }

    pub(crate) async fn detach<T: Identity>(&self, account: AccountId, name: &str, arn: &str) -> Result<()> {
        check_arn(arn)?;
        self.store
            .transact(|tx| async move {
                let mut record: T = entities::get(&tx, account, name).await?;
                record.must_be_changeable()?;
                let attached = &mut record.entity_mut().attached;
                let before = attached.len();
                attached.retain(|other| other != arn);
                if attached.len() == before {
                    return Err(error::no_such_policy(arn));
                }
                let at = key(account, name);
                tx.delete(&ATTACHMENTS, &(account, arn, tie(Usage::Permissions, T::KIND), &at.1))?;
                Ok(tx.put(T::TABLE, &at, &record)?)
            })
            .await
    }

    /// Sets the boundary, or takes it away.
    pub(crate) async fn set_boundary<T: Bounded>(
        &self,
        account: AccountId,
        name: &str,
        arn: Option<&str>,
    ) -> Result<()> {
        arn.map_or(Ok(()), check_arn)?;
        self.store
            .transact(|tx| async move {
                let mut record: T = entities::get(&tx, account, name).await?;
                record.must_be_changeable()?;
                let at = key(account, name);
                let usage = tie(Usage::Boundary, T::KIND);
                match (arn, record.boundary()) {
                    (None, None) => return Err(error::no_boundary(T::KIND, name)),
                    (_, Some(before)) => tx.delete(&ATTACHMENTS, &(account, before, usage, &at.1))?,
                    (_, None) => {}
                }
                if let Some(arn) = arn {
                    check_boundary(&tx, account, arn).await?;
                    tx.put(&ATTACHMENTS, &(account, arn, usage, &at.1), &())?;
                }
                *record.boundary_mut() = arn.map(str::to_owned);
                Ok(tx.put(T::TABLE, &at, &record)?)
            })
            .await
    }

    /// Names in lower case of the entities that use a policy so.
    pub(crate) async fn users_of_policy(
        &self,
        account: AccountId,
        arn: &str,
        usage: Usage,
        kind: Kind,
    ) -> Result<Vec<String>> {
        let all = Range::prefix((account, arn, tie(usage, kind)));
        let keys = self.store.scan_keys(&ATTACHMENTS, all, LIST_MAX).await?;
        Ok(keys.into_iter().map(|(_, _, _, name)| name).collect())
    }

    /// ARNs of all policies that are attached to something in the account, each once.
    pub(crate) async fn attached_policies(
        &self,
        account: AccountId,
        usage: Option<Usage>,
    ) -> Result<Vec<String>> {
        let keys = self.store.scan_keys(&ATTACHMENTS, Range::prefix((account,)), LIST_MAX).await?;
        let wanted = keys.into_iter().filter(|(_, _, tied, _)| {
            let boundary = *tied >= tie(Usage::Boundary, Kind::Group);
            usage.is_none_or(|usage| (usage == Usage::Boundary) == boundary)
        });
        let mut arns: Vec<String> = wanted.map(|(_, arn, _, _)| arn).collect();
        arns.dedup();
        Ok(arns)
    }
}

/// The name in a policy's ARN.
pub(crate) fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

/// The path in a policy's ARN.
pub(crate) fn path_in(arn: &str) -> &str {
    if managed::is_aws_arn(arn) {
        return managed::by_arn(arn).map_or("/", |policy| &policy.path);
    }
    let resource = arn.splitn(6, ':').nth(5).and_then(|resource| resource.strip_prefix("policy"));
    resource.and_then(|path| path.rfind('/').map(|end| &path[..=end])).unwrap_or("/")
}
