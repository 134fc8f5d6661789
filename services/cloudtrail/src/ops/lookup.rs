use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, ApiError, Cx, Handle, Instant, Result, paging};
use haneul_store::{Range, Reads};
use memchr::memmem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::CloudTrail;
use crate::chunk;
use crate::error;
use crate::model::{Chunk, HISTORY};
use crate::record::{catalog, identity};
use crate::store::told;
use crate::tasks::sweep::HISTORY_DAYS;

/// The API's page, default and largest alike.
const PAGE: usize = 50;
/// Chunks that one call reads; a rarer event is found on a later page.
const CHUNKS_MAX: usize = 400;
/// Chunks that are read at once.
const READ: usize = 8;

/// What Insights events can be looked up by.
const INSIGHT_KEYS: &[&str] = &["EventId", "EventName", "EventSource"];

/// Where a page ended: everything at or before this event of this chunk is still to come.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Position {
    chunk: u64,
    /// Events of the chunk that were not looked at yet.
    left: usize,
}

impl Handle<op::LookupEvents> for CloudTrail {
    async fn access(&self, _: &Cx, _: &s::LookupEventsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("cloudtrail:LookupEvents")])
    }

    async fn call(&self, cx: &Cx, input: s::LookupEventsRequest) -> Result<s::LookupEventsResponse> {
        let limit = match input.max_results {
            None => PAGE,
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| (1..=PAGE).contains(limit))
                .ok_or_else(|| error::max_results("MaxResults"))?,
        };
        if input.start_time.zip(input.end_time).is_some_and(|(start, end)| start > end) {
            return Err(error::time_range());
        }
        let attributes = input.lookup_attributes.unwrap_or_default();
        let attribute = match &attributes[..] {
            [] => None,
            [one] => Some(one),
            _ => return Err(error::lookup_attributes("You can only lookup with one attribute.")),
        };
        let insight = input.event_category.is_some();
        if let Some(one) = attribute.filter(|one| insight && !INSIGHT_KEYS.contains(&&*one.attribute_key)) {
            let message = format!("{} is not valid for Insights events.", one.attribute_key);
            return Err(error::lookup_attributes(&message));
        }
        if input.next_token.is_none() {
            if insight {
                self.look_for_insights().await?;
            }
            self.ingest().await?;
        }
        let looked = Looked {
            history: if insight { told("") } else { String::new() },
            attribute,
            start: input.start_time,
            end: input.end_time,
            limit,
        };
        let (events, next_token) =
            self.page(cx, &looked, input.next_token.as_deref(), error::next_token).await?;
        Ok(s::LookupEventsResponse { events: Some(events), next_token })
    }
}

/// What is looked for, and where.
pub(super) struct Looked<'a> {
    /// The first component of keys of the history.
    pub(super) history: String,
    pub(super) attribute: Option<&'a s::LookupAttribute>,
    pub(super) start: Option<Instant>,
    pub(super) end: Option<Instant>,
    pub(super) limit: usize,
}

impl CloudTrail {
    /// One page, and the token of the next.
    pub(super) async fn page(
        &self,
        cx: &Cx,
        looked: &Looked<'_>,
        token: Option<&str>,
        bad_token: impl Fn() -> ApiError,
    ) -> Result<(Vec<s::Event>, Option<String>)> {
        let purpose = format!(
            "cloudtrail.lookup {} {} {} {:?} {:?} {:?}",
            cx.account(),
            cx.region(),
            looked.history,
            looked.attribute.map(|one| (&one.attribute_key, &one.attribute_value)),
            looked.start,
            looked.end
        );
        let seal = &self.platform.seal;
        let from: Option<Position> = match token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(bad_token)?),
            None => None,
        };
        let oldest = cx.now().millis() - HISTORY_DAYS * 86_400_000;
        let from_ms = looked.start.map_or(oldest, |at| at.millis().max(oldest));
        let until_ms = looked.end.map_or(i64::MAX, |at| at.millis());
        let (events, position) = self.look(cx, looked, (from_ms, until_ms), from).await?;
        Ok((events, position.map(|position| paging::token(seal, &purpose, &position))))
    }
}

