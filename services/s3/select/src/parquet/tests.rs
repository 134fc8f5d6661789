//! Files of `testdata`, which pyarrow wrote, and what can be done to them.

use crate::{Columnar, Compression, CsvOutput, Input, Output, Request, SelectError, Stats};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../testdata/", $name, ".parquet")).as_slice()
    };
}

fn request(expression: &str, output: Output) -> Request {
    Request {
        expression: expression.to_owned(),
        input: Input::Parquet,
        compression: Compression::None,
        output,
        now: (1_700_000_000, 0),
        end: None,
        begins_inside: false,
    }
}

/// The answer of so many turns at most. Nothing is asked for that is not there, and nothing twice of a footer or column.
fn turns(
    request: Request,
    file: &[u8],
    range: std::ops::Range<u64>,
    turns: usize,
) -> Result<(String, Stats), SelectError> {
    let mut engine = Columnar::new(request, file.len() as u64, range)?;
    let mut answer = String::new();
    for _ in 0..turns {
        if let Some(range) = engine.wanted() {
            assert!(range.start < range.end && range.end <= file.len() as u64, "{range:?}");
            engine.give(&file[range.start as usize..range.end as usize])?;
        }
        let over = engine.go_on()?;
        assert!(engine.ready() <= 2 << 20, "{} were made at once", engine.ready());
        answer += &engine.take();
        if over {
            break;
        }
    }
    Ok((answer, engine.stats()))
}

fn ask(expression: &str, file: &[u8], output: Output) -> String {
    match turns(request(expression, output), file, 0..file.len() as u64, usize::MAX) {
        Ok((answer, stats)) => {
            assert_eq!(stats.returned, answer.len() as u64);
            answer
        }
        Err(error) => error.code.to_owned(),
    }
}

fn json(expression: &str, file: &[u8]) -> String {
    ask(expression, file, Output::Json("\n".into()))
}

fn csv(expression: &str, file: &[u8]) -> String {
    ask(expression, file, Output::Csv(CsvOutput::default()))
}

#[test]
fn values_of_all_types() {
    let expected = [
        r#""id":1,"small":-8,"u32":4294967295,"u64":18446744073709551615,"yes":true,"f":1.5,"d":0.1,"h":1.5,"name":"ann","dec":123.45,"wide":99999999999999999999999999999999999999,"day":"2020-02-29","ms":"2020-02-29T12:34:56.789Z","us":"2020-02-29T12:34:56.789012Z","ns":"2020-02-29T12:34:56.789012345Z","clock":"01:02:03.004","id16":"00000000-0000-0000-0000-000000000001","none":null,"Mixed Case":"x""#,
        r#""id":2,"small":null,"u32":null,"u64":null,"yes":null,"f":null,"d":null,"h":null,"name":null,"dec":null,"wide":null,"day":null,"ms":null,"us":null,"ns":null,"clock":null,"id16":null,"none":null,"Mixed Case":"y""#,
        r#""id":3,"small":127,"u32":0,"u64":0,"yes":false,"f":-0.25,"d":1e+300,"h":-2.0,"name":"","dec":-0.01,"wide":-99999999999999999999999999999999999999,"day":"0001-01-01","ms":"1969-12-31T23:59:59.999Z","us":"2020-02-29T12:34:56.789012Z","ns":"1969-12-31T23:59:59.999999999Z","clock":"00:00:00.000","id16":"00000000-0000-0000-0000-000000000002","none":null,"Mixed Case":null"#,
        r#""id":4,"small":0,"u32":1,"u64":1,"yes":true,"f":null,"d":null,"h":0.25,"name":"b,\"o\"b","dec":0.00,"wide":1,"day":"9999-12-31","ms":"2020-02-29T12:34:56.789Z","us":"2020-02-29T12:34:56.789012Z","ns":"1970-01-01T00:00:00.000000000Z","clock":"23:59:59.000","id16":"00000000-0000-0000-0000-000000000003","none":null,"Mixed Case":"z""#,
    ];
    for file in [file!("types"), file!("types_plain")] {
        let rows = json("SELECT * FROM S3Object", file);
        let rows: Vec<_> = rows.lines().map(|row| row.trim_matches(['{', '}'])).collect();
        assert_eq!(rows, expected);
    }
    let int96 = "2020-02-29T12:34:56.789012345Z\n\n1969-12-31T23:59:59.999999999Z\n";
    assert_eq!(csv("SELECT at FROM S3Object", file!("int96")), int96);
}

