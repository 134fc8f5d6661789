//! Credentials that are not good, of every kind, shown to every service in every protocol that it speaks: refused, each in
//! the words of the service's family, before anything else is looked at.
//!
//! Sources: "Common errors" of the API references of IAM, STS, SQS, DynamoDB, KMS, Lambda; S3's "Error responses"; IAM User
//! Guide, "Troubleshoot Signature Version 4 signing".

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use haneul_base::{AccountId, Instant};
use haneul_harness::Cloud;
use haneul_kit::{Caller, Principal, Session, session_token};
use haneul_shape::{Mut, Shape};
use haneul_sigv4::{Credentials, SignPayload, Signer, Timestamp};
use haneul_wire::{Model, OperationDef, Payload, Protocol};
use http::{HeaderMap, HeaderValue, Method, Request};

/// What a refusal is in the four families: S3, the Query protocol, JSON, JSON over REST.
struct Row {
    what: &'static str,
    /// Status, code, and how the message begins; empty where the case does not arise.
    expect: [&'static str; 4],
}

const INVALID_TOKEN: [&str; 4] = [
    "400 InvalidToken: The provided token is malformed or otherwise invalid.",
    "403 InvalidClientTokenId: The security token included in the request is invalid",
    "400 UnrecognizedClientException: The security token included in the request is invalid",
    "403 UnrecognizedClientException: The security token included in the request is invalid",
];
const NO_SUCH_KEY: [&str; 4] = [
    "403 InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.",
    "403 InvalidClientTokenId: The security token included in the request is invalid",
    "400 UnrecognizedClientException: The security token included in the request is invalid",
    "403 UnrecognizedClientException: The security token included in the request is invalid",
];
const EXPIRED: [&str; 4] = [
    "400 ExpiredToken: The provided token has expired.",
    "403 ExpiredToken: The security token included in the request is expired",
    "400 ExpiredTokenException: The security token included in the request is expired",
    "403 ExpiredTokenException: The security token included in the request is expired",
];
const MISMATCH: [&str; 4] = [
    "403 SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided.",
    "403 SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided.",
    "400 InvalidSignatureException: The request signature we calculated does not match the signature you provided.",
    "403 InvalidSignatureException: The request signature we calculated does not match the signature you provided.",
];

/// One service in one protocol.
struct Target {
    service: &'static str,
    signing_name: &'static str,
    protocol: Protocol,
    /// Into [`Row::expect`].
    family: usize,
    request: Request<Bytes>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum By {
    Header,
    Query,
}

/// How a request is to be signed.
#[derive(Clone, Copy)]
struct Signing<'a> {
    credentials: Credentials<'a>,
    region: &'a str,
    /// Instead of the service that is asked.
    service: Option<&'a str>,
    at: Instant,
    expires_secs: u32,
}

impl Target {
    /// The request, signed; `None` where this form is not for this target.
    fn signed(&self, by: By, how: Signing<'_>) -> Option<Request<Bytes>> {
        let (mut parts, body) = self.request.clone().into_parts();
        parts.headers.insert("host", HeaderValue::from_static("localhost:4566"));
        let service = how.service.unwrap_or(self.signing_name);
        let signer = Signer::new(how.credentials, how.region, service, Timestamp::from_unix_s(how.at.secs()));
        match by {
            By::Header => {
                signer.sign(&mut parts, SignPayload::Bytes(&body)).expect("it can be signed");
                Some(Request::from_parts(parts, body))
            }
            By::Query => {
                let path = match self.protocol {
                    Protocol::AwsQuery | Protocol::Ec2Query => {
                        format!("/?{}", std::str::from_utf8(&body).ok()?)
                    }
                    _ if parts.method == Method::GET => parts.uri.to_string(),
                    _ => return None,
                };
                let uri = format!("http://localhost:4566{path}").parse().ok()?;
                let mut headers = HeaderMap::new();
                for (name, value) in &parts.headers {
                    if name.as_str().starts_with("x-amz-") {
                        headers.insert(name, value.clone());
                    }
                }
                let uri =
                    signer.presign(&Method::GET, &uri, &headers, how.expires_secs).expect("it can be signed");
                let mut request =
                    Request::get(uri.path_and_query()?.as_str()).header("host", "localhost:4566");
                for (name, value) in &headers {
                    request = request.header(name, value);
                }
                Some(request.body(Bytes::new()).expect("a request"))
            }
        }
    }
}

struct World {
    cloud: Cloud,
    targets: Vec<Target>,
}

impl World {
    async fn new() -> World {
        let cloud = Cloud::in_process(9).await;
        let mut targets = Vec::new();
        for entry in cloud.inside().catalog().entries() {
            let Some(service) = &entry.service else { continue };
            let model = haneul_wire::model(entry.model);
            for protocol in &entry.facts.protocols {
                let names = service.implemented().filter_map(|name| model.operation(name));
                let mut usable = names.filter(|op| !op.unsigned && op.input_stream.is_none());
                // One that can be presigned, if there is one.
                let plain = |op: &&OperationDef| {
                    op.method == "GET" && (entry.name() != "s3" || op.name == "ListBuckets")
                };
                let all: Vec<&OperationDef> = usable.by_ref().collect();
                let operation = all.iter().copied().find(plain).or_else(|| all.first().copied());
                let operation = operation.unwrap_or_else(|| panic!("{} has no operation", entry.name()));
                let handler = service.operation(operation.name).expect("it is implemented");
                let mut input = handler.new_input();
                fill(model, &mut *input);
                let made = haneul_wire::encode_request(model, operation, *protocol, &mut *input);
                let made =
                    made.unwrap_or_else(|error| panic!("{} {}: {error:?}", entry.name(), operation.name));
                let request = made.map(|body| match body {
                    Payload::Bytes(bytes) => bytes,
                    Payload::Stream(_) => Bytes::new(),
                });
                let family = match protocol {
                    Protocol::RestXml => 0,
                    Protocol::AwsQuery | Protocol::Ec2Query => 1,
                    _ if entry.facts.query_compatible => 1,
                    Protocol::AwsJson | Protocol::RpcV2Cbor => 2,
                    Protocol::RestJson => 3,
                };
                let signing_name = entry.facts.signing_name;
                targets.push(Target {
                    service: entry.name(),
                    signing_name,
                    protocol: *protocol,
                    family,
                    request,
                });
            }
        }
        World { cloud, targets }
    }

