use std::any::Any;
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use haneul_base::{Instant, Region};
use haneul_kit::extension::ErrorCode;
use haneul_kit::{ApiError, ByteStream, Caller, Cx, Extension, Fault, RequestHead, cx};
use haneul_shape::BoxError;
use haneul_sigv4::{self as sigv4, Body as SignedBody, PayloadVerifier, RequestAuth};
use haneul_wire::{Label, Model, OperationDef, Payload, Protocol};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::Body;
use percent_encoding::percent_decode_str;

use crate::body::{self, Checked, Leftover};
use crate::catalog::Entry;
use crate::layers::authn::{self, Terms};
use crate::layers::denial::Speaker;
use crate::layers::hooks::Record;
use crate::layers::{limits, place, request_id, signature};
use crate::noted::Noted;
use crate::reply;
use crate::route::{self, Asked, queue_url};
use crate::{Cloud, ConnInfo, dispatch};

/// What has been found out of a request so far: enough to word an error, whenever it comes.
struct Seen<'c> {
    request_id: String,
    entry: Option<&'c Entry>,
    service: Cow<'static, str>,
    form: reply::Form,
    operation: Option<&'static OperationDef>,
    operation_name: Cow<'static, str>,
    region: Option<Region>,
    cx: Option<Cx>,
    noted: Noted,
    is_function_url: bool,
}

/// What is to be done.
struct Plan<'c> {
    entry: &'c Entry,
    model: &'static Model,
    work: Work,
    bucket: Option<String>,
    region_of_host: Option<Region>,
}

enum Work {
    Call {
        operation: &'static OperationDef,
        labels: Vec<Label>,
    },
    /// No operation describes it; the service's extension may know it.
    Unmodelled,
}

/// The body of a request, wherever it is by now.
struct Bodies<B> {
    /// Not read yet.
    unread: Option<B>,
    read: Option<Bytes>,
    /// Of a form, which had to be unpacked to find the operation.
    unpacked: Option<Bytes>,
    /// Given back by a handler that did not want all of it.
    leftover: Leftover<B>,
}

