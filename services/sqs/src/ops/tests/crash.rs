//! Restarts and crashes on the simulated disk: nothing acknowledged is lost, no acknowledged delete comes back.

use std::collections::{BTreeMap, BTreeSet};

use haneul_env::fs::Fault;
use parking_lot::Mutex;

use super::*;
use crate::plane::clean::Cleaner;

/// Checkpoints and cleaning, as the reconciler does them.
async fn clean(cloud: &Cloud) -> Result<()> {
    Cleaner::new(cloud.sqs.plane.clone()).reconcile().await.map(drop)
}

#[tokio::test]
async fn a_restart_finds_everything_as_it_was() {
    for with_checkpoint in [false, true] {
        let cloud = Cloud::on_disk(3).await;
        let dlq = cloud.queue("dlq").await;
        let redrive =
            r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dlq","maxReceiveCount":1}"#;
        let url = cloud.create("q", &[("RedrivePolicy", redrive)]).await.unwrap();
        let fifo = cloud.create("q.fifo", &[("FifoQueue", "true")]).await.unwrap();
        for i in 0..100 {
            cloud.send(&url, &format!("{i:04} {}", "x".repeat(300))).await;
            cloud.send_fifo(&fifo, &format!("{i:04}"), &format!("g{}", i % 5), &i.to_string()).await;
        }
        // Ten in flight, ten deleted; the first ten then go to the dead-letter queue.
        let in_flight = cloud.receive(&url, 10).await;
        for message in cloud.receive(&url, 10).await {
            cloud.delete(&url, handle(&message)).await.unwrap();
        }
        cloud.visibility(&url, handle(&in_flight[9]), 0).await.unwrap();
        let blocked = cloud.receive(&fifo, 1).await;
        let delayed = SendMessageRequest {
            queue_url: url.clone(),
            message_body: "late".into(),
            delay_seconds: Some(50),
            ..Default::default()
        };
        cloud.call::<op::SendMessage>(delayed).await.unwrap();
        if with_checkpoint {
            clean(&cloud).await.unwrap();
        }
        let before = (cloud.counts(&url).await, cloud.counts(&fifo).await, cloud.counts(&dlq).await);
        assert_eq!(before.0, (81, 9, 1));

        let cloud = cloud.restart().await;
        let after = (cloud.counts(&url).await, cloud.counts(&fifo).await, cloud.counts(&dlq).await);
        assert_eq!(before, after, "checkpoint: {with_checkpoint}");
        // Handles from before still do.
        cloud.delete(&url, handle(&in_flight[0])).await.unwrap();
        assert_eq!(cloud.counts(&url).await, (81, 8, 1));
        assert!(!cloud.bodies(&fifo, 10).await.contains(&"0005".to_owned()), "its group is blocked");
        let again = cloud.send_fifo(&fifo, "again", "g0", "7").await;
        assert!(again.sequence_number.is_some());
        assert_eq!(
            cloud.counts(&fifo).await.0 + cloud.counts(&fifo).await.1,
            100,
            "a duplicate is remembered"
        );
        cloud.delete(&fifo, handle(&blocked[0])).await.unwrap();
        cloud.advance(50);
        assert_eq!(cloud.counts(&url).await, (90, 0, 0));
        let mut seen = BTreeSet::new();
        loop {
            let messages = cloud.receive(&url, 10).await;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                assert!(seen.insert(message.body.clone().unwrap()), "{:?} came twice", message.body);
                cloud.delete(&url, handle(&message)).await.unwrap();
            }
        }
        assert_eq!(seen.len(), 81, "those received before went to the dead-letter queue");
        assert_eq!(cloud.counts(&dlq).await.0, 9);
        let cloud = cloud.restart().await;
        assert_eq!(cloud.counts(&url).await, (0, 0, 0));
        assert_eq!(cloud.counts(&dlq).await.0, 9);
    }
}

