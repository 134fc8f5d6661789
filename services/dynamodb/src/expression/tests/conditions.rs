use proptest::prelude::*;

use super::*;

const ITEM: &str = r#"{
    "s": "hello", "n": 5, "neg": -2.5, "bin": {"B": "abc"}, "yes": true, "nay": false, "nothing": null,
    "ss": {"SS": ["a", "b", "c"]}, "ns": {"NS": [1, 2, 3]}, "bs": {"BS": ["x", "y"]},
    "l": [1, "two", [3], {"x": 4}], "m": {"a": 1, "b": {"c": "deep"}, "d.e": 7}, "blank": "", "zero0": 0,
    "s2": "hello", "n2": 5, "n3": 6
}"#;

/// What holds of the item.
const TRUE: &[&str] = &[
    // Equality, of every type.
    "s = :hello",
    ":hello = s",
    "s = s2",
    "n = :5",
    "n = :50",
    "#n = :5",
    "n = n2",
    "neg = :neg",
    "bin = :bin",
    "yes = :true",
    "nay = :false",
    "nothing = :null",
    "ss = :ss",
    "ns = :ns",
    "l = :l",
    "m = :m",
    "blank = :empty",
    "l[0] = :1",
    "l[1] = :two",
    "l[2] = :l3",
    "l[2][0] = :3",
    "l[3].x = :4",
    "l[3] = :mx",
    "m.a = :1",
    "m.b.c = :deep",
    "m.#dot = :4 OR m.#dot > :5",
    "#m.b.c = :deep",
    "#l[1] = :two",
    "(s) = :hello",
    "(s = :hello)",
    "s = (:hello)",
    ":1 = :1",
    "zero0 = :0",
    // Inequality, also of what is not there or of another type.
    "s <> :world",
    "n <> :1",
    "s <> :5",
    "absent <> :1",
    "m.absent <> :1",
    "l[9] <> :1",
    "ss <> :ss_ab",
    "l <> :l3",
    "yes <> :false",
    "nothing <> :true",
    "s <> n",
    "n <> n3",
    "absent <> alsoabsent",
    // Order.
    "n < :10",
    "n <= :5",
    "n > :1",
    "n >= :50",
    "neg < :0",
    "s < :world",
    "s <= :hello",
    "s > :he",
    "s >= :hello",
    "bin > :bin_ab",
    "bin <= :bin",
    "n < n3",
    "n3 > n",
    ":1 < n",
    ":10 >= n",
    "m.a < :2",
    "l[0] >= :1",
    "blank < :a",
    // Between.
    "n BETWEEN :1 AND :10",
    "n BETWEEN :5 AND :5",
    "s BETWEEN :he AND :world",
    "bin BETWEEN :bin_ab AND :bin_x",
    "n between :1 and :10",
    ":5 BETWEEN n AND n3",
    "n BETWEEN n2 AND n3",
    "m.a BETWEEN :0 AND :1",
    "n BETWEEN :1 AND :10 AND s = :hello",
    // In.
    "n IN (:5)",
    "n IN (:1, :5)",
    "n IN (:1, :2, :3, :50)",
    "s in (:world, :hello)",
    "yes IN (:true, :false)",
    "ss IN (:ss_ab, :ss)",
    "n IN (n3, n2)",
    "l[1] IN (:two)",
    "nothing IN (:null)",
    // Functions.
    "attribute_exists(s)",
    "attribute_exists(#n)",
    "attribute_exists(m.b.c)",
    "attribute_exists(l[3].x)",
    "attribute_exists(nothing)",
    "attribute_exists(blank)",
    "attribute_not_exists(absent)",
    "attribute_not_exists(m.absent)",
    "attribute_not_exists(l[9])",
    "attribute_not_exists(s.x)",
    "attribute_not_exists(m[0])",
    "attribute_not_exists(#name)",
    "attribute_type(s, :S)",
    "attribute_type(n, :N)",
    "attribute_type(bin, :B)",
    "attribute_type(yes, :BOOL)",
    "attribute_type(nothing, :NULL)",
    "attribute_type(l, :L)",
    "attribute_type(m, :M)",
    "attribute_type(ss, :SS)",
    "attribute_type(ns, :NS)",
    "attribute_type(bs, :BS)",
    "attribute_type(m.b, :M)",
    "attribute_type(l[2], :L)",
    "begins_with(s, :he)",
    "begins_with(s, :hello)",
    "begins_with(s, :empty)",
    "begins_with(bin, :bin_ab)",
    "begins_with(s, s2)",
    "begins_with(m.b.c, :deep)",
    "begins_with(:hello, :he)",
    "begins_with(s, blank)",
    "contains(s, :ell)",
    "contains(s, :hello)",
    "contains(s, :empty)",
    "contains(ss, :a)",
    "contains(ns, :2)",
    "contains(bs, :bin_x)",
    "contains(l, :1)",
    "contains(l, :two)",
    "contains(l, :l3)",
    "contains(l, :mx)",
    "contains(bin, :bin_bc)",
    "contains(ns, n) OR contains(ns, :1)",
    "contains(:hello, :ell)",
    "contains(:ss, l[9]) OR n = :5",
    "size(s) = :5",
    "size(bin) = :3",
    "size(ss) = :3",
    "size(ns) = :3",
    "size(bs) = :2",
    "size(l) = :4",
    "size(m) = :3",
    "size(blank) = :0",
    "size(s) > :4",
    "size(s) = n",
    "n = size(s)",
    "size(m.b) = :1",
    "size(l[2]) = :1",
    "size(s) BETWEEN :4 AND :5",
    "size(ss) IN (:1, :3)",
    "size(:hello) = :5",
    "size(l[1]) <= :3",
    "size(absent) <> :1",
    // Logic.
    "NOT s = :world",
    "NOT (s = :world)",
    "not attribute_exists(absent)",
    "NOT NOT s = :hello",
    "s = :hello AND n = :5",
    "s = :world OR n = :5",
    "s = :hello OR n = :1 AND n = :2",
    "(s = :world OR n = :5) AND yes = :true",
    "s = :world AND n = :1 OR yes = :true",
    "NOT s = :world AND n = :5",
    "NOT (s = :hello AND n = :1)",
    "NOT absent = :1",
    "NOT s > :5",
    "NOT absent IN (:1)",
    "s = :hello and n = :5 or nay = :true",
    "((s) = :hello)",
    "(NOT s = :world)",
    "(s = :hello) AND (n = :5)",
    "attribute_exists(s) AND NOT attribute_exists(absent) AND size(l) > :1",
    "n = :5 AND (n3 = :1 OR (n2 = :5 AND s = s2))",
    // White space is free.
    "  s=:hello  ",
    "s=:hello AND n=:5",
    "n>:1",
    "n IN(:5,:1)",
    "size( s )=:5",
    "\ts\n=\r:hello",
    "m . b . c = :deep",
    "l [ 0 ] = :1",
    "NOT(s=:world)",
];

