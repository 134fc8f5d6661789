//! What CloudWatch is told.

use std::collections::BTreeMap;
use std::time::Duration;

use haneul_kit::Extension;
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use http::{Method, Response};

use super::world::{Who, World, code, noise, put};

const DAY: Duration = Duration::from_secs(86_400);

fn configure(id: &str, filter: Option<s::MetricsFilter>) -> s::PutBucketMetricsConfigurationRequest {
    s::PutBucketMetricsConfigurationRequest {
        bucket: "bkt".into(),
        id: id.into(),
        metrics_configuration: s::MetricsConfiguration { id: id.into(), filter },
        ..Default::default()
    }
}

fn prefix(prefix: &str) -> Option<s::MetricsFilter> {
    Some(s::MetricsFilter { prefix: Some(prefix.into()), ..Default::default() })
}

/// Sums by `metric dimension-values`, of the minutes that are over.
fn taken(world: &World) -> BTreeMap<String, f64> {
    world.env.clock.advance(Duration::from_secs(60));
    let readings = world.s3.platform.metrics.take(world.env.now());
    let name = |reading: &haneul_kit::metrics::Reading| {
        let values: Vec<&str> = reading.dimensions.iter().map(|(_, value)| value.as_str()).collect();
        format!("{} {}", reading.name, values.join("/"))
    };
    readings.iter().map(|reading| (name(reading), reading.summary.sum)).collect()
}

/// As the front door does after each answer.
async fn answered(world: &World, method: Method, uri: &'static str, status: u16, length: Option<u64>) {
    let who = Who::root();
    let cx = world.with_method(&who, method.clone());
    let mut http = cx.http().unwrap().clone();
    http.uri = http::Uri::from_static(uri);
    let cx = haneul_kit::Cx::new(haneul_kit::cx::Parts {
        secure: false,
        http: Some(http),
        ..haneul_kit::cx::Parts::within("r", who.caller, who.region, world.env.now())
    });
    let mut answer = Response::builder().status(status);
    if let Some(length) = length {
        answer = answer.header("content-length", length);
    }
    let (mut parts, ()) = answer.body(()).unwrap().into_parts();
    world.s3.decorate(&cx, &mut parts).await;
}

#[tokio::test]
async fn requests_are_counted_by_filter() {
    let world = World::with_bucket().await;
    world.s3.platform.metrics.open();
    let tag = s::Tag { key: "team".into(), value: "a".into() };
    let tagged = Some(s::MetricsFilter { tag: Some(tag), ..Default::default() });
    for (id, filter) in [("all", None), ("logs", prefix("logs/")), ("a", tagged)] {
        world.root::<op::PutBucketMetricsConfiguration>(configure(id, filter)).await.unwrap();
    }
    let input = s::PutObjectRequest { tagging: Some("team=a".into()), ..put("k", "hello") };
    world.root::<op::PutObject>(input).await.unwrap();
    answered(&world, Method::GET, "/bkt/k", 200, Some(5)).await;
    answered(&world, Method::GET, "/bkt/logs/x", 404, Some(300)).await;
    answered(&world, Method::GET, "/bkt?list-type=2", 200, None).await;
    answered(&world, Method::HEAD, "/bkt/logs/x", 503, None).await;
    let sums = taken(&world);
    let at = |name: &str| sums.get(name).copied();
    assert_eq!(at("AllRequests bkt/all"), Some(4.0));
    assert_eq!(at("GetRequests bkt/all"), Some(2.0));
    assert_eq!(at("ListRequests bkt/all"), Some(1.0));
    assert_eq!(at("4xxErrors bkt/all"), Some(1.0));
    assert_eq!(at("5xxErrors bkt/all"), Some(1.0));
    assert_eq!(at("BytesDownloaded bkt/all"), Some(5.0));
    assert_eq!((at("AllRequests bkt/logs"), at("HeadRequests bkt/logs")), (Some(2.0), Some(1.0)));
    assert_eq!((at("AllRequests bkt/a"), at("4xxErrors bkt/a")), (Some(1.0), Some(0.0)));
    assert!(sums.contains_key("FirstByteLatency bkt/all"));
    let delete = s::DeleteBucketMetricsConfigurationRequest {
        bucket: "bkt".into(),
        id: "all".into(),
        ..Default::default()
    };
    world.root::<op::DeleteBucketMetricsConfiguration>(delete.clone()).await.unwrap();
    answered(&world, Method::GET, "/bkt/k", 200, Some(5)).await;
    assert!(!taken(&world).contains_key("AllRequests bkt/all"));
    assert_eq!(
        code(&world.root::<op::DeleteBucketMetricsConfiguration>(delete).await),
        "NoSuchConfiguration"
    );
    let list = s::ListBucketMetricsConfigurationsRequest { bucket: "bkt".into(), ..Default::default() };
    let listed = world.root::<op::ListBucketMetricsConfigurations>(list).await.unwrap();
    let ids: Vec<String> = listed.metrics_configuration_list.unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(ids, ["a", "logs"]);
    let none = s::MetricsFilter::default();
    assert_eq!(
        code(&world.root::<op::PutBucketMetricsConfiguration>(configure("x", Some(none))).await),
        "MalformedXML"
    );
}

#[tokio::test]
async fn what_buckets_hold_is_told_every_midnight() {
    let world = World::with_bucket().await;
    world.s3.platform.metrics.open();
    let run = async || {
        for task in crate::tasks::reconcilers(&world.s3) {
            task.reconcile().await.unwrap();
        }
    };
    world.version("Enabled").await;
    for (key, class, size) in
        [("a", "STANDARD", 1000), ("a", "STANDARD", 500), ("b", "STANDARD_IA", 1024), ("c", "GLACIER", 10)]
    {
        let input = s::PutObjectRequest { storage_class: Some(class.into()), ..put(key, noise(size)) };
        world.root::<op::PutObject>(input).await.unwrap();
    }
    world.delete("a").await;
    run().await;
    assert!(taken(&world).is_empty(), "not before midnight");
    world.env.clock.advance(DAY);
    run().await;
    run().await;
    let sums = taken(&world);
    let at = |name: &str| sums.get(name).copied();
    assert_eq!(at("BucketSizeBytes bkt/StandardStorage"), Some(1500.0), "once");
    assert_eq!(at("BucketSizeBytes bkt/StandardIAStorage"), Some(1024.0));
    assert_eq!(at("BucketSizeBytes bkt/StandardIASizeOverhead"), Some(127.0 * 1024.0));
    assert_eq!(at("BucketSizeBytes bkt/GlacierObjectOverhead"), Some(32.0 * 1024.0));
    assert_eq!(at("NumberOfObjects bkt/AllStorageTypes"), Some(5.0), "versions and markers count");
    world.env.clock.advance(DAY);
    run().await;
    assert_eq!(taken(&world).len(), sums.len());
}
