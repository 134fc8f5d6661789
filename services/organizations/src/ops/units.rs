use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;
use haneul_store::Reads;

use super::{borrowed, tags_of};
use crate::model::UNITS;
use crate::organizations::{On, Who};
use crate::{Organizations, error, ids, render};

impl Handle<op::CreateOrganizationalUnit> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::CreateOrganizationalUnitRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.parent_id)];
        let tags = borrowed(input.tags.as_ref());
        let mut all = Vec::new();
        let tagging = (!tags.is_empty()).then_some("organizations:TagResource");
        for action in ["organizations:CreateOrganizationalUnit"].into_iter().chain(tagging) {
            for access in self.ask(cx, Who::Management, action, &on, &[]).await? {
                all.push(access.request_tags(tags.iter().copied()));
            }
        }
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateOrganizationalUnitRequest,
    ) -> Result<s::CreateOrganizationalUnitResponse> {
        let vantage = self.enter(cx, Who::Management).await?;
        let tags = tags_of(input.tags)?;
        let unit_id = ids::unit(&self.platform.env.rng, &vantage.organization.root);
        let made =
            self.state.create_unit(&vantage.id, &unit_id, &input.parent_id, &input.name, &tags).await?;
        let unit = render::unit(&self.state.store, &vantage.id, &made.0, &unit_id, &made.1).await?;
        Ok(s::CreateOrganizationalUnitResponse { organizational_unit: Some(unit) })
    }
}

impl Handle<op::DescribeOrganizationalUnit> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DescribeOrganizationalUnitRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.organizational_unit_id)];
        self.ask(cx, Who::Reader, "organizations:DescribeOrganizationalUnit", &on, &[]).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeOrganizationalUnitRequest,
    ) -> Result<s::DescribeOrganizationalUnitResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let snapshot = self.state.store.snapshot().await?;
        let unit_id = &input.organizational_unit_id;
        let unit = snapshot.get(&UNITS, &(&vantage.id, unit_id)).await?.ok_or_else(error::unit_not_found)?;
        let unit = render::unit(&snapshot, &vantage.id, &vantage.organization, unit_id, &unit).await?;
        Ok(s::DescribeOrganizationalUnitResponse { organizational_unit: Some(unit) })
    }
}

impl Handle<op::UpdateOrganizationalUnit> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::UpdateOrganizationalUnitRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.organizational_unit_id)];
        self.ask(cx, Who::Management, "organizations:UpdateOrganizationalUnit", &on, &[]).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateOrganizationalUnitRequest,
    ) -> Result<s::UpdateOrganizationalUnitResponse> {
        let vantage = self.enter(cx, Who::Management).await?;
        let unit_id = &input.organizational_unit_id;
        let made = self.state.rename_unit(&vantage.id, unit_id, input.name.as_deref()).await?;
        let unit = render::unit(&self.state.store, &vantage.id, &made.0, unit_id, &made.1).await?;
        Ok(s::UpdateOrganizationalUnitResponse { organizational_unit: Some(unit) })
    }
}

impl Handle<op::DeleteOrganizationalUnit> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DeleteOrganizationalUnitRequest) -> Result<Vec<Access>> {
        let on = [On::Target(&input.organizational_unit_id)];
        self.ask(cx, Who::Management, "organizations:DeleteOrganizationalUnit", &on, &[]).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteOrganizationalUnitRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        self.state.delete_unit(&vantage.id, &input.organizational_unit_id).await?;
        Ok(Empty)
    }
}
