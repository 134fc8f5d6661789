use std::sync::Arc;

use haneul_kit::{Access, Arn, Cx, Platform, Policy, Result, Signal};
use haneul_policy::Rules;

use crate::error;
use crate::model::{SecretName, SecretRecord};
use crate::store::State;

/// The state of the service.
pub struct Secrets {
    pub(crate) platform: Platform,
    pub(crate) state: State,
    pub(crate) due: Signal,
}

pub(crate) const SUFFIX_LENGTH: usize = 6;

/// The limit of a resource policy (quota "Resource-based policy length").
pub(crate) const POLICY: Rules = Rules { size_max: 20_480, ..Rules::RESOURCE };

/// What a SecretId was found to name.
pub(crate) struct Found {
    pub(crate) name: SecretName,
    pub(crate) record: SecretRecord,
    pub(crate) arn: Arn,
}

impl Secrets {
    /// The secret that `id` names: by name, ARN, or an ARN without its last six characters.
    pub(crate) async fn find(&self, cx: &Cx, id: &str) -> Result<Option<Found>> {
        let (account, text) = if id.starts_with("arn:") {
            let Ok(arn) = Arn::parse(id) else { return Ok(None) };
            let text = arn.resource().strip_prefix("secret:").map(str::to_owned);
            match (arn.service(), arn.account_id(), text) {
                ("secretsmanager", Some(account), Some(text)) if arn.region() == cx.region().as_str() => {
                    (account, text)
                }
                _ => return Ok(None),
            }
        } else {
            (cx.account(), id.to_owned())
        };
        let named = |name: &str| SecretName { account, region: cx.region(), name: name.to_owned() };
        // The whole name first: it may itself end in a hyphen and six characters.
        if let Some(found) = self.at(cx, named(&text)).await? {
            return Ok(Some(found));
        }
        let Some((name, suffix)) = text.rsplit_once('-').filter(|(_, suffix)| suffix.len() == SUFFIX_LENGTH)
        else {
            return Ok(None);
        };
        if !id.starts_with("arn:") {
            return Ok(None);
        }
        Ok(self.at(cx, named(name)).await?.filter(|found| found.record.suffix == suffix))
    }

    async fn at(&self, cx: &Cx, name: SecretName) -> Result<Option<Found>> {
        let Some(record) = self.state.secret(&name).await? else { return Ok(None) };
        // A waiting period that is over has ended, whether or not somebody has swept up yet.
        if record.deletion.as_ref().is_some_and(|deletion| deletion.ends_ms <= cx.now().millis()) {
            self.state.remove(&name).await?;
            return Ok(None);
        }
        let arn = name.arn(&record.suffix);
        Ok(Some(Found { name, record, arn }))
    }

    pub(crate) async fn get(&self, cx: &Cx, id: &str) -> Result<Found> {
        self.find(cx, id).await?.ok_or_else(error::not_found)
    }

    /// A secret that is not marked for deletion.
    pub(crate) async fn live(&self, cx: &Cx, id: &str) -> Result<Found> {
        let found = self.get(cx, id).await?;
        if found.record.deletion.is_some() { Err(error::deleted()) } else { Ok(found) }
    }

    /// A secret that can be changed: no replica.
    pub(crate) async fn primary(&self, cx: &Cx, id: &str) -> Result<Found> {
        let found = self.live(cx, id).await?;
        if found.record.is_replica_in(found.name.region) { Err(error::replica()) } else { Ok(found) }
    }

    /// What a call on a secret needs permission for.
    pub(crate) async fn ask(&self, cx: &Cx, action: &'static str, id: &str) -> Result<Access> {
        match self.find(cx, id).await? {
            Some(found) => Self::ask_found(action, &found),
            None => {
                let text = if id.starts_with("arn:") { id.to_owned() } else { self.guess(cx, id) };
                let mut access = Access::to(action).key("secretsmanager:SecretId", text.clone());
                access.resource_account = Arn::parse(&text).ok().and_then(|arn| arn.account_id());
                access.resource = text.into();
                Ok(access)
            }
        }
    }

    pub(crate) fn ask_found(action: &'static str, found: &Found) -> Result<Access> {
        let policy = found.record.policy.as_deref().map(|text| Policy::parse(text, &POLICY)).transpose();
        let policy = policy.map_err(haneul_kit::ApiError::internal)?;
        let tags = || found.record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut access = Access::on(action, &found.arn)
            .with_policy(policy.map(Arc::new))
            .key("secretsmanager:SecretId", found.arn.to_string())
            .resource_tags(tags());
        for (key, value) in tags() {
            access = access.key(format!("secretsmanager:ResourceTag/{key}"), value);
        }
        if let Some(primary) = &found.record.primary_region {
            access = access.key("secretsmanager:SecretPrimaryRegion", primary.as_str());
        }
        if let Some(rotation) = &found.record.rotation {
            access =
                access.key("secretsmanager:resource/AllowRotationLambdaArn", rotation.lambda_arn.as_str());
        }
        Ok(access)
    }

    /// The ARN of a secret that is not there: it would have six characters that nobody knows yet.
    pub(crate) fn guess(&self, cx: &Cx, name: &str) -> String {
        format!("{}-??????", cx.arn("secretsmanager", format_args!("secret:{name}")))
    }
}