    fn now(&self) -> Instant {
        self.cloud.env.now()
    }

    fn signing<'a>(&self, credentials: Credentials<'a>) -> Signing<'a> {
        Signing { credentials, region: "us-east-1", service: None, at: self.now(), expires_secs: 900 }
    }

    /// Sends a case to every target and compares.
    async fn check(&self, row: Row, by: &[By], make: impl Fn(&Target, By) -> Option<Request<Bytes>>) {
        let mut seen = BTreeSet::new();
        for target in &self.targets {
            let expected = row.expect[target.family];
            for by in by.iter().copied().filter(|_| !expected.is_empty()) {
                let Some(request) = make(target, by) else { continue };
                let answer = self.cloud.transport.send(request).await;
                let error = haneul_wire::decode_error(
                    target.protocol,
                    answer.status(),
                    answer.headers(),
                    answer.body(),
                );
                let found = format!("{} {}: {}", answer.status().as_u16(), error.code, error.message);
                assert!(
                    found.starts_with(expected),
                    "{} to {} ({:?}, {by:?}):\n  {found}\n  instead of {expected}\n  {}",
                    row.what,
                    target.service,
                    target.protocol,
                    String::from_utf8_lossy(answer.body()),
                );
                seen.insert(target.service);
            }
        }
        assert!(!seen.is_empty(), "{} was asked of nobody", row.what);
    }

    /// A call to IAM by the root user; what stands in the first element of that name.
    async fn iam(&self, form: &str, element: &str) -> String {
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(format!("{form}&Version=2010-05-08")))
            .expect("a request");
        let answer = self.cloud.send("iam", request).await;
        let body = String::from_utf8(answer.body().to_vec()).expect("XML");
        assert!(answer.status().is_success(), "{form}: {body}");
        let found = body.split(&format!("<{element}>")).nth(1).and_then(|rest| rest.split('<').next());
        found.unwrap_or_default().to_owned()
    }
}

