use super::*;

const LENGTH: usize = 4096;

fn condition(text: &str) -> Result<Condition, String> {
    Condition::parse("FilterExpression", text, &placeholders()).map_err(|error| error.message().to_owned())
}

/// As many levels as an expression's length allows.
fn nested(open: &str, inner: &str, close: &str) -> String {
    let levels = (LENGTH - inner.len()) / (open.len() + close.len());
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

fn levels(count: usize, open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(count), close.repeat(count))
}

#[test]
fn nesting_ends_where_operators_do() {
    let operators = "The expression contains too many operators; operator count: 301";
    let redundant = "The expression has redundant parentheses;";
    for text in [
        levels(149, "(", "a <> :1", " OR a <> :2)"),
        levels(149, "(a <> :1 OR ", "a <> :2", ")"),
        levels(299, "NOT ", "a <> :1", ""),
        levels(299, "NOT (", "a <> :1", ")"),
    ] {
        let found = condition(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        found.holds(&item("{}"));
        found.clone().paths(&mut |_| {});
    }
    for (text, why) in [
        (levels(150, "(", "a <> :1", " OR a <> :2)"), operators),
        (levels(150, "(a <> :1 OR ", "a <> :2", ")"), operators),
        (levels(300, "NOT (", "a <> :1", ")"), operators),
        (nested("NOT ", "a <> :1", ""), operators),
        (nested("NOT(", "a <> :1", ")"), operators),
        (nested("size(", "a", ")"), operators),
        (nested("size((", "a", "))"), operators),
        (nested("(", ":1<a", " OR:1<a)"), operators),
        (nested("(", "a <> :1", ")"), redundant),
        (format!("{} <> :1", levels(2000, "(", "a", ")")), redundant),
    ] {
        assert_eq!(condition(&text).unwrap_err(), format!("Invalid FilterExpression: {why}"), "{text}");
    }
}

#[test]
fn what_is_never_closed_is_a_syntax_error() {
    for text in ["(".repeat(LENGTH), format!("{}a <> :1)", "(".repeat(4000)), nested("(", "a <> :1", "")] {
        let error = condition(&text).unwrap_err();
        assert!(error.starts_with("Invalid FilterExpression: Syntax error; token: \"<EOF>\""), "{error}");
    }
    for text in [nested("(", "a", ")x"), nested("((", "a", ")x)"), nested("(size(", "a", ")x)")] {
        condition(&text).unwrap_err();
        Update::parse(&format!("SET b = {}", &text[..4000]), &placeholders()).unwrap_err();
    }
}

#[test]
fn sums_within_parentheses() {
    for text in [levels(2000, "(", "c", ")"), levels(299, "(", "c", "+:1)")] {
        let text = format!("SET b={text}");
        Update::parse(&text, &placeholders()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let many = format!("SET b={}", levels(301, "(", "c", "+:1)"));
    let error = Update::parse(&many, &placeholders()).unwrap_err();
    assert!(error.message().ends_with("operator count: 301"), "{error}");
}

#[test]
fn placeholders_that_are_too_large() {
    let given = [("ConditionExpression", true)];
    let text = |bytes: usize| AttributeValue::S("x".repeat(bytes));
    let values = |all: Vec<AttributeValue>| -> Option<Map<AttributeValue>> {
        Some(all.into_iter().enumerate().map(|(i, value)| (format!(":v{i}"), value)).collect())
    };
    let names =
        |bytes: usize| -> Option<Map<String>> { Some([("#n", "x".repeat(bytes))].into_iter().collect()) };
    const ITEM: usize = 400 * 1024;
    const ALL: usize = 2 * 1024 * 1024;
    // Five of the largest, and what is left beside their keys.
    let full = |rest: usize| values([vec![text(ITEM); 5], vec![text(rest)]].concat());
    let left = ALL - 5 * ITEM - 6 * 3;
    for (names, values) in [
        (None, values(vec![text(ITEM)])),
        (None, full(left)),
        (names(ALL - 2), None),
        (names(10), full(left - 12)),
    ] {
        Placeholders::of(names, values, &given).map(drop).unwrap();
    }
    let item = "ExpressionAttributeValues contains invalid value: Item size has exceeded the maximum allowed size for key";
    let both = "Combined size of ExpressionAttributeNames and ExpressionAttributeValues exceeds max size";
    for (names, values, why) in [
        (None, values(vec![text(ITEM + 1)]), format!("{item} :v0")),
        (None, values(vec![text(1), AttributeValue::L(vec![text(ITEM - 3)])]), format!("{item} :v1")),
        (None, full(left + 1), "ExpressionAttributeValues exceeds max size".to_owned()),
        (names(ALL - 1), None, "ExpressionAttributeNames exceeds max size".to_owned()),
        (names(10), full(left - 11), both.to_owned()),
    ] {
        let error = Placeholders::of(names, values, &given).err().unwrap();
        assert_eq!(error.message(), why);
    }
}