/// What does not hold.
const FALSE: &[&str] = &[
    "s = :world",
    "s = :5",
    "n = :hello",
    "n = :1",
    "absent = :1",
    "absent = alsoabsent",
    "yes = :false",
    "nothing = :true",
    "ss = :ss_ab",
    "ss = :ns",
    "l = :l3",
    "m = :mx",
    "l[0] = :2",
    "l[9] = :1",
    "m.absent = :1",
    "s.x = :1",
    "m[0] = :1",
    "l.x = :1",
    "bin = :bin_ab",
    "blank = :null",
    "s = n",
    "s <> :hello",
    "n <> :50",
    "ss <> :ss",
    "l <> :l",
    "m <> :m",
    "n <> n2",
    "n < :5",
    "n > :5",
    "n <= :1",
    "n >= :10",
    "s < :he",
    "s > :world",
    "absent < :1",
    "absent >= :1",
    "s < :5",
    "n < :hello",
    "yes < :1",
    "ss > :a",
    "l < :1",
    "bin > :bin",
    "nothing >= :0",
    "neg > :0",
    ":10 < n",
    "n > n3",
    "n BETWEEN :1 AND :4",
    "n BETWEEN :10 AND :10",
    "s BETWEEN :1 AND :5",
    "absent BETWEEN :1 AND :10",
    "n BETWEEN n3 AND n2",
    "yes BETWEEN :0 AND :1",
    "n BETWEEN :he AND :world",
    "n IN (:1, :2)",
    "s IN (:5)",
    "absent IN (:1, :null)",
    "n IN (absent)",
    "ss IN (:a)",
    "attribute_exists(absent)",
    "attribute_exists(m.absent)",
    "attribute_exists(l[4])",
    "attribute_exists(s.x)",
    "attribute_not_exists(s)",
    "attribute_not_exists(nothing)",
    "attribute_not_exists(l[3].x)",
    "attribute_type(s, :N)",
    "attribute_type(n, :S)",
    "attribute_type(absent, :S)",
    "attribute_type(ss, :S)",
    "attribute_type(nothing, :BOOL)",
    "attribute_type(l, :M)",
    "begins_with(s, :llo)",
    "begins_with(absent, :he)",
    "begins_with(n, :he)",
    "begins_with(bin, :bin_bc)",
    "begins_with(s, :bin_ab)",
    "begins_with(ss, :a)",
    "begins_with(s, absent)",
    "contains(s, :world)",
    "contains(ss, :z)",
    "contains(ss, :1)",
    "contains(ns, :5)",
    "contains(l, :5)",
    "contains(m, :1)",
    "contains(n, :5)",
    "contains(absent, :a)",
    "contains(s, :5)",
    "contains(bs, :bin)",
    "contains(l, absent)",
    "contains(yes, :true)",
    "size(s) = :4",
    "size(n) = :1",
    "size(yes) = :1",
    "size(absent) = :0",
    "size(nothing) = :0",
    "size(absent) > :0",
    "NOT s = :hello",
    "NOT NOT s = :world",
    "s = :hello AND n = :1",
    "s = :world OR n = :1",
    "NOT (s = :hello OR n = :1)",
    "(s = :hello OR n = :5) AND yes = :false",
    "s = :world AND (n = :5 OR yes = :true)",
    "NOT absent <> :1",
    "n = :1 OR n = :2 OR n = :3 OR n = :4",
    "n = :5 AND n2 = :5 AND n3 = :5",
];