impl Cloud {
    /// Answers a call: the layers in their order, and what is wrong at any of them in words that the client can read.
    pub(crate) async fn answer<B>(
        &self,
        head: RequestHead,
        body: B,
        conn: ConnInfo,
        now: Instant,
    ) -> Response<ByteStream>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let started = haneul_env::clock::monotonic();
        let origin = head.headers.get(header::ORIGIN).cloned();
        let expects_continue = head.headers.contains_key(header::EXPECT);
        let mut seen = Seen {
            request_id: String::new(),
            entry: None,
            service: Cow::Borrowed(""),
            form: reply::Form::xml(),
            operation: None,
            operation_name: Cow::Borrowed(""),
            region: None,
            cx: None,
            noted: Noted::default(),
            is_function_url: false,
        };
        let mut head = Some(head);
        let mut bodies =
            Bodies { unread: Some(body), read: None, unpacked: None, leftover: Leftover::default() };
        let run = AssertUnwindSafe(self.run(&mut seen, &mut head, &mut bodies, conn, now)).catch_unwind();
        let mut result = match run.await {
            Ok(result) => result,
            Err(panic) => Err(ApiError::internal(format_args!("panic: {}", words_of(&*panic)))),
        };
        let ended = haneul_env::clock::monotonic();
        if let Some(recorded) = seen.noted.finish(result.as_ref().err(), ended)
            && let Err(error) = recorded.await
        {
            result = Err(error);
        }
        if seen.request_id.is_empty() {
            seen.request_id = request_id::new(&self.platform.env.rng, seen.is_s3());
        }
        let mut code = None;
        let mut answer = result.unwrap_or_else(|error| {
            code = Some(error.code().to_owned());
            seen.refuse(error)
        });
        if let Some(code) = &code {
            answer.extensions_mut().insert(ErrorCode(code.clone()));
        }
        // A client that writes before it reads gets to read; one that waits for our consent need not send at all.
        if !expects_continue && let Some(rest) = bodies.unread.take().or_else(|| bodies.leftover.take()) {
            self.platform.env.clock.timeout(body::DRAIN_TIME_MAX, body::drain(rest)).await;
        }
        if let Some(extension) = seen.entry.and_then(|e| e.service.as_ref()).and_then(|s| s.extension()) {
            let cx = match (&seen.cx, head) {
                (Some(cx), _) => Some(cx.clone()),
                (None, Some(head)) => Some(self.anonymous_cx(head, conn, now, &seen.request_id)),
                (None, None) => None,
            };
            if let Some(cx) = cx {
                let (mut parts, body) = answer.into_parts();
                extension.decorate(&cx, &mut parts).await;
                answer = Response::from_parts(parts, body);
            }
        }
        let has_own_rules = seen.is_s3() || seen.is_function_url;
        self.allow_origin(origin.as_ref(), has_own_rules, &mut answer);
        seen.sign(answer.headers_mut());
        let record = Record {
            request_id: &seen.request_id,
            service: &seen.service,
            operation: &seen.operation_name,
            caller: seen.cx.as_ref().map(Cx::caller),
            region: seen.region,
            source_ip: conn.peer,
            status: answer.status().as_u16(),
            error_code: code.as_deref(),
            duration: ended.duration_since(started),
        };
        if let Some(cx) = seen.cx.as_ref().filter(|_| !seen.operation_name.is_empty()) {
            self.metering.note_answer(cx, &record, seen.noted.resource.as_deref(), answer.body().length());
        }
        self.options.audit.note(&record);
        answer
    }

    async fn run<'c, B>(
        &'c self,
        seen: &mut Seen<'c>,
        head_slot: &mut Option<RequestHead>,
        bodies: &mut Bodies<B>,
        conn: ConnInfo,
        now: Instant,
    ) -> Result<Response<ByteStream>, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let (plan, known, region) = {
            let Some(head) = head_slot.as_ref() else { return Err(ApiError::internal("the head was taken")) };
            let relaxed = self.platform.config.relaxed;
            limits::check(head)?;
            if relaxed {
                limits::check_origin(head, &self.cors)?;
            }
            let request = sigv4::RequestParts::new(&head.method, &head.uri, &head.headers);
            let auth = RequestAuth::parse(&request);
            let plan = self.plan(seen, head, scope_of(&auth, head), bodies).await?;
            let auth = signature::meant(auth, head, seen.is_function_url);
            // What is answered now would be of a cloud that is about to end, perhaps to be reset.
            if self.platform.env.tasks.is_stopping() {
                return Err(ApiError::new(
                    "ServiceUnavailable",
                    "The cloud is stopping. Try again in a moment.",
                )
                .with_fault(Fault::Server)
                .with_status(503));
            }
            let family = authn::family_of(Some(plan.entry), seen.form.protocol);
            let s3 = plan.entry.is_s3();
            if !plan.streams() {
                bodies.read_whole(plan.entry).await?;
            }
            let hash = match &bodies.read {
                Some(body) if !s3 && !relaxed => SignedBody::hash(body),
                _ => SignedBody::Deferred,
            };
            let signature = auth.as_ref().ok().and_then(RequestAuth::sigv4);
            let region = place::region(signature, plan.region_of_host, family, relaxed)?;
            seen.region = Some(region);
            let terms = Terms {
                family,
                signing_name: Some(plan.entry.facts.signing_name),
                anonymous: plan.lets_anonymous(),
                region: Some(region),
                bucket: plan.bucket.as_deref(),
                takes_v2: plan.entry.model.name == "s3" && region.takes_signature_v2(),
                api_keys: plan.extension().and_then(|extension| extension.api_keys()),
            };
            let known = self.authn.identify(&self.platform, auth, &request, hash, &terms, now).await?;
            (plan, known, region)
        };
        let directory = self.platform.directory();
        if known.caller.access_key_id.is_some() {
            directory.note_use(&known.caller, plan.entry.facts.signing_name, region.as_str(), now);
        }
        self.options.throttle.admit(&known.caller, region, plan.entry.name(), &seen.operation_name)?;
        let Some(mut head) = head_slot.take() else { return Err(ApiError::internal("the head was taken")) };
        head.bucket = plan.bucket.clone();
        signature::take_in(&mut head, plan.entry.is_s3())?;
        let cx = self.cx(seen.request_id.clone(), known.caller, region, conn, now, head);
        seen.cx = Some(cx.clone());
        match &plan.work {
            Work::Call { operation, labels } => {
                seen.noted = Noted::begin(&self.platform, plan.entry, plan.model, operation.name, &cx);
                self.call(seen, &plan, operation, labels, &cx, known.payload, bodies).await
            }
            Work::Unmodelled => {
                let unpacks = plan.extension().is_some_and(|extension| extension.unpacks_bodies());
                let body = match (unpacks, bodies.read.take(), cx.http()) {
                    (true, Some(read), Some(head)) => {
                        let limit = body::limit_of(Some(plan.entry));
                        ByteStream::from_bytes(body::unpacked(&head.headers, read, limit)?)
                    }
                    (_, read, _) => {
                        bodies.read = read;
                        bodies.stream(known.payload, &cx)?
                    }
                };
                self.unmodelled(seen, &plan, &cx, body).await
            }
        }
    }

    /// Finds the service and the operation that a request means.
    async fn plan<'c, B>(
        &'c self,
        seen: &mut Seen<'c>,
        head: &RequestHead,
        scope: Option<Cow<'_, str>>,
        bodies: &mut Bodies<B>,
    ) -> Result<Plan<'c>, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let mut route = route::route(&self.catalog, &self.hosts, head, scope.as_deref());
        seen.is_function_url = route::is_function_url(&route);
        seen.form = reply::Form::of(route.protocol, head);
        seen.entry = route.entry;
        seen.service = match route.entry {
            Some(entry) => Cow::Borrowed(entry.name()),
            None => Cow::Owned(route.service.clone().into_owned()),
        };
        seen.request_id = request_id::new(&self.platform.env.rng, seen.is_s3());
        if route.asked == Asked::Form {
            let body = bodies.read_whole_for(route.entry).await?;
            let body = body::unpacked(&head.headers, body, body::limit_of(route.entry))?;
            bodies.unpacked = Some(body.clone());
            let form = String::from_utf8_lossy(&body);
            let action = route::Action::read(&form);
            if route.entry.is_none() && route.service.is_empty() {
                route.entry = action.version.as_deref().and_then(|version| self.catalog.by_version(version));
            }
            if let Some(protocol) = route.entry.and_then(|entry| entry.facts.query()) {
                route.protocol = protocol;
            }
            route.asked = match action.action {
                Some(action) => Asked::Operation(Cow::Owned(action.into_owned())),
                None => Asked::Nothing,
            };
            seen.entry = route.entry;
            seen.form = reply::Form::of(route.protocol, head);
            if let Some(entry) = route.entry {
                seen.service = Cow::Borrowed(entry.name());
            }
        }
        let Some(entry) = route.entry else {
            seen.name_operation(&route.asked);
            let service = if seen.service.is_empty() { "this service" } else { &seen.service };
            return Err(ApiError::not_implemented(service, name_or(&seen.operation_name, head)));
        };
        let model = haneul_wire::model(entry.model);
        let bucket = route.bucket.take().map(Cow::into_owned);
        let work = match route.asked {
            Asked::Operation(name) => match model.operation(&name) {
                Some(operation) => Work::Call { operation, labels: Vec::new() },
                None => {
                    seen.name_operation(&Asked::Operation(name));
                    return Err(reply::unknown_operation(entry, route.protocol, &seen.operation_name));
                }
            },
            Asked::Rest => rest(model, head, bucket.as_deref())?,
            Asked::Unmodelled => Work::Unmodelled,
            Asked::Form | Asked::Nothing => return Err(reply::no_operation(route.protocol)),
        };
        if let Work::Call { operation, .. } = &work {
            (seen.operation, seen.operation_name) = (Some(*operation), Cow::Borrowed(operation.name));
        }
        Ok(Plan { entry, model, work, bucket, region_of_host: route.region })
    }

    #[allow(clippy::too_many_arguments)] // The facts of one call, each of another layer.
    async fn call<B>(
        &self,
        seen: &mut Seen<'_>,
        plan: &Plan<'_>,
        operation: &'static OperationDef,
        labels: &[Label],
        cx: &Cx,
        payload: PayloadVerifier,
        bodies: &mut Bodies<B>,
    ) -> Result<Response<ByteStream>, ApiError>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let (entry, model) = (plan.entry, plan.model);
        let handler = entry
            .service
            .as_ref()
            .and_then(|service| service.operation(operation.name))
            .ok_or_else(|| ApiError::not_implemented(entry.name(), operation.name))?;
        let Some(head) = cx.http() else { return Err(ApiError::internal("a request without its head")) };
        let body = match (plan.streams(), entry.is_s3()) {
            (true, _) => Payload::Stream(bodies.stream(payload, cx)?),
            (false, true) => Payload::Bytes(bodies.decoded(payload, cx)?),
            (false, false) => {
                let body = bodies.read.take().unwrap_or_default();
                Payload::Bytes(match bodies.unpacked.take() {
                    Some(unpacked) => unpacked,
                    None => body::unpacked(&head.headers, body, body::limit_of(Some(entry)))?,
                })
            }
        };
        dispatch::check_arriving(entry, operation, cx, &body)?;
        let body = queue_url::put_in(entry, seen.form.protocol, head, cx, body);
        let parts = haneul_wire::RequestParts {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            labels,
        };
        let mut input = handler.new_input();
        let missing =
            haneul_wire::decode_request(model, operation, seen.form.protocol, &parts, body, &mut *input)
                .map_err(reply::api_error)?;
        seen.noted.request(&*input);
        haneul_wire::validate(model, seen.form.protocol, &*input, &missing).map_err(reply::api_error)?;
        let speaker =
            Speaker { service: entry.name(), family: authn::family_of(Some(entry), seen.form.protocol) };
        let mut output = self.perform(handler, cx, input, &speaker, &mut seen.noted).await?;
        let encoded = reply::success(seen.form, model, operation, &mut *output, cx.request_id())?;
        let mut answer = encoded.map(Payload::into_stream);
        let wanted = cx.take_answer();
        if let Some(status) = wanted.status {
            *answer.status_mut() = status;
        }
        answer.headers_mut().extend(wanted.headers);
        Ok(answer)
    }

    async fn unmodelled(
        &self,
        seen: &Seen<'_>,
        plan: &Plan<'_>,
        cx: &Cx,
        body: ByteStream,
    ) -> Result<Response<ByteStream>, ApiError> {
        let Some(extension) = plan.extension() else {
            return Err(reply::unknown_operation(plan.entry, seen.form.protocol, ""));
        };
        match extension.unmodelled(cx, body).await {
            Ok(answer) => answer,
            Err(_body) => Err(reply::unknown_operation(plan.entry, seen.form.protocol, "")),
        }
    }

    fn cx(
        &self,
        request_id: String,
        caller: Caller,
        region: Region,
        conn: ConnInfo,
        now: Instant,
        head: RequestHead,
    ) -> Cx {
        Cx::new(cx::Parts {
            called_via: caller.session.iter().filter_map(|session| session.via.clone()).collect(),
            request_id,
            caller,
            region,
            now,
            source_ip: conn.peer,
            secure: conn.secure,
            http: Some(head),
            source_arn: None,
            answer: Default::default(),
        })
    }
}

