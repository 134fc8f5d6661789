use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use crate::validate::{Kind, validate};
use crate::{AccessAnalyzer, error, page, render};

impl Handle<op::ValidatePolicy> for AccessAnalyzer {
    async fn access(&self, _: &Cx, _: &s::ValidatePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("access-analyzer:ValidatePolicy")])
    }

    async fn call(&self, cx: &Cx, input: s::ValidatePolicyRequest) -> Result<s::ValidatePolicyResponse> {
        if input.locale.as_deref().is_some_and(|locale| locale != "EN") {
            return Err(error::not_supported("Findings are there in English (EN) only."));
        }
        let trust =
            input.validate_policy_resource_type.as_deref() == Some("AWS::IAM::AssumeRolePolicyDocument");
        let kind = match (input.policy_type.as_str(), trust) {
            ("IDENTITY_POLICY", _) => Kind::Identity,
            ("RESOURCE_POLICY", true) => Kind::Trust,
            ("RESOURCE_POLICY", false) => Kind::Resource,
            ("SERVICE_CONTROL_POLICY", _) => Kind::ServiceControl,
            ("RESOURCE_CONTROL_POLICY", _) => Kind::ResourceControl,
            (other, _) => return Err(error::invalid(format!("The policy type {other} is not valid."))),
        };
        if input.validate_policy_resource_type.is_some() && input.policy_type != "RESOURCE_POLICY" {
            return Err(error::invalid("validatePolicyResourceType is for resource policies only."));
        }
        let findings = validate(&input.policy_document, kind);
        let purpose = format!("validate {} {}", cx.account(), input.policy_type);
        let token = input.next_token.as_deref();
        let (findings, next_token) =
            page::cut(&self.platform.seal, &purpose, token, input.max_results, findings)?;
        Ok(s::ValidatePolicyResponse {
            findings: findings.iter().map(render::policy_finding).collect(),
            next_token,
        })
    }
}
