//! Browser uploads: a form whose fields are PutObject's headers, and whose policy is signed.
//!
//! Source: S3 API Reference, "POST Object" and "Authenticating Requests in Browser-Based Uploads Using POST".

use std::fmt::Write;

use bytes::Bytes;
use haneul_kit::cx::Parts;
use haneul_kit::{ApiError, ByteStream, Caller, Cx, Handle, RequestHead, Result, session_token};
use haneul_s3_wire::operations::PutObject;
use haneul_s3_wire::shapes::{PutObjectOutput, PutObjectRequest};
use haneul_shape::value::Map;
use haneul_sigv4::{AuthError, Family, PostAuth, PostPolicy, Timestamp};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::multipart_complete::location;
use crate::form::{Form, Limits, boundary};
use crate::store::assembly::PART_BYTES_MAX;
use crate::{S3, error, tagging};

impl S3 {
    /// POST on a bucket.
    pub(crate) async fn post_object(
        &self,
        cx: &Cx,
        http: &RequestHead,
        body: ByteStream,
    ) -> Result<Response<ByteStream>> {
        let bucket = self.named_bucket(http).await?;
        let content_type = http.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let Some(boundary) = boundary(content_type) else {
            let message = "At least one of the pre-conditions you specified did not hold";
            return Err(error::new("PreconditionFailed", 412, message)
                .with_field("Condition", "Bucket POST must be of the enclosure-type multipart/form-data"));
        };
        let mut form = Form::read(body, &boundary).await?;
        let Some(key) = form.fields.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("key")) else {
            let message = "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of \
                           the fields.";
            return Err(error::invalid_argument(message, "key", ""));
        };
        key.1 = key.1.replace("${filename}", &form.file_name);
        if key.1.is_empty() {
            return Err(error::invalid_argument("User key must have a length greater than 0.", "key", ""));
        }
        let (cx, limits) = self.admit(cx, &bucket.name, &form).await?;
        let answer = Answer::of(&form);
        let input = input(&bucket.name, form, limits)?;
        let key = input.key.clone();
        let needed = Handle::<PutObject>::access(self, &cx, &input).await?;
        self.platform.authorize(&cx, "s3", &needed).await?;
        let output = Handle::<PutObject>::call(self, &cx, input).await?;
        let location = location_of(http, &bucket.name, &key);
        answer.render(&bucket.name, &key, &location, &output)
    }

    /// Who sends the form, and how long its file may be.
    async fn admit(&self, cx: &Cx, bucket: &str, form: &Form) -> Result<(Cx, Limits)> {
        let fields: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let any = Limits { min: 0, max: PART_BYTES_MAX };
        let (caller, policy, region) = match PostAuth::parse(&fields).map_err(refusal)? {
            PostAuth::Anonymous => return Ok((as_caller(cx, cx.caller().clone(), None), any)),
            PostAuth::SigV2(_) if !cx.region().takes_signature_v2() => {
                return Err(refusal(AuthError::SigV2));
            }
            PostAuth::SigV2(signed) => {
                let verify = |secret: &str| signed.verify(secret);
                let caller = self.signer(cx, signed.access_key_id, signed.security_token, &verify).await?;
                (caller, signed.policy, None)
            }
            PostAuth::SigV4(signed) => {
                if !signed.credential.is_s3() {
                    let service = signed.credential.service().to_owned();
                    let carrier = haneul_sigv4::Carrier::Form;
                    let wrong = AuthError::WrongService { carrier, service, expected: "s3".to_owned() };
                    return Err(refusal(wrong));
                }
                let id = signed.credential.access_key_id();
                let verify = |secret: &str| self.forms.verify_post(&signed, secret);
                let caller = self.signer(cx, id, signed.security_token, &verify).await?;
                (caller, signed.policy, Some(signed.credential.region().to_owned()))
            }
        };
        let policy = PostPolicy::parse(policy).map_err(refusal)?;
        policy.check(bucket, &fields, Timestamp::from_unix_s(cx.now().secs())).map_err(refusal)?;
        let limits = match policy.content_length_range() {
            Some(range) => Limits { min: *range.start(), max: (*range.end()).min(PART_BYTES_MAX) },
            None => any,
        };
        Ok((as_caller(cx, caller, region.as_deref()), limits))
    }

    /// Whose key it is, when `verify` finds that its secret signed the form.
    async fn signer(
        &self,
        cx: &Cx,
        id: &str,
        token: Option<&str>,
        verify: &(dyn Fn(&str) -> std::result::Result<(), AuthError> + Sync),
    ) -> Result<Caller> {
        if self.platform.config.relaxed {
            let account = id.parse().unwrap_or(haneul_kit::AccountId::DEFAULT);
            return Ok(Caller { access_key_id: Some(id.to_owned()), ..Caller::root(account) });
        }
        let (secret, mut caller) = match token {
            Some(token) => {
                let opened = session_token::open(&self.platform.seal, token, id, cx.now());
                let opened = opened.map_err(|error| match error {
                    session_token::TokenError::Expired => {
                        error::new("ExpiredToken", 400, "The provided token has expired.")
                    }
                    session_token::TokenError::Invalid => {
                        let message = "The provided token is malformed or otherwise invalid.";
                        error::new("InvalidToken", 400, message)
                    }
                })?;
                (opened.secret_access_key, opened.caller)
            }
            None => match self.platform.directory().access_key(id).await? {
                Some(key) if key.active => (key.secret.clone(), key.caller.clone()),
                _ => {
                    let message = "The AWS Access Key Id you provided does not exist in our records.";
                    return Err(
                        error::new("InvalidAccessKeyId", 403, message).with_field("AWSAccessKeyId", id)
                    );
                }
            },
        };
        verify(&secret).map_err(refusal)?;
        caller.access_key_id.get_or_insert_with(|| id.to_owned());
        Ok(caller)
    }
}

