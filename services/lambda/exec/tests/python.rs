//! The managed Python runtimes, on the interpreters of this host.

mod host;

use std::time::Duration;

use host::{Host, function};
use serde_json::{Value, json};

const RUNTIMES: &[&str] = &["python3.8", "python3.10", "python3.11", "python3.12", "python3.13"];

const ECHO: &str = "
import os, sys
def handler(event, context):
    print('hello from', context.function_name)
    return {'event': event, 'env': dict(os.environ), 'context': {
        'id': context.aws_request_id, 'arn': context.invoked_function_arn, 'version': context.function_version,
        'memory': context.memory_limit_in_mb, 'left': context.get_remaining_time_in_millis(),
        'group': context.log_group_name, 'stream': context.log_stream_name},
        'path': sys.path, 'version': list(sys.version_info[:2]), 'cwd': os.getcwd(), 'tmp': os.statvfs('/tmp').f_blocks}
";

#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_this_host_answers() {
    let Some(host) = Host::new() else { return };
    let mut ran = 0;
    for runtime in RUNTIMES {
        if !host.has(runtime) {
            continue;
        }
        let function = function(runtime, "app.handler", &[("app.py", ECHO)])
            .with(|spec| drop(spec.environment.insert("GREETING".into(), "héllo".into())))
            .done();
        let answer = host.invoke(&function, &json!({ "n": 1, "text": "ü" })).await;
        let value = answer.ok();
        assert_eq!(value["event"], json!({ "n": 1, "text": "ü" }));
        let (_, minor) = runtime.split_once('.').unwrap();
        assert_eq!(value["version"][1].to_string(), minor, "{runtime}");
        let env = |name: &str| value["env"][name].as_str().unwrap_or_default().to_owned();
        for (name, wanted) in [
            ("GREETING", "héllo"),
            ("_HANDLER", "app.handler"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("AWS_EXECUTION_ENV", &format!("AWS_Lambda_{runtime}")),
            ("AWS_LAMBDA_FUNCTION_NAME", &function.spec.function_name),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &function.spec.logging.group),
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "token"),
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            ("TZ", ":UTC"),
        ] {
            assert_eq!(env(name), wanted, "{name}");
        }
        assert_eq!(value["context"]["id"].as_str(), Some(answer.request_id.as_str()));
        assert_eq!(value["context"]["arn"].as_str(), Some(function.spec.function_arn.as_str()));
        assert_eq!(value["context"]["memory"], "256");
        let left = value["context"]["left"].as_i64().unwrap();
        assert!((1..=10_000).contains(&left), "{left}");
        assert_eq!((&value["cwd"], &value["path"][0]), (&json!("/var/task"), &json!("/var/task")));
        assert!(
            answer.log.starts_with(&format!("START RequestId: {} Version: $LATEST\n", answer.request_id))
        );
        assert!(
            answer.log.contains(&format!("hello from {}\n", function.spec.function_name)),
            "{}",
            answer.log
        );
        assert!(
            answer.log.contains(&format!("END RequestId: {}\nREPORT", answer.request_id)),
            "{}",
            answer.log
        );
        assert!(answer.log.contains("\tInit Duration: "), "{}", answer.log);
        assert!(answer.outcome.report.memory_mb_max > 1);
        ran += 1;
    }
    assert!(ran > 0 || std::env::var_os("HANEUL_REQUIRE_SANDBOX").is_none(), "no Python was found");
}

const STATE: &str = "
import os, time, sys, logging
count = 0
def handler(event, context):
    global count
    count += 1
    what = event.get('do')
    if what == 'raise':
        raise ValueError('no such thing')
    if what == 'exit':
        sys.exit(3)
    if what == 'die':
        os.kill(os.getpid(), 9)
    if what == 'sleep':
        print('going to sleep')
        time.sleep(60)
    if what == 'memory':
        hog = []
        while True:
            hog.append(bytearray(1 << 20))
    if what == 'large':
        return 'x' * (6 * 1024 * 1024 + 1000)
    if what == 'set':
        return {1, 2}
    if what == 'log':
        logging.getLogger().setLevel('INFO')
        logging.info('first\\nsecond')
        logging.getLogger('mine').warning('with %s', 'words')
        try:
            raise KeyError('k')
        except KeyError:
            logging.exception('caught')
    if what == 'tmp':
        with open('/tmp/fill', 'wb') as file:
            for _ in range(64):
                file.write(b'x' * (1 << 20))
    return {'count': count, 'pid': os.getpid()}
