use haneul_kit::{Access, Cx, Handle, Result};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use crate::error;
use crate::name::check_asked;
use crate::parameters::Parameters;

impl Handle<op::GetParameter> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::GetParameterRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "ssm:GetParameter", &input.name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetParameterRequest) -> Result<s::GetParameterResult> {
        check_asked(cx, &input.name)?;
        let read = self.read(cx, &input.name).await?;
        self.meter(cx, "GetParameter", std::iter::once(&*read.version.tier)).await?;
        let shown = self.show(cx, read, input.with_decryption.unwrap_or(false)).await?;
        Ok(s::GetParameterResult { parameter: Some(shown) })
    }
}

impl Handle<op::GetParameters> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::GetParametersRequest) -> Result<Vec<Access>> {
        let mut all = Vec::with_capacity(input.names.len());
        for name in &input.names {
            all.push(self.ask(cx, "ssm:GetParameters", name).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::GetParametersRequest) -> Result<s::GetParametersResult> {
        let (mut found, mut invalid, mut tiers) = (Vec::new(), Vec::new(), Vec::new());
        for (at, name) in input.names.iter().enumerate() {
            if input.names[..at].contains(name) {
                return Err(error::validation("Duplicate parameter names are not allowed in one request."));
            }
            match self.read(cx, name).await {
                Ok(read) => {
                    tiers.push(read.version.tier.clone());
                    found.push(self.show(cx, read, input.with_decryption.unwrap_or(false)).await?);
                }
                Err(refused)
                    if matches!(refused.code(), "ParameterNotFound" | "ParameterVersionNotFound") =>
                {
                    invalid.push(name.clone());
                }
                Err(error) => return Err(error),
            }
        }
        self.meter(cx, "GetParameters", tiers.iter().map(String::as_str)).await?;
        Ok(s::GetParametersResult { parameters: Some(found), invalid_parameters: Some(invalid) })
    }
}
