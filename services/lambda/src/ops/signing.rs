use haneul_kit::{Access, AccountId, Arn, Cx, Handle, Instant, Region, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;

use super::paging::limit;
use super::render::time;
use crate::model::SigningRecord;
use crate::{Lambda, error, names, settings};

type At = (AccountId, Region, String);

/// Functions that one listing looks through.
const FUNCTIONS_MAX: usize = usize::MAX;

fn read(given: &str) -> Result<(At, Arn)> {
    let wrong =
        || error::parameter(format!("The code signing configuration's ARN is not well formed: {given}"));
    let arn = Arn::parse(given).map_err(|_| wrong())?;
    let account = arn.account_id().ok_or_else(wrong)?;
    let region = arn.region().parse().map_err(|_| wrong())?;
    let id = arn.resource().strip_prefix("code-signing-config:").ok_or_else(wrong)?.to_owned();
    Ok(((account, region, id), arn))
}

fn shown(at: &At, record: &SigningRecord) -> s::CodeSigningConfig {
    let arn = Arn::new("lambda", at.1, at.0, format_args!("code-signing-config:{}", at.2));
    let policy = if record.enforce { "Enforce" } else { "Warn" };
    s::CodeSigningConfig {
        code_signing_config_id: at.2.clone(),
        code_signing_config_arn: arn.to_string(),
        description: record.description.clone(),
        allowed_publishers: s::AllowedPublishers { signing_profile_version_arns: record.publishers.clone() },
        code_signing_policies: s::CodeSigningPolicies {
            untrusted_artifact_on_deployment: Some(policy.into()),
        },
        last_modified: time(Instant::from_millis(record.modified_ms).millis()),
    }
}

impl Lambda {
    async fn on_signing(&self, action: &'static str, given: &str) -> Result<Access> {
        let (at, arn) = read(given)?;
        let tags = self.records.signing(&at).await.map(|record| record.tags).unwrap_or_default();
        let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(Access::on(action, &arn).resource_tags(pairs))
    }

    /// Whether a package may be deployed under a code signing configuration.
    ///
    /// The form in which AWS Signer signs packages is not public, so no signature can be verified: every package counts as
    /// one without a trusted signature, which the policy Enforce refuses and Warn lets through.
    pub(super) async fn check_signature(&self, _: &Cx, config: Option<&str>, _: &[u8]) -> Result<()> {
        let Some(config) = config else { return Ok(()) };
        let (at, _) = read(config)?;
        match self.records.signing(&at).await?.enforce {
            true => Err(error::verification(
                "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client \
                 is not configured to accept. Check the provided signature for unsigned.",
            )),
            false => Ok(()),
        }
    }
}

impl Handle<op::CreateCodeSigningConfig> for Lambda {
    async fn access(&self, _: &Cx, input: &s::CreateCodeSigningConfigRequest) -> Result<Vec<Access>> {
        let tags = input.tags.iter().flat_map(|tags| tags.iter());
        let tags = tags.map(|(key, value)| (key, value.as_str()));
        Ok(vec![Access::to("lambda:CreateCodeSigningConfig").request_tags(tags)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateCodeSigningConfigRequest,
    ) -> Result<s::CreateCodeSigningConfigResponse> {
        settings::tags(&input.tags)?;
        let id = self.platform.env.rng.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 17);
        let record = SigningRecord {
            description: input.description,
            publishers: input.allowed_publishers.signing_profile_version_arns,
            enforce: enforces(input.code_signing_policies.as_ref()),
            modified_ms: cx.now().millis(),
            tags: input.tags.unwrap_or_default().into_iter().collect(),
        };
        let at = (cx.account(), cx.region(), format!("csc-{id}"));
        self.records.put_signing(&at, &record).await?;
        Ok(s::CreateCodeSigningConfigResponse { code_signing_config: shown(&at, &record) })
    }
}

fn enforces(policies: Option<&s::CodeSigningPolicies>) -> bool {
    policies.and_then(|policies| policies.untrusted_artifact_on_deployment.as_deref()) == Some("Enforce")
}

impl Handle<op::UpdateCodeSigningConfig> for Lambda {
    async fn access(&self, _: &Cx, input: &s::UpdateCodeSigningConfigRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_signing("lambda:UpdateCodeSigningConfig", &input.code_signing_config_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateCodeSigningConfigRequest,
    ) -> Result<s::UpdateCodeSigningConfigResponse> {
        let (at, _) = read(&input.code_signing_config_arn)?;
        let mut record = self.records.signing(&at).await?;
        record.description = input.description.or(record.description);
        if let Some(publishers) = input.allowed_publishers {
            record.publishers = publishers.signing_profile_version_arns;
        }
        if input.code_signing_policies.is_some() {
            record.enforce = enforces(input.code_signing_policies.as_ref());
        }
        record.modified_ms = cx.now().millis();
        self.records.put_signing(&at, &record).await?;
        Ok(s::UpdateCodeSigningConfigResponse { code_signing_config: shown(&at, &record) })
    }
}

impl Handle<op::GetCodeSigningConfig> for Lambda {
    async fn access(&self, _: &Cx, input: &s::GetCodeSigningConfigRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_signing("lambda:GetCodeSigningConfig", &input.code_signing_config_arn).await?])
    }

    async fn call(
        &self,
        _: &Cx,
        input: s::GetCodeSigningConfigRequest,
    ) -> Result<s::GetCodeSigningConfigResponse> {
        let (at, _) = read(&input.code_signing_config_arn)?;
        let record = self.records.signing(&at).await?;
        Ok(s::GetCodeSigningConfigResponse { code_signing_config: shown(&at, &record) })
    }
}

impl Handle<op::DeleteCodeSigningConfig> for Lambda {
    async fn access(&self, _: &Cx, input: &s::DeleteCodeSigningConfigRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_signing("lambda:DeleteCodeSigningConfig", &input.code_signing_config_arn).await?])
    }

    async fn call(
        &self,
        _: &Cx,
        input: s::DeleteCodeSigningConfigRequest,
    ) -> Result<s::DeleteCodeSigningConfigResponse> {
        let (at, arn) = read(&input.code_signing_config_arn)?;
        self.records.signing(&at).await?;
        let functions = self.records.functions(at.0, at.1, None, FUNCTIONS_MAX).await?;
        if functions.iter().any(|(_, record)| record.code_signing_config.as_deref() == Some(arn.as_str())) {
            return Err(error::conflict(format!(
                "Cannot delete the code signing configuration {arn}: it is used by functions."
            )));
        }
        self.records.delete_signing(&at).await?;
        Ok(s::DeleteCodeSigningConfigResponse {})
    }
}