impl CloudTrail {
    /// Events from the newest to the oldest.
    async fn look(
        &self,
        cx: &Cx,
        &Looked { ref history, attribute, limit, .. }: &Looked<'_>,
        (from_ms, until_ms): (i64, i64),
        from: Option<Position>,
    ) -> Result<(Vec<s::Event>, Option<Position>)> {
        let mut found = Vec::new();
        let mut before = from.map(|position| position.chunk.saturating_add(1));
        let mut left = from.map(|position| position.left);
        for _ in 0..CHUNKS_MAX / READ {
            let range = Range::prefix((history.clone(), cx.account(), cx.region()));
            let range = match before {
                Some(before) => range.before(&(&**history, cx.account(), cx.region(), before)),
                None => range,
            };
            let chunks = self.platform.store.scan(&HISTORY, range.rev(), READ).await?;
            if chunks.is_empty() {
                return Ok((found, None));
            }
            for ((_, _, _, sequence), Chunk(bytes)) in chunks {
                before = Some(sequence);
                let head = chunk::head(&bytes)?;
                let unread = left.take().unwrap_or(head.count as usize);
                if head.last_ms < from_ms {
                    return Ok((found, None));
                }
                if head.first_ms > until_ms {
                    continue;
                }
                let records = chunk::decode(&bytes)?;
                for (index, json) in records.iter().enumerate().take(unread).rev() {
                    if found.len() == limit {
                        return Ok((found, Some(Position { chunk: sequence, left: index + 1 })));
                    }
                    let event = matching(json, attribute).and_then(|event| describe(&event, json));
                    let within = |event: &s::Event| {
                        // Records tell whole seconds.
                        let at_ms = event.event_time.map_or(0, Instant::millis);
                        at_ms + 999 >= from_ms && at_ms <= until_ms
                    };
                    found.extend(event.filter(within));
                }
            }
        }
        let position = before.map(|before| Position { chunk: before.saturating_sub(1), left: usize::MAX });
        Ok((found, position))
    }
}

/// The event, if it has the attribute. Most others are told apart without being parsed.
fn matching(json: &[u8], attribute: Option<&s::LookupAttribute>) -> Option<Value> {
    let parse = || serde_json::from_slice::<Value>(json).ok();
    let Some(s::LookupAttribute { attribute_key, attribute_value }) = attribute else { return parse() };
    let plain = attribute_value.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\' && b != b'/');
    let literal = !matches!(&**attribute_key, "ReadOnly" | "ResourceType" | "Username");
    if plain && literal && memmem::find(json, attribute_value.as_bytes()).is_none() {
        return None;
    }
    let event = parse()?;
    let is = |value: Option<&str>| value == Some(attribute_value.as_str());
    let has = match &**attribute_key {
        "EventId" => is(event["eventID"].as_str()),
        "EventName" => is(of_call(&event, "eventName")),
        "EventSource" => is(of_call(&event, "eventSource")),
        "ReadOnly" => is(event["readOnly"].as_bool().map(|flag| if flag { "true" } else { "false" })),
        "AccessKeyId" => is(event["userIdentity"]["accessKeyId"].as_str()),
        "Username" => is(identity::user_name(&event["userIdentity"])),
        "ResourceType" => resources(&event).iter().any(|(kind, _)| kind == attribute_value),
        "ResourceName" => resources(&event).iter().any(|(_, name)| name == attribute_value),
        _ => false,
    };
    has.then_some(event)
}

/// What an event, or an Insights event, says of the call that it is about.
fn of_call<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    event[name].as_str().or_else(|| event["insightDetails"][name].as_str())
}

/// An event as LookupEvents shows it.
fn describe(event: &Value, json: &[u8]) -> Option<s::Event> {
    let text = |name: &str| event[name].as_str().map(str::to_owned);
    let resources = resources(event)
        .into_iter()
        .map(|(kind, name)| s::Resource { resource_type: Some(kind), resource_name: Some(name) });
    Some(s::Event {
        event_id: text("eventID"),
        event_name: of_call(event, "eventName").map(str::to_owned),
        read_only: event["readOnly"].as_bool().map(|flag| flag.to_string()),
        access_key_id: event["userIdentity"]["accessKeyId"].as_str().map(str::to_owned),
        event_time: event["eventTime"].as_str().and_then(Instant::parse_iso8601),
        event_source: of_call(event, "eventSource").map(str::to_owned),
        username: identity::user_name(&event["userIdentity"]).map(str::to_owned),
        resources: Some(resources.collect()),
        cloud_trail_event: Some(String::from_utf8(json.to_vec()).ok()?),
    })
}

