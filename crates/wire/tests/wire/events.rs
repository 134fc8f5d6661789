use bytes::BytesMut;
use futures_util::FutureExt;
use futures_util::stream;
use haneul_logs_wire::operations::StartLiveTail;
use haneul_logs_wire::shapes as logs;
use haneul_s3_wire::operations::SelectObjectContent;
use haneul_s3_wire::shapes as s3;
use haneul_shape::{BoxError, EventStream, Operation, Shape};
use haneul_wire::{Frame, Payload, Protocol, WireError, decode_event, encode_response, model};

fn frames<O: Operation>(protocol: Protocol, mut output: O::Output) -> Vec<Frame> {
    let model = model(O::SERVICE);
    let operation = model.operation(O::NAME).unwrap();
    let response = encode_response(model, operation, protocol, &mut output as &mut dyn Shape, "REQ").unwrap();
    assert_eq!(response.headers()["content-type"], "application/vnd.amazon.eventstream");
    let Payload::Stream(body) = response.into_body() else { panic!("events must stream") };
    let bytes = body.collect(1 << 20).now_or_never().unwrap().unwrap();
    let mut buffer = BytesMut::from(&bytes[..]);
    std::iter::from_fn(|| Frame::decode(&mut buffer).unwrap()).collect()
}

#[test]
fn select_object_content() {
    let stats = s3::Stats { bytes_scanned: Some(9), ..Default::default() };
    let events: Vec<Result<_, BoxError>> = vec![
        Ok(s3::SelectObjectContentEventStream::Records(s3::RecordsEvent { payload: Some("a,b\n".into()) })),
        Ok(s3::SelectObjectContentEventStream::Stats(s3::StatsEvent { details: Some(stats) })),
        Ok(s3::SelectObjectContentEventStream::End(s3::EndEvent::default())),
    ];
    let output = s3::SelectObjectContentOutput { payload: EventStream::new(stream::iter(events)) };
    let frames = frames::<SelectObjectContent>(Protocol::RestXml, output);
    let types: Vec<_> = frames.iter().map(|frame| frame.text(":event-type").unwrap()).collect();
    assert_eq!(types, ["Records", "Stats", "End"]);
    assert_eq!(frames[0].payload, "a,b\n");
    assert_eq!(frames[1].payload, "<Stats><BytesScanned>9</BytesScanned></Stats>");
    assert_eq!(
        (frames[0].text(":content-type"), frames[2].payload.len()),
        (Some("application/octet-stream"), 0)
    );
    let mut event = s3::SelectObjectContentEventStream::default();
    decode_event(model(&haneul_s3_wire::SERVICE), Protocol::RestXml, &frames[1], &mut event).unwrap();
    let s3::SelectObjectContentEventStream::Stats(stats) = event else { panic!("not stats") };
    assert_eq!(stats.details.unwrap().bytes_scanned, Some(9));
}

/// RPC protocols send the answer's own members as the first event; an error of the stream is its last.
#[test]
fn live_tail() {
    let start = logs::LiveTailSessionStart { session_id: Some("s".into()), ..Default::default() };
    let limit = logs::SessionTimeoutException { message: Some("over".into()) };
    let events: Vec<Result<_, BoxError>> = vec![
        Ok(logs::StartLiveTailResponseStream::SessionStart(start)),
        Ok(logs::StartLiveTailResponseStream::SessionTimeoutException(limit)),
        Err(Box::new(WireError::receiver("ServiceUnavailable", "later"))),
        Ok(logs::StartLiveTailResponseStream::default()),
    ];
    let output = logs::StartLiveTailResponse { response_stream: EventStream::new(stream::iter(events)) };
    let frames = frames::<StartLiveTail>(Protocol::AwsJson, output);
    let types: Vec<_> = frames
        .iter()
        .map(|frame| {
            let name = [":event-type", ":exception-type", ":error-code"]
                .into_iter()
                .find_map(|name| frame.text(name));
            (frame.text(":message-type").unwrap(), name.unwrap())
        })
        .collect();
    assert_eq!(
        types,
        [
            ("event", "initial-response"),
            ("event", "sessionStart"),
            ("exception", "SessionTimeoutException"),
            ("error", "ServiceUnavailable")
        ]
    );
    assert_eq!(frames[1].payload, r#"{"sessionId":"s"}"#);
}
