//! Functions, by what the guide says of each, and its examples.

use super::found;

const EVENT: &str = r#"{"name":"Ann Lee","n":"42","hex":"0xff","ip":"10.1.2.3","roles":"[\"admin\",\"dev\"]","zero":0,"users":[{"action":"GetData"},{"action":"PutData"}],"user.id":"123"}"#;

/// What the expression is worth for the event; nothing when it has no value.
fn worth(expression: &str) -> String {
    let rows = found(&format!("fields {expression} as it | display it"), &[EVENT], &[]);
    rows[0].strip_prefix("it=").unwrap_or_default().to_owned()
}

#[test]
fn what_functions_are_worth() {
    let cases: &[(&str, &str)] = &[
        ("round(2.5)", "3"),
        ("round(-2.44)", "-2"),
        ("round(3.14159, 2)", "3.14"),
        ("round(1234, -2)", "1200"),
        ("haversine(52.5200, 13.4050, 48.8566, 2.3522) > 877", "1"),
        ("haversine(52.5200, 13.4050, 48.8566, 2.3522) < 879", "1"),
        ("haversine(0, 0, 91, 0)", ""),
        ("toNumber(n) + 1", "43"),
        ("toNumber(name)", ""),
        ("toInt('12.9')", "12"),
        ("toInt(3000000000)", ""),
        ("toLong(3000000000.7)", "3000000000"),
        ("toDouble('1.25')", "1.25"),
        ("parseDate('2026-11-26', 'yyyy-MM-dd', 'UTC')", "1795651200000"),
        ("parseDate('2026-11-26 09:00', 'yyyy-MM-dd HH:mm', 'Asia/Seoul')", "1795651200000"),
        ("parseDate('2026-07-01 00:00', 'yyyy-MM-dd HH:mm', 'America/New_York')", "1782878400000"),
        ("parseDate('2026-11-26T00:00:00+09:00', 'yyyy-MM-dd\\'T\\'HH:mm:ssXXX', 'UTC')", "1795618800000"),
        ("parseDate('not a date', 'yyyy-MM-dd')", ""),
        ("parseDate('2026-11-26', 'yyyy-MM-dd', 'Nowhere/City')", ""),
        ("formatDate(@timestamp, '%Y-%m-%d', 'UTC')", "2023-11-14"),
        ("strftime(@timestamp, '%H:%M', 'Asia/Seoul')", "07:13"),
        ("formatDate(@timestamp, '%Q%')", ""),
        ("case(n > 100, 'large', n > 40, 'middle', 'small')", "middle"),
        ("case(n > 100, 'large', n > 50, 'middle', 'small')", "small"),
        ("case(n > 100, 'large')", ""),
        ("if(n = 42, 'yes', 'no')", "yes"),
        ("if(missing = 42, 'yes', 'no')", "no"),
        ("isNumeric(n)", "1"),
        ("isNumeric(name)", "0"),
        ("messageSize('한글')", "6"),
        ("strlen('한글')", "2"),
        ("queryStartTime()", "1700000000000"),
        ("queryEndTime() - queryStartTime() = queryTimeRange()", "1"),
        ("jsonArraySize(roles)", "2"),
        ("jsonArraySize(name)", ""),
        ("jsonArrayContains(roles, 'admin')", "1"),
        ("jsonArrayContains(roles, 'Admin')", "0"),
        ("jsonArrayContains(name, 'Ann')", "0"),
        ("jsonArrayContains('[1, 2]', '2')", "1"),
        ("ipv4ToNumber('10.1.2.3')", "167838211"),
        ("ipv4ToNumber('::1')", ""),
        ("isPrivateIP(ip)", "1"),
        ("isPrivateIP('172.32.0.1')", "0"),
        ("isPublicIP('8.8.8.8')", "1"),
        ("isPublicIP('2606:4700::1111')", "1"),
        ("isPublicIP(ip)", "0"),
        ("isReservedIP('127.0.0.1')", "1"),
        ("isReservedIP('203.0.113.9')", "1"),
        ("isReservedIP('8.8.8.8')", "0"),
        ("isPublicIP('not one')", "0"),
        ("regexReplace('a1b22', '[0-9]+', '#')", "a#b#"),
        ("regexReplace('John Smith', '(\\w+) (\\w+)', '\\2, \\1')", "Smith, John"),
        ("regexReplace('x', '(', 'y')", ""),
        ("strcontains(name, 'ann')", "0"),
        ("strcontains(name, 'ann', true)", "1"),
        ("startsWith(name, 'Ann')", "1"),
        ("startsWith(name, 'Lee')", "0"),
        ("endsWith(name, 'Lee')", "1"),
        ("urlencode('a b&ü')", "a%20b%26%C3%BC"),
        ("urldecode('a%20b+c')", "a b c"),
        ("base64encode('hello')", "aGVsbG8="),
        ("base64decode('aGVsbG8=')", "hello"),
        ("base64decode('***')", ""),
        ("split('a,b,c', ',')", r#"["a","b","c"]"#),
        ("jsonArraySize(split('a,b,c', ','))", "3"),
        ("hexToAscii(\"48656c6c6f\")", "Hello"),
        ("hexToAscii('4')", ""),
        ("hexToDec(\"0xff\")", "255"),
        ("hexToDec(hex)", "255"),
        ("decToHex(255)", "0xff"),
        ("decToHex(-16.9)", "-0x10"),
        ("md5('hello')", "5d41402abc4b2a76b9719d911017c592"),
        ("sha256('hello')", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
        // The guide's examples of trimming.
        ("ltrim(\"xyZxyfooxyZ\",\"xyZ\")", "fooxyZ"),
        ("rtrim(\"xyZfooxyxyZ\",\"xyZ\")", "xyZfoo"),
        ("trim(\"xyZxyfooxyxyZ\",\"xyZ\")", "foo"),
        ("substr(\"xyZfooxyZ\",3, 3)", "foo"),
        // Maps and lists are nothing to functions of texts, and no comparison with one holds.
        ("toupper(jsonParse(@message))", ""),
        ("jsonParse(@message) = jsonParse(@message)", "0"),
        // Lengths of time have no more of a unit than the next one up.
        ("datefloor(@timestamp, 300s) = datefloor(@timestamp, 1m)", "1"),
        ("datefloor(@timestamp, 48h) = datefloor(@timestamp, 1d)", "1"),
    ];
    for (expression, expected) in cases {
        assert_eq!(worth(expression), *expected, "{expression}");
    }
}

#[test]
fn structures_are_reached_into() {
    for (query, expected) in [
        (
            "fields jsonParse(@message) as json_message | filter json_message.users[1].action = \"PutData\" | display json_message.n",
            "json_message.n=42",
        ),
        (
            "fields jsonParse(@message) as json_message | filter json_message.`user.id` = \"123\" | display json_message.n",
            "json_message.n=42",
        ),
        (
            "fields jsonParse(@message) as json_message | stats count() by json_message.n",
            "json_message.n=42 count()=1",
        ),
        ("fields jsonParse(@message) as json_message | display toupper(json_message)", ""),
        ("filter users[1].action = 'PutData' | display n", "n=42"),
        ("filter n in ['42'] | display n", "n=42"),
        ("filter n in[42] | display n", "n=42"),
    ] {
        assert_eq!(found(query, &[EVENT], &[]), [expected], "{query}");
    }
}
