//! S3 Select on Parquet: the first line is the expression, the rest is the object.

#![no_main]

use haneul_s3_select::{Columnar, Compression, CsvOutput, Input, Output, Request};
use libfuzzer_sys::fuzz_target;

/// A few bytes may stand for a billion rows, and what makes answers of them may be left alone at any time.
const TURNS: usize = 10;

fn run(expression: &str, object: &[u8], output: Output) -> Result<String, &'static str> {
    let request = Request {
        expression: expression.to_owned(),
        input: Input::Parquet,
        compression: Compression::None,
        output,
        now: (1_700_000_000, 0),
        end: None,
        begins_inside: false,
    };
    let size = object.len() as u64;
    let mut engine = Columnar::new(request, size, 0..size).map_err(|error| error.code)?;
    let mut answer = String::new();
    for _ in 0..TURNS {
        if let Some(range) = engine.wanted() {
            // Nothing is asked for that is not there.
            let bytes = &object[range.start as usize..range.end as usize];
            assert!(!bytes.is_empty());
            engine.give(bytes).map_err(|error| error.code)?;
        }
        let over = engine.go_on().map_err(|error| error.code)?;
        assert!(engine.held() <= 400 << 20);
        answer += &engine.take();
        if over {
            break;
        }
    }
    Ok(answer)
}

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let Ok(expression) = std::str::from_utf8(&input[..end]) else { return };
    let object = input.get(end + 1..).unwrap_or_default();
    let json = run(expression, object, Output::Json("\n".to_owned()));
    let csv = run(expression, object, Output::Csv(CsvOutput::default()));
    // What CSV can tell, JSON can.
    assert!(csv.is_err() || json.is_ok() || json == Err("OverMaxRecordSize"), "{csv:?} {json:?}");
});
