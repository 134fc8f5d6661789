//! Object Lambda: requests by an Object Lambda access point, whose answers a function makes.
//!
//! The function is invoked on the caller's behalf, with a URL by which it can read what the caller may. What answers
//! GetObject comes by WriteGetObjectResponse while the function runs, and goes to the client as it comes; the answers of
//! HeadObject and of listings are what the function returns. What no function is configured for goes to the supporting
//! access point.
//!
//! Reading order: this file (whom a request is for, and what becomes of it), [`event`] (what the function is told),
//! [`input_url`], [`answer`] (what functions return), [`responses`] (what they write), [`metrics`].
//! Source: S3 User Guide, "Transforming objects with S3 Object Lambda".

mod answer;
mod event;
mod input_url;
mod metrics;
pub(crate) mod responses;

use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{Access, AccountId, ApiError, Cx, Fault, Operation, Policy, Region, Result};
use haneul_lambda_wire::{operations as lambda_op, shapes as l};
use haneul_s3_wire::{operations as op, shapes as s};
use http::{HeaderMap, Method, StatusCode};

pub(crate) use self::event::signed_headers;

use self::event::Event;
use self::responses::Written;
use crate::bucket::POLICY_RULES;
use crate::control::object_lambda::arn;
use crate::model::access_point::AccessPointRecord;
use crate::model::object_lambda::{ObjectLambdaRecord, Transformation};
use crate::store::access_points::no_such_access_point;
use crate::{S3, error};

/// How every name ends that an Object Lambda access point goes by where a bucket's name can stand. The front door makes
/// `NAME-ACCOUNT--ol-s3` of hosts under `s3-object-lambda`.
pub(crate) const ALIAS_ENDING: &str = "--ol-s3";

/// On whose way functions are invoked and objects read (`aws:CalledVia`).
const PRINCIPAL: &str = "s3-object-lambda.amazonaws.com";

/// A function has so long to answer.
const TIME_MAX: Duration = Duration::from_secs(60);

/// An access point as a request came by it.
pub(crate) struct Point {
    record: ObjectLambdaRecord,
    pub(crate) arn: String,
    account: AccountId,
    region: Region,
    policy: Option<Arc<Policy>>,
}

impl Point {
    fn compile(record: ObjectLambdaRecord) -> Result<Point> {
        let region: Region =
            record.region.parse().map_err(|_| ApiError::internal("an access point's Region is unknown"))?;
        let account = AccountId::new(record.account).unwrap_or_default();
        let policy = record.policy.as_deref().map(|text| Policy::parse(text, &POLICY_RULES)).transpose();
        // It was parsed before it was stored.
        let policy = policy.map_err(ApiError::internal)?.map(Arc::new);
        Ok(Point { arn: arn(region, account, &record.name), record, account, region, policy })
    }

    pub(crate) fn access(&self, action: &'static str, version: Option<&str>) -> Access {
        let mut access = Access::to(action).owned_by(self.account).with_policy(self.policy.clone());
        access.resource = self.arn.clone().into();
        match version {
            Some(version) => access.key("s3-object-lambda:versionid", version),
            None => access,
        }
    }

    /// What answers an operation. With a range or a part, the function has to be known to understand them.
    fn transformation(&self, operation: &str, range: bool, part: bool) -> Result<Option<Transformation>> {
        let configuration = &self.record.configuration;
        let Some(found) = configuration.transformation(operation) else { return Ok(None) };
        if range && !configuration.allows(&format!("{operation}-Range")) {
            return Err(error::not_implemented_header("Range"));
        }
        if part && !configuration.allows(&format!("{operation}-PartNumber")) {
            return Err(error::not_implemented_header("partNumber"));
        }
        Ok(Some(found.clone()))
    }
}

impl S3 {
    /// The Object Lambda access point that stands where a bucket's name does.
    pub(crate) async fn object_lambda(&self, cx: &Cx, name: &str) -> Result<Option<Point>> {
        let Some(begin) = name.strip_suffix(ALIAS_ENDING) else { return Ok(None) };
        // `NAME-ACCOUNT` of a host; the last part of an alias is longer.
        let named = begin.rsplit_once('-').filter(|(_, account)| account.len() == 12);
        let named = named.and_then(|(name, account)| Some((account.parse().ok()?, name)));
        let found = match named {
            Some((account, name)) => {
                self.records.object_lambda_point(&(account, cx.region(), name.to_owned())).await?
            }
            None => self.records.object_lambda_by_alias(name).await?,
        };
        let point = Point::compile(found.ok_or_else(|| no_such_access_point(begin))?)?;
        if point.region != cx.region() {
            crate::redirect::show_region(cx, point.region);
            return Err(crate::redirect::malformed(cx.region(), point.region));
        }
        Ok(Some(point))
    }

