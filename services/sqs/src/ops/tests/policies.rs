//! What a policy may name that a request brings.

use haneul_kit::directory::{AccessKey, PrincipalPolicies};
use haneul_kit::{Arn, BoxFuture, Directory, Instant, Policy};

use super::*;

/// An account with the user ann and the role worker.
struct Account;

impl Directory for Account {
    fn access_key<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Arc<AccessKey>>>> {
        Box::pin(async { Ok(None) })
    }

    fn policies<'a>(&'a self, _: &'a Caller) -> BoxFuture<'a, Result<Arc<PrincipalPolicies>>> {
        Box::pin(async { Ok(Arc::default()) })
    }

    fn role<'a>(&'a self, _: AccountId, _: &'a str) -> BoxFuture<'a, Result<Option<Arc<haneul_kit::Role>>>> {
        Box::pin(async { Ok(None) })
    }

    fn unique_id<'a>(&'a self, arn: &'a Arn) -> BoxFuture<'a, Result<Option<String>>> {
        let id = match arn.resource() {
            "user/ann" => Some("AIDACKCEVSQ6C2EXAMPLE"),
            "role/worker" => Some("AROACKCEVSQ6C2EXAMPLE"),
            _ => None,
        };
        Box::pin(async move { Ok(id.map(str::to_owned)) })
    }

    fn managed_policy<'a>(&'a self, _: &'a Arn) -> BoxFuture<'a, Result<Option<Arc<Policy>>>> {
        Box::pin(async { Ok(None) })
    }

    fn note_use(&self, _: &Caller, _: &'static str, _: &'static str, _: Instant) {}
}

fn policy(principal: &str, action: &str) -> String {
    let resource = "arn:aws:sqs:us-east-1:000000000000:q";
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":{action},"Resource":"{resource}"}}}}"#
    )
}

/// What both ways to set a policy say of it.
async fn said(cloud: &Cloud, url: &str, policy: &str) -> String {
    let words = |error: haneul_kit::ApiError| format!("{}: {}", error.code(), error.message());
    let set = cloud.set(url, &[("Policy", policy)]).await.err().map_or_else(String::new, words);
    let made = cloud.create("q", &[("Policy", policy)]).await.err().map_or_else(String::new, words);
    assert_eq!(set, made, "{policy}");
    set
}

#[tokio::test]
async fn principals_must_exist() {
    let cloud = Cloud::new().await;
    cloud.platform.set_directory(Arc::new(Account));
    let url = cloud.queue("q").await;
    for (principal, exists) in [
        (r#""*""#, true),
        (r#"{"AWS":"111111111111"}"#, true),
        (r#"{"AWS":"arn:aws:iam::000000000000:root"}"#, true),
        (r#"{"Service":"sns.amazonaws.com"}"#, true),
        (r#"{"AWS":"arn:aws:iam::000000000000:user/ann"}"#, true),
        (r#"{"AWS":"arn:aws:iam::000000000000:role/worker"}"#, true),
        (r#"{"AWS":"arn:aws:iam::000000000000:role/aws-service-role/x.amazonaws.com/R"}"#, true),
        (r#"{"AWS":"arn:aws:iam::000000000000:user/bob"}"#, false),
        (r#"{"AWS":"arn:aws:iam::000000000000:role/idle"}"#, false),
        (r#"{"AWS":"arn:aws:iam::000000000000:role/path/worker"}"#, false),
        (r#"{"AWS":["arn:aws:iam::000000000000:user/ann","arn:aws:iam::000000000000:user/bob"]}"#, false),
        // Nobody knows who is in an account that is not ours.
        (r#"{"AWS":"arn:aws:iam::111111111111:user/bob"}"#, true),
    ] {
        let outcome =
            if exists { "" } else { "InvalidAttributeValue: Invalid value for the parameter Policy." };
        assert_eq!(
            said(&cloud, &url, &policy(principal, r#""sqs:SendMessage""#)).await,
            outcome,
            "{principal}"
        );
    }
}

#[tokio::test]
async fn actions_must_be_those_of_policies() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    for (action, unknown) in [
        (r#""sqs:SendMessage""#, ""),
        (r#""SQS:SendMessage""#, ""),
        (r#""sqs:sendmessage""#, ""),
        (r#""sqs:CreateQueue""#, ""),
        (r#""sqs:Send*""#, ""),
        (r#""sqs:*""#, ""),
        (r#""SQS:*""#, ""),
        (r#""*""#, ""),
        (r#""*:*""#, ""),
        (r#""sqs:ChangeMessageVisibilityBatch""#, "sqs:ChangeMessageVisibilityBatch"),
        (r#"["SQS:SendMessage","SQS:SendMessageBatch"]"#, "SQS:SendMessageBatch"),
        (r#""sqs:Dance""#, "sqs:Dance"),
        (r#""sns:Publish""#, "sns:Publish"),
        (r#""sns:*""#, "sns:*"),
    ] {
        let outcome = match unknown {
            "" => String::new(),
            action => format!(
                "InvalidParameterValue: Value {action} for parameter ActionName is invalid. Reason: Please refer to the \
                 appropriate WSDL for a list of valid actions."
            ),
        };
        assert_eq!(said(&cloud, &url, &policy(r#""*""#, action)).await, outcome, "{action}");
    }
}
