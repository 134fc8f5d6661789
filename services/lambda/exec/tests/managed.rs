//! Environments of capacity providers: several invocations at a time, in every language.

#[path = "host/gate.rs"]
mod gate;
mod host;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gate::{Door, Gate};
use haneul_env::Clock;
use haneul_lambda_exec::{
    ExecError, Executor, Fleet, Invocation, LogFormat, Managed, Outcome, Spec, Standing,
};
use host::{Draft, Function, Host, bash, function};
use serde_json::{Value, json};

fn with_gate() -> Option<(Arc<Host>, Arc<Gate>)> {
    let gate = Gate::new();
    let host = Host::with(|_| {}, Arc::new(Door(gate.clone())))?;
    Some((Arc::new(host), gate))
}

fn managed(draft: Draft, concurrency: u32) -> Arc<Function> {
    let draft = draft.with(|spec| {
        spec.managed = Some(Managed { concurrency, cpu_millis: 1000 });
        spec.logging.format = LogFormat::Json;
        spec.timeout = Duration::from_secs(60);
    });
    Arc::new(draft.done())
}

fn fleet(min: u32, max: u32) -> Fleet {
    Fleet { min, max, provider: "arn:provider".into(), cpu_millis_max: 400_000, target: 0.5 }
}

async fn ready(host: &Host, function: &Function, size: Fleet) {
    host.executor.keep(function.spec.clone(), size);
    host.executor.kept(&function.spec.id).await.unwrap();
}

async fn call(host: &Host, spec: &Arc<Spec>, event: Value) -> Result<Outcome, ExecError> {
    let payload = event.to_string().into();
    let call = Invocation::new(host.env.rng.uuid(), spec.function_arn.clone(), payload);
    host.executor.invoke(spec.clone(), call).await
}

/// Begins `count` invocations, which wait at the gate when this returns.
async fn hold(
    host: &Arc<Host>,
    gate: &Gate,
    function: &Arc<Function>,
    count: usize,
) -> Vec<tokio::task::JoinHandle<host::Answer>> {
    let before = *gate.arrived.borrow();
    let begun = (0..count).map(|number| {
        let (env, host, function) = (host.env.clone(), host.clone(), function.clone());
        env.spawn("call", async move { host.invoke(&function, &json!({ "n": number })).await })
    });
    let begun: Vec<_> = begun.collect();
    gate.arrived(before + count).await;
    begun
}

/// Looks at a fleet until something is true of it.
async fn until(host: &Host, function: &Function, is: impl Fn(&Standing) -> bool) {
    let clock = Clock::real();
    while !host.executor.standing(&function.spec.id).is_some_and(|standing| is(&standing)) {
        clock.sleep(Duration::from_millis(20)).await;
    }
}

const PYTHON: &str = r#"
import logging, os, socket

def handler(event, context):
    if event.get("leave"):
        os._exit(7)
    logging.getLogger().warning("holding %s", event.get("n"))
    with socket.create_connection(("127.0.0.1", 4566)) as gate:
        gate.recv(2)
    return {"who": os.getpid(), "environment": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], "id": context.aws_request_id,
            "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], "most": os.environ["AWS_LAMBDA_MAX_CONCURRENCY"]}
"#;

const NODE: &str = r#"
import net from "node:net";
import { threadId } from "node:worker_threads";
let now = 0, most = 0;
export const handler = async (event, context) => {
  if (event.leave) process.exit(7);
  if (event.throw) { setImmediate(() => { throw new Error("nobody catches it"); }); await new Promise(() => {}); }
  now += 1;
  most = Math.max(most, now);
  console.warn("holding", event.n);
  await new Promise((go) => net.connect(4566, "127.0.0.1").on("data", go));
  now -= 1;
  return { who: threadId, together: most, environment: process.env.AWS_LAMBDA_LOG_STREAM_NAME, id: context.awsRequestId,
           type: process.env.AWS_LAMBDA_INITIALIZATION_TYPE, most: process.env.AWS_LAMBDA_MAX_CONCURRENCY };
};
"#;

