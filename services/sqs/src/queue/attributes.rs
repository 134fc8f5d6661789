use std::collections::BTreeMap;
use std::sync::Arc;

use haneul_kit::{Policy, Result};
use haneul_sqs_wire::values::queue_attribute_name as attribute;
use serde_json::Value;

use super::{RedriveAllowPolicy, RedrivePolicy, policy};
use crate::engine::Settings;
use crate::error;
use crate::keys::QueueKms;

/// The attributes of a queue, read from their texts; what was not set has AWS's default.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    pub(crate) fifo: bool,
    pub(crate) visibility_secs: u32,
    pub(crate) delay_secs: u32,
    pub(crate) retention_secs: u32,
    pub(crate) wait_secs: u32,
    /// In bytes.
    pub(crate) message_size_max: u32,
    pub(crate) content_based_deduplication: bool,
    pub(crate) deduplicate_by_group: bool,
    pub(crate) policy: Option<Arc<Policy>>,
    pub(crate) kms: Option<QueueKms>,
    pub(crate) redrive: Option<RedrivePolicy>,
    pub(crate) redrive_allow: RedriveAllowPolicy,
}

/// An attribute that is a number: its name, range and default.
struct Number {
    name: &'static str,
    min: u32,
    max: u32,
    default: u32,
}

/// Source: API reference, SetQueueAttributes.
const NUMBERS: [Number; 6] = [
    Number { name: attribute::VISIBILITY_TIMEOUT, min: 0, max: 43_200, default: 30 },
    Number { name: attribute::DELAY_SECONDS, min: 0, max: 900, default: 0 },
    Number { name: attribute::MESSAGE_RETENTION_PERIOD, min: 60, max: 1_209_600, default: 345_600 },
    Number { name: attribute::RECEIVE_MESSAGE_WAIT_TIME_SECONDS, min: 0, max: 20, default: 0 },
    Number { name: attribute::MAXIMUM_MESSAGE_SIZE, min: 1024, max: 1_048_576, default: 1_048_576 },
    Number { name: attribute::KMS_DATA_KEY_REUSE_PERIOD_SECONDS, min: 60, max: 86_400, default: 300 },
];

/// What only GetQueueAttributes knows.
const READ_ONLY: [&str; 7] = [
    attribute::ALL,
    attribute::APPROXIMATE_NUMBER_OF_MESSAGES,
    attribute::APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE,
    attribute::APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED,
    attribute::CREATED_TIMESTAMP,
    attribute::LAST_MODIFIED_TIMESTAMP,
    attribute::QUEUE_ARN,
];

const SCOPE_GROUP: &str = "messageGroup";
const SCOPE_QUEUE: &str = "queue";
const LIMIT_GROUP: &str = "perMessageGroupId";
const LIMIT_QUEUE: &str = "perQueue";

/// As KMS has it for all that names a key.
const KEY_ID_LENGTH_MAX: usize = 2048;

/// Checks the attributes of a request and writes them over `set`, which holds those of the queue as texts. An empty
/// text takes an attribute away.
pub(crate) fn merge<'a>(
    set: &mut BTreeMap<String, String>,
    request: impl IntoIterator<Item = (&'a str, &'a str)>,
    fifo: bool,
) -> Result<()> {
    let (mut by_kms, mut by_sqs) = (false, false);
    for (name, value) in request {
        by_kms |= name == attribute::KMS_MASTER_KEY_ID && !value.is_empty();
        by_sqs |= name == attribute::SQS_MANAGED_SSE_ENABLED && value.eq_ignore_ascii_case("true");
        match check(name, value, fifo)? {
            Some(text) => set.insert(name.to_owned(), text),
            None => set.remove(name),
        };
    }
    // A queue is encrypted in one way: what is asked for ends the other.
    match (by_kms, by_sqs) {
        (true, true) => return Err(error::two_encryptions()),
        (true, false) => drop(set.insert(attribute::SQS_MANAGED_SSE_ENABLED.to_owned(), "false".to_owned())),
        (false, true) => drop(set.remove(attribute::KMS_MASTER_KEY_ID)),
        (false, false) => {}
    }
    let text = |name: &str| set.get(name).map(String::as_str);
    if text(attribute::FIFO_THROUGHPUT_LIMIT) == Some(LIMIT_GROUP)
        && text(attribute::DEDUPLICATION_SCOPE) != Some(SCOPE_GROUP)
    {
        return Err(error::invalid_attribute_value_because(
            attribute::FIFO_THROUGHPUT_LIMIT,
            "The FifoThroughputLimit can be perMessageGroupId only when the DeduplicationScope is messageGroup.",
        ));
    }
    Ok(())
}