/// Required texts are account numbers, which fit most places.
fn fill(model: &Model, into: &mut dyn Shape) {
    for (at, member) in model.structure(into.id()).members.iter().enumerate() {
        if member.required
            && let Mut::Str(text) = into.get_mut(at)
        {
            *text = "000000000000".into();
        }
    }
}

const BOTH: &[By] = &[By::Header, By::Query];

fn key<'a>(id: &'a str, secret: &'a str) -> Credentials<'a> {
    Credentials { access_key_id: id, secret_access_key: secret, session_token: None }
}

#[tokio::test]
async fn stolen_deactivated_deleted() {
    let world = World::new().await;
    let services: BTreeSet<&str> = world.targets.iter().map(|target| target.service).collect();
    assert!(services.len() >= 12, "{services:?}");
    world.iam("Action=CreateUser&UserName=ann", "Arn").await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        let body = world.iam("Action=CreateAccessKey&UserName=ann", "AccessKeyId").await;
        keys.push(body);
    }
    world
        .iam(&format!("Action=UpdateAccessKey&UserName=ann&Status=Inactive&AccessKeyId={}", keys[0]), "")
        .await;
    world.iam(&format!("Action=DeleteAccessKey&UserName=ann&AccessKeyId={}", keys[1]), "").await;
    for (what, id) in [("an unknown", "AKIANOBODY"), ("a deactivated", &keys[0]), ("a deleted", &keys[1])] {
        let row = Row { what, expect: NO_SUCH_KEY };
        world.check(row, BOTH, |to, by| to.signed(by, world.signing(key(id, "secret")))).await;
    }
    // Whoever has only the id has nothing.
    let row = Row { what: "a key's id without its secret", expect: MISMATCH };
    world.check(row, BOTH, |to, by| to.signed(by, world.signing(key("test", "guess")))).await;
    // Made inactive, a key is refused from the next request on, and let in again when it is active.
    world
        .iam(&format!("Action=UpdateAccessKey&UserName=ann&Status=Active&AccessKeyId={}", keys[0]), "")
        .await;
    let row = Row { what: "an active key with the wrong secret", expect: MISMATCH };
    world.check(row, BOTH, |to, by| to.signed(by, world.signing(key(&keys[0], "guess")))).await;
}

#[tokio::test]
async fn tokens() {
    let world = World::new().await;
    let issue = |lifetime_secs: i64| {
        let caller = Caller {
            account: AccountId::DEFAULT,
            principal: Principal::Role {
                path: "/".into(),
                name: "deploy".into(),
                id: "AROADEPLOY".into(),
                session_name: "ci".into(),
            },
            access_key_id: None,
            session: Some(Session {
                issued_at: world.now(),
                expires_at: Instant::from_secs(world.now().secs() + lifetime_secs),
                ..Session::default()
            }),
        };
        session_token::issue(&world.cloud.platform().seal, &world.cloud.env.rng, caller)
    };
    let (made, other) = (issue(3600), issue(3600));
    let with = |id: &'static str, token| Credentials {
        access_key_id: id,
        secret_access_key: Box::leak(made.secret_access_key.clone().into_boxed_str()),
        session_token: token,
    };
    let id: &'static str = Box::leak(made.access_key_id.clone().into_boxed_str());
    let token = made.session_token.as_str();
    let cut = &token[..token.len() - 4];
    let forged = format!("{cut}AAAA");
    for (what, credentials) in [
        ("a token that is none", with(id, Some("no token"))),
        ("a token cut off", with(id, Some(cut))),
        ("a token changed", with(id, Some(&forged))),
        ("a token of another key", with(id, Some(&other.session_token))),
        ("another key with this token", with("ASIAOTHER", Some(token))),
        ("a long-lived key with a token", with("test", Some(token))),
    ] {
        let row = Row { what, expect: INVALID_TOKEN };
        world.check(row, BOTH, |to, by| to.signed(by, world.signing(credentials))).await;
    }
    let row = Row { what: "a temporary key without its token", expect: NO_SUCH_KEY };
    world.check(row, BOTH, |to, by| to.signed(by, world.signing(with(id, None)))).await;
    let row = Row { what: "a token's key with another secret", expect: MISMATCH };
    let wrong = Credentials { secret_access_key: "guess", ..with(id, Some(token)) };
    world.check(row, BOTH, |to, by| to.signed(by, world.signing(wrong))).await;
    world.cloud.env.clock.advance(Duration::from_secs(3600));
    let row = Row { what: "a token that has expired", expect: EXPIRED };
    world.check(row, BOTH, |to, by| to.signed(by, world.signing(with(id, Some(token))))).await;
}

