use std::borrow::Cow;

use haneul_kit::directory::PrincipalPolicies;
use haneul_kit::{Access, Cx, Membership, Principal, Session, Standing, canonical_user_id};
use haneul_policy::{Principal as PolicyPrincipal, Source};

use super::signature;

/// The caller of one access: as [`policy_principal`](haneul_kit::policy_principal) has it, unless an identity provider
/// vouches for somebody else, or the resource's policy names callers by an id that is rarely wanted.
pub fn principal_of<'a>(
    cx: &Cx,
    access: &Access,
    principal: &'a PolicyPrincipal,
) -> Cow<'a, PolicyPrincipal> {
    if let Some(provider) = &access.federated {
        return Cow::Owned(PolicyPrincipal::federated(provider));
    }
    let wanted = access.resource_policy.as_ref().is_some_and(|policy| policy.names_canonical_users());
    if wanted && principal.account().is_some() {
        let id = canonical_user_id(cx.account());
        return Cow::Owned(PolicyPrincipal { canonical_user_id: Some(id), ..principal.clone() });
    }
    Cow::Borrowed(principal)
}

/// What the context keys of one access are worked out from. Nothing is, before a policy asks for it.
pub struct Facts<'a> {
    pub cx: &'a Cx,
    pub principal: &'a PolicyPrincipal,
    pub policies: &'a PrincipalPolicies,
    pub access: &'a Access,
    /// Where the caller's account stands in its organization, and where the resource's does.
    pub standing: Option<&'a Standing>,
    pub owner: Option<&'a Standing>,
}

/// The values of a key; empty where the call has none.
type Read = fn(&Facts<'_>) -> Vec<String>;

/// The global condition keys, in lower case and sorted, beside those of [`PolicyPrincipal::KEYS`] and tags. Source: IAM
/// User Guide, "AWS global condition context keys". Keys of networks are for the services that will have them. To add one
/// is to add a line.
const GLOBAL: &[(&str, Read)] = &[
    ("aws:assumedroot", |facts| {
        some(session(facts).is_some_and(|session| session.assumed_root).then_some(true))
    }),
    ("aws:calledvia", |facts| facts.cx.called_via().to_vec()),
    ("aws:calledviafirst", |facts| some(facts.cx.called_via().first())),
    ("aws:calledvialast", |facts| some(facts.cx.called_via().last())),
    ("aws:currenttime", |facts| one(facts.cx.now().iso8601())),
    ("aws:epochtime", |facts| one(facts.cx.now().secs())),
    ("aws:multifactorauthage", |facts| {
        let at = session(facts).and_then(|session| session.mfa_at);
        some(at.map(|at| facts.cx.now().since(at).as_secs()))
    }),
    ("aws:multifactorauthpresent", |facts| some(session(facts).map(|session| session.mfa_at.is_some()))),
    ("aws:principalorgid", |facts| some(of_principal(facts).map(|own| &own.organization_id))),
    ("aws:principalorgmasteraccount", |facts| some(of_principal(facts).map(|own| own.management_account))),
    ("aws:principalorgpaths", |facts| some(of_principal(facts).map(|own| &own.path))),
    ("aws:referer", |facts| header(facts, "referer")),
    ("aws:requestedregion", |facts| one(facts.cx.region())),
    ("aws:resourceaccount", |facts| one(facts.access.resource_account.unwrap_or(facts.cx.account()))),
    ("aws:resourceorgid", |facts| some(membership(facts.owner).map(|owner| &owner.organization_id))),
    ("aws:resourceorgpaths", |facts| some(membership(facts.owner).map(|owner| &owner.path))),
    ("aws:securetransport", |facts| one(facts.cx.secure())),
    // Confused-deputy keys: only a service's own calls have them.
    ("aws:sourceaccount", |facts| some(source_arn(facts).map(|_| facts.cx.account()))),
    ("aws:sourcearn", |facts| some(source_arn(facts))),
    ("aws:sourceidentity", |facts| some(session(facts).and_then(|session| session.source_identity.as_ref()))),
    ("aws:sourceip", |facts| some(facts.cx.source_ip().map(|ip| ip.to_canonical()))),
    ("aws:sourceorgid", |facts| {
        some(source_arn(facts).and(membership(facts.standing)).map(|source| &source.organization_id))
    }),
    ("aws:sourceorgpaths", |facts| {
        some(source_arn(facts).and(membership(facts.standing)).map(|source| &source.path))
    }),
    ("aws:tokenissuetime", |facts| some(session(facts).map(|session| session.issued_at.iso8601()))),
    ("aws:useragent", |facts| header(facts, "user-agent")),
    ("aws:viaawsservice", |facts| one(!facts.cx.called_via().is_empty())),
    // Of S3, but of the session: whatever it is used for has it.
    ("s3:accessgrantsinstancearn", |facts| {
        some(session(facts).and_then(|session| session.access_grants_instance.as_ref()))
    }),
    // Of S3, but of the request alone.
    ("s3:authtype", |facts| some(facts.cx.http().and_then(signature::kind))),
    ("s3:signatureage", |facts| {
        some(facts.cx.http().and_then(|head| signature::age_ms(head, facts.cx.now())))
    }),
    ("s3:signatureversion", |facts| some(facts.cx.http().and_then(signature::version))),
    ("s3:x-amz-content-sha256", |facts| header(facts, "x-amz-content-sha256")),
];

const PRINCIPAL_TAG: &str = "aws:principaltag/";

impl Source for Facts<'_> {
    fn values(&self, key: &str) -> Option<Vec<String>> {
        // What an operation says of its own access goes before what is true of every call, but for the account.
        let own = self.access.keys.iter().rev().find(|(own, _)| same(own, key));
        if let Some((_, values)) = own.filter(|_| key != "aws:resourceaccount") {
            return Some(values.clone());
        }
        if let Ok(at) = GLOBAL.binary_search_by_key(&key, |(known, _)| known) {
            return Some(GLOBAL[at].1(self));
        }
        if let Some(tag) = key.strip_prefix(PRINCIPAL_TAG) {
            let found = self.policies.tags.iter().rev().find(|(name, _)| same(name, tag));
            return found.map(|(_, value)| vec![value.clone()]);
        }
        if PolicyPrincipal::KEYS.contains(&key) {
            return Some(some(self.principal.key(key)));
        }
        let kept = vouched(self).iter().find(|(name, _)| same(name, key));
        kept.map(|(_, values)| values.clone())
    }

    fn keys(&self) -> Vec<String> {
        let own = self.access.keys.iter().map(|(key, _)| key.to_lowercase());
        let tags =
            self.policies.tags.iter().map(|(name, _)| format!("{PRINCIPAL_TAG}{}", name.to_lowercase()));
        let global = GLOBAL.iter().map(|(key, _)| *key).chain(PolicyPrincipal::KEYS).map(str::to_owned);
        let kept = vouched(self).iter().map(|(key, _)| key.to_lowercase());
        own.chain(tags).chain(global).chain(kept).collect()
    }
}

