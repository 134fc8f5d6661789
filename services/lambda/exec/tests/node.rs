//! The managed Node.js runtimes, on the interpreter of this host.

mod host;

use std::time::Duration;

use haneul_lambda_exec::{Body, Piece};
use host::{Host, function};
use serde_json::{Value, json};

const RUNTIMES: &[&str] = &["nodejs18.x", "nodejs20.x", "nodejs22.x", "nodejs24.x"];

const APP: &str = "
let count = 0;
export const handler = async (event, context) => {
  count += 1;
  console.log('hello from', context.functionName);
  switch (event.do) {
    case 'throw': throw new TypeError('no such thing');
    case 'throw text': throw 'only text';
    case 'reject later': Promise.reject(new Error('later')); await new Promise((done) => setTimeout(done, 50)); break;
    case 'exit': process.exit(3);
    case 'never': await new Promise(() => {});
    case 'large': return 'x'.repeat(6 * 1024 * 1024 + 1000);
    case 'error': console.error('bad', { deep: { deeper: 1 } }); break;
  }
  return { count, event, id: context.awsRequestId, env: process.env, left: context.getRemainingTimeInMillis(),
           arn: context.invokedFunctionArn, memory: context.memoryLimitInMB };
};
export const back = (event, context, callback) => { setTimeout(() => callback(null, { back: event }), 20); };
export const fails = (event, context, callback) => callback(new Error('called back'));
";

