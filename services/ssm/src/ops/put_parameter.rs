use std::collections::BTreeMap;

use haneul_kit::{Access, Cx, Handle, Result, Tags};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use super::service_settings::DEFAULT_TIER;
use super::tags::{borrowed, refused};
use crate::calls::DEFAULT_KEY;
use crate::error;
use crate::model::{
    ADVANCED, FullName, INTELLIGENT, ParameterRecord, SECURE_STRING, STANDARD, STRING_LIST, VersionRecord,
};
use crate::parameters::Parameters;
use crate::policies::{self, Policies};
use crate::{name, value};

const STANDARD_BYTES_MAX: usize = 4096;
const ADVANCED_BYTES_MAX: usize = 8192;

/// Tries of a change that others come between.
const ATTEMPTS_MAX: usize = 10;

impl Handle<op::PutParameter> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::PutParameterRequest) -> Result<Vec<Access>> {
        let mut access = self.ask(cx, "ssm:PutParameter", &input.name).await?;
        access = access.request_tags(borrowed(input.tags.as_ref()));
        let tagging = Access { action: "ssm:AddTagsToResource", ..access.clone() };
        let mut all = vec![access.key("ssm:Overwrite", input.overwrite.unwrap_or(false).to_string())];
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            all.push(tagging);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::PutParameterRequest) -> Result<s::PutParameterResult> {
        let text = input.name.trim();
        name::check_new(cx, text)?;
        let full = FullName { account: cx.account(), region: cx.region(), name: text.to_owned() };
        let overwrite = input.overwrite.unwrap_or(false);
        if overwrite && input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            return Err(error::validation(
                "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please \
                 remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
                 RemoveTagsFromResource.",
            ));
        }
        let tags = input.tags.iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone()));
        let tags = Tags::from_request(tags).map_err(refused)?;
        let tags: BTreeMap<String, String> = tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        for _ in 0..ATTEMPTS_MAX {
            let before = self.find(cx, &full).await?;
            if before.is_some() && !overwrite {
                return Err(error::exists());
            }
            let version = self.version_of(cx, &full, &input, before.as_ref()).await?;
            let seen = before.as_ref().map(|before| before.version);
            if let Some(number) = self.state.put(&full, seen, &version, &tags).await? {
                self.due.wake();
                self.meter(cx, "PutParameter", std::iter::once(&*version.tier)).await?;
                return Ok(s::PutParameterResult { version: Some(number as i64), tier: Some(version.tier) });
            }
        }
        Err(haneul_kit::ApiError::new(
            "TooManyUpdates",
            "There are concurrent updates for a resource that supports one update at a time.",
        ))
    }
}

impl Parameters {
    /// The version that a request makes of what was there.
    async fn version_of(
        &self,
        cx: &Cx,
        full: &FullName,
        input: &s::PutParameterRequest,
        before: Option<&ParameterRecord>,
    ) -> Result<VersionRecord> {
        let latest = before.map(|before| &before.latest);
        let kind = kind(input, latest)?;
        let text = &input.value;
        if text.is_empty() {
            return Err(error::validation(
                "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length \
                 greater than or equal to 1.",
            ));
        }
        if text.contains("{{") && text.contains("}}") {
            // An error is in the trail, where nothing is that should be secret.
            let told = if kind == SECURE_STRING { "***" } else { text };
            return Err(error::validation(format!(
                "Parameter value can't nest another parameter. Do not use \"{{{{}}}}\" in the value: {told}"
            )));
        }
        let policies = match &input.policies {
            Some(text) => policies::parse(text, cx.now())?,
            None => latest.map_or_else(Policies::default, |latest| Policies {
                texts: latest.policies.clone(),
                expires_ms: latest.expires_ms,
            }),
        };
        let data_type = match &input.data_type {
            Some(given) if !given.is_empty() => given.clone(),
            _ => latest.map_or_else(|| value::TEXT.to_owned(), |latest| latest.data_type.clone()),
        };
        let tier = self.tier(cx, input, latest, &policies, &data_type).await?;
        value::check_data_type(&data_type, text)?;
        let pattern = match &input.allowed_pattern {
            Some(pattern) => Some(pattern.clone()).filter(|pattern| !pattern.is_empty()),
            None => latest.and_then(|latest| latest.allowed_pattern.clone()),
        };
        if let Some(pattern) = &pattern {
            match kind == STRING_LIST {
                true => text.split(',').try_for_each(|item| value::check_pattern(pattern, item))?,
                false => value::check_pattern(pattern, text)?,
            }
        }
        let key_id = match (kind.as_str(), &input.key_id) {
            (SECURE_STRING, Some(key)) => Some(key.clone()),
            (SECURE_STRING, None) => {
                latest.and_then(|l| l.key_id.clone()).or_else(|| Some(DEFAULT_KEY.to_owned()))
            }
            (_, Some(_)) => {
                return Err(error::validation("KeyId is required for SecureString type parameter only."));
            }
            (_, None) => None,
        };
        let stored = match &key_id {
            Some(key) => self.encrypt(cx, full, key, &tier, text).await?,
            None => text.clone(),
        };
        Ok(VersionRecord {
            value: stored,
            kind,
            key_id,
            tier,
            data_type,
            description: input.description.clone().or_else(|| latest.and_then(|l| l.description.clone())),
            allowed_pattern: pattern,
            policies: policies.texts,
            expires_ms: policies.expires_ms,
            modified_ms: cx.now().millis(),
            modified_user: cx.caller().arn(),
        })
    }