#[tokio::test]
async fn times_and_scopes() {
    let world = World::new().await;
    let root = world.signing(key("test", "test"));
    let at = |secs: i64| Signing { at: Instant::from_secs(world.now().secs() + secs), ..root };
    let row = Row {
        what: "a clock that is behind",
        expect: [
            "403 RequestTimeTooSkewed: The difference between the request time and the current time is too large.",
            "403 SignatureDoesNotMatch: Signature expired: ",
            "400 InvalidSignatureException: Signature expired: ",
            "403 InvalidSignatureException: Signature expired: ",
        ],
    };
    world.check(row, &[By::Header], |to, by| to.signed(by, at(-901))).await;
    let row = Row {
        what: "a clock that is ahead",
        expect: [
            "403 RequestTimeTooSkewed: The difference between the request time and the current time is too large.",
            "403 SignatureDoesNotMatch: Signature not yet current: ",
            "400 InvalidSignatureException: Signature not yet current: ",
            "403 InvalidSignatureException: Signature not yet current: ",
        ],
    };
    world.check(row, &[By::Header], |to, by| to.signed(by, at(901))).await;
    let row = Row {
        what: "a presigned URL that is over",
        expect: [
            "403 AccessDenied: Request has expired",
            "403 SignatureDoesNotMatch: Signature expired: ",
            "",
            "403 InvalidSignatureException: Signature expired: ",
        ],
    };
    world.check(row, &[By::Query], |to, by| to.signed(by, at(-901))).await;
    let row = Row {
        what: "a Region that does not exist",
        expect: [
            "400 Authorization",
            "403 SignatureDoesNotMatch: Credential should be scoped to a valid region, not 'mars-1'. ",
            "400 InvalidSignatureException: Credential should be scoped to a valid region, not 'mars-1'. ",
            "403 InvalidSignatureException: Credential should be scoped to a valid region, not 'mars-1'. ",
        ],
    };
    world.check(row, BOTH, |to, by| to.signed(by, Signing { region: "mars-1", ..root })).await;
    // Where the service is told by something else than the scope, the scope has to agree.
    let row = Row {
        what: "another service's scope",
        expect: [
            "",
            "403 SignatureDoesNotMatch: Credential should be scoped to correct service: '",
            "400 InvalidSignatureException: Credential should be scoped to correct service: '",
            "",
        ],
    };
    let foreign = Signing { service: Some("sts"), ..root };
    world
        .check(row, &[By::Header], |to, by| match to.protocol {
            Protocol::AwsJson | Protocol::RpcV2Cbor => to.signed(by, foreign),
            _ => None,
        })
        .await;
    // Signed for one Region, used in another: the signature is of the first, whatever the header says.
    let row = Row { what: "a signature moved to another Region", expect: MISMATCH };
    world
        .check(row, &[By::Header], |to, by| {
            let mut request = to.signed(by, root)?;
            let header = request.headers()["authorization"].to_str().ok()?.replace("us-east-1", "eu-west-1");
            request.headers_mut().insert("authorization", HeaderValue::from_str(&header).ok()?);
            Some(request)
        })
        .await;
}

