//! What a bucket's policy must be beyond its grammar: about this bucket, with actions, condition keys and principals that
//! exist and that have to do with each other. Anything that S3 might take is let through.
//!
//! Source: the Service Authorization Reference, and S3's own words in refusals.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use haneul_kit::{AccountId, Arn, Policy, Result};
use haneul_policy::{PrincipalKind, Statement};
use serde::Deserialize;

use crate::bucket::Bucket;
use crate::{S3, error};

pub(crate) fn malformed(message: impl Into<String>) -> haneul_kit::ApiError {
    error::new("MalformedPolicy", 400, message)
}

/// The reference, names in lower case.
struct Reference {
    actions: BTreeMap<String, Action>,
    keys: BTreeSet<String>,
}

struct Action {
    on_bucket: bool,
    on_object: bool,
    keys: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Document {
    actions: BTreeMap<String, DocumentAction>,
    resources: BTreeMap<String, DocumentResource>,
    conditions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct DocumentAction {
    /// By the kind of resource, with the keys that go with it; `*` for those that go with any.
    resources: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct DocumentResource {
    conditions: Vec<String>,
}

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    let none = Document { actions: BTreeMap::new(), resources: BTreeMap::new(), conditions: BTreeMap::new() };
    let document: Document = serde_json::from_str(haneul_s3_wire::IAM).unwrap_or(none);
    let actions = document.actions.iter().map(|(name, action)| {
        let kinds = action.resources.keys();
        let of_kinds =
            kinds.filter_map(|kind| document.resources.get(kind)).flat_map(|kind| &kind.conditions);
        let keys = action.resources.values().flatten().chain(of_kinds).map(|key| key.to_ascii_lowercase());
        let on = |kind: &str| action.resources.contains_key(kind);
        let known = Action { on_bucket: on("bucket"), on_object: on("object"), keys: keys.collect() };
        (name.to_ascii_lowercase(), known)
    });
    let actions = actions.chain(of_annotations(&document));
    let keys = document.conditions.keys().map(|key| key.to_ascii_lowercase());
    Reference { actions: actions.collect(), keys: keys.collect() }
});

/// Actions that are newer than the data set of the reference, on objects, with the keys that others on objects have.
const OF_ANNOTATIONS: [&str; 4] =
    ["putobjectannotation", "getobjectannotation", "listobjectannotations", "deleteobjectannotation"];

fn of_annotations(document: &Document) -> impl Iterator<Item = (String, Action)> {
    let alike = document.actions.get("GetObjectAttributes");
    let keys: BTreeSet<String> = alike
        .iter()
        .flat_map(|action| action.resources.values().flatten())
        .map(|key| key.to_ascii_lowercase())
        .collect();
    OF_ANNOTATIONS
        .into_iter()
        .map(move |name| (name.to_owned(), Action { on_bucket: false, on_object: true, keys: keys.clone() }))
}

/// Keys that requests of every action may have, whatever the reference says of one.
const KEYS_OF_ALL: &[&str] = &[
    "s3:accessgrantsinstancearn",
    "s3:accesspointnetworkorigin",
    "s3:authtype",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:resourceaccount",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:tlsversion",
    "s3:x-amz-content-sha256",
];

/// Source: IAM User Guide, "AWS global condition context keys". In lower case; any text follows a slash.
const GLOBAL_KEYS: &[&str] = &[
    "aws:assumedroot",
    "aws:calledvia",
    "aws:calledviaawsmcp",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:chatbotsourcearn",
    "aws:currenttime",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:ismcpserviceaction",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:principaltag/",
    "aws:principaltype",
    "aws:referer",
    "aws:requestedregion",
    "aws:requesttag/",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:resourceorgpaths",
    "aws:resourcetag/",
    "aws:securetransport",
    "aws:signinsessionarn",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceidentity",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:tagkeys",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:viaawsmcpservice",
    "aws:viaawsservice",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:vpcsourceip",
];

/// Whether the policy may be this bucket's.
pub(crate) fn check(policy: &Policy, bucket: &Bucket) -> Result<()> {
    policy.statements().iter().try_for_each(|statement| check_statement(statement, &bucket.arn()))
}

/// Whether there are such actions.
pub(crate) fn check_actions(policy: &Policy) -> Result<()> {
    policy.statements().iter().try_for_each(|statement| actions_of(statement).map(drop))
}

fn actions_of(statement: &Statement) -> Result<Vec<Vec<&'static Action>>> {
    let (_, actions) = statement.actions();
    actions.map(|action| named(action).ok_or_else(|| malformed("Policy has invalid action"))).collect()
}

