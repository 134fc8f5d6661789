//! Every implemented operation asks for permission, and for one that AWS has: an action of the Service Authorization
//! Reference, on a resource of a type that the action knows, with condition keys that it has.
//!
//! The handlers are asked with inputs made from the model, in which ARNs are of the type that the operation's own action
//! speaks of. What does not fit is listed in `access_exempt.txt`, which may only shrink: a line that is no longer needed
//! fails the test too. After a change: `HANEUL_BLESS=1 cargo nextest run -p haneul-harness access`, and look at the diff.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use haneul_harness::Cloud;
use haneul_kit::{Access, AccountId, Caller, Cx, Principal, Region, RequestHead, cx};
use haneul_shape::{Mut, Shape};
use haneul_wire::Model;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    prefix: String,
    actions: BTreeMap<String, Action>,
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize, Clone)]
struct Action {
    resources: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize, Clone)]
struct Resource {
    arn: String,
    conditions: Vec<String>,
}

/// All that is known, by prefix.
struct Known(BTreeMap<String, Vec<Reference>>);

impl Known {
    fn read() -> Known {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");
        let mut known: BTreeMap<String, Vec<Reference>> = BTreeMap::new();
        for folder in std::fs::read_dir(&root).expect("the services") {
            let path = folder.expect("a folder").path().join("wire/iam.json");
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let reference: Reference =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            known.entry(reference.prefix.clone()).or_default().push(reference);
        }
        Known(known)
    }

    fn action(&self, action: &str) -> Option<(&Reference, &Action)> {
        let (prefix, name) = action.split_once(':')?;
        self.0.get(prefix)?.iter().find_map(|reference| Some((reference, reference.actions.get(name)?)))
    }

    /// An ARN of the type that an operation speaks of, if its action has the operation's name.
    fn arn(&self, prefixes: &[&str], operation: &str) -> Option<String> {
        let (reference, action) =
            prefixes.iter().find_map(|prefix| self.action(&format!("{prefix}:{operation}")))?;
        let kind = action.resources.keys().find(|kind| *kind != "*")?;
        Some(filled(&reference.resources.get(kind)?.arn))
    }

    /// What is wrong with an access.
    fn problem(&self, access: &Access) -> Option<&'static str> {
        let Some((reference, action)) = self.action(access.action) else { return Some("action") };
        let kinds: Vec<&Resource> =
            action.resources.keys().filter_map(|kind| reference.resources.get(kind)).collect();
        let fits = match &*access.resource {
            "*" => kinds.is_empty() || action.resources.contains_key("*"),
            arn => kinds.iter().any(|kind| is_of(&kind.arn, arn)),
        };
        if !fits {
            return Some("resource");
        }
        let of_action = action.resources.values().flatten();
        let of_kinds = kinds.iter().flat_map(|kind| &kind.conditions);
        let names: BTreeSet<String> = of_action.chain(of_kinds).map(|key| stem(key)).collect();
        let is_known = |key: &str| names.contains(&stem(key)) || OF_CALL.contains(&stem(key).as_str());
        access.keys.iter().any(|(key, _)| !is_known(key)).then_some("key")
    }
}

/// Global keys that an operation may set itself.
const OF_CALL: &[&str] =
    &["aws:multifactorauthpresent", "aws:multifactorauthage", "aws:sourcearn", "aws:sourceaccount"];

/// `aws:RequestTag/${TagKey}` and `aws:RequestTag/team` are one key; so are those of KMS with a colon before the name.
fn stem(key: &str) -> String {
    let key = key.to_lowercase();
    match (key.find('/'), key.match_indices(':').nth(1)) {
        (Some(at), _) => key[..=at].to_owned(),
        (None, Some((at, _))) => key[..at].to_owned(),
        _ => key.split("${").next().unwrap_or_default().to_owned(),
    }
}

fn filled(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, after) = after.split_once('}').expect("a variable ends");
        out.push_str(match name {
            "Partition" => "aws",
            "Region" => "us-east-1",
            "Account" => "000000000000",
            _ => "thing",
        });
        rest = after;
    }
    out + rest
}

