//! A cloud with something of everything in it, as `world.json` says.
//!
//! - `made`: operations called one after another as the root user of the default account: `[operation, input, kept]`,
//!   where `kept` names what is picked out of the output.
//! - `words`: texts for members of a name, by service (`*` for all); names are in lower case.
//! - `variables`: texts for the variables in the reference's ARNs.
//! - `inputs`: inputs for operations that need more than words; an operation may have several, and all are tried.
//!
//! `$name` in a text stands for what was kept under that name, `$name_id` for what comes after its last slash, `@path` for the content of that file of the project.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use haneul_env::Env;
use haneul_harness::Cloud;
use haneul_kit::service::Erased;
use haneul_kit::{AccountId, Caller, Cx, Principal, Region, RequestHead, cx};
use haneul_sandbox::simulated::Simulated;
use haneul_wire::Model;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::inputs;

pub(crate) struct World {
    pub(crate) cloud: Cloud,
    file: File,
    kept: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    made: Vec<Made>,
    words: BTreeMap<String, BTreeMap<String, String>>,
    variables: BTreeMap<String, String>,
    inputs: BTreeMap<String, Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Made {
    Plain(String, Value),
    Kept(String, Value, BTreeMap<String, String>),
}

/// One in which functions can be made, though nothing calls them: their programs never do anything.
fn platform() -> haneul_kit::Platform {
    let env = Env::simulated(4);
    let platform = haneul_harness::cloud::platform(&env);
    platform.set_iam_catalog(&Path::new(env!("CARGO_MANIFEST_DIR")).join("iam_catalog"));
    platform.set_sandbox(Arc::new(Simulated::new(&env, |_| Box::pin(std::future::pending()))));
    platform
}

impl World {
    pub(crate) async fn make() -> World {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/world.json");
        let text = std::fs::read_to_string(&path).expect("world.json");
        let mut file: File =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("world.json: {error}"));
        let mut world = World {
            cloud: Cloud::over(platform()).await,
            kept: BTreeMap::new(),
            file: File {
                made: Vec::new(),
                inputs: BTreeMap::new(),
                words: BTreeMap::new(),
                variables: BTreeMap::new(),
            },
        };
        for made in std::mem::take(&mut file.made) {
            let (name, input, kept) = match made {
                Made::Plain(name, input) => (name, input, BTreeMap::new()),
                Made::Kept(name, input, kept) => (name, input, kept),
            };
            world.call(&name, &input, &kept).await;
        }
        world.file = file;
        world
    }

    async fn call(&mut self, name: &str, input: &Value, keep: &BTreeMap<String, String>) {
        let (service, operation) = name.split_once(' ').expect("a service and its operation");
        let entry = self.cloud.inside().catalog().named(service).unwrap_or_else(|| panic!("no {service}"));
        let handler = entry.service.as_ref().and_then(|service| service.operation(operation));
        let handler = handler.unwrap_or_else(|| panic!("{name} is not implemented"));
        let model = haneul_wire::model(entry.model);
        let mut shape = handler.new_input();
        inputs::read(model, &mut *shape, &self.put_in(input));
        let cx = self.cx(operation, Principal::Root);
        let output = handler.call(&cx, shape).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut found = Vec::new();
        for (into, path) in keep {
            let value = inputs::pick(model, &*output, path);
            let value = value.unwrap_or_else(|| panic!("{name} answers nothing at {path}"));
            if let Some((_, last)) = value.rsplit_once('/') {
                found.push((format!("{into}_id"), last.to_owned()));
            }
            found.push((into.clone(), value));
        }
        self.kept.extend(found);
        // Long enough for what becomes ready by itself.
        self.cloud.env.clock.advance(Duration::from_secs(10));
        self.cloud.settle().await;
    }

    /// A user who calls `operation`, or whoever `principal` is.
    pub(crate) fn cx(&self, operation: &str, principal: Principal) -> Cx {
        let caller = Caller {
            account: AccountId::DEFAULT,
            principal,
            access_key_id: Some("AKIA".into()),
            session: None,
        };
        let head =
            http::Request::post("/thing/thing").header("host", "localhost:4566").body(()).expect("a request");
        let (head, ()) = head.into_parts();
        Cx::new(cx::Parts {
            secure: true,
            http: Some(RequestHead::new(head.method, head.uri, head.headers)),
            ..cx::Parts::within(operation.to_owned(), caller, Region::US_EAST_1, self.cloud.env.now())
        })
    }

    pub(crate) fn word(&self, service: &str, name: &str) -> Option<String> {
        let of = |service: &str| self.file.words.get(service)?.get(name);
        of(service).or_else(|| of("*")).map(|text| self.with_kept(text))
    }

    /// An ARN of a form of the reference's.
    pub(crate) fn filled(&self, form: &str) -> String {
        let mut out = String::new();
        let mut rest = form;
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let (name, after) = after.split_once('}').expect("a variable ends");
            let value = self.file.variables.get(name).map(|text| self.with_kept(text));
            out.push_str(value.as_deref().unwrap_or("thing"));
            rest = after;
        }
        out + rest
    }

    /// The inputs that the file gives an operation.
    pub(crate) fn inputs(
        &self,
        service: &str,
        operation: &str,
        model: &Model,
        handler: &dyn Erased,
    ) -> Vec<Box<dyn haneul_shape::Shape>> {
        let given = self.file.inputs.get(&format!("{service} {operation}"));
        let given = given.into_iter().flatten().map(|json| {
            let mut input = handler.new_input();
            inputs::read(model, &mut *input, &self.put_in(json));
            input
        });
        given.collect()
    }

    /// The operations that the file has inputs for.
    pub(crate) fn with_inputs(&self) -> impl Iterator<Item = &str> {
        self.file.inputs.keys().map(String::as_str)
    }

    fn put_in(&self, json: &Value) -> Value {
        match json {
            Value::String(text) => Value::String(self.with_kept(text)),
            Value::Array(items) => items.iter().map(|item| self.put_in(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| (self.with_kept(name), self.put_in(value)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    fn with_kept(&self, text: &str) -> String {
        if let Some(path) = text.strip_prefix('@') {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
            return std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        if !text.contains('$') {
            return text.to_owned();
        }
        // Longer names first: `$key_id` is not `$key` and more.
        let mut names: Vec<_> = self.kept.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
    }
}
