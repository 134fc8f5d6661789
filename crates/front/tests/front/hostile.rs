use crate::socket::Served;
use crate::world::ROOT;

/// How the server ends an exchange.
#[derive(Clone, Copy, Debug)]
enum Ends {
    /// With this status, and a body that is no HTML.
    With(&'static str),
    /// By what cannot be read as HTTP: 400, and this code in S3's form.
    Refused(&'static str),
    /// Without a word, or with any refusal.
    Somehow,
}

#[tokio::test]
async fn hostile_requests_get_an_answer_and_the_server_goes_on() {
    use Ends::{Refused, Somehow, With};
    let served = Served::start(|_| {}).await;
    let target = "X-Amz-Target: AmazonSQS.SendMessage\r\n";
    let long_header = format!("GET / HTTP/1.1\r\nHost: h\r\nX-Long: {}\r\n\r\n", "a".repeat(1 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "A: b\r\n".repeat(5000));
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "a".repeat(40_000));
    let key_1024 = format!("GET /b/{} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "k".repeat(1024));
    let cases: Vec<(&str, Vec<u8>, Ends)> = vec![
        ("no HTTP", b"GARBAGE\r\n\r\n".to_vec(), Refused("BadRequest")),
        ("binary", vec![0xff; 64], Somehow),
        ("a TLS client on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), Somehow),
        ("HTTP/0.9", b"GET /\r\n\r\n".to_vec(), Somehow),
        ("HTTP/2's preface and garbage", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), Somehow),
        ("a negative length", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n".to_vec(), Refused("BadRequest")),
        ("a length that is none", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n".to_vec(), With("400")),
        ("two lengths", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_vec(), With("400")),
        ("a length beyond numbers", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n".to_vec(), With("400")),
        ("a huge length", format!("POST / HTTP/1.1\r\nHost: h\r\n{target}Content-Length: 99999999999\r\nConnection: close\r\n\r\nabc").into_bytes(), With("413")),
        ("a body that ends early", format!("POST / HTTP/1.1\r\nHost: h\r\n{target}Content-Length: 100\r\n\r\nabc").into_bytes(), Somehow),
        ("chunks of no number", format!("POST / HTTP/1.1\r\nHost: h\r\n{target}Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc").into_bytes(), Somehow),
        ("a chunk of all memory", format!("POST / HTTP/1.1\r\nHost: h\r\n{target}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc").into_bytes(), Somehow),
        ("an encoding that we do not know", format!("POST / HTTP/1.1\r\nHost: h\r\n{target}Transfer-Encoding: gzip\r\n\r\nabc").into_bytes(), Somehow),
        ("1 MB of header", long_header.into_bytes(), Refused("RequestHeaderSectionTooLarge")),
        ("5,000 headers", many_headers.into_bytes(), Refused("RequestHeaderSectionTooLarge")),
        ("a target beyond all", format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(66_000)).into_bytes(), Somehow),
        ("a long target", long_target.into_bytes(), With("414")),
        ("no host", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), Somehow),
        ("a host of nothing", b"GET /b/k HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n".to_vec(), With("403")),
        ("a host that is none", b"GET /b/k HTTP/1.1\r\nHost: \xff\xfe..[:\r\nConnection: close\r\n\r\n".to_vec(), With("403")),
        ("bad UTF-8 in a header", b"POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: \xff\xfe.X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(), Somehow),
        ("bad UTF-8 in the path", b"GET /b/\xff HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec(), Somehow),
        ("bad UTF-8 in the key", b"GET /b/%ff HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec(), With("400")),
        ("a way up", b"GET /open/../../etc/passwd HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec(), With("200")),
        ("a way up, encoded", b"GET /open/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec(), With("200")),
        ("two slashes", b"GET //b//k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec(), Somehow),
        ("NUL", b"GET /open/%00 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec(), With("200")),
        ("half an escape", b"GET /b/%4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec(), Somehow),
        ("a key of 1,024 bytes", key_1024.into_bytes(), With("403")),
        ("an authorization of nothing", b"GET /b/k HTTP/1.1\r\nHost: h\r\nAuthorization: AWS4-HMAC-SHA256\r\nConnection: close\r\n\r\n".to_vec(), With("400")),
        ("a credential of slashes", b"GET /b/k HTTP/1.1\r\nHost: h\r\nAuthorization: AWS4-HMAC-SHA256 Credential=////, SignedHeaders=;;, Signature=\r\nConnection: close\r\n\r\n".to_vec(), With("400")),
        ("CONNECT", b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec(), Somehow),
        ("TRACE", b"TRACE / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".to_vec(), Somehow),
        ("an upgrade", b"GET /b/k HTTP/1.1\r\nHost: h\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n".to_vec(), Somehow),
    ];
    for (what, bytes, ends) in cases {
        let answer = served.exchange(&bytes, true).await;
        let status =
            answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        match ends {
            With(expected) => assert_eq!(status, expected, "{what}: {answer}"),
            Refused(code) => {
                assert_eq!(status, "400", "{what}: {answer}");
                let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
                assert!(body.contains(&format!("<Code>{code}</Code>")), "{what}: {answer}");
                assert!(head.contains(&format!("content-length: {}", body.len())), "{what}: {answer}");
            }
            Somehow => assert!(!status.starts_with('5') || status == "501", "{what}: {answer}"),
        }
        assert!(!answer.to_ascii_lowercase().contains("<html"), "{what}: {answer}");
        assert!(served.is_well().await, "after {what}");
    }
}

#[tokio::test]
async fn hostile_contents_get_an_answer() {
    let world = crate::world::World::new();
    let laughs = format!(
        "<!DOCTYPE lolz [<!ENTITY lol \"lol\">{}]><Tagging><TagSet><Tag><Key>&lol9;</Key><Value>x</Value></Tag></TagSet></Tagging>",
        (1..10)
            .map(|i| format!("<!ENTITY lol{i} \"{}\">", format!("&lol{};", i - 1).repeat(10)))
            .collect::<String>()
    );
    let deep_xml = format!("<Tagging>{}", "<TagSet>".repeat(100_000));
    for xml in [laughs.as_str(), deep_xml.as_str(), "\u{feff}<", "<Tagging>\u{0}</Tagging>", "&#xFFFFFFFF;"] {
        let request = http::Request::put("/bucket?tagging");
        let answer = world.signed(ROOT, "s3", request, xml.to_owned()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "MalformedXML"),
            "{}",
            &xml[..xml.len().min(80)]
        );
    }
    let deep_json = "[".repeat(100_000);
    let deep_map = "{\"a\":".repeat(100_000);
    for json in [
        deep_json.as_str(),
        deep_map.as_str(),
        "{\"QueueUrl\":1e999}",
        "\"\\ud800\"",
        "{\"QueueUrl\":\"\u{0}\"}",
    ] {
        let answer = world.json(ROOT, "sqs", "AmazonSQS.SendMessage", json).await;
        assert_eq!(answer.status, 400, "{}", &json[..json.len().min(80)]);
    }
    for form in ["Action=SendMessage&%ff=%fe&QueueUrl.1.2.3.4=x&A=", "Action=%00", "Action=&&&&==", "=Action"]
    {
        assert_eq!(world.query(ROOT, "sqs", form).await.status, 400, "{form}");
    }
    let post = http::Request::post("/service/GraniteServiceVersion20100801/operation/PutMetricData")
        .header("smithy-protocol", "rpc-v2-cbor");
    let answer = world.signed(ROOT, "monitoring", post, vec![0x9f; 100_000]).await;
    assert!(matches!(answer.status, 400 | 501), "{}", answer.status);
}
