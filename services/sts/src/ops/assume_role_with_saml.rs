use haneul_kit::{Access, Arn, Cx, Handle, Result};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use super::federated::{Assumed, Holder, Wanted};
use crate::error;
use crate::saml::{self, Assertion, Expected};
use crate::sts::{Sts, credentials, role_arn_of_request};

const ACTION: &str = "sts:AssumeRoleWithSAML";
const SECS_DEFAULT: u64 = 3600;

impl Handle<op::AssumeRoleWithSAML> for Sts {
    async fn access(&self, cx: &Cx, input: &s::AssumeRoleWithSAMLRequest) -> Result<Vec<Access>> {
        let arn = role_arn_of_request(&input.role_arn)?;
        let assertion = self.saml_assertion(cx, &arn, input).await?;
        let role = self.role(&arn).await?;
        Ok(holder(&input.principal_arn, &assertion).accesses(ACTION, &arn, role.as_ref()))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::AssumeRoleWithSAMLRequest,
    ) -> Result<s::AssumeRoleWithSAMLResponse> {
        let arn = role_arn_of_request(&input.role_arn)?;
        // Verified when access was decided; read once more because nothing is handed over from there.
        let assertion = self.saml_assertion(cx, &arn, &input).await?;
        let role = self.role(&arn).await?.ok_or_else(|| error::not_authorized(ACTION))?;
        let left = assertion.session_not_on_or_after.map(|end| end.since(cx.now()).as_secs());
        let secs = input.duration_seconds.unwrap_or(assertion.session_secs.unwrap_or(SECS_DEFAULT) as i32);
        let wanted = Wanted {
            policy: input.policy,
            policy_arns: input.policy_arns,
            secs,
            secs_max: left,
            size_min: input.minimum_session_token_size,
        };
        let holder = holder(&input.principal_arn, &assertion);
        let source_identity = holder.source_identity.clone();
        let Assumed { credentials: made, user, packed_policy_size } =
            self.assume_federated(cx, &role, holder, wanted).await?;
        let size = made.session_token.len() as i32;
        Ok(s::AssumeRoleWithSAMLResponse {
            credentials: Some(credentials(made)),
            assumed_role_user: Some(user),
            packed_policy_size,
            subject: Some(assertion.subject),
            subject_type: Some(assertion.subject_type),
            issuer: Some(assertion.issuer),
            audience: Some(assertion.audience),
            name_qualifier: Some(assertion.name_qualifier),
            source_identity,
            session_token_utilization: None,
            session_token_size: Some(size),
        })
    }
}

impl Sts {
    async fn saml_assertion(
        &self,
        cx: &Cx,
        role_arn: &Arn,
        input: &s::AssumeRoleWithSAMLRequest,
    ) -> Result<Assertion> {
        let provider_arn = Arn::parse(&input.principal_arn).map_err(|_| error::request_arn())?;
        let provider = self.platform.directory().saml_provider(&provider_arn).await?;
        let provider = provider.ok_or_else(error::no_provider)?;
        // IAM User Guide: role and provider are of one account.
        if provider_arn.account_id() != role_arn.account_id() {
            return Err(error::not_authorized(ACTION));
        }
        if provider.valid_until <= cx.now() {
            return Err(error::metadata_expired());
        }
        let name = provider_arn.resource().strip_prefix("saml-provider/").unwrap_or_default();
        let expected = Expected {
            provider_arn: &input.principal_arn,
            provider: &format!("{}/{name}", provider_arn.account()),
            issuer: &provider.entity_id,
            certificates: &provider.signing_certificates,
            role_arn: &input.role_arn,
            now: cx.now(),
        };
        saml::verify(&input.saml_assertion, &expected).map_err(error::saml)
    }
}

/// IAM User Guide, "Available keys for SAML-based AWS STS federation".
fn holder(provider_arn: &str, assertion: &Assertion) -> Holder {
    let one = |key: &str, value: &str| (key.to_owned(), vec![value.to_owned()]);
    let name = provider_arn.rsplit('/').next().unwrap_or_default();
    let account = provider_arn.split(':').nth(4).unwrap_or_default();
    let kept = vec![
        one("saml:namequalifier", &assertion.name_qualifier),
        one("saml:sub", &assertion.subject),
        one("saml:sub_type", &assertion.subject_type),
    ];
    let mut keys = kept.clone();
    keys.push(one("saml:aud", &assertion.audience));
    keys.push(one("saml:iss", &assertion.issuer));
    keys.push(one("saml:doc", &format!("{account}/{name}")));
    keys.extend(assertion.keys.iter().map(|(key, values)| ((*key).to_owned(), values.clone())));
    Holder {
        provider: provider_arn.to_owned(),
        session_name: assertion.session_name.clone(),
        source_identity: assertion.source_identity.clone(),
        tags: assertion.tags.clone(),
        transitive_tag_keys: assertion.transitive_tag_keys.clone(),
        keys,
        kept,
    }
}
