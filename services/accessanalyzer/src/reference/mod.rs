//! What AWS knows of services: prefixes, actions, resource types, condition keys. Read once, when first asked.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// See its first lines.
const TEXT: &str = include_str!("actions.txt");

#[derive(Default)]
pub(crate) struct Service {
    /// By name in lower case.
    pub actions: BTreeMap<String, Action>,
    /// Name and type: `s3:x-amz-acl`, `String`. May end with `${TagKey}`.
    pub keys: Vec<(&'static str, &'static str)>,
    /// ARNs with `${…}` where the user's own names go.
    pub arns: Vec<&'static str>,
}

pub(crate) struct Action {
    pub name: &'static str,
    /// Whether `aws:ResourceTag/…` is known when it is authorised.
    pub resource_tag: bool,
}

/// By prefix, in lower case.
pub(crate) fn services() -> &'static BTreeMap<&'static str, Service> {
    static SERVICES: OnceLock<BTreeMap<&'static str, Service>> = OnceLock::new();
    SERVICES.get_or_init(read)
}

fn read() -> BTreeMap<&'static str, Service> {
    let mut services = BTreeMap::new();
    let mut at = "";
    for line in TEXT.lines() {
        if let Some(prefix) = line.strip_prefix('@') {
            at = prefix;
            services.entry(prefix).or_insert_with(Service::default);
            continue;
        }
        let Some(service) = services.get_mut(at) else { continue };
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("k"), Some(name), Some(kind)) => service.keys.push((name, kind)),
            (Some("r"), Some(_), Some(arn)) => service.arns.push(arn),
            (Some("a"), Some(name), Some(level)) => {
                let action = Action { name, resource_tag: level.ends_with('+') };
                service.actions.insert(name.to_lowercase(), action);
            }
            _ => {}
        }
    }
    services
}

/// The type of a condition key in lower case: of the global ones, or of the service's own. `Err(true)` when the service
/// does not exist, `Err(false)` when it has no such key.
pub(crate) fn key_type(key: &str) -> Result<&'static str, bool> {
    let (prefix, _) = key.split_once(':').unwrap_or((key, ""));
    if prefix == "aws" {
        return GLOBAL_KEYS.iter().find(|(name, _)| covers(name, key)).map(|(_, kind)| *kind).ok_or(false);
    }
    let service = services().get(prefix).ok_or(true)?;
    let found = service.keys.iter().find(|(name, _)| covers(name, key));
    found.map(|(_, kind)| *kind).ok_or(false)
}

/// `name` may end with a placeholder, for which any text stands.
fn covers(name: &str, key: &str) -> bool {
    match name.split_once("${") {
        Some((stem, _)) => {
            let stem = stem.to_lowercase();
            key.starts_with(&stem) && key.len() > stem.len()
        }
        None => name.eq_ignore_ascii_case(key),
    }
}

/// Source: IAM User Guide, "AWS global condition context keys".
const GLOBAL_KEYS: &[(&str, &str)] = &[
    ("aws:AssumedRoot", "Bool"),
    ("aws:CalledVia", "ArrayOfString"),
    ("aws:CalledViaFirst", "String"),
    ("aws:CalledViaLast", "String"),
    ("aws:ChatbotSourceArn", "ARN"),
    ("aws:CurrentTime", "Date"),
    ("aws:Ec2InstanceSourceVpc", "String"),
    ("aws:Ec2InstanceSourcePrivateIPv4", "IPAddress"),
    ("aws:EpochTime", "Date"),
    ("aws:FederatedProvider", "String"),
    ("aws:MultiFactorAuthAge", "Numeric"),
    ("aws:MultiFactorAuthPresent", "Bool"),
    ("aws:PrincipalAccount", "String"),
    ("aws:PrincipalArn", "ARN"),
    ("aws:PrincipalIsAWSService", "Bool"),
    ("aws:PrincipalOrgID", "String"),
    ("aws:PrincipalOrgPaths", "ArrayOfString"),
    ("aws:PrincipalServiceName", "String"),
    ("aws:PrincipalServiceNamesList", "ArrayOfString"),
    ("aws:PrincipalTag/${TagKey}", "String"),
    ("aws:PrincipalType", "String"),
    ("aws:Referer", "String"),
    ("aws:RequestedRegion", "String"),
    ("aws:RequestTag/${TagKey}", "String"),
    ("aws:ResourceAccount", "String"),
    ("aws:ResourceOrgID", "String"),
    ("aws:ResourceOrgPaths", "ArrayOfString"),
    ("aws:ResourceTag/${TagKey}", "String"),
    ("aws:SecureTransport", "Bool"),
    ("aws:SourceAccount", "String"),
    ("aws:SourceArn", "ARN"),
    ("aws:SourceIdentity", "String"),
    ("aws:SourceIp", "IPAddress"),
    ("aws:SourceOrgID", "String"),
    ("aws:SourceOrgPaths", "ArrayOfString"),
    ("aws:SourceOwner", "String"),
    ("aws:SourceVpc", "String"),
    ("aws:SourceVpcArn", "ARN"),
    ("aws:SourceVpce", "String"),
    ("aws:TagKeys", "ArrayOfString"),
    ("aws:TokenIssueTime", "Date"),
    ("aws:UserAgent", "String"),
    ("aws:userid", "String"),
    ("aws:username", "String"),
    ("aws:ViaAWSService", "Bool"),
    ("aws:VpceAccount", "String"),
    ("aws:VpceOrgID", "String"),
    ("aws:VpceOrgPaths", "String"),
    ("aws:VpcSourceIp", "IPAddress"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_read() {
        assert!(services().len() > 400);
        assert!(services()["s3"].actions["getobject"].name == "GetObject");
        assert!(services()["sqs"].actions["sendmessage"].resource_tag);
        assert_eq!(key_type("aws:resourcetag/team"), Ok("String"));
        assert_eq!(key_type("aws:resourcetag/"), Err(false));
        assert_eq!(key_type("s3:x-amz-acl"), Ok("String"));
        assert_eq!(key_type("s3:nothing"), Err(false));
        assert_eq!(key_type("nothing:x"), Err(true));
    }
}