fn refusal(error: AuthError) -> ApiError {
    let reply = error.render(Family::S3);
    let api = ApiError::new(reply.code, reply.message).with_status(reply.status);
    reply.details.into_iter().fold(api, |api, (name, value)| api.with_field(name, value))
}

/// The call as it goes on: by whoever signed the form.
fn as_caller(cx: &Cx, caller: Caller, region: Option<&str>) -> Cx {
    Cx::new(Parts {
        request_id: cx.request_id().to_owned(),
        caller,
        region: region.and_then(|region| region.parse().ok()).unwrap_or(cx.region()),
        now: cx.now(),
        source_ip: cx.source_ip(),
        secure: cx.secure(),
        http: cx.http().cloned(),
        called_via: Vec::new(),
        source_arn: None,
        answer: Default::default(),
    })
}

/// The form as PutObject takes it.
fn input(bucket: &str, form: Form, limits: Limits) -> Result<PutObjectRequest> {
    let mut input = PutObjectRequest { bucket: bucket.to_owned(), ..PutObjectRequest::default() };
    let mut metadata = Vec::new();
    for (name, value) in form.fields {
        let name = name.to_ascii_lowercase();
        if let Some(name) = name.strip_prefix("x-amz-meta-") {
            metadata.push((name.to_owned(), value));
            continue;
        }
        if name == "key" {
            input.key = value;
            continue;
        }
        if name == "tagging" {
            input.tagging = Some(tagging::header_of_document(&value)?);
            continue;
        }
        if name == "x-amz-object-lock-retain-until-date" {
            let date = haneul_kit::Instant::parse_iso8601(&value);
            let invalid =
                || error::invalid_argument("Invalid date", "x-amz-object-lock-retain-until-date", &value);
            input.object_lock_retain_until_date = Some(date.ok_or_else(invalid)?);
            continue;
        }
        let member = match name.as_str() {
            "acl" | "x-amz-acl" => &mut input.acl,
            "cache-control" => &mut input.cache_control,
            "content-disposition" => &mut input.content_disposition,
            "content-encoding" => &mut input.content_encoding,
            "content-language" => &mut input.content_language,
            "content-md5" => &mut input.content_md5,
            "content-type" => &mut input.content_type,
            "expires" => &mut input.expires,
            "x-amz-checksum-algorithm" => &mut input.checksum_algorithm,
            "x-amz-checksum-crc32" => &mut input.checksum_crc32,
            "x-amz-checksum-crc32c" => &mut input.checksum_crc32_c,
            "x-amz-checksum-crc64nvme" => &mut input.checksum_crc64_nvme,
            "x-amz-checksum-sha1" => &mut input.checksum_sha1,
            "x-amz-checksum-sha256" => &mut input.checksum_sha256,
            "x-amz-grant-full-control" => &mut input.grant_full_control,
            "x-amz-grant-read" => &mut input.grant_read,
            "x-amz-grant-read-acp" => &mut input.grant_read_acp,
            "x-amz-grant-write-acp" => &mut input.grant_write_acp,
            "x-amz-object-lock-mode" => &mut input.object_lock_mode,
            "x-amz-object-lock-legal-hold" => &mut input.object_lock_legal_hold_status,
            "x-amz-request-payer" => &mut input.request_payer,
            "x-amz-server-side-encryption" => &mut input.server_side_encryption,
            "x-amz-server-side-encryption-aws-kms-key-id" => &mut input.ssekms_key_id,
            "x-amz-server-side-encryption-context" => &mut input.ssekms_encryption_context,
            "x-amz-server-side-encryption-customer-algorithm" => &mut input.sse_customer_algorithm,
            "x-amz-server-side-encryption-customer-key" => &mut input.sse_customer_key,
            "x-amz-server-side-encryption-customer-key-md5" => &mut input.sse_customer_key_md5,
            "x-amz-storage-class" => &mut input.storage_class,
            "x-amz-website-redirect-location" => &mut input.website_redirect_location,
            // The signature's fields, `success_action_…`, and what S3 does not know either.
            _ => continue,
        };
        *member = Some(value);
    }
    input.metadata = Some(metadata.into_iter().collect::<Map<String>>());
    input.body = form.file.limited(limits).into_stream();
    Ok(input)
}

