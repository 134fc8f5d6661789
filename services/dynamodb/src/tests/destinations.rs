//! Kinesis destinations: what arrives in a stream of the changes of a table, whatever happens on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use haneul_dynamodb_wire::operations as op;
use haneul_dynamodb_wire::shapes as s;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Caller, Env, Principal, Region};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as m;
use haneul_store::{Range, Reads, Store};

use super::stage::{STREAM, Stage, Streams, root};
use crate::model::{DELIVERIES, LOG};

const STATE: &str =
    "ValidationException: Table is not in a valid state to enable Kinesis Streaming Destination:";

async fn ready() -> Stage {
    let stage = Stage::new().await;
    stage.table("tab").await;
    stage.enable().await;
    stage.settle().await;
    stage
}

async fn left(stage: &Stage) -> (usize, usize) {
    let store = &stage.platform.store;
    let deliveries = store.scan_keys(&DELIVERIES, Range::all(), 100).await.unwrap().len();
    (deliveries, store.scan_keys(&LOG, Range::all(), 10_000).await.unwrap().len())
}

#[tokio::test]
async fn every_change_arrives_in_the_order_of_its_item() {
    let stage = ready().await;
    assert_eq!(stage.destinations().await, [("ACTIVE".to_owned(), None, None)]);
    for v in 0..40 {
        for (p, sort) in [("a", 1), ("a", 2), ("b", 1)] {
            stage.put(p, sort, v).await;
        }
    }
    // What changes nothing is no change.
    stage.put("b", 1, 39).await;
    stage.delete("a", 2).await;
    stage.settle().await;
    let arrived = stage.arrived();
    assert_eq!(arrived.len(), 121);
    let (key, first) = &arrived[0];
    assert_eq!(key, "a");
    assert_eq!((&first["eventName"], &first["tableName"]), (&"INSERT".into(), &"tab".into()));
    let (_, last) = arrived.iter().find(|(_, document)| document["eventName"] == "REMOVE").unwrap();
    assert_eq!(last["dynamodb"]["OldImage"]["v"]["N"], "39");
    *stage.streams.arrived.lock() = arrived;
    let items = stage.by_item();
    let all: Vec<i64> = (0..40).collect();
    assert_eq!(items["a1"], all);
    assert_eq!(items["b1"], all);
    assert_eq!(items["a2"], [all.as_slice(), &[-1]].concat());
    assert_eq!(left(&stage).await, (1, 0));
}

/// Of a call's records some are refused and others taken, and those that are taken may be later ones.
#[tokio::test]
async fn what_is_throttled_is_told_again_and_never_out_of_order() {
    let stage = ready().await;
    for each in [2, 3, 7] {
        *stage.streams.refuse_each.lock() = each;
        for v in 0..30 {
            for p in ["a", "b", "c"] {
                stage.put(p, each as i64, v).await;
            }
        }
        for _ in 0..200 {
            stage.later().await;
        }
        let items = stage.by_item();
        let all: Vec<i64> = (0..30).collect();
        for p in ["a", "b", "c"] {
            assert_eq!(items[&format!("{p}{each}")], all, "{p} {each}");
        }
        assert_eq!(left(&stage).await, (1, 0));
    }
    stage.platform.env.clock.advance(Duration::from_secs(60));
    let metrics = stage.metrics();
    assert!(metrics["ThrottledPutRecordCount"] >= 90.0, "{metrics:?}");
    assert_eq!(metrics["ConsumedChangeDataCaptureUnits"], 270.0);
    assert!(metrics.contains_key("AgeOfOldestUnreplicatedRecord"));
    assert!(!metrics.contains_key("FailedToReplicateRecordCount"));
}

