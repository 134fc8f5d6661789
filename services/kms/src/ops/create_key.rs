use std::collections::BTreeMap;

use haneul_kit::{Access, Cx, Handle, Result, Tags};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::tags;
use crate::access::{origin, via_service};
use crate::crypto::material;
use crate::kms::Kms;
use crate::model::{KeyName, KeyRecord, MultiRegion};
use crate::spec::{ENCRYPT_DECRYPT, Spec};
use crate::{error, policy, render};

impl Handle<op::CreateKey> for Kms {
    async fn access(&self, cx: &Cx, input: &s::CreateKeyRequest) -> Result<Vec<Access>> {
        let spec = spec_name(input);
        let imported = input.origin.as_deref() == Some("EXTERNAL");
        let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
        let mut access = Access::to("kms:CreateKey")
            .key("kms:CallerAccount", cx.account().to_string())
            .key("kms:KeySpec", spec)
            .key("kms:CustomerMasterKeySpec", spec)
            .key("kms:KeyUsage", input.key_usage.as_deref().unwrap_or(ENCRYPT_DECRYPT))
            .key("kms:CustomerMasterKeyUsage", input.key_usage.as_deref().unwrap_or(ENCRYPT_DECRYPT))
            .key("kms:KeyOrigin", input.origin.as_deref().unwrap_or(origin(imported)))
            .key("kms:MultiRegion", input.multi_region.unwrap_or(false).to_string())
            .request_tags(tags::borrowed(input.tags.as_ref()));
        if input.multi_region == Some(true) {
            access = access.key("kms:MultiRegionKeyType", "PRIMARY");
        }
        if let Some(via) = via_service(cx) {
            access = access.key("kms:ViaService", via);
        }
        let tagging = Access { action: "kms:TagResource", ..access.clone() };
        let access = access.key("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string());
        if input.tags.as_ref().is_none_or(Vec::is_empty) {
            return Ok(vec![access]);
        }
        Ok(vec![access, tagging])
    }

    async fn call(&self, cx: &Cx, input: s::CreateKeyRequest) -> Result<s::CreateKeyResponse> {
        let (spec, usage) = spec_and_usage(&input)?;
        let imported = origin_is_external(&input, spec)?;
        let tags: Tags = tags::parse(input.tags)?;
        let multi_region = input.multi_region.unwrap_or(false);
        let name = self.new_name(cx, multi_region);
        let policy_text = match input.policy {
            Some(text) => {
                let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
                self.check_policy(cx, &name, &text, bypass).await?
            }
            None => policy::default(cx.account()),
        };
        let mut record = KeyRecord {
            created_ms: cx.now().millis(),
            description: input.description.unwrap_or_default(),
            usage,
            spec: spec.name().to_owned(),
            imported,
            aws_managed: false,
            enabled: true,
            deletion: None,
            policy: policy_text,
            tags: tags
                .iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect::<BTreeMap<_, _>>(),
            materials: Vec::new(),
            rotation: None,
            on_demand_rotations: 0,
            multi_region: multi_region
                .then(|| MultiRegion { primary: cx.region().as_str().to_owned(), replicas: Vec::new() }),
        };
        if !imported {
            let secret = material::generate(self.env(), spec).await.map_err(error::broken)?;
            record.materials.push(self.state.record_of(&name, &secret).await?);
        }
        self.state.create_key(&name, &record).await?;
        Ok(s::CreateKeyResponse { key_metadata: Some(render::metadata(cx, &name, &record)) })
    }
}

impl Kms {
    fn new_name(&self, cx: &Cx, multi_region: bool) -> KeyName {
        let uuid = self.env().rng.uuid();
        let id = if multi_region { format!("mrk-{}", uuid.replace('-', "")) } else { uuid };
        KeyName { account: cx.account(), region: cx.region(), id }
    }
}

fn spec_name(input: &s::CreateKeyRequest) -> &str {
    input.key_spec.as_deref().or(input.customer_master_key_spec.as_deref()).unwrap_or("SYMMETRIC_DEFAULT")
}

fn spec_and_usage(input: &s::CreateKeyRequest) -> Result<(Spec, String)> {
    if input.key_spec.is_some() && input.customer_master_key_spec.is_some() {
        return Err(error::validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is \
             deprecated.",
        ));
    }
    let name = spec_name(input);
    // SM2 is for China Regions only, and no crate for it is kept well enough.
    let spec = Spec::parse(name)
        .ok_or_else(|| error::unsupported(format!("KeySpec {name} is not supported in this Region.")))?;
    let Some(usage) = input.key_usage.as_deref() else {
        return match spec {
            Spec::Symmetric => Ok((spec, ENCRYPT_DECRYPT.to_owned())),
            _ => Err(error::validation(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
            )),
        };
    };
    if !spec.usages().contains(&usage) {
        return Err(error::validation(format!("KeyUsage {usage} is not compatible with KeySpec {name}")));
    }
    Ok((spec, usage.to_owned()))
}

fn origin_is_external(input: &s::CreateKeyRequest, spec: Spec) -> Result<bool> {
    if input.custom_key_store_id.is_some() || input.xks_key_id.is_some() {
        return Err(error::unsupported("Custom key stores are not supported: they need AWS CloudHSM."));
    }
    match input.origin.as_deref() {
        None | Some("AWS_KMS") => Ok(false),
        Some("EXTERNAL") if matches!(spec, Spec::MlDsa(_) | Spec::MlKem(_)) => Err(error::unsupported(
            format!("Key material cannot be imported into keys of KeySpec {}.", spec.name()),
        )),
        Some("EXTERNAL") => Ok(true),
        Some(origin) => Err(error::unsupported(format!(
            "Origin {origin} is not supported: custom key stores need AWS CloudHSM or an external key manager."
        ))),
    }
}
