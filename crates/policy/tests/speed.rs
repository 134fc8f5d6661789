//! How long a decision takes, printed, not asserted:
//! `cargo test --release -p haneul-policy --test speed -- --ignored --nocapture`.

use haneul_policy::{Attached, Context, Inputs, Policy, Principal, Request, Rules, decide};

const SERVICES: &[&str] = &["s3", "sqs", "sns", "ec2", "iam", "kms", "logs", "lambda", "dynamodb", "events"];

/// Statement `at` of fifty: what real policies look like, over ten services or all on one.
fn statement(at: usize, one_service: bool) -> String {
    let service = if one_service { "sqs" } else { SERVICES[at % SERVICES.len()] };
    let (action, effect) = match at % 5 {
        0 => (format!("{service}:Get*"), "Allow"),
        1 => (format!("{service}:ReceiveMessage"), "Allow"),
        2 => (format!("{service}:*Tag*"), "Allow"),
        3 => (format!("{service}:Delete*"), "Deny"),
        _ => (format!("{service}:*"), "Allow"),
    };
    format!(
        r#"{{"Effect":"{effect}","Action":["{action}","{service}:ListThings"],
            "Resource":["arn:aws:{service}:*:111122223333:thing-{at}-*","arn:aws:{service}:us-east-1:*:${{aws:username}}-{at}"],
            "Condition":{{"StringEquals":{{"aws:PrincipalTag/team":"blue"}},"Bool":{{"aws:SecureTransport":"true"}}}}}}"#
    )
}

#[test]
#[ignore = "prints a measurement"]
// A measurement is of the real clock.
#[allow(clippy::disallowed_methods)]
fn nanoseconds_per_decision() {
    let rules = Rules { size_max: 100_000, strict_arns: false, ..Rules::IDENTITY };
    for (label, one_service) in [("ten services", false), ("one service", true)] {
        let statements: Vec<String> = (0..50).map(|at| statement(at, one_service)).collect();
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
        let mut policies: Vec<Policy> = (0..10).map(|_| Policy::parse(&document, &rules).unwrap()).collect();
        let last = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}}"#;
        let principal = Principal::user("arn:aws:iam::111122223333:user/bob");
        let mut context = Context::new();
        principal.describe(&mut context);
        context
            .set("aws:PrincipalTag/team", "blue")
            .set("aws:SecureTransport", "true")
            .set("aws:SourceIp", "203.0.113.7");
        let request = Request {
            principal: &principal,
            action: "sqs:SendMessage",
            resource: "arn:aws:sqs:us-east-1:111122223333:orders",
            resource_account: Some("111122223333"),
            context: &context,
        };
        for (outcome, allowed) in [("implicit deny", false), ("allow", true)] {
            if allowed {
                policies[9] = Policy::parse(last, &rules).unwrap();
            }
            let identity: Vec<_> =
                policies.iter().map(|policy| Attached { name: "p", arn: None, policy }).collect();
            let inputs = Inputs { identity: &identity, ..Inputs::default() };
            let rounds = 100_000_u32;
            let start = std::time::Instant::now();
            for _ in 0..rounds {
                assert_eq!(decide(std::hint::black_box(&request), &inputs).is_allowed(), allowed);
            }
            let each = start.elapsed() / rounds;
            let per_second = 1_000_000_000 / each.as_nanos().max(1);
            println!(
                "10 policies x 50 statements, {label}, {outcome}: {} ns per decision, {per_second} a second",
                each.as_nanos()
            );
        }
    }
}