impl Seen<'_> {
    fn is_s3(&self) -> bool {
        match self.entry {
            Some(entry) => entry.is_s3(),
            None => self.service.is_empty() && self.form.protocol == Protocol::RestXml,
        }
    }

    /// Notes the name of an operation that is not ours, for messages and logs.
    fn name_operation(&mut self, asked: &Asked<'_>) {
        if let Asked::Operation(name) = asked {
            self.operation_name = Cow::Owned(name.chars().take(NAME_CHARS_MAX).collect());
        }
    }

    fn refuse(&self, error: ApiError) -> Response<ByteStream> {
        if let Some(cause) = error.cause() {
            let (request_id, service, operation) = (&*self.request_id, &*self.service, &*self.operation_name);
            tracing::error!(request_id, service, operation, cause, "a call failed");
        }
        let mut answer = reply::error(self.entry, self.operation, self.form, error, &self.request_id);
        if let Some(cx) = &self.cx {
            answer.headers_mut().extend(cx.take_answer().headers);
        }
        answer
    }

    /// Puts the request's id into an answer that does not have it yet.
    fn sign(&self, headers: &mut HeaderMap) {
        let (name, second) =
            if self.is_s3() { ("x-amz-request-id", Some("x-amz-id-2")) } else { ("x-amzn-requestid", None) };
        if headers.contains_key(name) {
            return;
        }
        let Ok(id) = HeaderValue::from_str(&self.request_id) else { return };
        if let Some(second) = second {
            headers.insert(second, id.clone());
        }
        headers.insert(name, id);
    }
}

