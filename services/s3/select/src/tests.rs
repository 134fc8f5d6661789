use proptest::prelude::*;

use crate::{
    Compression, CsvInput, CsvOutput, Engine, Header, Input, JsonType, Output, Request, SelectError, Stats,
};

fn request(expression: &str, input: Input, output: Output) -> Request {
    Request {
        expression: expression.to_owned(),
        input,
        compression: Compression::None,
        output,
        now: (1_700_000_000, 0),
        end: None,
        begins_inside: false,
    }
}

/// Feeds in pieces of `piece` bytes.
fn run(request: Request, object: &[u8], piece: usize) -> Result<String, SelectError> {
    let mut answer = String::new();
    let stats = each(request, object, piece, |ready| answer += &ready)?;
    assert_eq!(stats.returned, answer.len() as u64);
    Ok(answer)
}

/// No call makes more than what is bounded.
fn each(
    request: Request,
    object: &[u8],
    piece: usize,
    mut take: impl FnMut(String),
) -> Result<Stats, SelectError> {
    let mut engine = Engine::new(request)?;
    let mut before = 0;
    let mut look = |engine: &mut Engine| {
        let processed = engine.stats().processed;
        assert!(processed - before <= 320 * 1024, "{} were unpacked at once", processed - before);
        assert!(engine.ready() <= 2 << 20, "{} were made at once", engine.ready());
        before = processed;
        take(engine.take());
    };
    for mut bytes in object.chunks(piece) {
        while !bytes.is_empty() {
            let fed = engine.feed(bytes)?;
            bytes = &bytes[fed..];
            look(&mut engine);
        }
    }
    while !engine.finish()? {
        look(&mut engine);
    }
    look(&mut engine);
    Ok(engine.stats())
}

fn csv(expression: &str, object: &str) -> String {
    let input = Input::Csv(CsvInput { header: Header::Use, ..CsvInput::default() });
    let whole = run(
        request(expression, input.clone(), Output::Csv(CsvOutput::default())),
        object.as_bytes(),
        1 << 20,
    );
    let pieces = run(request(expression, input, Output::Csv(CsvOutput::default())), object.as_bytes(), 3);
    assert_eq!(whole, pieces, "{expression}");
    whole.unwrap_or_else(|error| error.code.to_owned())
}

fn json(expression: &str, object: &str) -> String {
    let [whole, pieces] = [1 << 20, 2].map(|piece| {
        let request = request(expression, Input::Json(JsonType::Lines), Output::Json("\n".into()));
        run(request, object.as_bytes(), piece)
    });
    assert_eq!(whole, pieces, "{expression}");
    whole.unwrap_or_else(|error| error.code.to_owned())
}

const PEOPLE: &str = "name,age,city\nann,30,\"Seoul, KR\"\nbob,4,Busan\n# nobody\ncy,,Jeju\n";