#[test]
fn nested_values() {
    let expected = [
        r#"{"id":1,"s":{"a":1,"b":{"c":"x"}},"l":[1,2,null],"ll":[[1],[2,3]],"ls":[{"k":"a","v":[1,2]},{"k":"b","v":null}],"m":{"p":1,"q":null}}"#,
        r#"{"id":2,"s":null,"l":[],"ll":[[]],"ls":null,"m":{}}"#,
        r#"{"id":3,"s":{"a":null,"b":null},"l":null,"ll":[null,[4]],"ls":[null],"m":null}"#,
        r#"{"id":4,"s":{"a":4,"b":{"c":null}},"l":[3],"ll":null,"ls":[],"m":{"r":3}}"#,
    ];
    for file in [file!("nested"), file!("nested_v2")] {
        assert_eq!(json("SELECT * FROM S3Object", file).lines().collect::<Vec<_>>(), expected);
        for (expression, expected) in [
            ("SELECT t.s.b.c AS c, t.l[1] FROM S3Object t LIMIT 1", "{\"c\":\"x\",\"_2\":2}\n"),
            ("SELECT t.ls[0].v[1] AS v FROM S3Object t", "{\"v\":2}\n{}\n{}\n{}\n"),
            ("SELECT t.ls[1].k AS k, t.m.q FROM S3Object t LIMIT 1", "{\"k\":\"b\",\"q\":null}\n"),
            ("SELECT t.S.\"A\" FROM S3Object t LIMIT 1", "{}\n"),
            ("SELECT t.S.A FROM S3Object t LIMIT 1", "{\"A\":1}\n"),
            ("SELECT t.id FROM S3Object t WHERE t.s.b IS NULL", "{\"id\":2}\n{\"id\":3}\n"),
            ("SELECT t.id FROM S3Object t WHERE t.s.nope IS MISSING AND t.m.r = 3", "{\"id\":4}\n"),
            ("SELECT t.s.b FROM S3Object t WHERE t.id = 4", "{\"b\":{\"c\":null}}\n"),
        ] {
            assert_eq!(json(expression, file), expected, "{expression}");
        }
        assert_eq!(csv("SELECT * FROM S3Object", file), "UnsupportedParquetType");
        assert_eq!(csv("SELECT l FROM S3Object", file), "UnsupportedParquetType");
        assert_eq!(csv("SELECT t.id, t.l[0], t.s.b.c FROM S3Object t", file), "1,1,x\n2,,\n3,,\n4,3,\n");
    }
}