const BASH: &str = r#"
worker() {
  while :; do
    next
    [ -n "$id" ] || exit
    case $body in *'"end"'*) exit ;; esac
    exec 4<>/dev/tcp/127.0.0.1/4566; read -r answer <&4; exec 4>&-
    respond "{\"who\":$BASHPID,\"environment\":\"$AWS_LAMBDA_LOG_STREAM_NAME\",\"id\":\"$id\",\"type\":\"$AWS_LAMBDA_INITIALIZATION_TYPE\",\"most\":\"$AWS_LAMBDA_MAX_CONCURRENCY\"}"
  done
}
for _ in $(seq "$AWS_LAMBDA_MAX_CONCURRENCY"); do worker & done
wait
"#;

/// Eight invocations meet in one environment, and a ninth is refused. Gives how many processes or threads worked.
async fn meet(host: &Arc<Host>, gate: &Gate, function: Arc<Function>) -> (usize, Vec<Value>) {
    ready(host, &function, fleet(1, 1)).await;
    gate.open(false);
    let held = hold(host, gate, &function, 8).await;
    assert_eq!(call(host, &function.spec, json!({})).await.unwrap_err(), ExecError::Saturated);
    gate.open(true);
    let (mut who, mut environments, mut values) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for held in held {
        let answer = held.await.unwrap();
        let value = answer.ok().clone();
        assert_eq!(value["id"], answer.request_id.as_str());
        assert_eq!((&value["type"], &value["most"]), (&json!("lambda-managed-instances"), &json!("8")));
        who.insert(value["who"].to_string());
        environments.insert(value["environment"].to_string());
        // The tail has what is of this invocation alone, as lines of JSON.
        let lines: Vec<Value> = answer.log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut platform = 0;
        for line in &lines {
            let id = [&line["requestId"], &line["AWSRequestId"], &line["record"]["requestId"]];
            assert!(id.contains(&&json!(answer.request_id)), "{line}");
            platform += usize::from(line["type"] == "platform.report" || line["type"] == "platform.start");
            if line["type"] == "platform.report" {
                let metrics = line["record"]["metrics"].as_object().unwrap();
                assert_eq!(metrics.keys().collect::<Vec<_>>(), ["durationMs"]);
            }
        }
        assert_eq!(platform, 2, "{}", answer.log);
        values.push(value);
    }
    assert_eq!(environments.len(), 1, "{environments:?}");
    host.executor.retire(&function.spec.id).await;
    (who.len(), values)
}

fn python(host: &Host) -> Option<&'static str> {
    ["python3.13", "python3.12", "python3.11"].into_iter().find(|runtime| host.has(runtime))
}

fn node(host: &Host) -> Option<&'static str> {
    ["nodejs22.x", "nodejs20.x"].into_iter().find(|runtime| host.has(runtime))
}