#[test]
fn selections_of_csv() {
    for (expression, expected) in [
        ("SELECT * FROM S3Object", "ann,30,\"Seoul, KR\"\nbob,4,Busan\ncy,,Jeju\n"),
        ("select s.name from s3object s where s.age > 5", "ann\n"),
        ("SELECT s.name FROM S3Object AS s WHERE CAST(s.age AS INT) BETWEEN 1 AND 5", "CastFailed"),
        ("SELECT name FROM S3Object WHERE age = '4'", "bob\n"),
        ("SELECT s._3, s._1 FROM S3Object s LIMIT 1", "\"Seoul, KR\",ann\n"),
        ("SELECT * FROM S3Object s LIMIT 0", ""),
        ("SELECT s.*  FROM S3Object s WHERE s.name LIKE '_ob'", "bob,4,Busan\n"),
        ("SELECT name FROM S3Object WHERE city NOT LIKE '%u%'", ""),
        ("SELECT name FROM S3Object WHERE name IN ('bob', 'cy') AND NOT (name = 'cy')", "bob\n"),
        (
            "SELECT count(*), sum(cast(nullif(age, '') as int)), avg(cast(nullif(age, '') as int)) FROM S3Object",
            "3,34,17\n",
        ),
        ("SELECT MIN(name), MAX(name) FROM S3Object", "ann,cy\n"),
        ("SELECT COUNT(*) + 1 FROM S3Object WHERE name = 'zoe'", "1\n"),
        ("SELECT SUM(CAST(age AS INT)) FROM S3Object WHERE name = 'zoe'", "\n"),
        (
            "SELECT upper(name), char_length(city), substring(name, 2), substring(name from 0 for 2) FROM S3Object LIMIT 1",
            "ANN,9,nn,a\n",
        ),
        (
            "SELECT TRIM(BOTH 'an' FROM name), trim('  x '), TRIM(LEADING FROM '  y') FROM S3Object LIMIT 1",
            ",x,y\n",
        ),
        (
            "SELECT CASE name WHEN 'ann' THEN 1 ELSE 2 END, CASE WHEN age = '' THEN 'none' END FROM S3Object",
            "1,\n2,\n2,none\n",
        ),
        ("SELECT 1 + 2 * 3 - 4 % 3, 7 / 2, 7.0 / 2, -(-3) FROM S3Object LIMIT 1", "6,3,3.5,3\n"),
        ("SELECT 0.1 + 0.2, 1e2, 'a' || 'b' FROM S3Object LIMIT 1", "0.3,100.0,ab\n"),
        (
            "SELECT CAST('1.005' AS DECIMAL(5,2)), CAST(2.6 AS INT), CAST('true' AS BOOL) FROM S3Object LIMIT 1",
            "1.01,2,true\n",
        ),
        ("SELECT name FROM S3Object WHERE NULL OR name = 'bob'", "bob\n"),
        ("SELECT name FROM S3Object WHERE NOT (NULL AND TRUE)", ""),
        ("SELECT COALESCE(NULL, MISSING, name) FROM S3Object LIMIT 1", "ann\n"),
        ("SELECT \"name\" FROM S3Object -- comment\n LIMIT /* one */ 1", "ann\n"),
    ] {
        assert_eq!(csv(expression, PEOPLE), expected, "{expression}");
    }
}

#[test]
fn dates() {
    let one = "x\n1\n";
    for (expression, expected) in [
        ("DATE_ADD(year, 5, `2010-01-01T`)", "2015-01-01\n"),
        ("DATE_ADD(month, 1, `2010-01-31`)", "2010-02-28\n"),
        ("DATE_ADD(minute, 1, TO_TIMESTAMP('2017-01-02T03:04:05.006Z'))", "2017-01-02T03:05:05.006Z\n"),
        ("DATE_DIFF(year, `2010-01-01T00:00Z`, `2010-12-31T23:59Z`)", "0\n"),
        ("DATE_DIFF(month, TO_TIMESTAMP('2010-01-01T'), TO_TIMESTAMP('2010-05T'))", "4\n"),
        ("DATE_DIFF(day, `2010-01-01T23:00Z`, `2010-01-02T01:00Z`)", "0\n"),
        ("EXTRACT(YEAR FROM TO_TIMESTAMP('2010-01-01T'))", "2010\n"),
        ("EXTRACT(timezone_minute FROM TO_TIMESTAMP('2017-01-02T03:04:05+07:08'))", "8\n"),
        ("TO_STRING(TO_TIMESTAMP('1969-07-20T20:18Z'), 'MMMM d, y')", "\"July 20, 1969\"\n"),
        ("TO_STRING(`1969-07-20T20:18Z`, 'MMM d yyyy')", "Jul 20 1969\n"),
        ("TO_STRING(`1969-07-20T20:18Z`, 'yyyy-MM-dd''T''H:m:ssX')", "1969-07-20T20:18:00Z\n"),
        ("TO_STRING(`1969-07-20T20:18:13.5+08:00`, 'hh:mm a SSS XXX xx')", "08:18 PM 500 +08:00 +0800\n"),
        ("UTCNOW()", "2023-11-14T22:13:20.000Z\n"),
        ("CAST('2007-02-23' AS TIMESTAMP) < CAST('2007-02-24' AS TIMESTAMP)", "true\n"),
        ("TO_TIMESTAMP('2007-13-01')", "ValueParseFailure"),
        ("DATE_ADD(year, 100000, `2010T`)", "EvaluatorInvalidArguments"),
        ("DATE_ADD(day, 9223372036854775807, `2010T`)", "EvaluatorInvalidArguments"),
    ] {
        assert_eq!(csv(&format!("SELECT {expression} FROM S3Object LIMIT 1"), one), expected, "{expression}");
    }
}

