//! Object Lambda with a function that is a stand-in: what becomes of what it does. Real functions are in `testing/clients`.

use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{Access, ApiError, Cx, Handle, Platform, Region, Result, Service};
use haneul_lambda_wire::{operations as lambda_op, shapes as l};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_s3control_wire::{operations as control, shapes as c};
use serde_json::{Value, json};

use super::cloud::{Cloud, OURS, THEIRS, policy, root};

/// Does what the key says.
struct Functions(Platform);

impl Functions {
    async fn write(
        &self,
        event: &Value,
        change: impl FnOnce(&mut s::WriteGetObjectResponseRequest),
    ) -> Result<()> {
        self.write_as(OURS, event, change).await
    }

    async fn write_as(
        &self,
        account: u64,
        event: &Value,
        change: impl FnOnce(&mut s::WriteGetObjectResponseRequest),
    ) -> Result<()> {
        let context = &event["getObjectContext"];
        let mut input = s::WriteGetObjectResponseRequest {
            request_route: context["outputRoute"].as_str().unwrap().into(),
            request_token: context["outputToken"].as_str().unwrap().into(),
            ..Default::default()
        };
        change(&mut input);
        let done =
            self.0.bus.call::<op::WriteGetObjectResponse>(root(account), Region::US_EAST_1, None, input);
        done.await.map(drop)
    }
}

impl Handle<lambda_op::Invoke> for Functions {
    async fn access(&self, cx: &Cx, input: &l::InvocationRequest) -> Result<Vec<Access>> {
        let mut access = Access::to("lambda:InvokeFunction").owned_by(cx.account());
        access.resource = input.function_name.clone().into();
        Ok(vec![access])
    }

    async fn call(&self, _: &Cx, input: l::InvocationRequest) -> Result<l::InvocationResponse> {
        let event: Value = serde_json::from_slice(&input.payload.unwrap()).unwrap();
        let mut answer = l::InvocationResponse::default();
        let url = event["userRequest"]["url"].as_str().unwrap().to_owned();
        let bytes = |text: &str| haneul_kit::ByteStream::from_bytes(text.to_owned());
        if event["headObjectContext"]["inputS3Url"].is_string() {
            let said =
                json!({ "statusCode": 200, "headers": { "Content-Length": 7, "x-amz-meta-by": "function" } });
            answer.payload = Some(said.to_string().into_bytes().into());
            return Ok(answer);
        }
        match url.rsplit('/').next().unwrap() {
            "throttled" => return Err(ApiError::new("TooManyRequestsException", "Rate Exceeded.")),
            "missing" => return Err(ApiError::new("ResourceNotFoundException", "Function not found")),
            "broken" => return Err(ApiError::new("InvalidRuntimeException", "x")),
            "raises" => answer.function_error = Some("Unhandled".into()),
            "silent" => {}
            "hangs" => std::future::pending::<()>().await,
            "refuses" => {
                let refuse = |input: &mut s::WriteGetObjectResponseRequest| {
                    input.status_code = Some(404);
                    input.error_code = Some("NotHere".into());
                    input.error_message = Some("Look elsewhere".into());
                };
                self.write(&event, refuse).await?;
            }
            "invalid" => {
                let both =
                    |input: &mut s::WriteGetObjectResponseRequest| input.error_code = Some("Error".into());
                let refused = self.write(&event, both).await.unwrap_err();
                assert_eq!(refused.code(), "ValidationError");
            }
            "stranger" => {
                let other =
                    self.write_as(THEIRS, &event, |input| input.body = bytes("evil")).await.unwrap_err();
                assert_eq!(other.code(), "AccessDenied");
                self.write(&event, |input| input.body = bytes("ours")).await?;
            }
            _ => {
                let write = |input: &mut s::WriteGetObjectResponseRequest| {
                    input.body = bytes("HELLO");
                    input.status_code = Some(206);
                    input.content_type = Some("text/loud".into());
                };
                self.write(&event, write).await?;
                let again = self.write(&event, |input| input.body = bytes("again")).await.unwrap_err();
                assert_eq!(again.code(), "ValidationError");
            }
        }
        Ok(answer)
    }
}

async fn cloud() -> (Cloud, String) {
    let functions = |platform: &Platform| -> Vec<Service> {
        let service = Service::of(&haneul_lambda_wire::SERVICE, Arc::new(Functions(platform.clone())));
        vec![service.op::<lambda_op::Invoke>().build()]
    };
    let cloud = Cloud::beside(functions).await;
    cloud.bucket("bkt").await;
    cloud.put("bkt", "k", "hello").await;
    let door = c::CreateAccessPointRequest {
        account_id: OURS.to_string(),
        name: "door".into(),
        bucket: "bkt".into(),
        ..Default::default()
    };
    cloud.ok::<control::CreateAccessPoint>(door).await;
    let made = cloud.ok::<control::CreateAccessPointForObjectLambda>(create(&["GetObject"], &[])).await;
    (cloud, made.alias.unwrap().value.unwrap())
}

