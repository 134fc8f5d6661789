//! The Service Authorization Reference, and what of an access does not fit it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use haneul_kit::Access;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Reference {
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
pub(crate) struct Known(BTreeMap<String, Vec<Reference>>);

/// Actions without a resource type that are asked on an ARN all the same: a policy for them has to say `*`, and AWS's
/// denials name this ARN (`… is not authorized to perform: iam:ListUsers on resource: arn:aws:iam::123456789012:user/`).
const ON_AN_ARN: &[(&str, &str)] = &[
    ("dynamodb:ListTables", "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}"),
    ("iam:ListGroups", "arn:${Partition}:iam::${Account}:group/${Path}"),
    ("iam:ListInstanceProfiles", "arn:${Partition}:iam::${Account}:instance-profile/${Path}"),
    ("iam:ListOpenIDConnectProviders", "arn:${Partition}:iam::${Account}:oidc-provider/${ProviderName}"),
    ("iam:ListPolicies", "arn:${Partition}:iam::${Account}:policy/${Path}"),
    ("iam:ListRoles", "arn:${Partition}:iam::${Account}:role/${Path}"),
    ("iam:ListServerCertificates", "arn:${Partition}:iam::${Account}:server-certificate/${Path}"),
    ("iam:ListUsers", "arn:${Partition}:iam::${Account}:user/${Path}"),
    ("iam:ListVirtualMFADevices", "arn:${Partition}:iam::${Account}:mfa/${Path}"),
    ("logs:", "arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}"),
    ("sqs:ListQueues", "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"),
    ("ssm:DescribeParameters", "arn:${Partition}:ssm:${Region}:${Account}:${Name}"),
];

/// Older names of condition keys, which still work. Source: AWS KMS Developer Guide, "AWS KMS condition keys".
const OLDER_NAMES: &[(&str, &str)] =
    &[("kms:customermasterkeyspec", "kms:keyspec"), ("kms:customermasterkeyusage", "kms:keyusage")];

/// S3 User Guide, "Using tags for attribute-based access control": a bucket's tags take part in decisions once
/// PutBucketAbac has turned that on, which Haneul does not have yet.
const TAGS_DO_NOT_COUNT: &[&str] = &["s3"];

/// Global keys that an operation may set itself.
const OF_CALL: &[&str] =
    &["aws:multifactorauthpresent", "aws:multifactorauthage", "aws:sourcearn", "aws:sourceaccount"];

impl Known {
    pub(crate) fn read() -> Known {
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

    /// The form of the ARN that an operation speaks of, if its action has the operation's name.
    pub(crate) fn arn(&self, prefixes: &[&str], operation: &str) -> Option<&str> {
        let (reference, action) =
            prefixes.iter().find_map(|prefix| self.action(&format!("{prefix}:{operation}")))?;
        let kind = action.resources.keys().find(|kind| *kind != "*")?;
        Some(&reference.resources.get(kind)?.arn)
    }

    /// What is wrong with an access.
    pub(crate) fn problem(&self, access: &Access) -> Option<String> {
        let Some((reference, action)) = self.action(access.action) else { return Some("action".into()) };
        let kinds: Vec<&Resource> =
            action.resources.keys().filter_map(|kind| reference.resources.get(kind)).collect();
        let of_listing = |arn: &str| {
            let mut forms = ON_AN_ARN.iter().filter(|(of, _)| access.action.starts_with(of));
            kinds.is_empty() && forms.any(|(_, form)| is_of(form, arn))
        };
        let fits = match &*access.resource {
            "*" => kinds.is_empty() || action.resources.contains_key("*"),
            arn => kinds.iter().any(|kind| is_of(&kind.arn, arn)) || of_listing(arn),
        };
        if !fits {
            return Some("resource".into());
        }
        let of_action = action.resources.values().flatten();
        let of_kinds = kinds.iter().flat_map(|kind| &kind.conditions);
        let names: BTreeSet<String> = of_action.chain(of_kinds).map(|key| stem(key)).collect();
        let is_known = |key: &str| names.contains(&stem(key)) || OF_CALL.contains(&stem(key).as_str());
        access.keys.iter().any(|(key, _)| !is_known(key)).then(|| "key".into())
    }

    /// Whether the keys of tags are missing that an operation should have: `request-tags` where it takes tags, `resource-tags`
    /// for those of its resource, which has some in this world unless the operation makes it.
    pub(crate) fn untagged(&self, all: &[Access], takes_tags: bool, makes: bool) -> Vec<String> {
        let Some(first) = all.first() else { return Vec::new() };
        let Some((reference, action)) = self.action(first.action) else { return Vec::new() };
        if TAGS_DO_NOT_COUNT.contains(&reference.prefix.as_str()) {
            return Vec::new();
        }
        let own: Vec<&Access> = all.iter().filter(|access| access.action == first.action).collect();
        let of_action: BTreeSet<String> = action.resources.values().flatten().map(|key| stem(key)).collect();
        let kinds = action.resources.keys().filter_map(|kind| reference.resources.get(kind));
        let fitting = kinds.filter(|kind| own.iter().any(|access| is_of(&kind.arn, &access.resource)));
        let of_kinds: BTreeSet<String> =
            fitting.flat_map(|kind| &kind.conditions).map(|key| stem(key)).collect();
        let has = |name: &str| own.iter().any(|access| access.keys.iter().any(|(key, _)| stem(key) == name));
        let mut out = Vec::new();
        if takes_tags && of_action.contains("aws:requesttag/") && !has("aws:requesttag/") {
            out.push("request-tags".to_owned());
        }
        if !makes && of_kinds.contains("aws:resourcetag/") && !has("aws:resourcetag/") {
            out.push("resource-tags".to_owned());
        }
        out
    }

    /// For a person who looks why.
    pub(crate) fn details(&self, access: &Access) -> String {
        let keys: Vec<&str> = access.keys.iter().map(|(key, _)| &**key).collect();
        let wanted = self.action(access.action).map(|(_, action)| format!("{:?}", action.resources));
        format!("{} on {} with {keys:?}; AWS: {}", access.action, access.resource, wanted.unwrap_or_default())
    }
}

/// `aws:RequestTag/${TagKey}` and `aws:RequestTag/team` are one key; so are those of KMS with a colon before the name.
fn stem(key: &str) -> String {
    let key = key.to_lowercase();
    if let Some((_, name)) = OLDER_NAMES.iter().find(|(older, _)| *older == key) {
        return (*name).to_owned();
    }
    match (key.find('/'), key.match_indices(':').nth(1)) {
        (Some(at), _) => key[..=at].to_owned(),
        (None, Some((at, _))) => key[..at].to_owned(),
        _ => key.split("${").next().unwrap_or_default().to_owned(),
    }
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

#[test]
fn the_forms_of_resources() {
    assert!(is_of("arn:${Partition}:s3:::${Bucket}/${Key}", "arn:aws:s3:::b/k/l"));
    assert!(!is_of("arn:${Partition}:s3:::${Bucket}/${Key}", "arn:aws:s3:::b"));
    assert!(!is_of("arn:${Partition}:sqs:${Region}:${Account}:${Queue}", "arn:aws:sns:us-east-1:1:q"));
    assert_eq!(stem("aws:RequestTag/${TagKey}"), stem("aws:RequestTag/team"));
    assert_eq!(stem("kms:EncryptionContext:${Key}"), stem("kms:EncryptionContext:AppName"));
}
