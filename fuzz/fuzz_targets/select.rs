//! S3 Select: the first byte says what the object is, the first line is the expression, the rest is the object.

#![no_main]

use haneul_s3_select::{Compression, CsvInput, CsvOutput, Engine, Header, Input, JsonType, Output, Request};
use libfuzzer_sys::fuzz_target;

fn run(expression: &str, object: &[u8], form: u8, piece: usize) -> Result<String, &'static str> {
    let input = match form & 3 {
        0 => Input::Csv(CsvInput { header: Header::Use, ..CsvInput::default() }),
        1 => Input::Csv(CsvInput { quoted_delimiters: true, escape: Some(b'\\'), ..CsvInput::default() }),
        2 => Input::Json(JsonType::Lines),
        _ => Input::Json(JsonType::Document),
    };
    let compression = match form >> 2 & 3 {
        1 => Compression::Gzip,
        2 => Compression::Bzip2,
        _ => Compression::None,
    };
    let output = if form & 16 == 0 { Output::Csv(CsvOutput::default()) } else { Output::Json("\n".to_owned()) };
    let request = Request {
        expression: expression.to_owned(),
        input,
        compression,
        output,
        now: (1_700_000_000, 0),
        end: None,
        begins_inside: form & 32 != 0,
    };
    let mut engine = Engine::new(request).map_err(|error| error.code)?;
    let mut answer = String::new();
    for mut bytes in object.chunks(piece) {
        while !bytes.is_empty() {
            let fed = engine.feed(bytes).map_err(|error| error.code)?;
            bytes = &bytes[fed..];
            answer += &engine.take();
        }
    }
    while !engine.finish().map_err(|error| error.code)? {
        answer += &engine.take();
    }
    Ok(answer + &engine.take())
}

fuzz_target!(|input: &[u8]| {
    let Some((form, rest)) = input.split_first() else { return };
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let Ok(expression) = std::str::from_utf8(&rest[..end]) else { return };
    let object = rest.get(end + 1..).unwrap_or_default();
    // How an object is cut makes no difference.
    assert_eq!(run(expression, object, *form, 3), run(expression, object, *form, 1 << 20));
});