#[test]
fn expressions() {
    let file = file!("types");
    for (expression, expected) in [
        ("SELECT id, name FROM S3Object WHERE id > 2", "3,\n4,\"b,\"\"o\"\"b\"\n"),
        ("SELECT s.ID FROM s3object s WHERE s.Name = 'ann'", "1\n"),
        ("SELECT \"Mixed Case\" FROM S3Object WHERE \"Mixed Case\" IS NOT NULL", "x\ny\nz\n"),
        ("SELECT \"mixed case\" FROM S3Object", "MissingHeaders"),
        ("SELECT nobody FROM S3Object", "MissingHeaders"),
        ("SELECT id FROM S3Object WHERE nobody = 1", "MissingHeaders"),
        ("SELECT _1 FROM S3Object", "MissingHeaders"),
        ("SELECT * FROM S3Object[*].s t", "ParseInvalidPathComponent"),
        ("SELECT id FROM S3Object[*] LIMIT 2", "1\n2\n"),
        ("SELECT 7 FROM S3Object WHERE TRUE LIMIT 3", "7\n7\n7\n"),
        ("SELECT COUNT(*) FROM S3Object", "4\n"),
        ("SELECT COUNT(*) FROM S3Object WHERE yes", "2\n"),
        (
            "SELECT COUNT(dec), SUM(dec), MIN(dec), MAX(wide) FROM S3Object",
            "3,123.44,-0.01,99999999999999999999999999999999999999\n",
        ),
        ("SELECT AVG(id), MIN(day), MAX(us) FROM S3Object", "2.5,0001-01-01,2020-02-29T12:34:56.789012Z\n"),
        ("SELECT id FROM S3Object WHERE dec = 123.450 AND wide > dec", "1\n"),
        (
            "SELECT id FROM S3Object WHERE us > CAST('2020-02-29T12:00Z' AS TIMESTAMP) AND day < `2000T`",
            "3\n",
        ),
        ("SELECT EXTRACT(YEAR FROM day), UPPER(name) FROM S3Object LIMIT 1", "2020,ANN\n"),
        ("SELECT CAST(d AS INT) FROM S3Object WHERE f IS NOT NULL AND d < 1", "0\n"),
        ("SELECT id FROM S3Object WHERE u64 = 18446744073709551615", "1\n"),
    ] {
        assert_eq!(csv(expression, file), expected, "{expression}");
    }
    for (expression, expected) in [
        ("SELECT \"Name\", \"NAME\", \"a.b\", s.\"_1\" FROM S3Object s", "1,2,3,4\n"),
        ("SELECT name FROM S3Object", "AmbiguousFieldName"),
        ("SELECT _1 FROM S3Object", "4\n"),
    ] {
        assert_eq!(csv(expression, file!("names")), expected, "{expression}");
    }
    assert_eq!(csv("SELECT * FROM S3Object", file!("zstd")), "ParquetUnsupportedCompressionCodec");
    assert_eq!(csv("SELECT COUNT(*) FROM S3Object", file!("zstd")), "2\n");
    assert_eq!(csv("SELECT * FROM S3Object", file!("binary")), "InvalidTextEncoding");
    assert_eq!(csv("SELECT a FROM S3Object", file!("binary")), "1\n2\n");
    assert_eq!(csv("SELECT * FROM S3Object", file!("empty")), "");
    assert_eq!(csv("SELECT COUNT(a) FROM S3Object", file!("empty")), "0\n");
}

#[test]
fn encodings() {
    let expected: String = (0..3000i64)
        .map(|i| {
            let delta = if i % 7 == 0 { String::new() } else { (i * i - 1000).to_string() };
            let sign = if i % 2 == 0 { 1 } else { -1 };
            let length = format!("text {i}").repeat(i as usize % 3);
            let (runs, split) = (i % 100 < 50, i as f64 / 4.0);
            let prefix = format!("shared prefix {} {i}", i / 10);
            format!("{delta},{},{length},{prefix},{split:?},{runs},word {}\n", sign * i, i % 5)
        })
        .collect();
    assert_eq!(csv("SELECT * FROM S3Object", file!("encoded")), expected);
}

