//! What a user, group, role or policy last accessed, and which policies give access to a service.

use std::collections::HashMap;
use std::time::Duration;

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::access_advisor_usage_granularity_type as granularity;
use haneul_iam_wire::values::{job_status_type as status, policy_owner_entity_type as owner, policy_type};
use haneul_kit::directory::NamedPolicy;
use haneul_kit::{Access, AccountId, Arn, Cx, Handle, Result};

use super::simulate::kind_of;
use crate::iam::Iam;
use crate::model::{
    AccessReport, AccessedKey, EntityAccess, Group, Kind, LastUse, ReportEntity, Role, ServiceAccess, Usage,
    User,
};
use crate::page::Wanted;
use crate::store::Identity;
use crate::store::attachments::name_in;
use crate::store::policies::Managed;
use crate::{error, last_accessed};

/// IAM User Guide, "Refine permissions using last accessed information": the tracking period.
const TRACKED: Duration = Duration::from_secs(400 * 24 * 3600);

impl Handle<op::GenerateServiceLastAccessedDetails> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GenerateServiceLastAccessedDetailsRequest,
    ) -> Result<Vec<Access>> {
        self.on_any(cx, "iam:GenerateServiceLastAccessedDetails", &input.arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GenerateServiceLastAccessedDetailsRequest,
    ) -> Result<s::GenerateServiceLastAccessedDetailsResponse> {
        let (policies, entities) = match kind_of(&input.arn) {
            Some("policy") => self.of_policy(cx, &input.arn).await?,
            Some("user" | "role" | "group") => self.of_entity(cx, &input.arn).await?,
            _ => return Err(error::report_arn(&input.arn)),
        };
        let prefixes = last_accessed::services().map(|(prefix, _)| prefix);
        let granted = prefixes
            .filter(|prefix| policies.iter().any(|named| last_accessed::grants(&named.policy, prefix)));
        let accesses = self.last_used.accesses(cx.account()).await?;
        let accesses = by_service(&entities, &accesses, cx);
        let report = AccessReport {
            created: cx.now().into(),
            action_level: input.granularity.as_deref() == Some(granularity::ACTION_LEVEL),
            services: granted.map(|prefix| last_of(prefix, &accesses)).collect(),
            subject: input.arn,
            entities,
        };
        let id = self.platform.env.rng.uuid();
        self.state.put_report(cx.account(), &id, &report).await?;
        Ok(s::GenerateServiceLastAccessedDetailsResponse { job_id: Some(id) })
    }
}

impl Handle<op::GetServiceLastAccessedDetails> for Iam {
    async fn access(&self, cx: &Cx, _: &s::GetServiceLastAccessedDetailsRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetServiceLastAccessedDetails")
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetServiceLastAccessedDetailsRequest,
    ) -> Result<s::GetServiceLastAccessedDetailsResponse> {
        let report = self.report(cx, &input.job_id).await?;
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("GetServiceLastAccessedDetails {}", input.job_id),
        };
        let page = self.page(cx, wanted, report.services.iter().collect(), |of| of.prefix.clone())?;
        let kind = if report.action_level { granularity::ACTION_LEVEL } else { granularity::SERVICE_LEVEL };
        Ok(s::GetServiceLastAccessedDetailsResponse {
            job_status: status::COMPLETED.to_owned(),
            job_type: Some(kind.to_owned()),
            job_creation_date: report.created.into(),
            services_last_accessed: page.items.into_iter().map(|of| shown(&report, of)).collect(),
            job_completion_date: report.created.into(),
            is_truncated: page.is_truncated,
            marker: page.marker,
            error: None,
        })
    }
}

impl Handle<op::GetServiceLastAccessedDetailsWithEntities> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        _: &s::GetServiceLastAccessedDetailsWithEntitiesRequest,
    ) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetServiceLastAccessedDetailsWithEntities")
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetServiceLastAccessedDetailsWithEntitiesRequest,
    ) -> Result<s::GetServiceLastAccessedDetailsWithEntitiesResponse> {
        let report = self.report(cx, &input.job_id).await?;
        if !matches!(kind_of(&report.subject), Some("group" | "policy")) {
            return Err(error::report_without_entities());
        }
        let service = report.services.iter().find(|of| of.prefix == input.service_namespace);
        let last: &[EntityAccess] = service.map(|of| of.last.as_slice()).unwrap_or_default();
        let at =
            |entity: usize| last.iter().find(|access| access.entity == entity).map(|access| access.at.into());
        // Who tried it comes first, newest first; then the others who could have.
        let tried = last.iter().map(|access| access.entity);
        let others = (0..report.entities.len()).filter(|entity| at(*entity).is_none());
        let places: Vec<usize> = match service {
            Some(_) => tried.chain(others).collect(),
            None => Vec::new(),
        };
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!(
                "ServiceLastAccessedDetailsWithEntities {} {}",
                input.job_id, input.service_namespace
            ),
        };
        let numbered = places.into_iter().enumerate().collect();
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:06}"))?;
        let details = page.items.into_iter().map(|(_, entity)| {
            let of = &report.entities[entity];
            s::EntityDetails {
                entity_info: s::EntityInfo {
                    arn: of.arn.clone(),
                    name: of.name.clone(),
                    r#type: of.kind.clone(),
                    id: of.id.clone(),
                    path: Some(of.path.clone()),
                },
                last_authenticated: at(entity),
            }
        });
        Ok(s::GetServiceLastAccessedDetailsWithEntitiesResponse {
            job_status: status::COMPLETED.to_owned(),
            job_creation_date: report.created.into(),
            job_completion_date: report.created.into(),
            entity_details_list: details.collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
            error: None,
        })
    }
}

