use proptest::prelude::*;

use super::*;
use crate::value::{Number, Value};

fn read(text: &str) -> Result<Statement, String> {
    parse(text, &[]).map_err(|error| error.message().to_owned())
}

#[test]
fn statements_that_are_read() {
    for text in [
        r#"SELECT * FROM "tab""#,
        "select * from tab",
        r#"SELECT a, b.c, d[0] FROM "tab"."idx" WHERE p = 'k' AND s > 1 ORDER BY s DESC"#,
        "SELECT * FROM tab WHERE p IN ['a', 'b'] AND NOT (x = 1 OR y <> 2)",
        "SELECT * FROM tab WHERE p = 'it''s' AND begins_with(s, 'x') AND contains(l, 1)",
        "SELECT * FROM tab WHERE a IS MISSING OR a IS NOT MISSING OR a IS NULL",
        "SELECT * FROM tab WHERE size(a) > 2 AND a BETWEEN 1 AND 2 AND attribute_type(a, 'N');",
        "INSERT INTO tab VALUE {'p': 'k', 'n': -1.5, 'l': [1, 'x', true, null], 'm': {'a': {}}, 's': <<1, 2>>}",
        "UPDATE tab SET a = 1 SET b = b + 1 REMOVE c WHERE p = 'k' RETURNING ALL NEW *",
        "UPDATE tab SET a = list_append(a, [1]), b = if_not_exists(b, 0) WHERE p = 'k'",
        "UPDATE tab SET a = set_add(a, <<'x'>>) SET b = set_delete(b, <<1>>) WHERE p = 'k'",
        "DELETE FROM tab WHERE p = 'k' AND v = 1 RETURNING ALL OLD *",
        "EXISTS(SELECT * FROM tab WHERE p = 'k' AND v = 1)",
    ] {
        read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn statements_that_are_refused() {
    let wrong = |why: &str| format!("Statement wasn't well formed, can't be processed: {why}");
    for (text, why) in [
        ("", wrong("Expected data manipulation")),
        ("CREATE TABLE x", wrong("Expected data manipulation")),
        ("SELECT FROM tab", wrong("Unexpected keyword")),
        ("SELECT *", wrong("Unexpected end of statement")),
        ("SELECT * FROM", wrong("Unexpected end of statement")),
        ("SELECT * FROM tab WHERE", wrong("Unexpected end of statement")),
        ("SELECT * FROM tab WHERE a", wrong("Unexpected end of statement")),
        ("SELECT * FROM tab WHERE a = 'x", wrong("Unterminated string")),
        ("SELECT * FROM tab extra", wrong("Unexpected identifier extra")),
        ("INSERT INTO tab VALUES {'a': 1}", wrong("Unexpected keyword")),
        ("INSERT INTO tab VALUE {a: 1}", wrong("Expected the name of an attribute in single quotes")),
        ("INSERT INTO tab VALUE {'a': <<>>}", wrong("A set may not be empty")),
        (
            "INSERT INTO tab VALUE {'a': <<1, 'x'>>}",
            wrong("A set must have elements of one type: string, number or binary"),
        ),
        ("UPDATE tab WHERE p = 'k'", wrong("Expected SET or REMOVE")),
        ("DELETE tab WHERE p = 'k'", wrong("Unexpected identifier tab")),
        ("SELECT * FROM tab WHERE a # 1", wrong("Unexpected character '#'")),
    ] {
        assert_eq!(read(text).unwrap_err(), why, "{text}");
    }
    for (text, parameters) in [
        ("SELECT * FROM tab", &[Value::Null][..]),
        ("SELECT * FROM tab WHERE a = ?", &[]),
        ("INSERT INTO tab VALUE {'a': ?, 'b': ?}", &[Value::Null]),
    ] {
        let error = parse(text, parameters).unwrap_err();
        assert_eq!(error.message(), "Number of parameters in request and statement don't match.", "{text}");
    }
    for deep in ["(".repeat(5000), "[".repeat(5000), "NOT ".repeat(1500), "{'a':".repeat(1500)] {
        for start in
            ["SELECT * FROM tab WHERE a = 1 AND ", "SELECT * FROM tab WHERE a = ", "INSERT INTO tab VALUE "]
        {
            read(&format!("{start}{deep}")).unwrap_err();
        }
    }
}

#[test]
fn parameters_stand_in_their_order() {
    let text = "INSERT INTO tab VALUE {'a': ?, 'b': [?, 2]}";
    let parameters = [Value::S("x".into()), Value::N(Number::of_i64(1))];
    let Statement::Insert { item, .. } = parse(text, &parameters).unwrap() else { panic!() };
    assert_eq!(item.get("a"), Some(&Value::S("x".into())));
    assert_eq!(
        item.get("b"),
        Some(&Value::L(vec![Value::N(Number::of_i64(1)), Value::N(Number::of_i64(2))]))
    );
}

proptest! {
    #[test]
    fn reading_never_panics(words in prop::collection::vec(prop::sample::select(vec![
        "SELECT", "*", "FROM", "tab", "WHERE", "a", "=", "1", "'x'", "AND", "OR", "NOT", "IN", "[", "]", "(", ")", "{", "}", "<<",
        ">>", ",", ".", ":", "?", "INSERT", "INTO", "VALUE", "UPDATE", "SET", "REMOVE", "DELETE", "IS", "MISSING", "BETWEEN", "-",
        "size", "begins_with", "list_append", "ORDER", "BY", "RETURNING", "ALL", "OLD", "EXISTS", "\"q\"", "é",
    ]), 0..30)) {
        let _ = parse(&words.join(" "), &[Value::Null]);
    }

    #[test]
    fn reading_of_anything_never_panics(text in "\\PC{0,60}") {
        let _ = parse(&text, &[]);
    }
}
