//! What an extension asked for, and whether it may (Lambda, "Telemetry API reference", "Logs API").

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Event;
use crate::program::{ENDPOINT_PORT, RUNTIME_PORT};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// `/2022-07-01/telemetry`
    Telemetry,
    /// `/2020-08-15/logs`
    Logs,
}

impl Api {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Api::Telemetry => "Telemetry",
            Api::Logs => "Logs",
        }
    }

    fn schemas(self) -> &'static [&'static str] {
        match self {
            Api::Telemetry => &["2022-07-01", "2022-12-13", "2025-01-29"],
            Api::Logs => &["2020-08-15", "2021-03-18"],
        }
    }
}

const STREAMS: &[&str] = &["platform", "function", "extension"];
/// Names of the environment itself. Only it is ever sent to, whatever the name.
const HOSTS: &[&str] = &["sandbox.localdomain", "sandbox"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) api: Api,
    pub(crate) schema: String,
    /// In the order in which they were named.
    pub(crate) streams: Vec<String>,
    pub(crate) items_max: usize,
    pub(crate) bytes_max: usize,
    pub(crate) timeout: Duration,
    pub(crate) destination: Destination,
    /// Lines of the function that are JSON are records of JSON.
    structured: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Http {
        port: u16,
        path: String,
        /// By PUT instead of POST: of the Logs API.
        put: bool,
    },
    /// JSON objects, one a line.
    Tcp { port: u16 },
}

impl Subscription {
    /// `json_logs` says that the function's log format is JSON.
    ///
    /// # Errors
    /// All that is wrong with it, as AWS words it: sentences with semicolons between them.
    pub(crate) fn parse(api: Api, body: &[u8], json_logs: bool) -> Result<Subscription, String> {
        let given: Map<String, Value> =
            serde_json::from_slice(body).map_err(|_| "request body is not a valid JSON object".to_owned())?;
        let mut wrong = Vec::new();
        let schema = match given.get("schemaVersion").and_then(Value::as_str) {
            Some(schema) if api.schemas().contains(&schema) => schema,
            None if api == Api::Logs && !given.contains_key("schemaVersion") => "2020-08-15",
            None => {
                wrong.push("schemaVersion is required".to_owned());
                ""
            }
            Some(other) => {
                wrong.push(format!("schemaVersion '{other}' is not supported"));
                ""
            }
        };
        let destination = destination(given.get("destination").unwrap_or(&Value::Null), &mut wrong);
        let streams = streams(given.get("types"), &mut wrong);
        let buffering = given.get("buffering").cloned().unwrap_or_else(|| json!({}));
        let mut number = |name: &str, default: u64, least: u64, most: u64| match &buffering[name] {
            Value::Null => default,
            given => match given.as_u64() {
                Some(number) if (least..=most).contains(&number) => number,
                _ => {
                    wrong.push(format!("{name} should be an integer between {least} and {most}"));
                    default
                }
            },
        };
        let items_max = number("maxItems", if api == Api::Logs { 10_000 } else { 1_000 }, 1_000, 10_000);
        let bytes_max = number("maxBytes", 262_144, 262_144, 1_048_576);
        let timeout_ms = number("timeoutMs", 1_000, 25, 30_000);
        if !buffering.is_object() {
            wrong.push("buffering should be an object".into());
        }
        match destination {
            Some(destination) if wrong.is_empty() => Ok(Subscription {
                api,
                schema: schema.to_owned(),
                streams,
                items_max: usize::try_from(items_max).unwrap_or(usize::MAX),
                bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX),
                timeout: Duration::from_millis(timeout_ms),
                destination,
                structured: json_logs && schema >= "2022-12-13",
            }),
            _ => Err(wrong.join("; ")),
        }
    }

    /// The event as this subscriber has it; `None` for what it did not ask for, or its API does not know.
    pub(crate) fn render(&self, event: &Event) -> Option<String> {
        if !self.streams.iter().any(|stream| stream == event.stream()) {
            return None;
        }
        let record = match (self.api, event.kind) {
            (Api::Logs, kind) if kind.starts_with("platform.") => self.of_the_logs_api(event)?,
            // Only the Logs API has it.
            (Api::Telemetry, "platform.end" | "platform.logsSubscription") => return None,
            (Api::Telemetry, "function") if self.structured => structured(&event.record),
            _ => event.record.clone(),
        };
        // In AWS's order.
        let time = event.time.iso8601_millis();
        Some(format!("{{\"time\":\"{time}\",\"type\":\"{}\",\"record\":{record}}}", event.kind))
    }

    fn of_the_logs_api(&self, event: &Event) -> Option<Value> {
        let only = |names: &[&str]| {
            let kept =
                names.iter().filter_map(|name| Some(((*name).to_owned(), event.record.get(name)?.clone())));
            Value::Object(kept.collect())
        };
        Some(match event.kind {
            "platform.start" => only(&["requestId", "version"]),
            "platform.report" => only(&["requestId", "metrics", "tracing"]),
            "platform.runtimeDone" if self.schema == "2021-03-18" => {
                let mut record = only(&["requestId", "status"]);
                if record["status"] == "error" {
                    record["status"] = Value::from("failure");
                }
                record
            }
            "platform.end"
            | "platform.fault"
            | "platform.extension"
            | "platform.logsSubscription"
            | "platform.logsDropped" => event.record.clone(),
            _ => return None,
        })
    }
}