impl Handle<op::ListPoliciesGrantingServiceAccess> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListPoliciesGrantingServiceAccessRequest,
    ) -> Result<Vec<Access>> {
        self.on_any(cx, "iam:ListPoliciesGrantingServiceAccess", &input.arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListPoliciesGrantingServiceAccessRequest,
    ) -> Result<s::ListPoliciesGrantingServiceAccessResponse> {
        let name = name_in(&input.arn);
        // Each policy with the kind and name of what it hangs on.
        let mut all: Vec<(&str, String, NamedPolicy)> = Vec::new();
        match kind_of(&input.arn) {
            Some("user") => {
                let user: User = self.exactly(cx, name, &input.arn).await?;
                all.extend(self.owned(owner::USER, &user).await?);
                for group in &user.groups {
                    let group: Group = self.state.entity(cx.account(), group).await?;
                    all.extend(self.owned(owner::GROUP, &group).await?);
                }
            }
            Some("role") => {
                let role: Role = self.exactly(cx, name, &input.arn).await?;
                all.extend(self.owned(owner::ROLE, &role).await?);
            }
            Some("group") => {
                let group: Group = self.exactly(cx, name, &input.arn).await?;
                all.extend(self.owned(owner::GROUP, &group).await?);
            }
            _ => return Err(error::report_arn(&input.arn)),
        }
        let entries: Vec<s::ListPoliciesGrantingServiceAccessEntry> = input
            .service_namespaces
            .iter()
            .map(|prefix| {
                let granting =
                    all.iter().filter(|(_, _, named)| last_accessed::grants(&named.policy, prefix));
                s::ListPoliciesGrantingServiceAccessEntry {
                    service_namespace: Some(prefix.clone()),
                    policies: Some(
                        granting.map(|(kind, name, named)| granting_policy(kind, name, named)).collect(),
                    ),
                }
            })
            .collect();
        Ok(s::ListPoliciesGrantingServiceAccessResponse {
            policies_granting_service_access: entries,
            is_truncated: Some(false),
            marker: None,
        })
    }
}

fn granting_policy(kind: &str, owner: &str, named: &NamedPolicy) -> s::PolicyGrantingServiceAccess {
    let managed = named.name.starts_with("arn:");
    s::PolicyGrantingServiceAccess {
        policy_name: name_in(&named.name).to_owned(),
        policy_type: if managed { policy_type::MANAGED } else { policy_type::INLINE }.to_owned(),
        policy_arn: managed.then(|| named.name.clone()),
        entity_type: (!managed).then(|| kind.to_owned()),
        entity_name: (!managed).then(|| owner.to_owned()),
    }
}

/// The accesses of `entities` within the tracking period, by service, with what was tried.
fn by_service<'a>(
    entities: &[ReportEntity],
    accesses: &'a [(AccessedKey, LastUse)],
    cx: &Cx,
) -> HashMap<&'a str, Vec<(&'a str, EntityAccess)>> {
    let places: HashMap<&str, usize> =
        entities.iter().enumerate().map(|(at, entity)| (entity.id.as_str(), at)).collect();
    let mut found: HashMap<&str, Vec<_>> = HashMap::new();
    for ((_, id, action), used) in accesses {
        let Some(entity) = places.get(id.as_str()) else { continue };
        if cx.now().since(used.at.into()) <= TRACKED {
            let access = EntityAccess { entity: *entity, at: used.at, region: used.region.clone() };
            found.entry(&used.service).or_default().push((action.as_str(), access));
        }
    }
    found
}