    async fn tier(
        &self,
        cx: &Cx,
        input: &s::PutParameterRequest,
        latest: Option<&VersionRecord>,
        policies: &Policies,
        data_type: &str,
    ) -> Result<String> {
        let given = match &input.tier {
            Some(tier) => tier.clone(),
            None => match latest {
                // What is advanced stays so.
                Some(latest) if latest.tier == ADVANCED => ADVANCED.to_owned(),
                _ => self.setting_value(cx, &DEFAULT_TIER).await?,
            },
        };
        let length = input.value.len();
        let asks_for_more = length > STANDARD_BYTES_MAX
            || !policies.texts.is_empty()
            || value::ADVANCED_TYPES.contains(&data_type);
        let was_advanced = latest.is_some_and(|latest| latest.tier == ADVANCED);
        let tier = match given.as_str() {
            INTELLIGENT if asks_for_more || was_advanced => ADVANCED,
            INTELLIGENT
                if latest.is_none() && self.state.standard_is_full(cx.account(), cx.region()).await? =>
            {
                ADVANCED
            }
            INTELLIGENT => STANDARD,
            ADVANCED => ADVANCED,
            _ => STANDARD,
        };
        if tier == ADVANCED {
            if length > ADVANCED_BYTES_MAX {
                return Err(error::validation(
                    "Advanced tier parameters support a maximum parameter value of 8192 characters.",
                ));
            }
            return Ok(tier.to_owned());
        }
        if was_advanced {
            return Err(error::validation(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
                 advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
                 parameter and recreate it as a standard parameter.",
            ));
        }
        if length > STANDARD_BYTES_MAX {
            return Err(error::validation(
                "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger \
                 parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see \
                 https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
            ));
        }
        if asks_for_more {
            return Err(error::validation(
                "Parameter policies and this data type need the advanced-parameter tier. To use them, upgrade the \
                 parameter to the advanced-parameter tier.",
            ));
        }
        if latest.is_none() && self.state.standard_is_full(cx.account(), cx.region()).await? {
            return Err(error::limit(
                "You have exceeded the number of standard parameters for this AWS account: 10000.",
            ));
        }
        Ok(tier.to_owned())
    }
}

fn kind(input: &s::PutParameterRequest, latest: Option<&VersionRecord>) -> Result<String> {
    match (&input.r#type, latest) {
        (Some(kind), Some(latest)) if *kind != latest.kind => Err(error::type_mismatch()),
        (Some(kind), _) => Ok(kind.clone()),
        (None, Some(latest)) => Ok(latest.kind.clone()),
        (None, None) => Err(error::validation("A parameter type is required when you create a parameter.")),
    }
}
