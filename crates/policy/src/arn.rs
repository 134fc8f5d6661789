//! IAM's checks of the ARNs of resources.

use std::borrow::Cow;

/// `arn`, partition, vendor, Region, account, resource.
const SEGMENTS: usize = 6;

/// What is wrong with an ARN, in IAM's words; `None` for what IAM takes, and for what only its legacy parser refuses.
pub(crate) fn fault(value: &str) -> Option<String> {
    if value == "*" {
        return None;
    }
    let Some((_, rest)) = value.split_once(':') else {
        return Some(format!("Resource {value} must be in ARN format or \"*\"."));
    };
    let (partition, rest) =
        rest.split_once(':').map_or((rest, None), |(partition, rest)| (partition, Some(rest)));
    if !(partition == "aws" || partition.starts_with("aws-") || partition == "*") {
        let shown = spelled_out(partition, rest.unwrap_or_default());
        return Some(format!("Partition \"{partition}\" is not valid for resource \"{shown}\"."));
    }
    let vendor = rest.map(|rest| rest.split(':').next().unwrap_or_default());
    if vendor.is_none_or(|vendor| vendor != "*" && vendor.contains(['*', '?', '$', '{'])) {
        return Some("Resource vendor must be fully qualified and cannot contain regexes.".into());
    }
    let segments: Vec<&str> = value.splitn(SEGMENTS, ':').collect();
    let resource = segments.get(5).copied();
    match (vendor, segments.get(3).copied()) {
        (Some("s3"), region)
            if region.is_none_or(|region| !region.is_empty() && !is_of_a_region(region, resource)) =>
        {
            Some(format!("Resource {value} can not contain region information."))
        }
        (Some("iam"), region) if region.is_none_or(|region| !region.is_empty() && region != "*") => {
            Some(format!("IAM resource {value} cannot contain region information."))
        }
        (Some("iam"), _) => iam_fault(resource),
        _ => None,
    }
}

/// What IAM's legacy parser refuses.
pub(crate) fn is_legacy_fault(value: &str) -> bool {
    if value == "*" {
        return false;
    }
    let segments: Vec<&str> = value.splitn(SEGMENTS, ':').collect();
    let account = segments.get(4).copied().unwrap_or_default();
    let number = !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit());
    let short = segments.len() < SEGMENTS && value.contains("::");
    short || segments.get(2).is_none_or(|vendor| vendor.is_empty()) || number && account.len() != 12
}

/// The ARN with `*` for the parts that a short one leaves out.
pub(crate) fn filled(value: &str) -> Cow<'_, str> {
    let segments = value.splitn(SEGMENTS, ':').count();
    if segments == SEGMENTS || !value.starts_with("arn:") {
        return Cow::Borrowed(value);
    }
    Cow::Owned(format!("{value}{}", ":*".repeat(SEGMENTS - segments)))
}

/// As IAM shows an ARN whose partition it does not know.
fn spelled_out(partition: &str, rest: &str) -> String {
    let mut parts: Vec<&str> = rest.splitn(SEGMENTS - 2, ':').collect();
    if parts == [""] {
        parts.clear();
    }
    parts.resize(SEGMENTS - 2, "*");
    format!("arn:{partition}:{}", parts.join(":"))
}

/// Of S3's resources, buckets and objects are in no Region; all that is named by its type may be.
fn is_of_a_region(region: &str, resource: Option<&str>) -> bool {
    const TYPES: [&str; 7] = [
        "accesspoint",
        "job",
        "storage-lens",
        "storage-lens-group",
        "async-request",
        "access-grants",
        "accesspointobject",
    ];
    let Some(resource) = resource else { return region == "*" };
    let kind = resource.split(['/', ':']).next().unwrap_or_default();
    kind.contains(['*', '?', '$']) || TYPES.contains(&kind)
}

fn iam_fault(resource: Option<&str>) -> Option<String> {
    const TYPES: [&str; 13] = [
        "user",
        "federated-user",
        "role",
        "group",
        "instance-profile",
        "mfa",
        "server-certificate",
        "policy",
        "sms-mfa",
        "saml-provider",
        "oidc-provider",
        "report",
        "access-report",
    ];
    let resource = resource.unwrap_or("*");
    let kind = resource.split('/').next().unwrap_or_default();
    let wild = resource == "*" || kind.len() > 1 && kind.ends_with('*') || kind.contains('?');
    if wild || TYPES.contains(&kind) || kind == "root" {
        return None;
    }
    let types: Vec<String> = TYPES.iter().map(|t| format!("{t}/")).collect();
    Some(format!("IAM resource path must either be \"*\" or start with {}.", types.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_arns_are_filled() {
        assert_eq!(filled("arn:aws:dynamodb"), "arn:aws:dynamodb:*:*:*");
        assert_eq!(filled("arn:aws:sqs:us-east-1:123456789012"), "arn:aws:sqs:us-east-1:123456789012:*");
        for whole in ["*", "arn:aws:s3:::b", "arn:aws:lambda:us-east-1:123456789012:function:f:1", "b"] {
            assert_eq!(filled(whole), whole);
        }
    }
}