const LINES: &str = "{\"id\":1,\"a\":{\"b\":[10,{\"c\":\"x\"}]},\"t\":\"1\"}\n{\"id\":2.5,\"a\":null}\n\n{\"ID\":3,\"z\":true}";

#[test]
fn selections_of_json() {
    for (expression, expected) in [
        (
            "SELECT * FROM S3Object",
            "{\"id\":1,\"a\":{\"b\":[10,{\"c\":\"x\"}]},\"t\":\"1\"}\n{\"id\":2.5,\"a\":null}\n{\"ID\":3,\"z\":true}\n",
        ),
        ("SELECT s.id FROM S3Object[*] s", "{\"id\":1}\n{\"id\":2.5}\n{\"id\":3}\n"),
        ("SELECT s.\"ID\" FROM S3Object s WHERE s.\"ID\" IS NOT MISSING", "{\"ID\":3}\n"),
        ("SELECT s.a.b[1].c AS c, s.a.b[0] FROM S3Object s LIMIT 1", "{\"c\":\"x\",\"_2\":10}\n"),
        (
            "SELECT s.a IS NULL, s.a IS MISSING FROM S3Object s",
            "{\"_1\":false,\"_2\":false}\n{\"_1\":true,\"_2\":false}\n{\"_1\":true,\"_2\":true}\n",
        ),
        ("SELECT * FROM S3Object[*].a.b[*] x", "{\"_1\":10}\n{\"c\":\"x\"}\n"),
        ("SELECT x.c FROM S3Object[*].a.b[*] x WHERE x.c = 'x'", "{\"c\":\"x\"}\n"),
        ("SELECT COUNT(s.id) AS n, SUM(s.id) FROM S3Object s", "{\"n\":3,\"_2\":6.5}\n"),
        ("SELECT s.id FROM S3Object s WHERE s.id >= 2 OR s.t = 1", "{\"id\":1}\n{\"id\":2.5}\n{\"id\":3}\n"),
        ("SELECT s.t FROM S3Object s WHERE s.id + 1 = 2", "{\"t\":\"1\"}\n"),
        ("SELECT s.id FROM S3Object s WHERE s.a = 5", ""),
    ] {
        assert_eq!(json(expression, LINES), expected, "{expression}");
    }
    assert_eq!(json("SELECT * FROM S3Object", "{\"a\": }"), "JSONParsingError");
    assert_eq!(json("SELECT * FROM S3Object", "{\"a\": 1"), "TruncatedInput");
    assert_eq!(json("SELECT * FROM S3Object", &"[".repeat(5000)), "JSONParsingError");
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(json("SELECT * FROM S3Object", &deep), "JSONParsingError");
}

