use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use proptest::prelude::*;

use super::cloud::Cloud;

fn by_stream(group: &str) -> s::FilterLogEventsRequest {
    s::FilterLogEventsRequest { log_group_name: Some(group.into()), ..Default::default() }
}

#[tokio::test]
async fn what_a_batch_may_be() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    let error = cloud.put("g", "s", &[(now, "b"), (now - 1, "a")]).await.err().unwrap().to_string();
    assert_eq!(
        error,
        "InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order."
    );
    let error = cloud.put("g", "s", &[(now - 86_400_001, "a"), (now, "b")]).await.err().unwrap().to_string();
    assert!(error.contains("cannot span more than 24 hours"), "{error}");
    let big = "x".repeat(1_048_576 - 25);
    let error = cloud.put("g", "s", &[(now, &big)]).await.err().unwrap().to_string();
    assert_eq!(error, "InvalidParameterException: Upload too large: 1048577 bytes exceeds limit of 1048576");
    let old = now - 15 * 86_400_000;
    let new = now + 3 * 3_600_000;
    let answer = cloud.put("g", "s", &[(old, "old"), (now, "good"), (new, "new")]).await.unwrap();
    let rejected = answer.rejected_log_events_info.unwrap();
    assert_eq!(
        (rejected.too_old_log_event_end_index, rejected.too_new_log_event_start_index),
        (Some(1), Some(2))
    );
    assert_eq!(cloud.messages("g", "s", 10).await, ["good"]);
    let error = cloud.put("g", "none", &[(now, "x")]).await.err().unwrap().to_string();
    assert_eq!(error, "ResourceNotFoundException: The specified log stream does not exist.");
}

/// However much lies at one moment: pages come on, and nothing of it is passed over.
#[tokio::test]
async fn many_batches_of_one_moment_are_paged_through() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    let texts: Vec<String> = (0..240).map(|i| format!("{i:03} {}", "x".repeat(1_000))).collect();
    for batch in texts.chunks(40) {
        let events: Vec<(i64, &str)> = batch.iter().map(|text| (now, text.as_str())).collect();
        cloud.put("g", "s", &events).await.unwrap();
    }
    for (pattern, limit, forward, pages_max) in [
        ("\"199 x\"", None, true, 6),
        ("\"039\"", None, false, 6),
        ("", Some(30), true, 12),
        ("", Some(30), false, 12),
    ] {
        let (mut found, mut pages, mut token) = (Vec::new(), 0, None);
        loop {
            let input = s::FilterLogEventsRequest {
                filter_pattern: Some(pattern.to_owned()),
                start_from_head: Some(forward),
                next_token: token,
                limit,
                ..by_stream("g")
            };
            let page = cloud.ok::<op::FilterLogEvents>(input).await;
            found.extend(page.events.unwrap().into_iter().map(|event| event.message.unwrap()));
            pages += 1;
            assert!(pages <= pages_max, "{pattern} {forward}: {} found", found.len());
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        let mut expected: Vec<String> = texts
            .iter()
            .filter(|text| pattern.is_empty() || text.starts_with(&pattern[1..4]))
            .cloned()
            .collect();
        if !forward {
            expected.reverse();
        }
        assert!(found == expected, "{pattern} {forward}: {} of {}", found.len(), expected.len());
    }
}

/// The index of batches is read by pages, of which one may lie before the place as a whole.
#[tokio::test]
async fn however_many_batches_lie_before_a_place_reading_goes_on() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    for i in 0..700 {
        cloud.put("g", "s", &[(now - 700 + i, "x")]).await.unwrap();
    }
    for forward in [true, false] {
        let (mut found, mut token) = (0, None);
        loop {
            let (limit, start_from_head) = (Some(100), Some(forward));
            let input =
                s::FilterLogEventsRequest { start_from_head, next_token: token, limit, ..by_stream("g") };
            let page = cloud.ok::<op::FilterLogEvents>(input).await;
            found += page.events.unwrap().len();
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(found, 700, "{forward}");
    }
}

