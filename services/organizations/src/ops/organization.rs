use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use crate::organizations::{On, Who};
use crate::page::{self, Wanted};
use crate::store::organization::Ids;
use crate::{Organizations, error, ids, render};

impl Handle<op::CreateOrganization> for Organizations {
    async fn access(&self, _: &Cx, _: &s::CreateOrganizationRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("organizations:CreateOrganization")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateOrganizationRequest,
    ) -> Result<s::CreateOrganizationResponse> {
        let all_features = match input.feature_set.as_deref() {
            None | Some("ALL") => true,
            Some("CONSOLIDATED_BILLING") => false,
            Some(_) => return Err(error::invalid("INVALID_ENUM", "You specified an invalid feature set.")),
        };
        if self.vantage(cx, Who::Member).await?.is_some() {
            return Err(error::already_in_organization());
        }
        self.make_service_linked_role(cx.account()).await?;
        let rng = &self.platform.env.rng;
        let ids = Ids { organization: ids::organization(rng), root: ids::root(rng) };
        let (made, master) =
            self.state.create_organization(cx.account(), all_features, &ids, cx.now()).await?;
        let organization = render::organization(&ids.organization, &made, &master);
        Ok(s::CreateOrganizationResponse { organization: Some(organization) })
    }
}

impl Handle<op::DescribeOrganization> for Organizations {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        self.ask(cx, Who::Member, "organizations:DescribeOrganization", &[On::All], &[]).await
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<s::DescribeOrganizationResponse> {
        let vantage = self.enter(cx, Who::Member).await?;
        let management = vantage.organization.management();
        let master = self.state.account(management).await?.ok_or_else(error::not_in_use)?;
        let organization = render::organization(&vantage.id, &vantage.organization, &master);
        Ok(s::DescribeOrganizationResponse { organization: Some(organization) })
    }
}

impl Handle<op::DeleteOrganization> for Organizations {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        self.ask(cx, Who::Management, "organizations:DeleteOrganization", &[On::All], &[]).await
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        self.state.delete_organization(&vantage.id, cx.now()).await?;
        Ok(Empty)
    }
}

impl Handle<op::LeaveOrganization> for Organizations {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        self.ask(cx, Who::Member, "organizations:LeaveOrganization", &[On::All], &[]).await
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Member).await?;
        self.state.remove_account(&vantage.id, cx.account()).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListRoots> for Organizations {
    async fn access(&self, cx: &Cx, _: &s::ListRootsRequest) -> Result<Vec<Access>> {
        self.ask(cx, Who::Reader, "organizations:ListRoots", &[On::All], &[]).await
    }

    async fn call(&self, cx: &Cx, input: s::ListRootsRequest) -> Result<s::ListRootsResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("roots {}", vantage.id),
        };
        let all = vec![render::root(&vantage.id, &vantage.organization)];
        let (roots, next_token) =
            page::cut(&self.platform.seal, &wanted, all, |root| root.id.clone().unwrap_or_default())?;
        Ok(s::ListRootsResponse { roots, next_token })
    }
}
