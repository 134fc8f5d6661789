//! What the fuzz targets call: the parsers and encodings that read what a client wrote, each with what must hold of them.
//! No part of the API.

use haneul_dynamodb_wire::shapes::AttributeValue;
use haneul_shape::value::Map;

use crate::expression::{Condition, Placeholders, Projection, Update, key_condition};
use crate::partiql;
use crate::table::{KeyAttribute, KeySchema};
use crate::transfer::{csv, ion, json};
use crate::value::{Attrs, Number, Value, codec, order, size, wire};

/// Any text as each of the expressions, and what comes of it applied to an item.
pub fn expressions(text: &str) {
    let placeholders = placeholders();
    let item = item();
    if let Ok(condition) = Condition::parse("ConditionExpression", text, &placeholders) {
        let holds = condition.holds(&item);
        assert_ne!(Condition::Not(Box::new(condition.clone())).holds(&item), holds);
        assert_eq!(condition.holds(&item), holds);
        if let Ok(terms) = key_condition::terms(&condition) {
            let _ = key_condition::KeyRange::of_terms(terms, &schema());
        }
    }
    if let Ok(projection) = Projection::parse(text, &placeholders) {
        let part = projection.apply(&item);
        assert!(part.iter().all(|(name, _)| item.get(name).is_some()));
        assert!(size::of_item(&part) <= size::of_item(&item));
    }
    if let Ok(update) = Update::parse(text, &placeholders)
        && let Ok(after) = update.apply(&item)
        && wire::check_nesting(&after).is_ok()
    {
        assert_eq!(written_and_read(&after), after);
        let touched = update.touched();
        let _ = (touched.apply(&item), touched.apply(&after));
    }
}

/// Any text as a PartiQL statement.
pub fn statement(text: &str) {
    let parameters = [Value::S("a".into()), Value::N(Number::of_i64(1))];
    for count in 0..=parameters.len() {
        let Ok(statement) = partiql::parse(text, &parameters[..count]) else { continue };
        let condition = match &statement {
            partiql::Statement::Select(select) | partiql::Statement::Exists(select) => {
                select.condition.as_ref()
            }
            partiql::Statement::Insert { item, .. } => return assert_eq!(written_and_read(item), *item),
            partiql::Statement::Update { condition, .. } | partiql::Statement::Delete { condition, .. } => {
                Some(condition)
            }
        };
        let _ = partiql::plan::access(condition, &schema());
        let _ =
            condition.map(|condition| (partiql::plan::key(condition, &schema()), condition.holds(&item())));
    }
}

/// Two texts as numbers: what is shown reads as the same, and bytes are in the order of the numbers.
pub fn numbers(one: &str, two: &str) {
    let (Ok(one), Ok(two)) = (Number::parse(one), Number::parse(two)) else { return };
    for number in [&one, &two] {
        assert_eq!(Number::parse(&number.to_string()).as_ref(), Ok(number));
    }
    let bytes = |number: &Number| {
        let mut out = Vec::new();
        order::encode(&Value::N(*number), &mut out);
        out
    };
    assert_eq!(bytes(&one).cmp(&bytes(&two)), one.cmp(&two));
    if let (Ok(sum), Ok(back)) = (one.add(&two), one.add(&two).and_then(|sum| sum.sub(&two))) {
        assert_eq!(two.add(&one).as_ref(), Ok(&sum));
        assert_eq!(back, one);
    }
}

/// Any bytes as an item of the store.
pub fn stored(bytes: &[u8]) {
    if let Some(item) = codec::decode(bytes) {
        assert_eq!(written_and_read(&item), item);
    }
}

/// Any text as a record of a file to be imported; what Ion and JSON say is written and read the same.
pub fn imported(text: &str) {
    if let Ok(item) = ion::item(text) {
        let mut again = "{Item:".to_owned();
        ion::write_item(&item, &mut again);
        again.push('}');
        assert_eq!(ion::item(&again).as_ref(), Ok(&item));
    }
    if let Ok(item) = json::item(text) {
        let again = format!("{{\"Item\":{}}}", json::of_item(&item));
        assert_eq!(json::item(&again).as_ref(), Ok(&item));
    }
    let header = ["a", "b", "c"].map(str::to_owned);
    let keys = [("a", "S"), ("b", "N")].map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    let _ = csv::item(text, ',', &header, &keys);
}

