//! HTTP that no model describes: function URLs, and links to packages.
//!
//! A request to a function's URL becomes an event of payload format 2.0 ([`event`]), and the function's answer a response
//! ([`answer`]); [`cors`] answers browsers. Source: Developer Guide, "Invoking Lambda function URLs".

mod answer;
mod cors;
mod event;
mod link;

use std::sync::Arc;

use haneul_kit::{Access, ApiError, BoxFuture, ByteStream, Caller, Cx, Extension, Principal, Result};
use http::{Response, StatusCode, header};
use serde_json::json;

use crate::invoke::{Call, PAYLOAD_MAX, trace};
use crate::model::function::UrlRecord;
use crate::names::Named;
use crate::ops::auth;
use crate::{Lambda, error};

pub(crate) struct Urls(pub(crate) Arc<Lambda>);

type Answer = Response<ByteStream>;

impl Extension for Urls {
    fn unmodelled<'a>(
        &'a self,
        cx: &'a Cx,
        body: ByteStream,
    ) -> BoxFuture<'a, std::result::Result<Result<Answer>, ByteStream>> {
        Box::pin(async move {
            let Some(head) = cx.http() else { return Err(body) };
            if let Some(token) = head.uri.path().strip_prefix(link::PATH) {
                return Ok(self.0.package(cx, token).await);
            }
            let id = head.host().and_then(id_of);
            match id {
                Some(id) => Ok(self.0.through_url(cx, &id, body).await),
                None => Err(body),
            }
        })
    }

    fn decorate<'a>(&'a self, _: &'a Cx, _: &'a mut http::response::Parts) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

/// The id in `id.lambda-url.us-east-1.localhost`.
fn id_of(host: &str) -> Option<String> {
    let (id, rest) = host.split_once('.')?;
    rest.to_ascii_lowercase().starts_with("lambda-url.").then(|| id.to_ascii_lowercase())
}

impl Lambda {
    async fn through_url(&self, cx: &Cx, id: &str, body: ByteStream) -> Result<Answer> {
        let Some((function, alias)) = self.records.url(id).await? else {
            return Ok(plain(StatusCode::FORBIDDEN, FORBIDDEN));
        };
        let qualifier = Some(alias.clone()).filter(|alias| !alias.is_empty());
        let named = Named { function, qualifier };
        let known = self.cache.function(&self.records, &named.function).await?;
        let url = known.as_ref().and_then(|known| known.record.urls.get(&alias).cloned());
        let Some(url) = url.filter(|url| url.id == id) else {
            return Ok(plain(StatusCode::FORBIDDEN, FORBIDDEN));
        };
        let origin = cx.http().and_then(|head| head.header(header::ORIGIN.as_str())).map(str::to_owned);
        let mut answer = match (cors::is_preflight(cx), &url.cors) {
            (true, Some(rules)) => return Ok(cors::preflight(cx, rules)),
            _ => match self.answered(cx, &named, &url, body).await {
                Ok(answer) => answer,
                Err(refused) => refusal(&refused)?,
            },
        };
        if let (Some(rules), Some(origin)) = (&url.cors, origin) {
            cors::decorate(rules, &origin, answer.headers_mut());
        }
        Ok(answer)
    }

    async fn answered(&self, cx: &Cx, named: &Named, url: &UrlRecord, body: ByteStream) -> Result<Answer> {
        let who = self.let_in(cx, named, url).await?;
        let too_large = |_| error::too_large("Request Entity Too Large");
        let body = body.collect(PAYLOAD_MAX).await.map_err(too_large)?;
        let event = event::of(cx, named, url, &who, &body).to_string();
        if event.len() > PAYLOAD_MAX {
            return Err(error::too_large("Request Entity Too Large"));
        }
        let target = self.target(named).await?;
        let call = Call {
            request_id: cx.request_id().to_owned(),
            payload: event.into_bytes().into(),
            client_context: None,
            trace: cx.http().and_then(|head| head.header(trace::HEADER)).map(str::to_owned),
            stream: url.streams,
        };
        let ran = self.run_whole(target, call, None).await?;
        if url.streams { answer::streamed(ran).await } else { answer::buffered(ran).await }
    }

    /// Who may call: with AWS_IAM whom policies let in by signature, with NONE whom the function's policy lets in. Both of
    /// the actions that AWS has asked for since October 2025 must be allowed.
    async fn let_in(&self, cx: &Cx, named: &Named, url: &UrlRecord) -> Result<Caller> {
        let anonymous = Caller::anonymous(named.function.account);
        let caller = if url.iam { cx.caller().clone() } else { anonymous };
        if url.iam && matches!(caller.principal, Principal::Anonymous) {
            return Err(forbidden());
        }
        let arn = named.arn();
        let mut accesses: Vec<Access> = Vec::with_capacity(2);
        let through = self.on_named("lambda:InvokeFunctionUrl", named).await?;
        accesses.push(
            through.key("lambda:FunctionUrlAuthType", auth(url)).key("lambda:FunctionArn", arn.to_string()),
        );
        let invoke = self.on_named("lambda:InvokeFunction", named).await?;
        accesses.push(invoke.key("lambda:InvokedViaFunctionUrl", "true"));
        let asked = if url.iam { cx.clone() } else { self.anonymous(cx, caller.clone()) };
        match self.platform.authorize(&asked, "lambda", &accesses).await {
            Ok(()) => Ok(caller),
            Err(refused) if refused.fault() == haneul_kit::Fault::Client => {
                tracing::debug!(function = %arn, %refused, "a call through a URL was refused");
                Err(forbidden())
            }
            Err(failed) => Err(failed),
        }
    }

    /// The request as of nobody: a URL without authentication does not look at signatures.
    fn anonymous(&self, cx: &Cx, caller: Caller) -> Cx {
        Cx::new(haneul_kit::cx::Parts {
            request_id: cx.request_id().to_owned(),
            caller,
            region: cx.region(),
            now: cx.now(),
            source_ip: cx.source_ip(),
            secure: cx.secure(),
            http: cx.http().cloned(),
            called_via: Vec::new(),
            source_arn: None,
            answer: Default::default(),
        })
    }
}

const FORBIDDEN: &str = "Forbidden";

fn forbidden() -> ApiError {
    ApiError::new("AccessDeniedException", FORBIDDEN).with_status(403)
}

fn plain(status: StatusCode, message: &str) -> Answer {
    let mut answer = Response::new(ByteStream::from_bytes(json!({ "Message": message }).to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}

/// What kept the function from answering, as its callers read it.
fn refusal(refused: &ApiError) -> Result<Answer> {
    use haneul_lambda_wire::values::error as code;
    let status = match refused.code() {
        "AccessDeniedException" => StatusCode::FORBIDDEN,
        code::TOO_MANY_REQUESTS_EXCEPTION => StatusCode::TOO_MANY_REQUESTS,
        code::REQUEST_TOO_LARGE_EXCEPTION => StatusCode::PAYLOAD_TOO_LARGE,
        code::RESOURCE_NOT_FOUND_EXCEPTION => StatusCode::NOT_FOUND,
        code::RECURSIVE_INVOCATION_EXCEPTION => StatusCode::BAD_REQUEST,
        _ => {
            tracing::warn!(error = %refused, "a call through a URL failed");
            return Ok(plain(StatusCode::BAD_GATEWAY, "Internal Server Error"));
        }
    };
    Ok(plain(status, refused.message()))
}