impl Plan<'_> {
    /// Whether the body goes to the handler while it comes.
    fn streams(&self) -> bool {
        self.entry.is_s3()
            && match &self.work {
                Work::Call { operation, .. } => operation.input_stream.is_some(),
                Work::Unmodelled => true,
            }
    }

    /// What answers instead of an operation.
    fn extension(&self) -> Option<&Arc<dyn Extension>> {
        match self.work {
            Work::Unmodelled => self.entry.service.as_ref().and_then(|service| service.extension()),
            Work::Call { .. } => None,
        }
    }

    /// Services whose resources have policies that may name everybody, and operations that are called unsigned.
    fn lets_anonymous(&self) -> bool {
        match &self.work {
            Work::Unmodelled => true,
            Work::Call { operation, .. } => {
                operation.unsigned || matches!(self.entry.name(), "s3" | "sqs" | "sns")
            }
        }
    }
}

impl<B> Bodies<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    async fn read_whole(&mut self, entry: &Entry) -> Result<(), ApiError> {
        self.read_whole_for(Some(entry)).await.map(drop)
    }

    async fn read_whole_for(&mut self, entry: Option<&Entry>) -> Result<Bytes, ApiError> {
        if let Some(read) = &self.read {
            return Ok(read.clone());
        }
        let Some(mut body) = self.unread.take() else { return Ok(Bytes::new()) };
        match body::collect(&mut body, body::limit_of(entry)).await {
            Ok(read) => {
                self.read = Some(read.clone());
                Ok(read)
            }
            Err(error) => {
                self.unread = Some(body);
                Err(error.into_api(entry.is_some_and(Entry::is_s3)))
            }
        }
    }

    /// A body that was read whole, after its signature's rules.
    fn decoded(&mut self, mut payload: PayloadVerifier, cx: &Cx) -> Result<Bytes, ApiError> {
        let refuse = |error| authn::api_error(&error, sigv4::Family::S3);
        let mut pieces = Vec::new();
        payload.push(self.read.take().unwrap_or_default(), &mut pieces).map_err(refuse)?;
        let trailers = payload.finish().map_err(refuse)?;
        if let Some(head) = cx.http() {
            head.trailers.set(trailers);
        }
        Ok(match pieces.len() {
            0 => Bytes::new(),
            1 => pieces.remove(0),
            _ => pieces.concat().into(),
        })
    }

    /// A body that is on its way to S3.
    fn stream(&mut self, payload: PayloadVerifier, cx: &Cx) -> Result<ByteStream, ApiError> {
        let Some(body) = self.unread.take() else {
            return Ok(ByteStream::from_bytes(self.read.take().unwrap_or_default()));
        };
        let trailers = cx.http().map(|head| head.trailers.clone()).unwrap_or_default();
        let checked = Checked::new(body, payload, trailers, self.leftover.clone());
        match checked.length() {
            Some(length) if length > body::S3_UPLOAD_BYTES_MAX => Err(too_large(length)),
            _ => Ok(ByteStream::new(checked)),
        }
    }
}