/// The text to keep; `None` for none.
fn check(name: &str, value: &str, fifo: bool) -> Result<Option<String>> {
    if let Some(number) = NUMBERS.iter().find(|number| number.name == name) {
        let parsed = value.parse::<u32>().ok().filter(|n| (number.min..=number.max).contains(n));
        return Ok(Some(parsed.ok_or_else(|| error::invalid_attribute_value(name))?.to_string()));
    }
    let keep = Ok(Some(value.to_owned()));
    match name {
        attribute::POLICY | attribute::REDRIVE_POLICY | attribute::REDRIVE_ALLOW_POLICY
            if value.is_empty() =>
        {
            Ok(None)
        }
        attribute::POLICY => {
            policy::check(value)?;
            keep
        }
        attribute::REDRIVE_POLICY => RedrivePolicy::parse(value).and(keep),
        attribute::REDRIVE_ALLOW_POLICY => RedriveAllowPolicy::parse(value).and(keep),
        attribute::KMS_MASTER_KEY_ID if value.is_empty() => Ok(None),
        attribute::KMS_MASTER_KEY_ID if value.len() <= KEY_ID_LENGTH_MAX => keep,
        attribute::KMS_MASTER_KEY_ID => Err(error::invalid_attribute_value(name)),
        attribute::SQS_MANAGED_SSE_ENABLED => boolean(name, value).and(keep),
        // AWS does not know the attribute for standard queues, not even with the value `false`.
        attribute::FIFO_QUEUE if fifo && boolean(name, value)? => keep,
        attribute::FIFO_QUEUE if fifo => {
            Err(error::invalid_attribute_value_because(name, "Modifying queue type is not supported."))
        }
        attribute::CONTENT_BASED_DEDUPLICATION if fifo => boolean(name, value).and(keep),
        attribute::DEDUPLICATION_SCOPE if fifo => one_of(name, value, &[SCOPE_GROUP, SCOPE_QUEUE]).and(keep),
        attribute::FIFO_THROUGHPUT_LIMIT if fifo => {
            one_of(name, value, &[LIMIT_GROUP, LIMIT_QUEUE]).and(keep)
        }
        attribute::DEDUPLICATION_SCOPE | attribute::FIFO_THROUGHPUT_LIMIT => {
            Err(error::attribute_not_allowed(name, "FifoQueue is set to true"))
        }
        _ => Err(error::unknown_attribute(name)),
    }
}

/// Whether the request asks for a FIFO queue.
pub(crate) fn asks_for_fifo<'a>(request: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
    request
        .into_iter()
        .any(|(name, value)| name == attribute::FIFO_QUEUE && value.eq_ignore_ascii_case("true"))
}

/// The first attribute of a CreateQueue that the existing queue has otherwise; those that the request leaves out do
/// not count.
pub(crate) fn difference<'a>(
    set: &BTreeMap<String, String>,
    request: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<&'a str> {
    request.into_iter().find(|(name, value)| !same(name, &text_of(set, name), value)).map(|(name, _)| name)
}