#[test]
fn refusals() {
    for (expression, code) in [
        ("", "ParseUnsupportedSelect"),
        ("DELETE FROM S3Object", "ParseUnsupportedSelect"),
        ("SELECT *", "ParseSelectMissingFrom"),
        ("SELECT FROM S3Object", "ParseEmptySelect"),
        ("SELECT *, name FROM S3Object", "ParseAsteriskIsNotAloneInSelectList"),
        ("SELECT * FROM other", "InvalidDataSource"),
        ("SELECT * FROM S3Object.path", "ParseInvalidPathComponent"),
        ("SELECT * FROM S3Object WHERE", "ParseExpectedExpression"),
        ("SELECT * FROM S3Object LIMIT x", "ParseExpectedNumber"),
        ("SELECT * FROM S3Object LIMIT 1 2", "ParseUnexpectedToken"),
        ("SELECT * FROM S3Object ORDER BY name", "UnsupportedSqlStructure"),
        ("SELECT name, COUNT(*) FROM S3Object", "UnsupportedSqlStructure"),
        ("SELECT SUM(COUNT(*)) FROM S3Object", "UnsupportedSqlStructure"),
        ("SELECT * FROM S3Object WHERE COUNT(*) > 1", "UnsupportedSqlStructure"),
        ("SELECT SUM(*) FROM S3Object", "ParseUnsupportedCallWithStar"),
        ("SELECT sleep(1) FROM S3Object", "UnsupportedFunction"),
        ("SELECT CAST(name AS blob) FROM S3Object", "ParseExpectedTypeName"),
        ("SELECT EXTRACT(era FROM name) FROM S3Object", "ParseExpectedDatePart"),
        ("SELECT 'open FROM S3Object", "LexerInvalidLiteral"),
        ("SELECT a ; b FROM S3Object", "LexerInvalidChar"),
        ("SELECT nobody FROM S3Object", "MissingHeaders"),
        ("SELECT name + 1 FROM S3Object", "InvalidDataType"),
        ("SELECT 1 / 0 FROM S3Object", "EvaluatorDivideByZero"),
        ("SELECT 9223372036854775807 + 1 FROM S3Object", "IntegerOverflow"),
        ("SELECT name LIKE 'a' ESCAPE 'xy' FROM S3Object", "LikeInvalidInputs"),
        (
            "SELECT name FROM S3Object WHERE name LIKE 'a!' ESCAPE '!'",
            "EvaluatorLikePatternInvalidEscapeSequence",
        ),
        ("SELECT UPPER(1) FROM S3Object", "EvaluatorInvalidArguments"),
        ("SELECT UPPER(name, 1) FROM S3Object", "EvaluatorInvalidArguments"),
    ] {
        assert_eq!(csv(expression, PEOPLE), code, "{expression}");
    }
    let none = Input::Csv(CsvInput::default());
    let by_place = request("SELECT s.name FROM S3Object s", none, Output::Csv(CsvOutput::default()));
    assert_eq!(run(by_place, b"a,b\n", 9).unwrap_err().code, "MissingHeaders");
    for deep in [
        format!("SELECT {}1{} FROM S3Object", "(".repeat(5000), ")".repeat(5000)),
        format!("SELECT {} 1 FROM S3Object", "NOT ".repeat(5000)),
        format!("SELECT 1 {} FROM S3Object", "+ 1 ".repeat(5000)),
        format!("SELECT 1 {} FROM S3Object", "IS NULL ".repeat(5000)),
        format!("SELECT {} FROM S3Object", "CASE WHEN ".repeat(3000)),
    ] {
        let code = csv(&deep, PEOPLE);
        assert!(code == "UnsupportedSqlStructure" || code.starts_with("Parse"), "{code}");
    }
    let long = format!("SELECT name FROM S3Object WHERE {}", vec!["name = 'bob'"; 2000].join(" OR "));
    assert_eq!(csv(&long, PEOPLE), "bob\n");
    assert_eq!(csv(&format!("SELECT '{}' FROM S3Object", "x".repeat(300_000)), PEOPLE), "ExpressionTooLong");
}

#[test]
fn forms_of_csv() {
    let all = |input: CsvInput, output: CsvOutput, object: &str| {
        let [whole, pieces] = [1 << 20, 1].map(|piece| {
            let request =
                request("SELECT * FROM S3Object", Input::Csv(input.clone()), Output::Csv(output.clone()));
            run(request, object.as_bytes(), piece)
        });
        assert_eq!(whole, pieces, "{object}");
        whole.unwrap()
    };
    let plain = CsvInput::default;
    let out = CsvOutput::default;
    assert_eq!(all(plain(), out(), "a,\"b\"\"c\",d\r\n1,,\r\n"), "a,\"b\"\"c\",d\n1,,\n");
    assert_eq!(all(plain(), out(), "a,b"), "a,b\n");
    let tabs =
        CsvInput { field_delimiter: b"\t".to_vec(), record_delimiter: Some(b";;".to_vec()), ..plain() };
    assert_eq!(all(tabs, out(), "a\tb;;c\td;;"), "a,b\nc,d\n");
    let quoted = CsvInput { quoted_delimiters: true, ..plain() };
    assert_eq!(all(quoted.clone(), out(), "a,\"b\nc\"\nd,\"e\"\"\nf\"\n"), "a,\"b\nc\"\nd,\"e\"\"\nf\"\n");
    let escaped = CsvInput { escape: Some(b'\\'), ..quoted };
    assert_eq!(all(escaped, out(), "a,\"b\\\"\nc\"\n"), "a,\"b\"\"\nc\"\n");
    let other = CsvInput { quote: Some(b'\''), comments: Some(b'!'), ..plain() };
    assert_eq!(all(other, out(), "!x\n'a,b',\"c\"\n"), "\"a,b\",\"\"\"c\"\"\"\n");
    let always =
        CsvOutput { quote_always: true, record_delimiter: "|".into(), field_delimiter: ";".into(), ..out() };
    assert_eq!(all(plain(), always, "a,b\n"), "\"a\";\"b\"|");
    let ignored = CsvInput { header: Header::Ignore, ..plain() };
    assert_eq!(all(ignored, out(), "h1,h2\na,b\n"), "a,b\n");
}

