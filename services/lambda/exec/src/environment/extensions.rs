//! The Extensions API, version 2020-01-01.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use super::Environment;
use super::api::{NAME_BYTES_MAX, error, page, short};
use super::exchange::Fault;

/// What extensions have after the last invocation.
pub(crate) const SHUTDOWN_MAX: Duration = Duration::from_secs(2);

const IDENTIFIER: &str = "lambda-extension-identifier";

pub(super) async fn answer(
    environment: &Arc<Environment>,
    method: &Method,
    path: &str,
    headers: &http::HeaderMap,
    body: &Bytes,
) -> Response<Full<Bytes>> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let exchange = &environment.exchange;
    if (method, path) == (&Method::POST, "/register") {
        return register(
            environment,
            header("lambda-extension-name"),
            header("lambda-extension-accept-feature"),
            body,
        );
    }
    let (id, name) = match identified(environment, headers) {
        Ok(known) => known,
        Err(refused) => return *refused,
    };
    let id = id.as_str();
    match (method, path) {
        (&Method::GET, "/event/next") => {
            let Some(next) = exchange.extension_next(id) else {
                return error(
                    StatusCode::FORBIDDEN,
                    "Extension.UnknownExtensionIdentifier",
                    "Unknown extension",
                );
            };
            match next.await {
                Ok(event) => {
                    let mut answer = page(StatusCode::OK, &event);
                    let id = environment.shared.env.rng.uuid();
                    if let Ok(value) = id.parse() {
                        answer.headers_mut().insert("Lambda-Extension-Event-Identifier", value);
                    }
                    answer
                }
                Err(_) => {
                    error(StatusCode::INTERNAL_SERVER_ERROR, "Runtime.ShuttingDown", "the environment ends")
                }
            }
        }
        (&Method::POST, "/init/error" | "/exit/error") => {
            let kind = short(header("lambda-extension-function-error-type"));
            if kind.is_empty() {
                return error(
                    StatusCode::BAD_REQUEST,
                    "Extension.MissingHeader",
                    "Missing Lambda-Extension-Function-Error-Type",
                );
            }
            exchange.extension_gone(id);
            let init = path == "/init/error";
            let state = if init { "InitError" } else { "ExitError" };
            let events = exchange.extension_events(id);
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            environment.collector.write(environment.lines().extension(&name, state, &events, Some(kind)));
            let failure = if init { "Extension.InitError" } else { "Extension.ExitError" };
            let fault = json!({ "errorType": failure, "errorMessage": format!("Extension {name}: {kind}") });
            if init {
                exchange.init_failed(Fault {
                    kind: failure.into(),
                    body: fault.to_string().into(),
                    by_platform: true,
                });
            } else {
                environment.kill();
            }
            page(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
        }
        _ => error(StatusCode::NOT_FOUND, "InvalidRequest", "there is nothing at this path"),
    }
}

/// The extension that asks: its identifier and its name.
pub(super) fn identified(
    environment: &Environment,
    headers: &http::HeaderMap,
) -> Result<(String, String), Box<Response<Full<Bytes>>>> {
    let refused = |kind: &str, message: &str| Err(Box::new(error(StatusCode::FORBIDDEN, kind, message)));
    let id = headers.get(IDENTIFIER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if id.is_empty() {
        return refused("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier");
    }
    match environment.exchange.extension_name(id) {
        Some(name) => Ok((id.to_owned(), name)),
        None => refused("Extension.UnknownExtensionIdentifier", "Unknown extension identifier"),
    }
}

fn register(
    environment: &Arc<Environment>,
    name: &str,
    features: &str,
    body: &Bytes,
) -> Response<Full<Bytes>> {
    if name.is_empty() {
        return error(StatusCode::BAD_REQUEST, "Extension.MissingHeader", "Missing Lambda-Extension-Name");
    }
    if name.len() > NAME_BYTES_MAX {
        return error(StatusCode::BAD_REQUEST, "Extension.InvalidExtensionName", "The name is too long");
    }
    let given: Value =
        if body.is_empty() { json!({}) } else { serde_json::from_slice(body).unwrap_or_default() };
    let given = given["events"].as_array().cloned().unwrap_or_default();
    let events: BTreeSet<String> = given.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if events.len() != given.len() || events.iter().any(|event| event != "INVOKE" && event != "SHUTDOWN") {
        return error(StatusCode::BAD_REQUEST, "Extension.InvalidEventType", "Unknown event type");
    }
    // Invocations come at the same time there, and none is waited for.
    if environment.spec.managed.is_some() && events.contains("INVOKE") {
        let why = "INVOKE is not an event of functions on Lambda Managed Instances";
        return error(StatusCode::BAD_REQUEST, "Extension.InvalidEventType", why);
    }
    let (spec, id) = (&environment.spec, environment.shared.env.rng.uuid());
    if let Err(why) = environment.exchange.register(id.clone(), name, events.clone()) {
        return error(StatusCode::FORBIDDEN, "Extension.RegistrationFailed", why);
    }
    let shown: Vec<&str> = events.iter().map(String::as_str).collect();
    environment.collector.write(environment.lines().extension(name, "Ready", &shown, None));
    let mut answer = json!({
        "functionName": spec.function_name, "functionVersion": spec.version, "handler": spec.handler,
    });
    if features.split(',').any(|feature| feature.trim() == "accountId") {
        answer["accountId"] = Value::from(spec.account.as_str());
    }
    let mut answer = page(StatusCode::OK, &answer);
    if let Ok(value) = id.parse() {
        answer.headers_mut().insert(IDENTIFIER, value);
    }
    answer
}
