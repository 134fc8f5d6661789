use haneul_base::{AccountId, Region};
use haneul_kit::{ApiError, Caller};
use haneul_sqs_wire::operations::{PurgeQueue, SendMessage};
use haneul_sqs_wire::shapes::{PurgeQueueRequest, SendMessageRequest};

use crate::world::World;

async fn send(world: &World, caller: Caller, queue: &str) -> Result<String, ApiError> {
    let input = SendMessageRequest {
        queue_url: format!("http://localhost:4566/000000000000/{queue}"),
        message_body: "m".into(),
        ..SendMessageRequest::default()
    };
    let bus = &world.cloud.platform().bus;
    let output = bus.call::<SendMessage>(caller, Region::US_EAST_1, None, input).await?;
    Ok(output.message_id.unwrap_or_default())
}

#[tokio::test]
async fn a_service_is_authorised_like_anybody() {
    let world = World::new();
    let sns = || Caller::service("sns.amazonaws.com", AccountId::DEFAULT);
    let denied = send(&world, sns(), "closed").await.unwrap_err();
    assert_eq!(denied.code(), "AccessDenied");
    assert_eq!(
        denied.message(),
        "User: sns.amazonaws.com is not authorized to perform: sqs:sendmessage on resource: \
         arn:aws:sqs:us-east-1:000000000000:closed because no resource-based policy allows the sqs:sendmessage action"
    );
    assert!(send(&world, sns(), "shared").await.unwrap().ends_with("/shared m"));
    assert!(send(&world, Caller::root(AccountId::DEFAULT), "closed").await.is_ok());
    let bus = &world.cloud.platform().bus;
    let root = Caller::root(AccountId::DEFAULT);
    let purge = bus.call::<PurgeQueue>(root, Region::US_EAST_1, None, PurgeQueueRequest::default()).await;
    assert_eq!(purge.unwrap_err().code(), "NotImplemented");
}