fn same(name: &str, current: &str, asked: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    // Two texts that are not valid are not alike.
    fn alike<T: PartialEq>(current: Option<T>, asked: Option<T>) -> bool {
        current.is_some() && current == asked
    }
    if current == asked {
        return true;
    }
    match name {
        attribute::POLICY => alike(json(current), json(asked)),
        attribute::REDRIVE_POLICY => {
            alike(RedrivePolicy::parse(current).ok(), RedrivePolicy::parse(asked).ok())
        }
        attribute::REDRIVE_ALLOW_POLICY => {
            alike(RedriveAllowPolicy::parse(current).ok(), RedriveAllowPolicy::parse(asked).ok())
        }
        // The names of aliases have their case.
        attribute::KMS_MASTER_KEY_ID => false,
        _ => match (current.parse::<u32>(), asked.parse::<u32>()) {
            (Ok(current), Ok(asked)) => current == asked,
            _ => current.eq_ignore_ascii_case(asked),
        },
    }
}

/// An attribute as GetQueueAttributes gives it; empty when the queue has none.
fn text_of(set: &BTreeMap<String, String>, name: &str) -> String {
    if let Some(text) = set.get(name) {
        return text.clone();
    }
    if let Some(number) = NUMBERS.iter().find(|number| number.name == name) {
        return number.default.to_string();
    }
    match name {
        attribute::SQS_MANAGED_SSE_ENABLED => "true",
        attribute::CONTENT_BASED_DEDUPLICATION => "false",
        attribute::DEDUPLICATION_SCOPE => SCOPE_QUEUE,
        attribute::FIFO_THROUGHPUT_LIMIT => LIMIT_QUEUE,
        _ => "",
    }
    .to_owned()
}

/// Whether GetQueueAttributes may be asked for it.
pub(crate) fn is_known(name: &str) -> bool {
    READ_ONLY.contains(&name) || settable(true).any(|known| known == name)
}

/// What GetQueueAttributes gives of those that can be set.
pub(crate) fn render(
    set: &BTreeMap<String, String>,
    fifo: bool,
) -> impl Iterator<Item = (&'static str, String)> {
    // Only what was set, or what belongs to a key that was.
    let is_there = |name: &str| {
        name != attribute::KMS_DATA_KEY_REUSE_PERIOD_SECONDS
            || set.contains_key(name)
            || set.contains_key(attribute::KMS_MASTER_KEY_ID)
    };
    settable(fifo)
        .filter(move |name| is_there(name))
        .map(|name| (name, text_of(set, name)))
        .filter(|(_, text)| !text.is_empty())
}

fn settable(fifo: bool) -> impl Iterator<Item = &'static str> {
    let always = [
        attribute::POLICY,
        attribute::REDRIVE_POLICY,
        attribute::REDRIVE_ALLOW_POLICY,
        attribute::KMS_MASTER_KEY_ID,
        attribute::SQS_MANAGED_SSE_ENABLED,
    ];
    let only_fifo = [
        attribute::FIFO_QUEUE,
        attribute::CONTENT_BASED_DEDUPLICATION,
        attribute::DEDUPLICATION_SCOPE,
        attribute::FIFO_THROUGHPUT_LIMIT,
    ];
    let only_fifo = only_fifo.into_iter().filter(move |_| fifo);
    NUMBERS.iter().map(|number| number.name).chain(always).chain(only_fifo)
}