/// Parameters that name a resource, by event source.
const NAMES: &[(&str, &[(&str, &str)])] = &[
    (
        "iam.amazonaws.com",
        &[
            ("userName", "AWS::IAM::User"),
            ("roleName", "AWS::IAM::Role"),
            ("groupName", "AWS::IAM::Group"),
            ("policyArn", "AWS::IAM::Policy"),
            ("policyName", "AWS::IAM::Policy"),
            ("accessKeyId", "AWS::IAM::AccessKey"),
            ("instanceProfileName", "AWS::IAM::InstanceProfile"),
        ],
    ),
    ("s3.amazonaws.com", &[("bucketName", "AWS::S3::Bucket")]),
    ("kms.amazonaws.com", &[("keyId", "AWS::KMS::Key"), ("aliasName", "AWS::KMS::Alias")]),
    ("sqs.amazonaws.com", &[("queueUrl", "AWS::SQS::Queue"), ("queueName", "AWS::SQS::Queue")]),
    ("sns.amazonaws.com", &[("topicArn", "AWS::SNS::Topic")]),
    ("dynamodb.amazonaws.com", &[("tableName", "AWS::DynamoDB::Table")]),
    ("lambda.amazonaws.com", &[("functionName", "AWS::Lambda::Function")]),
    (
        "logs.amazonaws.com",
        &[("logGroupName", "AWS::Logs::LogGroup"), ("logStreamName", "AWS::Logs::LogStream")],
    ),
    (
        "secretsmanager.amazonaws.com",
        &[("secretId", "AWS::SecretsManager::Secret"), ("name", "AWS::SecretsManager::Secret")],
    ),
    ("ssm.amazonaws.com", &[("name", "AWS::SSM::Parameter")]),
    ("monitoring.amazonaws.com", &[("alarmName", "AWS::CloudWatch::Alarm")]),
    (
        "cloudtrail.amazonaws.com",
        &[
            ("name", "AWS::CloudTrail::Trail"),
            ("trailName", "AWS::CloudTrail::Trail"),
            ("s3BucketName", "AWS::S3::Bucket"),
        ],
    ),
    ("sts.amazonaws.com", &[("roleArn", "AWS::IAM::Role"), ("roleSessionName", "AWS::STS::AssumedRole")]),
];

/// Types and names of the resources of an event.
fn resources(event: &Value) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |kind: &str, name: &str| {
        let one = (kind.to_owned(), name.to_owned());
        if !all.contains(&one) {
            all.push(one);
        }
    };
    for resource in event["resources"].as_array().into_iter().flatten() {
        if let Some(arn) = resource["ARN"].as_str() {
            let kind = resource["type"].as_str().or_else(|| catalog::resource_type(arn)).unwrap_or_default();
            add(kind, arn);
        }
    }
    let source = event["eventSource"].as_str().unwrap_or_default();
    let names = NAMES.iter().find(|(name, _)| *name == source).map_or(&[][..], |(_, names)| names);
    for (member, kind) in names {
        if let Some(name) = event["requestParameters"][*member].as_str() {
            add(kind, name);
        }
    }
    let answer = &event["responseElements"];
    for (pointer, kind) in [
        ("/accessKey/accessKeyId", "AWS::IAM::AccessKey"),
        ("/credentials/accessKeyId", "AWS::IAM::AccessKey"),
        ("/user/arn", "AWS::IAM::User"),
        ("/user/userId", "AWS::IAM::User"),
        ("/role/arn", "AWS::IAM::Role"),
        ("/role/roleId", "AWS::IAM::Role"),
        ("/policy/arn", "AWS::IAM::Policy"),
        ("/keyMetadata/arn", "AWS::KMS::Key"),
        ("/trailARN", "AWS::CloudTrail::Trail"),
    ] {
        if let Some(name) = answer.pointer(pointer).and_then(Value::as_str) {
            add(kind, name);
        }
    }
    all
}
