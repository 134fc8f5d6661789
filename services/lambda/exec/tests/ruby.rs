//! The bootstrap of Ruby, by the host's own Ruby, whatever its version is, against a Runtime API that is played here: the versions
//! that Lambda has are seldom on a host, and the service runs none but those.

mod host;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use host::{Host, function};
use serde_json::{Value, json};

const SOURCE: &str = r#"
require "logger"
$count = 0
def echo(event:, context:)
  $count += 1
  Logger.new($stdout).info("seen #{event["n"]}")
  { event: event, id: context.aws_request_id, count: $count, left: context.get_remaining_time_in_millis > 0,
    arn: context.invoked_function_arn, trace: ENV["_X_AMZN_TRACE_ID"] }
end
def text(event:, context:) = StringIO.new("as it is")
def broken(event:, context:) = raise(KeyError, "no #{event["n"]}")
module Own
  class Handler
    def self.process(event:, context:) = "of a class"
  end
end
"#;

struct Ruby {
    program: Child,
    api: BufReader<TcpStream>,
    _folder: tempfile::TempDir,
}

/// What the bootstrap asked.
struct Asked {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Ruby {
    /// `None` without a Ruby.
    fn start(source: &str, handler: &str) -> Option<Ruby> {
        if !Command::new("ruby").arg("--version").output().is_ok_and(|said| said.status.success()) {
            let required = std::env::var_os("HANEUL_REQUIRE_CLIENTS").is_some();
            assert!(!required, "there is no `ruby`, and HANEUL_REQUIRE_CLIENTS is set");
            println!("skipped: there is no `ruby`");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("app.rb"), source).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let program = Command::new("ruby")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bootstraps/ruby.rb"))
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string())
            .env("LAMBDA_TASK_ROOT", folder.path())
            .env("_HANDLER", handler)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (api, _) = listener.accept().unwrap();
        Some(Ruby { program, api: BufReader::new(api), _folder: folder })
    }

    fn asked(&mut self) -> Asked {
        let mut line = String::new();
        self.api.read_line(&mut line).unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            self.api.read_line(&mut header).unwrap();
            let Some((name, value)) = header.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        self.api.read_exact(&mut body).unwrap();
        Asked { line: line.trim_end().to_owned(), headers, body: String::from_utf8(body).unwrap() }
    }

    fn answer(&mut self, head: &str, body: &str) {
        let text = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.api.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// Gives an event and takes what comes of it.
    fn invoke(&mut self, id: &str, event: &Value) -> Asked {
        let next = self.asked();
        assert_eq!(next.line, "GET /2018-06-01/runtime/invocation/next HTTP/1.1");
        let head = format!(
            "200 OK\r\nLambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: 99999999999999\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:f\r\nLambda-Runtime-Trace-Id: Root=1-{id}"
        );
        self.answer(&head, &event.to_string());
        let answer = self.asked();
        self.answer("202 Accepted", "");
        answer
    }

    /// Ends the connection, which ends the program; what it printed.
    fn end(self) -> (Option<i32>, String) {
        let Ruby { mut program, api, _folder } = self;
        drop(api);
        let mut said = String::new();
        program.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        (program.wait().unwrap().code(), said)
    }
}

#[test]
fn a_method_is_called_with_event_and_context() {
    let Some(mut ruby) = Ruby::start(SOURCE, "app.echo") else { return };
    for n in 1..=2 {
        let id = format!("id-{n}");
        let answer = ruby.invoke(&id, &json!({ "n": n, "text": "하늘" }));
        assert_eq!(answer.line, format!("POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1"));
        assert_eq!(answer.headers["content-type"], "application/json");
        let expected = json!({ "event": { "n": n, "text": "하늘" }, "id": id, "count": n, "left": true, "arn": "arn:f",
            "trace": format!("Root=1-{id}") });
        assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), expected);
    }
    let (code, said) = ruby.end();
    assert_eq!(code, Some(0));
    let line = said.lines().find(|line| line.ends_with("seen 2")).expect("the line of the logger");
    assert!(line.contains("RequestId: id-2]"), "{line}");
}

#[test]
fn methods_of_classes_and_answers_that_are_no_json() {
    let Some(mut ruby) = Ruby::start(SOURCE, "app.Own::Handler.process") else { return };
    assert_eq!(ruby.invoke("a", &json!({})).body, "\"of a class\"");
    ruby.end();
    let Some(mut ruby) = Ruby::start(SOURCE, "app.text") else { return };
    let answer = ruby.invoke("a", &json!({}));
    assert_eq!(
        (answer.headers["content-type"].as_str(), answer.body.as_str()),
        ("application/unknown", "as it is")
    );
    ruby.end();
}

#[test]
fn what_a_handler_raises_is_its_answer_and_the_next_event_comes() {
    let Some(mut ruby) = Ruby::start(SOURCE, "app.broken") else { return };
    for id in ["a", "b"] {
        let answer = ruby.invoke(id, &json!({ "n": id }));
        assert_eq!(answer.line, format!("POST /2018-06-01/runtime/invocation/{id}/error HTTP/1.1"));
        assert_eq!(answer.headers["lambda-runtime-function-error-type"], "Function<KeyError>");
        let error: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(error["errorType"], "Function<KeyError>");
        assert_eq!(error["errorMessage"], format!("no {id}"));
        let stack = error["stackTrace"].as_array().unwrap();
        assert!(stack.len() == 1 && stack[0].as_str().unwrap().contains("app.rb:"), "{stack:?}");
    }
    ruby.end();
}

#[test]
fn code_that_cannot_be_loaded_is_said_and_ends_the_program() {
    for (source, handler, kind) in [
        ("def broken(", "app.broken", "Init<SyntaxError>"),
        ("raise 'not now'", "app.any", "Init<RuntimeError>"),
        ("", "other.any", "Init<LoadError>"),
        ("", "app.Missing.any", "Init<NameError>"),
        ("", "app", "Init<ArgumentError>"),
    ] {
        let Some(mut ruby) = Ruby::start(source, handler) else { return };
        let asked = ruby.asked();
        assert_eq!(asked.line, "POST /2018-06-01/runtime/init/error HTTP/1.1", "{handler}");
        assert_eq!(asked.headers["lambda-runtime-function-error-type"], kind);
        ruby.answer("202 Accepted", "");
        assert_eq!(ruby.end().0, Some(1), "{handler}");
    }
}

/// In the sandbox, by each Ruby of this host that Lambda has.
#[tokio::test(flavor = "multi_thread")]
async fn every_version_of_this_host_answers() {
    let Some(host) = Host::new() else { return };
    for runtime in ["ruby3.2", "ruby3.3", "ruby3.4"] {
        if !host.has(runtime) {
            println!("skipped: no {runtime} on this host");
            continue;
        }
        let source = "require 'app/more'\ndef handler(event:, context:) = more(event, context.function_name, ENV['AWS_EXECUTION_ENV'])";
        let more = "def more(event, *about) = { event: event, about: about, version: RUBY_VERSION }";
        let files = [("app.rb", source), ("app/more.rb", more)];
        let function = function(runtime, "app.handler", &files).done();
        let answer = host.invoke(&function, &json!({ "n": 1 })).await;
        let value = answer.ok();
        assert_eq!(value["event"], json!({ "n": 1 }));
        let about = json!([function.spec.function_name, format!("AWS_Lambda_{runtime}")]);
        assert_eq!(value["about"], about);
        assert!(value["version"].as_str().is_some_and(|version| runtime.ends_with(&version[..3])), "{value}");
    }
}