#[test]
fn ranges_share_the_records_between_them() {
    let object = "one\ntwo\nthree\nfour\n";
    for piece in [1usize, 3, 7, 100] {
        let mut all = String::new();
        let mut start = 0;
        while start < object.len() {
            let end = (start + piece).min(object.len());
            let from = start.saturating_sub(1);
            let mut request = request(
                "SELECT * FROM S3Object",
                Input::Csv(CsvInput::default()),
                Output::Csv(CsvOutput::default()),
            );
            request.begins_inside = start > 0;
            request.end = Some((end - from) as u64);
            all += &run(request, &object.as_bytes()[from..], 2).unwrap();
            start = end;
        }
        assert_eq!(all, object, "{piece}");
    }
}

#[test]
fn compressed() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(PEOPLE.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(PEOPLE.as_bytes()).unwrap();
    let bzip2 = bzip2.finish().unwrap();
    let twice = [bzip2.clone(), bzip2.clone()].concat();
    let ask = |compression, object: &[u8], piece| {
        let input = Input::Csv(CsvInput { header: Header::Use, ..CsvInput::default() });
        let request = request("SELECT name FROM S3Object", input, Output::Csv(CsvOutput::default()));
        run(Request { compression, ..request }, object, piece).map_err(|error| error.code)
    };
    // Each of many streams, and an object that ends in one.
    assert_eq!(ask(Compression::Bzip2, &bzip2[..bzip2.len() - 1], 9), Err("InvalidCompressionFormat"));
    assert_eq!(ask(Compression::Gzip, &gzip[..gzip.len() - 1], 9), Err("InvalidCompressionFormat"));
    for piece in [1, 10, 1000] {
        assert_eq!(ask(Compression::Gzip, &gzip, piece).unwrap(), "ann\nbob\ncy\n");
        assert_eq!(ask(Compression::Bzip2, &bzip2, piece).unwrap(), "ann\nbob\ncy\n");
        assert_eq!(ask(Compression::Bzip2, &twice, piece).unwrap(), "ann\nbob\ncy\nname\nann\nbob\ncy\n");
        assert!(ask(Compression::Gzip, PEOPLE.as_bytes(), piece).is_err());
        assert!(ask(Compression::Bzip2, PEOPLE.as_bytes(), piece).is_err());
    }
}