impl Attributes {
    /// Reads texts that were checked by [`merge`].
    pub(crate) fn read(set: &BTreeMap<String, String>) -> Result<Attributes> {
        let number = |name: &str| -> u32 { text_of(set, name).parse().unwrap_or_default() };
        let is_true = |name: &str| set.get(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let policy = set.get(attribute::POLICY).map(|text| policy::read(text));
        Ok(Attributes {
            fifo: is_true(attribute::FIFO_QUEUE),
            visibility_secs: number(attribute::VISIBILITY_TIMEOUT),
            delay_secs: number(attribute::DELAY_SECONDS),
            retention_secs: number(attribute::MESSAGE_RETENTION_PERIOD),
            wait_secs: number(attribute::RECEIVE_MESSAGE_WAIT_TIME_SECONDS),
            message_size_max: number(attribute::MAXIMUM_MESSAGE_SIZE),
            content_based_deduplication: is_true(attribute::CONTENT_BASED_DEDUPLICATION),
            deduplicate_by_group: set
                .get(attribute::DEDUPLICATION_SCOPE)
                .is_some_and(|text| text == SCOPE_GROUP),
            policy: policy.transpose()?.map(Arc::new),
            redrive: set.get(attribute::REDRIVE_POLICY).map(|text| RedrivePolicy::parse(text)).transpose()?,
            kms: set.get(attribute::KMS_MASTER_KEY_ID).map(|key_id| QueueKms {
                key_id: key_id.clone(),
                reuse_secs: number(attribute::KMS_DATA_KEY_REUSE_PERIOD_SECONDS),
            }),
            redrive_allow: match set.get(attribute::REDRIVE_ALLOW_POLICY) {
                Some(text) => RedriveAllowPolicy::parse(text)?,
                None => RedriveAllowPolicy::AllowAll,
            },
        })
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            fifo: self.fifo,
            delay_ms: i64::from(self.delay_secs) * 1000,
            retention_ms: i64::from(self.retention_secs) * 1000,
        }
    }
}

fn boolean(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(error::invalid_attribute_value(name)),
    }
}

