use haneul_kit::directory::PrincipalPolicies;
use haneul_kit::{Access, Caller, Cx, Principal, Session};
use haneul_policy::{Caller as PolicyCaller, Principal as PolicyPrincipal, Source};

/// The caller as the policy language sees it.
pub fn principal(caller: &Caller) -> PolicyPrincipal {
    let account = || caller.account.to_string();
    match &caller.principal {
        Principal::Root => PolicyPrincipal::root(&account()),
        Principal::User { id, .. } => {
            PolicyPrincipal { unique_id: Some(id.clone()), ..PolicyPrincipal::user(&caller.arn()) }
        }
        Principal::Role { id, session_name, .. } => {
            let role = caller.role_arn().map(|arn| arn.to_string()).unwrap_or_default();
            PolicyPrincipal {
                unique_id: Some(id.clone()),
                ..PolicyPrincipal::role_session(&role, session_name)
            }
        }
        Principal::FederatedUser { name } => {
            let issuer = caller.session.as_ref().and_then(|session| session.issuer.as_deref());
            let issuer = Caller {
                account: caller.account,
                principal: issuer.cloned().unwrap_or(Principal::Root),
                access_key_id: None,
                session: None,
            };
            PolicyPrincipal::federated_user(&issuer.arn(), name)
        }
        Principal::Service { name } => PolicyPrincipal::service(name),
        Principal::Anonymous => PolicyPrincipal::new(PolicyCaller::Anonymous),
    }
}

/// What the context keys of one access are worked out from. Nothing is, before a policy asks for it.
pub struct Facts<'a> {
    pub cx: &'a Cx,
    pub principal: &'a PolicyPrincipal,
    pub policies: &'a PrincipalPolicies,
    pub access: &'a Access,
}

/// The values of a key; empty where the call has none.
type Read = fn(&Facts<'_>) -> Vec<String>;

/// The global condition keys, in lower case and sorted, beside those of [`PolicyPrincipal::KEYS`] and tags. Source: IAM
/// User Guide, "AWS global condition context keys". Keys of networks and organisations are for the services that will
/// have them. To add one is to add a line.
const GLOBAL: &[(&str, Read)] = &[
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
    ("aws:referer", |facts| header(facts, "referer")),
    ("aws:requestedregion", |facts| one(facts.cx.region())),
    ("aws:resourceaccount", |facts| one(facts.access.resource_account.unwrap_or(facts.cx.account()))),
    ("aws:securetransport", |facts| one(facts.cx.secure())),
    // Confused-deputy keys: only a service's own calls have them.
    ("aws:sourceaccount", |facts| some(source_arn(facts).map(|_| facts.cx.account()))),
    ("aws:sourcearn", |facts| some(source_arn(facts))),
    ("aws:sourceidentity", |facts| some(session(facts).and_then(|session| session.source_identity.as_ref()))),
    ("aws:sourceip", |facts| some(facts.cx.source_ip().map(|ip| ip.to_canonical()))),
    ("aws:tokenissuetime", |facts| some(session(facts).map(|session| session.issued_at.iso8601()))),
    ("aws:useragent", |facts| header(facts, "user-agent")),
    ("aws:viaawsservice", |facts| one(!facts.cx.called_via().is_empty())),
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
        PolicyPrincipal::KEYS.contains(&key).then(|| some(self.principal.key(key)))
    }

    fn keys(&self) -> Vec<String> {
        let own = self.access.keys.iter().map(|(key, _)| key.to_lowercase());
        let tags =
            self.policies.tags.iter().map(|(name, _)| format!("{PRINCIPAL_TAG}{}", name.to_lowercase()));
        let global = GLOBAL.iter().map(|(key, _)| *key).chain(PolicyPrincipal::KEYS).map(str::to_owned);
        own.chain(tags).chain(global).collect()
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
