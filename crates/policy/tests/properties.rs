//! What holds for every policy and request.

use haneul_policy::{Attached, Context, Inputs, Policy, Principal, Request, Rules, decide, explain};
use proptest::prelude::*;

const ACTIONS: &[&str] =
    &["s3:GetObject", "s3:Get*", "s3:*", "sqs:SendMessage", "sqs:*", "*", "s3:?etObject"];
const RESOURCES: &[&str] =
    &["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::${aws:username}/*", "arn:aws:sqs:*:*:q"];
const CONDITIONS: &[&str] = &[
    "{}",
    r#"{"StringEquals":{"t:a":"x"}}"#,
    r#"{"StringNotEquals":{"t:a":["x","y"]}}"#,
    r#"{"ForAllValues:StringLike":{"t:a":"x*"}}"#,
    r#"{"ForAnyValue:StringLike":{"t:a":"${aws:username}*"}}"#,
    r#"{"Null":{"t:a":true}}"#,
    r#"{"NumericLessThanIfExists":{"t:a":5}}"#,
];
const PRINCIPALS: &[&str] = &[
    r#""*""#,
    r#"{"AWS":"111122223333"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:user/b"}"#,
    r#"{"AWS":["arn:aws:iam::111122223333:role/r","444455556666"]}"#,
    r#"{"Service":"sns.amazonaws.com"}"#,
];

fn statement(effect: &'static [&'static str], principal: bool) -> impl Strategy<Value = String> {
    let pick = prop::sample::select::<&'static str>;
    (
        pick(effect),
        any::<[bool; 3]>(),
        prop::collection::vec(pick(ACTIONS), 1..3),
        prop::collection::vec(pick(RESOURCES), 1..3),
        pick(CONDITIONS),
        pick(PRINCIPALS),
    )
        .prop_map(move |(effect, not, actions, resources, condition, who)| {
            let word = |at: usize| if not_flag(not, at) { "Not" } else { "" };
            let [a, b, c] = [word(0), word(1), word(2)];
            let principal = if principal { format!(r#""{c}Principal":{who},"#) } else { String::new() };
            format!(
                r#"{{"Effect":"{effect}",{principal}"{a}Action":{actions:?},"{b}Resource":{resources:?},"Condition":{condition}}}"#
            )
        })
}

/// Negated elements are the rarer ones.
fn not_flag(flags: [bool; 3], at: usize) -> bool {
    flags[at] && flags[(at + 1) % 3]
}

fn policy(effect: &'static [&'static str], principal: bool) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(statement(effect, principal), 1..4)
}

fn parse(statements: &[String], rules: &Rules) -> Policy {
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    Policy::parse(&document, rules).unwrap_or_else(|e| panic!("{document}: {e}"))
}

#[derive(Debug, Clone)]
struct Asked {
    principal: Principal,
    action: &'static str,
    resource: &'static str,
    owner: &'static str,
    context: Context<'static>,
}

impl Asked {
    fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: self.action,
            resource: self.resource,
            resource_account: Some(self.owner),
            context: &self.context,
        }
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    let principals = vec![
        Principal::user("arn:aws:iam::111122223333:user/b"),
        Principal::role_session("arn:aws:iam::111122223333:role/r", "s"),
        Principal::federated_user("arn:aws:iam::111122223333:user/b", "f"),
        Principal::root("111122223333"),
        Principal::service("sns.amazonaws.com"),
        Principal::anonymous(),
    ];
    (
        prop::sample::select(principals),
        prop::sample::select(vec!["s3:GetObject", "s3:PutObject", "sqs:SendMessage", "iam:GetUser"]),
        prop::sample::select(vec![
            "arn:aws:s3:::b/k",
            "arn:aws:s3:::c/k",
            "arn:aws:sqs:us-east-1:111122223333:q",
            "*",
        ]),
        prop::sample::select(vec!["111122223333", "111122223333", "444455556666"]),
        prop::collection::vec(prop::sample::select(vec!["x", "xy", "3", "b"]), 0..3),
    )
        .prop_map(|(principal, action, resource, owner, values)| {
            let mut context = Context::new();
            principal.describe(&mut context);
            context.set_many("T:A", values);
            Asked { principal, action, resource, owner, context }
        })
}

