use haneul_s3_parquet::{Cell, Column, Kind, Writer};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_s3_wire::shapes::SelectObjectContentEventStream as Event;

use super::world::{Who, World, code, put};

fn select(key: &str, expression: &str) -> s::SelectObjectContentRequest {
    s::SelectObjectContentRequest {
        bucket: "bkt".into(),
        key: key.into(),
        expression: expression.into(),
        expression_type: "SQL".into(),
        input_serialization: s::InputSerialization {
            csv: Some(s::CSVInput { file_header_info: Some("USE".into()), ..Default::default() }),
            ..Default::default()
        },
        output_serialization: s::OutputSerialization { csv: Some(Default::default()), json: None },
        ..Default::default()
    }
}

/// The records as one text, and the names of the other events.
async fn events(mut output: s::SelectObjectContentOutput) -> (String, Vec<String>) {
    let (mut records, mut others) = (Vec::new(), Vec::new());
    while let Some(event) = output.payload.next().await {
        match event {
            Ok(Event::Records(event)) => records.extend_from_slice(&event.payload.unwrap()),
            Ok(Event::Stats(event)) => {
                let stats = event.details.unwrap();
                assert_eq!(stats.bytes_returned, Some(records.len() as i64));
                others.push(format!("Stats {}", stats.bytes_scanned.unwrap()));
            }
            Ok(Event::Progress(_)) => others.push("Progress".into()),
            Ok(Event::Cont(_)) => others.push("Cont".into()),
            Ok(Event::End(_)) => others.push("End".into()),
            Ok(Event::Unset) => others.push("Unset".into()),
            Err(failure) => others.push(failure.to_string()),
        }
    }
    (String::from_utf8(records).unwrap(), others)
}

async fn answer(world: &World, input: s::SelectObjectContentRequest) -> String {
    match world.root::<op::SelectObjectContent>(input).await {
        Ok(output) => events(output).await.0,
        Err(error) => error.code().to_owned(),
    }
}

#[tokio::test]
async fn from_small_and_large_objects() {
    let world = World::with_bucket().await;
    let mut object = "id,name\n".to_owned();
    for id in 0..200_000 {
        object += &format!("{id},name-{id}\n");
    }
    world.put("large", object.clone()).await;
    world.put("small", "id,name\n1,a\n2,b\n").await;
    world.put("empty", "").await;
    assert_eq!(answer(&world, select("small", "SELECT name FROM S3Object WHERE id = 2")).await, "b\n");
    assert_eq!(answer(&world, select("empty", "SELECT * FROM S3Object")).await, "");
    let input = s::SelectObjectContentRequest {
        request_progress: Some(s::RequestProgress { enabled: Some(true) }),
        ..select("large", "SELECT * FROM S3Object")
    };
    let output = world.root::<op::SelectObjectContent>(input).await.unwrap();
    let (records, others) = events(output).await;
    assert_eq!(records, object.trim_start_matches("id,name\n"));
    assert_eq!(others, ["Progress", &format!("Stats {}", object.len()), "End"]);
    // With a limit the rest is not read.
    let output =
        world.root::<op::SelectObjectContent>(select("large", "SELECT * FROM S3Object LIMIT 3")).await;
    let (records, others) = events(output.unwrap()).await;
    assert_eq!(records.lines().count(), 3);
    assert!(!others[0].contains(&object.len().to_string()), "{others:?}");
    let count = answer(&world, select("large", "SELECT COUNT(*), MAX(CAST(id AS INT)) FROM S3Object")).await;
    assert_eq!(count, "200000,199999\n");
    // Two ranges that meet have each record once; the header is known in both.
    let half = (object.len() / 2) as i64;
    let mut all = String::new();
    for (start, end) in [(Some(0), Some(half - 1)), (Some(half), None)] {
        let input = s::SelectObjectContentRequest {
            scan_range: Some(s::ScanRange { start, end }),
            ..select("large", "SELECT id, name FROM S3Object")
        };
        all += &answer(&world, input).await;
    }
    assert_eq!(all, object.trim_start_matches("id,name\n"));
}

