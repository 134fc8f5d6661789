//! Whoever acts by delegation against the calls in which somebody's own session has a way of its own: a shortcut for the
//! owner's root user, a session made from a session.

use std::time::Duration;

use bytes::Bytes;
use haneul_harness::{Client, Cloud};
use haneul_kit::{AccountId, Caller, Delegation, Principal, Session, session_token};
use http::{Method, Request};

const BUCKET: &str = "photos-of-000000000000";

/// One call: how, where, and with what.
#[derive(Clone)]
enum Call {
    /// In the Query protocol.
    Query(&'static str, String),
    /// Of S3 on the bucket.
    Bucket(Method, &'static str),
}

async fn send(client: &Client, call: Call) -> (u16, String) {
    let (service, request, body) = match call {
        Call::Query(service, form) => {
            let version = match service {
                "iam" => "2010-05-08",
                "sqs" => "2012-11-05",
                _ => "2011-06-15",
            };
            let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
            (service, request, format!("{form}&Version={version}"))
        }
        Call::Bucket(method, rest) => {
            let request = Request::builder().method(method).uri(format!("/{BUCKET}{rest}"));
            ("s3", request, String::new())
        }
    };
    let answer = client.send(service, request.body(Bytes::from(body)).expect("a request")).await;
    (answer.status().as_u16(), String::from_utf8_lossy(answer.body()).into_owned())
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

/// Who acts for `principal` of the default account, as far as the statement goes, for half an hour.
fn delegate(cloud: &Cloud, principal: Principal, statement: &str) -> Client {
    let platform = cloud.platform();
    let session = Session {
        issued_at: cloud.env.now(),
        expires_at: cloud.env.now() + Duration::from_secs(1800),
        delegation: Some(Delegation {
            account: AccountId::new(haneul_harness::cloud::OTHER_ACCOUNT).expect("twelve digits"),
            policy: format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
        }),
        ..Session::default()
    };
    let caller = Caller { principal, session: Some(session), ..Caller::root(AccountId::DEFAULT) };
    cloud.with_credentials(&session_token::issue(&platform.seal, &platform.env.rng, caller))
}

#[tokio::test]
async fn what_delegates_can_do() {
    use Call::Bucket;
    let query = |service, form: &str| Call::Query(service, form.to_owned());
    let cloud = Cloud::in_process(31).await;
    let own = async |call| {
        let (status, text) = send(&cloud, call).await;
        assert!(status < 300, "{status} {text}");
        text
    };
    own(Bucket(Method::PUT, "")).await;
    own(query("sqs", "Action=CreateQueue&QueueName=news")).await;
    let made = own(query("iam", "Action=CreateUser&UserName=admin")).await;
    let id = of(&made, "UserId").to_owned();
    let attach =
        "Action=AttachUserPolicy&UserName=admin&PolicyArn=arn:aws:iam::aws:policy/AdministratorAccess";
    own(query("iam", attach)).await;
    let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22000000000000%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";
    own(query("iam", &format!("Action=CreateRole&RoleName=role&AssumeRolePolicyDocument={trust}"))).await;
    own(query("iam", &attach.replace("User", "Role").replace("=admin", "=role"))).await;

    let user = Principal::User { path: "/".into(), name: "admin".into(), id };
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let some = r#"{"Effect":"Allow","Action":["s3:ListBucket","sts:AssumeRole"],"Resource":"*"}"#;
    let root_all = delegate(&cloud, Principal::Root, all);
    let root_some = delegate(&cloud, Principal::Root, some);
    let user_all = delegate(&cloud, user.clone(), all);
    let user_some = delegate(&cloud, user, some);
    let assume =
        query("sts", "Action=AssumeRole&RoleSessionName=name&RoleArn=arn:aws:iam::000000000000:role/role");
    let long = query(
        "sts",
        "Action=AssumeRole&RoleSessionName=name&DurationSeconds=3601&RoleArn=arn:aws:iam::000000000000:role/role",
    );
    let (status, made) = send(&user_some, assume.clone()).await;
    assert_eq!(status, 200, "{made}");
    let role_some = with(&cloud, &made);
    let attributes = "Action=SetQueueAttributes&QueueUrl=http://localhost/000000000000/news&Attribute.1.Name=Policy&Attribute.1.Value=";

    // Of the root user and of a user with all permissions, with all handed on and with some; and of a role that the last
    // of them took.
    let clients = [&root_all, &user_all, &root_some, &user_some, &role_some];
    let mut wrong = Vec::new();
    for (what, call, expected) in [
        ("what was handed on", Bucket(Method::GET, ""), [200; 5]),
        ("the bucket's policy", Bucket(Method::GET, "?policy"), [404, 404, 403, 403, 403]),
        ("its end", Bucket(Method::DELETE, "?policy"), [204, 204, 403, 403, 403]),
        ("an object", Bucket(Method::PUT, "/key"), [200, 200, 403, 403, 403]),
        ("the queue's policy", query("sqs", attributes), [200, 200, 403, 403, 403]),
        ("users", query("iam", "Action=ListUsers"), [200, 200, 403, 403, 403]),
        ("who it is", query("sts", "Action=GetCallerIdentity"), [200; 5]),
        // A root user assumes no roles.
        ("a role", assume, [403, 200, 403, 200, 200]),
        ("for long", long, [403, 400, 403, 400, 400]),
        ("a session", query("sts", "Action=GetSessionToken"), [403; 5]),
        ("a federated user", query("sts", "Action=GetFederationToken&Name=bob"), [403; 5]),
        (
            "a token for others",
            query("sts", "Action=GetWebIdentityToken&Audience.member.1=a&SigningAlgorithm=RS256"),
            [403; 5],
        ),
        ("a partner's token", query("sts", "Action=GetDelegatedAccessToken&TradeInToken=x"), [403; 5]),
    ] {
        let mut found = [0; 5];
        for (at, client) in clients.iter().enumerate() {
            found[at] = send(client, call.clone()).await.0;
        }
        if found != expected {
            wrong.push(format!("{what}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");

    // What was made of a delegation ends with it, however long a session of a role may be.
    cloud.env.clock.advance(Duration::from_secs(1801));
    for client in clients {
        let (status, text) = send(client, query("sts", "Action=GetCallerIdentity")).await;
        assert!(status == 403 && text.contains("ExpiredToken"), "{status} {text}");
    }
}