fn check_statement(statement: &Statement, bucket: &str) -> Result<()> {
    let (not_actions, _) = statement.actions();
    let about = actions_of(statement)?;
    let (not_resources, resources) = statement.resources();
    let resources: Vec<&str> = resources.collect();
    let within = format!("{bucket}/");
    let is_ours =
        |resource: &&str| *resource == bucket || resource.starts_with(&within) || covers(resource, bucket);
    if !resources.iter().all(is_ours) {
        return Err(malformed("Policy has invalid resource"));
    }
    let on_bucket = not_resources || resources.iter().any(|resource| names_buckets(resource));
    let on_object = not_resources || resources.iter().any(|resource| names_objects(resource));
    let applies = |action: &&Action| (action.on_bucket && on_bucket) || (action.on_object && on_object);
    if !not_actions && about.iter().any(|actions| !actions.iter().any(applies)) {
        return Err(malformed("Action does not apply to any resource(s) in statement"));
    }
    for key in statement.conditions().iter().map(|condition| condition.key()) {
        let is_known = match key.split_once(':') {
            Some(("aws", _)) => GLOBAL_KEYS.iter().any(|known| is_key(known, key)),
            Some(("s3", _)) => REFERENCE.keys.iter().any(|known| is_key(known, key)),
            // Of an identity provider, or of another service.
            _ => true,
        };
        if !is_known {
            return Err(malformed("Policy has an invalid condition key"));
        }
        let of_all = not_actions || !key.starts_with("s3:") || KEYS_OF_ALL.contains(&key);
        let mut may_have = about.iter().flatten().flat_map(|action| &action.keys);
        if !of_all && !may_have.any(|known| is_key(known, key)) {
            return Err(malformed(
                "Conditions do not apply to combination of actions and resources in statement",
            ));
        }
    }
    Ok(())
}

/// The actions that a pattern means; `None` when there are none.
fn named(pattern: &str) -> Option<Vec<&'static Action>> {
    let pattern = pattern.to_ascii_lowercase();
    let name = match pattern.as_str() {
        "*" | "*:*" => "*",
        pattern => pattern.strip_prefix("s3:")?,
    };
    let actions = &REFERENCE.actions;
    let found: Vec<&Action> = match name.contains(['*', '?']) {
        true => actions.iter().filter(|(known, _)| matches(name, known)).map(|(_, action)| action).collect(),
        false => actions.get(name).into_iter().collect(),
    };
    (!found.is_empty()).then_some(found)
}

/// Whether a key in lower case is the one that a reference has, whose name may end with a slash and a placeholder.
fn is_key(known: &str, key: &str) -> bool {
    match known.split_once('/') {
        Some((stem, _)) => {
            key.strip_prefix(stem).and_then(|rest| rest.strip_prefix('/')).is_some_and(|tag| !tag.is_empty())
        }
        None => known == key,
    }
}

/// A pattern such as `arn:aws:s3:::my-bucket*` that begins within the bucket's name or has wildcards in it.
fn covers(pattern: &str, arn: &str) -> bool {
    let fixed = pattern.split(['*', '?']).next().unwrap_or_default();
    fixed.len() < pattern.len() && (arn.starts_with(fixed) || fixed.starts_with(&format!("{arn}/")))
}

/// The first slash in a resource of S3's is the one between bucket and key.
fn names_buckets(resource: &str) -> bool {
    !resource.contains('/')
}

fn names_objects(resource: &str) -> bool {
    resource.contains(['/', '*', '?', '$'])
}

/// `*` stands for any text, `?` for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star is, and what it has taken so far.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b) if *b == b'?' || *b == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