const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:f";

fn configuration(actions: &[&str], features: &[&str]) -> c::ObjectLambdaConfiguration {
    let lambda = c::AwsLambdaTransformation { function_arn: FUNCTION.into(), function_payload: None };
    c::ObjectLambdaConfiguration {
        supporting_access_point: format!("arn:aws:s3:us-east-1:{OURS}:accesspoint/door"),
        allowed_features: Some(features.iter().map(|feature| (*feature).to_owned()).collect()),
        cloud_watch_metrics_enabled: Some(true),
        transformation_configurations: vec![c::ObjectLambdaTransformationConfiguration {
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            content_transformation: c::ObjectLambdaContentTransformation::AwsLambda(lambda),
        }],
    }
}

fn create(actions: &[&str], features: &[&str]) -> c::CreateAccessPointForObjectLambdaRequest {
    c::CreateAccessPointForObjectLambdaRequest {
        account_id: OURS.to_string(),
        name: "loud".into(),
        configuration: configuration(actions, features),
    }
}

fn get(bucket: &str, key: &str) -> s::GetObjectRequest {
    s::GetObjectRequest { bucket: bucket.into(), key: key.into(), ..Default::default() }
}

#[tokio::test]
async fn what_functions_do_is_what_clients_see() {
    let (cloud, alias) = cloud().await;
    let host = format!("loud-{OURS}--ol-s3");
    for name in [&alias, &host] {
        let got = cloud.ok::<op::GetObject>(get(name, "k")).await;
        assert_eq!((got.content_type.as_deref(), got.content_length), (Some("text/loud"), Some(5)));
        assert_eq!(got.body.collect(100).await.unwrap(), b"HELLO");
    }
    for (key, expected) in [
        ("raises", "LambdaRuntimeError: The Lambda function failed during execution."),
        (
            "silent",
            "LambdaResponseNotReceived: The Lambda exited without successfully calling WriteGetObjectResponse.",
        ),
        ("throttled", "SlowDown: Reduce your request rate"),
        ("missing", "LambdaNotFound: The AWS Lambda function was not found."),
        ("broken", "LambdaInvocationFailed: Lambda function invocation failed. (InvalidRuntimeException: x)"),
        ("refuses", "NotHere: Look elsewhere"),
        ("invalid", "LambdaInvalidResponse: An error code cannot be used with a successful status code."),
    ] {
        let refused = cloud.err::<op::GetObject>(get(&alias, key)).await;
        assert!(refused.starts_with(expected), "{refused} / {expected}");
    }
    assert_eq!(cloud.get(&alias, "stranger").await.unwrap(), "ours");
    // By the cloud's clock.
    let caller = root(OURS);
    let waits = cloud.call::<op::GetObject>(&caller, get(&alias, "hangs"));
    let later = async {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        cloud.env.clock.advance(Duration::from_secs(61));
    };
    let (answer, ()) = tokio::join!(waits, later);
    assert_eq!(answer.err().unwrap().code(), "LambdaTimeout");
    assert!(cloud.s3.responses.is_empty(), "nobody waits any more");
    // Ranges and parts, unless the function is said to know them.
    let ranged = s::GetObjectRequest { range: Some("bytes=0-1".into()), ..get(&alias, "k") };
    let part = s::GetObjectRequest { part_number: Some(1), ..get(&alias, "k") };
    for input in [ranged, part] {
        assert!(cloud.err::<op::GetObject>(input).await.starts_with("NotImplemented"));
    }
    // What no function answers, the supporting access point does.
    let head = s::HeadObjectRequest { bucket: alias.clone(), key: "k".into(), ..Default::default() };
    assert_eq!(cloud.ok::<op::HeadObject>(head.clone()).await.content_length, Some(5));
    let put = c::PutAccessPointConfigurationForObjectLambdaRequest {
        account_id: OURS.to_string(),
        name: "loud".into(),
        configuration: configuration(&["HeadObject", "ListObjectsV2"], &["HeadObject-Range"]),
    };
    cloud.ok::<control::PutAccessPointConfigurationForObjectLambda>(put).await;
    let shown = cloud.ok::<op::HeadObject>(head).await;
    assert_eq!((shown.content_length, shown.metadata.unwrap().len()), (Some(7), 1));
    assert_eq!(cloud.get(&alias, "k").await.unwrap(), "hello");
    let list = s::ListObjectsRequest { bucket: alias.clone(), ..Default::default() };
    assert_eq!(cloud.ok::<op::ListObjects>(list).await.contents.unwrap().len(), 1);
    // Any other operation is refused, and another account's has nothing of it.
    let delete = s::DeleteObjectRequest { bucket: alias.clone(), key: "k".into(), ..Default::default() };
    assert!(cloud.err::<op::DeleteObject>(delete).await.starts_with("NotImplemented"));
    let other = cloud.call::<op::GetObject>(&root(THEIRS), get(&alias, "k")).await;
    assert_eq!(other.err().unwrap().code(), "AccessDenied");
}