#[test]
fn values_that_there_are_no_types_for() {
    use super::logical::{Logical, Physical, Raw, Unit, value};
    let text = |raw, physical, logical, scale| match value(raw, physical, logical, scale) {
        Ok(value) => value.to_text(),
        Err(error) => error.code.to_owned(),
    };
    let unsupported = "UnsupportedParquetType";
    let least = [[0x80].as_slice(), &[0; 15]].concat();
    let small = [[0xff].as_slice(), &[0xff; 16]].concat();
    for (raw, physical, logical, expected) in [
        (Raw::Bytes(&[0; 12]), Physical::Fixed, Logical::Unsupported, unsupported),
        (Raw::Bytes(&least), Physical::Fixed, Logical::Decimal, unsupported),
        (Raw::Bytes(&[1; 17]), Physical::Bytes, Logical::Decimal, unsupported),
        (Raw::Bytes(&small), Physical::Bytes, Logical::Decimal, "-0.01"),
        (Raw::Bytes(&[]), Physical::Bytes, Logical::Decimal, "0.00"),
        (Raw::Int(-719_163), Physical::Int32, Logical::Date, unsupported),
        (Raw::Int(2_932_896), Physical::Int32, Logical::Date, "9999-12-31"),
        (Raw::Int(2_932_897), Physical::Int32, Logical::Date, unsupported),
        (Raw::Int(i64::MAX), Physical::Int64, Logical::Date, unsupported),
        (Raw::Int(i64::MIN), Physical::Int64, Logical::Timestamp(Unit::Millis), unsupported),
        (
            Raw::Int(i64::MIN),
            Physical::Int64,
            Logical::Timestamp(Unit::Nanos),
            "1677-09-21T00:12:43.145224192Z",
        ),
        (Raw::Int(-1), Physical::Int64, Logical::Time(Unit::Nanos), "23:59:59.999999999"),
        (Raw::Bytes(&[0xff; 12]), Physical::Int96, Logical::None, unsupported),
        (Raw::Bytes(&[0x00, 0x7c]), Physical::Fixed, Logical::Float16, "inf"),
        (Raw::Bytes(&[0x01, 0x80]), Physical::Fixed, Logical::Float16, "-5.960464477539063e-8"),
        (Raw::Bytes(&[0; 3]), Physical::Fixed, Logical::Float16, "ParquetParsingError"),
        (Raw::Bytes(&vec![b'x'; (1 << 20) + 1]), Physical::Bytes, Logical::Text, "OverMaxRecordSize"),
    ] {
        assert_eq!(text(raw, physical, logical, 2), expected, "{physical:?} {logical:?}");
    }
}

/// Nothing but the footer and the named columns is read, and of those no more than the limit needs.
#[test]
fn only_what_is_needed_is_read() {
    let file = file!("encoded");
    let scanned = |expression: &str| {
        let whole = 0..file.len() as u64;
        turns(request(expression, Output::Json("\n".into())), file, whole, usize::MAX).unwrap().1.scanned
    };
    // The last columns are in what is read of the end at once.
    let (count, last) =
        (scanned("SELECT COUNT(*) FROM S3Object"), scanned("SELECT dictionary FROM S3Object"));
    assert_eq!((count, last), (16 * 1024, 16 * 1024));
    let first = scanned("SELECT delta FROM S3Object WHERE \"dictionary\" = 'word 1'");
    let all = scanned("SELECT * FROM S3Object");
    assert!(count < first && first < file.len() as u64 && first < all, "{first} {all}");
}

/// Row groups that begin in a range are its own.
#[test]
fn ranges_share_the_row_groups_between_them() {
    let file = file!("types");
    let size = file.len() as u64;
    let ask = |range| {
        let request = request("SELECT id FROM S3Object", Output::Csv(CsvOutput::default()));
        turns(request, file, range, usize::MAX).unwrap().0
    };
    for at in (0..size).step_by(37) {
        assert_eq!(ask(0..at) + &ask(at..size), "1\n2\n3\n4\n", "{at}");
    }
    assert_eq!((ask(0..4), ask(4..5)), (String::new(), "1\n2\n3\n".to_owned()));
}

const FILES: [&[u8]; 6] = [
    file!("types"),
    file!("types_plain"),
    file!("nested"),
    file!("nested_v2"),
    file!("encoded"),
    file!("int96"),
];

