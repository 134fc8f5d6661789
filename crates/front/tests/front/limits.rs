use crate::world::{ROOT, World};

#[tokio::test]
async fn bodies_that_are_too_large() {
    let world = World::new();
    let large = "x".repeat(10 * 1024 * 1024 + 1);
    let answer = world.json(ROOT, "sqs", "AmazonSQS.SendMessage", &large).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "RequestEntityTooLarge"));
    let answer = world.query(ROOT, "sts", &large).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "RequestEntityTooLarge"));
    let answer = world.signed(ROOT, "s3", http::Request::put("/bucket?tagging"), large).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "MaxMessageLengthExceeded"));
}

#[tokio::test]
async fn targets_that_are_too_long() {
    let world = World::new();
    let path = format!("/bucket/{}", "k".repeat(40_000));
    let answer = world.signed(ROOT, "s3", http::Request::get(path), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (414, "RequestURITooLong"));
    let path = format!("/bucket/{}", "k".repeat(1024));
    let answer = world.signed(ROOT, "s3", http::Request::get(path), "").await;
    assert_eq!((answer.status, answer.body.len()), (200, 1024));
}
