//! HTTP beside the model: websites, CORS preflights, CORS headers on every answer that a browser asked for, access logs.

use haneul_kit::{Arriving, BoxFuture, ByteStream, Cx, Extension, RequestHead, Result};
use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ORIGIN};
use http::{HeaderValue, Method, Response, response};
use percent_encoding::percent_decode_str;

use crate::S3;
use crate::bucket::{Bucket, says_that_it_pays};
use crate::cors::{self, Asked};
use crate::{access_log, arrival, error, website};

impl Extension for S3 {
    fn unmodelled<'a>(
        &'a self,
        cx: &'a Cx,
        body: ByteStream,
    ) -> BoxFuture<'a, std::result::Result<Result<Response<ByteStream>>, ByteStream>> {
        Box::pin(async move {
            match cx.http() {
                Some(http) if website::is_website(http) && http.method != Method::OPTIONS => {
                    Ok(Ok(self.website(cx, http).await))
                }
                Some(http) if http.method == Method::OPTIONS => Ok(self.preflight(http).await),
                Some(http) if http.method == Method::POST && names_a_bucket(http) => {
                    Ok(self.post_object(cx, http, body).await)
                }
                Some(http) => match kind_of(http) {
                    Some((kind, allowed)) => {
                        cx.add_header(ALLOW, HeaderValue::from_static(allowed));
                        Ok(Err(error::method_not_allowed_of(http.method.as_str(), kind)))
                    }
                    None => Err(body),
                },
                None => Err(body),
            }
        })
    }

    fn check(&self, cx: &Cx, call: &Arriving<'_>) -> Result<()> {
        match cx.http() {
            Some(http) => arrival::check(http, call),
            None => Ok(()),
        }
    }

    fn decorate<'a>(&'a self, cx: &'a Cx, answer: &'a mut response::Parts) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Some(http) = cx.http() else { return };
            self.show_charge(cx, http, answer).await;
            let origin = http.header(ORIGIN.as_str());
            let now = self.platform.env.now();
            // An answer to an unknown bucket has no rules to show.
            let Ok(bucket) = self.named_bucket(http).await else {
                return self.count_transformed(cx, http, answer, now).await;
            };
            access_log::note(&self.access_log, cx, http, &bucket, answer, now);
            self.count_request(cx, http, &bucket, answer, now).await;
            self.count_activity(cx, http, &bucket, answer, now).await;
            let Some(origin) = origin.filter(|_| http.method != Method::OPTIONS) else { return };
            // Whoever sends a preflight's headers with another method is answered as to a preflight.
            let asked = Asked {
                origin,
                method: http
                    .header(ACCESS_CONTROL_REQUEST_METHOD.as_str())
                    .unwrap_or_else(|| http.method.as_str()),
                headers: http.header(ACCESS_CONTROL_REQUEST_HEADERS.as_str()),
            };
            if let Some(rule) = cors::find(&bucket.record.cors, &asked) {
                cors::answer(rule, &asked, &mut answer.headers);
            }
        })
    }
}

impl S3 {
    /// Tells whoever pays for the request that they did.
    async fn show_charge(&self, cx: &Cx, http: &RequestHead, answer: &mut response::Parts) {
        if !says_that_it_pays(cx) || !answer.status.is_success() {
            return;
        }
        if let Ok(bucket) = self.named_bucket(http).await
            && bucket.record.requester_pays
            && bucket.owner != cx.account()
        {
            answer.headers.insert("x-amz-request-charged", HeaderValue::from_static("requester"));
        }
    }

    /// The bucket that a host or a path names.
    pub(crate) async fn named_bucket(&self, http: &RequestHead) -> Result<std::sync::Arc<Bucket>> {
        let name = match &http.bucket {
            Some(name) => name.clone(),
            None => {
                let first = http.uri.path().split('/').nth(1).unwrap_or_default();
                percent_decode_str(first).decode_utf8_lossy().into_owned()
            }
        };
        if name.is_empty() {
            return Err(error::no_such_bucket(""));
        }
        self.bucket_anywhere(&name, &None).await
    }

    async fn preflight(&self, http: &RequestHead) -> Result<Response<ByteStream>> {
        let origin = http.header(ORIGIN.as_str());
        let method = http.header(ACCESS_CONTROL_REQUEST_METHOD.as_str());
        let Some(origin) = origin else {
            let message = "Insufficient information. Origin request header needed.";
            return Err(error::new("BadRequest", 400, message));
        };
        let known = method.filter(|method| ["GET", "PUT", "POST", "DELETE", "HEAD"].contains(method));
        let Some(method) = known else {
            let message = format!("Invalid Access-Control-Request-Method: {}", method.unwrap_or("null"));
            return Err(error::new("BadRequest", 400, message));
        };
        let forbidden_to = |kind: &'static str, message: &str| {
            error::new("AccessForbidden", 403, message)
                .with_field("Method", method)
                .with_field("ResourceType", kind)
        };
        let forbidden = |message: &str| forbidden_to("OBJECT", message);
        let bucket = self.named_bucket(http).await.map_err(|error| match error.code() {
            "NoSuchBucket" => forbidden_to("BUCKET", "CORSResponse: Bucket not found"),
            _ => error,
        })?;
        if bucket.record.cors.is_empty() {
            return Err(forbidden_to("BUCKET", "CORSResponse: CORS is not enabled for this bucket."));
        }
        let asked = Asked { origin, method, headers: http.header(ACCESS_CONTROL_REQUEST_HEADERS.as_str()) };
        let rule = cors::find(&bucket.record.cors, &asked).ok_or_else(|| {
            forbidden(
                "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, \
                 request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted \
                 by the resource's CORS spec.",
            )
        })?;
        let mut response = Response::new(ByteStream::from_bytes(bytes::Bytes::new()));
        cors::answer(rule, &asked, response.headers_mut());
        Ok(response)
    }
}

/// What a request with a method that it does not take is about, and the methods that it takes.
fn kind_of(http: &RequestHead) -> Option<(&'static str, &'static str)> {
    let is_root = http.bucket.is_none() && http.uri.path().trim_matches('/').is_empty();
    match http.uri.query().unwrap_or_default() {
        "" if is_root => Some(("SERVICE", "GET")),
        "" if http.method == Method::POST && !names_a_bucket(http) => {
            Some(("OBJECT", "HEAD, DELETE, GET, PUT"))
        }
        _ => None,
    }
}

/// The request is for a bucket itself, not for a key in one.
fn names_a_bucket(http: &RequestHead) -> bool {
    let path = http.uri.path().trim_start_matches('/');
    match http.bucket {
        Some(_) => path.is_empty(),
        None => !path.is_empty() && !path.trim_end_matches('/').contains('/'),
    }
}
