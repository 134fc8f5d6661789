//! A bucket as a website, by its website host: index and error documents, redirects, and errors as pages.
//!
//! Reading order: this file (a request's way), [`rules`] (routing rules, pure), [`page`] (errors as HTML: the one place in
//! the service where that is right), [`check`] (what PutBucketWebsite accepts).
//! Source: S3 User Guide, "Hosting a static website using Amazon S3" and the pages under it.

pub(crate) mod check;
mod page;
mod rules;

use bytes::Bytes;
use haneul_kit::{ApiError, ByteStream, Cx, Handle, RequestHead, Result};
use haneul_s3_wire::operations::GetObject;
use haneul_s3_wire::shapes::{GetObjectOutput, GetObjectRequest};
use http::header::{CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;

use crate::bucket::Bucket;
use crate::model::features::Website;
use crate::{S3, error};

/// Whether the host of a request is a website's: `bucket.s3-website-us-east-1.…` or `bucket.s3-website.us-east-1.…`.
pub(crate) fn is_website(http: &RequestHead) -> bool {
    let (Some(bucket), Some(host)) = (&http.bucket, http.host()) else { return false };
    let rest = host.get(bucket.len()..).filter(|_| host.is_char_boundary(bucket.len()));
    rest.is_some_and(|rest| rest.starts_with(".s3-website"))
}

/// What a request comes to.
enum Outcome {
    Answer(Response<ByteStream>),
    Redirect(StatusCode, String),
}

impl S3 {
    /// Answers a request to a website host; errors too, as pages.
    pub(crate) async fn website(&self, cx: &Cx, http: &RequestHead) -> Response<ByteStream> {
        let bare = http.method == Method::HEAD;
        let answer = match self.serve(cx, http).await {
            Ok(Outcome::Answer(answer)) => answer,
            Ok(Outcome::Redirect(status, location)) => redirect(status, &location),
            Err(refused) => page::of(&refused, None, cx.request_id()),
        };
        if bare { without_body(answer) } else { answer }
    }

    async fn serve(&self, cx: &Cx, http: &RequestHead) -> Result<Outcome> {
        let bucket = self.named_bucket(http).await?;
        if http.method != Method::GET && http.method != Method::HEAD {
            return Err(error::method_not_allowed_of(http.method.as_str(), "OBJECT"));
        }
        let Some(website) = &bucket.record.features.website else {
            let message = "The specified bucket does not have a website configuration";
            return Err(error::not_configured("NoSuchWebsiteConfiguration", message, &bucket.name));
        };
        let path = http.uri.path().strip_prefix('/').unwrap_or_default();
        let key = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let scheme = if cx.secure() { "https" } else { "http" };
        if let Some((host, protocol)) = &website.redirect_all {
            let scheme = protocol.as_deref().unwrap_or(scheme);
            let query = http.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            let location = format!("{scheme}://{host}/{path}{query}");
            return Ok(Outcome::Redirect(StatusCode::MOVED_PERMANENTLY, location));
        }
        let from = rules::From { scheme, host: http.host().unwrap_or_default(), key: &key };
        if let Some((status, location)) = rules::find(&website.rules, &from, None) {
            return Ok(Outcome::Redirect(status, location));
        }
        let index = website.index.as_deref().unwrap_or_default();
        let document =
            if key.is_empty() || key.ends_with('/') { format!("{key}{index}") } else { key.clone() };
        let refused = match self.document(cx, &bucket, &document, http).await {
            Ok(output) => return self.found(cx, output),
            Err(refused) => refused,
        };
        let status = refused.status().unwrap_or(500);
        if status == 304 || status == 412 || status == 416 {
            return Ok(Outcome::Answer(page::bare(&refused, cx)));
        }
        // A folder that was asked for without its slash; who may not list is not told that a key is not there.
        if (status == 404 || (status == 403 && !self.is_there(&bucket, &document).await?))
            && !document.ends_with('/')
            && self.is_there(&bucket, &format!("{key}/{index}")).await?
        {
            return Ok(Outcome::Redirect(StatusCode::FOUND, format!("/{path}/")));
        }
        if let Some((status, location)) = rules::find(&website.rules, &from, Some(status)) {
            return Ok(Outcome::Redirect(status, location));
        }
        Ok(Outcome::Answer(self.failed(cx, &bucket, website, &refused).await))
    }

    /// Reads an object as the caller may.
    async fn document(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        http: &RequestHead,
    ) -> Result<GetObjectOutput> {
        let mut input =
            GetObjectRequest { bucket: bucket.name.clone(), key: key.to_owned(), ..Default::default() };
        let header = |name: &str| http.header(name).map(str::to_owned);
        let date = |name: &str| http.header(name).and_then(haneul_kit::Instant::parse_http_date);
        input.if_match = header("if-match");
        input.if_none_match = header("if-none-match");
        input.if_modified_since = date("if-modified-since");
        input.if_unmodified_since = date("if-unmodified-since");
        input.range = header("range");
        self.read_as_caller(cx, input).await
    }

    async fn read_as_caller(&self, cx: &Cx, input: GetObjectRequest) -> Result<GetObjectOutput> {
        let needed = Handle::<GetObject>::access(self, cx, &input).await?;
        let allowed = self.platform.authorize(cx, "s3", &needed).await;
        allowed.map_err(|_| error::access_denied("Access Denied"))?;
        Handle::<GetObject>::call(self, cx, input).await
    }

    fn found(&self, cx: &Cx, output: GetObjectOutput) -> Result<Outcome> {
        if let Some(location) = &output.website_redirect_location {
            return Ok(Outcome::Redirect(StatusCode::MOVED_PERMANENTLY, location.clone()));
        }
        let wanted = cx.take_answer();
        let status = wanted.status.unwrap_or(StatusCode::OK);
        let mut answer = document(status, output);
        answer.headers_mut().extend(wanted.headers);
        Ok(Outcome::Answer(answer))
    }

    async fn is_there(&self, bucket: &Bucket, key: &str) -> Result<bool> {
        let found = self.records.find(bucket.id(), key, None).await?;
        Ok(found.is_some_and(|record| !record.is_delete_marker()))
    }

    /// The error document with the status of the error, or the error as a page.
    async fn failed(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        website: &Website,
        refused: &ApiError,
    ) -> Response<ByteStream> {
        let status = refused.status().unwrap_or(500);
        let _ = cx.take_answer();
        let Some(key) = website.error.as_ref().filter(|_| (400..500).contains(&status)) else {
            return page::of(refused, None, cx.request_id());
        };
        let input = GetObjectRequest { bucket: bucket.name.clone(), key: key.clone(), ..Default::default() };
        match self.read_as_caller(cx, input).await {
            Ok(output) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
                let mut answer = document(status, output);
                page::name_error(refused, answer.headers_mut());
                answer
            }
            Err(second) => page::of(refused, Some(&second), cx.request_id()),
        }
    }
}