fn too_large(length: u64) -> ApiError {
    ApiError::new("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        .with_field("ProposedSize", length.to_string())
        .with_field("MaxSizeAllowed", body::S3_UPLOAD_BYTES_MAX.to_string())
}

/// Longer names are nobody's; they are cut before they get into messages and logs.
const NAME_CHARS_MAX: usize = 128;

/// The operation's name, or what stands for it where there is none.
fn name_or<'a>(name: &'a str, head: &'a RequestHead) -> &'a str {
    if name.is_empty() { head.method.as_str() } else { name }
}

fn rest(model: &'static Model, head: &RequestHead, bucket: Option<&str>) -> Result<Work, ApiError> {
    let path = match bucket {
        Some(bucket) => Cow::Owned(format!("/{bucket}{}", head.uri.path())),
        None => Cow::Borrowed(head.uri.path()),
    };
    let query = head.uri.query().unwrap_or_default();
    let found = haneul_wire::route(model, head.method.as_str(), &path, query, &head.headers);
    Ok(match found.map_err(|error| reply::bad_path(model, error))? {
        Some(route) => Work::Call { operation: route.operation, labels: route.labels },
        None => Work::Unmodelled,
    })
}

/// The service that a signature is scoped to. One that cannot be parsed still tells whose words its refusal is put in.
fn scope_of<'a>(
    auth: &'a Result<RequestAuth<'_>, sigv4::AuthError>,
    head: &'a RequestHead,
) -> Option<Cow<'a, str>> {
    match auth {
        Ok(RequestAuth::SigV4(signature)) => Some(Cow::Borrowed(signature.credential.service())),
        Ok(_) => None,
        Err(_) => {
            let text = match head.headers.get(header::AUTHORIZATION) {
                Some(header) => Cow::Borrowed(header.to_str().ok()?.split("Credential=").nth(1)?),
                None => {
                    let mut pairs = head.uri.query().unwrap_or_default().split('&');
                    let credential = pairs.find_map(|pair| pair.strip_prefix("X-Amz-Credential="))?;
                    percent_decode_str(credential).decode_utf8().ok()?
                }
            };
            let credential = text.split([',', ' ']).next()?;
            let service = credential.split('/').nth(3).filter(|service| !service.is_empty())?;
            Some(Cow::Owned(service.to_owned()))
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}
