//! What the accounts of a part of an organization last accessed.

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::{job_status_type as status, sort_key_type as sort};
use haneul_kit::organization::Membership;
use haneul_kit::{Access, Cx, Handle, Instant, Result};

use crate::iam::Iam;
use crate::model::{AccessReport, EntityAccess, ReportEntity, ServiceAccess};
use crate::page::Wanted;
use crate::{error, last_accessed};

impl Handle<op::GenerateOrganizationsAccessReport> for Iam {
    async fn access(&self, cx: &Cx, _: &s::GenerateOrganizationsAccessReportRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GenerateOrganizationsAccessReport")
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GenerateOrganizationsAccessReportRequest,
    ) -> Result<s::GenerateOrganizationsAccessReportResponse> {
        if input.organizations_policy_id.is_some() {
            return Err(error::report_of_organizations_policy());
        }
        let own = self.membership(cx.account()).await?;
        let own = own.filter(|of| of.is_management_account(cx.account()));
        let own = own.ok_or_else(error::report_needs_management_account)?;
        let root = own.path.split('/').take(2).collect::<Vec<_>>().join("/");
        let wanted = input.entity_path.trim_end_matches('/');
        if wanted != root && !wanted.starts_with(&format!("{root}/")) {
            return Err(error::report_entity_path(&input.entity_path));
        }
        let mut entities = Vec::new();
        let mut services: Vec<ServiceAccess> = Vec::new();
        let mut reachable = Vec::new();
        for account in self.state.accounts().await? {
            let Some(membership) = self.membership(account).await? else { continue };
            let path = format!("{}{account}", membership.path);
            let within = path == wanted || path.starts_with(&format!("{wanted}/"));
            if membership.organization_id != own.organization_id || !within {
                continue;
            }
            reachable.extend(last_accessed::services().map(|(prefix, _)| prefix).filter(|prefix| {
                membership
                    .scp_levels
                    .iter()
                    .all(|level| level.iter().any(|named| last_accessed::grants(&named.policy, prefix)))
            }));
            let entity = entities.len();
            for (_, used) in self.last_used.accesses(account).await? {
                let access = EntityAccess { entity, at: used.at, region: used.region };
                let at = match services.iter().position(|of| of.prefix == used.service) {
                    Some(at) => at,
                    None => {
                        let prefix = used.service.clone();
                        services.push(ServiceAccess { prefix, last: Vec::new(), actions: Vec::new() });
                        services.len() - 1
                    }
                };
                services[at].add("", access);
            }
            entities.push(ReportEntity {
                arn: path,
                name: account.to_string(),
                id: account.to_string(),
                path: membership.path.clone(),
                kind: String::from("ACCOUNT"),
            });
        }
        if entities.is_empty() {
            return Err(error::report_entity_path(&input.entity_path));
        }
        for prefix in reachable {
            if !services.iter().any(|of| of.prefix == prefix) {
                let prefix = prefix.to_owned();
                services.push(ServiceAccess { prefix, last: Vec::new(), actions: Vec::new() });
            }
        }
        for of in &mut services {
            of.actions.clear();
            of.last.sort_by_key(|access| std::cmp::Reverse(Instant::from(access.at)));
        }
        services.sort_by(|one, other| one.prefix.cmp(&other.prefix));
        let (created, subject) = (cx.now().into(), input.entity_path);
        let report = AccessReport { created, subject, action_level: false, entities, services };
        let id = self.platform.env.rng.uuid();
        self.state.put_report(cx.account(), &id, &report).await?;
        Ok(s::GenerateOrganizationsAccessReportResponse { job_id: Some(id) })
    }
}

impl Handle<op::GetOrganizationsAccessReport> for Iam {
    async fn access(&self, cx: &Cx, _: &s::GetOrganizationsAccessReportRequest) -> Result<Vec<Access>> {
        Iam::to(cx, "iam:GetOrganizationsAccessReport")
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetOrganizationsAccessReportRequest,
    ) -> Result<s::GetOrganizationsAccessReportResponse> {
        let report = self.report(cx, &input.job_id).await?;
        let key = input.sort_key.as_deref().unwrap_or(sort::SERVICE_NAMESPACE_ASCENDING);
        let mut services: Vec<&ServiceAccess> = report.services.iter().collect();
        let newest = |of: &&ServiceAccess| of.last.first().map(|access| Instant::from(access.at));
        match key {
            sort::SERVICE_NAMESPACE_DESCENDING => services.reverse(),
            sort::LAST_AUTHENTICATED_TIME_ASCENDING => services.sort_by_key(newest),
            sort::LAST_AUTHENTICATED_TIME_DESCENDING => {
                services.sort_by_key(|of| std::cmp::Reverse(newest(of)))
            }
            _ => {}
        }
        let accessible = services.len();
        let unused = services.iter().filter(|of| of.last.is_empty()).count();
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("GetOrganizationsAccessReport {} {key}", input.job_id),
        };
        let numbered = services.into_iter().enumerate().collect();
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:06}"))?;
        let shown = page.items.into_iter().map(|(_, of)| {
            let newest = of.last.first();
            s::AccessDetail {
                service_name: last_accessed::name(&of.prefix),
                service_namespace: of.prefix.clone(),
                region: newest.map(|access| access.region.clone()),
                entity_path: newest.map(|access| report.entities[access.entity].arn.clone()),
                last_authenticated_time: newest.map(|access| access.at.into()),
                total_authenticated_entities: Some(of.last.len() as i32),
            }
        });
        Ok(s::GetOrganizationsAccessReportResponse {
            job_status: status::COMPLETED.to_owned(),
            job_creation_date: report.created.into(),
            job_completion_date: Some(report.created.into()),
            number_of_services_accessible: Some(accessible as i32),
            number_of_services_not_accessed: Some(unused as i32),
            access_details: Some(shown.collect()),
            is_truncated: page.is_truncated,
            marker: page.marker,
            error_details: None,
        })
    }
}

impl Iam {
    pub(super) async fn membership(&self, account: haneul_kit::AccountId) -> Result<Option<Membership>> {
        let standing = self.platform.standing(account).await?;
        Ok(standing.and_then(|standing| standing.membership.clone()))
    }
}