#[test]
fn conditions_hold_or_not() {
    let (item, placeholders) = (item(ITEM), placeholders());
    for (cases, expected) in [(TRUE, true), (FALSE, false)] {
        for text in cases {
            let condition = Condition::parse("ConditionExpression", text, &placeholders)
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(condition.holds(&item), expected, "{text}");
            // Twice turned around is the same.
            let twice = format!("NOT (NOT ({text}))");
            if let Ok(condition) = Condition::parse("ConditionExpression", &twice, &placeholders) {
                assert_eq!(condition.holds(&item), expected, "{twice}");
            }
        }
    }
    assert!(TRUE.len() + FALSE.len() > 230, "{}", TRUE.len() + FALSE.len());
}

#[test]
fn an_expression_of_any_form_ends_quickly() {
    let placeholders = placeholders();
    for text in [
        "(".repeat(4096),
        "NOT ".repeat(1000),
        format!("{}s = :1{}", "(".repeat(2000), ")".repeat(2000)),
        "size(".repeat(800),
        format!("s = :1{}", " OR s = :1".repeat(400)),
        "a.".repeat(2000),
        "a[0]".to_owned() + &"[0]".repeat(1300),
        "s = :1".to_owned() + &" ".repeat(5000),
    ] {
        let _ = Condition::parse("ConditionExpression", &text, &placeholders);
        let _ = Update::parse(&text, &placeholders);
        let _ = Projection::parse(&text, &placeholders);
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "[a-c:#0-9 ()\\[\\].,=<>+\\-é]{0,40}") {
        let placeholders = placeholders();
        let _ = Condition::parse("ConditionExpression", &text, &placeholders);
        let _ = Update::parse(&text, &placeholders);
        let _ = Projection::parse(&text, &placeholders);
    }

    #[test]
    fn parsing_of_words_never_panics(words in prop::collection::vec(prop::sample::select(vec![
        "a", "b.c", "l[0]", ":1", "#n", "=", "<>", "AND", "OR", "NOT", "BETWEEN", "IN", "(", ")", ",", "SET", "REMOVE", "ADD",
        "DELETE", "size", "contains", "if_not_exists", "list_append", "attribute_exists", "+", "-", "[", "]", ".",
    ]), 0..24)) {
        let (text, placeholders) = (words.join(" "), placeholders());
        let item = item(ITEM);
        if let Ok(condition) = Condition::parse("ConditionExpression", &text, &placeholders) {
            let _ = condition.holds(&item);
        }
        if let Ok(update) = Update::parse(&text, &placeholders) {
            let _ = update.apply(&item);
        }
        if let Ok(projection) = Projection::parse(&text, &placeholders) {
            let _ = projection.apply(&item);
        }
    }
}