/// A file that was cut off, or in which bytes are others, is answered or refused: nothing else, and not for ever.
#[test]
fn damaged_files() {
    const LARGE: usize = 10_000;
    let ask = |file: &[u8]| {
        // More rows than there are.
        let limit = if file.len() > LARGE { 3100 } else { 50 };
        let expression = format!("SELECT * FROM S3Object LIMIT {limit}");
        let request = request(&expression, Output::Json("\n".into()));
        turns(request, file, 0..file.len() as u64, usize::MAX).map(drop).map_err(|error| error.code)
    };
    for file in FILES {
        for length in (0..file.len()).step_by(1 + file.len() / 200) {
            assert_eq!(ask(&file[..length]), Err("ParquetParsingError"), "{length}");
        }
        let (mut refused, places) = (0, if file.len() > LARGE { 40 } else { 300 });
        for at in (0..file.len()).step_by(1 + file.len() / places) {
            for change in [0x00, 0x7f, 0xff, file[at] ^ 1, file[at] ^ 0x80, file[at].wrapping_add(16)] {
                let mut file = file.to_vec();
                file[at] = change;
                refused += usize::from(ask(&file).is_err());
            }
        }
        assert!(refused > 30, "{refused}");
    }
}

/// Thrift's compact protocol, written: a field's number, its type, its bytes.
fn fields(fields: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut last) = (Vec::new(), 0);
    for (field, kind, value) in fields {
        bytes.push((field - last) << 4 | kind);
        bytes.extend_from_slice(value);
        last = *field;
    }
    bytes.push(0);
    bytes
}

fn int(value: i64) -> Vec<u8> {
    varint(((value << 1) ^ (value >> 63)) as u64)
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [varint(text.len() as u64), text.as_bytes().to_vec()].concat()
}

/// A list that says to have so many.
fn list(kind: u8, count: u64, elements: &[Vec<u8>]) -> Vec<u8> {
    [vec![0xf0 | kind], varint(count), elements.concat()].concat()
}

const INT: u8 = 5;
const LONG: u8 = 6;
const TEXT: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A file of one column of 64-bit numbers, and what it says of itself.
struct Made {
    /// Unpacked and packed length, number and encoding of the page's values, and the page.
    page: (i64, i64, i64, i64),
    bytes: Vec<u8>,
    values: i64,
    rows: i64,
    codec: i64,
    group_bytes: i64,
    repetition: i64,
    chunk_bytes: Option<i64>,
    offset: i64,
}

impl Default for Made {
    fn default() -> Made {
        let bytes: Vec<u8> = [1i64, 2, 3].iter().flat_map(|value| value.to_le_bytes()).collect();
        let page = (bytes.len() as i64, bytes.len() as i64, 3, 0);
        Made {
            page,
            bytes,
            values: 3,
            rows: 3,
            codec: 0,
            group_bytes: 100,
            repetition: 0,
            chunk_bytes: None,
            offset: 4,
        }
    }
}

impl Made {
    fn file(&self) -> Vec<u8> {
        let (unpacked, packed, count, encoding) = self.page;
        let data =
            fields(&[(1, INT, int(count)), (2, INT, int(encoding)), (3, INT, int(3)), (4, INT, int(3))]);
        let head =
            fields(&[(1, INT, int(0)), (2, INT, int(unpacked)), (3, INT, int(packed)), (5, STRUCT, data)]);
        let chunk = self.chunk_bytes.unwrap_or((head.len() + self.bytes.len()) as i64);
        let meta = fields(&[
            (1, INT, int(2)),
            (3, LIST, list(TEXT, 1, &[text("a")])),
            (4, INT, int(self.codec)),
            (5, LONG, int(self.values)),
            (7, LONG, int(chunk)),
            (9, LONG, int(self.offset)),
        ]);
        let group = fields(&[
            (1, LIST, list(STRUCT, 1, &[fields(&[(2, LONG, int(4)), (3, STRUCT, meta)])])),
            (2, LONG, int(self.group_bytes)),
            (3, LONG, int(self.rows)),
        ]);
        let schema = [
            fields(&[(4, TEXT, text("root")), (5, INT, int(1))]),
            fields(&[(1, INT, int(2)), (3, INT, int(self.repetition)), (4, TEXT, text("a"))]),
        ];
        with_footer(&[head, self.bytes.clone()].concat(), &schema, 2, &[group], 1)
    }
}