";

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_kept_and_its_faults_are_told_as_aws_tells_them() {
    let Some(host) = Host::new() else { return };
    let Some(runtime) = RUNTIMES.iter().rev().find(|runtime| host.has(runtime)) else { return };
    let state = function(runtime, "app.handler", &[("app.py", STATE)])
        .with(|spec| spec.timeout = Duration::from_secs(60))
        .done();
    for count in 1..=3 {
        let answer = host.invoke(&state, &json!({})).await;
        assert_eq!(answer.ok()["count"], count);
        assert_eq!(answer.outcome.report.init.is_some(), count == 1);
    }
    assert_eq!(host.executor.environments().0, 1);

    // What a handler throws does not end its environment.
    let answer = host.invoke(&state, &json!({ "do": "raise" })).await;
    assert_eq!(answer.failed(), ("ValueError", "no such thing"));
    assert_eq!(answer.value["requestId"].as_str(), Some(answer.request_id.as_str()));
    let stack = answer.value["stackTrace"][0].as_str().unwrap();
    assert!(stack.starts_with("  File \"/var/task/app.py\", line 9, in handler\n"), "{stack}");
    assert!(answer.log.contains("[ERROR] ValueError: no such thing\nTraceback (most recent call last):\n"));
    assert_eq!(host.invoke(&state, &json!({})).await.ok()["count"], 5);

    let answer = host.invoke(&state, &json!({ "do": "set" })).await;
    assert_eq!(
        answer.failed(),
        ("Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable")
    );
    let answer = host.invoke(&state, &json!({ "do": "large" })).await;
    let wanted = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    assert_eq!(answer.failed(), ("Function.ResponseSizeTooLarge", wanted));

    // The end of the process is the end of its environment; the next event gets a new one.
    for (what, kind, how) in [
        ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("die", "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        ("memory", "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
    ] {
        let answer = host.invoke(&state, &json!({ "do": what })).await;
        let message = format!("RequestId: {} Error: {how}", answer.request_id);
        assert_eq!(answer.failed(), (kind, message.as_str()), "{}", answer.log);
        assert!(answer.log.contains(&format!("{message}\n{kind}\n")), "{}", answer.log);
        assert!(answer.log.contains(&format!("Status: error\tError Type: {kind}")), "{}", answer.log);
        let again = host.invoke(&state, &json!({})).await;
        assert_eq!(again.ok()["count"], 1, "{what}");
    }

    let short = function(runtime, "app.handler", &[("app.py", STATE)])
        .with(|spec| spec.timeout = Duration::from_secs(1))
        .done();
    let answer = host.invoke(&short, &json!({ "do": "sleep" })).await;
    let message = format!("RequestId: {} Error: Task timed out after 1.00 seconds", answer.request_id);
    assert_eq!(answer.failed(), ("Sandbox.Timedout", message.as_str()));
    assert!(answer.log.contains(&format!("{} Task timed out after 1.00 seconds\n", answer.request_id)));
    assert!(
        answer.log.contains("going to sleep\n") && answer.log.contains("Duration: 1000.00 ms"),
        "{}",
        answer.log
    );
    assert!(answer.log.contains("Status: timeout"), "{}", answer.log);
    assert_eq!(host.invoke(&short, &json!({})).await.ok()["count"], 1);

    let small =
        function(runtime, "app.handler", &[("app.py", STATE)]).with(|spec| spec.ephemeral_mb = 32).done();
    let answer = host.invoke(&small, &json!({ "do": "tmp" })).await;
    assert_eq!(answer.failed(), ("OSError", "[Errno 28] No space left on device"));
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_is_framed_and_can_be_json() {
    let Some(host) = Host::new() else { return };
    let Some(runtime) = RUNTIMES.iter().rev().find(|runtime| host.has(runtime)) else { return };
    let text = function(runtime, "app.handler", &[("app.py", STATE)]).done();
    let answer = host.invoke(&text, &json!({ "do": "log" })).await;
    answer.ok();
    let id = &answer.request_id;
    assert!(answer.log.contains(&format!("Z\t{id}\tfirst\nsecond\n")), "{}", answer.log);
    assert!(answer.log.contains(&format!("Z\t{id}\twith words\n")) && answer.log.contains("[WARNING]\t"));

    let json = function(runtime, "app.handler", &[("app.py", STATE)])
        .with(|spec| spec.logging.format = haneul_lambda_exec::LogFormat::Json)
        .done();
    let answer = host.invoke(&json, &json!({ "do": "log" })).await;
    answer.ok();
    let lines: Vec<Value> = answer.log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
    assert_eq!(kinds, ["platform.start", "platform.report"], "{}", answer.log);
    let first = lines.iter().find(|line| line["message"] == "first\nsecond").unwrap();
    assert_eq!((&first["level"], &first["logger"]), (&json!("INFO"), &json!("root")));
    assert_eq!(first["requestId"].as_str(), Some(answer.request_id.as_str()));
    let caught = lines.iter().find(|line| line["message"] == "caught").unwrap();
    assert_eq!((&caught["errorType"], &caught["errorMessage"]), (&json!("KeyError"), &json!("'k'")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_loaded_is_told_as_aws_tells_it() {
    let Some(host) = Host::new() else { return };
    let Some(runtime) = RUNTIMES.iter().rev().find(|runtime| host.has(runtime)) else { return };
    for (handler, source, kind, message) in [
        (
            "app.handler",
            "import nothing_like_it",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nothing_like_it'",
        ),
        (
            "gone.handler",
            "",
            "Runtime.ImportModuleError",
            "Unable to import module 'gone': No module named 'gone'",
        ),
        ("app.nothing", "x = 1", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'app'"),
        (
            "handler",
            "x = 1",
            "Runtime.MalformedHandlerName",
            "Bad handler 'handler': not enough values to unpack (expected 2, got 1)",
        ),
        ("app.handler", "x = 1 / 0", "ZeroDivisionError", "division by zero"),
        ("app.handler", "def f(:\n", "Runtime.UserCodeSyntaxError", ""),
    ] {
        let function = function(runtime, handler, &[("app.py", source)]).done();
        let answer = host.invoke(&function, &json!({})).await;
        let (got, said) = answer.failed();
        assert_eq!(got, kind, "{}", answer.value);
        assert!(said.contains(message), "{said}");
        assert!(host.logs.text().contains(&format!("[ERROR] {kind}: ")), "{}", host.logs.text());
    }
    for (source, how) in [
        ("import sys; sys.exit(2)", "exit status 2"),
        ("import os; os.kill(os.getpid(), 11)", "signal: segmentation fault"),
    ] {
        let function = function(runtime, "app.handler", &[("app.py", source)]).done();
        let answer = host.invoke(&function, &json!({})).await;
        let message = format!("RequestId: {} Error: Runtime exited with error: {how}", answer.request_id);
        assert_eq!(answer.failed(), ("Runtime.ExitError", message.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_lie_in_opt_and_on_the_path() {
    let Some(host) = Host::new() else { return };
    let Some(runtime) = RUNTIMES.iter().rev().find(|runtime| host.has(runtime)) else { return };
    let source = "
import lib_one, lib_two
def handler(event, context):
    return [lib_one.x, lib_two.x, open('/opt/data').read()]
";
    let site = format!("python/lib/{runtime}/site-packages/lib_two.py");
    let function = function(runtime, "app.handler", &[("app.py", source)])
        .layer(&[("python/lib_one.py", "x = 1"), ("data", "first")])
        .layer(&[(&site, "x = 2"), ("data", "second")])
        .done();
    assert_eq!(*host.invoke(&function, &json!({})).await.ok(), json!([1, 2, "second"]));
}

/// What AWS's runtimes come with, and a wheel with compiled code in a layer, from where this machine has them.
#[tokio::test(flavor = "multi_thread")]
async fn boto3_is_there_and_wheels_in_layers_load() {
    let Some(python) = std::env::var_os("HANEUL_PYTHON") else {
        return println!("skipped: HANEUL_PYTHON names no Python with boto3");
    };
    let script = "import boto3, os, sys; print('%d.%d' % sys.version_info[:2]); print(os.path.dirname(os.path.dirname(boto3.__file__)))";
    let shown = std::process::Command::new(python).args(["-c", script]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let (version, packages) = shown.trim().split_once('\n').unwrap();
    let packages = std::path::PathBuf::from(packages);
    let folder = packages.clone();
    let change = |settings: &mut haneul_lambda_exec::Settings| settings.sdks.python = Some(folder);
    let Some(host) = Host::with(change, std::sync::Arc::new(haneul_lambda_exec::NoEndpoint)) else { return };
    let runtime = format!("python{version}");
    if !host.has(&runtime) {
        return;
    }
    let source = "
import boto3, botocore, importlib.util
def handler(event, context):
    client = boto3.client('s3')
    found = importlib.util.find_spec('numpy') and __import__('numpy').arange(4).sum().item()
    return [boto3.__version__, client.meta.endpoint_url, client.meta.region_name, found, bool(importlib.util.find_spec('pip'))]
";
    let mut draft = function(&runtime, "app.handler", &[("app.py", source)])
        .with(|spec| spec.timeout = Duration::from_secs(60));
    let numpy = packages.join("numpy").is_dir();
    if numpy {
        draft = draft.layer(&[("x", "")]);
        let site = draft.layers_of()[0].join("python");
        std::fs::create_dir_all(&site).unwrap();
        for name in ["numpy", "numpy.libs"] {
            let copied =
                std::process::Command::new("cp").arg("-r").arg(packages.join(name)).arg(&site).status();
            assert!(copied.unwrap().success());
        }
    } else {
        println!("without numpy, which HANEUL_PYTHON does not have");
    }
    let function = draft.done();
    let answer = host.invoke(&function, &json!({})).await;
    let value = answer.ok();
    assert_eq!((&value[1], &value[2]), (&json!("http://127.0.0.1:4566"), &json!("eu-west-1")));
    assert_eq!(value[3], if numpy { json!(6) } else { Value::Null });
    // What else is installed on the host is not on AWS.
    assert_eq!(value[4], false);
}
