//! Wildcards, against the slow way that is plainly right: the pattern on the first line, the text after it.

#![no_main]

use haneul_policy::{Attached, Context, Inputs, Policy, Principal, Request, Rules, decide};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some((pattern, text)) = text.split_once('\n') else { return };
    // Variables are the policy target's matter; a context key's empty value is as if it were not there.
    let plain = |c: char| !c.is_control() && !matches!(c, '"' | '\\' | '$');
    if !pattern.chars().all(plain) || pattern.len() > 500 || text.len() > 2000 || text.is_empty() {
        return;
    }
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringLike":{{"t:k":"{pattern}"}}}}}}}}"#
    );
    let policy = Policy::parse(&document, &Rules::IDENTITY).expect("it is a policy");
    let principal = Principal::user("arn:aws:iam::111122223333:user/b");
    let mut context = Context::new();
    context.set("t:k", text);
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        resource_account: None,
        context: &context,
    };
    let attached = [Attached { name: "p", arn: None, policy: &policy }];
    let decision = decide(&request, &Inputs { identity: &attached, ..Inputs::default() });
    assert_eq!(decision.is_allowed(), matches(pattern, text), "{pattern:?} on {text:?}");
});

/// `reached[i]`: the pattern so far can match the first `i` characters.
fn matches(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in pattern.chars() {
        if token == '*' {
            let first = reached.iter().position(|&here| here).unwrap_or(reached.len());
            reached[first..].fill(true);
            continue;
        }
        for at in (0..text.len()).rev() {
            reached[at + 1] = reached[at] && (token == '?' || token == text[at]);
        }
        reached[0] = false;
    }
    reached[text.len()]
}
