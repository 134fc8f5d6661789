use haneul_kit::Result;
use serde_json::{Map, Value};

use super::name;
use crate::error;
use crate::plane::QueueKey;

/// Where messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedrivePolicy {
    pub(crate) target: QueueKey,
    pub(crate) receives_max: u32,
}

/// Which queues may use this one as their dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RedriveAllowPolicy {
    AllowAll,
    DenyAll,
    /// ARNs.
    ByQueue(Vec<String>),
}

const RECEIVES_MAX: u64 = 1000;
const SOURCES_MAX: usize = 10;

impl RedrivePolicy {
    pub(crate) fn parse(text: &str) -> Result<RedrivePolicy> {
        let refuse = |reason: String| error::invalid_value(text, "RedrivePolicy", &reason);
        let map = object(text).ok_or_else(|| refuse("Redrive policy is not a valid JSON map.".into()))?;
        let known = ["deadLetterTargetArn", "maxReceiveCount"];
        if map.keys().any(|key| !known.contains(&key.as_str())) {
            return Err(refuse(
                "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].".into(),
            ));
        }
        let missing = |name| refuse(format!("Redrive policy does not contain mandatory attribute: {name}."));
        let arn = map.get("deadLetterTargetArn").ok_or_else(|| missing("deadLetterTargetArn"))?;
        let count = map.get("maxReceiveCount").ok_or_else(|| missing("maxReceiveCount"))?;
        let target = arn.as_str().and_then(name::of_arn);
        let target = target.ok_or_else(|| refuse("Invalid value for deadLetterTargetArn.".into()))?;
        // Terraform and the console write a number, others a string.
        let number = count.as_u64().or_else(|| count.as_str()?.parse().ok());
        let number = number.filter(|number| (1..=RECEIVES_MAX).contains(number)).ok_or_else(|| {
            let shown = count.as_str().map_or_else(|| count.to_string(), str::to_owned);
            refuse(format!(
                "Invalid value for maxReceiveCount: {shown}, valid values are from 1 to {RECEIVES_MAX} both inclusive."
            ))
        })?;
        Ok(RedrivePolicy { target, receives_max: number as u32 })
    }
}

impl RedriveAllowPolicy {
    pub(crate) fn parse(text: &str) -> Result<RedriveAllowPolicy> {
        let refuse = |reason: &str| error::invalid_value(text, "RedriveAllowPolicy", reason);
        let map = object(text).ok_or_else(|| refuse("Redrive allow policy is not a valid JSON map."))?;
        let known = ["redrivePermission", "sourceQueueArns"];
        if map.keys().any(|key| !known.contains(&key.as_str())) {
            return Err(refuse(
                "Only following attributes are supported: [redrivePermission, sourceQueueArns].",
            ));
        }
        let Some(permission) = map.get("redrivePermission") else {
            return Err(refuse(
                "Redrive allow policy does not contain mandatory attribute: redrivePermission.",
            ));
        };
        let sources = map.get("sourceQueueArns");
        match (permission.as_str(), sources) {
            (Some("allowAll"), None) => Ok(RedriveAllowPolicy::AllowAll),
            (Some("denyAll"), None) => Ok(RedriveAllowPolicy::DenyAll),
            (Some("allowAll" | "denyAll"), Some(_)) => {
                Err(refuse("sourceQueueArns can only be given when redrivePermission is byQueue."))
            }
            (Some("byQueue"), Some(sources)) => {
                let sources = sources.as_array().ok_or_else(|| refuse("sourceQueueArns is not a list."))?;
                if sources.is_empty() || sources.len() > SOURCES_MAX {
                    return Err(refuse("sourceQueueArns must have 1 to 10 queue ARNs."));
                }
                let arns = sources.iter().map(|arn| {
                    let arn = arn.as_str().filter(|arn| name::of_arn(arn).is_some());
                    arn.map(str::to_owned).ok_or_else(|| refuse("Invalid value for sourceQueueArns."))
                });
                Ok(RedriveAllowPolicy::ByQueue(arns.collect::<Result<_>>()?))
            }
            (Some("byQueue"), None) => {
                Err(refuse("Redrive allow policy does not contain mandatory attribute: sourceQueueArns."))
            }
            _ => Err(refuse(
                "Invalid value for redrivePermission, valid values are allowAll, denyAll and byQueue.",
            )),
        }
    }

    pub(crate) fn allows(&self, source_arn: &str) -> bool {
        match self {
            RedriveAllowPolicy::AllowAll => true,
            RedriveAllowPolicy::DenyAll => false,
            RedriveAllowPolicy::ByQueue(arns) => arns.iter().any(|arn| arn == source_arn),
        }
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redrive_policies() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:dlq";
        for (text, outcome) in [
            (format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":3}}"#), Ok(3)),
            (format!(r#"{{"maxReceiveCount":"1000","deadLetterTargetArn":"{arn}"}}"#), Ok(1000)),
            (
                format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":0}}"#),
                Err("maxReceiveCount: 0, valid"),
            ),
            (format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1001}}"#), Err("from 1 to 1000")),
            (
                format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"x"}}"#),
                Err("maxReceiveCount: x, valid"),
            ),
            (format!(r#"{{"deadLetterTargetArn":"{arn}"}}"#), Err("mandatory attribute: maxReceiveCount")),
            (r#"{"maxReceiveCount":3}"#.into(), Err("mandatory attribute: deadLetterTargetArn")),
            (
                r#"{"deadLetterTargetArn":"dlq","maxReceiveCount":3}"#.into(),
                Err("Invalid value for deadLetter"),
            ),
            (
                format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":3,"x":1}}"#),
                Err("Only following"),
            ),
            ("[]".into(), Err("not a valid JSON map")),
            ("{".into(), Err("not a valid JSON map")),
        ] {
            match (RedrivePolicy::parse(&text), outcome) {
                (Ok(policy), Ok(count)) => assert_eq!(policy.receives_max, count, "{text}"),
                (Err(error), Err(says)) => assert!(error.message().contains(says), "{text}: {error}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }

    #[test]
    fn redrive_allow_policies() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:q";
        let by_queue = RedriveAllowPolicy::ByQueue(vec![arn.into()]);
        assert!(by_queue.allows(arn) && !by_queue.allows("arn:aws:sqs:us-east-1:000000000000:other"));
        for (text, outcome) in [
            (r#"{"redrivePermission":"allowAll"}"#.to_owned(), Some(RedriveAllowPolicy::AllowAll)),
            (r#"{"redrivePermission":"denyAll"}"#.into(), Some(RedriveAllowPolicy::DenyAll)),
            (format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{arn}"]}}"#), Some(by_queue)),
            (r#"{"redrivePermission":"byQueue"}"#.into(), None),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":[]}"#.into(), None),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":["q"]}"#.into(), None),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":"q"}"#.into(), None),
            (format!(r#"{{"redrivePermission":"denyAll","sourceQueueArns":["{arn}"]}}"#), None),
            (r#"{"redrivePermission":"some"}"#.into(), None),
            (r#"{"sourceQueueArns":[]}"#.into(), None),
            ("1".into(), None),
        ] {
            assert_eq!(RedriveAllowPolicy::parse(&text).ok(), outcome, "{text}");
        }
        let eleven = vec![format!("\"{arn}\""); 11].join(",");
        let text = format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":[{eleven}]}}"#);
        assert!(RedriveAllowPolicy::parse(&text).is_err());
    }
}
