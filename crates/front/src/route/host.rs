use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use haneul_base::Region;

/// What the Host of a request says of whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site<'h> {
    /// An address, or a name of our own: nothing.
    Plain,
    /// `sqs.us-east-1.localhost`, `dynamodb.amazonaws.com`.
    Service { prefix: &'h str, region: Option<Region> },
    /// `bucket.s3.us-west-2.amazonaws.com`.
    Bucket { bucket: &'h str, region: Option<Region> },
    /// `name-000000000000.s3-object-lambda.us-west-2.amazonaws.com`.
    ObjectLambda { point: &'h str, region: Option<Region> },
    /// `photos.localhost`: a bucket, if the request is one to S3.
    Name { name: &'h str },
    /// `bucket.s3-website.us-east-1.localhost`.
    Website { bucket: &'h str, region: Option<Region> },
    /// `000000000000.s3-control.us-east-1.amazonaws.com`.
    S3Control { account: Option<&'h str>, region: Option<Region> },
    /// `id.execute-api.us-east-1.localhost`.
    ExecuteApi { id: &'h str, region: Option<Region> },
    /// `id.lambda-url.us-east-1.on.aws`.
    LambdaUrl { id: &'h str, region: Option<Region> },
}

/// The domains under which AWS and its emulators have their hosts.
const DOMAINS: &[&str] = &[
    "amazonaws.com",
    "amazonaws.com.cn",
    "api.aws",
    "on.aws",
    "localhost",
    "localhost.localstack.cloud",
    "localhost.haneul",
];

/// The hosts that we go by.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// Lower-case, longest first, so that `localhost.localstack.cloud` is not taken for a name under another one.
    domains: Vec<String>,
}

impl Hosts {
    /// AWS's domains, `localhost`, and the configured ones.
    pub fn new(configured: &[String]) -> Hosts {
        let mut domains: Vec<String> = DOMAINS.iter().map(|domain| (*domain).to_owned()).collect();
        domains.extend(configured.iter().map(|host| name_of(host).to_ascii_lowercase()));
        domains.sort_by_key(|domain| std::cmp::Reverse(domain.len()));
        domains.dedup();
        Hosts { domains }
    }

    /// Reads `host`, in lower case and perhaps with a port. `is_service` says whether a label is a service's prefix.
    pub fn read<'h>(&self, host: &'h str, is_service: impl Fn(&str) -> bool) -> Site<'h> {
        let name = name_of(host);
        // Most requests come to these; a look at the first byte keeps addresses off the search below.
        if name == "localhost" || IpAddr::from_str(name).is_ok() {
            return Site::Plain;
        }
        let Some((left, aws)) = self.split(name) else { return Site::Plain };
        read_left(left, aws, is_service)
    }

    /// What stands before our domain, and whether that is AWS's; `None` for a domain itself and for names of others.
    fn split<'h>(&self, name: &'h str) -> Option<(&'h str, bool)> {
        let known = self.domains.iter().find_map(|domain| {
            let left = name.strip_suffix(domain.as_str())?;
            let aws = domain.starts_with("amazonaws") || domain.ends_with(".aws");
            left.strip_suffix('.').filter(|left| !left.is_empty()).map(|left| (left, aws))
        });
        known.or_else(|| before_address(name).map(|left| (left, false)))
    }

    /// Whether `host` is one of the names by which we are reached on this machine: an address that loops back,
    /// `localhost` or a name under it.
    pub fn is_loopback(host: &str) -> bool {
        let name = name_of(host);
        match IpAddr::from_str(name.trim_start_matches('[').trim_end_matches(']')) {
            Ok(address) => address.is_loopback(),
            Err(_) => {
                let name = name.to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost") || name == "localhost.localstack.cloud"
            }
        }
    }
}

/// `point-000000000000.127.0.0.1`: what clients make of an address when they have to put a name before it.
fn before_address(name: &str) -> Option<&str> {
    let (dot, _) = name.rmatch_indices('.').nth(3)?;
    let (left, address) = (&name[..dot], &name[dot + 1..]);
    (!left.is_empty() && Ipv4Addr::from_str(address).is_ok()).then_some(left)
}

/// The host without its port and without the dot that ends a fully qualified name.
pub fn name_of(host: &str) -> &str {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.contains(':') => name,
            _ => host,
        },
    };
    name.strip_suffix('.').unwrap_or(name)
}

fn read_left<'h>(left: &'h str, aws: bool, is_service: impl Fn(&str) -> bool) -> Site<'h> {
    let (mut rest, mut region) = (left, None);
    if let Some((before, last)) = pop(rest)
        && let Ok(found) = last.parse()
    {
        (rest, region) = (before, Some(found));
    }
    if let Some((before, "dualstack")) = pop(rest) {
        rest = before;
    }
    let Some((before, label)) = pop(rest) else { return Site::Plain };
    // The older spelling has the Region behind a hyphen: `s3-us-west-2`, `s3-website-us-west-2`.
    let label = match dashed_region(label) {
        Some((label, found)) if region.is_none() => {
            region = Some(found);
            label
        }
        _ => label,
    };
    let of = |before: &'h str| Some(before).filter(|before| !before.is_empty());
    match (label.strip_suffix("-fips").unwrap_or(label), of(before)) {
        ("s3" | "s3-accelerate", Some(bucket)) => Site::Bucket { bucket, region },
        ("s3-object-lambda", Some(point)) => Site::ObjectLambda { point, region },
        // Of access points that are in several Regions.
        ("s3-global", Some(before)) if before.ends_with(".accesspoint") => {
            Site::Bucket { bucket: before.trim_end_matches(".accesspoint"), region: None }
        }
        ("s3-website", Some(bucket)) => Site::Website { bucket, region },
        ("s3-control", account) => Site::S3Control { account, region },
        ("execute-api", Some(id)) => Site::ExecuteApi { id, region },
        ("lambda-url", Some(id)) => Site::LambdaUrl { id, region },
        // Of the issuers of web identity tokens.
        ("global", Some(before)) if before.ends_with(".tokens.sts") => {
            Site::Service { prefix: "tokens.sts.global", region: None }
        }
        // `streams.dynamodb`: the one prefix with a dot.
        ("dynamodb", Some("streams")) => Site::Service { prefix: "streams.dynamodb", region },
        (prefix, None) if is_service(prefix) || (aws && region.is_none()) || region.is_some() => {
            Site::Service { prefix, region }
        }
        (prefix, Some(_)) if is_service(prefix) || aws => {
            // `us-east-1.queue.amazonaws.com`, the old way round.
            let region = region.or_else(|| before.parse().ok());
            Site::Service { prefix, region }
        }
        _ => Site::Name { name: left },
    }
}

