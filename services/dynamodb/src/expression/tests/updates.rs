use super::*;

const ITEM: &str = r#"{
    "p": "k", "n": 5, "s": "hello", "ss": {"SS": ["a", "b", "c"]}, "ns": {"NS": [1, 2, 3]}, "l": [1, "two", [3], {"x": 4}],
    "m": {"a": 1, "b": {"c": "deep"}}
}"#;

/// The changed attributes, `null` in JSON written as `~` for what is gone.
#[test]
fn updates_come_to() {
    for (text, attribute, after) in [
        // SET
        ("SET a = :1", "a", "1"),
        ("SET n = :1", "n", "1"),
        ("set n = :1", "n", "1"),
        ("SET n = n + :1", "n", "6"),
        ("SET n = n - :1", "n", "4"),
        ("SET n = :1 - n", "n", "-4"),
        ("SET n = :neg + n", "n", "2.5"),
        ("SET n = (n + :1)", "n", "6"),
        ("SET n = m.a + l[0]", "n", "2"),
        ("SET a = n", "a", "5"),
        ("SET s = n, n = s", "n", r#""hello""#),
        ("SET m.a = :2", "m", r#"{"a": 2, "b": {"c": "deep"}}"#),
        ("SET m.z = :2", "m", r#"{"a": 1, "b": {"c": "deep"}, "z": 2}"#),
        ("SET m.b.c = :1", "m", r#"{"a": 1, "b": {"c": 1}}"#),
        ("SET #m.b = :mx", "m", r#"{"a": 1, "b": {"x": 4}}"#),
        ("SET l[0] = :2", "l", r#"[2, "two", [3], {"x": 4}]"#),
        ("SET l[9] = :2", "l", r#"[1, "two", [3], {"x": 4}, 2]"#),
        ("SET l[9] = :2, l[7] = :1", "l", r#"[1, "two", [3], {"x": 4}, 1, 2]"#),
        ("SET l[2][5] = :2", "l", r#"[1, "two", [3, 2], {"x": 4}]"#),
        ("SET l[3].x = :2", "l", r#"[1, "two", [3], {"x": 2}]"#),
        ("SET l[3].y = l[0]", "l", r#"[1, "two", [3], {"x": 4, "y": 1}]"#),
        ("SET a = if_not_exists(a, :1)", "a", "1"),
        ("SET n = if_not_exists(n, :1)", "n", "5"),
        ("SET a = if_not_exists(a, :0) + :1", "a", "1"),
        ("SET n = if_not_exists(n, :0) + :1", "n", "6"),
        ("SET a = if_not_exists(absent, n)", "a", "5"),
        ("SET a = if_not_exists(m.a, :0)", "a", "1"),
        ("SET a = if_not_exists(x, if_not_exists(y, :2))", "a", "2"),
        ("SET l = list_append(l, :l3)", "l", r#"[1, "two", [3], {"x": 4}, 3]"#),
        ("SET l = list_append(:l3, l)", "l", r#"[3, 1, "two", [3], {"x": 4}]"#),
        ("SET a = list_append(:l3, :l3)", "a", "[3, 3]"),
        ("SET a = list_append(if_not_exists(a, :l_empty), :l3)", "a", "[3]"),
        ("SET a = list_append(l[2], :l3)", "a", "[3, 3]"),
        ("SET a = :null", "a", "null"),
        ("SET a = :empty", "a", r#""""#),
        ("SET a = :ss", "a", r#"{"SS": ["a", "b", "c"]}"#),
        // REMOVE
        ("REMOVE n", "n", "~"),
        ("REMOVE absent", "n", "5"),
        ("REMOVE n, s", "s", "~"),
        ("REMOVE m.a", "m", r#"{"b": {"c": "deep"}}"#),
        ("REMOVE m.b.c", "m", r#"{"a": 1, "b": {}}"#),
        ("REMOVE m.absent", "m", r#"{"a": 1, "b": {"c": "deep"}}"#),
        ("REMOVE l[0]", "l", r#"["two", [3], {"x": 4}]"#),
        ("REMOVE l[0], l[1]", "l", r#"[[3], {"x": 4}]"#),
        ("REMOVE l[1], l[0], l[3]", "l", "[[3]]"),
        ("REMOVE l[9]", "l", r#"[1, "two", [3], {"x": 4}]"#),
        ("REMOVE l[3].x", "l", r#"[1, "two", [3], {}]"#),
        ("REMOVE l[2][0]", "l", r#"[1, "two", [], {"x": 4}]"#),
        // ADD
        ("ADD n :1", "n", "6"),
        ("ADD n :neg", "n", "2.5"),
        ("ADD a :1", "a", "1"),
        ("ADD m.a :1", "m", r#"{"a": 2, "b": {"c": "deep"}}"#),
        ("ADD m.z :1", "m", r#"{"a": 1, "b": {"c": "deep"}, "z": 1}"#),
        ("ADD l[0] :1", "l", r#"[2, "two", [3], {"x": 4}]"#),
        ("ADD ss :ss_d", "ss", r#"{"SS": ["a", "b", "c", "d"]}"#),
        ("ADD ss :ss_ab", "ss", r#"{"SS": ["a", "b", "c"]}"#),
        ("ADD a :ss_d", "a", r#"{"SS": ["d"]}"#),
        ("ADD ns :ns_9", "ns", r#"{"NS": [1, 2, 3, 9]}"#),
        // DELETE
        ("DELETE ss :ss_ab", "ss", r#"{"SS": ["c"]}"#),
        ("DELETE ss :ss_d", "ss", r#"{"SS": ["a", "b", "c"]}"#),
        ("DELETE ss :ss", "ss", "~"),
        ("DELETE ns :ns", "ns", "~"),
        ("DELETE absent :ss", "absent", "~"),
        // Together
        ("SET a = n REMOVE n ADD m.a :1 DELETE ss :ss_ab", "a", "5"),
        ("REMOVE n SET a = n", "a", "5"),
        ("ADD n :1 SET a = n", "a", "5"),
        ("SET l[0] = :5 REMOVE l[1]", "l", r#"[5, [3], {"x": 4}]"#),
    ] {
        let update = Update::parse(text, &placeholders()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let changed = update.apply(&item(ITEM)).unwrap_or_else(|error| panic!("{text}: {error}"));
        let expected = (after != "~").then(|| value(after));
        assert_eq!(changed.get(attribute), expected.as_ref(), "{text}");
    }
}

#[test]
fn updates_that_do_not_fit_the_item() {
    let path = "The document path provided in the update expression is invalid for update";
    let kind = "An operand in the update expression has an incorrect data type";
    let missing = "The provided expression refers to an attribute that does not exist in the item";
    for (text, why) in [
        ("SET absent.x = :1", path),
        ("SET absent[0] = :1", path),
        ("SET s.x = :1", path),
        ("SET s[0] = :1", path),
        ("SET m[0] = :1", path),
        ("SET l.x = :1", path),
        ("SET m.absent.x = :1", path),
        ("SET l[9].x = :1", path),
        ("REMOVE absent.x", path),
        ("REMOVE m[0]", path),
        ("REMOVE l.x", path),
        ("ADD absent.x :1", path),
        ("DELETE s.x :ss", path),
        ("SET a = absent", missing),
        ("SET a = absent + :1", missing),
        ("SET a = :1 + m.absent", missing),
        ("SET a = l[9]", missing),
        ("SET a = list_append(absent, :l)", missing),
        ("SET a = s + :1", kind),
        ("SET a = n - s", kind),
        ("SET a = list_append(n, :l)", kind),
        ("SET a = list_append(l, s)", kind),
        ("ADD s :1", kind),
        ("ADD n :ss", kind),
        ("ADD ss :ns", kind),
        ("ADD ss :1", kind),
        ("ADD l :1", kind),
        ("DELETE n :ss", kind),
        ("DELETE ss :ns", kind),
        ("DELETE l :ss", kind),
    ] {
        let update = Update::parse(text, &placeholders()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let error = update.apply(&item(ITEM)).unwrap_err().to_string();
        assert_eq!(error, format!("ValidationException: {why}"), "{text}");
    }
}

#[test]
fn projections_come_to() {
    for (text, part) in [
        ("n", r#"{"n": 5}"#),
        ("#n", r#"{"n": 5}"#),
        ("n, s", r#"{"n": 5, "s": "hello"}"#),
        ("absent", "{}"),
        ("n, absent", r#"{"n": 5}"#),
        ("m", r#"{"m": {"a": 1, "b": {"c": "deep"}}}"#),
        ("m.a", r#"{"m": {"a": 1}}"#),
        ("m.b.c", r#"{"m": {"b": {"c": "deep"}}}"#),
        ("m.a, m.b.c", r#"{"m": {"a": 1, "b": {"c": "deep"}}}"#),
        ("m.absent", "{}"),
        ("l[0]", r#"{"l": [1]}"#),
        ("l[1], l[0]", r#"{"l": [1, "two"]}"#),
        ("l[3]", r#"{"l": [{"x": 4}]}"#),
        ("l[3].x", r#"{"l": [{"x": 4}]}"#),
        ("l[2][0]", r#"{"l": [[3]]}"#),
        ("l[0], l[3].x", r#"{"l": [1, {"x": 4}]}"#),
        ("l[9]", "{}"),
        ("l.x", "{}"),
        ("m[0]", "{}"),
        ("s.x", "{}"),
        ("ss", r#"{"ss": {"SS": ["a", "b", "c"]}}"#),
        (" n , s ", r#"{"n": 5, "s": "hello"}"#),
    ] {
        let projection =
            Projection::parse(text, &placeholders()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(projection.apply(&item(ITEM)), item(part), "{text}");
    }
}
