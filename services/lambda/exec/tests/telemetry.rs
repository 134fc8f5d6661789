//! Extensions that subscribe to telemetry and logs: real programs inside, whose listeners say what they got.

mod host;

use std::time::Duration;

use haneul_lambda_exec::Executor;
use host::{Host, bash, function};
use serde_json::{Value, json};

/// Registers, listens, subscribes, and writes all that it gets to its own log.
const PYTHON: &str = r#"#!/usr/bin/python3
import http.client, http.server, json, os, threading

def ask(method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.headers

failures = [2]

class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        events = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if failures[0]:
            failures[0] -= 1
            self.send_response(503)
        else:
            for event in events:
                print("GOT " + json.dumps(event), flush=True)
            self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

def subscribe(id, port=8080, types=("platform", "function"), path="/2022-07-01/telemetry", **more):
    return ask("PUT", path, {
        "schemaVersion": "2022-12-13", "types": types,
        "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 30000},
        "destination": {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{port}/{id}"}, **more,
    }, Lambda_Extension_Identifier=id)[:2]

name = os.path.basename(__file__)
status, body, headers = ask("POST", "/2020-01-01/extension/register", {"events": ["INVOKE", "SHUTDOWN"]}, Lambda_Extension_Name=name)
id = headers["lambda-extension-identifier"]
server = http.server.ThreadingHTTPServer(("sandbox.localdomain", 8080), Listener)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("SAID invalid", *subscribe(id, types=[]), flush=True)
print("SAID unknown", *subscribe("nobody"), flush=True)
print("SAID good", *subscribe(id), flush=True)
print("SAID other", *subscribe(id, path="/2020-08-15/logs", schemaVersion="2020-08-15"), flush=True)
first = True
while True:
    event = json.loads(ask("GET", "/2020-01-01/extension/event/next", Lambda_Extension_Identifier=id)[1])
    if event["eventType"] == "SHUTDOWN":
        print("SAID end", flush=True)
        break
    if first:
        print("SAID late", *subscribe(id), flush=True)
    first = False
"#;

const FUNCTION: &str = "print('hello from the init')\n\
     def handler(event, context):\n    print('hello from the function', event['n'])\n    if event['n'] == 3: raise ValueError('three')\n    return 'answer'\n";

/// What a listener wrote of the events that it got.
fn got(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("GOT "));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn until(host: &Host, what: &str, there: impl Fn(&str) -> bool) {
    let clock = haneul_env::Clock::real();
    let waiting = async {
        while !there(&host.logs.text()) {
            clock.sleep(Duration::from_millis(5)).await;
        }
    };
    if clock.timeout(Duration::from_secs(20), waiting).await.is_none() {
        panic!("{what} did not come: {}", host.logs.text());
    }
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_hears_what_function_and_platform_say() {
    let Some(host) = Host::new() else { return };
    if !host.has("python3.11") {
        return;
    }
    let function = function("python3.11", "app.handler", &[("app.py", FUNCTION)])
        .layer(&[("extensions/watcher.py", PYTHON)])
        .with(|spec| spec.tracing = true)
        .done();
    let first = host.invoke(&function, &json!({ "n": 1 })).await;
    first.ok();
    // Its buffer would wait for 30 seconds: an invocation's end flushes it, before all of it is frozen.
    until(&host, "the report", |text| !of(&got(text), "platform.report").is_empty()).await;
    let text = host.logs.text();
    let events = got(&text);
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let position = |kind: &str| {
        kinds.iter().position(|one| *one == kind).unwrap_or_else(|| panic!("{kind} in {kinds:?}"))
    };
    let order = ["platform.initStart", "platform.extension", "platform.telemetrySubscription"];
    let order: Vec<usize> = order
        .into_iter()
        .chain([
            "platform.initRuntimeDone",
            "platform.initReport",
            "platform.start",
            "platform.runtimeDone",
            "platform.report",
        ])
        .map(position)
        .collect();
    assert!(order.is_sorted(), "{kinds:?}");
    let lines = of(&events, "function");
    assert_eq!(lines[0]["record"], "hello from the init\n");
    assert_eq!(lines[1]["record"], "hello from the function 1\n");
    assert!(kinds.iter().rposition(|kind| *kind == "function").unwrap() > position("platform.start"));
    // What the extension itself writes is not for who did not ask for it.
    assert!(of(&events, "extension").is_empty() && of(&events, "platform.end").is_empty());

    let record = |kind: &str| &events[position(kind)]["record"];
    let init = json!({ "initializationType": "on-demand", "phase": "init", "status": "success" });
    assert_eq!(*record("platform.initRuntimeDone"), init);
    assert!(record("platform.initReport")["metrics"]["durationMs"].as_f64().unwrap() > 0.0);
    assert_eq!(record("platform.initStart")["functionName"], function.spec.function_name.as_str());
    let extension = json!({ "name": "watcher.py", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"] });
    assert_eq!(*record("platform.extension"), extension);
    let subscribed =
        json!({ "name": "watcher.py", "state": "Subscribed", "types": ["platform", "function"] });
    assert_eq!(*record("platform.telemetrySubscription"), subscribed);
    for kind in ["platform.start", "platform.runtimeDone", "platform.report"] {
        assert_eq!(record(kind)["requestId"], first.request_id.as_str(), "{kind}");
        assert_eq!(record(kind)["tracing"]["type"], "X-Amzn-Trace-Id", "{kind}");
    }
    assert_eq!(record("platform.start")["version"], "$LATEST");
    let done = record("platform.runtimeDone");
    assert_eq!((&done["status"], &done["metrics"]["producedBytes"]), (&json!("success"), &json!(8)));
    assert_eq!(done["spans"][0]["name"], "responseLatency");
    assert_eq!(done["spans"][1]["name"], "responseDuration");
    let metrics = &record("platform.report")["metrics"];
    assert!(metrics["initDurationMs"].as_f64().unwrap() > 0.0 && metrics["memorySizeMB"] == 256, "{metrics}");

    for said in [
        r#"SAID invalid 400 {"errorMessage":"types should not be empty","errorType":"ValidationError"}"#,
        r#"SAID unknown 403 {"errorMessage":"Unknown extension identifier","errorType":"Extension.UnknownExtensionIdentifier"}"#,
        r#"SAID good 200 "OK""#,
        r#"SAID other 400 {"errorMessage":"the extension has subscribed by the Telemetry API already","errorType":"Logs.ValidationError"}"#,
        r#"SAID late 403 {"errorMessage":"Telemetry API subscription is closed already","errorType":"Telemetry.SubscriptionClosed"}"#,
        "TELEMETRY\tName: watcher.py\tState: Subscribed\tTypes: [Platform, Function]\n",
        "EXTENSION\tName: watcher.py\tState: Ready\tEvents: [INVOKE,SHUTDOWN]\n",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }

    // It was frozen in between, and goes on.
    host.invoke(&function, &json!({ "n": 3 })).await.failed();
    until(&host, "the second report", |text| of(&got(text), "platform.report").len() == 2).await;
    let events = got(&host.logs.text());
    let done = of(&events, "platform.runtimeDone")[1];
    assert_eq!(
        (&done["record"]["status"], &done["record"]["errorType"]),
        (&json!("error"), &json!("ValueError"))
    );
    assert_eq!(of(&events, "platform.initStart").len(), 1, "what was taken does not come again");
    host.executor.retire(&function.spec.function_arn).await;
    until(&host, "the end", |text| text.contains("SAID end")).await;
}

/// In shell, by the Logs API and TCP; its listener writes each line that it gets.
const SHELL: &str = r#"
ask POST /2020-01-01/extension/register '{"events":["INVOKE","SHUTDOWN"]}' "Lambda-Extension-Name: logs.sh"
own="Lambda-Extension-Identifier: $id"
perl -MIO::Socket::INET -e '
  $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1:7000", Listen => 1, ReuseAddr => 1) or die;
  open(my $up, ">", "/tmp/up"); close $up; $| = 1;
  $connection = $server->accept; print "GOT $_" while <$connection>;' &
until [ -e /tmp/up ]; do sleep 0.01; done
ask PUT /2020-08-15/logs \
  '{"schemaVersion":"2021-03-18","types":["platform","function"],"buffering":{"timeoutMs":25},"destination":{"protocol":"TCP","URI":"tcp://sandbox.localdomain:7000"}}' "$own"
echo "SAID $body"
while :; do
  ask GET /2020-01-01/extension/event/next '' "$own"
  case $body in *SHUTDOWN*) exit 0 ;; esac
done
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_api_speaks_json_lines_over_tcp() {
    let Some(host) = Host::new() else { return };
    if !host.has("python3.11") {
        return;
    }
    if !std::path::Path::new("/usr/bin/perl").exists() {
        println!("skipped: there is no perl");
        return;
    }
    let function = function("python3.11", "app.handler", &[("app.py", FUNCTION)])
        .layer(&[("extensions/logs.sh", &bash(SHELL))])
        .done();
    for n in [1usize, 3] {
        let _ = host.invoke(&function, &json!({ "n": n })).await;
        until(&host, "the report", |text| of(&got(text), "platform.report").len() == n.div_ceil(2)).await;
    }
    let text = host.logs.text();
    let events = got(&text);
    assert!(
        text.contains("SAID \"OK\"") && text.contains("LOGS\tName: logs.sh\tState: Subscribed"),
        "{text}"
    );
    assert!(of(&events, "platform.initStart").is_empty() && of(&events, "platform.initReport").is_empty());
    assert_eq!(of(&events, "platform.logsSubscription").len(), 1);
    assert_eq!((of(&events, "platform.start").len(), of(&events, "platform.end").len()), (2, 2));
    let done: Vec<&Value> =
        of(&events, "platform.runtimeDone").iter().map(|done| &done["record"]["status"]).collect();
    assert_eq!(done, ["success", "failure"]);
    assert!(
        of(&events, "function").iter().any(|line| line["record"] == "hello from the function 1\n"),
        "{text}"
    );
}

/// It subscribes and has no listener.
const DEAF: &str = r#"
ask POST /2020-01-01/extension/register '{"events":[]}' "Lambda-Extension-Name: deaf.sh"
own="Lambda-Extension-Identifier: $id"
ask PUT /2022-07-01/telemetry \
  '{"schemaVersion":"2022-07-01","types":["platform"],"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080"}}' "$own"
(while :; do echo beat; sleep 0.005; done) &
ask GET /2020-01-01/extension/event/next '' "$own"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_listen_does_not_keep_the_environment_from_being_frozen() {
    let Some(host) = Host::new() else { return };
    if !host.has("python3.11") {
        return;
    }
    let function = function("python3.11", "app.handler", &[("app.py", FUNCTION)])
        .layer(&[("extensions/deaf.sh", &bash(DEAF))])
        .done();
    host.invoke(&function, &json!({ "n": 1 })).await.ok();
    let beats = || host.logs.text().matches("beat\n").count();
    let clock = haneul_env::Clock::real();
    let silent = async {
        loop {
            let before = beats();
            clock.sleep(Duration::from_millis(300)).await;
            if beats() == before && before > 0 {
                return;
            }
        }
    };
    clock.timeout(Duration::from_secs(20), silent).await.expect("it is frozen");
    host.invoke(&function, &json!({ "n": 2 })).await.ok();
}