async fn with_node() -> Option<(Host, &'static str)> {
    let host = Host::new()?;
    let runtime = RUNTIMES.iter().find(|runtime| host.has(runtime))?;
    Some((host, runtime))
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_answer_throw_and_end() {
    let Some((host, runtime)) = with_node().await else { return };
    let app = function(runtime, "app.handler", &[("app.mjs", APP)])
        .with(|spec| {
            spec.timeout = Duration::from_secs(8);
            spec.environment.insert("GREETING".into(), "héllo".into());
        })
        .done();
    for count in 1..=3 {
        let answer = host.invoke(&app, &json!({ "ü": 1 })).await;
        let value = answer.ok();
        assert_eq!((&value["count"], &value["event"]), (&json!(count), &json!({ "ü": 1 })));
        assert_eq!(value["id"].as_str(), Some(answer.request_id.as_str()));
        assert_eq!(value["env"]["GREETING"], "héllo");
        assert_eq!(
            value["env"]["AWS_EXECUTION_ENV"].as_str(),
            Some(format!("AWS_Lambda_{runtime}").as_str())
        );
        let line = format!("Z\t{}\tINFO\thello from {}\n", answer.request_id, app.spec.function_name);
        assert!(answer.log.contains(&line), "{}", answer.log);
    }
    let answer = host.invoke(&app, &json!({ "do": "throw" })).await;
    assert_eq!(answer.failed(), ("TypeError", "no such thing"));
    assert_eq!(answer.value["trace"][0], "TypeError: no such thing");
    assert!(answer.log.contains("\tERROR\tInvoke Error \t{\"errorType\":\"TypeError\""), "{}", answer.log);
    let answer = host.invoke(&app, &json!({ "do": "throw text" })).await;
    assert_eq!(answer.failed(), ("string", "only text"));
    let answer = host.invoke(&app, &json!({ "do": "error" })).await;
    answer.ok();
    assert!(answer.log.contains("\tERROR\tbad { deep: { deeper: 1 } }\n"), "{}", answer.log);
    let answer = host.invoke(&app, &json!({ "do": "large" })).await;
    assert_eq!(answer.failed().0, "Function.ResponseSizeTooLarge");
    assert_eq!(host.invoke(&app, &json!({ "do": "never" })).await.ok(), &Value::Null);

    let answer = host.invoke(&app, &json!({ "do": "reject later" })).await;
    assert_eq!(answer.failed(), ("Runtime.UnhandledPromiseRejection", "Error: later"));
    let answer = host.invoke(&app, &json!({ "do": "exit" })).await;
    let message = format!("RequestId: {} Error: Runtime exited with error: exit status 3", answer.request_id);
    assert_eq!(answer.failed(), ("Runtime.ExitError", message.as_str()));
    assert_eq!(host.invoke(&app, &json!({})).await.ok()["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_all_shapes_are_found() {
    let Some((host, runtime)) = with_node().await else { return };
    let back = function(runtime, "app.back", &[("app.mjs", APP)]).done();
    assert_eq!(*host.invoke(&back, &json!(7)).await.ok(), json!({ "back": 7 }));
    let fails = function(runtime, "app.fails", &[("app.mjs", APP)]).done();
    assert_eq!(host.invoke(&fails, &json!(7)).await.failed(), ("Error", "called back"));
    let common = "const data = require('./data.json'); exports.handler = async () => data.x;";
    let files = [("src/app.js", common), ("src/data.json", "{\"x\": 5}")];
    assert_eq!(
        *host.invoke(&function(runtime, "src/app.handler", &files).done(), &json!({})).await.ok(),
        json!(5)
    );
    let module =
        [("app.js", "export const handler = async () => 6;"), ("package.json", "{\"type\":\"module\"}")];
    assert_eq!(
        *host.invoke(&function(runtime, "app.handler", &module).done(), &json!({})).await.ok(),
        json!(6)
    );
    let layered =
        function(runtime, "app.handler", &[("app.js", "exports.handler = async () => require('mine').x;")])
            .layer(&[("nodejs/node_modules/mine/index.js", "exports.x = 8;")])
            .done();
    assert_eq!(*host.invoke(&layered, &json!({})).await.ok(), json!(8));

    let layered = function(
        runtime,
        "app.handler",
        &[("app.mjs", "import { x } from 'mine'; export const handler = async () => x;")],
    )
    .layer(&[("nodejs/node_modules/mine/index.js", "exports.x = 9;")])
    .done();
    assert_eq!(*host.invoke(&layered, &json!({})).await.ok(), json!(9));

    for (handler, source, kind, message) in [
        (
            "app.handler",
            "require('nothing-like-it');",
            "Runtime.ImportModuleError",
            "Error: Cannot find module 'nothing-like-it'",
        ),
        ("gone.handler", "", "Runtime.ImportModuleError", "Error: Cannot find module 'gone'"),
        (
            "app.nothing",
            "exports.x = 1;",
            "Runtime.HandlerNotFound",
            "app.nothing is undefined or not exported",
        ),
        ("app.handler", "throw new RangeError('at once');", "RangeError", "at once"),
        ("app.handler", "const = 1;", "Runtime.UserCodeSyntaxError", "SyntaxError"),
    ] {
        let answer = host.invoke(&function(runtime, handler, &[("app.js", source)]).done(), &json!({})).await;
        let (got, said) = answer.failed();
        assert_eq!(got, kind, "{}", answer.value);
        assert!(said.starts_with(message), "{said}");
    }
}

const STREAM: &str = "
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType('text/plain');
  for (let n = 0; n < 3; n++) {
    stream.write('piece ' + n + '\\n');
    await new Promise((done) => setTimeout(done, 20));
  }
  if (event.fail) throw new Error('half way');
  stream.end();
});
exports.http = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { a: 'b' } });
  stream.write('body');
  stream.end();
});
";

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_streamed() {
    let Some((host, runtime)) = with_node().await else { return };
    let streams = function(runtime, "app.handler", &[("app.js", STREAM)]).done();
    for fail in [false, true] {
        let answer = host.invoke_with(&streams, &json!({ "fail": fail }), |call| call.stream = true).await;
        let mut outcome = answer.outcome;
        assert_eq!(outcome.content_type.as_deref(), Some("text/plain"));
        let Body::Stream(pieces) = &mut outcome.body else { panic!("it is not streamed") };
        let (mut text, mut end) = (String::new(), None);
        while let Some(piece) = pieces.recv().await {
            match piece {
                Piece::Chunk(data) => text.push_str(std::str::from_utf8(&data).unwrap()),
                Piece::End(last) => end = Some(last),
            }
        }
        assert_eq!(text, "piece 0\npiece 1\npiece 2\n");
        let end = end.unwrap();
        assert_eq!(end.error.as_ref().map(|error| error.code.as_str()), fail.then_some("Error"));
        assert!(end.report.duration >= Duration::from_millis(55), "{:?}", end.report);
        assert!(String::from_utf8_lossy(&end.log_tail).contains("REPORT"));
    }
    // Who does not want a stream gets the whole.
    let answer = host.invoke(&streams, &json!({})).await;
    assert_eq!(*answer.ok(), json!("piece 0\npiece 1\npiece 2\n"));

    let http = function(runtime, "app.http", &[("app.js", STREAM)]).done();
    let answer = host.invoke_with(&http, &json!({}), |call| call.stream = true).await;
    let mut outcome = answer.outcome;
    assert_eq!(outcome.content_type.as_deref(), Some("application/vnd.awslambda.http-integration-response"));
    let Body::Stream(pieces) = &mut outcome.body else { panic!("it is not streamed") };
    let mut bytes = Vec::new();
    while let Some(Piece::Chunk(data)) = pieces.recv().await {
        bytes.extend_from_slice(&data);
    }
    assert_eq!(bytes, b"{\"statusCode\":201,\"headers\":{\"a\":\"b\"}}\0\0\0\0\0\0\0\0body");
}

/// What AWS's runtimes come with, from where this machine has it.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_is_there() {
    let Some(modules) = std::env::var_os("HANEUL_NODE_MODULES") else {
        return println!("skipped: HANEUL_NODE_MODULES names no folder with the SDK");
    };
    let change = |settings: &mut haneul_lambda_exec::Settings| settings.sdks.node = Some(modules.into());
    let Some(host) = Host::with(change, std::sync::Arc::new(haneul_lambda_exec::NoEndpoint)) else { return };
    let Some(runtime) = RUNTIMES.iter().find(|runtime| host.has(runtime)) else { return };
    let module = "import { S3Client } from '@aws-sdk/client-s3';
        export const handler = async () => await new S3Client({}).config.region();";
    let common = "const { S3Client } = require('@aws-sdk/client-s3');
        exports.handler = async () => await new S3Client({}).config.region();";
    for (file, source) in [("app.mjs", module), ("app.cjs", common)] {
        let function = function(runtime, "app.handler", &[(file, source)])
            .with(|spec| spec.timeout = Duration::from_secs(60))
            .done();
        assert_eq!(*host.invoke(&function, &json!({})).await.ok(), json!("eu-west-1"), "{file}");
    }
}
