use super::Pattern;

/// Pattern, message, whether it matches. From the User Guide's page on filter patterns, with its examples.
const CASES: &[(&str, &str, bool)] = &[
    ("", "anything", true),
    ("  ", "anything", true),
    ("ERROR", "[ERROR 400] BAD REQUEST", true),
    ("ERROR", "[error 400] BAD REQUEST", false),
    ("ERROR ARGUMENTS", "[ERROR] INVALID ARGUMENTS", true),
    ("ERROR ARGUMENTS", "[ERROR 419] MISSING", false),
    ("?ERROR ?ARGUMENTS", "[ERROR 400] BAD REQUEST", true),
    ("?ERROR ?ARGUMENTS", "MISSING ARGUMENTS", true),
    ("?ERROR ?ARGUMENTS", "fine", false),
    ("ERROR ?ARGUMENTS", "ERROR", true),
    ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", true),
    ("ERROR -ARGUMENTS", "[ERROR] INVALID ARGUMENTS", false),
    ("-ERROR", "fine", true),
    ("\"INTERNAL SERVER ERROR\"", "[ERROR 500] INTERNAL SERVER ERROR", true),
    ("\"SERVER ERROR INTERNAL\"", "[ERROR 500] INTERNAL SERVER ERROR", false),
    ("\"say \\\"hi\\\"\"", "they say \"hi\" to all", true),
    ("%AUTHORIZED%", "UNAUTHORIZED", true),
    (r"%a\(b\)%", "a(b)", true),
    ("%^AUTHORIZED%", "UNAUTHORIZED", false),
    ("-%[45][0-9]{2}%", "status 200", true),
    ("{ $.eventType = \"UpdateTrail\" }", r#"{"eventType":"UpdateTrail"}"#, true),
    ("{ $.eventType = \"Update*\" }", r#"{"eventType":"UpdateTrail"}"#, true),
    ("{ $.eventType = UpdateTrail }", r#"{"eventType":"UpdateTrail"}"#, true),
    ("{ $.eventType = \"Other\" }", r#"{"eventType":"UpdateTrail"}"#, false),
    ("{ $.eventType != \"Other\" }", r#"{"eventType":"UpdateTrail"}"#, true),
    ("{ $.sourceIPAddress != 123.123.* }", r#"{"sourceIPAddress":"111.111.1.1"}"#, true),
    ("{ $.sourceIPAddress != 123.123.* }", r#"{"sourceIPAddress":"123.123.1.1"}"#, false),
    ("{ $.arrayKey[0] = \"value\" }", r#"{"arrayKey":["value","another"]}"#, true),
    ("{ $.arrayKey[1] = \"value\" }", r#"{"arrayKey":["value","another"]}"#, false),
    ("{ $.arrayKey[*] = \"another\" }", r#"{"arrayKey":["value","another"]}"#, true),
    ("{ $.objectList[1].id = 2 }", r#"{"objectList":[{"id":1},{"id":2}]}"#, true),
    ("{ $.[\"a.b\"] = 1 }", r#"{"a.b":1}"#, true),
    ("{ $.bandwidth > 75 }", r#"{"bandwidth":80}"#, true),
    ("{ $.bandwidth > 75 }", r#"{"bandwidth":75}"#, false),
    ("{ $.latency < 50 }", r#"{"latency":49.9}"#, true),
    ("{ $.refreshRate >= 60 }", r#"{"refreshRate":60}"#, true),
    ("{ $.responseTime <= 5 }", r#"{"responseTime":5.1}"#, false),
    ("{ $.errorCode = 400 }", r#"{"errorCode":400}"#, true),
    ("{ $.errorCode != 500 }", r#"{"errorCode":400}"#, true),
    ("{ $.number[0] = 1e-3 }", r#"{"number":[0.001]}"#, true),
    ("{ $.user.id IS NULL }", r#"{"user":{"id":null}}"#, true),
    ("{ $.user.id is null }", r#"{"user":{"id":1}}"#, false),
    ("{ $.SomeObject NOT EXISTS }", r#"{"other":1}"#, true),
    ("{ $.SomeObject NOT EXISTS }", r#"{"SomeObject":1}"#, false),
    ("{ $.ThisFlag IS TRUE }", r#"{"ThisFlag":true}"#, true),
    ("{ $.ThisFlag IS FALSE }", r#"{"ThisFlag":true}"#, false),
    (
        "{ ($.user.id = 1) && ($.users[0].email = \"a@b\") }",
        r#"{"user":{"id":1},"users":[{"email":"a@b"}]}"#,
        true,
    ),
    (
        "{ $.user.id = 2 && $.users[0].email = \"x\" || $.actions[2] = \"GET\" }",
        r#"{"user":{"id":1},"actions":[1,2,"GET"]}"#,
        true,
    ),
    (
        "{ $.user.email = \"x\" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }",
        r#"{"user":{"email":"x"}}"#,
        true,
    ),
    ("{ ($.user.email = \"x\" || $.a = 1) && $.b = 2 }", r#"{"user":{"email":"x"},"b":3}"#, false),
    ("{ $.ip = %^10\\.% }", r#"{"ip":"10.1.2.3"}"#, true),
    ("{ $.a = 1 }", "not json", false),
    ("{ $.a = 1 }", "[1]", false),
    (
        "[ip, user, username, timestamp, request, status_code, bytes]",
        "127.0.0.1 Prod frank [10/Oct/2000] \"GET /index.html HTTP/1.0\" 404 1534",
        true,
    ),
    (
        "[ip, user, username, timestamp, request, status_code = 4*, bytes > 1000]",
        "127.0.0.1 Prod frank [10/Oct/2000] \"GET /index.html HTTP/1.0\" 404 1534",
        true,
    ),
    (
        "[ip, user, username, timestamp, request, status_code = 4*, bytes > 1000]",
        "127.0.0.1 Prod frank [10/Oct/2000] \"GET /index.html HTTP/1.0\" 404 534",
        false,
    ),
    (
        "[..., status_code = 4*, bytes]",
        "127.0.0.1 Prod frank [10/Oct/2000] \"GET / HTTP/1.0\" 404 1534",
        true,
    ),
    (
        "[ip, ..., request = *.html*, status_code, bytes]",
        "127.0.0.1 Prod frank [10/Oct/2000] \"GET /index.html HTTP/1.0\" 404 1534",
        true,
    ),
    ("[ip, ...]", "127.0.0.1", true),
    ("[ip]", "127.0.0.1 more", false),
    ("[w1 = ERROR || w1 = WARN, w2]", "WARN disk", true),
    ("[w1 = ERROR || w1 = WARN, w2]", "INFO disk", false),
    ("[w1 != %WARN% && w1 != INFO, w2]", "ERROR disk", true),
    ("[, second = 2]", "x 2", true),
];

#[test]
fn what_matches() {
    for (pattern, message, expected) in CASES {
        let parsed = Pattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        assert_eq!(parsed.matches(message), *expected, "{pattern} on {message}");
    }
}

#[test]
fn what_does_not_parse() {
    let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(10_000), ")".repeat(10_000));
    for bad in [
        "{",
        "{ }",
        "{ $.a }",
        "{ $.a = }",
        "{ a = 1 }",
        "{ $.a = 1 && }",
        "{ $.a > text }",
        "{ ($.a = 1 }",
        "{ $.a IS BIG }",
        "{ $.a[x] = 1 }",
        "{ $. = 1 }",
        "{ $.a = %[% }",
        "[a",
        "[a, ..., b, ...]",
        "[a = ]",
        "[a = 1 b = 2]",
        "[a = 1, b = 2 &&]",
        "\"open",
        "a-b",
        "-",
        "%open",
        "%a% %b% %c%",
        "%something!%",
        "%(a|b)%",
        "%grün%",
        "{ $.a = \"x }",
        &deep,
        "{ $.a[ = 1 }",
        "{ $.['a.b'] = 1 }",
    ] {
        assert!(Pattern::given(bad).is_err(), "{bad}");
    }
}

/// What AWS does not take and we once did goes on working where it is stored.
#[test]
fn what_was_stored_still_parses() {
    for (pattern, message) in [
        ("%something!%", "something!"),
        ("-other %(a|b)%", "b"),
        ("%grün%", "grün"),
        ("{ $.a = %(x|y)% }", r#"{"a":"y"}"#),
        ("[a = %1!%, b]", "1! 2"),
    ] {
        assert!(Pattern::given(pattern).is_err(), "{pattern}");
        assert!(Pattern::parse(pattern).unwrap().matches(message), "{pattern}");
    }
}

#[test]
fn what_is_extracted() {
    let pattern = Pattern::parse("[ip, user, ..., bytes > 1]").unwrap();
    let found = pattern.extract("1.2.3.4 - a b 20");
    assert_eq!(
        found,
        [("$ip", "1.2.3.4"), ("$user", "-"), ("$bytes", "20")].map(|(k, v)| (k.into(), v.into()))
    );
    let pattern = Pattern::parse("{ $.a = 1 && $.b.c = x }").unwrap();
    assert_eq!(
        pattern.extract(r#"{"a":1,"b":{"c":"x"}}"#),
        [("$.a", "1"), ("$.b.c", "x")].map(|(k, v)| (k.into(), v.into()))
    );
}