/// Some of these are of 40 bytes for each 45 million.
#[test]
fn a_bomb_goes_off_slowly() {
    use std::io::Write;
    let zeros = vec![0u8; 1 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    let lines = "x\n".repeat(1 << 15);
    let mut records = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    for _ in 0..8 {
        gzip.write_all(&zeros).unwrap();
        bzip2.write_all(&zeros).unwrap();
    }
    for _ in 0..8 {
        records.write_all(lines.as_bytes()).unwrap();
    }
    let (gzip, bzip2) = (gzip.finish().unwrap(), bzip2.finish().unwrap());
    assert!(bzip2.len() < 256, "{}", bzip2.len());
    let ask = |compression, object: &[u8], expression: &str| {
        let input = Input::Csv(CsvInput::default());
        let request = request(expression, input, Output::Csv(CsvOutput::default()));
        let mut made = 0;
        let stats = each(Request { compression, ..request }, object, 1 << 20, |ready| made += ready.len());
        stats.map(|stats| (stats.processed, made)).map_err(|error| error.code)
    };
    for (compression, object) in [(Compression::Gzip, &gzip), (Compression::Bzip2, &bzip2)] {
        assert_eq!(ask(compression, object, "SELECT * FROM S3Object"), Err("OverMaxRecordSize"));
    }
    let records = records.finish().unwrap();
    assert_eq!(
        ask(Compression::Bzip2, &records, "SELECT * FROM S3Object"),
        Ok((8 << 16, 8 << 16)),
        "all of it comes out"
    );
    // What is small itself is answered at length.
    let long = format!("SELECT '{}' FROM S3Object", "y".repeat(200));
    assert_eq!(ask(Compression::None, lines.as_bytes(), &long), Ok((1 << 16, 201 << 15)));
}

#[test]
fn one_document_has_many_records() {
    let object = format!("{{\"a\":[{}[1,2],3]}}", "[7,8,9],".repeat(20_000));
    let expression = format!("SELECT v, '{}' AS l FROM S3Object[*].a[*][*] v", "z".repeat(100));
    let [whole, pieces] = [1 << 20, 7].map(|piece| {
        let output = Output::Json("\n".into());
        run(request(&expression, Input::Json(JsonType::Document), output), object.as_bytes(), piece).unwrap()
    });
    assert_eq!(whole, pieces);
    let mut values = whole.lines().map(|line| line.split([':', ',']).nth(1).unwrap());
    for _ in 0..20_000 {
        assert_eq!([values.next(), values.next(), values.next()], [Some("7"), Some("8"), Some("9")]);
    }
    assert_eq!(values.collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(
        json("SELECT COUNT(*) AS n FROM S3Object[*].a[*] v", "{\"a\":[1,2]} {\"a\":[3]}\n"),
        "{\"n\":3}\n"
    );
}

#[test]
fn values_of_a_record_are_made_no_further_than_it_may_be_long() {
    let field = "x".repeat(500_000);
    let many = vec!["_1||_1"; 20_000].join(",");
    assert_eq!(csv_of_no_header(&format!("SELECT {many} FROM S3Object"), &field), "OverMaxRecordSize");
    let joined = vec!["_1"; 150].join("||");
    assert_eq!(csv_of_no_header(&format!("SELECT {joined} FROM S3Object"), &field), "OverMaxRecordSize");
}

fn csv_of_no_header(expression: &str, object: &str) -> String {
    let request = request(expression, Input::Csv(CsvInput::default()), Output::Csv(CsvOutput::default()));
    run(request, object.as_bytes(), 1 << 20).unwrap_or_else(|error| error.code.to_owned())
}

#[test]
fn records_have_an_end() {
    let long = "x".repeat(2 * 1024 * 1024);
    assert_eq!(csv("SELECT * FROM S3Object", &long), "OverMaxRecordSize");
    assert_eq!(json("SELECT * FROM S3Object", &format!("\"{long}\"")), "OverMaxRecordSize");
    let invalid =
        request("SELECT * FROM S3Object", Input::Csv(CsvInput::default()), Output::Json("\n".into()));
    assert_eq!(run(invalid, b"a,\xff\n", 9).unwrap_err().code, "InvalidTextEncoding");
}

proptest! {
    #[test]
    fn no_expression_panics(text in "[ -~]{0,60}") {
        let _ = csv(&text, PEOPLE);
        let _ = json(&format!("SELECT {text} FROM S3Object s"), LINES);
    }

    #[test]
    fn words_of_the_language(words in proptest::collection::vec(prop_oneof![
        Just("SELECT"), Just("FROM"), Just("S3Object"), Just("s"), Just("WHERE"), Just("*"), Just("("), Just(")"), Just(","),
        Just("s.name"), Just("1"), Just("'x'"), Just("AND"), Just("NOT"), Just("LIKE"), Just("BETWEEN"), Just("IN"), Just("IS"),
        Just("NULL"), Just("CASE"), Just("WHEN"), Just("THEN"), Just("END"), Just("CAST"), Just("AS"), Just("INT"), Just("COUNT"),
        Just("SUM"), Just("-"), Just("+"), Just("/"), Just("["), Just("]"), Just("."), Just("LIMIT"), Just("`2010T`"), Just("TRIM"),
    ], 0..25)) {
        let _ = csv(&words.join(" "), PEOPLE);
        let _ = csv(&format!("SELECT {} FROM S3Object s", words.join(" ")), PEOPLE);
    }

    /// What is read and written back reads as the same.
    #[test]
    fn fields_come_through(rows in proptest::collection::vec(proptest::collection::vec("[a-c\",\\\\ ;é]{0,6}", 2..4), 1..5)) {
        let output = CsvOutput { quote_always: true, ..CsvOutput::default() };
        let mut object = String::new();
        for row in &rows {
            let fields: Vec<String> = row.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            object += &(fields.join(",") + "\n");
        }
        let request = request("SELECT * FROM S3Object", Input::Csv(CsvInput::default()), Output::Csv(output));
        prop_assert_eq!(run(request, object.as_bytes(), 5).unwrap(), object);
    }
}
