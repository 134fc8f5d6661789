use super::*;

/// A receive that waits, in a task of its own.
fn waiting(cloud: &Cloud, url: &str, secs: i32) -> tokio::task::JoinHandle<Vec<String>> {
    let (cloud, url) = (cloud.clone(), url.to_owned());
    cloud.platform.env.clone().spawn("consumer", async move {
        let input =
            ReceiveMessageRequest { queue_url: url, wait_time_seconds: Some(secs), ..Default::default() };
        let messages = cloud.call::<op::ReceiveMessage>(input).await.unwrap().messages.unwrap_or_default();
        messages.into_iter().map(|message| message.body.unwrap()).collect()
    })
}

/// Lets every task run until all wait.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_send_wakes_who_waits() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let consumer = waiting(&cloud, &url, 20);
    settle().await;
    assert!(!consumer.is_finished());
    cloud.send(&url, "x").await;
    assert_eq!(consumer.await.unwrap(), ["x"]);
}

#[tokio::test]
async fn a_wait_ends_empty_after_its_time() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q", &[("ReceiveMessageWaitTimeSeconds", "5")]).await.unwrap();
    let consumer = cloud.platform.env.spawn("consumer", {
        let (cloud, url) = (cloud.clone(), url.clone());
        async move { cloud.receive(&url, 1).await.len() }
    });
    settle().await;
    cloud.advance(4);
    settle().await;
    assert!(!consumer.is_finished(), "the queue's own wait time counts");
    cloud.advance(1);
    assert_eq!(consumer.await.unwrap(), 0);
}

#[tokio::test]
async fn an_end_of_delay_or_visibility_wakes_who_waits() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q", &[("VisibilityTimeout", "3")]).await.unwrap();
    let consumer = waiting(&cloud, &url, 20);
    settle().await;
    let input = SendMessageRequest {
        queue_url: url.clone(),
        message_body: "x".into(),
        delay_seconds: Some(5),
        ..Default::default()
    };
    cloud.call::<op::SendMessage>(input).await.unwrap();
    settle().await;
    assert!(!consumer.is_finished());
    cloud.advance(5);
    assert_eq!(consumer.await.unwrap(), ["x"]);
    let consumer = waiting(&cloud, &url, 20);
    settle().await;
    cloud.advance(3);
    assert_eq!(consumer.await.unwrap(), ["x"]);
}

#[tokio::test]
async fn who_came_first_is_served_first() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let mut consumers = Vec::new();
    for _ in 0..3 {
        consumers.push(waiting(&cloud, &url, 20));
        settle().await;
    }
    for (i, consumer) in consumers.into_iter().enumerate() {
        cloud.send(&url, &i.to_string()).await;
        assert_eq!(consumer.await.unwrap(), [i.to_string()]);
    }
}

#[tokio::test]
async fn a_client_that_went_away_takes_nothing() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let (gone, next) = (waiting(&cloud, &url, 20), waiting(&cloud, &url, 20));
    settle().await;
    gone.abort();
    settle().await;
    cloud.send(&url, "x").await;
    assert_eq!(next.await.unwrap(), ["x"]);
    // Woken and gone before it could look: the next one takes over, the clock too.
    let (gone, next) = (waiting(&cloud, &url, 20), waiting(&cloud, &url, 20));
    settle().await;
    cloud.advance(30);
    gone.abort();
    assert_eq!(next.await.unwrap(), ["x"]);
}

#[tokio::test]
async fn a_deleted_queue_lets_its_consumers_go() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let consumer = cloud.platform.env.spawn("consumer", {
        let (cloud, url) = (cloud.clone(), url.clone());
        async move {
            let input =
                ReceiveMessageRequest { queue_url: url, wait_time_seconds: Some(20), ..Default::default() };
            code(cloud.call::<op::ReceiveMessage>(input).await)
        }
    });
    settle().await;
    cloud.call::<op::DeleteQueue>(DeleteQueueRequest { queue_url: url }).await.unwrap();
    assert_eq!(consumer.await.unwrap(), "QueueDoesNotExist");
}

#[tokio::test]
async fn the_end_of_the_cloud_ends_a_wait() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let consumer = waiting(&cloud, &url, 20);
    settle().await;
    let env = &cloud.platform.env;
    assert!(env.tasks.stop(&env.clock, Duration::from_secs(5)).await);
    assert!(consumer.await.unwrap().is_empty());
}
