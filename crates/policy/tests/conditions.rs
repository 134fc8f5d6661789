//! Condition operators, one row a comparison. Each table names the page of the IAM User Guide it is from.

use haneul_policy::{Attached, Context, Inputs, Policy, Principal, Request, Rules, decide};

/// Operator, the policy's values as JSON, the request's values (`None`: no such key), whether it holds.
type Row = (&'static str, &'static str, Option<&'static [&'static str]>, bool);

fn holds(operator: &str, values: &str, asked: Option<&[&str]>) -> bool {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*",
            "Condition":{{"{operator}":{{"Test:Key":{values}}}}}}}}}"#
    );
    let policy = Policy::parse(&document, &Rules::IDENTITY).unwrap_or_else(|e| panic!("{document}: {e}"));
    let mut context = Context::new();
    context.set("aws:username", "bob").set("aws:PrincipalTag/team", "blue").set("aws:star", "*");
    context.set("aws:arn", "arn:aws:sns:us-east-1:1:t");
    context.set_many("aws:TagKeys", ["x", "y"]);
    if let Some(asked) = asked {
        context.set_many("test:KEY", asked.iter().copied());
    }
    let principal = Principal::user("arn:aws:iam::111122223333:user/bob");
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        resource_account: None,
        context: &context,
    };
    let identity = [Attached { name: "p", arn: None, policy: &policy }];
    decide(&request, &Inputs { identity: &identity, ..Inputs::default() }).is_allowed()
}

fn check(page: &str, rows: &[Row]) {
    for (operator, values, asked, expected) in rows {
        assert_eq!(
            holds(operator, values, *asked),
            *expected,
            "{page}: {operator} {values} against {asked:?}"
        );
    }
}