#[tokio::test]
async fn a_stream_that_is_gone_holds_no_write_up_and_its_changes_wait_for_a_day() {
    let stage = ready().await;
    for code in ["ResourceNotFoundException", "KMSDisabledException", "AccessDeniedException"] {
        *stage.streams.broken.lock() = Some(code);
        stage.put(code, 1, 1).await;
        stage.settle().await;
        assert!(stage.arrived().is_empty());
        assert_eq!(stage.destinations().await[0].0, "ACTIVE");
    }
    stage.platform.env.clock.advance(Duration::from_secs(12 * 60 * 60));
    *stage.streams.broken.lock() = None;
    stage.settle().await;
    assert_eq!(stage.arrived().len(), 3);
    *stage.streams.broken.lock() = Some("ResourceNotFoundException");
    for v in 0..250 {
        stage.put("old", v, v).await;
    }
    stage.settle().await;
    stage.platform.env.clock.advance(Duration::from_secs(13 * 60 * 60));
    stage.put("new", 1, 1).await;
    stage.metrics();
    stage.platform.env.clock.advance(Duration::from_secs(11 * 60 * 60 + 1));
    stage.settle().await;
    assert_eq!(left(&stage).await, (1, 1), "the log is bounded");
    *stage.streams.broken.lock() = None;
    stage.later().await;
    assert_eq!(stage.by_item().into_keys().collect::<Vec<_>>(), ["new1"]);
    stage.platform.env.clock.advance(Duration::from_secs(60));
    assert_eq!(stage.metrics()["FailedToReplicateRecordCount"], 250.0);
}

#[tokio::test]
async fn turned_off_and_on_again() {
    let stage = ready().await;
    stage.put("a", 1, 1).await;
    stage.disable().await;
    assert_eq!(stage.destinations().await[0].0, "DISABLING");
    // Not told any more; what came before still is.
    stage.put("a", 1, 2).await;
    stage.settle().await;
    assert_eq!(stage.destinations().await[0].0, "DISABLED");
    assert_eq!(stage.by_item(), BTreeMap::from([("a1".to_owned(), vec![1])]));
    assert_eq!(left(&stage).await, (0, 0));
    stage.put("a", 1, 3).await;
    stage.enable().await;
    stage.put("a", 1, 4).await;
    stage.settle().await;
    assert_eq!(stage.by_item(), BTreeMap::from([("a1".to_owned(), vec![4])]));
    assert_eq!(stage.destinations().await.len(), 1);
    // What was acknowledged before the table went is told, too.
    stage.put("a", 1, 5).await;
    stage.ok::<op::DeleteTable>(s::DeleteTableInput { table_name: "tab".into() }).await;
    stage.settle().await;
    assert_eq!(stage.by_item(), BTreeMap::from([("a1".to_owned(), vec![5])]));
    stage.settle().await;
    assert_eq!(left(&stage).await, (0, 0));
    // A table of that name has nothing to do with it.
    stage.table("tab").await;
    assert!(stage.destinations().await.is_empty());
    stage.put("a", 1, 1).await;
    stage.settle().await;
    assert!(stage.arrived().is_empty());
}

#[tokio::test]
async fn states_and_what_is_refused_in_them() {
    let stage = Stage::new().await;
    let missing = stage.err::<op::EnableKinesisStreamingDestination>(stage.to(STREAM, None)).await;
    assert_eq!(missing, "ResourceNotFoundException: Requested resource not found: Table: tab not found");
    stage.table("tab").await;
    let disable = || stage.err::<op::DisableKinesisStreamingDestination>(stage.to(STREAM, None));
    let not_active =
        format!("{STATE} KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.");
    assert_eq!(disable().await, not_active);
    stage.enable().await;
    assert_eq!(stage.destinations().await[0].0, "ENABLING");
    assert_eq!(disable().await, not_active);
    let taken = format!(
        "{STATE} EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
    );
    let other = "arn:aws:kinesis:us-east-1:111111111111:stream/other";
    for stream in [STREAM, other] {
        assert_eq!(stage.err::<op::EnableKinesisStreamingDestination>(stage.to(stream, None)).await, taken);
    }
    stage.settle().await;
    let update = |stream: &str, precision: Option<&str>| s::UpdateKinesisStreamingDestinationInput {
        table_name: "tab".into(),
        stream_arn: stream.into(),
        update_kinesis_streaming_configuration: Some(s::UpdateKinesisStreamingConfiguration {
            approximate_creation_date_time_precision: precision.map(str::to_owned),
        }),
    };
    let refused =
        stage.err::<op::UpdateKinesisStreamingDestination>(update(other, Some("MICROSECOND"))).await;
    assert_eq!(
        refused,
        format!(
            "{STATE} No streaming destination with streamArn: {other} found for table with tableName: tab"
        )
    );
    let refused = stage.err::<op::UpdateKinesisStreamingDestination>(update(STREAM, None)).await;
    assert!(
        refused.ends_with("UpdateKinesisStreamingConfiguration cannot be null or contain only null values")
    );
    let refused =
        stage.err::<op::UpdateKinesisStreamingDestination>(update(STREAM, Some("MILLISECOND"))).await;
    assert!(refused.starts_with(
        "ValidationException: Invalid Request: Precision is already set to the desired value of MILLISECOND for tableId: "
    ));
    assert!(refused.ends_with(&format!(", kdsArn: {STREAM}")), "{refused}");
    let micros = update(STREAM, Some("MICROSECOND"));
    let updated = stage.ok::<op::UpdateKinesisStreamingDestination>(micros.clone()).await;
    assert_eq!(updated.destination_status.as_deref(), Some("UPDATING"));
    assert_eq!(stage.destinations().await[0].2.as_deref(), Some("MICROSECOND"));
    let refused = stage.err::<op::UpdateKinesisStreamingDestination>(micros).await;
    assert!(
        refused.contains("Updates are only allowed in ACTIVE state. TableName: tab, kdsArn: "),
        "{refused}"
    );
    stage.put("a", 1, 1).await;
    stage.settle().await;
    assert_eq!(stage.destinations().await[0].0, "ACTIVE");
    let (_, document) = stage.arrived().pop().unwrap();
    let at = document["dynamodb"]["ApproximateCreationDateTime"].as_i64().unwrap();
    assert_eq!(at.div_euclid(1000), stage.platform.env.now().millis());
    let refused =
        stage.err::<op::DisableKinesisStreamingDestination>(stage.to(STREAM, Some("MICROSECOND"))).await;
    assert!(
        refused.ends_with("Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters")
    );
    stage.disable().await;
    stage.settle().await;
    assert_eq!(stage.destinations().await, [("DISABLED".to_owned(), None, None)]);
}

