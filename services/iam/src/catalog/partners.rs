use haneul_kit::{AccountId, Arn, Policy, Region};
use haneul_policy::Rules;
use serde::Deserialize;

use super::placeholders;
use crate::quotas;

/// Whoever may ask accounts for delegated access. AWS onboards its partners by hand; here the operator does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Partner {
    /// Twelve digits.
    pub account: String,
    /// Shown to who is asked (`RequestorName`).
    pub name: String,
    /// In the ARNs of templates and boundaries.
    pub domain: String,
    /// ARNs of queues to which the partner may have news of its requests sent.
    #[serde(default)]
    pub channels: Vec<String>,
    #[serde(default)]
    pub templates: Vec<Template>,
    #[serde(default)]
    pub boundaries: Vec<Boundary>,
}

/// Permissions that may be asked for, with `@{name}` where a request's values go.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Template {
    pub name: String,
    pub policy: String,
    #[serde(default)]
    pub parameters: Vec<Parameter>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameter {
    pub name: String,
    /// `string` or `stringList`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A permissions boundary for the roles that the partner makes; it never changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Boundary {
    pub name: String,
    pub policy: String,
}

/// Longest `RequestorName`.
const NAME_MAX: usize = 30;
/// Policies of partners are in no account.
pub(crate) const PARTNER_POLICY_START: &str = "arn:aws:iam::partner:policy/";

impl Partner {
    pub(crate) fn account(&self) -> AccountId {
        self.account.parse().unwrap_or_default()
    }

    /// The template with this ARN.
    pub(crate) fn template(&self, arn: &str) -> Option<&Template> {
        let name = arn.strip_prefix("arn:aws:iam:::delegation-template/")?.strip_prefix(&self.domain)?;
        let name = name.strip_prefix('/')?;
        self.templates.iter().find(|template| template.name == name)
    }
}

pub(crate) fn boundary_arn(domain: &str, name: &str) -> String {
    format!("{PARTNER_POLICY_START}permissions-boundary/{domain}/{name}")
}

pub(super) fn check(partner: &Partner) -> Result<(), String> {
    if partner.account.parse::<AccountId>().is_err() {
        return Err(format!("account {} is not of twelve digits", partner.account));
    }
    if partner.name.is_empty() || partner.name.chars().count() > NAME_MAX {
        return Err(format!("a partner's name has 1 to {NAME_MAX} characters"));
    }
    for name in [&partner.domain]
        .into_iter()
        .chain(partner.templates.iter().map(|of| &of.name))
        .chain(partner.boundaries.iter().map(|of| &of.name))
    {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if name.is_empty() || name.len() > 128 || !name.bytes().all(plain) {
            return Err(format!("{name:?} is not of 1 to 128 letters, digits, dots, - and _"));
        }
    }
    for channel in &partner.channels {
        let arn = Arn::parse(channel).ok();
        if arn.as_ref().is_some_and(|arn| arn.service() == "sns") {
            return Err(format!("{channel}: there is no SNS in this cloud; give the ARN of an SQS queue"));
        }
        let good = arn.is_some_and(|arn| {
            arn.service() == "sqs" && arn.account_id().is_some() && arn.region().parse::<Region>().is_ok()
        });
        if !good {
            return Err(format!("{channel} is not the ARN of an SQS queue"));
        }
    }
    for template in &partner.templates {
        let said = |problem: String| format!("template {}: {problem}", template.name);
        for parameter in &template.parameters {
            if !matches!(parameter.kind.as_str(), "string" | "stringList") {
                return Err(said(format!("parameter {} is no string and no stringList", parameter.name)));
            }
        }
        let used = placeholders::names(&template.policy).map_err(said)?;
        let known = |name: &str| template.parameters.iter().any(|parameter| parameter.name == name);
        if let Some(unknown) = used.iter().find(|name| !known(name)) {
            return Err(said(format!("@{{{unknown}}} is none of its parameters")));
        }
        placeholders::check_policy(&template.policy, &Rules::SESSION).map_err(said)?;
        if template.policy.contains("\"@Enabled\"") {
            return Err(said("@Enabled is not known here; give a template for each case".into()));
        }
    }
    for boundary in &partner.boundaries {
        let rules = Rules { size_max: quotas::MANAGED_POLICY_SIZE, ..Rules::PERMISSIONS_BOUNDARY };
        Policy::parse(&boundary.policy, &rules)
            .map_err(|error| format!("boundary {}: {error}", boundary.name))?;
    }
    Ok(())
}
