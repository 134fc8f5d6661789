//! AssumeRoot: AWS's task policies do their tasks on a member account, and nothing else.

use bytes::Bytes;
use haneul_harness::{Client, Cloud};
use http::Request;

async fn send(client: &Client, service: &str, request: http::request::Builder, body: String) -> String {
    let answer = client.send(service, request.body(Bytes::from(body)).expect("a request")).await;
    String::from_utf8_lossy(answer.body()).into_owned()
}

/// A call in the Query protocol; the answer's text.
async fn query(client: &Client, service: &str, form: &str) -> String {
    let version = match service {
        "iam" => "2010-05-08",
        "sqs" => "2012-11-05",
        _ => "2011-06-15",
    };
    let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    send(client, service, request, format!("{form}&Version={version}")).await
}

async fn organizations(client: &Client, operation: &str, body: &str) -> serde_json::Value {
    let target = format!("AWSOrganizationsV20161128.{operation}");
    let request = Request::post("/")
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.1");
    let text = send(client, "organizations", request, body.to_owned()).await;
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    assert!(answer.get("__type").is_none(), "{operation}: {text}");
    answer
}

fn of<'a>(text: &'a str, element: &str) -> &'a str {
    let rest = text.split(&format!("<{element}>")).nth(1).unwrap_or_else(|| panic!("no {element} in {text}"));
    rest.split('<').next().unwrap_or_default()
}