#[tokio::test]
async fn what_is_malformed() {
    let world = World::new().await;
    let root = world.signing(key("test", "test"));
    let changed = |to: &Target, change: &dyn Fn(&str) -> String| {
        let mut request = to.signed(By::Header, root)?;
        let header = change(request.headers()["authorization"].to_str().ok()?);
        request.headers_mut().insert("authorization", HeaderValue::from_str(&header).ok()?);
        Some(request)
    };
    let incomplete = |s3: &'static str, text: &'static str| {
        let leak = |code: &str| -> &'static str { Box::leak(format!("{code}: {text}").into_boxed_str()) };
        [
            s3,
            leak("400 IncompleteSignature"),
            leak("400 IncompleteSignatureException"),
            leak("403 IncompleteSignatureException"),
        ]
    };
    let row = Row {
        what: "a header without a signature",
        expect: incomplete(
            "400 AuthorizationHeaderMalformed: The authorization header is malformed; ",
            "Authorization header requires 'Signature' parameter. ",
        ),
    };
    world
        .check(row, &[By::Header], |to, _| {
            changed(to, &|h| h.split(", Signature=").next().unwrap_or_default().into())
        })
        .await;
    let row = Row {
        what: "a header without the signed headers",
        expect: incomplete(
            "400 AuthorizationHeaderMalformed: The authorization header is malformed; ",
            "Authorization header requires 'SignedHeaders' parameter. ",
        ),
    };
    world.check(row, &[By::Header], |to, _| changed(to, &|h| h.replace("SignedHeaders=", "Headers="))).await;
    let row = Row {
        what: "a component without an equal sign",
        expect: incomplete(
            "400 AuthorizationHeaderMalformed: The authorization header is malformed; ",
            "Invalid key=value pair (missing equal-sign) in Authorization header",
        ),
    };
    world.check(row, &[By::Header], |to, _| changed(to, &|h| format!("{h}, more"))).await;
    let row = Row {
        what: "another terminator",
        expect: [
            "400 AuthorizationHeaderMalformed: The authorization header is malformed; ",
            "403 SignatureDoesNotMatch: Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.",
            "400 InvalidSignatureException: Credential should be scoped with a valid terminator: ",
            "403 InvalidSignatureException: Credential should be scoped with a valid terminator: ",
        ],
    };
    world
        .check(row, &[By::Header], |to, _| changed(to, &|h| h.replace("aws4_request", "aws5_request")))
        .await;
    let row = Row { what: "another signature", expect: MISMATCH };
    world
        .check(row, &[By::Header], |to, _| {
            changed(to, &|h| format!("{}0", &h[..h.len() - 1]).replace("Signature=", "Signature=0"))
        })
        .await;
    let row = Row {
        what: "no date",
        expect: [
            "403 AccessDenied: ",
            "400 IncompleteSignature: Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            "400 IncompleteSignatureException: Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
            "403 IncompleteSignatureException: Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ],
    };
    world
        .check(row, &[By::Header], |to, by| {
            let mut request = to.signed(by, root)?;
            request.headers_mut().remove("x-amz-date");
            Some(request)
        })
        .await;
    let presigned = |to: &Target, change: &dyn Fn(&str) -> String| {
        let request = to.signed(By::Query, root)?;
        let (mut parts, body) = request.into_parts();
        parts.uri = change(&parts.uri.to_string()).parse().ok()?;
        Some(Request::from_parts(parts, body))
    };
    let row = Row {
        what: "a presigned URL without its date",
        expect: incomplete(
            "400 AuthorizationQueryParametersError: Query-string authentication version 4 requires the ",
            "AWS query-string parameters must include 'X-Amz-Date'.",
        ),
    };
    world.check(row, &[By::Query], |to, _| presigned(to, &|uri| uri.replace("X-Amz-Date=", "X-Date="))).await;
    let row = Row {
        what: "a presigned URL for too long",
        expect: [
            "400 AuthorizationQueryParametersError: X-Amz-Expires must be less than a week",
            "400 IncompleteSignature: X-Amz-Expires must be less than a week",
            "",
            "403 IncompleteSignatureException: X-Amz-Expires must be less than a week",
        ],
    };
    world
        .check(row, &[By::Query], |to, _| {
            presigned(to, &|uri| uri.replace("X-Amz-Expires=900", "X-Amz-Expires=604801"))
        })
        .await;
    let row = Row { what: "a presigned URL made longer", expect: MISMATCH };
    world
        .check(row, &[By::Query], |to, _| {
            presigned(to, &|uri| uri.replace("X-Amz-Expires=900", "X-Amz-Expires=901"))
        })
        .await;
}

#[tokio::test]
async fn no_credentials() {
    let world = World::new().await;
    let row = Row {
        what: "nothing",
        expect: [
            "403 AccessDenied: Access Denied",
            "403 MissingAuthenticationToken: Request is missing Authentication Token",
            "400 MissingAuthenticationTokenException: Request is missing Authentication Token",
            "",
        ],
    };
    world
        .check(row, &[By::Header], |to, _| {
            // Queues and topics may let in anybody; REST paths without a signature are S3's.
            if matches!(to.service, "sqs" | "sns" | "s3control") {
                return None;
            }
            let mut request = to.request.clone();
            request.headers_mut().insert("host", HeaderValue::from_static("localhost:4566"));
            Some(request)
        })
        .await;
}

/// IAM User Guide, "Manage AWS STS in an AWS Region": tokens of the global endpoint, and where they are good.
#[tokio::test]
async fn tokens_of_the_global_endpoint() {
    let world = World::new().await;
    world.iam("Action=CreateUser&UserName=ann", "Arn").await;
    let policy = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22sqs%3A*%22%2C%22Resource%22%3A%22*%22%7D%7D";
    world.iam(&format!("Action=PutUserPolicy&UserName=ann&PolicyName=p&PolicyDocument={policy}"), "").await;
    let form = |host: &'static str, form: &'static str| {
        Request::post("/")
            .header("host", host)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(form.as_bytes()))
            .expect("a request")
    };
    let key = world
        .cloud
        .send("iam", form("localhost", "Action=CreateAccessKey&UserName=ann&Version=2010-05-08"))
        .await;
    let key = String::from_utf8(key.body().to_vec()).expect("XML");
    let of = |text: &str, name: &str| {
        let rest = text.split(&format!("<{name}>")).nth(1).unwrap_or_else(|| panic!("no {name} in {text}"));
        rest.split('<').next().unwrap_or_default().to_owned()
    };
    let ann = world.cloud.with_key(&of(&key, "AccessKeyId"), &of(&key, "SecretAccessKey"));
    let session = async |host: &'static str| {
        let made = ann.send("sts", form(host, "Action=GetSessionToken&Version=2011-06-15")).await;
        let made = String::from_utf8(made.body().to_vec()).expect("XML");
        let mut session = ann.with_key(&of(&made, "AccessKeyId"), &of(&made, "SecretAccessKey"));
        session.session_token = Some(of(&made, "SessionToken"));
        session
    };
    let status = async |client: &haneul_harness::Client, region: &str| {
        let client = client.in_region(region.parse().expect("a Region"));
        let answer = client.send("sqs", form("localhost", "Action=ListQueues&Version=2012-11-05")).await;
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        assert!(answer.status() == 200 || body.contains("InvalidClientTokenId"), "{body}");
        answer.status().as_u16()
    };
    let regional = session("sts.us-east-1.amazonaws.com").await;
    let global = session("sts.amazonaws.com").await;
    assert_eq!((status(&regional, "us-west-2").await, status(&regional, "ap-east-1").await), (200, 200));
    assert_eq!((status(&global, "us-west-2").await, status(&global, "ap-east-1").await), (200, 403));
    let set = "Action=SetSecurityTokenServicePreferences&GlobalEndpointTokenVersion=v2Token";
    world.iam(set, "").await;
    assert_eq!(status(&global, "ap-east-1").await, 403, "a token stays what it is");
    let global = session("sts.amazonaws.com").await;
    assert_eq!(status(&global, "ap-east-1").await, 200);
    // What is at Regional endpoints only.
    let wanted = "Action=GetWebIdentityToken&Audience.member.1=a&SigningAlgorithm=ES384&Version=2011-06-15";
    let answer = world.cloud.send("sts", form("sts.amazonaws.com", wanted)).await;
    let body = String::from_utf8_lossy(answer.body()).into_owned();
    assert!(body.contains("<Code>ValidationError</Code>") && body.contains("global endpoint"), "{body}");
}