/// Whether an ARN has the form of a pattern: a variable stands for anything.
fn is_of(pattern: &str, arn: &str) -> bool {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        pieces.push(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    let Some(first) = pieces.first() else { return pattern == arn || pattern == "*" };
    let Some(mut left) = arn.strip_prefix(first) else { return false };
    for piece in &pieces[1..] {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(rest)
}

/// Fills what is required, and with `all` what is not, some levels deep.
fn fill(model: &Model, into: &mut dyn Shape, arn: &str, all: bool, depth: usize) {
    let def = model.structure(into.id());
    if depth > 4 {
        return;
    }
    for (at, member) in def.members.iter().enumerate() {
        if member.required || all && depth < 2 {
            value(model, into.get_mut(at), member.name, arn, all, depth);
        }
        if def.union {
            return;
        }
    }
}

fn value(model: &Model, into: Mut<'_>, name: &str, arn: &str, all: bool, depth: usize) {
    match into {
        Mut::Bool(into) => *into = true,
        Mut::I32(into) => *into = 1,
        Mut::I64(into) => *into = 1,
        Mut::F32(into) => *into = 1.0,
        Mut::F64(into) => *into = 1.0,
        Mut::Str(into) => *into = text(name, arn),
        Mut::Struct(into) => fill(model, into, arn, all, depth + 1),
        Mut::List(into) => value(model, into.push(), name, arn, all, depth + 1),
        Mut::Map(into) => {
            let name = if name == "RequestItems" { "RequestItems" } else { "Value" };
            value(model, into.insert("thing".to_owned()), name, arn, all, depth + 1);
        }
        Mut::Blob(_) | Mut::Timestamp(_) | Mut::Document(_) | Mut::Stream(_) | Mut::Events(_) => {}
    }
}

fn text(name: &str, arn: &str) -> String {
    let lower = name.to_lowercase();
    match lower.as_str() {
        "queueurl" => "http://localhost:4566/000000000000/thing".into(),
        "rolearn" | "executionrolearn" | "role" => "arn:aws:iam::000000000000:role/thing".into(),
        "policyarn" | "permissionsboundary" => "arn:aws:iam::000000000000:policy/thing".into(),
        "kmskeyid" | "keyid" | "targetkeyid" | "sourcekeyid" | "destinationkeyid" => {
            "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555".into()
        }
        "path" | "newpath" | "pathprefix" => "/".into(),
        "aliasname" => "alias/thing".into(),
        "targetid" | "childid" | "resourceid" if arn.contains(":organizations:") => "000000000000".into(),
        "accountid" => "000000000000".into(),
        "targetprincipal" => "000000000000".into(),
        "copysource" => "thing/thing".into(),
        name if name.ends_with("arn") || name == "resource" => arn.into(),
        name if name.ends_with("document") || name == "policy" => "{}".into(),
        _ => "thing".into(),
    }
}

fn context(operation: &str) -> Cx {
    let ann = Principal::User { path: "/".into(), name: "ann".into(), id: "AIDAANN".into() };
    let caller = Caller {
        account: AccountId::DEFAULT,
        principal: ann,
        access_key_id: Some("AKIA".into()),
        session: None,
    };
    let head =
        http::Request::post("/thing/thing").header("host", "localhost:4566").body(()).expect("a request");
    let (head, ()) = head.into_parts();
    Cx::new(cx::Parts {
        request_id: operation.to_owned(),
        caller,
        region: Region::US_EAST_1,
        now: haneul_base::Instant::from_secs(1_767_225_600),
        source_ip: None,
        secure: true,
        http: Some(RequestHead::new(head.method, head.uri, head.headers)),
        called_via: Vec::new(),
        source_arn: None,
        answer: Default::default(),
    })
}

#[tokio::test]
async fn every_operation_asks_for_a_permission_that_aws_has() {
    let cloud = Cloud::in_process(4).await;
    let known = Known::read();
    let mut found = BTreeSet::new();
    let mut asked = 0;
    for entry in cloud.inside().catalog().entries() {
        let Some(service) = &entry.service else { continue };
        let model = haneul_wire::model(entry.model);
        let prefixes = [entry.name(), entry.facts.signing_name];
        for name in service.implemented() {
            let Some(handler) = service.operation(name) else { continue };
            let arn = known.arn(&prefixes, name);
            let arn = arn.unwrap_or_else(|| format!("arn:aws:{}:us-east-1:000000000000:thing", prefixes[1]));
            let mut problems: Option<BTreeSet<&str>> = None;
            // First with everything, then with what is required: the first that the handler takes counts.
            for all in [true, false] {
                let mut input = handler.new_input();
                fill(model, &mut *input, &arn, all, 0);
                if let Ok(accesses) = handler.access(&context(name), &*input).await {
                    let wrong = accesses.iter().filter_map(|access| known.problem(access));
                    let none = accesses.is_empty().then_some("none");
                    problems = Some(wrong.chain(none).collect());
                    break;
                }
            }
            asked += 1;
            let problems = problems.unwrap_or_else(|| BTreeSet::from(["refused"]));
            found.extend(problems.into_iter().map(|problem| format!("{} {name} {problem}", entry.name())));
        }
    }
    assert!(asked > 200, "only {asked} operations");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/access_exempt.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let said: BTreeMap<&str, &str> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| (line.split(" # ").next().unwrap_or(line), line))
        .collect();
    if let Some(bless) = std::env::var_os("HANEUL_BLESS") {
        let path = if bless == "1" { path } else { bless.into() };
        let comments = text.lines().filter(|line| line.starts_with('#'));
        let lines = found.iter().map(|line| said.get(line.as_str()).copied().unwrap_or(line));
        let all: Vec<&str> = comments.chain(lines).collect();
        std::fs::write(&path, all.join("\n") + "\n").expect("the list is written");
        return;
    }
    let new: Vec<&String> = found.iter().filter(|line| !said.contains_key(line.as_str())).collect();
    let gone: Vec<&&str> = said.keys().filter(|line| !found.contains(**line)).collect();
    assert!(new.is_empty(), "asks for what AWS does not have, or for nothing: {new:#?}");
    assert!(gone.is_empty(), "no longer needed in access_exempt.txt: {gone:#?}");
}

#[test]
fn the_forms_of_resources() {
    assert!(is_of("arn:${Partition}:s3:::${Bucket}/${Key}", "arn:aws:s3:::b/k/l"));
    assert!(!is_of("arn:${Partition}:s3:::${Bucket}/${Key}", "arn:aws:s3:::b"));
    assert!(!is_of("arn:${Partition}:sqs:${Region}:${Account}:${Queue}", "arn:aws:sns:us-east-1:1:q"));
    assert_eq!(stem("aws:RequestTag/${TagKey}"), stem("aws:RequestTag/team"));
    assert_eq!(stem("kms:EncryptionContext:${Key}"), stem("kms:EncryptionContext:AppName"));
}