fn with(client: &Client, answer: &str) -> Client {
    let mut with = client.with_key(of(answer, "AccessKeyId"), of(answer, "SecretAccessKey"));
    with.session_token = answer.contains("<SessionToken>").then(|| of(answer, "SessionToken").to_owned());
    with
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

const DENIED: &str = "with an explicit deny in a session policy";

#[tokio::test]
async fn each_task_and_nothing_else() {
    let cloud = Cloud::in_process(12).await;
    organizations(&cloud, "CreateOrganization", r#"{"FeatureSet":"ALL"}"#).await;
    let made = organizations(&cloud, "CreateAccount", r#"{"Email":"m@example.com","AccountName":"m"}"#).await;
    let id = made["CreateAccountStatus"]["Id"].as_str().expect("an id").to_owned();
    cloud.env.clock.advance(std::time::Duration::from_secs(60));
    cloud.settle().await;
    let request = format!(r#"{{"CreateAccountRequestId":"{id}"}}"#);
    let status = organizations(&cloud, "DescribeCreateAccountStatus", &request).await;
    let member = status["CreateAccountStatus"]["AccountId"].as_str().expect("an account").to_owned();
    organizations(&cloud, "EnableAWSServiceAccess", r#"{"ServicePrincipal":"iam.amazonaws.com"}"#).await;
    query(&cloud, "iam", "Action=CreateUser&UserName=admin").await;
    let all =
        encoded(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#);
    query(&cloud, "iam", &format!("Action=PutUserPolicy&UserName=admin&PolicyName=p&PolicyDocument={all}"))
        .await;
    let admin = with(&cloud, &query(&cloud, "iam", "Action=CreateAccessKey&UserName=admin").await);
    let task = async |name: &str| {
        let arn = encoded(&format!("arn:aws:iam::aws:policy/root-task/{name}"));
        query(&admin, "sts", &format!("Action=AssumeRoot&TargetPrincipal={member}&TaskPolicyArn.arn={arn}"))
            .await
    };
    let off = task("IAMAuditRootUserCredentials").await;
    assert!(off.contains("<Code>AccessDenied</Code>"), "{off}");
    query(&cloud, "iam", "Action=EnableOrganizationsRootSessions").await;
    let unknown = task("AdministratorAccess").await;
    assert!(unknown.contains("<Code>ValidationError</Code>"), "{unknown}");

    // Credentials: looked at, made, taken away.
    let root = with(&cloud, &task("IAMAuditRootUserCredentials").await);
    let who = query(&root, "sts", "Action=GetCallerIdentity").await;
    assert_eq!(of(&who, "Arn"), format!("arn:aws:iam::{member}:root"));
    for (form, wanted) in [
        ("Action=GetUser", ":root</Arn>"),
        ("Action=ListAccessKeys", "<AccessKeyMetadata"),
        ("Action=ListMFADevices", "<MFADevices"),
        ("Action=GetAccountSummary", "<SummaryMap>"),
        ("Action=GetLoginProfile", "<Code>NoSuchEntity</Code>"),
        ("Action=ListUsers", DENIED),
        ("Action=CreateLoginProfile", DENIED),
        ("Action=ListAccessKeys&UserName=ann", DENIED),
    ] {
        let answer = query(&root, "iam", form).await;
        assert!(answer.contains(wanted), "{form}: {answer}");
    }
    let root = with(&cloud, &task("IAMCreateRootUserPassword").await);
    for (form, wanted) in [
        ("Action=CreateLoginProfile&Password=Correct-horse1", "<Code>ValidationError</Code>"),
        ("Action=CreateLoginProfile", "<LoginProfile>"),
        ("Action=GetLoginProfile", "<LoginProfile>"),
        ("Action=DeleteLoginProfile", DENIED),
    ] {
        let answer = query(&root, "iam", form).await;
        assert!(answer.contains(wanted), "{form}: {answer}");
    }
    let root = with(&cloud, &task("IAMDeleteRootUserCredentials").await);
    for (form, wanted) in [
        ("Action=DeleteLoginProfile", "<DeleteLoginProfileResponse"),
        ("Action=GetLoginProfile", "<Code>NoSuchEntity</Code>"),
        ("Action=CreateLoginProfile", DENIED),
        ("Action=DeleteLoginProfile&UserName=ann", DENIED),
    ] {
        let answer = query(&root, "iam", form).await;
        assert!(answer.contains(wanted), "{form}: {answer}");
    }

    // A bucket and a queue that lock out everybody.
    let arn = encoded(&format!("arn:aws:iam::{member}:role/OrganizationAccountAccessRole"));
    let role = query(&admin, "sts", &format!("Action=AssumeRole&RoleArn={arn}&RoleSessionName=own")).await;
    let owner = with(&cloud, &role);
    send(&owner, "s3", Request::put("/locked"), String::new()).await;
    let lock = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::locked","arn:aws:s3:::locked/*"]}]}"#;
    send(&owner, "s3", Request::put("/locked?policy="), lock.into()).await;
    let refused = send(&owner, "s3", Request::delete("/locked?policy="), String::new()).await;
    assert!(refused.contains("AccessDenied"), "{refused}");
    let queue = of(&query(&owner, "sqs", "Action=CreateQueue&QueueName=locked").await, "QueueUrl").to_owned();
    let lock = encoded(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"arn:aws:sqs:us-east-1:{member}:locked"}}]}}"#
    ));
    let url = encoded(&queue);
    let set = |policy: &str| {
        format!("Action=SetQueueAttributes&QueueUrl={url}&Attribute.1.Name=Policy&Attribute.1.Value={policy}")
    };
    query(&owner, "sqs", &set(&lock)).await;
    let refused = query(&owner, "sqs", &set("")).await;
    assert!(refused.contains("AccessDenied"), "{refused}");

    let root = with(&cloud, &task("S3UnlockBucketPolicy").await);
    let buckets = send(&root, "s3", Request::get("/"), String::new()).await;
    assert!(buckets.contains("<Name>locked</Name>"), "{buckets}");
    let denied = send(&root, "s3", Request::delete("/locked"), String::new()).await;
    assert!(denied.contains("AccessDenied"), "{denied}");
    let denied = query(&root, "sqs", "Action=ListQueues").await;
    assert!(denied.contains(DENIED), "{denied}");
    assert_eq!(send(&root, "s3", Request::delete("/locked?policy="), String::new()).await, "");
    let list = send(&owner, "s3", Request::get("/locked?list-type=2"), String::new()).await;
    assert!(list.contains("<ListBucketResult"), "{list}");

    let root = with(&cloud, &task("SQSUnlockQueuePolicy").await);
    let unlocked = query(&root, "sqs", &set("")).await;
    assert!(unlocked.contains("<SetQueueAttributesResponse"), "{unlocked}");
    let read = query(&owner, "sqs", &format!("Action=GetQueueAttributes&QueueUrl={url}")).await;
    assert!(read.contains("<GetQueueAttributesResponse"), "{read}");
    let denied = query(&root, "sqs", &format!("Action=DeleteQueue&QueueUrl={url}")).await;
    assert!(denied.contains(DENIED), "{denied}");
}