/// Wherever an object is cut, each record is in one range, and the header in none, though comments come before it.
#[tokio::test]
async fn ranges_of_objects_with_comments() {
    let world = World::with_bucket().await;
    let object = "# of today\n\n#,\nid,name\n1,a\n# or\n2,b\n";
    world.put("k", object).await;
    world.put("none", "# of\n# nothing\n").await;
    let size = object.len() as i64;
    for header in ["USE", "IGNORE"] {
        let what = if header == "USE" { "name, id" } else { "_2, _1" };
        let ask = |key: &str, start, end| {
            let mut input = select(key, &format!("SELECT {what} FROM S3Object"));
            input.input_serialization.csv.as_mut().unwrap().file_header_info = Some(header.into());
            input.scan_range = Some(s::ScanRange { start: Some(start), end });
            input
        };
        for at in 1..size {
            let first = answer(&world, ask("k", 0, Some(at - 1))).await;
            let second = answer(&world, ask("k", at, None)).await;
            assert_eq!(first.clone() + &second, "a,1\nb,2\n", "{header} {at}: {first:?}, {second:?}");
        }
        assert_eq!(answer(&world, ask("none", 3, None)).await, "");
    }
    let long = format!("{}id\n1\n", "# long\n".repeat(200_000));
    world.put("long", long.clone()).await;
    let mut input = select("long", "SELECT id FROM S3Object");
    assert_eq!(answer(&world, select("long", "SELECT id FROM S3Object")).await, "1\n");
    input.scan_range = Some(s::ScanRange { start: Some(long.len() as i64 - 2), end: None });
    assert_eq!(answer(&world, input).await, "OverMaxRecordSize");
}

#[tokio::test]
async fn refusals_and_failures() {
    let world = World::with_bucket().await;
    world.put("k", "id\n1\nx\n").await;
    let good = || select("k", "SELECT * FROM S3Object");
    let json = s::JSONInput { r#type: Some("LINES".into()) };
    for (input, expected) in [
        (
            s::SelectObjectContentRequest { expression_type: "XPATH".into(), ..good() },
            "InvalidExpressionType",
        ),
        (s::SelectObjectContentRequest { expression: "SELECT".into(), ..good() }, "ParseSelectMissingFrom"),
        (
            s::SelectObjectContentRequest { input_serialization: Default::default(), ..good() },
            "MissingRequiredParameter",
        ),
        (
            s::SelectObjectContentRequest { output_serialization: Default::default(), ..good() },
            "MissingRequiredParameter",
        ),
        (
            s::SelectObjectContentRequest {
                input_serialization: s::InputSerialization { json: Some(json), ..good().input_serialization },
                ..good()
            },
            "ObjectSerializationConflict",
        ),
        (
            s::SelectObjectContentRequest {
                input_serialization: s::InputSerialization {
                    compression_type: Some("LZMA".into()),
                    ..good().input_serialization
                },
                ..good()
            },
            "InvalidCompressionFormat",
        ),
        (
            s::SelectObjectContentRequest { scan_range: Some(Default::default()), ..good() },
            "MissingRequiredParameter",
        ),
        (s::SelectObjectContentRequest { key: "missing".into(), ..good() }, "NoSuchKey"),
        (select("k", "SELECT nobody FROM S3Object"), "MissingHeaders"),
    ] {
        assert_eq!(answer(&world, input).await, expected);
    }
    let archived = s::PutObjectRequest { storage_class: Some("GLACIER".into()), ..put("g", "x") };
    world.root::<op::PutObject>(archived).await.unwrap();
    assert_eq!(answer(&world, select("g", "SELECT * FROM S3Object")).await, "InvalidObjectState");
    let anonymous = world.call::<op::SelectObjectContent>(&Who::anonymous(), good()).await;
    assert_eq!(code(&anonymous.result), "UnauthorizedAccess");
    let denied = Who::user(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}"#,
    );
    assert_eq!(code(&world.call::<op::SelectObjectContent>(&denied, good()).await.result), "AccessDenied");
    // What goes wrong later ends the stream with an error.
    let object = format!("id\n{}x\n", "1\n".repeat(200_000));
    world.put("late", object).await;
    let input = select("late", "SELECT CAST(id AS INT) FROM S3Object");
    let (records, others) = events(world.root::<op::SelectObjectContent>(input).await.unwrap()).await;
    assert!(!records.is_empty());
    assert!(others.len() == 1 && others[0].contains("CastFailed"), "{others:?}");
}