fn one_of(name: &str, value: &str, allowed: &[&str]) -> Result<()> {
    if allowed.contains(&value) { Ok(()) } else { Err(error::invalid_attribute_value(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(pairs: &[(&str, &str)], fifo: bool) -> Result<BTreeMap<String, String>> {
        let mut set = BTreeMap::new();
        merge(&mut set, pairs.iter().copied(), fifo).map(|()| set)
    }

    #[test]
    fn ranges() {
        for number in &NUMBERS {
            for (value, good) in [
                (number.min.to_string(), true),
                (number.max.to_string(), true),
                ((i64::from(number.min) - 1).to_string(), false),
                ((number.max + 1).to_string(), false),
                (String::new(), false),
                ("x".into(), false),
                ("1.5".into(), false),
            ] {
                let result = merged(&[(number.name, &value)], false);
                assert_eq!(result.is_ok(), good, "{} {value}", number.name);
                if let Err(error) = result {
                    assert_eq!(error.code(), "InvalidAttributeValue");
                    assert_eq!(error.message(), format!("Invalid value for the parameter {}.", number.name));
                }
            }
        }
    }

    #[test]
    fn refused() {
        for (name, value, fifo, code) in [
            ("Foo", "1", false, "InvalidAttributeName"),
            ("QueueArn", "1", false, "InvalidAttributeName"),
            ("ApproximateNumberOfMessages", "1", false, "InvalidAttributeName"),
            ("FifoQueue", "true", false, "InvalidAttributeName"),
            ("FifoQueue", "false", false, "InvalidAttributeName"),
            ("FifoQueue", "false", true, "InvalidAttributeValue"),
            ("ContentBasedDeduplication", "true", false, "InvalidAttributeName"),
            ("ContentBasedDeduplication", "yes", true, "InvalidAttributeValue"),
            ("DeduplicationScope", "queue", false, "InvalidAttributeName"),
            ("DeduplicationScope", "all", true, "InvalidAttributeValue"),
            ("FifoThroughputLimit", "perQueue", false, "InvalidAttributeName"),
            ("FifoThroughputLimit", "none", true, "InvalidAttributeValue"),
            ("FifoThroughputLimit", "perMessageGroupId", true, "InvalidAttributeValue"),
            ("SqsManagedSseEnabled", "1", false, "InvalidAttributeValue"),
            ("Policy", "{", false, "InvalidAttributeValue"),
            ("RedrivePolicy", "{}", false, "InvalidParameterValue"),
            ("RedriveAllowPolicy", "{}", false, "InvalidParameterValue"),
        ] {
            let error = merged(&[(name, value)], fifo).expect_err(name);
            assert_eq!(error.code(), code, "{name}={value}: {error}");
        }
    }

    #[test]
    fn texts_are_kept_as_they_were_given() {
        let policy = "{ \"Version\":\"2012-10-17\",\n \"Statement\" : [{\"Effect\":\"Allow\",\"Principal\":\"*\",\
                      \"Action\":\"sqs:*\",\"Resource\":\"*\"}] }";
        let set = merged(&[("Policy", policy), ("DelaySeconds", "5")], false).unwrap();
        let rendered: BTreeMap<_, _> = render(&set, false).collect();
        assert_eq!(rendered["Policy"], policy);
        assert_eq!(rendered["DelaySeconds"], "5");
        assert_eq!(rendered["VisibilityTimeout"], "30");
        assert_eq!(rendered["MaximumMessageSize"], "1048576");
        assert_eq!(rendered["SqsManagedSseEnabled"], "true");
        assert!(!rendered.contains_key("KmsMasterKeyId") && !rendered.contains_key("FifoQueue"));
        assert!(!rendered.contains_key("KmsDataKeyReusePeriodSeconds"));
        let mut set = set;
        merge(&mut set, [("Policy", "")], false).unwrap();
        assert!(!set.contains_key("Policy"));
    }

    #[test]
    fn a_queue_is_encrypted_in_one_way() {
        let both = [("KmsMasterKeyId", "alias/k"), ("SqsManagedSseEnabled", "true")];
        let error = merged(&both, false).unwrap_err();
        assert_eq!(error.code(), "InvalidAttributeValue");
        let mut set = merged(&both[..1], false).unwrap();
        let of = |set: &BTreeMap<String, String>| {
            let all: BTreeMap<_, _> = render(set, false).collect();
            let names = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"];
            names.map(|name| all.get(name).cloned().unwrap_or_default()).join(" ")
        };
        assert_eq!(of(&set), "alias/k 300 false");
        assert_eq!(difference(&set, [("KmsMasterKeyId", "alias/k")]), None);
        assert_eq!(difference(&set, [("KmsMasterKeyId", "alias/K")]), Some("KmsMasterKeyId"));
        let kms = Attributes::read(&set).unwrap().kms.unwrap();
        assert_eq!((kms.key_id.as_str(), kms.reuse_secs), ("alias/k", 300));
        merge(&mut set, [("SqsManagedSseEnabled", "true")], false).unwrap();
        assert_eq!(of(&set), "  true");
        assert_eq!(Attributes::read(&set).unwrap().kms, None);
        merge(&mut set, [("KmsMasterKeyId", "alias/k"), ("KmsDataKeyReusePeriodSeconds", "60")], false)
            .unwrap();
        merge(&mut set, [("KmsMasterKeyId", "")], false).unwrap();
        assert_eq!(of(&set), " 60 false");
        assert!(merged(&[("KmsMasterKeyId", &"k".repeat(2049))], false).is_err());
    }

    #[test]
    fn creating_again() {
        let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:d","maxReceiveCount":3}"#;
        let spaced =
            r#"{ "maxReceiveCount": 3, "deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:d" }"#;
        let set = merged(&[("DelaySeconds", "5"), ("RedrivePolicy", redrive)], false).unwrap();
        for (name, value, same) in [
            ("DelaySeconds", "5", true),
            ("DelaySeconds", "05", true),
            ("DelaySeconds", "6", false),
            ("VisibilityTimeout", "30", true),
            ("VisibilityTimeout", "31", false),
            ("RedrivePolicy", spaced, true),
            ("RedrivePolicy", &spaced.replace(": 3", ": \"3\""), true),
            ("RedrivePolicy", &spaced.replace(": 3", ": 4"), false),
            ("RedrivePolicy", "{}", false),
            ("SqsManagedSseEnabled", "True", true),
            ("KmsMasterKeyId", "", true),
            ("KmsMasterKeyId", "alias/k", false),
            ("FifoQueue", "true", false),
        ] {
            let expected = (!same).then_some(name);
            assert_eq!(difference(&set, [(name, value)]), expected, "{name}={value}");
        }
    }
}
