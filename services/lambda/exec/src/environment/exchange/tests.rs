use super::*;

/// Two workers, of which one has taken the event `one`.
fn taken(stream: bool) -> (Exchange, oneshot::Receiver<Answer>) {
    let exchange = Exchange::new([], 2);
    let worker = exchange.next().unwrap();
    let answered = offer(&exchange, "one", stream);
    drop(worker);
    (exchange, answered)
}

fn offer(exchange: &Exchange, id: &str, stream: bool) -> oneshot::Receiver<Answer> {
    exchange.offer(id, stream, Event { headers: Vec::new(), payload: Bytes::new() }, None)
}

fn held(exchange: &Exchange) -> usize {
    exchange.state.lock().current.len()
}

fn whole() -> Answer {
    Answer::Response { body: Bytes::new() }
}

fn streamed() -> Answer {
    Answer::Stream { content_type: String::new(), pieces: mpsc::channel(1).1 }
}

#[test]
fn who_runs_out_of_time_while_it_is_answered_keeps_no_place() {
    // The answer comes before, after, or between the time and what is made of it.
    for gone in [false, true] {
        let (exchange, answered) = taken(false);
        let answered = (!gone).then_some(answered);
        assert_eq!(exchange.answer("one", whole()), !gone);
        assert!(exchange.abandon("one").taken);
        assert_eq!(held(&exchange), 0);
        drop(answered);
    }
    let (exchange, _answered) = taken(false);
    exchange.abandon("one");
    assert_eq!(held(&exchange), 1);
    assert!(exchange.answer("one", whole()));
    assert_eq!(held(&exchange), 0);
}

#[test]
fn a_stream_that_ran_out_of_time_keeps_its_place_until_it_is_written() {
    for written_before in [false, true] {
        let (exchange, _answered) = taken(true);
        assert!(exchange.answer("one", streamed()));
        if written_before {
            exchange.stream_ended("one");
        }
        exchange.abandon("one");
        assert_eq!(held(&exchange), usize::from(!written_before));
        exchange.stream_ended("one");
        assert_eq!(held(&exchange), 0);
    }
    // Nobody was there for it.
    let (exchange, answered) = taken(true);
    drop(answered);
    assert!(!exchange.answer("one", streamed()));
    exchange.abandon("one");
    assert_eq!(held(&exchange), 0);
}

#[test]
fn workers_that_ask_again_are_done_with_what_they_had() {
    let (exchange, _answered) = taken(false);
    let _one = exchange.next();
    exchange.abandon("one");
    // The other one may still be at it.
    assert_eq!(held(&exchange), 1);
    let two = exchange.next();
    assert_eq!(held(&exchange), 0);
    drop(two);
    // The same, when its time ends after they have asked; what is waited for stays.
    let (exchange, _answered) = taken(false);
    let _both = (exchange.next(), exchange.next());
    assert_eq!(held(&exchange), 1);
    exchange.abandon("one");
    assert_eq!(held(&exchange), 0);
    // A question that was given up is none.
    let (exchange, _answered) = taken(false);
    drop(exchange.next());
    let _one = exchange.next();
    exchange.abandon("one");
    assert_eq!(held(&exchange), 1);
}

#[tokio::test]
async fn workers_that_come_one_by_one_are_not_waited_for_without_end() {
    let (exchange, clock) = (Exchange::new([], 1000), Clock::frozen(Instant::from_millis(0)));
    let waits = (Duration::from_secs(1), Duration::from_secs(10));
    let coming = async {
        let mut asking = Vec::new();
        while asking.len() < 100 {
            asking.push(exchange.next());
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            clock.advance(Duration::from_millis(900));
        }
        asking.len()
    };
    tokio::select! {
        () = exchange.many_ask(1000, waits, &clock) => {}
        came = coming => panic!("{came} were waited for"),
    }
}