fn with_footer(data: &[u8], schema: &[Vec<u8>], elements: u64, groups: &[Vec<u8>], count: u64) -> Vec<u8> {
    let footer = fields(&[
        (1, INT, int(1)),
        (2, LIST, list(STRUCT, elements, schema)),
        (3, LONG, int(0)),
        (4, LIST, list(STRUCT, count, groups)),
    ]);
    [b"PAR1", data, &footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()
}

#[test]
fn hostile_files() {
    let good = Made::default;
    assert_eq!(csv("SELECT a FROM S3Object", &good().file()), "1\n2\n3\n");
    let runs = |runs: &[(u64, u8)]| {
        let runs = runs.iter().map(|(count, value)| [varint(count << 1), vec![*value]].concat());
        let runs: Vec<u8> = runs.flatten().collect();
        [(runs.len() as u32).to_le_bytes().to_vec(), runs].concat()
    };
    let mut zeros = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut zeros, &vec![0; 10 << 20]).unwrap();
    let zeros = zeros.finish().unwrap();
    let bomb = (8, zeros.len() as i64, 1, 0);
    let deep: Vec<Vec<u8>> =
        (0..200).map(|_| fields(&[(3, INT, int(1)), (4, TEXT, text("g")), (5, INT, int(1))])).collect();
    let root = |children: i64| fields(&[(4, TEXT, text("root")), (5, INT, int(children))]);
    let leaf = fields(&[(1, INT, int(1)), (3, INT, int(0)), (4, TEXT, text("x"))]);
    let none: &[Vec<u8>] = &[];
    let parsing = "ParquetParsingError";
    let large = "OverMaxParquetBlockSize";
    for (name, file, expected) in [
        ("nothing", Vec::new(), parsing),
        ("magic bytes", b"PAR1PAR1".to_vec(), parsing),
        ("encrypted", b"PARE\0\0\0\0\0\0\0\0PARE".to_vec(), parsing),
        ("a footer longer than the file", b"PAR1....\xff\0\0\0PAR1".to_vec(), parsing),
        ("a footer of 4 GB", b"PAR1....\xff\xff\xff\xffPAR1".to_vec(), large),
        ("an empty footer", b"PAR1\0\0\0\0PAR1".to_vec(), parsing),
        ("a billion columns", with_footer(&[], &[root(1)], 1 << 30, none, 0), parsing),
        ("20,000 columns", with_footer(&[], &vec![root(0); 20_000], 20_000, none, 0), "OverMaxColumn"),
        ("a billion children", with_footer(&[], &[root(1 << 30), leaf.clone()], 2, none, 0), parsing),
        ("columns of nobody", with_footer(&[], &[root(1), leaf.clone(), leaf.clone()], 3, none, 0), parsing),
        ("a group of itself", with_footer(&[], &[vec![root(1)], deep].concat(), 201, none, 0), parsing),
        ("a billion row groups", with_footer(&[], &[root(1), leaf.clone()], 2, none, 1 << 30), parsing),
        ("a large row group", Made { group_bytes: (512 << 20) + 1, ..good() }.file(), large),
        ("rows below zero", Made { rows: -1, ..good() }.file(), parsing),
        ("too many rows", Made { rows: 4, ..good() }.file(), parsing),
        ("more values than rows", Made { values: 2, ..good() }.file(), parsing),
        ("a column after the file", Made { chunk_bytes: Some(1 << 40), ..good() }.file(), parsing),
        ("a column before the file", Made { offset: -4, ..good() }.file(), parsing),
        ("a column of no bytes", Made { chunk_bytes: Some(0), ..good() }.file(), parsing),
        ("a page of 2 GB", Made { page: (i64::from(i32::MAX), 24, 3, 0), ..good() }.file(), large),
        ("a page after its column", Made { page: (24, 1 << 20, 3, 0), ..good() }.file(), parsing),
        ("a page below zero", Made { page: (24, -1, 3, 0), ..good() }.file(), parsing),
        ("a short page", Made { page: (24, 24, 4, 0), values: 4, rows: 4, ..good() }.file(), parsing),
        ("another encoding", Made { page: (24, 24, 3, 4), ..good() }.file(), parsing),
        ("no dictionary", Made { page: (2, 2, 3, 8), bytes: vec![1, 6], ..good() }.file(), parsing),
        ("another codec", Made { codec: 6, ..good() }.file(), "ParquetUnsupportedCompressionCodec"),
        ("no Snappy", Made { codec: 1, ..good() }.file(), parsing),
        ("a bomb", Made { codec: 2, page: bomb, bytes: zeros, values: 1, rows: 1, ..good() }.file(), parsing),
        (
            "an endless list",
            Made {
                repetition: 2,
                page: (30, 30, i64::from(i32::MAX), 8),
                // The first begins a row, and all others go on with it; none of them has a value.
                bytes: [runs(&[(1, 0), (1 << 40, 1)]), runs(&[(1 << 40, 0)])].concat(),
                values: i64::from(i32::MAX),
                rows: 1,
                ..good()
            }
            .with_lengths(),
            "OverMaxRecordSize",
        ),
    ] {
        assert_eq!(csv("SELECT a FROM S3Object", &file), expected, "{name}");
    }
}

