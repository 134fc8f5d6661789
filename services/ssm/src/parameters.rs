use std::sync::Arc;

use haneul_kit::{Access, Cx, Instant, Platform, Policy, Result, Signal};
use haneul_policy::Rules;
use haneul_ssm_wire::shapes as s;

use crate::error;
use crate::model::{FullName, ParameterRecord, SECURE_STRING, VersionRecord};
use crate::name::{Reference, Selector, reference};
use crate::public;
use crate::store::State;

/// The state of the service.
pub struct Parameters {
    pub(crate) platform: Platform,
    pub(crate) state: State,
    pub(crate) due: Signal,
}

pub(crate) const RESOURCE_POLICY: Rules = Rules { size_max: 20_480, ..Rules::RESOURCE };

/// One version of a parameter, as it was asked for.
pub(crate) struct Read {
    pub(crate) name: FullName,
    pub(crate) number: u64,
    pub(crate) version: VersionRecord,
    /// `:3` or `:label`.
    pub(crate) selector: Option<String>,
    /// Whether it was named by ARN, and is shown so.
    pub(crate) by_arn: bool,
}

impl Parameters {
    /// A parameter that has not expired.
    pub(crate) async fn find(&self, cx: &Cx, name: &FullName) -> Result<Option<ParameterRecord>> {
        let Some(record) = self.state.parameter(name).await? else { return Ok(None) };
        if record.latest.expires_ms.is_some_and(|at_ms| at_ms <= cx.now().millis()) {
            self.state.remove(name).await?;
            return Ok(None);
        }
        Ok(Some(record))
    }

    pub(crate) async fn get(&self, cx: &Cx, name: &FullName) -> Result<ParameterRecord> {
        self.find(cx, name).await?.ok_or_else(error::not_found)
    }

    /// What `text` names, in the version that its selector asks for.
    pub(crate) async fn read(&self, cx: &Cx, text: &str) -> Result<Read> {
        let Reference { name, selector, suffix } = reference(cx, text)?;
        let by_arn = text.starts_with("arn:");
        if let Some(version) = public::find(name.region, &name.name) {
            return Ok(Read { name, number: 1, version, selector: None, by_arn });
        }
        let record = self.get(cx, &name).await?;
        let number = match &selector {
            Selector::Latest => record.version,
            Selector::Version(number) => *number,
            Selector::Label(label) => {
                *record.labels.get(label).ok_or_else(|| error::label_not_found(&name.name, label))?
            }
        };
        let version = match number == record.version {
            true => record.latest,
            false => {
                let version = self.state.version(&name, number).await?;
                version.ok_or_else(|| error::version_not_found(&name.name, &number.to_string()))?
            }
        };
        Ok(Read { name, number, version, selector: suffix, by_arn })
    }

    /// A version as GetParameter shows it.
    pub(crate) async fn show(&self, cx: &Cx, read: Read, with_decryption: bool) -> Result<s::Parameter> {
        let Read { name, number, version, selector, by_arn } = read;
        let value = match version.kind == SECURE_STRING && with_decryption {
            true => self.decrypt(cx, &name, &version).await?,
            false => version.value,
        };
        let arn = match name.name.starts_with("/aws/service/") {
            true => public::arn(name.region, &name.name),
            false => name.arn().to_string(),
        };
        Ok(s::Parameter {
            name: Some(if by_arn { arn.clone() } else { name.name }),
            r#type: Some(version.kind),
            value: Some(value),
            version: Some(number as i64),
            selector,
            source_result: None,
            last_modified_date: Some(Instant::from_millis(version.modified_ms)),
            arn: Some(arn),
            data_type: Some(version.data_type),
        })
    }

    /// What a call on a parameter needs permission for; its resource policy may let other accounts in.
    pub(crate) async fn ask(&self, cx: &Cx, action: &'static str, text: &str) -> Result<Access> {
        let Reference { name, .. } = reference(cx, text)?;
        if name.name.starts_with("/aws/service/") {
            // AWS's own: whoever may read parameters may read them.
            let mut access = Access::to(action);
            access.resource = public::arn(name.region, &name.name).into();
            return Ok(access.owned_by(cx.account()));
        }
        let record = self.find(cx, &name).await?;
        let mut access = Access::on(action, &name.arn());
        if let Some(record) = &record {
            let tags = record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            access = access.resource_tags(tags);
            if let Some(policy) = &record.resource_policy {
                let policy = Policy::parse(&policy.policy, &RESOURCE_POLICY);
                access = access.with_policy(Some(Arc::new(policy.map_err(haneul_kit::ApiError::internal)?)));
            }
        }
        Ok(access)
    }
}