/// All change the stream's record; none may be told to come again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_write_to_one_stream_at_once() {
    let cloud = std::sync::Arc::new(Cloud::new().await);
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    let writers: Vec<_> = (0..32)
        .map(|_| {
            let cloud = cloud.clone();
            #[allow(clippy::disallowed_methods)] // Nothing to drain.
            tokio::spawn(async move {
                for _ in 0..20 {
                    cloud.put("g", "s", &[(now, "x")]).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(cloud.filter(by_stream("g")).await.len(), 640);
}

#[tokio::test]
async fn the_tail_comes_first_unless_asked_and_pages_go_both_ways() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    for i in 0..10 {
        cloud.put("g", "s", &[(now - 10_000 + i, &i.to_string())]).await.unwrap();
    }
    let ask = |token: Option<String>| s::GetLogEventsRequest {
        log_group_name: Some("g".into()),
        log_stream_name: "s".into(),
        limit: Some(4),
        next_token: token,
        ..Default::default()
    };
    let shown = |page: &s::GetLogEventsResponse| -> String {
        page.events.iter().flatten().filter_map(|event| event.message.clone()).collect()
    };
    let tail = cloud.ok::<op::GetLogEvents>(ask(None)).await;
    assert_eq!(shown(&tail), "6789");
    let before = cloud.ok::<op::GetLogEvents>(ask(tail.next_backward_token.clone())).await;
    assert_eq!(shown(&before), "2345");
    let first = cloud.ok::<op::GetLogEvents>(ask(before.next_backward_token)).await;
    assert_eq!(shown(&first), "01");
    let none = cloud.ok::<op::GetLogEvents>(ask(first.next_backward_token.clone())).await;
    assert_eq!((shown(&none), &none.next_backward_token), (String::new(), &first.next_backward_token));
    let after = cloud.ok::<op::GetLogEvents>(ask(tail.next_forward_token.clone())).await;
    assert_eq!((shown(&after), &after.next_forward_token), (String::new(), &tail.next_forward_token));
    cloud.put("g", "s", &[(now, "late")]).await.unwrap();
    let after = cloud.ok::<op::GetLogEvents>(ask(tail.next_forward_token)).await;
    assert_eq!(shown(&after), "late");
    let bad = cloud.err::<op::GetLogEvents>(ask(Some("f/1/s".into()))).await;
    assert_eq!(bad, "InvalidParameterException: The specified nextToken is invalid.");
}

#[tokio::test]
async fn filters_look_at_every_stream_in_the_order_of_time() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    for stream in ["a", "b", "ab"] {
        cloud.stream("g", stream).await;
    }
    let now = cloud.now_ms() - 10_000;
    cloud.put("g", "b", &[(now + 1, "ERROR b1"), (now + 4, "fine b4")]).await.unwrap();
    cloud.put("g", "a", &[(now, "ERROR a0"), (now + 3, "ERROR a3")]).await.unwrap();
    cloud.put("g", "ab", &[(now + 2, "ERROR ab2")]).await.unwrap();
    let all = s::FilterLogEventsRequest { filter_pattern: Some("ERROR".into()), ..by_stream("g") };
    assert_eq!(cloud.filter(all.clone()).await, ["ERROR a0", "ERROR b1", "ERROR ab2", "ERROR a3"]);
    let back = s::FilterLogEventsRequest { start_from_head: Some(false), limit: Some(1), ..all.clone() };
    assert_eq!(cloud.filter(back).await, ["ERROR a3", "ERROR ab2", "ERROR b1", "ERROR a0"]);
    let prefix = s::FilterLogEventsRequest { log_stream_name_prefix: Some("a".into()), ..all.clone() };
    assert_eq!(cloud.filter(prefix).await, ["ERROR a0", "ERROR ab2", "ERROR a3"]);
    let names = s::FilterLogEventsRequest { log_stream_names: Some(vec!["b".into()]), ..by_stream("g") };
    assert_eq!(cloud.filter(names).await, ["ERROR b1", "fine b4"]);
    let times =
        s::FilterLogEventsRequest { start_time: Some(now + 1), end_time: Some(now + 3), ..by_stream("g") };
    assert_eq!(cloud.filter(times).await, ["ERROR b1", "ERROR ab2"]);
    cloud
        .ok::<op::DeleteLogStream>(s::DeleteLogStreamRequest {
            log_group_name: "g".into(),
            log_stream_name: "b".into(),
        })
        .await;
    assert_eq!(cloud.filter(all).await, ["ERROR a0", "ERROR ab2", "ERROR a3"]);
}

#[tokio::test]
async fn streams_are_listed_by_name_and_by_time() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    for stream in ["a", "b", "c"] {
        cloud.stream("g", stream).await;
    }
    let now = cloud.now_ms();
    cloud.put("g", "a", &[(now - 5, "x")]).await.unwrap();
    cloud.put("g", "b", &[(now - 9, "x"), (now - 3, "x")]).await.unwrap();
    let ask = |by: &str, descending, token: Option<String>| s::DescribeLogStreamsRequest {
        log_group_name: Some("g".into()),
        order_by: Some(by.into()),
        descending: Some(descending),
        limit: Some(2),
        next_token: token,
        ..Default::default()
    };
    let names = |page: &s::DescribeLogStreamsResponse| -> String {
        page.log_streams.iter().flatten().filter_map(|stream| stream.log_stream_name.clone()).collect()
    };
    for (by, descending, first, second) in [
        ("LogStreamName", false, "ab", "c"),
        ("LogStreamName", true, "cb", "a"),
        ("LastEventTime", true, "ba", "c"),
    ] {
        let page = cloud.ok::<op::DescribeLogStreams>(ask(by, descending, None)).await;
        assert_eq!(names(&page), first);
        let page = cloud.ok::<op::DescribeLogStreams>(ask(by, descending, page.next_token)).await;
        assert_eq!((names(&page).as_str(), page.next_token), (second, None));
    }
    let page = cloud.ok::<op::DescribeLogStreams>(ask("LastEventTime", true, None)).await;
    let b = &page.log_streams.unwrap()[0];
    assert_eq!((b.first_event_timestamp, b.last_event_timestamp), (Some(now - 9), Some(now - 3)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever was put is read back by any page size, each event once, in order, in both directions.
    #[test]
    fn reading_equals_sorting(
        batches in prop::collection::vec(prop::collection::vec(0i64..3_000_000, 1..12), 1..10),
        limit in 1i32..20,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let cloud = Cloud::new().await;
            cloud.group("g").await;
            cloud.stream("g", "s").await;
            cloud.stream("g", "t").await;
            let base = cloud.now_ms() - 4_000_000;
            let (mut all, mut one) = (Vec::new(), Vec::new());
            for (i, mut batch) in batches.into_iter().enumerate() {
                batch.sort_unstable();
                let texts: Vec<String> = (0..batch.len()).map(|j| format!("{i}.{j}")).collect();
                let events: Vec<(i64, &str)> = batch.iter().zip(&texts).map(|(at, text)| (base + at, text.as_str())).collect();
                let stream = if i % 3 == 2 { "t" } else { "s" };
                cloud.put("g", stream, &events).await.unwrap();
                all.extend(batch.iter().copied().zip(texts.iter().cloned()));
                if stream == "s" {
                    one.extend(batch.iter().copied().zip(texts));
                }
            }
            all.sort_by_key(|(at, _)| *at);
            one.sort_by_key(|(at, _)| *at);
            let expected: Vec<String> = one.into_iter().map(|(_, text)| text).collect();
            assert_eq!(cloud.messages("g", "s", limit).await, expected);
            let mut expected: Vec<String> = all.into_iter().map(|(_, text)| text).collect();
            let ask = s::FilterLogEventsRequest { limit: Some(limit), ..by_stream("g") };
            assert_eq!(cloud.filter(ask.clone()).await, expected);
            expected.reverse();
            let back = s::FilterLogEventsRequest { start_from_head: Some(false), ..ask };
            assert_eq!(cloud.filter(back).await, expected);
        });
    }
}