/// Whether a name in any case is `key`, which is in lower case.
fn same(name: &str, key: &str) -> bool {
    name.eq_ignore_ascii_case(key) || (!name.is_ascii() && name.to_lowercase() == key)
}

fn one(value: impl ToString) -> Vec<String> {
    vec![value.to_string()]
}

fn some(value: Option<impl ToString>) -> Vec<String> {
    value.iter().map(ToString::to_string).collect()
}

fn session<'a>(facts: &Facts<'a>) -> Option<&'a Session> {
    facts.cx.caller().session.as_ref()
}

fn membership(standing: Option<&Standing>) -> Option<&Membership> {
    standing.and_then(|standing| standing.membership.as_ref())
}

/// The organization of the caller, who is somebody's.
fn of_principal<'a>(facts: &Facts<'a>) -> Option<&'a Membership> {
    facts.principal.account().and(membership(facts.standing))
}

/// What an identity provider said of the holder of the session.
fn vouched<'a>(facts: &Facts<'a>) -> &'a [(String, Vec<String>)] {
    let federation = session(facts).and_then(|session| session.federation.as_ref());
    federation.map(|federation| federation.keys.as_slice()).unwrap_or_default()
}

fn source_arn<'a>(facts: &Facts<'a>) -> Option<&'a str> {
    let is_service = matches!(facts.cx.caller().principal, Principal::Service { .. });
    facts.cx.source_arn().filter(|_| is_service)
}

fn header(facts: &Facts<'_>, name: &str) -> Vec<String> {
    some(facts.cx.http().and_then(|head| head.header(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_searched() {
        assert!(GLOBAL.is_sorted_by(|a, b| a.0 < b.0));
        for (key, _) in GLOBAL {
            assert!(*key == key.to_lowercase() && !PolicyPrincipal::KEYS.contains(key), "{key}");
        }
    }
}
