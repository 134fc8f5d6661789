use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;

use super::cloud::Cloud;

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let cloud = Cloud::new().await;
    let input = s::GetUserRequest { user_name: Some("nobody".into()) };
    assert_eq!(
        cloud.err::<op::GetUser>(input).await,
        "NoSuchEntityException: The user with name nobody cannot be found."
    );
}