#[tokio::test]
async fn the_log_does_not_grow_with_what_is_gone() {
    let cloud = Cloud::on_disk(4).await;
    let url = cloud.queue("q").await;
    cloud.send(&url, "the oldest").await;
    let kept = cloud.receive(&url, 1).await.remove(0);
    cloud.visibility(&url, handle(&kept), 43_000).await.unwrap();
    for _ in 0..40 {
        for _ in 0..10 {
            cloud.send(&url, &"x".repeat(900)).await;
        }
        for message in cloud.receive(&url, 10).await {
            cloud.delete(&url, handle(&message)).await.unwrap();
        }
        clean(&cloud).await.unwrap();
    }
    let cloud = cloud.restart().await;
    let sim = cloud.platform.env.fs.sim().unwrap().clone();
    let segments =
        sim.files().iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "log")).count();
    assert!(segments <= 12, "{segments} segments for one message");
    cloud.visibility(&url, handle(&kept), 0).await.unwrap();
    assert_eq!(cloud.bodies(&url, 1).await, ["the oldest"]);
}

#[tokio::test]
async fn what_an_empty_queue_remembers_outlives_its_log() {
    let cloud = Cloud::on_disk(7).await;
    let url = cloud.create("q.fifo", &[("FifoQueue", "true")]).await.unwrap();
    let mut last = String::new();
    for i in 0..60 {
        last = cloud.send_fifo(&url, &"x".repeat(900), "g", &i.to_string()).await.sequence_number.unwrap();
        for message in cloud.receive(&url, 10).await {
            cloud.delete(&url, handle(&message)).await.unwrap();
        }
    }
    clean(&cloud).await.unwrap();
    let cloud = cloud.restart().await;
    assert!(cloud.sqs.plane.log.replay_from() == cloud.sqs.plane.log.end());
    // Nothing but the checkpoint can know these now.
    assert_eq!(cloud.send_fifo(&url, "duplicate", "g", "59").await.sequence_number.unwrap(), last);
    assert_eq!(cloud.counts(&url).await, (0, 0, 0));
    assert!(cloud.send_fifo(&url, "new", "g", "60").await.sequence_number.unwrap() > last);
}

#[tokio::test]
async fn a_lost_log_is_not_an_empty_queue() {
    let cloud = Cloud::on_disk(5).await;
    cloud.queue("q").await;
    let platform = cloud.platform.clone();
    drop(cloud);
    platform.env.fs.remove_dir_all(Path::new("/data/sqs")).unwrap();
    assert!(Sqs::open(&platform, SMALL).await.is_err());
}

#[tokio::test]
async fn a_full_disk_refuses_and_goes_on() {
    let cloud = Cloud::on_disk(6).await;
    let url = cloud.queue("q").await;
    cloud.send(&url, "a").await;
    let message = cloud.receive(&url, 1).await.remove(0);
    let sim = cloud.platform.env.fs.sim().unwrap().clone();
    sim.set_capacity(0);
    let input = SendMessageRequest {
        queue_url: url.clone(),
        message_body: "x".repeat(5_000_000 / 5),
        ..Default::default()
    };
    let mut refused = 0;
    for _ in 0..8 {
        refused += usize::from(cloud.call::<op::SendMessage>(input.clone()).await.is_err());
    }
    assert!(refused > 0);
    sim.set_capacity(u64::MAX);
    cloud.delete(&url, handle(&message)).await.unwrap();
    cloud.send(&url, "b").await;
    let before = cloud.counts(&url).await;
    let cloud = cloud.restart().await;
    assert_eq!(cloud.counts(&url).await, before);
}

/// What clients were told, and what they tried without an answer.
#[derive(Default)]
struct Told {
    sent: BTreeSet<String>,
    deleted: BTreeSet<String>,
    deleting: BTreeSet<String>,
    attempted: BTreeSet<String>,
}

