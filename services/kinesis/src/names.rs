//! How streams, shards and consumers are named.

use haneul_kit::{AccountId, Arn, Cx, Region, Result};

use crate::error;

/// A stream, by who has it and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StreamKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

/// A consumer within its stream. The time tells it from others of its name, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsumerName {
    pub(crate) name: String,
    pub(crate) created_secs: i64,
}

/// How a request names a consumer: by its ARN, or by its stream's and its name. All that is given must agree.
#[derive(Clone, Copy, Default)]
pub(crate) struct NamedConsumer<'a> {
    pub(crate) stream_arn: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) arn: Option<&'a str>,
}

/// What the ARN of a taggable resource, or of one with a policy, names.
pub(crate) enum Resource {
    Stream(StreamKey),
    Consumer(StreamKey, ConsumerName),
}

impl StreamKey {
    pub(crate) fn arn(&self) -> Arn {
        Arn::new("kinesis", self.region, self.account, format_args!("stream/{}", self.name))
    }

    pub(crate) fn consumer_arn(&self, consumer: &ConsumerName) -> Arn {
        let resource =
            format_args!("stream/{}/consumer/{}:{}", self.name, consumer.name, consumer.created_secs);
        Arn::new("kinesis", self.region, self.account, resource)
    }
}

impl<'a> NamedConsumer<'a> {
    pub(crate) fn by_arn(arn: &'a str) -> NamedConsumer<'a> {
        NamedConsumer { arn: Some(arn), ..NamedConsumer::default() }
    }

    /// The stream, the name, and the time of creation where it is said.
    pub(crate) fn parse(&self) -> Result<(StreamKey, String, Option<i64>)> {
        let NamedConsumer { stream_arn: stream, name, arn } = *self;
        let by_name = match (stream, name) {
            (Some(stream), Some(name)) => Some((stream_arn(stream)?, name.to_owned())),
            _ => None,
        };
        let Some(arn) = arn else {
            let (key, name) = by_name.ok_or_else(|| {
                error::invalid("Either ConsumerARN, or both StreamARN and ConsumerName, must be provided.")
            })?;
            return Ok((key, name, None));
        };
        let (key, consumer) = consumer_arn(arn)?;
        let agrees = stream.is_none_or(|stream| stream == key.arn().as_str())
            && name.is_none_or(|name| name == consumer.name);
        if !agrees {
            return Err(error::invalid(
                "StreamARN, ConsumerName and ConsumerARN do not name the same consumer.",
            ));
        }
        Ok((key, consumer.name, Some(consumer.created_secs)))
    }
}

/// The stream that a request names, by name, ARN, or both.
pub(crate) fn stream(cx: &Cx, name: Option<&str>, arn: Option<&str>) -> Result<StreamKey> {
    match (name, arn) {
        (None, None) => Err(error::invalid("Either StreamName or StreamARN must be provided.")),
        (Some(name), None) => {
            Ok(StreamKey { account: cx.account(), region: cx.region(), name: name.to_owned() })
        }
        (name, Some(arn)) => {
            let key = stream_arn(arn)?;
            if name.is_some_and(|name| name != key.name) {
                return Err(error::invalid("StreamName and StreamARN do not name the same stream."));
            }
            Ok(key)
        }
    }
}

pub(crate) fn stream_arn(text: &str) -> Result<StreamKey> {
    match resource(text)? {
        Resource::Stream(key) => Ok(key),
        Resource::Consumer(..) => Err(not_an_arn(text)),
    }
}

pub(crate) fn consumer_arn(text: &str) -> Result<(StreamKey, ConsumerName)> {
    match resource(text)? {
        Resource::Consumer(key, consumer) => Ok((key, consumer)),
        Resource::Stream(_) => Err(not_an_arn(text)),
    }
}

pub(crate) fn resource(text: &str) -> Result<Resource> {
    parse(text).ok_or_else(|| not_an_arn(text))
}

fn parse(text: &str) -> Option<Resource> {
    let arn = Arn::parse(text).ok().filter(|arn| arn.service() == "kinesis")?;
    let (account, region) = (arn.account_id()?, arn.region().parse().ok()?);
    let mut parts = arn.resource().split('/');
    let ("stream", Some(name)) = (parts.next()?, parts.next()) else { return None };
    if !is_name(name) {
        return None;
    }
    let stream = StreamKey { account, region, name: name.to_owned() };
    let Some(kind) = parts.next() else { return Some(Resource::Stream(stream)) };
    let (name, secs) = parts.next()?.rsplit_once(':')?;
    if kind != "consumer" || parts.next().is_some() || !is_name(name) {
        return None;
    }
    let consumer = ConsumerName { name: name.to_owned(), created_secs: secs.parse().ok()? };
    Some(Resource::Consumer(stream, consumer))
}

fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

fn not_an_arn(text: &str) -> haneul_kit::ApiError {
    error::invalid(format!("{text} is not the ARN of a Kinesis resource of this kind."))
}

/// `shardId-000000000000`.
pub(crate) fn shard_id(index: u32) -> String {
    format!("shardId-{index:012}")
}

/// The number of a shard by its id; as AWS does, with or without the part before the dash and the zeros.
pub(crate) fn shard_index(id: &str) -> Option<u32> {
    let digits = id.split_once('-').map_or(id, |(_, digits)| digits);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten().filter(|index| *index <= i32::MAX as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read() {
        let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/a.b";
        assert_eq!(stream_arn(arn).unwrap().arn().as_str(), arn);
        let consumer = format!("{arn}/consumer/c_1:1700000000");
        let (stream, name) = consumer_arn(&consumer).unwrap();
        assert_eq!(stream.consumer_arn(&name).as_str(), consumer);
        for bad in [
            "",
            "arn",
            "arn:aws:sqs:us-east-1:123456789012:stream/a",
            "arn:aws:kinesis:us-east-1::stream/a",
            "arn:aws:kinesis:nowhere:123456789012:stream/a",
            "arn:aws:kinesis:us-east-1:123456789012:stream/",
            "arn:aws:kinesis:us-east-1:123456789012:queue/a",
            "arn:aws:kinesis:us-east-1:123456789012:stream/a/consumer",
            "arn:aws:kinesis:us-east-1:123456789012:stream/a/consumer/b",
            "arn:aws:kinesis:us-east-1:123456789012:stream/a/consumer/b:x",
            "arn:aws:kinesis:us-east-1:123456789012:stream/a/consumer/b:1/c",
        ] {
            assert!(resource(bad).is_err(), "{bad}");
        }
        assert!(stream_arn(&consumer).is_err() && consumer_arn(arn).is_err());
    }

    #[test]
    fn shards_are_named() {
        assert_eq!(shard_id(7), "shardId-000000000007");
        for (id, index) in [
            ("shardId-000000000007", Some(7)),
            ("7", Some(7)),
            ("shardId-2147483648", None),
            ("shardId-", None),
            ("shardId-x", None),
            ("shardId-99999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(shard_index(id), index, "{id}");
        }
    }
}
