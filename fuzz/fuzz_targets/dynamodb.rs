//! What DynamoDB reads of a client's text: the first byte picks the language.
//!
//! `[which, text…]`: expressions, PartiQL, two numbers with a space between, an item as it is stored, a record of an import.

#![no_main]

use haneul_dynamodb::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((which, rest)) = input.split_first() else { return };
    let text = std::str::from_utf8(rest);
    match (which % 5, text) {
        (0, Ok(text)) => fuzzing::expressions(text),
        (1, Ok(text)) => fuzzing::statement(text),
        (2, Ok(text)) => {
            let (one, two) = text.split_once(' ').unwrap_or((text, "0"));
            fuzzing::numbers(one, two);
        }
        (4, Ok(text)) => fuzzing::imported(text),
        (3, _) => fuzzing::stored(rest),
        _ => {}
    }
});
