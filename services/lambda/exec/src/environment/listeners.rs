//! Subscriptions of extensions to what is said: the Telemetry API, version 2022-07-01, and the Logs API before it,
//! version 2020-08-15.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

use super::api::{error, page};
use super::{Environment, extensions};
use crate::LogFormat;
use crate::telemetry::Refused;
use crate::telemetry::deliver::Connect;
use crate::telemetry::subscription::{Api, Subscription};

/// Of the body of a subscription.
pub(super) const BYTES_MAX: usize = 64 * 1024;

pub(super) fn api_of(path: &str) -> Option<Api> {
    match path.trim_end_matches('/') {
        "/2022-07-01/telemetry" => Some(Api::Telemetry),
        "/2020-08-15/logs" => Some(Api::Logs),
        _ => None,
    }
}

pub(super) fn answer(
    environment: &Arc<Environment>,
    api: Api,
    method: &Method,
    headers: &http::HeaderMap,
    body: &Bytes,
) -> Response<Full<Bytes>> {
    if method != Method::PUT {
        return error(StatusCode::NOT_FOUND, "InvalidRequest", "there is nothing at this path");
    }
    let (id, name) = match extensions::identified(environment, headers) {
        Ok(known) => known,
        Err(refused) => return *refused,
    };
    let invalid = |message: &str| {
        let kind = if api == Api::Logs { "Logs.ValidationError" } else { "ValidationError" };
        error(StatusCode::BAD_REQUEST, kind, message)
    };
    let json_logs = environment.spec.logging.format == LogFormat::Json;
    let wanted = match Subscription::parse(api, body, json_logs) {
        Ok(wanted) => wanted,
        Err(wrong) => return invalid(&wrong),
    };
    let streams = wanted.streams.clone();
    match environment.telemetry.subscribe(&id, wanted) {
        Ok(Some(subscriber)) => {
            let (env, closed) = (environment.shared.env.clone(), environment.exchange.subscribe());
            let delivering = subscriber.deliver(env.clone(), connect(environment), closed);
            env.spawn("telemetry", delivering);
        }
        Ok(None) => {}
        Err(Refused::Closed) => {
            let api = api.name();
            return error(
                StatusCode::FORBIDDEN,
                &format!("{api}.SubscriptionClosed"),
                &format!("{api} API subscription is closed already"),
            );
        }
        Err(Refused::OtherApi(other)) => {
            return invalid(&format!("the extension has subscribed by the {} API already", other.name()));
        }
    }
    environment.collector.write(environment.lines().subscribed(api, &name, &streams));
    page(StatusCode::OK, &json!("OK"))
}

/// Into the network of the environment, as long as it is there.
fn connect(environment: &Arc<Environment>) -> Connect {
    let weak = Arc::downgrade(environment);
    Arc::new(move |port| {
        let environment = weak.upgrade();
        Box::pin(async move {
            match environment {
                Some(environment) => environment.process.connect(port).await,
                None => Err(io::ErrorKind::NotConnected.into()),
            }
        })
    })
}