    /// The access point through which the function reads.
    async fn supporting(&self, point: &Point) -> Result<AccessPointRecord> {
        let name = point.record.configuration.supporting_name().to_owned();
        let row = (point.account, point.region, name);
        self.records.access_point(&row).await?.ok_or_else(|| no_such_access_point(&row.2))
    }

    /// GetObject by an Object Lambda access point.
    pub(crate) async fn get_transformed(
        &self,
        cx: &Cx,
        point: Point,
        mut input: s::GetObjectRequest,
    ) -> Result<s::GetObjectOutput> {
        let found = point.transformation("GetObject", input.range.is_some(), input.part_number.is_some())?;
        let supporting = self.supporting(&point).await?;
        let Some(found) = found else {
            input.bucket = supporting.alias;
            let output = self.as_supported::<op::GetObject>(cx, input).await?;
            show_part(cx, output.content_range.as_deref());
            return Ok(output);
        };
        let mut signed = signed_headers(&input.request_payer, &input.expected_bucket_owner);
        for (name, value) in [
            ("x-amz-server-side-encryption-customer-algorithm", &input.sse_customer_algorithm),
            ("x-amz-server-side-encryption-customer-key", &input.sse_customer_key),
            ("x-amz-server-side-encryption-customer-key-md5", &input.sse_customer_key_md5),
        ] {
            event::sign(&mut signed, name, value.as_deref());
        }
        let query = event::version_query(input.version_id.as_deref());
        let url = self.input_url(cx, Method::GET, (&supporting.alias, &input.key), query, &signed)?;
        let mut waiting = self.responses.open(&self.platform.env.rng, &point.arn, point.account)?;
        let context = serde_json::json!({
            "inputS3Url": url,
            "outputRoute": responses::ROUTE,
            "outputToken": waiting.token,
        });
        let event = Event { context: ("getObjectContext", context), point: &point, transformation: &found };
        let (platform, cx_of_function) = (self.platform.clone(), cx.clone());
        let (function, event) = (found.function.clone(), event.text(cx, Some(&input.key)));
        // It goes on while the client reads, and when the client is gone.
        let mut invoked = self.platform.env.spawn("s3 object lambda", async move {
            invoke(&platform, &cx_of_function, &function, event).await
        });
        let written = self.platform.env.clock.timeout(TIME_MAX, async {
            tokio::select! {
                biased;
                written = waiting.written() => written.ok_or_else(not_received),
                ended = &mut invoked => match ended.map_err(ApiError::internal)? {
                    Err(error) => Err(error),
                    // It may have written as its last act.
                    Ok(_) => waiting.now().ok_or_else(not_received),
                },
            }
        });
        match written.await {
            None => Err(timed_out()),
            Some(Err(error)) => Err(error),
            Some(Ok(written)) => answer_get(cx, written),
        }
    }

    /// HeadObject by an Object Lambda access point.
    pub(crate) async fn head_transformed(
        &self,
        cx: &Cx,
        point: Point,
        mut input: s::HeadObjectRequest,
    ) -> Result<s::HeadObjectOutput> {
        let found = point.transformation("HeadObject", input.range.is_some(), input.part_number.is_some())?;
        let supporting = self.supporting(&point).await?;
        let Some(found) = found else {
            input.bucket = supporting.alias;
            let output = self.as_supported::<op::HeadObject>(cx, input).await?;
            show_part(cx, output.content_range.as_deref());
            return Ok(output);
        };
        let signed = signed_headers(&input.request_payer, &input.expected_bucket_owner);
        let query = event::version_query(input.version_id.as_deref());
        let url = self.input_url(cx, Method::HEAD, (&supporting.alias, &input.key), query, &signed)?;
        let context = ("headObjectContext", serde_json::json!({ "inputS3Url": url }));
        let event = Event { context, point: &point, transformation: &found };
        let said = self.ask(cx, &found.function, event.text(cx, Some(&input.key))).await?;
        let (status, output) = answer::head(&said)?;
        cx.set_status(status);
        Ok(output)
    }