fn written_and_read(item: &Attrs) -> Attrs {
    let mut bytes = Vec::new();
    codec::encode(item, &mut bytes);
    codec::decode(&bytes).expect("what was written can be read")
}

fn schema() -> KeySchema {
    let key = |name: &str, kind| KeyAttribute { name: name.to_owned(), kind };
    KeySchema { hash: vec![key("a", "S")], range: vec![key("b", "N")] }
}

fn item() -> Attrs {
    let text = |text: &str| Value::S(text.to_owned());
    let number = |number: i64| Value::N(Number::of_i64(number));
    Attrs::of(vec![
        ("a".to_owned(), text("abc")),
        ("b".to_owned(), number(5)),
        ("c".to_owned(), Value::L(vec![number(1), text("x"), Value::L(vec![number(2)])])),
        (
            "d".to_owned(),
            Value::M(Attrs::of(vec![("a".to_owned(), number(7)), ("e".to_owned(), Value::Null)])),
        ),
        ("e".to_owned(), Value::Ss(vec!["a".to_owned(), "b".to_owned()])),
        ("f".to_owned(), Value::Ns(vec![Number::of_i64(1), Number::of_i64(2)])),
        ("g".to_owned(), Value::B(b"abc".to_vec().into())),
        ("h".to_owned(), Value::Bool(true)),
    ])
}

fn placeholders() -> Placeholders {
    let names: Map<String> = [("#a", "a"), ("#c", "c"), ("#n", "name")]
        .map(|(name, of)| (name, of.to_owned()))
        .into_iter()
        .collect();
    let values: Map<AttributeValue> = [
        (":a", AttributeValue::S("a".to_owned())),
        (":n", AttributeValue::N("1".to_owned())),
        (":b", AttributeValue::B(b"ab".to_vec().into())),
        (":s", AttributeValue::SS(vec!["a".to_owned(), "c".to_owned()])),
        (":l", AttributeValue::L(vec![AttributeValue::N("2".to_owned())])),
        (":t", AttributeValue::BOOL(true)),
    ]
    .into_iter()
    .collect();
    let used = [("ConditionExpression", true)];
    Placeholders::of(Some(names), Some(values), &used).expect("these are placeholders")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_an_expression_or_an_error(text in "[a-h#:n0-9 ()\\[\\].,=<>+\\-]{0,60}") {
            super::expressions(&text);
            super::statement(&text);
        }

        #[test]
        fn any_words_are_a_statement_or_an_error(words in prop::collection::vec(prop::sample::select(vec![
            "SELECT", "*", "FROM", "\"t\"", "WHERE", "a", "b", "=", "?", "'x'", "1", "AND", "OR", "NOT", "IN", "[", "]", "(", ")", ",",
            "INSERT", "INTO", "VALUE", "{", "}", ":", "UPDATE", "SET", "REMOVE", "DELETE", "<<", ">>", "IS", "MISSING", "BETWEEN", "ORDER", "BY",
        ]), 0..24)) {
            super::statement(&words.join(" "));
        }

        #[test]
        fn numbers_keep_their_order(one in "-?[0-9]{1,20}(\\.[0-9]{1,18})?(e-?[0-9]{1,3})?", two in "-?[0-9]{1,39}(e-?[0-9]{1,2})?") {
            super::numbers(&one, &two);
            super::numbers(&one, &one);
        }

        #[test]
        fn any_text_is_a_record_or_not(text in "(\\$ion_1_0 )?\\{\"?Item\"?:\\{[a-c'\":\\[\\]{},0-9.$_ /*\\\\eSNBML-]{0,40}\\}\\}") {
            super::imported(&text);
        }

        #[test]
        fn any_bytes_are_an_item_or_not(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            super::stored(&bytes);
        }
    }
}