#[tokio::test(flavor = "multi_thread")]
async fn python_has_a_process_for_each() {
    let Some((host, gate)) = with_gate() else { return };
    let Some(runtime) = python(&host) else { return };
    let function = managed(function(runtime, "index.handler", &[("index.py", PYTHON)]), 8);
    assert_eq!(meet(&host, &gate, function).await.0, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn node_has_threads_of_which_each_takes_several() {
    let Some((host, gate)) = with_gate() else { return };
    let Some(runtime) = node(&host) else { return };
    let one = managed(function(runtime, "index.handler", &[("index.mjs", NODE)]), 8);
    let (threads, values) = meet(&host, &gate, one).await;
    assert_eq!(threads, 1);
    assert!(values.iter().all(|value| value["together"] == 8), "{values:?}");
    let four = function(runtime, "index.handler", &[("index.mjs", NODE)])
        .with(|spec| drop(spec.environment.insert("AWS_LAMBDA_NODEJS_WORKER_COUNT".into(), "4".into())));
    let (threads, values) = meet(&host, &gate, managed(four, 8)).await;
    assert_eq!(threads, 4);
    assert!(values.iter().all(|value| value["together"] == 2), "{values:?}");
    // A thread that ends fails what it works on, and another one takes its place.
    let function = managed(function(runtime, "index.handler", &[("index.mjs", NODE)]), 2);
    ready(&host, &function, fleet(1, 1)).await;
    let answer = host.invoke(&function, &json!({ "leave": true })).await;
    assert_eq!(answer.failed().0, "Runtime.ExitError");
    let answer = host.invoke(&function, &json!({ "throw": true })).await;
    assert_eq!(answer.failed(), ("Error", "nobody catches it"));
    // What the thread took in its last moment has failed too.
    let again = loop {
        let answer = host.invoke(&function, &json!({})).await;
        if answer.error.is_none() {
            break answer;
        }
        assert_eq!(answer.failed().0, "Runtime.ExitError");
    };
    assert!(again.ok()["who"].as_u64() > Some(1));
}

const JAVA: &[(&str, &str)] = &[
    (
        "com/amazonaws/services/lambda/runtime/LambdaLogger.java",
        "package com.amazonaws.services.lambda.runtime; public interface LambdaLogger { void log(String message); }",
    ),
    (
        "com/amazonaws/services/lambda/runtime/Context.java",
        "package com.amazonaws.services.lambda.runtime; public interface Context { String getAwsRequestId(); LambdaLogger getLogger(); }",
    ),
    (
        "App.java",
        r#"
import com.amazonaws.services.lambda.runtime.Context;
import java.util.*;
public class App {
    public Map<String, Object> handle(Map<String, Object> event, Context context) throws Exception {
        if (event.containsKey("end")) {
            throw new RuntimeException() { @Override public String getMessage() { throw new AssertionError("ends the thread"); } };
        }
        context.getLogger().log("holding\n" + event.get("n"));
        try (java.net.Socket gate = new java.net.Socket("127.0.0.1", 4566)) { gate.getInputStream().read(); }
        Map<String, Object> answer = new HashMap<>();
        answer.put("who", Thread.currentThread().getName());
        answer.put("id", context.getAwsRequestId());
        answer.put("environment", System.getenv("AWS_LAMBDA_LOG_STREAM_NAME"));
        answer.put("type", System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"));
        answer.put("most", System.getenv("AWS_LAMBDA_MAX_CONCURRENCY"));
        return answer;
    }
}
"#,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn java_has_a_thread_for_each() {
    let Some((host, gate)) = with_gate() else { return };
    let Some(runtime) = ["java25", "java21", "java17", "java11"].into_iter().find(|one| host.has(one)) else {
        return;
    };
    let draft = function(runtime, "App::handle", JAVA);
    let sources = JAVA.iter().map(|(name, _)| draft.code().join(name));
    let done =
        std::process::Command::new("javac").arg("-d").arg(draft.code()).args(sources).status().unwrap();
    assert!(done.success());
    let function = managed(draft, 8);
    assert_eq!(meet(&host, &gate, function.clone()).await.0, 8);
    // Without one of its threads it would have a place that nobody takes.
    ready(&host, &function, fleet(1, 1)).await;
    assert_eq!(host.invoke(&function, &json!({ "end": true })).await.failed().0, "Runtime.ExitError");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_of_the_package_asks_several_times() {
    let Some((host, gate)) = with_gate() else { return };
    let function = managed(function("provided.al2023", "any", &[("bootstrap", &bash(BASH))]), 8);
    assert_eq!(meet(&host, &gate, function).await.0, 8);
    // One that asks more often than it may is told so, and works on.
    let greedy = BASH
        .replace("seq \"$AWS", "seq 9; seq 2 \"$AWS")
        .replace("[ -n \"$id\" ]", "[ -n \"$id\" ] || echo \"refused $body\"; [ -n \"$id\" ]");
    let greedy = managed(host::function("provided.al2023", "any", &[("bootstrap", &bash(&greedy))]), 2);
    ready(&host, &greedy, fleet(1, 1)).await;
    assert_eq!(host.invoke(&greedy, &json!({})).await.ok()["most"], "2");
    // What it says comes beside the answer, perhaps after it.
    let clock = Clock::real();
    let told = async {
        while !host.logs.text().contains("InvalidStateTransition") {
            clock.sleep(Duration::from_millis(20)).await;
        }
    };
    let told = clock.timeout(Duration::from_secs(30), told).await;
    assert!(told.is_some(), "{}", host.logs.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_ends_takes_nothing_else_with_it() {
    let Some((host, gate)) = with_gate() else { return };
    let Some(runtime) = python(&host) else { return };
    let function = managed(function(runtime, "index.handler", &[("index.py", PYTHON)]), 4);
    ready(&host, &function, fleet(1, 1)).await;
    let held = hold(&host, &gate, &function, 3).await;
    let answer = host.invoke(&function, &json!({ "leave": true })).await;
    let (kind, message) = answer.failed();
    assert_eq!(kind, "Runtime.ExitError");
    let wanted = format!("RequestId: {} Error: Runtime exited with error: exit status 7", answer.request_id);
    assert_eq!(message, wanted);
    // Another one has taken its place.
    let more = hold(&host, &gate, &function, 1).await;
    gate.open(true);
    let mut environments = BTreeSet::new();
    for held in held.into_iter().chain(more) {
        environments.insert(held.await.unwrap().ok()["environment"].to_string());
    }
    assert_eq!(environments.len(), 1);
}

/// Invocations meet again as soon as there are workers for all of them.
async fn meet_again(host: &Arc<Host>, gate: &Gate, function: &Arc<Function>, count: usize) {
    gate.open(false);
    let calls = (0..count).map(|_| {
        let (env, host, function) = (host.env.clone(), host.clone(), function.clone());
        env.spawn("call", async move {
            loop {
                match call(&host, &function.spec, json!({})).await {
                    Err(ExecError::Saturated) => Clock::real().sleep(Duration::from_millis(20)).await,
                    done => return done.unwrap().function_error,
                }
            }
        })
    });
    let calls: Vec<_> = calls.collect();
    let all = Clock::real().timeout(Duration::from_secs(40), gate.arrived(count)).await;
    all.expect("there is a worker for each");
    gate.open(true);
    for call in calls {
        assert_eq!(call.await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_end_before_they_are_ready_or_together_are_replaced() {
    let Some((host, gate)) = with_gate() else { return };
    if let Some(runtime) = python(&host) {
        let first_ends = r#"
import os
try:
    os.close(os.open("/tmp/first", os.O_CREAT | os.O_EXCL))
    os._exit(5)
except FileExistsError:
    pass
"#;
        let code = format!("{first_ends}{PYTHON}");
        let function = managed(function(runtime, "index.handler", &[("index.py", &code)]), 3);
        ready(&host, &function, fleet(1, 1)).await;
        meet_again(&host, &gate, &function, 3).await;
    }
    if let Some(runtime) = node(&host) {
        let all_end = r#"
import fs from "node:fs";
import net from "node:net";
export const handler = async () => {
  const leaves = !fs.existsSync("/tmp/left");
  await new Promise((go) => net.connect(4566, "127.0.0.1").on("data", go));
  if (!leaves) return;
  fs.writeFileSync("/tmp/left", "");
  process.exit(7);
};
"#;
        let three = function(runtime, "index.handler", &[("index.mjs", all_end)])
            .with(|spec| drop(spec.environment.insert("AWS_LAMBDA_NODEJS_WORKER_COUNT".into(), "3".into())));
        let function = managed(three, 3);
        ready(&host, &function, fleet(1, 1)).await;
        gate.open(false);
        let held = hold(&host, &gate, &function, 3).await;
        gate.open(true);
        for held in held {
            assert_eq!(held.await.unwrap().failed().0, "Runtime.ExitError");
        }
        meet_again(&host, &gate, &function, 3).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_only_end_are_given_ever_more_time() {
    let Some((host, _)) = with_gate() else { return };
    let python = python(&host).map(|runtime| {
        let code = "import os, threading, time\nprint('began', time.time_ns() // 1000000)\n\
                    threading.Timer(0.05, os._exit, [3]).start()\ndef handler(event, context): pass\n";
        function(runtime, "index.handler", &[("index.py", code)])
    });
    let node = node(&host).map(|runtime| {
        let code = "console.log('began', Date.now());\nsetTimeout(() => process.exit(3), 50);\n\
                    export const handler = async () => {};\n";
        let two = function(runtime, "index.handler", &[("index.mjs", code)]);
        two.with(|spec| drop(spec.environment.insert("AWS_LAMBDA_NODEJS_WORKER_COUNT".into(), "2".into())))
    });
    for draft in python.into_iter().chain(node) {
        let function = managed(draft, 2);
        let before = host.logs.text().len();
        host.executor.keep(function.spec.clone(), fleet(1, 1));
        let began = loop {
            let text = host.logs.text();
            let began = text[before..].split("began ").skip(1);
            let began: Vec<i64> = began.filter_map(|at| at.get(..13)?.parse().ok()).collect();
            if began.len() >= 8 {
                break began;
            }
            Clock::real().sleep(Duration::from_millis(20)).await;
        };
        // The fourth of each waits 1.2 seconds all in all.
        assert!(began[7] - began[0] >= 1000, "{began:?}");
        host.executor.retire(&function.spec.id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_ends_is_replaced() {
    let Some((host, gate)) = with_gate() else { return };
    let bootstrap = bash(&BASH.replace("done\nwait\n", "done\nwait -n; exit 3\n"));
    let function = managed(function("provided.al2023", "any", &[("bootstrap", &bootstrap)]), 3);
    ready(&host, &function, fleet(1, 1)).await;
    let held = hold(&host, &gate, &function, 2).await;
    let ended = host.invoke(&function, &json!({ "end": true })).await;
    let wanted = format!("RequestId: {} Error: Runtime exited with error: exit status 3", ended.request_id);
    assert_eq!(ended.failed(), ("Runtime.ExitError", wanted.as_str()));
    // All that it worked on has failed with it.
    for held in held {
        assert_eq!(held.await.unwrap().failed().0, "Runtime.ExitError");
    }
    gate.open(true);
    let again = host.invoke(&function, &json!({})).await;
    assert!(again.ok()["environment"].is_string());
    assert_eq!(host.logs.streams().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_is_told_so_and_the_others_go_on() {
    let Some((host, gate)) = with_gate() else { return };
    let Some(runtime) = python(&host) else { return };
    let draft = managed(function(runtime, "index.handler", &[("index.py", PYTHON)]), 2);
    let draft = Arc::into_inner(draft).unwrap().into_draft();
    let function = Arc::new(draft.with(|spec| spec.timeout = Duration::from_secs(1)).done());
    ready(&host, &function, fleet(1, 1)).await;
    let mut late = Vec::new();
    for _ in 0..2 {
        late.push(host.invoke(&function, &json!({})).await);
    }
    for late in &late {
        assert_eq!(late.failed().0, "Sandbox.Timedout");
        assert!(late.log.contains("Task timed out after 1.00 seconds"), "{}", late.log);
    }
    // The function works on: its places are free when it has answered.
    assert_eq!(call(&host, &function.spec, json!({})).await.unwrap_err(), ExecError::Saturated);
    gate.open(true);
    until(&host, &function, |standing| standing.running == 0).await;
    let answer = host.invoke(&function, &json!({})).await;
    let stream = answer.ok()["environment"].as_str().unwrap().to_owned();
    assert_eq!(host.logs.streams(), BTreeSet::from([stream]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_never_returns_keeps_no_environment() {
    // There is room for one.
    let gate = Gate::new();
    let change = |settings: &mut haneul_lambda_exec::Settings| settings.memory_mb_max = Some(300);
    let Some(host) = Host::with(change, Arc::new(Door(gate))) else { return };
    let new = || function("provided.al2023", "any", &[("bootstrap", &bash(BASH))]);
    let hangs = managed(new(), 2);
    let draft = Arc::into_inner(hangs).unwrap().into_draft();
    let hangs = draft.with(|spec| spec.timeout = Duration::from_secs(1)).done();
    ready(&host, &hangs, fleet(1, 1)).await;
    assert_eq!(host.invoke(&hangs, &json!({})).await.failed().0, "Sandbox.Timedout");
    assert_eq!(host.executor.standing(&hangs.spec.id).unwrap().running, 1);
    host.executor.retire(&hangs.spec.id).await;
    let next = managed(new(), 2);
    host.executor.keep(next.spec.clone(), fleet(1, 1));
    let there = until(&host, &next, |standing| standing.ready == 1);
    Clock::real().timeout(Duration::from_secs(60), there).await.expect("its room is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_whose_init_hangs_holds_up_no_other_one() {
    let gate = Gate::new();
    let change = |settings: &mut haneul_lambda_exec::Settings| settings.memory_mb_max = Some(1 << 20);
    let Some(host) = Host::with(change, Arc::new(Door(gate))) else { return };
    let hanging = "#!/bin/bash\nexec sleep 1000\n";
    let hanging = managed(function("provided.al2023", "any", &[("bootstrap", hanging)]), 2);
    let many = u32::try_from(2 * std::thread::available_parallelism().unwrap().get()).unwrap().max(4);
    host.executor.keep(hanging.spec.clone(), fleet(many + 1, many + 1));
    until(&host, &hanging, |standing| standing.starting == many).await;
    let other = managed(function("provided.al2023", "any", &[("bootstrap", &bash(BASH))]), 2);
    let starts = ready(&host, &other, fleet(1, 1));
    Clock::real().timeout(Duration::from_secs(60), starts).await.expect("it starts beside them");
}

#[tokio::test(flavor = "multi_thread")]
async fn fleets_of_a_provider_make_room_for_one_another() {
    let Some((host, _)) = with_gate() else { return };
    let new = || managed(function("provided.al2023", "any", &[("bootstrap", &bash(BASH))]), 2);
    let size = |count| Fleet { cpu_millis_max: 2000, ..fleet(count, count) };
    let (old, next) = (new(), new());
    ready(&host, &old, size(2)).await;
    host.executor.keep(next.spec.clone(), size(2));
    host.executor.keep(old.spec.clone(), size(1));
    until(&host, &next, |standing| standing.ready == 1).await;
    until(&host, &old, |standing| standing.ready == 1).await;
    host.executor.retire(&old.spec.id).await;
    until(&host, &next, |standing| standing.ready == 2).await;
    host.executor.kept(&next.spec.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fleets_grow_with_what_is_asked_of_them() {
    let Some((host, gate)) = with_gate() else { return };
    let Some(runtime) = python(&host) else { return };
    let function = managed(function(runtime, "index.handler", &[("index.py", PYTHON)]), 2);
    ready(&host, &function, fleet(1, 3)).await;
    let first = hold(&host, &gate, &function, 2).await;
    until(&host, &function, |standing| standing.ready >= 2).await;
    let second = hold(&host, &gate, &function, 2).await;
    until(&host, &function, |standing| standing.ready == 3).await;
    let third = hold(&host, &gate, &function, 2).await;
    assert_eq!(call(&host, &function.spec, json!({})).await.unwrap_err(), ExecError::Saturated);
    assert_eq!(host.executor.standing(&function.spec.id).unwrap().running, 6);
    // Smaller than what is busy: who works finishes.
    host.executor.keep(function.spec.clone(), fleet(1, 1));
    until(&host, &function, |standing| standing.ready == 1).await;
    gate.open(true);
    for held in first.into_iter().chain(second).chain(third) {
        held.await.unwrap().ok();
    }
    until(&host, &function, |standing| standing.running == 0).await;
    // Ended, it takes nothing more.
    host.executor.retire(&function.spec.id).await;
    assert!(host.executor.standing(&function.spec.id).is_none());
    assert_eq!(call(&host, &function.spec, json!({})).await.unwrap_err(), ExecError::Ended);
}

/// Whoever is told that a fleet has one environment finds all its invocations in that one.
#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_became_smaller_takes_calls_in_no_more_at_any_time() {
    let Some((host, gate)) = with_gate() else { return };
    let Some(runtime) = python(&host) else { return };
    let held =
        "import socket\nwith socket.create_connection(('127.0.0.1', 4566)) as gate:\n    gate.recv(2)\n";
    let code = format!("{held}\ndef handler(event, context):\n    return 1\n");
    let function = managed(function(runtime, "index.handler", &[("index.py", &code)]), 1);
    host.executor.keep(function.spec.clone(), fleet(3, 3));
    gate.arrived(3).await;
    // They are under way when it becomes smaller.
    host.executor.keep(function.spec.clone(), fleet(1, 1));
    gate.open(true);
    loop {
        let standing = host.executor.standing(&function.spec.id).unwrap();
        assert!(standing.ready <= 1, "{standing:?}");
        if (standing.ready, standing.starting) == (1, 0) {
            break;
        }
        Clock::real().sleep(Duration::from_millis(1)).await;
    }
    // They are there when it becomes smaller.
    ready(&host, &function, fleet(3, 3)).await;
    host.executor.keep(function.spec.clone(), fleet(2, 2));
    assert_eq!(host.executor.standing(&function.spec.id).unwrap().ready, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_fleet_cannot_be_kept_is_said() {
    let change = |settings: &mut haneul_lambda_exec::Settings| settings.memory_mb_max = Some(600);
    let Some(host) = Host::with(change, Arc::new(haneul_lambda_exec::NoEndpoint)) else { return };
    let Some(runtime) = python(&host) else { return };
    let new = |code| managed(function(runtime, "index.handler", &[("index.py", code)]), 2);
    let broken = new("raise ValueError('not today')");
    host.executor.keep(broken.spec.clone(), fleet(1, 1));
    let refused = host.executor.kept(&broken.spec.id).await.unwrap_err();
    let ExecError::InitFailed(said) = &refused else { panic!("{refused:?}") };
    let said: Value = serde_json::from_str(said).unwrap();
    assert_eq!((&said["errorType"], &said["errorMessage"]), (&json!("ValueError"), &json!("not today")));
    host.executor.retire(&broken.spec.id).await;
    // 256 MB each: the third does not fit.
    let large = new(PYTHON);
    host.executor.keep(large.spec.clone(), fleet(3, 3));
    let refused = host.executor.kept(&large.spec.id).await.unwrap_err();
    assert!(
        matches!(&refused, ExecError::NoCapacity(why) if why.contains("3 execution environments")),
        "{refused}"
    );
    // With a processor each.
    host.executor.retire(&large.spec.id).await;
    let wide = new(PYTHON);
    host.executor.keep(wide.spec.clone(), Fleet { cpu_millis_max: 1000, ..fleet(2, 2) });
    let refused = host.executor.kept(&wide.spec.id).await.unwrap_err();
    assert!(matches!(refused, ExecError::NoProcessors(_)), "{refused}");
    host.executor.keep(wide.spec.clone(), fleet(2, 2));
    host.executor.kept(&wide.spec.id).await.unwrap();
}