    /// A listing by an Object Lambda access point; `None` when no function answers it.
    pub(crate) async fn list_transformed<O: Operation>(
        &self,
        cx: &Cx,
        point: &Point,
        context: &'static str,
        headers: &HeaderMap,
    ) -> Result<Option<O::Output>> {
        let Some(found) = point.transformation(O::NAME, false, false)? else { return Ok(None) };
        let supporting = self.supporting(point).await?;
        let query = event::listing_query(cx);
        let url = self.input_url(cx, Method::GET, (&supporting.alias, ""), query, headers)?;
        let context = (context, serde_json::json!({ "inputS3Url": url }));
        let event = Event { context, point, transformation: &found };
        let said = self.ask(cx, &found.function, event.text(cx, None)).await?;
        let (status, output) = answer::list::<O>(&said)?;
        cx.set_status(status);
        Ok(Some(output))
    }

    pub(crate) async fn supporting_alias(&self, point: &Point) -> Result<String> {
        Ok(self.supporting(point).await?.alias)
    }

    /// Asks the supporting access point, as the caller.
    pub(crate) async fn as_supported<O: Operation>(&self, cx: &Cx, input: O::Input) -> Result<O::Output> {
        self.platform.forward::<O>(cx, PRINCIPAL, input).await
    }

    /// What a function returns.
    async fn ask(&self, cx: &Cx, function: &str, event: Vec<u8>) -> Result<serde_json::Value> {
        let clock = &self.platform.env.clock;
        let answer = clock.timeout(TIME_MAX, invoke(&self.platform, cx, function, event)).await;
        let answer = answer.ok_or_else(timed_out)??;
        serde_json::from_slice(&answer.payload.unwrap_or_default()).map_err(|_| answer::invalid())
    }
}

async fn invoke(
    platform: &haneul_kit::Platform,
    cx: &Cx,
    function: &str,
    event: Vec<u8>,
) -> Result<l::InvocationResponse> {
    let input = l::InvocationRequest {
        function_name: function.to_owned(),
        payload: Some(event.into()),
        ..Default::default()
    };
    let answer = platform.forward::<lambda_op::Invoke>(cx, PRINCIPAL, input).await.map_err(refused)?;
    match answer.function_error {
        None => Ok(answer),
        Some(_) => Err(failed("LambdaRuntimeError", "The Lambda function failed during execution.")),
    }
}

/// What Lambda says, as the client of S3 is told.
fn refused(error: ApiError) -> ApiError {
    let (code, status, begin) = match error.code() {
        "ResourceNotFoundException" => ("LambdaNotFound", 404, "The AWS Lambda function was not found."),
        "AccessDeniedException" | "AccessDenied" | "KMSAccessDeniedException" => {
            ("LambdaPermissionError", 403, "The caller is not authorized to invoke the Lambda function.")
        }
        "TooManyRequestsException" => {
            ("SlowDown", 503, "Reduce your request rate for operations involving AWS Lambda.")
        }
        _ => ("LambdaInvocationFailed", 400, "Lambda function invocation failed."),
    };
    error::new(code, status, format!("{begin} ({}: {})", error.code(), error.message()))
}

fn failed(code: &'static str, message: &str) -> ApiError {
    error::new(code, 500, message).with_fault(Fault::Server)
}

fn not_received() -> ApiError {
    failed(
        "LambdaResponseNotReceived",
        "The Lambda exited without successfully calling WriteGetObjectResponse.",
    )
}

fn timed_out() -> ApiError {
    failed("LambdaTimeout", "The Lambda function did not respond in the allowed time.")
}

/// Within the cloud there is no status: a range in the answer tells it.
fn show_part(cx: &Cx, range: Option<&str>) {
    if range.is_some() {
        cx.set_status(StatusCode::PARTIAL_CONTENT);
    }
}

fn answer_get(cx: &Cx, written: Written) -> Result<s::GetObjectOutput> {
    match written {
        Written::Refused(error) => Err(error),
        Written::Answer { status, output } => {
            cx.set_status(status);
            Ok(*output)
        }
    }
}
