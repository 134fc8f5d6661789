use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn numbers_are_written_plainly() {
    for (given, shown) in [
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("1", "1"),
        ("+1", "1"),
        ("-1", "-1"),
        ("007", "7"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e2", "100"),
        ("1E-2", "0.01"),
        ("-12.5e1", "-125"),
        ("123456789012345678901234567890.12345678", "123456789012345678901234567890.12345678"),
        ("1e000000000000000000000000002", "100"),
        ("100000000000000000000000000000000000000000", "100000000000000000000000000000000000000000"),
    ] {
        assert_eq!(number(given).to_string(), shown, "{given}");
    }
    assert_eq!(number("9.99e125").to_string(), format!("999{}", "0".repeat(123)));
    assert_eq!(number("1e-130").to_string(), format!("0.{}1", "0".repeat(129)));
}

#[test]
fn numbers_that_cannot_be_kept() {
    use number::NumberError::*;
    for text in
        ["", "a", "1a", "--1", "1e", "1e+", "e1", ".", "-", "0x1", "1 ", " 1", "1_0", "NaN", "Infinity", "１"]
    {
        assert!(matches!(Number::parse(text), Err(NotANumber(_))), "{text}");
    }
    for (text, error) in [
        ("1e126", Overflow),
        ("-1e126", Overflow),
        ("1e99999999999999999999999", Overflow),
        ("1e-131", Underflow),
        ("1e-99999999999999999999999", Underflow),
        ("123456789012345678901234567890123456789", TooManyDigits),
        ("1.00000000000000000000000000000000000001", TooManyDigits),
    ] {
        assert_eq!(Number::parse(text), Err(error), "{text}");
    }
    let long = "9".repeat(100_000);
    assert_eq!(Number::parse(&long), Err(TooManyDigits));
}

#[test]
fn sums() {
    for (a, b, sum) in [
        ("1", "2", "3"),
        ("0.1", "0.2", "0.3"),
        ("1", "-1", "0"),
        ("-5", "3", "-2"),
        ("1e38", "-1", "99999999999999999999999999999999999999"),
        ("99999999999999999999999999999999999999", "1", "100000000000000000000000000000000000000"),
        ("1e20", "1e-10", "100000000000000000000.0000000001"),
        ("0", "1e-130", &format!("0.{}1", "0".repeat(129))),
    ] {
        assert_eq!(number(a).add(&number(b)).unwrap().to_string(), sum, "{a} + {b}");
    }
    for (a, b) in [("1e38", "1"), ("1e125", "1e-130"), ("9e125", "9e125")] {
        assert!(number(a).add(&number(b)).is_err(), "{a} + {b}");
    }
}

fn any_number() -> impl Strategy<Value = Number> {
    (any::<bool>(), 0u128..10u128.pow(38), -60i16..60).prop_map(|(negative, coefficient, exponent)| {
        Number::of_parts(negative, coefficient, exponent).unwrap_or(Number::ZERO)
    })
}

fn any_small_number() -> impl Strategy<Value = Number> {
    (-1000i64..1000, -3i16..3).prop_map(|(value, exponent)| {
        Number::of_parts(value < 0, value.unsigned_abs().into(), exponent).unwrap()
    })
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[\0\u{1}ab\u{ff}]{0,4}".prop_map(Value::S),
        any_number().prop_map(Value::N),
        any_small_number().prop_map(Value::N),
        prop::collection::vec(prop::sample::select(vec![0u8, 1, 2, 254, 255]), 0..4)
            .prop_map(|bytes| Value::B(bytes.into())),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        prop::collection::vec("[a-c]{1,3}", 1..3).prop_map(Value::Ss),
        prop::collection::vec(any_number(), 1..3).prop_map(Value::Ns),
    ]
}

pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::L),
            prop::collection::vec(("[a-d]{0,3}", inner), 0..4)
                .prop_map(|entries| Value::M(Attrs::of(entries))),
        ]
    })
}

proptest! {
    #[test]
    fn a_number_comes_back_from_its_text(a in any_number()) {
        prop_assert_eq!(Number::parse(&a.to_string()), Ok(a));
    }

    #[test]
    fn numbers_add_up(a in any_small_number(), b in any_small_number()) {
        let sum = a.add(&b).unwrap();
        prop_assert_eq!(sum, b.add(&a).unwrap());
        prop_assert_eq!(sum.sub(&b).unwrap(), a);
    }

    #[test]
    fn keys_lie_in_order(a in any_scalar(), b in any_scalar()) {
        if let Some(order) = a.compare(&b) {
            let (mut x, mut y) = (Vec::new(), Vec::new());
            order::encode(&a, &mut x);
            order::encode(&b, &mut y);
            prop_assert_eq!(x.cmp(&y), order, "{:?} {:?}", a, b);
            // No key is the beginning of another one.
            prop_assert!(x == y || !y.starts_with(&x));
        }
    }

    #[test]
    fn numbers_lie_in_order(a in any_small_number(), b in any_small_number()) {
        let (mut x, mut y) = (Vec::new(), Vec::new());
        order::encode(&Value::N(a), &mut x);
        order::encode(&Value::N(b), &mut y);
        prop_assert_eq!(x.cmp(&y), a.cmp(&b), "{} {}", a, b);
    }

    #[test]
    fn items_come_back_from_disk(entries in prop::collection::vec(("[a-d]{0,3}", any_value()), 0..6)) {
        let item = Attrs::of(entries);
        let mut out = Vec::new();
        codec::encode(&item, &mut out);
        prop_assert_eq!(codec::size(&out), Some(super::size::of_item(&item)));
        prop_assert_eq!(codec::decode(&out), Some(item));
    }

    #[test]
    fn decoding_never_panics(bytes: Vec<u8>) {
        let decoded = codec::decode(&bytes);
        prop_assert!(decoded.is_none() || codec::size(&bytes).is_some());
    }

    #[test]
    fn parsing_never_panics(text in "[-+0-9.eE]{0,30}") {
        let _ = Number::parse(&text);
    }
}

#[test]
fn the_last_of_equal_names_counts() {
    let attrs = Attrs::of(vec![
        ("b".into(), Value::N(number("1"))),
        ("a".into(), Value::N(number("2"))),
        ("b".into(), Value::N(number("3"))),
    ]);
    assert_eq!(attrs.len(), 2);
    assert_eq!(attrs.get("b"), Some(&Value::N(number("3"))));
}

#[test]
fn sizes_are_those_of_the_guide() {
    let s = |text: &str| Value::S(text.into());
    for (value, bytes) in [
        (s(""), 0),
        (s("é"), 2),
        (Value::Null, 1),
        (Value::Bool(true), 1),
        (Value::N(number("0")), 1),
        (Value::N(number("1")), 2),
        (Value::N(number("-1")), 3),
        (Value::N(number("1234")), 3),
        (Value::L(vec![]), 3),
        (Value::L(vec![s("ab"), Value::Null]), 3 + 3 + 2),
        (Value::M(Attrs::of(vec![("k".into(), s("v"))])), 3 + 3),
        (Value::Ss(vec!["a".into(), "bc".into()]), 3),
    ] {
        assert_eq!(size::of_value(&value), bytes, "{value:?}");
    }
}