fn last_of(prefix: &str, accesses: &HashMap<&str, Vec<(&str, EntityAccess)>>) -> ServiceAccess {
    let mut found = ServiceAccess { prefix: prefix.to_owned(), last: Vec::new(), actions: Vec::new() };
    for (action, access) in accesses.get(prefix).into_iter().flatten() {
        found.add(action, access.clone());
    }
    found.last.sort_by_key(|access| std::cmp::Reverse(haneul_kit::Instant::from(access.at)));
    found.actions.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

impl ServiceAccess {
    pub(super) fn add(&mut self, action: &str, access: EntityAccess) {
        let later = |before: &EntityAccess| {
            haneul_kit::Instant::from(access.at) > haneul_kit::Instant::from(before.at)
        };
        match self.last.iter_mut().find(|before| before.entity == access.entity) {
            Some(before) if later(before) => *before = access.clone(),
            Some(_) => {}
            None => self.last.push(access.clone()),
        }
        let short = action.split_once(':').map_or(action, |(_, short)| short);
        match self.actions.iter_mut().find(|(name, _)| name == short) {
            Some((_, before)) if later(before) => *before = access,
            Some(_) => {}
            None => self.actions.push((short.to_owned(), access)),
        }
    }
}

fn shown(report: &AccessReport, of: &ServiceAccess) -> s::ServiceLastAccessed {
    let newest = of.last.first();
    let actions = of.actions.iter().map(|(name, access)| s::TrackedActionLastAccessed {
        action_name: Some(name.clone()),
        last_accessed_entity: Some(report.entities[access.entity].arn.clone()),
        last_accessed_time: Some(access.at.into()),
        last_accessed_region: Some(access.region.clone()),
    });
    s::ServiceLastAccessed {
        service_name: last_accessed::name(&of.prefix),
        last_authenticated: newest.map(|access| access.at.into()),
        service_namespace: of.prefix.clone(),
        last_authenticated_entity: newest.map(|access| report.entities[access.entity].arn.clone()),
        last_authenticated_region: newest.map(|access| access.region.clone()),
        total_authenticated_entities: Some(i32::try_from(of.last.len()).unwrap_or(i32::MAX)),
        tracked_actions_last_accessed: (report.action_level && !of.actions.is_empty())
            .then(|| actions.collect()),
    }
}

fn entity<T: Identity>(account: AccountId, record: &T) -> ReportEntity {
    let kind = if T::KIND == Kind::User { owner::USER } else { owner::ROLE };
    let of = record.entity();
    ReportEntity {
        arn: record.arn(account).to_string(),
        name: of.name.clone(),
        id: of.id.clone(),
        path: of.path.clone(),
        kind: kind.to_owned(),
    }
}

impl Iam {
    /// An action on a user, group, role or policy, by its ARN.
    async fn on_any(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Vec<Access>> {
        let name = name_in(arn);
        Ok(vec![match kind_of(arn) {
            Some("user") => self.on::<User>(cx, action, name).await?,
            Some("group") => self.on::<Group>(cx, action, name).await?,
            Some("role") => self.on::<Role>(cx, action, name).await?,
            Some("policy") => return self.on_policy(cx, action, arn).await,
            _ => return Err(error::report_arn(arn)),
        }])
    }

    pub(super) async fn report(&self, cx: &Cx, id: &str) -> Result<AccessReport> {
        self.state.report(cx.account(), id).await?.ok_or_else(|| error::no_such_report(id))
    }

    async fn of_entity(&self, cx: &Cx, arn: &str) -> Result<(Vec<NamedPolicy>, Vec<ReportEntity>)> {
        let (policies, _) = self.source(cx, arn).await?;
        let name = name_in(arn);
        let account = cx.account();
        let entities = match kind_of(arn) {
            Some("user") => vec![entity(account, &self.exactly::<User>(cx, name, arn).await?)],
            Some("role") => vec![entity(account, &self.exactly::<Role>(cx, name, arn).await?)],
            _ => {
                let members = self.state.members(account, name).await?;
                members.iter().map(|user| entity(account, user)).collect()
            }
        };
        Ok((policies, entities))
    }

    async fn of_policy(&self, cx: &Cx, arn: &str) -> Result<(Vec<NamedPolicy>, Vec<ReportEntity>)> {
        let account = cx.account();
        let parsed = Arn::parse(arn).map_err(|_| error::report_arn(arn))?;
        if let Managed::Own(policy) = self.state.policy(account, arn).await? {
            debug_assert_eq!(policy.arn(account), parsed);
        }
        let policy = self.platform.directory().managed_policy(&parsed).await?;
        let policy = policy.ok_or_else(|| error::no_such_policy(arn))?;
        let mut entities: Vec<ReportEntity> = Vec::new();
        for name in self.state.users_of_policy(account, arn, Usage::Permissions, Kind::User).await? {
            entities.push(entity(account, &self.state.entity::<User>(account, &name).await?));
        }
        for group in self.state.users_of_policy(account, arn, Usage::Permissions, Kind::Group).await? {
            for user in self.state.members(account, &group).await? {
                let found = entity(account, &user);
                if !entities.contains(&found) {
                    entities.push(found);
                }
            }
        }
        for name in self.state.users_of_policy(account, arn, Usage::Permissions, Kind::Role).await? {
            entities.push(entity(account, &self.state.entity::<Role>(account, &name).await?));
        }
        Ok((vec![NamedPolicy { name: arn.to_owned(), policy }], entities))
    }

    /// The policies of one user, group or role itself, each with what it hangs on.
    async fn owned<T: Identity>(
        &self,
        kind: &'static str,
        record: &T,
    ) -> Result<Vec<(&'static str, String, NamedPolicy)>> {
        let policies = self.directory.policies_of(record).await?;
        let name = &record.entity().name;
        Ok(policies.into_iter().map(|policy| (kind, name.clone(), policy)).collect())
    }
}