#[tokio::test]
async fn a_stream_that_cannot_be_used_fails_behind_the_answer() {
    let stage = Stage::new().await;
    stage.table("tab").await;
    let permission = "User does not have a permission to use kinesis stream";
    let belongs = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in";
    let mut failed = 0;
    for (stream, why) in [
        ("arn:aws:kinesis:us-east-1:111111111111:stream/none", permission.to_owned()),
        ("arn:aws:kinesis:eu-west-1:111111111111:stream/changes", format!("{belongs} the current region")),
        ("arn:aws:kinesis:us-east-1:222222222222:stream/changes", format!("{belongs} Active state")),
        ("arn:aws:firehose:us-east-1:111111111111:deliverystream/x", format!("{belongs} Active state")),
        ("arn:aws:dynamodb:us-east-1:111111111111:table/tab", permission.to_owned()),
        ("arn:aws:kinesis:us-east-1:111111111111:stream/changes/consumer/c:1", permission.to_owned()),
    ] {
        let enabled = stage.ok::<op::EnableKinesisStreamingDestination>(stage.to(stream, None)).await;
        assert_eq!(enabled.destination_status.as_deref(), Some("ENABLING"));
        stage.put("a", 1, failed).await;
        stage.settle().await;
        failed += 1;
        let all = stage.destinations().await;
        assert_eq!(all.len(), usize::try_from(failed).unwrap());
        assert_eq!(all.last(), Some(&("ENABLE_FAILED".to_owned(), Some(why), None)), "{stream}");
    }
    *stage.streams.creating.lock() = true;
    stage.enable().await;
    stage.settle().await;
    assert_eq!(stage.destinations().await.last().unwrap().0, "ENABLE_FAILED");
    *stage.streams.creating.lock() = false;
    stage.enable().await;
    stage.settle().await;
    let all = stage.destinations().await;
    assert_eq!((all.len(), all.last().unwrap().0.as_str()), (7, "ACTIVE"));
    assert!(stage.arrived().is_empty());
    stage.settle().await;
    assert_eq!(left(&stage).await, (1, 0));
}