fn denies(request: &Request<'_>, inputs: Inputs<'_>) -> bool {
    !decide(request, &inputs).is_allowed()
}

const BOTH: &[&str] = &["Allow", "Allow", "Deny"];

proptest! {
    // `PROPTEST_CASES` raises it, for a soak.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1000)))]

    #[test]
    fn a_deny_always_wins(asked in asked(), a in policy(BOTH, false), r in policy(BOTH, true), d in policy(&["Deny"], false)) {
        let (a, r, d) = (parse(&a, &Rules::IDENTITY), parse(&r, &Rules::RESOURCE), parse(&d, &Rules::IDENTITY));
        let all = Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#, &Rules::IDENTITY).unwrap();
        let of = |policy| Attached { name: "", arn: None, policy };
        let alone = [of(&all), of(&d)];
        let request = asked.request();
        let denied = explain(&request, &Inputs { identity: &alone, ..Inputs::default() })
            .matched.iter().any(|m| std::ptr::eq(m.statement, &d.statements()[m.index]));
        let (identity, resource, session) = ([of(&a), of(&d), of(&all)], [of(&r)], [of(&all)]);
        let inputs = Inputs { identity: &identity, resource: &resource, session: Some(&session), ..Inputs::default() };
        if denied {
            prop_assert!(!decide(&request, &inputs).is_allowed());
        }
        // Nothing matched by a deny is ever allowed, and both ways of asking agree.
        let explained = explain(&request, &inputs);
        prop_assert_eq!(explained.is_allowed(), decide(&request, &inputs).is_allowed());
        if explained.matched.iter().any(|m| m.statement.effect() == haneul_policy::Effect::Deny) {
            prop_assert_eq!(explained.eval_decision(), "explicitDeny");
        }
    }

    #[test]
    fn taking_an_allow_away_never_allows(asked in asked(), a in policy(BOTH, false), r in policy(BOTH, true), gone in any::<prop::sample::Index>()) {
        let request = asked.request();
        let run = |a: &[String], r: &[String]| {
            let a = (!a.is_empty()).then(|| parse(a, &Rules::IDENTITY));
            let r = (!r.is_empty()).then(|| parse(r, &Rules::RESOURCE));
            let a: Vec<_> = a.iter().map(|policy| Attached { name: "", arn: None, policy }).collect();
            let r: Vec<_> = r.iter().map(|policy| Attached { name: "", arn: None, policy }).collect();
            decide(&request, &Inputs { identity: &a, resource: &r, ..Inputs::default() }).is_allowed()
        };
        let before = run(&a, &r);
        let at = gone.index(a.len() + r.len());
        let (mut a2, mut r2) = (a.clone(), r.clone());
        let removed = if at < a.len() { a2.remove(at) } else { r2.remove(at - a.len()) };
        if removed.contains(r#""Allow""#) && !before {
            prop_assert!(!run(&a2, &r2));
        }
    }

    #[test]
    fn a_ceiling_never_widens(asked in asked(), a in policy(BOTH, false), r in policy(BOTH, true), c in policy(BOTH, false), rcp in policy(BOTH, true)) {
        let (a, r) = (parse(&a, &Rules::IDENTITY), parse(&r, &Rules::RESOURCE));
        let (c, rcp) = (parse(&c, &Rules::IDENTITY), parse(&rcp, &Rules::RESOURCE));
        let of = |policy| Attached { name: "", arn: None, policy };
        let (identity, resource, ceiling, rcp) = ([of(&a)], [of(&r)], [of(&c)], [of(&rcp)]);
        let request = asked.request();
        let plain = Inputs { identity: &identity, resource: &resource, ..Inputs::default() };
        // A federated user has nothing without a session policy, so that one widens by design.
        let everything = parse(&[r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#.to_owned()], &Rules::IDENTITY);
        let open = [of(&everything)];
        let plain = Inputs { session: Some(&open), ..plain };
        if !decide(&request, &plain).is_allowed() {
            let (scps, rcps) = ([&ceiling[..]], [&rcp[..]]);
            prop_assert!(denies(&request, Inputs { boundary: Some(of(&c)), ..plain }), "widened");
            prop_assert!(denies(&request, Inputs { session: Some(&ceiling), ..plain }), "widened");
            prop_assert!(denies(&request, Inputs { scps: &scps, ..plain }), "widened");
            prop_assert!(denies(&request, Inputs { rcps: &rcps, ..plain }), "widened");
            prop_assert!(denies(&request, Inputs { vpc_endpoint: Some(rcp[0]), ..plain }), "widened");
        }
    }

    #[test]
    fn the_text_of_a_policy_reads_back(a in policy(BOTH, false), r in policy(BOTH, true)) {
        for (statements, rules) in [(a, Rules::IDENTITY), (r, Rules::RESOURCE)] {
            let policy = parse(&statements, &rules);
            let again = Policy::parse(&policy.to_json(), &rules).expect("its own text");
            prop_assert_eq!(&again, &policy);
            prop_assert_eq!(again.to_json(), policy.to_json());
        }
    }

    #[test]
    fn wildcards_match_as_the_plain_definition_says(pattern in "[ab?*é]{0,8}", text in "[abé]{0,10}") {
        let escaped = format!("{pattern:?}");
        let statement = format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringLike":{{"t:a":{escaped}}}}}}}"#);
        let policy = parse(&[statement], &Rules::IDENTITY);
        let mut context = Context::new();
        context.set("t:a", text.as_str());
        let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
        prop_assert_eq!(policy.statements()[0].conditions()[0].holds(&context), naive(&p, &t), "{} on {}", pattern, text);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(text in any::<String>(), jsonish in r#"[\[\]{}":,\\u0-9a-f \*$]{0,40}"#) {
        for rules in [Rules::IDENTITY, Rules::RESOURCE, Rules::TRUST, Rules::RCP] {
            let _ = Policy::parse(&text, &rules);
            let _ = Policy::parse(&jsonish, &rules);
        }
    }

    #[test]
    fn no_value_makes_the_reader_or_the_evaluation_panic(
        values in prop::collection::vec(json_value(), 9), operator in prop::sample::select(haneul_policy::condition::Comparison::ALL),
        text in any::<String>(), asked in any::<String>(),
    ) {
        let text = serde_json::to_string(&text).unwrap();
        let v: Vec<String> = values.iter().map(|v| v.to_string()).collect();
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{},"Resource":{},"Principal":{},"Condition":{}}},
               {{"Effect":"Deny","Action":"*","Resource":{text},"Principal":"*","Condition":{{"{}":{{"a:b":{text}}}}}}}]}}"#,
            v[0], v[1], v[2], v[3], operator.as_str());
        let _ = Policy::parse(&document, &Rules::RESOURCE);
        let simple = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"*","Resource":{text},"Principal":"*",
               "Condition":{{"{}":{{"a:b":{text}}}}}}}}}"#, operator.as_str());
        if let Ok(policy) = Policy::parse(&simple, &Rules::RESOURCE) {
            let mut context = Context::new();
            context.set("a:b", asked.as_str()).set("a:c", asked.as_str());
            let principal = Principal::anonymous();
            let request = Request { principal: &principal, action: &asked, resource: &asked, resource_account: None, context: &context };
            let resource = [Attached { name: "", arn: None, policy: &policy }];
            prop_assert!(denies(&request, Inputs { resource: &resource, ..Inputs::default() }), "widened");
        }
    }
}

/// `*` tried at every length: right, and exponential.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|n| naive(rest, &text[n..])),
        ['?', rest @ ..] => !text.is_empty() && naive(rest, &text[1..]),
        [c, rest @ ..] => text.first() == Some(c) && naive(rest, &text[1..]),
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        prop::sample::select(vec!["*", "AWS", "s3:*", "arn:aws:iam::111122223333:root", "${a", "${a:b,'c'}"])
            .prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec(
                (prop::sample::select(vec!["AWS", "Service", "StringEquals", "Null", "a:b", "x"]), inner),
                0..4
            )
            .prop_map(|pairs| pairs
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}