fn structured(record: &Value) -> Value {
    let parsed = record.as_str().and_then(|text| serde_json::from_str::<Value>(text.trim_end()).ok());
    parsed.filter(Value::is_object).unwrap_or_else(|| record.clone())
}

fn destination(given: &Value, wrong: &mut Vec<String>) -> Option<Destination> {
    let Some(protocol) = given["protocol"].as_str() else {
        wrong.push("destination protocol is not provided".into());
        return None;
    };
    let Some(text) = given["URI"].as_str().filter(|text| !text.is_empty()) else {
        wrong.push("destination URI is not provided".into());
        return None;
    };
    let before = wrong.len();
    let uri = match text.parse::<http::Uri>() {
        Ok(uri) => uri,
        Err(_) => {
            wrong.push("URI is not valid".into());
            return None;
        }
    };
    if !HOSTS.contains(&uri.host().unwrap_or_default()) {
        wrong.push("URI host is not supported, it should be sandbox.localdomain".into());
    }
    let port = uri.port_u16().filter(|port| *port != 0);
    match port {
        None => wrong.push("URI port is not provided".into()),
        Some(RUNTIME_PORT | ENDPOINT_PORT) => wrong.push("URI port is reserved".into()),
        Some(_) => {}
    }
    let method = given["method"].as_str().unwrap_or("POST");
    if !matches!(method, "POST" | "PUT") {
        wrong.push("destination method should be POST or PUT".into());
    }
    let scheme = uri.scheme_str().unwrap_or_default();
    let wanted = match protocol {
        "HTTP" => "http",
        "TCP" => "tcp",
        _ => {
            wrong.push("destination protocol should be HTTP or TCP".into());
            return None;
        }
    };
    if scheme != wanted {
        wrong.push(format!("URI scheme should be {wanted}"));
    }
    let port = port.filter(|_| wrong.len() == before)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Some(match protocol {
        "HTTP" => Destination::Http { port, path, put: method == "PUT" },
        _ => Destination::Tcp { port },
    })
}

fn streams(given: Option<&Value>, wrong: &mut Vec<String>) -> Vec<String> {
    let Some(given) = given.and_then(Value::as_array).filter(|given| !given.is_empty()) else {
        wrong.push("types should not be empty".into());
        return Vec::new();
    };
    let mut streams: Vec<String> = Vec::new();
    for one in given {
        match one.as_str().filter(|name| STREAMS.contains(name)) {
            Some(name) if !streams.iter().any(|there| there == name) => streams.push(name.to_owned()),
            Some(_) => {}
            None => wrong.push(format!("type {one} is not supported")),
        }
    }
    streams
}

#[cfg(test)]
mod tests {
    use haneul_kit::Instant;

    use super::*;

    fn body() -> Value {
        json!({
            "schemaVersion": "2022-12-13", "types": ["platform", "function"],
            "buffering": { "maxItems": 1000, "maxBytes": 262_144, "timeoutMs": 25 },
            "destination": { "protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/path?x=1" },
        })
    }

