use haneul_dynamodb_wire::{operations as ddb, shapes as d};
use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::{Value, json};

use super::cloud::{Cloud, fails, is_poison, nothing};

async fn table(cloud: &Cloud, name: &str) -> String {
    let input = d::CreateTableInput {
        table_name: name.into(),
        billing_mode: Some("PAY_PER_REQUEST".into()),
        attribute_definitions: Some(vec![d::AttributeDefinition {
            attribute_name: "id".into(),
            attribute_type: "S".into(),
        }]),
        key_schema: Some(vec![d::KeySchemaElement { attribute_name: "id".into(), key_type: "HASH".into() }]),
        stream_specification: Some(d::StreamSpecification {
            stream_enabled: true,
            stream_view_type: Some("NEW_AND_OLD_IMAGES".into()),
        }),
        ..Default::default()
    };
    let made = cloud.ok::<ddb::CreateTable>(input).await;
    cloud.settle().await;
    made.table_description.unwrap().latest_stream_arn.unwrap()
}

async fn put(cloud: &Cloud, table: &str, id: &str) {
    let item = [("id", d::AttributeValue::S(id.to_owned())), ("n", d::AttributeValue::N("1".into()))];
    let input =
        d::PutItemInput { table_name: table.into(), item: item.into_iter().collect(), ..Default::default() };
    cloud.ok::<ddb::PutItem>(input).await;
}

fn mapping(stream: &str, start: &str) -> s::CreateEventSourceMappingRequest {
    s::CreateEventSourceMappingRequest {
        event_source_arn: Some(stream.into()),
        function_name: "f".into(),
        starting_position: Some(start.into()),
        ..Default::default()
    }
}

/// The keys that the function was given, call by call.
fn ids(cloud: &Cloud) -> Vec<Vec<String>> {
    let seen = cloud.seen.lock();
    let ids = |event: &Value| {
        let records = event["Records"].as_array().unwrap().iter();
        records.map(|record| record["dynamodb"]["Keys"]["id"]["S"].as_str().unwrap().to_owned()).collect()
    };
    seen.iter().map(|(_, event)| ids(event)).collect()
}

#[tokio::test]
async fn changes_arrive_in_order_from_the_beginning() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = table(&cloud, "items").await;
    for id in ["a", "b", "c"] {
        put(&cloud, "items", id).await;
    }
    let made = cloud.ok::<op::CreateEventSourceMapping>(mapping(&stream, "TRIM_HORIZON")).await;
    assert_eq!((made.batch_size, made.maximum_retry_attempts), (Some(100), Some(-1)));
    cloud.until("the changes arrive", || cloud.count("f") == 1).await;
    assert_eq!(ids(&cloud), [["a", "b", "c"]]);
    let event = cloud.seen.lock()[0].1.clone();
    let record = &event["Records"][0];
    assert_eq!(
        (record["eventName"].as_str(), record["eventSource"].as_str()),
        (Some("INSERT"), Some("aws:dynamodb"))
    );
    assert_eq!(record["dynamodb"]["NewImage"]["n"], json!({ "N": "1" }));
    assert_eq!(record["eventSourceARN"], stream);
    put(&cloud, "items", "d").await;
    cloud.until("the next change arrives", || cloud.count("f") == 2).await;
    assert_eq!(ids(&cloud)[1], ["d"]);
}

#[tokio::test]
async fn latest_passes_over_what_was_before() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = table(&cloud, "items").await;
    put(&cloud, "items", "old").await;
    cloud.ok::<op::CreateEventSourceMapping>(mapping(&stream, "LATEST")).await;
    cloud.settle().await;
    put(&cloud, "items", "new").await;
    cloud.until("the new change arrives", || cloud.count("f") == 1).await;
    assert_eq!(ids(&cloud), [["new"]]);
    let refused = cloud.err::<op::CreateEventSourceMapping>(s::CreateEventSourceMappingRequest {
        function_name: "f".into(),
        ..mapping(&stream, "AT_TIMESTAMP")
    });
    assert!(refused.await.contains("Unsupported starting position"));
}