fn parquet(key: &str, expression: &str) -> s::SelectObjectContentRequest {
    s::SelectObjectContentRequest {
        input_serialization: s::InputSerialization {
            parquet: Some(Default::default()),
            ..Default::default()
        },
        ..select(key, expression)
    }
}

/// A table; of 70,000 rows in two row groups.
fn table(rows: i64) -> Vec<u8> {
    table_of(rows, |id| format!("{id:0>200}"))
}

fn table_of(rows: i64, text: impl Fn(i64) -> String) -> Vec<u8> {
    let columns = [("id", Kind::Long), ("text", Kind::Text), ("at", Kind::Time)];
    let columns = columns.map(|(name, kind)| Column::optional(name, kind)).to_vec();
    let mut writer = Writer::new("table", columns);
    for id in 0..rows {
        let text = if id % 3 == 0 { Cell::Null } else { Cell::Text(text(id)) };
        writer.row([Cell::Long(id), text, Cell::Long(id * 1000)]);
    }
    writer.finish().bytes
}

#[tokio::test]
async fn columns_of_small_and_large_objects() {
    let world = World::with_bucket().await;
    let file = table(70_000);
    let size = file.len() as u64;
    world.put("large", file).await;
    world.put("small", table(3)).await;
    let rows = "0,,1970-01-01T00:00:00.000Z\n";
    assert_eq!(answer(&world, parquet("small", "SELECT * FROM S3Object s LIMIT 1")).await, rows);
    let counts = "SELECT COUNT(*), COUNT(text), MAX(s.ID) FROM S3Object s WHERE s.id >= 10";
    assert_eq!(answer(&world, parquet("large", counts)).await, "69990,46660,69999\n");
    // The other columns are not read, and with a limit not even the rest of this one.
    let input = s::SelectObjectContentRequest {
        request_progress: Some(s::RequestProgress { enabled: Some(true) }),
        ..parquet("large", "SELECT id FROM S3Object")
    };
    let (records, others) = events(world.root::<op::SelectObjectContent>(input).await.unwrap()).await;
    assert!(records.lines().enumerate().all(|(at, line)| line == at.to_string()), "{records}");
    assert_eq!(records.lines().count(), 70_000);
    assert_eq!((others[0].as_str(), others.last().unwrap().as_str()), ("Progress", "End"));
    let scanned = |others: &[String]| -> u64 {
        others.iter().find_map(|other| other.strip_prefix("Stats ")?.parse().ok()).unwrap()
    };
    let one = scanned(&others);
    let input = parquet("large", "SELECT id FROM S3Object LIMIT 2");
    let (records, others) = events(world.root::<op::SelectObjectContent>(input).await.unwrap()).await;
    let some = scanned(&others);
    assert_eq!(records, "0\n1\n");
    let input = parquet("large", "SELECT * FROM S3Object");
    let all = scanned(&events(world.root::<op::SelectObjectContent>(input).await.unwrap()).await.1);
    assert!(some < one && one < all && all < size + 20_000, "{some} {one} {all} {size}");
    // A row group is in the range that it begins in.
    let mut both = String::new();
    for (start, end) in [(Some(0), Some(9)), (Some(10), None)] {
        let input = s::SelectObjectContentRequest {
            scan_range: Some(s::ScanRange { start, end }),
            ..parquet("large", "SELECT COUNT(*) FROM S3Object")
        };
        both += &answer(&world, input).await;
    }
    let counts: Vec<u64> = both.lines().map(|line| line.parse().unwrap()).collect();
    assert!(counts[0] > 0 && counts[1] > 0 && counts[0] + counts[1] == 70_000, "{counts:?}");
}