impl Made {
    /// Where the page is as long as it says.
    fn with_lengths(mut self) -> Vec<u8> {
        (self.page.0, self.page.1) = (self.bytes.len() as i64, self.bytes.len() as i64);
        self.file()
    }
}

/// A few bytes may stand for a billion rows: they are made as they are taken, and can be left alone at any time.
#[test]
fn runs_cost_nothing_until_they_are_read() {
    let rows = i64::from(i32::MAX);
    let levels = [varint(1 << 40), vec![0]].concat();
    let bytes = [(levels.len() as u32).to_le_bytes().to_vec(), levels].concat();
    let file = Made { repetition: 1, bytes, page: (0, 0, rows, 0), values: rows, rows, ..Made::default() }
        .with_lengths();
    let output = || Output::Csv(CsvOutput::default());
    let whole = 0..file.len() as u64;
    let (answer, stats) =
        turns(request("SELECT a FROM S3Object", output()), &file, whole.clone(), 5).unwrap();
    assert!(answer.len() > 10_000 && stats.processed < 1000, "{stats:?}");
    assert_eq!(csv("SELECT a FROM S3Object LIMIT 2", &file), "\n\n");
    assert_eq!(csv("SELECT COUNT(*) FROM S3Object", &file), format!("{rows}\n"));
}

/// Long rows are fewer of them in a turn, though nobody asks for any.
#[test]
fn turns_end() {
    let runs: Vec<u8> =
        (0..2000).flat_map(|_| [varint(1 << 1), vec![0], varint(1000 << 1), vec![1]].concat()).collect();
    let all = [varint(1 << 40), vec![1]].concat();
    let sized = |bytes: Vec<u8>| [(bytes.len() as u32).to_le_bytes().to_vec(), bytes].concat();
    let values: i64 = 2000 * 1001;
    // All zeros, as deltas of no bits.
    let zeros = [varint(1 << 16), varint(1), varint(values as u64), vec![0; 100]].concat();
    let (bytes, page) = ([sized(runs), sized(all), zeros].concat(), (0, 0, values, 5));
    let file = Made { repetition: 2, bytes, page, values, rows: 2000, ..Made::default() }.with_lengths();
    let ask = |most| {
        let request = request("SELECT a FROM S3Object WHERE a[0] = 1", Output::Json("\n".into()));
        let mut engine = Columnar::new(request, file.len() as u64, 0..file.len() as u64).unwrap();
        (0..most).position(|_| {
            if let Some(range) = engine.wanted() {
                engine.give(&file[range.start as usize..range.end as usize]).unwrap();
            }
            engine.go_on().unwrap()
        })
    };
    assert_eq!(ask(6), None);
    assert!(ask(20).is_some());
}
