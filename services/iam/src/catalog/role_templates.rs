use std::ops::RangeInclusive;

use haneul_kit::{Arn, Instant};
use haneul_policy::Rules;
use serde::Deserialize;

use super::placeholders;
use crate::quotas;

/// A blueprint of roles. AWS's own are published nowhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleTemplate {
    pub arn: String,
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default = "one")]
    pub major_version: i32,
    #[serde(default)]
    pub default_minor_version: i32,
    /// The principal of the service that manages it.
    #[serde(default)]
    pub managed_by: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    pub versions: Vec<TemplateVersion>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateVersion {
    pub minor: i32,
    #[serde(default = "yes")]
    pub enabled: bool,
    pub role_name: String,
    #[serde(default)]
    pub role_path: Option<String>,
    #[serde(default)]
    pub role_description: Option<String>,
    pub trust_policy: String,
    #[serde(default)]
    pub inline_policies: Vec<InlinePolicy>,
    #[serde(default)]
    pub managed_policies: Vec<String>,
    #[serde(default)]
    pub boundary: Option<String>,
    #[serde(default)]
    pub parameters: Vec<RoleParameter>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(default)]
    pub max_session_duration: Option<i32>,
    /// ISO 8601.
    #[serde(default)]
    pub created: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InlinePolicy {
    pub name: String,
    pub policy: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tag {
    pub key: String,
    pub value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleParameter {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    #[serde(default)]
    pub sub_type: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub default: Option<String>,
    #[serde(default)]
    pub immutable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum ParameterKind {
    String,
    StringList,
    Number,
    NumberList,
    Arn,
    ArnList,
}

impl ParameterKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ParameterKind::String => "String",
            ParameterKind::StringList => "StringList",
            ParameterKind::Number => "Number",
            ParameterKind::NumberList => "NumberList",
            ParameterKind::Arn => "Arn",
            ParameterKind::ArnList => "ArnList",
        }
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self, ParameterKind::StringList | ParameterKind::NumberList | ParameterKind::ArnList)
    }

    /// The values in a text of the catalog.
    pub(crate) fn split(self, text: &str) -> Vec<String> {
        match self.is_list() {
            true => text.split(',').map(|text| text.trim().to_owned()).collect(),
            false => vec![text.to_owned()],
        }
    }

    /// Whether a value is of this type.
    pub(crate) fn takes(self, value: &str) -> bool {
        match self {
            ParameterKind::String | ParameterKind::StringList => true,
            ParameterKind::Number | ParameterKind::NumberList => {
                value.parse::<f64>().is_ok_and(f64::is_finite)
            }
            ParameterKind::Arn | ParameterKind::ArnList => Arn::parse(value).is_ok(),
        }
    }
}

impl RoleTemplate {
    /// The version with this number, or the default one.
    pub(crate) fn version(&self, minor: Option<i32>) -> Option<&TemplateVersion> {
        let minor = minor.unwrap_or(self.default_minor_version);
        self.versions.iter().find(|version| version.minor == minor)
    }
}

impl TemplateVersion {
    pub(crate) fn created(&self) -> Instant {
        self.created.as_deref().and_then(Instant::parse_iso8601).unwrap_or(Instant::EPOCH)
    }

    pub(crate) fn path(&self) -> &str {
        self.role_path.as_deref().unwrap_or("/")
    }
}

fn one() -> i32 {
    1
}

fn yes() -> bool {
    true
}

pub(super) fn check(template: &RoleTemplate) -> Result<(), String> {
    if Arn::parse(&template.arn).is_err() || !(20..=2048).contains(&template.arn.len()) {
        return Err(format!("{} is not an ARN", template.arn));
    }
    if template.version(None).is_none() {
        return Err(format!("it has no version {}, which is the default", template.default_minor_version));
    }
    for (at, version) in template.versions.iter().enumerate() {
        let said = |problem: String| format!("version {}: {problem}", version.minor);
        if template.versions[..at].iter().any(|other| other.minor == version.minor) {
            return Err(said("there are two".into()));
        }
        if version.created.as_deref().is_some_and(|text| Instant::parse_iso8601(text).is_none()) {
            return Err(said("created is not a time of ISO 8601".into()));
        }
        let path = version.path();
        if !(path.starts_with('/') && path.ends_with('/')) {
            return Err(said(format!("{path} does not begin and end with a slash")));
        }
        if version.max_session_duration.is_some_and(|secs| !SESSION_SECS.contains(&secs)) {
            return Err(said(format!("max_session_duration is not in {SESSION_SECS:?}")));
        }
        let mut used = placeholders::names(&version.trust_policy).map_err(said)?;
        placeholders::check_policy(&version.trust_policy, &Rules::TRUST)
            .map_err(|problem| said(format!("trust_policy: {problem}")))?;
        for (at, inline) in version.inline_policies.iter().enumerate() {
            let said = |problem: String| said(format!("inline policy {}: {problem}", inline.name));
            used.extend(placeholders::names(&inline.policy).map_err(said)?);
            placeholders::check_policy(&inline.policy, &Rules::IDENTITY).map_err(said)?;
            if version.inline_policies[..at].iter().any(|other| other.name == inline.name) {
                return Err(said("there are two".into()));
            }
        }
        for parameter in &version.parameters {
            let values = parameter.default.iter().flat_map(|default| parameter.kind.split(default));
            if let Some(wrong) = values.into_iter().find(|value| !parameter.kind.takes(value)) {
                return Err(said(format!("parameter {} cannot be {wrong}", parameter.name)));
            }
        }
        if version.managed_policies.len() > quotas::ATTACHED_POLICIES {
            return Err(said(format!("more than {} managed policies", quotas::ATTACHED_POLICIES)));
        }
        let tags = version.tags.iter().flat_map(|tag| [tag.key.as_str(), tag.value.as_str()]);
        let texts = [version.role_name.as_str(), path].into_iter().chain(tags);
        let texts = texts
            .chain(version.role_description.as_deref())
            .chain(version.managed_policies.iter().map(String::as_str))
            .chain(version.boundary.as_deref())
            .chain(version.inline_policies.iter().map(|inline| inline.name.as_str()));
        for text in texts {
            used.extend(placeholders::names_in(text).map(str::to_owned));
        }
        let known = |name: &str| version.parameters.iter().any(|parameter| parameter.name == name);
        if let Some(unknown) = used.iter().find(|name| !known(name) && *name != ACCOUNT) {
            return Err(said(format!("@{{{unknown}}} is none of its parameters")));
        }
    }
    Ok(())
}

/// Of the model: `roleMaxSessionDurationType`.
const SESSION_SECS: RangeInclusive<i32> = 3600..=43_200;

/// Stands for the account in which the role is made.
pub(crate) const ACCOUNT: &str = "AccountId";