#[tokio::test]
async fn permissions_that_are_asked_for() {
    let stage = Stage::new().await;
    stage.table("tab").await;
    let input = i::CreateUserRequest { user_name: "ann".into(), ..Default::default() };
    let id = stage.ok::<iam::CreateUser>(input).await.user.unwrap().user_id;
    let principal = Principal::User { path: "/".into(), name: "ann".into(), id };
    let user = Caller { principal, ..root() };
    let allow = |actions: &str| i::PutUserPolicyRequest {
        user_name: "ann".into(),
        policy_name: "p".into(),
        policy_document: format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#
        ),
    };
    let enable = || stage.call::<op::EnableKinesisStreamingDestination>(&user, stage.to(STREAM, None));
    stage.ok::<iam::PutUserPolicy>(allow(r#""dynamodb:DescribeTable""#)).await;
    assert_eq!(enable().await.err().unwrap().code(), "AccessDeniedException");
    let own = r#""dynamodb:EnableKinesisStreamingDestination""#;
    stage.ok::<iam::PutUserPolicy>(allow(own)).await;
    let refused = enable().await.err().unwrap();
    assert!(refused.message().contains("iam:CreateServiceLinkedRole"), "{refused}");
    let all = [
        r#""iam:CreateServiceLinkedRole""#,
        r#""kinesis:DescribeStream","kinesis:ListStreams""#,
        r#""kinesis:PutRecords""#,
    ];
    for count in 1..=all.len() {
        let actions = [&[own], &all[..count]].concat().join(",");
        stage.ok::<iam::PutUserPolicy>(allow(&actions)).await;
        enable().await.unwrap();
        stage.settle().await;
        let expected = if count == all.len() { "ACTIVE" } else { "ENABLE_FAILED" };
        assert_eq!(stage.destinations().await[0].0, expected, "{actions}");
    }
}

#[tokio::test]
async fn what_expires_is_told_as_the_services_own() {
    let stage = ready().await;
    let specification = s::TimeToLiveSpecification { enabled: true, attribute_name: "v".into() };
    let input =
        s::UpdateTimeToLiveInput { table_name: "tab".into(), time_to_live_specification: specification };
    stage.ok::<op::UpdateTimeToLive>(input).await;
    stage.settle().await;
    stage.put("a", 1, stage.platform.env.now().secs() + 10).await;
    stage.settle().await;
    stage.arrived();
    stage.platform.env.clock.advance(Duration::from_secs(20));
    stage.settle().await;
    stage.settle().await;
    let (_, document) = stage.arrived().pop().unwrap();
    assert_eq!(document["eventName"], "REMOVE");
    assert_eq!(document["userIdentity"]["principalId"], "dynamodb.amazonaws.com");
    assert_eq!(document["userIdentity"]["type"], "Service");
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let store = Store::memory();
    let stage = Stage::on(Env::simulated(5), store.clone(), Streams::default()).await;
    stage.table("tab").await;
    stage.enable().await;
    for v in 0..20 {
        stage.put("a", 1, v).await;
        if v == 7 {
            stage.settle().await;
        }
    }
    assert_eq!(stage.by_item()["a1"], (0..8).collect::<Vec<_>>());
    let again = Stage::on(Env::simulated(6), store, Streams::default()).await;
    again.put("a", 1, 20).await;
    again.settle().await;
    assert_eq!(again.by_item()["a1"], (8..21).collect::<Vec<_>>());
}

/// A change whose document is more than a stream takes is left out, and those behind it are not.
#[tokio::test]
async fn a_change_that_is_too_large_is_left_out() {
    let stage = ready().await;
    let text = |count: usize| s::AttributeValue::S("\u{1}".repeat(count));
    let item = |sort: &str, count: usize| {
        haneul_shape::value::Map(vec![
            ("p".into(), s::AttributeValue::S("a".into())),
            ("s".into(), s::AttributeValue::N(sort.into())),
            ("t".into(), text(count)),
        ])
    };
    for (sort, count) in [("1", 300_000), ("2", 10)] {
        let input =
            s::PutItemInput { table_name: "tab".into(), item: item(sort, count), ..Default::default() };
        stage.ok::<op::PutItem>(input).await;
    }
    stage.settle().await;
    let arrived = stage.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].1["dynamodb"]["Keys"]["s"]["N"], "2");
    stage.platform.env.clock.advance(Duration::from_secs(60));
    assert_eq!(stage.metrics()["FailedToReplicateRecordCount"], 1.0);
    assert_eq!(left(&stage).await, (1, 0));
}

/// The log of an encrypted table is encrypted, and the service opens it by its grant.
#[tokio::test]
async fn changes_of_an_encrypted_table_wait_in_its_own_key() {
    let stage = ready().await;
    let sse = s::SSESpecification { enabled: Some(true), sse_type: Some("KMS".into()), ..Default::default() };
    let input =
        s::UpdateTableInput { table_name: "tab".into(), sse_specification: Some(sse), ..Default::default() };
    stage.ok::<op::UpdateTable>(input).await;
    stage.settle().await;
    *stage.streams.broken.lock() = Some("ResourceNotFoundException");
    stage.put("plaintext", 1, 1).await;
    stage.settle().await;
    let kept = stage.platform.store.scan(&LOG, Range::all(), 100).await.unwrap();
    let shows = |record: &[u8]| record.windows(9).any(|part| part == b"plaintext");
    assert!(kept.len() == 1 && !shows(&kept[0].1), "{kept:?}");
    *stage.streams.broken.lock() = None;
    stage.later().await;
    assert_eq!(stage.by_item().into_keys().collect::<Vec<_>>(), ["plaintext1"]);
}