impl Handle<op::ListCodeSigningConfigs> for Lambda {
    async fn access(&self, _: &Cx, _: &s::ListCodeSigningConfigsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("lambda:ListCodeSigningConfigs")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListCodeSigningConfigsRequest,
    ) -> Result<s::ListCodeSigningConfigsResponse> {
        let begin: Option<String> = self.begin(cx, "signing", input.marker.as_deref())?;
        let mut all = self.records.signings(cx.account(), cx.region()).await?;
        all.retain(|(id, _)| begin.as_ref().is_none_or(|begin| id > begin));
        let page = self.page(cx, "signing", all, limit(input.max_items), |(id, _)| id.clone());
        let configs =
            page.items.iter().map(|(id, record)| shown(&(cx.account(), cx.region(), id.clone()), record));
        Ok(s::ListCodeSigningConfigsResponse {
            code_signing_configs: Some(configs.collect()),
            next_marker: page.next,
        })
    }
}

impl Handle<op::ListFunctionsByCodeSigningConfig> for Lambda {
    async fn access(
        &self,
        _: &Cx,
        input: &s::ListFunctionsByCodeSigningConfigRequest,
    ) -> Result<Vec<Access>> {
        let action = "lambda:ListFunctionsByCodeSigningConfig";
        Ok(vec![self.on_signing(action, &input.code_signing_config_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListFunctionsByCodeSigningConfigRequest,
    ) -> Result<s::ListFunctionsByCodeSigningConfigResponse> {
        let (at, arn) = read(&input.code_signing_config_arn)?;
        self.records.signing(&at).await?;
        let listing = format!("functions of {}", at.2);
        let begin: Option<String> = self.begin(cx, &listing, input.marker.as_deref())?;
        let mut all = self.records.functions(at.0, at.1, begin.as_deref(), FUNCTIONS_MAX).await?;
        all.retain(|(_, record)| record.code_signing_config.as_deref() == Some(arn.as_str()));
        let page = self.page(cx, &listing, all, limit(input.max_items), |(name, _)| name.name.clone());
        let arns = page.items.iter().map(|(name, _)| name.arn().to_string()).collect();
        Ok(s::ListFunctionsByCodeSigningConfigResponse { function_arns: Some(arns), next_marker: page.next })
    }
}

impl Handle<op::PutFunctionCodeSigningConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PutFunctionCodeSigningConfigRequest) -> Result<Vec<Access>> {
        let access =
            self.on_function(cx, "lambda:PutFunctionCodeSigningConfig", &input.function_name).await?;
        Ok(vec![access.key("lambda:CodeSigningConfigArn", input.code_signing_config_arn.as_str())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutFunctionCodeSigningConfigRequest,
    ) -> Result<s::PutFunctionCodeSigningConfigResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let (at, arn) = read(&input.code_signing_config_arn)?;
        self.records.signing(&at).await?;
        self.records
            .change(&function, |record| {
                record.code_signing_config = Some(arn.to_string());
                Ok(())
            })
            .await?;
        Ok(s::PutFunctionCodeSigningConfigResponse {
            code_signing_config_arn: arn.to_string(),
            function_name: function.name,
        })
    }
}

impl Handle<op::GetFunctionCodeSigningConfig> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetFunctionCodeSigningConfigRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:GetFunctionCodeSigningConfig", &input.function_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFunctionCodeSigningConfigRequest,
    ) -> Result<s::GetFunctionCodeSigningConfigResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let config = self.records.get(&function).await?.code_signing_config;
        Ok(s::GetFunctionCodeSigningConfigResponse {
            code_signing_config_arn: config.unwrap_or_default(),
            function_name: function.name,
        })
    }
}

impl Handle<op::DeleteFunctionCodeSigningConfig> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteFunctionCodeSigningConfigRequest,
    ) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:DeleteFunctionCodeSigningConfig", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteFunctionCodeSigningConfigRequest) -> Result<Empty> {
        let function = names::read(cx, &input.function_name, None)?.function;
        self.records
            .change(&function, |record| {
                record.code_signing_config = None;
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}
