//! What is metered beside calls.

use std::task::Poll;
use std::time::Duration;

use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::cloud::Cloud;

#[tokio::test]
async fn live_tails_are_metered_by_the_minute_and_protection_by_the_byte() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let counted = |name: &str| -> u64 {
        let taken = cloud.platform.meter.counters().take();
        taken.iter().filter(|used| used.kind.name == name).map(|used| used.amount).sum()
    };
    cloud.put("g", "s", &[(cloud.now_ms(), "free")]).await.unwrap();
    assert_eq!(counted("DataProtection-Bytes"), 0);
    let policy = r#"{"Name":"p","Version":"2021-06-01","Statement":[
        {"DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Audit":{"FindingsDestination":{}}}},
        {"DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Deidentify":{"MaskConfig":{}}}}]}"#;
    let protect = s::PutDataProtectionPolicyRequest {
        log_group_identifier: "g".into(),
        policy_document: policy.into(),
    };
    cloud.ok::<op::PutDataProtectionPolicy>(protect).await;
    cloud.put("g", "s", &[(cloud.now_ms(), "to a@b.cc"), (cloud.now_ms(), "x")]).await.unwrap();
    assert_eq!(counted("DataProtection-Bytes"), 2 * 26 + 10);

    // The cloud writes its counts down each minute: between two of these times they can be looked at here.
    cloud.advance(30).await;
    let arn = "arn:aws:logs:us-east-1:111111111111:log-group:g";
    let tail = s::StartLiveTailRequest { log_group_identifiers: vec![arn.into()], ..Default::default() };
    let mut events = cloud.ok::<op::StartLiveTail>(tail).await.response_stream;
    // The first says that it began.
    events.next().await.unwrap().unwrap();
    let (began_ms, mut minutes) = (cloud.now_ms(), 0);
    while cloud.now_ms() - began_ms < 130_000 {
        let step = events.next();
        tokio::pin!(step);
        match std::future::poll_fn(|cx| Poll::Ready(step.as_mut().poll(cx))).await {
            Poll::Ready(event) => assert!(matches!(event, Some(Ok(_)))),
            Poll::Pending => {
                cloud.platform.env.clock.advance(Duration::from_secs(1));
                tokio::task::yield_now().await;
            }
        }
        minutes += counted("Logs-LiveTail");
    }
    assert_eq!(minutes, 3, "130 seconds");
}
