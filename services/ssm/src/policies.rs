//! Parameter policies. Source: Systems Manager User Guide, "Assigning parameter policies".

use haneul_kit::{Instant, Result};
use serde_json::Value;

use crate::error;

const POLICIES_MAX: usize = 10;

/// The policies of a request: each one's text, and when the parameter expires.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Policies {
    pub(crate) texts: Vec<String>,
    pub(crate) expires_ms: Option<i64>,
}

pub(crate) fn parse(text: &str, now: Instant) -> Result<Policies> {
    // An empty list, or what the console sends for it, removes all.
    if matches!(text.trim(), "" | "[{}]" | "{}") {
        return Ok(Policies::default());
    }
    let parsed: Value =
        serde_json::from_str(text).map_err(|_| error::policy_type("The policies are not valid JSON."))?;
    let Value::Array(all) = parsed else { return Err(error::policy_type("Policies must be a JSON array.")) };
    if all.len() > POLICIES_MAX {
        return Err(error::policies_limit());
    }
    let mut policies = Policies::default();
    for policy in all {
        let kind = policy.get("Type").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "Expiration" => {
                let stamp = policy.pointer("/Attributes/Timestamp").and_then(Value::as_str);
                let at = stamp.and_then(Instant::parse_iso8601).ok_or_else(|| {
                    error::policy_attribute("The Timestamp of an Expiration policy must be an ISO 8601 time.")
                })?;
                if at <= now {
                    return Err(error::policy_attribute(
                        "The Timestamp of an Expiration policy must be in the future.",
                    ));
                }
                if policies.expires_ms.replace(at.millis()).is_some() {
                    return Err(error::policy_type("A parameter can have one Expiration policy only."));
                }
            }
            "ExpirationNotification" | "NoChangeNotification" => {
                return Err(error::policy_type(format!(
                    "Policies of type {kind} are not supported: there is no EventBridge yet that could notify."
                )));
            }
            _ => return Err(error::policy_type(format!("The policy type {kind} is not supported."))),
        }
        policies.texts.push(policy.to_string());
    }
    Ok(policies)
}
