use std::sync::atomic::Ordering;

use tokio::sync::mpsc;

use super::exchange::{Fault, StreamPiece};
use super::invoke::{Call, End};
use crate::lines::Status;
use crate::{Body, Outcome, Piece, Report, StreamEnd, StreamError};

/// Chunks that the caller has not taken yet.
const PIECES: usize = 16;

/// Passes a streamed response on while the function writes it; the invocation ends with the stream.
pub(super) fn pass_on(call: Call, content_type: String, mut pieces: mpsc::Receiver<StreamPiece>) -> Outcome {
    let environment = call.lease.environment().clone();
    let (give, body) = mpsc::channel(PIECES);
    let report = Report { memory_mb: environment.spec.memory_mb, init: call.init, ..Report::default() };
    let env = environment.shared.env.clone();
    env.spawn("function stream", async move {
        let left = environment.spec.timeout.saturating_sub(call.began.elapsed());
        let mut produced = 0u64;
        let passing = async {
            loop {
                match pieces.recv().await {
                    // A caller that went away does not stop the function.
                    Some(StreamPiece::Chunk(data)) => {
                        produced += data.len() as u64;
                        drop(give.send(Piece::Chunk(data)).await);
                    }
                    Some(StreamPiece::End(fault)) => return Some(fault),
                    None => return None,
                }
            }
        };
        let end = tokio::select! {
            biased;
            ended = passing => match ended {
                Some(fault) => Ok(fault),
                None => Err(End::Exited(environment.process.wait().await)),
            },
            exit = environment.process.wait() => Err(End::Exited(exit)),
            () = environment.shared.host.sleep(left) => Err(End::TimedOut),
        };
        let took = call.began.elapsed();
        let over = match &end {
            Ok(_) => environment.exchange.over(&call.request_id),
            Err(end) => environment.over(&call.request_id, end),
        };
        let (error, status) = match end {
            Ok(None) => (None, Status::Success),
            Ok(Some(fault)) => (Some(told(&fault)), Status::Error(fault.kind)),
            Err(end) => {
                if let End::Exited(_) = end {
                    environment.dead.store(true, Ordering::SeqCst);
                }
                let (body, _, status) = environment.judge(&call.request_id, end);
                let kind = match &status {
                    Status::Error(kind) => kind.clone(),
                    _ => "Sandbox.Timedout".into(),
                };
                (Some(told(&Fault { kind, body, by_platform: true })), status)
            }
        };
        let done = call.done(took, over.response_began, Some(produced));
        let finished = call.finish(&status, &done).await;
        let end = StreamEnd { error, log_tail: finished.log_tail, report: finished.report };
        let _ = give.send(Piece::End(Box::new(end))).await;
    });
    Outcome {
        body: Body::Stream(body),
        function_error: None,
        content_type: Some(content_type),
        log_tail: bytes::Bytes::new(),
        report,
    }
}

fn told(fault: &Fault) -> StreamError {
    StreamError { code: fault.kind.clone(), details: String::from_utf8_lossy(&fault.body).into_owned() }
}
