use haneul_logs_wire::shapes as s;

use super::budget::weight;
use super::dates::{Format, Zone, zone};
use super::{Transformer, Work};

/// Processors as JSON, a message, and what becomes of it.
const CASES: [(&str, &str, &str); 31] = [
    (r#"[{"parseJSON":{}}]"#, r#"{"b":1,"a":{"c":"x"}}"#, r#"{"a":{"c":"x"},"b":1}"#),
    (r#"[{"parseJSON":{}}]"#, "no JSON", ""),
    (
        r#"[{"parseJSON":{}},{"addKeys":{"entries":[{"key":"outer.new","value":"is ${a.c}"},{"key":"b","value":"no"}]}}]"#,
        r#"{"b":1,"a":{"c":"x"}}"#,
        r#"{"a":{"c":"x"},"b":1,"outer":{"new":"is x"}}"#,
    ),
    (
        r#"[{"csv":{"columns":["a","b"],"delimiter":";"}}]"#,
        r#"1;"two; and ""more""";3"#,
        r#"{"a":"1","b":"two; and \"more\"","column_3":"3"}"#,
    ),
    (
        r#"[{"parseKeyValue":{"destination":"kv","keyPrefix":"p_","nonMatchValue":"none"}}]"#,
        "a=1&b&c=x=y",
        r#"{"kv":{"p_a":"1","p_b":"none","p_c":"x=y"}}"#,
    ),
    (
        r#"[{"grok":{"match":"%{IP:ip} %{WORD:method} %{URIPATHPARAM:path} %{NUMBER:bytes:int} %{NUMBER:took:float}"}}]"#,
        "55.3.244.1 GET /index.html?a=1 15824 0.043",
        r#"{"bytes":15824,"ip":"55.3.244.1","method":"GET","path":"/index.html?a=1","took":0.043}"#,
    ),
    (r#"[{"grok":{"match":"%{LOGLEVEL:level}: %{GREEDYDATA:text}"}}]"#, "what is it", ""),
    (
        r#"[{"parseJSON":{}},{"deleteKeys":{"withKeys":["a.b","gone"]}}]"#,
        r#"{"a":{"b":1,"c":[{"d":2}]}}"#,
        r#"{"a":{"c":[{"d":2}]}}"#,
    ),
    (
        r#"[{"parseJSON":{}},{"copyValue":{"entries":[{"source":"a","target":"x.y"}]}},{"renameKeys":{"entries":[{"key":"b","renameTo":"a"},{"key":"c","renameTo":"d"}]}}]"#,
        r#"{"a":1,"b":2,"c":3}"#,
        r#"{"a":1,"b":2,"d":3,"x":{"y":1}}"#,
    ),
    (
        r#"[{"parseJSON":{}},{"moveKeys":{"entries":[{"source":"a","target":"b","overwriteIfExists":true}]}}]"#,
        r#"{"a":1,"b":2}"#,
        r#"{"b":1}"#,
    ),
    (
        r#"[{"parseJSON":{}},{"lowerCaseString":{"withKeys":["a"]}},{"upperCaseString":{"withKeys":["b[0]"]}},{"trimString":{"withKeys":["c"]}}]"#,
        r#"{"a":"ABC","b":["x","y"],"c":"  z "}"#,
        r#"{"a":"abc","b":["X","y"],"c":"z"}"#,
    ),
    (
        r#"[{"parseJSON":{}},{"splitString":{"entries":[{"source":"a","delimiter":","}]}},{"substituteString":{"entries":[{"source":"b","from":"([0-9]+)","to":"<$1>"}]}}]"#,
        r#"{"a":"1,2","b":"x 42 y"}"#,
        r#"{"a":["1","2"],"b":"x <42> y"}"#,
    ),
    (
        r#"[{"parseJSON":{}},{"typeConverter":{"entries":[{"key":"a","type":"integer"},{"key":"b","type":"double"},{"key":"c","type":"boolean"},{"key":"d","type":"string"},{"key":"e","type":"integer"}]}}]"#,
        r#"{"a":"42","b":"1.5","c":"TRUE","d":7,"e":"x"}"#,
        r#"{"a":42,"b":1.5,"c":true,"d":"7","e":"x"}"#,
    ),
    (
        r#"[{"parseJSON":{}},{"dateTimeConverter":{"source":"t","target":"u","matchPatterns":["yyyy/MM/dd HH:mm","dd/MMM/yyyy:HH:mm:ss Z"],"targetFormat":"yyyy-MM-dd'T'HH:mm:ss.SSSXXX","targetTimezone":"+09:00"}}]"#,
        r#"{"t":"10/Oct/2000:13:55:36 -0700"}"#,
        r#"{"t":"10/Oct/2000:13:55:36 -0700","u":"2000-10-11T05:55:36.000+09:00"}"#,
    ),
    (
        r#"[{"parseJSON":{}},{"dateTimeConverter":{"source":"t","target":"t","matchPatterns":["epoch"]}}]"#,
        r#"{"t":1700000000}"#,
        r#"{"t":"2023-11-14T22:13:20.000Z"}"#,
    ),
    (
        r#"[{"parseJSON":{}},{"listToMap":{"source":"l","key":"k","valueKey":"v","target":"m","flatten":true,"flattenedElement":"last"}},{"deleteKeys":{"withKeys":["l"]}}]"#,
        r#"{"l":[{"k":"a","v":1},{"k":"b","v":2},{"k":"a","v":3}]}"#,
        r#"{"m":{"a":3,"b":2}}"#,
    ),
    (
        r#"[{"parseJSON":{}},{"listToMap":{"source":"l","key":"k","valueKey":"v"}},{"deleteKeys":{"withKeys":["l"]}}]"#,
        r#"{"l":[{"k":"a","v":1},{"k":"a","v":3}]}"#,
        r#"{"a":[1,3]}"#,
    ),
    (
        r#"[{"parseVPC":{}}]"#,
        "2 123456789010 eni-abc123de 192.0.2.0 192.0.2.24 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
        r#"{"version":2,"accountId":"123456789010","interfaceId":"eni-abc123de","srcAddr":"192.0.2.0","dstAddr":"192.0.2.24","srcPort":20641,"dstPort":22,"protocol":6,"packets":20,"bytes":4249,"start":1418530010,"end":1418530070,"action":"ACCEPT","logStatus":"OK"}"#,
    ),
    (
        r#"[{"parseVPC":{"source":"@message"}},{"addKeys":{"entries":[{"key":"a","value":"${logStatus}"}]}},{"deleteKeys":{"withKeys":["accountId","start","end","interfaceId"]}}]"#,
        "2 123456789010 eni-1235b8ca - - - - - - - 1431280876 1431280934 - NODATA",
        r#"{"version":2,"srcAddr":"-","dstAddr":"-","srcPort":"-","dstPort":"-","protocol":"-","packets":"-","bytes":"-","action":"-","logStatus":"NODATA","a":"NODATA"}"#,
    ),
    (r#"[{"parseVPC":{}}]"#, "2 123456789010 eni-abc123de 192.0.2.0", ""),
    (r#"[{"parseVPC":{}}]"#, "version account-id a b c d e f g h i j k l m", ""),
    (
        r#"[{"parseRoute53":{}}]"#,
        "1.0 2017-12-13T08:15:50.235Z Z123412341234 example.com AAAA NOERROR TCP IAD12 192.0.2.0 198.51.100.0/24",
        r#"{"version":1.0,"queryTimestamp":"2017-12-13T08:15:50.235Z","hostZoneId":"Z123412341234","queryName":"example.com","queryType":"AAAA","responseCode":"NOERROR","protocol":"TCP","edgeLocation":"IAD12","resolverIp":"192.0.2.0","ednsClientSubnet":"198.51.100.0/24"}"#,
    ),
    (
        r#"[{"parsePostgres":{}}]"#,
        "2019-03-10 03:54:59 UTC:10.0.0.123(52834):postgres@logtestdb:[20175]:ERROR: column \"wrong_column_name\" does not exist at character 8",
        r#"{"logTime":"2019-03-10 03:54:59 UTC","srcIp":"10.0.0.123(52834)","userName":"postgres","dbName":"logtestdb","processId":"20175","logLevel":"ERROR"}"#,
    ),
    (
        r#"[{"parsePostgres":{}}]"#,
        "2019-03-10 03:54:59.123 UTC::@:[5647]:LOG: checkpoint starting: time",
        r#"{"logTime":"2019-03-10 03:54:59.123 UTC","srcIp":"","userName":"","dbName":"","processId":"5647","logLevel":"LOG"}"#,
    ),
    (r#"[{"parsePostgres":{}}]"#, "what is it", ""),
    (
        r#"[{"parseCloudfront":{}}]"#,
        "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.24\tGET\td1.cloudfront.net\t/index.html\t200\t-\tMozilla/5.0%20(Windows%20NT)\t-\t-\tHit\tSOX4xwn4==\td1.cloudfront.net\thttps\t23\t0.001\t-\tTLSv1.2\tECDHE\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-",
        r#"{"date":"2019-12-04","time":"21:02:31","x-edge-location":"LAX1","sc-bytes":392,"c-ip":"192.0.2.24","cs-method":"GET","cs(Host)":"d1.cloudfront.net","cs-uri-stem":"/index.html","sc-status":200,"cs(Referer)":"-","cs(User-Agent)":"Mozilla/5.0 (Windows NT)","cs-uri-query":"-","cs(Cookie)":"-","x-edge-result-type":"Hit","x-edge-request-id":"SOX4xwn4==","x-host-header":"d1.cloudfront.net","cs-protocol":"https","cs-bytes":23,"time-taken":0.001,"x-forwarded-for":"-","ssl-protocol":"TLSv1.2","ssl-cipher":"ECDHE","x-edge-response-result-type":"Hit","cs-protocol-version":"HTTP/2.0","fle-status":"-","fle-encrypted-fields":"-","c-port":11040,"time-to-first-byte":0.001,"x-edge-detailed-result-type":"Hit","sc-content-type":"text/html","sc-content-len":78,"sc-range-start":"-","sc-range-end":"-"}"#,
    ),
    (r#"[{"parseCloudfront":{}}]"#, "#Version: 1.0", ""),
    (
        r#"[{"parseWAF":{}}]"#,
        r#"{"action":"BLOCK","httpRequest":{"country":"AU","headers":[{"name":"Host","value":"localhost"},{"name":"Accept","value":"*/*"},{"name":"Accept","value":"b"}]},"labels":[{"name":"one"},{"name":"two"}]}"#,
        r#"{"action":"BLOCK","httpRequest":{"country":"AU","headers":{"Host":"localhost","Accept":["*/*","b"]}},"labels":{"name":["one","two"]}}"#,
    ),
    (r#"[{"parseWAF":{}}]"#, r#"{"labels":[{"name":"value"},7]}"#, r#"{"labels":{"name":"value"}}"#),
    (r#"[{"parseWAF":{}}]"#, "no JSON", ""),
    (
        r#"[{"parseJSON":{}},{"dateTimeConverter":{"source":"t","target":"u","matchPatterns":["yyyy-MM-dd HH:mm"],"targetFormat":"yyyy-MM-dd'T'HH:mm:ssXXX z","sourceTimezone":"America/New_York","targetTimezone":"Asia/Seoul"}}]"#,
        r#"{"t":"2024-07-01 12:00"}"#,
        r#"{"t":"2024-07-01 12:00","u":"2024-07-02T01:00:00+09:00 KST"}"#,
    ),
];

fn processors(config: &str) -> Vec<s::Processor> {
    let record = crate::model::TransformerRecord { config: format!(r#"{{"transformerConfig":{config}}}"#) };
    crate::ops::transformers::read(&record).unwrap()
}

#[test]
fn documented_processors() {
    for (config, message, wanted) in CASES {
        let transformer = Transformer::new(&processors(config)).unwrap();
        let made = transformer.apply(message, &mut Work::new());
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
        assert_eq!(
            made.as_deref().map(value).unwrap_or_default(),
            value(wanted),
            "{config} of {message}: {made:?}"
        );
    }
}

#[test]
fn transformers_that_cannot_work() {
    for bad in [
        "[]",
        r#"[{"addKeys":{"entries":[{"key":"a","value":"b"}]}}]"#,
        r#"[{"parseJSON":{},"deleteKeys":{"withKeys":["a"]}}]"#,
        r#"[{}]"#,
        r#"[{"parseVPC":{"source":"a"}}]"#,
        r#"[{"parseToOCSF":{"eventSource":"VPCFlow","ocsfVersion":"V1.1"}}]"#,
        r#"[{"grok":{"match":"%{NOTHING:a}"}}]"#,
        r#"[{"grok":{"match":"%{WORD:a"}}]"#,
        r#"[{"parseJSON":{}},{"substituteString":{"entries":[{"source":"a","from":"(","to":"b"}]}}]"#,
        r#"[{"parseJSON":{}},{"listToMap":{"source":"l","key":"k","flatten":true}}]"#,
        r#"[{"parseJSON":{}},{"dateTimeConverter":{"source":"a","target":"b","matchPatterns":["qq"]}}]"#,
        r#"[{"parseJSON":{}},{"dateTimeConverter":{"source":"a","target":"b","matchPatterns":["yyyy"],"sourceTimezone":"Asia/Nowhere"}}]"#,
    ] {
        assert!(Transformer::new(&processors(bad)).is_err(), "{bad}");
    }
}

#[test]
fn what_aws_has_only_once() {
    let json = r#"{"parseJSON":{}}"#;
    let add = r#"{"addKeys":{"entries":[{"key":"a","value":"b"}]}}"#;
    let copy = r#"{"copyValue":{"entries":[{"source":"a","target":"b"}]}}"#;
    let grok = r#"{"grok":{"match":"%{WORD:a}"}}"#;
    for (config, good) in [
        (vec![json, add, copy, grok], true),
        (vec![r#"{"parseWAF":{}}"#, json, add], true),
        (vec![json, r#"{"parseWAF":{}}"#], false),
        (vec![r#"{"parseVPC":{}}"#, r#"{"parseVPC":{}}"#], false),
        (vec![json; 5], true),
        (vec![json; 6], false),
        (vec![json, add, add], false),
        (vec![json, copy, copy], false),
        (vec![json, grok, grok], false),
    ] {
        let config = processors(&format!("[{}]", config.join(",")));
        assert_eq!(Transformer::check(&config).is_ok(), good);
        // What was put when that was not asked yet.
        assert!(Transformer::new(&config).is_ok());
    }
}

/// What would grow beyond all memory stops growing, and an event that is too long stays as it came.
#[test]
fn no_processor_makes_an_event_without_end() {
    let entry = r#"{"source":"a","target":"a.b","overwriteIfExists":true}"#;
    let doubles = format!(r#"{{"copyValue":{{"entries":[{}]}}}}"#, [entry; 5].join(","));
    let entry = r#"{"source":"a","target":"b.c","overwriteIfExists":true},{"source":"b","target":"a.d","overwriteIfExists":true}"#;
    let between = format!(r#"{{"copyValue":{{"entries":[{}]}}}}"#, [entry; 2].join(","));
    let grows =
        r#"{"substituteString":{"entries":[{"source":"t","from":"(?s).*","to":"$0$0$0$0$0$0$0$0"}]}}"#;
    let many = format!(
        r#"{{"substituteString":{{"entries":[{{"source":"t","from":"","to":"{}"}}]}}}}"#,
        "x".repeat(100)
    );
    let fills = format!(r#"{{"addKeys":{{"entries":[{{"key":"f","value":"{}"}}]}}}}"#, "${t}".repeat(30));
    let nests = r#"{"listToMap":{"source":"l","key":"k","target":"l[0].m"}}"#;
    let long = "y".repeat(200_000);
    let message =
        format!(r#"{{"a":{{"x":"{}"}},"t":"{long}","l":[{{"k":"{}"}}]}}"#, &long[..1000], &long[..1000]);
    for step in [&doubles, &between, grows, &many, &fills, nests] {
        let config = format!(r#"[{{"parseJSON":{{}}}},{}]"#, vec![step as &str; 19].join(","));
        let made = Transformer::new(&processors(&config)).unwrap().apply(&message, &mut Work::new());
        assert!(made.is_none_or(|made| made.len() <= 1024 * 1024), "{step}");
    }
    // What has room is all there.
    let config = format!(r#"[{{"parseJSON":{{}}}},{}]"#, [grows, &fills].join(","));
    let made =
        Transformer::new(&processors(&config)).unwrap().apply(r#"{"t":"ab"}"#, &mut Work::new()).unwrap();
    assert_eq!(made, format!(r#"{{"f":"{0}","t":"{1}"}}"#, "ab".repeat(240), "ab".repeat(8)));
    // Nor does one make it deeper than a reader goes.
    let deep = r#"{"copyValue":{"entries":[{"source":"a","target":"a.b.b.b.b.b.b.b.b.b.b","overwriteIfExists":true}]}}"#;
    let config = format!(r#"[{{"parseJSON":{{}}}},{}]"#, [deep; 19].join(","));
    let made =
        Transformer::new(&processors(&config)).unwrap().apply(r#"{"a":{}}"#, &mut Work::new()).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&made).is_ok());
}

/// What takes no room takes time all the same, and all events of a batch have the same.
#[test]
fn no_batch_is_worked_on_without_end() {
    let long = "y".repeat(500_000);
    let of = |step: &str, times: usize| {
        let config = format!(r#"[{{"parseJSON":{{}}}},{}]"#, vec![step; times].join(","));
        Transformer::new(&processors(&config)).unwrap()
    };
    let entry = r#"{"source":"t","from":"(y+)","to":"$1"}"#;
    let same = format!(r#"{{"substituteString":{{"entries":[{}]}}}}"#, [entry; 10].join(","));
    let lower = format!(r#"{{"lowerCaseString":{{"withKeys":[{}]}}}}"#, [r#""t""#; 10].join(","));
    let copies = r#"{"moveKeys":{"entries":[{"source":"t","target":"t.x","overwriteIfExists":true}]}}"#;
    let (message, short) = (format!(r#"{{"t":"{long}"}}"#), r#"{"t":"yy"}"#);
    for (step, times) in [(&same as &str, 19), (&lower, 19)] {
        let (by, mut work) = (of(step, times), Work::new());
        assert!(by.apply(short, &mut work).is_some() && !work.is_spent(), "{step}");
        assert!(by.apply(&message, &mut work).is_none() && work.is_spent(), "{step}");
        // Nothing is left for the others, and the next batch has its own.
        assert!(by.apply(short, &mut work).is_none(), "{step}");
        work.renew();
        assert!(by.apply(short, &mut work).is_some(), "{step}");
    }
    // An expression that is large costs more.
    assert!(weight("(y?){2000}y{2000}") > weight(r"(?:\w+ ){3}(\d+)"));
    // Many events share it as well.
    let (by, mut work) = (of(&same, 19), Work::new());
    let message = format!(r#"{{"t":"{}"}}"#, &long[..10_000]);
    let done = (0..100).take_while(|_| by.apply(&message, &mut work).is_some()).count();
    assert!(done > 0 && done < 10 && work.is_spent(), "{done}");
    // What is usual is far from it: a megabyte, in events.
    let (by, mut work) = (of(copies, 3), Work::new());
    assert!((0..100).all(|_| by.apply(&message, &mut work).is_some()));
}

#[test]
fn times_are_read_and_written() {
    for (pattern, text, ms) in [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2024-02-29T23:59:59.123+00:00", 1_709_251_199_123),
        ("yyyyMMddHHmmss", "19691231235959", -1000),
        ("EEE, d MMM yyyy h:mm a", "Thu, 1 Jan 1970 1:05 PM", 47_100_000),
        ("MMMM dd, yy", "March 05, 24", 1_709_596_800_000),
    ] {
        assert_eq!(Format::new(pattern).unwrap().parse(text, &Zone::UTC), Some(ms), "{text}");
    }
    for (pattern, text) in
        [("yyyy-MM-dd", "2024-13-01"), ("yyyy", "x"), ("yyyy", "2024 "), ("MMM", "Foo"), ("a", "é")]
    {
        assert_eq!(Format::new(pattern).unwrap().parse(text, &Zone::UTC), None, "{text}");
    }
    let all = Format::new("EEEE yyyy-MM-dd hh:mm:ss.SSSSSS a XXX Z z 'at' ''").unwrap();
    assert_eq!(all.format(0, &Zone::UTC), "Thursday 1970-01-01 12:00:00.000000 AM Z +0000 UTC at ");
    // An hour that is left out, and one that is there twice.
    let (format, berlin) = (Format::new("yyyy-MM-dd HH:mm").unwrap(), Zone::parse("Europe/Berlin").unwrap());
    for (text, ms, shown) in [
        ("2024-03-31 02:30", 1_711_848_600_000, "2024-03-31 03:30"),
        ("2024-10-27 02:30", 1_729_989_000_000, "2024-10-27 02:30"),
        ("2024-01-01 00:00", 1_704_063_600_000, "2024-01-01 00:00"),
    ] {
        assert_eq!(format.parse(text, &berlin), Some(ms), "{text}");
        assert_eq!(format.format(ms, &berlin), shown);
    }
    format.parse("9999-12-31 23:59", &berlin);
    format.format(i64::MAX, &berlin);
    assert_eq!(zone("-07:30"), Some(-27_000));
    assert_eq!((zone("Mars"), zone("+1é"), zone("+123")), (None, None, None));
}