#[tokio::test]
async fn columns_of_objects_that_are_encrypted_and_in_parts() {
    let world = World::with_bucket().await;
    let file = table(70_000);
    let key = || Some("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned());
    let digest = || Some("hRasmdxgYDKV3nvbahU1MA==".to_owned());
    for (name, body) in [("large", file.clone()), ("small", table(5))] {
        let sealed = s::PutObjectRequest {
            sse_customer_algorithm: Some("AES256".into()),
            sse_customer_key: key(),
            sse_customer_key_md5: digest(),
            ..put(name, body)
        };
        world.root::<op::PutObject>(sealed).await.unwrap();
    }
    let ask = |name: &str| s::SelectObjectContentRequest {
        sse_customer_algorithm: Some("AES256".into()),
        sse_customer_key: key(),
        sse_customer_key_md5: digest(),
        ..parquet(name, "SELECT SUM(id), MAX(text) FROM S3Object WHERE id < 5")
    };
    let expected = format!("10,{:0>200}\n", 4);
    assert_eq!(answer(&world, ask("large")).await, expected);
    assert_eq!(answer(&world, ask("small")).await, expected);
    assert_eq!(answer(&world, parquet("large", "SELECT id FROM S3Object")).await, "InvalidRequest");

    let create =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "parts".into(), ..Default::default() };
    let upload_id = world.root::<op::CreateMultipartUpload>(create).await.unwrap().upload_id.unwrap();
    let mut parts = Vec::new();
    // What does not compress, so that a column lies across the parts.
    let file = table_of(8_000, |id| {
        let words =
            (1..64).map(|n| format!("{:016x}", ((id * 64 + n) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        words.collect()
    });
    assert!(file.len() > (5 << 20) + 4000, "{}", file.len());
    for (number, part) in [(1, &file[..(5 << 20) + 4000]), (2, &file[(5 << 20) + 4000..])] {
        let input = s::UploadPartRequest {
            bucket: "bkt".into(),
            key: "parts".into(),
            upload_id: upload_id.clone(),
            part_number: number,
            body: haneul_kit::ByteStream::from_bytes(part.to_vec()),
            ..Default::default()
        };
        let e_tag = world.root::<op::UploadPart>(input).await.unwrap().e_tag;
        parts.push(s::CompletedPart { part_number: Some(number), e_tag, ..Default::default() });
    }
    let input = s::CompleteMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "parts".into(),
        upload_id,
        multipart_upload: Some(s::CompletedMultipartUpload { parts: Some(parts) }),
        ..Default::default()
    };
    world.root::<op::CompleteMultipartUpload>(input).await.unwrap();
    let texts = parquet("parts", "SELECT text FROM S3Object WHERE text IS NOT NULL");
    let texts = answer(&world, texts).await;
    assert!(texts.lines().all(|text| text.len() == 63 * 16), "{:?}", texts.lines().next());
    assert_eq!(texts.lines().count(), 8_000 - 2_667);
}

#[tokio::test]
async fn refusals_of_columns() {
    let world = World::with_bucket().await;
    world.put("k", table(3)).await;
    world.put("csv", "id\n1\n").await;
    world.put("empty", "").await;
    let good = || parquet("k", "SELECT id FROM S3Object");
    let gzip =
        || s::InputSerialization { compression_type: Some("GZIP".into()), ..good().input_serialization };
    let both = || s::InputSerialization { csv: Some(Default::default()), ..good().input_serialization };
    for (input, expected) in [
        (good(), "0\n1\n2\n"),
        (parquet("csv", "SELECT * FROM S3Object"), "ParquetParsingError"),
        (parquet("empty", "SELECT * FROM S3Object"), "ParquetParsingError"),
        (parquet("k", "SELECT nobody FROM S3Object"), "MissingHeaders"),
        (parquet("k", "SELECT"), "ParseSelectMissingFrom"),
        (s::SelectObjectContentRequest { input_serialization: gzip(), ..good() }, "InvalidCompressionFormat"),
        (
            s::SelectObjectContentRequest { input_serialization: both(), ..good() },
            "ObjectSerializationConflict",
        ),
        (
            s::SelectObjectContentRequest {
                scan_range: Some(s::ScanRange { start: Some(1 << 40), end: None }),
                ..good()
            },
            "InvalidScanRange",
        ),
    ] {
        assert_eq!(answer(&world, input).await, expected);
    }
}