impl S3 {
    /// Roles and users that a policy names must exist, where their account is known: the resource owner's, or one of an
    /// organization.
    pub(crate) async fn check_principals(&self, policy: &Policy, owner: AccountId) -> Result<()> {
        for principal in policy.principals().filter(|principal| principal.kind == PrincipalKind::Aws) {
            let Ok(arn) = Arn::parse(principal.value) else { continue };
            let Some(account) = arn.account_id().filter(|_| arn.service() == "iam") else { continue };
            if account != owner && self.platform.standing(account).await?.is_none() {
                continue;
            }
            let directory = self.platform.directory();
            // Roles of services' own path may be made later by the service.
            let is_there = match arn.resource().split_once('/') {
                Some(("role", path)) if path.starts_with("aws-service-role/") => true,
                Some(("role" | "user", _)) => directory.unique_id(&arn).await?.is_some(),
                _ => true,
            };
            if !is_there {
                return Err(malformed("Invalid principal in policy"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::POLICY_RULES;

    fn judge(action: &str, resource: &str, condition: &str) -> String {
        let statement = format!(
            r#""Effect":"Deny","Principal":"*","Action":{action},"Resource":{resource},"Condition":{condition}"#
        );
        judge_statement(&statement)
    }

    fn judge_statement(statement: &str) -> String {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{{{statement}}}}}"#);
        let policy = Policy::parse(&text, &POLICY_RULES).unwrap();
        check_statement(&policy.statements()[0], "arn:aws:s3:::bkt")
            .map_or_else(|error| error.message().to_owned(), |()| "ok".to_owned())
    }

    const BUCKET: &str = r#""arn:aws:s3:::bkt""#;
    const OBJECTS: &str = r#""arn:aws:s3:::bkt/*""#;
    const BOTH: &str = r#"["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]"#;

    #[test]
    fn actions_and_resources() {
        let (ok, invalid) = ("ok", "Policy has invalid action");
        let apart = "Action does not apply to any resource(s) in statement";
        for (action, resource, expected) in [
            (r#""s3:PutObjectAnnotation""#, OBJECTS, ok),
            (r#""s3:GetObject""#, OBJECTS, ok),
            (r#""S3:getobject""#, OBJECTS, ok),
            (r#""s3:GetObject""#, BUCKET, apart),
            (r#""s3:ListBucket""#, OBJECTS, apart),
            (r#""s3:ListBucket""#, BUCKET, ok),
            (r#"["s3:ListBucket","s3:GetObject"]"#, BOTH, ok),
            (r#"["s3:ListBucket","s3:GetObject"]"#, OBJECTS, apart),
            (r#""s3:*""#, OBJECTS, ok),
            (r#""s3:*""#, BUCKET, ok),
            (r#""*""#, BUCKET, ok),
            (r#""s3:Get*""#, BUCKET, ok),
            (r#""s3:GetObject*""#, BUCKET, apart),
            (r#""s3:?etObject""#, OBJECTS, ok),
            (r#""s3:GetObject""#, r#""arn:aws:s3:::bk*""#, ok),
            (r#""s3:ListBucket""#, r#""*""#, ok),
            (r#""s3:GetObject""#, r#""*""#, ok),
            (r#""s3:GetObject""#, r#""arn:aws:s3:::bkt/${aws:username}/*""#, ok),
            (r#""s3:ListObjects""#, BUCKET, invalid),
            (r#""s3:Nothing*""#, BUCKET, invalid),
            (r#""sqs:SendMessage""#, BUCKET, invalid),
            (r#""s3:GetObject""#, r#""arn:aws:s3:::other/*""#, "Policy has invalid resource"),
        ] {
            assert_eq!(judge(action, resource, "{}"), expected, "{action} {resource}");
        }
        let not =
            r#""Effect":"Deny","Principal":"*","NotAction":"s3:ListBucket","Resource":"arn:aws:s3:::bkt/*""#;
        assert_eq!(judge_statement(not), "ok");
        let not =
            r#""Effect":"Deny","Principal":"*","Action":"s3:ListBucket","NotResource":"arn:aws:s3:::bkt/*""#;
        assert_eq!(judge_statement(not), "ok");
    }

    #[test]
    fn condition_keys() {
        let (ok, invalid) = ("ok", "Policy has an invalid condition key");
        let apart = "Conditions do not apply to combination of actions and resources in statement";
        for (action, key, expected) in [
            ("s3:PutObject", "s3:x-amz-acl", ok),
            ("s3:PutObject", "S3:X-AMZ-ACL", ok),
            ("s3:PutObject", "s3:RequestObjectTag/team", ok),
            ("s3:PutObject", "s3:if-none-match", ok),
            ("s3:PutObject", "s3:prefix", apart),
            ("s3:GetObject", "s3:ExistingObjectTag/team", ok),
            ("s3:GetObject", "s3:ExistingObjectTag/", invalid),
            ("s3:GetObject", "s3:x-amz-acl", apart),
            ("s3:GetObject", "s3:DataAccessPointAccount", ok),
            ("s3:GetObject", "s3:authType", ok),
            ("s3:*", "s3:prefix", ok),
            ("*", "s3:TlsVersion", ok),
            ("s3:Put*", "s3:x-amz-server-side-encryption", ok),
            ("s3:GetObject", "s3:nothing", invalid),
            ("s3:GetObject", "aws:SourceIp", ok),
            ("s3:GetObject", "aws:PrincipalTag/a/b", ok),
            ("s3:GetObject", "AWS:PrincipalOrgID", ok),
            ("s3:GetObject", "aws:PrincipalTag", invalid),
            ("s3:GetObject", "aws:Nothing", invalid),
            ("s3:GetObject", "saml:aud", ok),
            ("s3:GetObject", "cognito-identity.amazonaws.com:sub", ok),
            ("s3:GetObject", "ec2:SourceInstanceARN", ok),
        ] {
            let condition = format!(r#"{{"StringLike":{{"{key}":"*"}}}}"#);
            assert_eq!(judge(&format!("{action:?}"), BOTH, &condition), expected, "{action} {key}");
        }
    }

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("a*b*c", "axbxbc", true),
            ("?", "", false),
            ("a", "ab", false),
            ("ab*", "ab", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