fn item(p: &str, sort: i64) -> haneul_shape::value::Map<s::AttributeValue> {
    haneul_shape::value::Map(vec![
        ("p".into(), s::AttributeValue::S(p.into())),
        ("s".into(), s::AttributeValue::N(sort.to_string())),
    ])
}

/// Whoever tells the stream stops at a number whose commit is under way: it must hear when nothing comes of that, too.
#[tokio::test]
async fn a_write_that_is_refused_holds_no_other_up() {
    let stage = ready().await;
    stage.start().await;
    stage.put("refused", 0, 0).await;
    for sort in 0..50 {
        let refused = s::PutItemInput {
            table_name: "tab".into(),
            item: item("refused", 0),
            condition_expression: Some("attribute_not_exists(p)".into()),
            ..Default::default()
        };
        let beside = stage.put("beside", sort, sort);
        tokio::join!(stage.err::<op::PutItem>(refused), beside);
        stage.rest().await;
        assert_eq!(left(&stage).await, (1, 0), "{sort}");
    }
    assert_eq!(stage.arrived().len(), 51);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_change_behind() {
    let (stage, client) = (ready().await, root());
    stage.start().await;
    for sort in 0..50 {
        let input =
            s::PutItemInput { table_name: "tab".into(), item: item("gone", sort), ..Default::default() };
        let goes = async {
            for _ in 0..sort % 5 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            put = stage.call::<op::PutItem>(&client, input) => drop(put.unwrap()),
            () = goes => {}
        }
        stage.rest().await;
        assert_eq!(left(&stage).await, (1, 0), "{sort}");
    }
    assert!(!stage.arrived().is_empty());
}

#[tokio::test]
async fn what_is_left_of_a_table_that_goes_is_looked_at() {
    let stage = ready().await;
    stage.start().await;
    stage.ok::<op::DeleteTable>(s::DeleteTableInput { table_name: "tab".into() }).await;
    stage.rest().await;
    assert_eq!(left(&stage).await, (0, 0));
}

#[tokio::test]
async fn a_clock_that_is_behind_after_a_restart_hides_no_change() {
    let (store, env) = (Store::memory(), Env::simulated(5));
    env.clock.advance(Duration::from_secs(60 * 60));
    let stage = Stage::on(env, store.clone(), Streams::default()).await;
    stage.table("tab").await;
    stage.enable().await;
    stage.put("a", 1, 1).await;
    stage.settle().await;
    assert_eq!(left(&stage).await, (1, 0));
    let again = Stage::on(Env::simulated(6), store, Streams::default()).await;
    again.put("a", 1, 2).await;
    again.settle().await;
    assert_eq!(again.by_item()["a1"], [2]);
    assert_eq!(left(&again).await, (1, 0));
}

#[tokio::test]
async fn turned_off_while_the_stream_is_being_told() {
    let stage = ready().await;
    stage.start().await;
    let (platform, input) = (stage.platform.clone(), stage.to(STREAM, None));
    *stage.streams.meanwhile.lock() = Some(Box::pin(async move {
        let bus = &platform.bus;
        bus.call::<op::DisableKinesisStreamingDestination>(root(), Region::US_EAST_1, None, input)
            .await
            .unwrap();
    }));
    stage.put("a", 1, 1).await;
    stage.rest().await;
    assert_eq!(stage.destinations().await, [("DISABLED".to_owned(), None, None)]);
    assert_eq!(stage.by_item()["a1"], [1]);
    assert_eq!(left(&stage).await, (0, 0));
}

/// A stream that is taken away and given back has a log for each time.
#[tokio::test]
async fn turned_off_and_on_again_while_the_stream_is_throttled() {
    let stage = ready().await;
    *stage.streams.refuse_each.lock() = 2;
    for p in ["a", "b", "c", "d"] {
        stage.put(p, 1, 1).await;
    }
    stage.disable().await;
    stage.settle().await;
    // Two are left, of which the stream will take the first.
    stage.enable().await;
    stage.put("d", 1, 2).await;
    for _ in 0..20 {
        stage.later().await;
    }
    assert_eq!(stage.by_item()["d1"], [1, 2]);
    assert_eq!(left(&stage).await, (1, 0));
}

#[tokio::test]
async fn a_stream_that_is_slow_keeps_no_other_waiting() {
    let stage = ready().await;
    stage.table("two").await;
    let other = s::KinesisStreamingDestinationInput { table_name: "two".into(), ..stage.to(STREAM, None) };
    stage.ok::<op::EnableKinesisStreamingDestination>(other).await;
    stage.start().await;
    let (goes_on, waits) = tokio::sync::oneshot::channel::<()>();
    *stage.streams.meanwhile.lock() = Some(Box::pin(async move { waits.await.unwrap() }));
    stage.put("a", 1, 1).await;
    stage.rest().await;
    for sort in 0..3 {
        // Of the same stream, it waits.
        stage.put("a", 1, sort).await;
        let input = s::PutItemInput { table_name: "two".into(), item: item("b", sort), ..Default::default() };
        stage.ok::<op::PutItem>(input).await;
        stage.rest().await;
        assert_eq!(stage.by_item().into_keys().collect::<Vec<_>>(), [format!("b{sort}")]);
    }
    goes_on.send(()).unwrap();
    stage.rest().await;
    assert_eq!(stage.by_item()["a1"], [1, 0, 1, 2]);
    assert_eq!(left(&stage).await, (2, 0));
}

#[tokio::test]
async fn a_page_of_large_changes_is_short() {
    let stage = ready().await;
    for sort in 0..40 {
        let mut item = item("large", sort);
        item.0.push(("t".into(), s::AttributeValue::S("t".repeat(300_000))));
        let input = s::PutItemInput { table_name: "tab".into(), item, ..Default::default() };
        stage.ok::<op::PutItem>(input).await;
    }
    stage.settle().await;
    // Each page has two calls, because a call has less than a page.
    assert_eq!(*stage.streams.calls.lock(), [17, 3, 17, 3]);
}

#[tokio::test]
async fn what_is_left_of_an_encrypted_table_is_brought_before_its_grant_goes() {
    let store = Store::memory();
    let stage = Stage::on(Env::simulated(5), store.clone(), Streams::default()).await;
    stage.table("tab").await;
    stage.enable().await;
    let key = stage.ok::<kms::CreateKey>(m::CreateKeyRequest::default()).await.key_metadata.unwrap();
    let sse = s::SSESpecification {
        enabled: Some(true),
        sse_type: Some("KMS".into()),
        kms_master_key_id: Some(key.key_id.clone()),
    };
    let input =
        s::UpdateTableInput { table_name: "tab".into(), sse_specification: Some(sse), ..Default::default() };
    stage.ok::<op::UpdateTable>(input).await;
    stage.settle().await;
    *stage.streams.broken.lock() = Some("ResourceNotFoundException");
    stage.put("a", 1, 1).await;
    let grants = || m::ListGrantsRequest { key_id: key.key_id.clone(), ..Default::default() };
    assert_eq!(stage.ok::<kms::ListGrants>(grants()).await.grants.unwrap().len(), 1);
    stage.ok::<op::DeleteTable>(s::DeleteTableInput { table_name: "tab".into() }).await;
    stage.settle().await;
    // Which has no open keys.
    let again = Stage::on(Env::simulated(6), store, Streams::default()).await;
    again.settle().await;
    assert_eq!(again.by_item()["a1"], [1]);
    assert_eq!(left(&again).await, (0, 0));
    assert!(again.ok::<kms::ListGrants>(grants()).await.grants.unwrap().is_empty());
}

/// What is written meanwhile does not make a stream be asked again before its time.
#[tokio::test]
async fn a_stream_that_throttles_is_left_alone_for_a_while() {
    let stage = ready().await;
    stage.start().await;
    *stage.streams.refuse_each.lock() = 1;
    for sort in 0..50 {
        stage.put("a", sort, sort).await;
        stage.rest().await;
    }
    assert_eq!(stage.streams.calls.lock().len(), 1);
    *stage.streams.refuse_each.lock() = 0;
    stage.platform.env.clock.advance(Duration::from_millis(500));
    stage.rest().await;
    assert_eq!(stage.arrived().len(), 50);
    assert_eq!(left(&stage).await, (1, 0));
}
