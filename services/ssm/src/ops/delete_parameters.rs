use haneul_kit::{Access, Cx, Handle, Result};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use crate::error;
use crate::model::FullName;
use crate::parameters::Parameters;

impl Handle<op::DeleteParameter> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::DeleteParameterRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "ssm:DeleteParameter", &input.name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteParameterRequest) -> Result<s::DeleteParameterResult> {
        let name = own(cx, &input.name);
        // One that has expired is gone already.
        self.get(cx, &name).await?;
        match self.state.remove(&name).await? {
            true => Ok(s::DeleteParameterResult {}),
            false => Err(error::not_found()),
        }
    }
}

impl Handle<op::DeleteParameters> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::DeleteParametersRequest) -> Result<Vec<Access>> {
        let mut all = Vec::with_capacity(input.names.len());
        for name in &input.names {
            all.push(self.ask(cx, "ssm:DeleteParameters", name).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::DeleteParametersRequest) -> Result<s::DeleteParametersResult> {
        let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
        for text in input.names {
            let name = own(cx, &text);
            let there = self.find(cx, &name).await?.is_some() && self.state.remove(&name).await?;
            if there { deleted.push(text) } else { invalid.push(text) }
        }
        Ok(s::DeleteParametersResult { deleted_parameters: Some(deleted), invalid_parameters: Some(invalid) })
    }
}

/// A name of the caller's account; ARNs are not taken.
pub(super) fn own(cx: &Cx, text: &str) -> FullName {
    FullName { account: cx.account(), region: cx.region(), name: text.trim().to_owned() }
}
