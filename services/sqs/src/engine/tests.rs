use super::*;
use crate::plane::log::Limits;

fn settings(fifo: bool) -> Settings {
    Settings { fifo, delay_ms: 0, retention_ms: 345_600_000 }
}

fn arrival(seq: u64, group: Option<&str>) -> Arrival<'_> {
    Arrival {
        seq,
        sent_ms: 0,
        visible_ms: 0,
        group,
        position: 0,
        length: 100,
        receives: 0,
        first_receive_ms: 0,
        payload: None,
    }
}

fn send(queue: &mut Queue, seq: u64, group: Option<&str>) -> u32 {
    let slot = queue.vacant();
    queue.arrive(slot, arrival(seq, group));
    queue.settle(slot, seq, seq, 0);
    slot
}

fn seqs(queue: &mut Queue, max: usize) -> Vec<u64> {
    let turn = queue.take(0, max, 1000, None, usize::MAX);
    turn.messages.iter().map(|ticket| ticket.seq).collect()
}

#[test]
fn nothing_is_seen_before_it_is_durable() {
    for group in [None, Some("g")] {
        let mut queue = Queue::new(settings(group.is_some()));
        let first = queue.vacant();
        queue.arrive(first, arrival(1, group));
        let second = queue.vacant();
        queue.arrive(second, arrival(2, group));
        assert!(seqs(&mut queue, 10).is_empty());
        // The second settles first: a FIFO group still waits for the first.
        queue.settle(second, 2, 20, 0);
        let early = seqs(&mut queue, 10);
        assert_eq!(early.is_empty(), group.is_some());
        queue.settle(first, 1, 10, 0);
        assert_eq!([early, seqs(&mut queue, 10)].concat().len(), 2);
    }
}

#[test]
fn a_failed_append_leaves_no_trace() {
    let mut queue = Queue::new(settings(true));
    let first = queue.vacant();
    queue.arrive(first, arrival(1, Some("g")));
    send(&mut queue, 2, Some("g"));
    assert!(seqs(&mut queue, 10).is_empty());
    queue.remove(first, 1);
    assert_eq!(seqs(&mut queue, 10), [2]);
    assert_eq!(queue.len(), 1);
}

#[test]
fn the_limit_in_flight_holds() {
    let mut queue = Queue::new(settings(false));
    for seq in 1..=10 {
        send(&mut queue, seq, None);
    }
    assert_eq!(queue.take(0, 10, 1000, None, 3).messages.len(), 3);
    assert_eq!(queue.take(0, 10, 1000, None, 3).messages.len(), 0);
    queue.advance(1000);
    assert_eq!(queue.take(1000, 10, 1000, None, 3).messages.len(), 3);
}

#[test]
fn a_message_that_always_fails_does_not_starve_the_others() {
    let mut queue = Queue::new(settings(false));
    for seq in 1..=3 {
        send(&mut queue, seq, None);
    }
    let mut seen = Vec::new();
    for now in 0..6 {
        let turn = queue.take(now, 1, 0, None, usize::MAX);
        seen.push(turn.messages[0].seq);
        queue.advance(now);
    }
    for seq in 1..=3 {
        assert!(seen.contains(&seq), "{seen:?}");
    }
}

#[test]
fn a_deleting_message_stays_when_its_record_failed() {
    for fifo in [false, true] {
        let mut queue = Queue::new(settings(fifo));
        let slot = send(&mut queue, 1, fifo.then_some("g"));
        assert_eq!(seqs(&mut queue, 1), [1]);
        assert_eq!(queue.delete(slot, 1, 1), Ok(true));
        assert_eq!(queue.delete(slot, 1, 1), Ok(true), "a second caller waits for the same deletion");
        assert_eq!(queue.counts().in_flight, 0);
        queue.advance(5000);
        assert_eq!(queue.counts().visible, 0);
        queue.stay(slot, 1);
        assert_eq!(queue.counts().visible, 1);
        assert_eq!(seqs(&mut queue, 1), [1]);
        assert_eq!(queue.delete(slot, 1, 2), Ok(true));
        queue.remove(slot, 1);
        assert_eq!(queue.len(), 0);
        assert_eq!(queue.delete(slot, 1, 2), Ok(false));
    }
}

/// Work must not grow with what waits: the rings and heaps hold no more than a multiple of what is alive.
#[test]
fn a_million_messages() {
    let mut queue = Queue::new(settings(false));
    for seq in 1..=1_000_000 {
        send(&mut queue, seq, None);
    }
    let mut now = 0;
    for _ in 0..100_000 {
        now += 1;
        queue.advance(now);
        let turn = queue.take(now, 10, 30_000, None, 120_000);
        for ticket in turn.messages {
            assert_eq!(queue.delete(ticket.slot, ticket.seq, ticket.receives), Ok(true));
            queue.remove(ticket.slot, ticket.seq);
        }
    }
    assert_eq!(queue.len(), 0);
    assert_eq!(queue.ready.entries(), 0);
    assert!(queue.next_event_ms().is_none());
}

#[test]
fn limits_are_those_of_the_docs() {
    assert_eq!(Limits::default().segment_bytes, 64 << 20);
    assert_eq!(crate::plane::receive::IN_FLIGHT_MAX, 120_000);
}