#[test]
fn strings() {
    check(
        "reference_policies_elements_condition_operators.html#Conditions_String",
        &[
            ("StringEquals", r#""a""#, Some(&["a"]), true),
            ("StringEquals", r#""a""#, Some(&["A"]), false),
            ("StringEquals", r#""a""#, None, false),
            ("StringEquals", r#"["a","b"]"#, Some(&["b"]), true),
            ("StringEquals", r#"["a","b"]"#, Some(&["c"]), false),
            ("StringEquals", r#""a*""#, Some(&["ab"]), false),
            ("StringEquals", r#""a*""#, Some(&["a*"]), true),
            ("StringEquals", r#""""#, Some(&[""]), true),
            ("StringEquals", "[]", Some(&["a"]), false),
            ("StringEquals", "true", Some(&["true"]), true),
            ("StringEquals", "1.10", Some(&["1.10"]), true),
            ("StringEquals", "1.10", Some(&["1.1"]), false),
            ("StringNotEquals", r#""a""#, Some(&["b"]), true),
            ("StringNotEquals", r#""a""#, Some(&["a"]), false),
            ("StringNotEquals", r#""a""#, None, true),
            ("StringNotEquals", r#"["a","b"]"#, Some(&["a"]), false),
            ("StringNotEquals", r#"["a","b"]"#, Some(&["c"]), true),
            ("StringEqualsIgnoreCase", r#""Bob""#, Some(&["bOB"]), true),
            ("StringEqualsIgnoreCase", r#""Bob""#, Some(&["bobby"]), false),
            ("StringEqualsIgnoreCase", r#""Bob""#, None, false),
            ("StringNotEqualsIgnoreCase", r#""Bob""#, Some(&["bOB"]), false),
            ("StringNotEqualsIgnoreCase", r#""Bob""#, Some(&["alice"]), true),
            ("StringNotEqualsIgnoreCase", r#""Bob""#, None, true),
            ("StringLike", r#""a*c""#, Some(&["abbc"]), true),
            ("StringLike", r#""a?c""#, Some(&["abc"]), true),
            ("StringLike", r#""a?c""#, Some(&["abbc"]), false),
            ("StringLike", r#""a*""#, Some(&["Ab"]), false),
            ("StringLike", r#""*""#, Some(&[""]), true),
            ("StringLike", r#""*""#, None, false),
            ("StringLike", r#"["","home/","home/*"]"#, Some(&[""]), true),
            ("StringLike", r#"["","home/","home/*"]"#, Some(&["etc/"]), false),
            ("StringNotLike", r#""a*""#, Some(&["ab"]), false),
            ("StringNotLike", r#""a*""#, Some(&["ba"]), true),
            ("StringNotLike", r#""a*""#, None, true),
            ("stringlike", r#""a*""#, Some(&["ab"]), true),
        ],
    );
}

#[test]
fn numbers() {
    check(
        "reference_policies_elements_condition_operators.html#Conditions_Numeric",
        &[
            ("NumericEquals", r#""10""#, Some(&["10"]), true),
            ("NumericEquals", "10", Some(&["10.0"]), true),
            ("NumericEquals", r#""10""#, Some(&["11"]), false),
            ("NumericEquals", r#""10""#, Some(&["ten"]), false),
            ("NumericEquals", r#""10""#, None, false),
            ("NumericNotEquals", r#""10""#, Some(&["11"]), true),
            ("NumericNotEquals", r#""10""#, Some(&["10"]), false),
            ("NumericNotEquals", r#""10""#, None, true),
            ("NumericLessThan", r#""10""#, Some(&["9"]), true),
            ("NumericLessThan", r#""10""#, Some(&["10"]), false),
            ("NumericLessThan", r#""10""#, Some(&["9.99"]), true),
            ("NumericLessThan", r#""10""#, None, false),
            ("NumericLessThanEquals", r#""10""#, Some(&["10"]), true),
            ("NumericLessThanEquals", r#""10""#, Some(&["10.1"]), false),
            ("NumericGreaterThan", r#""10""#, Some(&["11"]), true),
            ("NumericGreaterThan", r#""10""#, Some(&["10"]), false),
            ("NumericGreaterThan", r#""-1""#, Some(&["0"]), true),
            ("NumericGreaterThanEquals", r#""10""#, Some(&["10"]), true),
            ("NumericGreaterThanEquals", r#""10""#, Some(&["9"]), false),
            ("NumericEquals", r#""10""#, Some(&["inf"]), false),
        ],
    );
}

#[test]
fn dates() {
    check(
        "reference_policies_elements_condition_operators.html#Conditions_Date",
        &[
            ("DateGreaterThan", r#""2020-01-01T00:00:01Z""#, Some(&["2020-01-01T00:00:02Z"]), true),
            ("DateGreaterThan", r#""2020-01-01T00:00:01Z""#, Some(&["2020-01-01T00:00:01Z"]), false),
            ("DateGreaterThan", r#""2020-01-01T00:00:01Z""#, None, false),
            ("DateGreaterThan", r#""2020-01-01T00:00:01Z""#, Some(&["1577836802"]), true),
            ("DateGreaterThanEquals", r#""1577836801""#, Some(&["2020-01-01T00:00:01Z"]), true),
            ("DateGreaterThanEquals", "1577836801", Some(&["2020-01-01T00:00:00Z"]), false),
            ("DateLessThan", r#""2020-04-01""#, Some(&["2020-03-31T23:59:59Z"]), true),
            ("DateLessThan", r#""2020-04-01""#, Some(&["2020-04-01T00:00:00Z"]), false),
            ("DateLessThanEquals", r#""2020-04-01""#, Some(&["2020-04-01T00:00:00Z"]), true),
            ("DateLessThan", r#""2020-04-01T00:00:00+09:00""#, Some(&["2020-03-31T15:30:00Z"]), false),
            ("DateEquals", r#""2020""#, Some(&["2020-01-01"]), true),
            ("DateEquals", r#""2020-01-01T00:00Z""#, Some(&["2020-01-01T00:00:00.000Z"]), true),
            ("DateEquals", r#""2020-01-01""#, Some(&["soon"]), false),
            ("DateNotEquals", r#""2020-01-01""#, Some(&["2020-01-02"]), true),
            ("DateNotEquals", r#""2020-01-01""#, Some(&["2020-01-01T00:00:00Z"]), false),
            ("DateNotEquals", r#""2020-01-01""#, None, true),
        ],
    );
}

#[test]
fn booleans_bytes_and_null() {
    check(
        "reference_policies_elements_condition_operators.html#Conditions_Boolean, _BinaryEquals, _Null",
        &[
            ("Bool", r#""true""#, Some(&["true"]), true),
            ("Bool", "true", Some(&["True"]), true),
            ("Bool", "false", Some(&["false"]), true),
            ("Bool", r#""true""#, Some(&["false"]), false),
            ("Bool", r#""true""#, Some(&["yes"]), false),
            ("Bool", r#""false""#, None, false),
            ("BoolIfExists", r#""false""#, None, true),
            ("BoolIfExists", r#""false""#, Some(&["true"]), false),
            ("BinaryEquals", r#""QmluYXJ5""#, Some(&["QmluYXJ5"]), true),
            ("BinaryEquals", r#""QmluYXJ5""#, Some(&["Qmlu"]), false),
            ("BinaryEquals", r#""QmluYXJ5""#, None, false),
            ("Null", "true", None, true),
            ("Null", "true", Some(&["a"]), false),
            ("Null", "false", Some(&["a"]), true),
            ("Null", r#""false""#, None, false),
            ("Null", "true", Some(&[]), true),
            ("Null", "false", Some(&[]), false),
        ],
    );
}

#[test]
fn addresses() {
    check(
        "reference_policies_elements_condition_operators.html#Conditions_IPAddress",
        &[
            ("IpAddress", r#""203.0.113.0/24""#, Some(&["203.0.113.255"]), true),
            ("IpAddress", r#""203.0.113.0/24""#, Some(&["203.0.114.0"]), false),
            ("IpAddress", r#""203.0.113.7""#, Some(&["203.0.113.7"]), true),
            ("IpAddress", r#""203.0.113.7""#, Some(&["203.0.113.8"]), false),
            ("IpAddress", r#""203.0.113.77/24""#, Some(&["203.0.113.1"]), true),
            ("IpAddress", r#""0.0.0.0/0""#, Some(&["8.8.8.8"]), true),
            ("IpAddress", r#""0.0.0.0/0""#, Some(&["::1"]), false),
            (
                "IpAddress",
                r#"["203.0.113.0/24","2001:DB8:1234:5678::/64"]"#,
                Some(&["2001:db8:1234:5678::1"]),
                true,
            ),
            (
                "IpAddress",
                r#"["203.0.113.0/24","2001:DB8:1234:5678::/64"]"#,
                Some(&["2001:db8:1234:5679::1"]),
                false,
            ),
            ("IpAddress", r#""203.0.113.0/24""#, Some(&["::ffff:203.0.113.9"]), true),
            ("IpAddress", r#""203.0.113.0/24""#, Some(&["not an address"]), false),
            ("IpAddress", r#""203.0.113.0/24""#, None, false),
            ("NotIpAddress", r#""203.0.113.0/24""#, Some(&["203.0.113.9"]), false),
            ("NotIpAddress", r#""203.0.113.0/24""#, Some(&["198.51.100.1"]), true),
            ("NotIpAddress", r#"["203.0.113.0/24","198.51.100.0/24"]"#, Some(&["198.51.100.1"]), false),
            ("NotIpAddress", r#""203.0.113.0/24""#, None, true),
        ],
    );
}

#[test]
fn arns() {
    const A: &str = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
    check(
        "reference_policies_elements_condition_operators.html#Conditions_ARN",
        &[
            ("StringLike", r#""arn:aws:someservice:*:111122223333:finance/*""#, Some(&[A]), true),
            ("ArnLike", r#""arn:aws:someservice:*:111122223333:finance/*""#, Some(&[A]), false),
            ("ArnEquals", r#""arn:aws:sns:*:1:t*""#, Some(&["arn:aws:sns:eu-west-1:1:topic"]), true),
            ("ArnLike", r#""arn:aws:sns:*:1:t*""#, Some(&["arn:aws:sns:eu-west-1:1:topic"]), true),
            ("ArnLike", r#""arn:aws:sns:*:1:t""#, Some(&["arn:aws:sns:eu-west-1:1:T"]), false),
            ("ArnLike", r#""arn:aws:sns:us-?ast-1:1:t""#, Some(&["arn:aws:sns:us-east-1:1:t"]), true),
            ("ArnLike", r#""arn:aws:s3:::b/*""#, Some(&["arn:aws:s3:::b/a:b:c"]), true),
            ("ArnLike", r#""arn:aws:sns:*""#, Some(&["arn:aws:sns:eu-west-1:1:t"]), false),
            ("ArnLike", r#""*""#, Some(&["arn:aws:sns:eu-west-1:1:t"]), true),
            ("ArnLike", r#""arn:aws:sns:*:*:*""#, Some(&["topic"]), false),
            ("ArnLike", r#""arn:aws:sns:*:*:*""#, None, false),
            ("ArnNotEquals", r#""arn:aws:sns:*:1:t""#, Some(&["arn:aws:sns:eu-west-1:1:t"]), false),
            ("ArnNotLike", r#""arn:aws:sns:*:1:t""#, Some(&["arn:aws:sns:eu-west-1:2:t"]), true),
            ("ArnNotLike", r#""arn:aws:sns:*:1:t""#, None, true),
            ("ArnLike", r#""${aws:arn}""#, Some(&["arn:aws:sns:us-east-1:1:t"]), true),
            (
                "ArnLike",
                r#""arn:aws:sns:*:1:${aws:username}-*""#,
                Some(&["arn:aws:sns:us-east-1:1:bob-x"]),
                true,
            ),
            (
                "ArnLike",
                r#""arn:aws:sns:*:1:${aws:username}-*""#,
                Some(&["arn:aws:sns:us-east-1:1:eve-x"]),
                false,
            ),
        ],
    );
}

#[test]
fn if_exists() {
    check(
        "reference_policies_elements_condition_operators.html#Conditions_IfExists",
        &[
            ("StringLikeIfExists", r#"["t1.*","t2.*","m3.*"]"#, Some(&["t2.micro"]), true),
            ("StringLikeIfExists", r#"["t1.*","t2.*","m3.*"]"#, Some(&["x1.large"]), false),
            ("StringLikeIfExists", r#"["t1.*","t2.*","m3.*"]"#, None, true),
            ("StringEqualsIfExists", r#""a""#, Some(&[]), true),
            ("StringNotEqualsIfExists", r#""a""#, None, true),
            ("StringNotEqualsIfExists", r#""a""#, Some(&["a"]), false),
            ("NumericLessThanIfExists", "5", None, true),
            ("DateLessThanIfExists", r#""2020-01-01""#, None, true),
            ("IpAddressIfExists", r#""10.0.0.0/8""#, None, true),
            ("ArnLikeIfExists", r#""arn:aws:s3:::b""#, None, true),
            ("ForAnyValue:StringEqualsIfExists", r#""a""#, None, true),
            ("ForAnyValue:StringEqualsIfExists", r#""a""#, Some(&["b"]), false),
        ],
    );
}

#[test]
fn sets() {
    check(
        "reference_policies_condition-single-vs-multi-valued-context-keys.html",
        &[
            ("ForAllValues:StringEquals", r#"["a","b","c"]"#, Some(&["a", "b"]), true),
            ("ForAllValues:StringEquals", r#"["a","b"]"#, Some(&["a", "z"]), false),
            ("ForAllValues:StringEquals", r#"["a","b"]"#, None, true),
            ("ForAllValues:StringEquals", r#"["a","b"]"#, Some(&[]), true),
            ("ForAnyValue:StringEquals", r#"["a","b"]"#, Some(&["a", "z"]), true),
            ("ForAnyValue:StringEquals", r#"["a","b"]"#, Some(&["y", "z"]), false),
            ("ForAnyValue:StringEquals", r#"["a","b"]"#, None, false),
            ("ForAnyValue:StringEquals", r#"["a","b"]"#, Some(&[]), false),
            ("ForAnyValue:StringLike", r#""o-1/r-1/ou-*""#, Some(&["o-1/r-1/ou-x/"]), true),
            ("ForAllValues:NumericLessThan", "10", Some(&["1", "2"]), true),
            ("ForAllValues:NumericLessThan", "10", Some(&["1", "12"]), false),
            ("ForAnyValue:IpAddress", r#""10.0.0.0/8""#, Some(&["192.0.2.1", "10.1.1.1"]), true),
            // Without a set operator a key of many values is met by any of them.
            ("StringEquals", r#""a""#, Some(&["z", "a"]), true),
            ("StringNotEquals", r#""a""#, Some(&["z", "a"]), false),
        ],
    );
    check(
        "reference_policies_condition_examples-multi-valued-context-keys.html",
        &[
            ("ForAllValues:StringNotLike", r#""key1*""#, Some(&["key1:legal"]), false),
            ("ForAllValues:StringNotLike", r#""key1*""#, Some(&["key1:hr", "key1:personnel"]), false),
            ("ForAllValues:StringNotLike", r#""key1*""#, Some(&["key2:audit"]), true),
            ("ForAllValues:StringNotLike", r#""key1*""#, Some(&["key1:hr", "key2:audit"]), false),
            ("ForAllValues:StringNotLike", r#""key1*""#, None, true),
            ("ForAllValues:StringNotLike", r#"["key1*","key2*"]"#, Some(&["key3:x"]), true),
            ("ForAllValues:StringNotLike", r#"["key1*","key2*"]"#, Some(&["key2:x"]), false),
            ("ForAnyValue:StringNotLike", r#""key1*""#, Some(&["key1:legal"]), false),
            ("ForAnyValue:StringNotLike", r#""key1*""#, Some(&["key1:legal", "key2:audit"]), true),
            ("ForAnyValue:StringNotLike", r#""key1*""#, None, false),
            ("ForAnyValue:StringEquals", r#"["environment","webserver"]"#, Some(&["webserver"]), true),
        ],
    );
}

#[test]
fn variables() {
    check(
        "reference_policies_variables.html",
        &[
            ("StringEquals", r#""${aws:username}""#, Some(&["bob"]), true),
            ("StringEquals", r#""${AWS:UserName}""#, Some(&["bob"]), true),
            ("StringEquals", r#""${aws:username}""#, Some(&["eve"]), false),
            ("StringEquals", r#""${aws:PrincipalTag/team}-x""#, Some(&["blue-x"]), true),
            ("StringEquals", r#""${aws:missing}""#, Some(&[""]), false),
            ("StringEquals", r#""${aws:missing}""#, Some(&["${aws:missing}"]), false),
            ("StringEquals", r#""${aws:missing, 'company-wide'}""#, Some(&["company-wide"]), true),
            ("StringEquals", r#""${aws:username, 'company-wide'}""#, Some(&["company-wide"]), false),
            ("StringEquals", r#"["${aws:missing}","a"]"#, Some(&["a"]), true),
            ("StringNotEquals", r#""${aws:missing}""#, Some(&["a"]), true),
            (
                "StringLike",
                r#""https://example.com/${aws:username}/""#,
                Some(&["https://example.com/bob/"]),
                true,
            ),
            ("StringLike", r#""${aws:star}""#, Some(&["anything"]), false),
            ("StringLike", r#""${aws:star}""#, Some(&["*"]), true),
            ("StringLike", r#""a${*}b""#, Some(&["a*b"]), true),
            ("StringLike", r#""a${*}b""#, Some(&["axb"]), false),
            ("StringLike", r#""a${?}b*""#, Some(&["a?bc"]), true),
            ("StringLike", r#""${$}{x}""#, Some(&["${x}"]), true),
            ("StringEquals", r#""a${*}b""#, Some(&["a*b"]), true),
            ("StringEqualsIgnoreCase", r#""${aws:username}""#, Some(&["BOB"]), true),
            // A key of many values cannot be a variable.
            ("StringEquals", r#""${aws:TagKeys}""#, Some(&["x"]), false),
        ],
    );
}