async fn client(cloud: Cloud, number: usize, life: usize, told: Arc<Mutex<Told>>) {
    let url = "http://x/000000000000/q".to_owned();
    let fifo = "http://x/000000000000/q.fifo".to_owned();
    for i in 0..40 {
        let body = format!("{life}-{number}-{i:03}");
        told.lock().attempted.insert(body.clone());
        let standard = SendMessageRequest {
            queue_url: url.clone(),
            message_body: format!("{body}{}", "y".repeat(if i % 7 == 0 { 3000 } else { 0 })),
            ..Default::default()
        };
        let ordered = SendMessageRequest {
            queue_url: fifo.clone(),
            message_body: body.clone(),
            message_group_id: Some(format!("g{number}")),
            message_deduplication_id: Some(body.clone()),
            ..Default::default()
        };
        let sent = match i % 2 {
            0 => cloud.call::<op::SendMessage>(standard).await,
            _ => cloud.call::<op::SendMessage>(ordered).await,
        };
        if sent.is_err() {
            return;
        }
        told.lock().sent.insert(body);
        let from = if i % 3 == 0 { &url } else { &fifo };
        let input = ReceiveMessageRequest {
            queue_url: from.clone(),
            max_number_of_messages: Some(3),
            ..Default::default()
        };
        let Ok(received) = cloud.call::<op::ReceiveMessage>(input).await else { return };
        for message in received.messages.unwrap_or_default().into_iter().take(2) {
            let body = message.body.as_ref().unwrap().trim_end_matches('y').to_owned();
            told.lock().deleting.insert(body.clone());
            if cloud.delete(from, handle(&message)).await.is_err() {
                return;
            }
            told.lock().deleted.insert(body);
        }
        if i % 10 == 9 && number == 0 && clean(&cloud).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_or_comes_back() {
    for seed in 0..12 {
        let mut cloud = Cloud::on_disk(seed).await;
        cloud.create("q", &[("VisibilityTimeout", "30")]).await.unwrap();
        cloud.create("q.fifo", &[("FifoQueue", "true")]).await.unwrap();
        let told = Arc::new(Mutex::new(Told::default()));
        let sim = cloud.platform.env.fs.sim().unwrap().clone();
        for life in 0..3 {
            let after = cloud.platform.env.rng.below(250);
            sim.inject(Fault::PowerCut { after });
            let mut clients = Vec::new();
            for number in 0..4 {
                let client = client(cloud.clone(), number, life, told.clone());
                clients.push(cloud.platform.env.spawn("client", client));
            }
            for client in clients {
                client.await.unwrap();
            }
            // Handles of the old life stay dead, as a killed process would be.
            sim.crash();
            let platform = cloud.platform.clone();
            drop(cloud);
            sim.crash();
            cloud = Cloud::open(platform, SMALL).await;
        }
        let told = std::mem::take(&mut *told.lock());
        check(&cloud, &told, seed).await;
    }
}

async fn check(cloud: &Cloud, told: &Told, seed: u64) {
    cloud.advance(43_200);
    let mut found = BTreeSet::new();
    let mut order: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for url in ["http://x/000000000000/q", "http://x/000000000000/q.fifo"] {
        loop {
            let messages = cloud.receive(url, 10).await;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let body = message.body.as_ref().unwrap().trim_end_matches('y').to_owned();
                assert!(told.attempted.contains(&body), "seed {seed}: {body} was never sent");
                assert!(found.insert(body.clone()), "seed {seed}: {body} is there twice");
                if let Some(group) = attribute(&message, "MessageGroupId") {
                    order.entry(group.to_owned()).or_default().push(body);
                }
                cloud.delete(url, handle(&message)).await.unwrap();
            }
        }
        assert_eq!(cloud.counts(url).await, (0, 0, 0), "seed {seed}");
    }
    for body in &told.sent {
        let may_be_gone = told.deleting.contains(body);
        assert!(may_be_gone || found.contains(body), "seed {seed}: {body} was acknowledged and is lost");
    }
    for body in &told.deleted {
        assert!(!found.contains(body), "seed {seed}: {body} was deleted and is back");
    }
    for (group, bodies) in order {
        assert!(bodies.is_sorted(), "seed {seed}: group {group} is out of order: {bodies:?}");
    }
}