#[tokio::test]
async fn configurations_and_policies() {
    let (cloud, _) = cloud().await;
    let account_id = OURS.to_string();
    let again = cloud.err::<control::CreateAccessPointForObjectLambda>(create(&["GetObject"], &[])).await;
    assert!(again.starts_with("AccessPointAlreadyOwnedByYou"), "{again}");
    let mut elsewhere = create(&["GetObject"], &[]);
    elsewhere.configuration.supporting_access_point = format!("arn:aws:s3:eu-west-1:{OURS}:accesspoint/door");
    let mut nowhere = create(&["GetObject"], &[]);
    nowhere.configuration.supporting_access_point = format!("arn:aws:s3:us-east-1:{OURS}:accesspoint/none");
    let mut misnamed = create(&["GetObject"], &[]);
    misnamed.name = "Not/a name".into();
    for (input, expected) in [
        (misnamed, "InvalidRequest"),
        (create(&["PutObject"], &[]), "MalformedXML"),
        (create(&["GetObject", "GetObject"], &[]), "InvalidRequest"),
        (create(&[], &[]), "MalformedXML"),
        (create(&["GetObject"], &["PutObject-Range"]), "MalformedXML"),
        (elsewhere, "InvalidRequest"),
        (nowhere, "NoSuchAccessPoint"),
    ] {
        let refused = cloud.err::<control::CreateAccessPointForObjectLambda>(input).await;
        assert!(refused.starts_with(expected), "{refused} / {expected}");
    }
    let arn = format!("arn:aws:s3-object-lambda:us-east-1:{OURS}:accesspoint/loud");
    let put = |principal: &str, resource: &str| c::PutAccessPointPolicyForObjectLambdaRequest {
        account_id: account_id.clone(),
        name: "loud".into(),
        policy: policy(&format!(
            r#""Effect":"Allow","Principal":{principal},"Action":"s3-object-lambda:GetObject","Resource":"{resource}""#
        )),
    };
    let theirs = format!(r#"{{"AWS":"{THEIRS}"}}"#);
    for (principal, resource, expected) in
        [("\"*\"", arn.as_str(), "AccessDenied"), (&theirs, "arn:aws:s3:::bkt", "MalformedPolicy")]
    {
        let refused =
            cloud.err::<control::PutAccessPointPolicyForObjectLambda>(put(principal, resource)).await;
        assert!(refused.starts_with(expected), "{refused} / {expected}");
    }
    cloud.ok::<control::PutAccessPointPolicyForObjectLambda>(put(&theirs, &arn)).await;
    let status = c::GetAccessPointPolicyStatusForObjectLambdaRequest {
        account_id: account_id.clone(),
        name: "loud".into(),
    };
    let shown = cloud.ok::<control::GetAccessPointPolicyStatusForObjectLambda>(status).await;
    assert_eq!(shown.policy_status.unwrap().is_public, Some(false));
    let more =
        c::CreateAccessPointForObjectLambdaRequest { name: "more".into(), ..create(&["GetObject"], &[]) };
    cloud.ok::<control::CreateAccessPointForObjectLambda>(more).await;
    let mut list = c::ListAccessPointsForObjectLambdaRequest {
        account_id: account_id.clone(),
        max_results: Some(1),
        ..Default::default()
    };
    let first = cloud.ok::<control::ListAccessPointsForObjectLambda>(list.clone()).await;
    list.next_token = first.next_token;
    let second = cloud.ok::<control::ListAccessPointsForObjectLambda>(list).await;
    assert_eq!(second.next_token, None);
    assert_eq!(second.object_lambda_access_point_list.unwrap()[0].name, "more");
    let delete = c::DeleteAccessPointForObjectLambdaRequest { account_id, name: "loud".into() };
    cloud.ok::<control::DeleteAccessPointForObjectLambda>(delete.clone()).await;
    let gone = cloud.err::<control::DeleteAccessPointForObjectLambda>(delete).await;
    assert!(gone.starts_with("NoSuchAccessPoint"), "{gone}");
}