#[tokio::test]
async fn bisecting_leaves_only_the_poison_out() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let lost = cloud.queue("lost", &[]).await;
    let stream = table(&cloud, "items").await;
    for id in ["a", "b", "poison", "c", "d", "e"] {
        put(&cloud, "items", id).await;
    }
    cloud.body("f", |call| match is_poison(&serde_json::from_slice(&call.payload).unwrap()) {
        true => fails(),
        false => nothing(),
    });
    let input = s::CreateEventSourceMappingRequest {
        bisect_batch_on_function_error: Some(true),
        maximum_retry_attempts: Some(1),
        destination_config: Some(s::DestinationConfig {
            on_failure: Some(s::OnFailure { destination: Some(lost.clone()) }),
            on_success: None,
        }),
        ..mapping(&stream, "TRIM_HORIZON")
    };
    cloud.ok::<op::CreateEventSourceMapping>(input).await;
    cloud
        .until("the last record is through", || {
            ids(&cloud)
                .iter()
                .any(|batch| batch.last().is_some_and(|id| id == "e") && !batch.contains(&"poison".into()))
        })
        .await;
    cloud.settle().await;
    let good: Vec<String> =
        ids(&cloud).into_iter().filter(|batch| !batch.contains(&"poison".into())).flatten().collect();
    assert_eq!(good, ["a", "b", "c", "d", "e"]);
    let told = cloud.drain(&lost).await;
    assert_eq!(told.len(), 1);
    let record: Value = serde_json::from_str(told[0].body.as_deref().unwrap()).unwrap();
    assert_eq!(record["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert_eq!(record["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(record["DDBStreamBatchInfo"]["streamArn"], stream);
}

#[tokio::test]
async fn items_that_failed_are_begun_with_again() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = table(&cloud, "items").await;
    for id in ["a", "b", "c"] {
        put(&cloud, "items", id).await;
    }
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    cloud.body("f", move |call| {
        let event: Value = serde_json::from_slice(&call.payload).unwrap();
        let first = calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        let failed = event["Records"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|record| first && record["dynamodb"]["Keys"]["id"]["S"] != "a");
        let failed: Vec<Value> =
            failed.map(|record| json!({ "itemIdentifier": record["dynamodb"]["SequenceNumber"] })).collect();
        Answer::Value(json!({ "batchItemFailures": failed }))
    });
    let input = s::CreateEventSourceMappingRequest {
        function_response_types: Some(vec!["ReportBatchItemFailures".into()]),
        ..mapping(&stream, "TRIM_HORIZON")
    };
    cloud.ok::<op::CreateEventSourceMapping>(input).await;
    cloud.until("the rest is tried again", || cloud.count("f") == 2).await;
    assert_eq!(ids(&cloud), [vec!["a", "b", "c"], vec!["b", "c"]]);
}

#[tokio::test]
async fn lanes_filters_and_small_batches() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = table(&cloud, "items").await;
    for n in 0..12 {
        put(&cloud, "items", &format!("k{n}")).await;
    }
    let input = s::CreateEventSourceMappingRequest {
        batch_size: Some(2),
        parallelization_factor: Some(3),
        filter_criteria: Some(s::FilterCriteria {
            filters: Some(vec![s::Filter {
                pattern: Some(r#"{"dynamodb":{"Keys":{"id":{"S":[{"anything-but":"k3"}]}}}}"#.into()),
            }]),
        }),
        ..mapping(&stream, "TRIM_HORIZON")
    };
    cloud.ok::<op::CreateEventSourceMapping>(input).await;
    cloud.until("all that is wanted arrives", || ids(&cloud).iter().flatten().count() == 11).await;
    cloud.pass(5).await;
    let all = ids(&cloud);
    assert!(all.iter().all(|batch| batch.len() <= 2), "{all:?}");
    assert!(!all.iter().flatten().any(|id| id == "k3"));
}

#[tokio::test]
async fn windows_carry_state_and_end() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = table(&cloud, "items").await;
    cloud.body("f", |call| {
        let event: Value = serde_json::from_slice(&call.payload).unwrap();
        let sum =
            event["state"]["sum"].as_u64().unwrap_or(0) + event["Records"].as_array().unwrap().len() as u64;
        Answer::Value(json!({ "state": { "sum": sum } }))
    });
    let input = s::CreateEventSourceMappingRequest {
        tumbling_window_in_seconds: Some(60),
        ..mapping(&stream, "TRIM_HORIZON")
    };
    cloud.ok::<op::CreateEventSourceMapping>(input).await;
    put(&cloud, "items", "a").await;
    cloud.until("the first arrives", || cloud.count("f") == 1).await;
    put(&cloud, "items", "b").await;
    cloud.until("the second arrives", || cloud.count("f") == 2).await;
    cloud.until("the window ends", || cloud.count("f") == 3).await;
    let last = cloud.seen.lock()[2].1.clone();
    assert_eq!(
        (last["isFinalInvokeForWindow"].as_bool(), last["state"]["sum"].as_u64()),
        (Some(true), Some(2))
    );
    assert!(last["Records"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_mapping_goes_on_where_it_was() {
    let env = haneul_env::Env::simulated(11);
    let (store, blobs) = (haneul_store::Store::memory(), haneul_blob::Blobs::memory(&env));
    let dir = std::path::Path::new("/data");
    let bodies = super::cloud::Bodies::default();
    let first = Cloud::over(env.clone(), store.clone(), blobs.clone(), Some(dir), bodies.clone()).await;
    first.function("f").await;
    let stream = table(&first, "items").await;
    for id in ["a", "b"] {
        put(&first, "items", id).await;
    }
    let input =
        s::CreateEventSourceMappingRequest { batch_size: Some(2), ..mapping(&stream, "TRIM_HORIZON") };
    first.ok::<op::CreateEventSourceMapping>(input).await;
    first.until("the first batch is through", || first.count("f") == 1).await;
    first.settle().await;
    first.platform.env.tasks.begin_stop();
    first.settle().await;
    let env = haneul_env::Env { tasks: Default::default(), ..env };
    let second = Cloud::over(env, store, blobs, Some(dir), bodies).await;
    put(&second, "items", "c").await;
    second.until("the next arrives", || second.count("f") >= 1).await;
    second.pass(10).await;
    assert_eq!(ids(&second), [["c"]]);
}
