use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;

use super::policies::{TYPE_KEY, kind};
use crate::organizations::{On, Who};
use crate::{Organizations, render};

impl Handle<op::EnablePolicyType> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::EnablePolicyTypeRequest) -> Result<Vec<Access>> {
        let keys = [(TYPE_KEY, input.policy_type.as_str())];
        let on = [On::Target(&input.root_id)];
        self.ask(cx, Who::Delegate, "organizations:EnablePolicyType", &on, &keys).await
    }

    async fn call(&self, cx: &Cx, input: s::EnablePolicyTypeRequest) -> Result<s::EnablePolicyTypeResponse> {
        let vantage = self.enter(cx, Who::Delegate).await?;
        let kind = kind(&input.policy_type)?;
        let changed = self.state.set_type(&vantage.id, &input.root_id, kind, true).await?;
        Ok(s::EnablePolicyTypeResponse { root: Some(render::root(&vantage.id, &changed)) })
    }
}

impl Handle<op::DisablePolicyType> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DisablePolicyTypeRequest) -> Result<Vec<Access>> {
        let keys = [(TYPE_KEY, input.policy_type.as_str())];
        let on = [On::Target(&input.root_id)];
        self.ask(cx, Who::Delegate, "organizations:DisablePolicyType", &on, &keys).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DisablePolicyTypeRequest,
    ) -> Result<s::DisablePolicyTypeResponse> {
        let vantage = self.enter(cx, Who::Delegate).await?;
        let kind = kind(&input.policy_type)?;
        let changed = self.state.set_type(&vantage.id, &input.root_id, kind, false).await?;
        Ok(s::DisablePolicyTypeResponse { root: Some(render::root(&vantage.id, &changed)) })
    }
}