fn document(status: StatusCode, output: GetObjectOutput) -> Response<ByteStream> {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: Option<String>| {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("accept-ranges", output.accept_ranges);
    set("content-type", output.content_type);
    set("content-length", output.content_length.map(|length| length.to_string()));
    set("content-range", output.content_range);
    set("content-encoding", output.content_encoding);
    set("content-language", output.content_language);
    set("content-disposition", output.content_disposition);
    set("cache-control", output.cache_control);
    set("expires", output.expires);
    set("etag", output.e_tag);
    set("last-modified", output.last_modified.map(|at| at.http_date()));
    set("x-amz-version-id", output.version_id);
    set("x-amz-storage-class", output.storage_class);
    set("x-amz-missing-meta", output.missing_meta.map(|missing| missing.to_string()));
    for (name, value) in output.metadata.iter().flat_map(|metadata| metadata.iter()) {
        let name = HeaderName::from_bytes(format!("x-amz-meta-{name}").as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    let mut answer = Response::new(output.body);
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    answer
}

fn redirect(status: StatusCode, location: &str) -> Response<ByteStream> {
    let mut answer = Response::new(ByteStream::from_bytes(Bytes::new()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    if let Ok(location) = HeaderValue::from_str(&ascii(location)) {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

/// A location with what is not ASCII or not printable percent-encoded.
fn ascii(location: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');
    percent_encoding::utf8_percent_encode(location, KEPT).to_string()
}

fn without_body(answer: Response<ByteStream>) -> Response<ByteStream> {
    answer.map(|_| ByteStream::from_bytes(Bytes::new()))
}