/// Where the object is, for the client.
fn location_of(http: &RequestHead, bucket: &str, key: &str) -> String {
    let host = http.host().unwrap_or("localhost:4566");
    location(&format!("http://{host}"), http.bucket.is_some(), bucket, key)
}

/// What the form wants for an answer.
struct Answer {
    redirect: Option<Uri>,
    status: StatusCode,
}

impl Answer {
    fn of(form: &Form) -> Answer {
        let redirect = form.field("success_action_redirect").or_else(|| form.field("redirect"));
        // One that is no URL counts as absent.
        let redirect = redirect
            .and_then(|url| url.parse::<Uri>().ok())
            .filter(|url| url.scheme().is_some() && url.host().is_some());
        let status = match form.field("success_action_status") {
            Some("200") => StatusCode::OK,
            Some("201") => StatusCode::CREATED,
            _ => StatusCode::NO_CONTENT,
        };
        Answer { redirect, status }
    }

    fn render(
        self,
        bucket: &str,
        key: &str,
        location: &str,
        output: &PutObjectOutput,
    ) -> Result<Response<ByteStream>> {
        let etag = output.e_tag.as_deref().unwrap_or_default();
        let mut body = String::new();
        if self.status == StatusCode::CREATED && self.redirect.is_none() {
            body.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>");
            for (name, text) in [("Location", location), ("Bucket", bucket), ("Key", key), ("ETag", etag)] {
                let _ = write!(body, "<{name}>{}</{name}>", quick_xml::escape::escape(text));
            }
            body.push_str("</PostResponse>");
        }
        let mut response = Response::new(ByteStream::from_bytes(Bytes::from(body.clone())));
        *response.status_mut() = self.status;
        let mut set = |name: http::HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        };
        set(ETAG, etag);
        set(LOCATION, location);
        for (name, value) in [
            ("x-amz-version-id", &output.version_id),
            ("x-amz-server-side-encryption", &output.server_side_encryption),
            ("x-amz-server-side-encryption-aws-kms-key-id", &output.ssekms_key_id),
            ("x-amz-expiration", &output.expiration),
        ] {
            if let Some(value) = value {
                set(http::HeaderName::from_static(name), value);
            }
        }
        if !body.is_empty() {
            set(CONTENT_TYPE, "application/xml");
        }
        if let Some(redirect) = self.redirect {
            let mut query = url_query(&[("bucket", bucket), ("key", key), ("etag", etag)]);
            if let Some(given) = redirect.query().filter(|given| !given.is_empty()) {
                query = format!("{given}&{query}");
            }
            let url = redirect.to_string();
            let base = url.split('?').next().unwrap_or_default();
            set(LOCATION, &format!("{base}?{query}"));
            *response.status_mut() = StatusCode::SEE_OTHER;
        }
        Ok(response)
    }
}

fn url_query(pairs: &[(&str, &str)]) -> String {
    /// What RFC 3986 leaves unreserved stays as it is.
    const CODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let encode = |text: &str| utf8_percent_encode(text, CODED).to_string();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}