/// The last label and what is before it (empty for a lone label).
fn pop(name: &str) -> Option<(&str, &str)> {
    match name.rsplit_once('.') {
        Some((before, last)) => Some((before, last)),
        None if name.is_empty() => None,
        None => Some(("", name)),
    }
}

fn dashed_region(label: &str) -> Option<(&str, Region)> {
    ["s3-website-", "s3-"].iter().find_map(|prefix| {
        let region = label.strip_prefix(prefix)?.parse().ok()?;
        Some((&label[..prefix.len() - 1], region))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(code: &str) -> Option<Region> {
        code.parse().ok()
    }

    #[test]
    fn hosts() {
        use Site::*;
        let cases: &[(&str, Site<'_>)] = &[
            ("localhost:4566", Plain),
            ("127.0.0.1:4566", Plain),
            ("[::1]:4566", Plain),
            ("localhost.localstack.cloud:4566", Plain),
            ("example.com", Plain),
            ("", Plain),
            (":", Plain),
            (".", Plain),
            ("..localhost", Name { name: "." }),
            ("sqs.us-east-1.localhost:4566", Service { prefix: "sqs", region: region("us-east-1") }),
            ("sqs.localhost", Service { prefix: "sqs", region: None }),
            ("sqs.eu-west-1.amazonaws.com", Service { prefix: "sqs", region: region("eu-west-1") }),
            ("sqs.eu-west-1.amazonaws.com.", Service { prefix: "sqs", region: region("eu-west-1") }),
            ("eu-west-1.queue.amazonaws.com", Service { prefix: "queue", region: region("eu-west-1") }),
            ("glue.eu-west-1.amazonaws.com", Service { prefix: "glue", region: region("eu-west-1") }),
            ("iam.amazonaws.com", Service { prefix: "iam", region: None }),
            ("sts-fips.us-east-1.amazonaws.com", Service { prefix: "sts", region: region("us-east-1") }),
            (
                "streams.dynamodb.us-east-1.localhost",
                Service { prefix: "streams.dynamodb", region: region("us-east-1") },
            ),
            ("s3.localhost.localstack.cloud:4566", Service { prefix: "s3", region: None }),
            ("s3.cn-north-1.amazonaws.com.cn", Service { prefix: "s3", region: region("cn-north-1") }),
            ("s3-us-west-2.amazonaws.com", Service { prefix: "s3", region: region("us-west-2") }),
            ("photos.s3.amazonaws.com", Bucket { bucket: "photos", region: None }),
            (
                "my.photos.s3.us-west-2.amazonaws.com",
                Bucket { bucket: "my.photos", region: region("us-west-2") },
            ),
            ("photos.s3-us-west-2.amazonaws.com", Bucket { bucket: "photos", region: region("us-west-2") }),
            (
                "photos.s3.dualstack.us-west-2.amazonaws.com",
                Bucket { bucket: "photos", region: region("us-west-2") },
            ),
            ("photos.s3-accelerate.amazonaws.com", Bucket { bucket: "photos", region: None }),
            ("photos.s3-accelerate.dualstack.amazonaws.com", Bucket { bucket: "photos", region: None }),
            ("photos.s3.localhost:4566", Bucket { bucket: "photos", region: None }),
            ("photos.s3.us-east-1.localhost:4566", Bucket { bucket: "photos", region: region("us-east-1") }),
            ("photos.s3.localhost.localstack.cloud:4566", Bucket { bucket: "photos", region: None }),
            ("photos.localhost:4566", Name { name: "photos" }),
            ("photos.127.0.0.1:4566", Name { name: "photos" }),
            ("my.photos.127.0.0.1", Name { name: "my.photos" }),
            ("photos.s3.127.0.0.1", Bucket { bucket: "photos", region: None }),
            ("1.2.3.4.5", Name { name: "1" }),
            (".127.0.0.1", Plain),
            ("photos.127.0.0.300", Plain),
            ("my.photos.localhost:4566", Name { name: "my.photos" }),
            ("photos.cloud.test:4566", Name { name: "photos" }),
            ("photos.s3.cloud.test:4566", Bucket { bucket: "photos", region: None }),
            (
                "photos.s3-website.us-east-1.localhost",
                Website { bucket: "photos", region: region("us-east-1") },
            ),
            (
                "photos.s3-website-us-east-1.amazonaws.com",
                Website { bucket: "photos", region: region("us-east-1") },
            ),
            (
                "point-000000000000.s3-object-lambda.us-east-1.localhost:4566",
                ObjectLambda { point: "point-000000000000", region: region("us-east-1") },
            ),
            ("mabc.mrap.accesspoint.s3-global.amazonaws.com", Bucket { bucket: "mabc.mrap", region: None }),
            (
                "000000000000.s3-control.us-east-1.amazonaws.com",
                S3Control { account: Some("000000000000"), region: region("us-east-1") },
            ),
            ("s3-control.localhost", S3Control { account: None, region: None }),
            ("abc.execute-api.us-east-1.localhost", ExecuteApi { id: "abc", region: region("us-east-1") }),
            ("abc.tokens.sts.global.api.aws", Service { prefix: "tokens.sts.global", region: None }),
            ("abc.lambda-url.us-east-1.on.aws", LambdaUrl { id: "abc", region: region("us-east-1") }),
        ];
        let hosts = Hosts::new(&["cloud.test:4566".into()]);
        for (host, site) in cases {
            assert_eq!(
                hosts.read(host, |label| matches!(label, "sqs" | "s3" | "iam" | "sts")),
                *site,
                "{host}"
            );
        }
    }

    #[test]
    fn loopback_names() {
        for yes in
            ["localhost", "LOCALHOST:80", "127.0.0.1:4566", "[::1]:4566", "127.9.9.9", "a.localhost", "::1"]
        {
            assert!(Hosts::is_loopback(yes), "{yes}");
        }
        for no in [
            "",
            "example.com",
            "localhost.example.com",
            "10.0.0.1",
            "127.0.0.1.nip.io",
            "[::2]",
            "notlocalhost",
        ] {
            assert!(!Hosts::is_loopback(no), "{no}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_host_can_be_read(host in ".{0,64}|([a-z0-9.:\\[\\]-]{0,20}\\.)?(s3|sqs)?(-website)?(\\.us-east-1)?\\.localhost(:[0-9]{1,5})?") {
            let _ = Hosts::new(&[]).read(&host, |label| label == "sqs");
            let _ = Hosts::is_loopback(&host);
        }
    }
}
