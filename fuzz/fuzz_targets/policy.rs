//! Policies: the first line picks the kind of policy and who asks for what, the rest is the document.
//!
//! `kind caller action resource [key=value …]`

#![no_main]

use haneul_policy::{
    Attached, Context, Detail, Inputs, Policy, Principal, Request, ResourceMode, Rules, decide,
    denial_message, explain, is_public,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (first, document) = text.split_once('\n').unwrap_or(("", text));
    let words: Vec<&str> = first.split(' ').collect();
    let word = |at: usize| words.get(at).copied().unwrap_or_default();

    let rules = rules(word(0));
    let policy = match Policy::parse(document, &rules) {
        Ok(policy) => policy,
        Err(error) => return assert!(!error.message.is_empty()),
    };
    let canonical = policy.to_json();
    let again = Policy::parse(&canonical, &Rules { size_max: usize::MAX, ..rules });
    assert_eq!(again.as_ref(), Ok(&policy), "{canonical}");
    assert_eq!(again.map(|policy| policy.to_json()), Ok(canonical));
    let _ = (is_public(&policy), policy.principals().count());

    let principal = principal(word(1));
    let mut context = Context::new();
    principal.describe(&mut context);
    for pair in words.iter().skip(4) {
        if let Some((key, value)) = pair.split_once('=') {
            context.set_many(key, value.split(','));
        }
    }
    let request = Request {
        principal: &principal,
        action: word(2),
        resource: word(3),
        resource_account: Some("111122223333"),
        context: &context,
    };
    let attached = [Attached { name: "p", arn: None, policy: &policy }];
    let own = Inputs { identity: &attached, ..Inputs::default() };
    let everywhere = Inputs {
        resource: &attached,
        boundary: Some(attached[0]),
        session: Some(&attached),
        scps: &[&attached],
        rcps: &[&attached],
        vpc_endpoint: Some(attached[0]),
        ..own
    };
    let resource = Inputs { resource: &attached, ..Inputs::default() };
    for resource_mode in [ResourceMode::Union, ResourceMode::Required, ResourceMode::RoleTrust] {
        for inputs in [own, resource, everywhere].map(|inputs| Inputs { resource_mode, ..inputs }) {
            let decision = decide(&request, &inputs);
            assert_eq!(decision.is_allowed(), explain(&request, &inputs).is_allowed());
            for detail in [Detail::Bare, Detail::PolicyType, Detail::PolicyArn] {
                assert_eq!(denial_message(&request, &decision, detail).is_empty(), decision.is_allowed());
            }
        }
    }
    // No policy allows nothing, nor do denials alone, but for the account's own root user.
    if word(1) == "root" {
        return;
    }
    assert!(!decide(&request, &Inputs::default()).is_allowed());
    if policy.statements().iter().all(|statement| statement.effect() == haneul_policy::Effect::Deny) {
        assert!(!decide(&request, &own).is_allowed() && !decide(&request, &everywhere).is_allowed());
    }
});

fn rules(kind: &str) -> Rules {
    match kind {
        "trust" => Rules::TRUST,
        "resource" => Rules::RESOURCE,
        "scp" => Rules::SCP,
        "rcp" => Rules::RCP,
        "session" => Rules::SESSION,
        "endpoint" => Rules::VPC_ENDPOINT,
        _ => Rules::IDENTITY,
    }
}

fn principal(kind: &str) -> Principal {
    match kind {
        "root" => Principal::root("111122223333"),
        "role" => Principal::role_session("arn:aws:iam::111122223333:role/path/r", "session"),
        "other" => Principal::user("arn:aws:iam::444455556666:user/b"),
        "federated" => Principal::federated_user("arn:aws:iam::111122223333:user/b", "f"),
        "web" => Principal::federated("cognito-identity.amazonaws.com"),
        "service" => Principal::service("sns.amazonaws.com"),
        "anonymous" => Principal::anonymous(),
        _ => Principal::user("arn:aws:iam::111122223333:user/b"),
    }
}