    #[test]
    fn the_limits_and_forms_of_the_reference() {
        let parse = |body: &Value| Subscription::parse(Api::Telemetry, body.to_string().as_bytes(), false);
        let good = parse(&body()).unwrap();
        assert_eq!(
            (good.items_max, good.bytes_max, good.timeout),
            (1000, 262_144, Duration::from_millis(25))
        );
        assert_eq!(good.destination, Destination::Http { port: 8080, path: "/path?x=1".into(), put: false });
        for (path, value, said) in [
            ("/schemaVersion", json!("2021-03-18"), "schemaVersion '2021-03-18' is not supported"),
            ("/schemaVersion", Value::Null, "schemaVersion is required"),
            ("/types", json!([]), "types should not be empty"),
            ("/types", json!(["traces"]), "type \"traces\" is not supported"),
            ("/buffering/maxItems", json!(999), "maxItems should be an integer between 1000 and 10000"),
            ("/buffering/maxItems", json!(10_001), "maxItems should be an integer between 1000 and 10000"),
            (
                "/buffering/maxBytes",
                json!(262_143),
                "maxBytes should be an integer between 262144 and 1048576",
            ),
            ("/buffering/maxBytes", json!("x"), "maxBytes should be an integer between 262144 and 1048576"),
            ("/buffering/timeoutMs", json!(24), "timeoutMs should be an integer between 25 and 30000"),
            ("/buffering/timeoutMs", json!(30_001), "timeoutMs should be an integer between 25 and 30000"),
            ("/destination/protocol", json!("UDP"), "destination protocol should be HTTP or TCP"),
            ("/destination/URI", json!("http://sandbox.localdomain"), "URI port is not provided"),
            ("/destination/URI", json!("http://sandbox.localdomain:9001"), "URI port is reserved"),
            ("/destination/URI", json!("https://sandbox.localdomain:8080"), "URI scheme should be http"),
            (
                "/destination/URI",
                json!("http://169.254.169.254:80"),
                "URI host is not supported, it should be sandbox.localdomain",
            ),
            ("/destination/URI", json!(""), "destination URI is not provided"),
        ] {
            let mut body = body();
            *body.pointer_mut(path).unwrap() = value;
            assert_eq!(parse(&body), Err(said.to_owned()), "{path}");
        }
        // Several at once, in AWS's form.
        let mut two = body();
        two["types"] = json!([]);
        two["destination"]["URI"] = json!("http://sandbox.localdomain/");
        assert_eq!(parse(&two), Err("URI port is not provided; types should not be empty".to_owned()));
        for garbage in ["", "[]", "null", "{", "\"x\""] {
            assert!(Subscription::parse(Api::Telemetry, garbage.as_bytes(), false).is_err(), "{garbage}");
        }
        assert!(parse(&json!({})).unwrap_err().contains("destination protocol is not provided"));
        let mut tcp = body();
        tcp["destination"] = json!({ "protocol": "TCP", "URI": "tcp://sandbox:7000" });
        assert_eq!(parse(&tcp).unwrap().destination, Destination::Tcp { port: 7000 });
    }

    #[test]
    fn each_api_has_its_own_events() {
        let event = |kind, record| Event { time: Instant::from_secs(1_700_000_000), kind, record };
        let telemetry = Subscription::parse(Api::Telemetry, body().to_string().as_bytes(), true).unwrap();
        let line = event("function", json!("{\"level\":\"INFO\"}\n"));
        assert_eq!(
            telemetry.render(&line).unwrap(),
            r#"{"time":"2023-11-14T22:13:20.000Z","type":"function","record":{"level":"INFO"}}"#
        );
        assert!(telemetry.render(&event("extension", json!("x"))).is_none());
        assert!(telemetry.render(&event("platform.end", json!({}))).is_none());
        let mut old = body();
        old["schemaVersion"] = json!("2022-07-01");
        let old = Subscription::parse(Api::Telemetry, old.to_string().as_bytes(), true).unwrap();
        assert!(old.render(&line).unwrap().contains(r#""record":"{\"level\":\"INFO\"}\n""#));

        let mut logs = body();
        logs.as_object_mut().unwrap().remove("schemaVersion");
        let first = Subscription::parse(Api::Logs, logs.to_string().as_bytes(), true).unwrap();
        logs["schemaVersion"] = json!("2021-03-18");
        let second = Subscription::parse(Api::Logs, logs.to_string().as_bytes(), true).unwrap();
        let done = event("platform.runtimeDone", json!({ "requestId": "r", "status": "error", "spans": [] }));
        assert!(
            first.render(&done).is_none() && first.render(&event("platform.initStart", json!({}))).is_none()
        );
        assert!(second.render(&done).unwrap().contains(r#"{"requestId":"r","status":"failure"}"#));
        assert!(first.render(&event("platform.end", json!({ "requestId": "r" }))).is_some());
    }
}
