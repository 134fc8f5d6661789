//! Updates on states, as a table: what is allowed, what comes of it, and what is refused in which words.

use haneul_kit::{AccountId, Region};
use haneul_lambda_wire::shapes as s;

use super::advance::{Said, Settled};
use super::apply::Given;
use super::checkpoint::{Checkpoint, Told};
use super::control::Request;
use super::drive::fingerprint;
use super::execution::Execution;
use super::names::ExecutionName;
use super::update::{Update, check_all};
use crate::model::durable::{ExecutionRecord, Failure, OperationStatus, Outcome, Status, TIMEOUT, What};

const AT: i64 = 1_000_000;

fn execution() -> Execution {
    let account = AccountId::new(111_111_111_111).unwrap();
    let name = ExecutionName::of(account, Region::US_EAST_1, "f".into(), "run".into());
    let record: ExecutionRecord = serde_json::from_value(serde_json::json!({
        "id": "own-id", "version": "1", "status": "Running", "deleting": false, "started_ms": 0, "ended_ms": null,
        "config": { "timeout_s": 5000, "retention_days": 14 }, "times_out_ms": 5_000_000, "input_sha256": "",
        "trace": "", "parent": null, "event": null, "token": null, "last": null, "operations": 0, "counted": 0, "bytes": 0,
        "events": 0, "change": 0, "delivered": 0, "work_ms": 7, "invocation": null, "failures": 0,
        "withheld": false, "woken": false, "pause": null, "requests": [],
    }))
    .unwrap();
    let mut execution = Execution::of(name, record);
    assert!(execution.invoke(7, "token-0", "request", AT));
    execution
}

fn update(kind: &str, id: &str, action: &str) -> s::OperationUpdate {
    let mut update = s::OperationUpdate {
        id: id.into(),
        r#type: kind.into(),
        action: action.into(),
        ..Default::default()
    };
    match (kind, action) {
        ("STEP", "RETRY") => {
            update.step_options = Some(s::StepOptions { next_attempt_delay_seconds: Some(5) });
        }
        ("WAIT", "START") => update.wait_options = Some(s::WaitOptions { wait_seconds: Some(60) }),
        ("CALLBACK", "START") => {
            update.callback_options =
                Some(s::CallbackOptions { timeout_seconds: Some(100), heartbeat_timeout_seconds: Some(10) });
        }
        ("CHAINED_INVOKE", "START") => {
            update.chained_invoke_options =
                Some(s::ChainedInvokeOptions { function_name: "g".into(), ..Default::default() });
        }
        _ => {}
    }
    update
}

/// Applies updates as one checkpoint.
fn apply(execution: &mut Execution, updates: &[s::OperationUpdate]) -> Result<Told, String> {
    let words = |error: haneul_kit::ApiError| error.message().to_owned();
    let updates: Result<Vec<Update>, _> = updates.iter().cloned().map(Update::read).collect();
    let updates = updates.map_err(words)?;
    check_all(&updates).map_err(words)?;
    let token = execution.record.token.clone().unwrap_or_default();
    let next = format!("token-{}", execution.record.change + 1);
    let asked = Checkpoint {
        token: &token,
        next: &next,
        client_token: Some("client"),
        sha256: &format!("{updates:?}"),
        updates: &updates,
        given: Given { at: AT, callback_id: &|id| format!("callback-of-{id}") },
    };
    execution.checkpoint(&asked).map_err(words)
}

#[test]
fn updates_on_states() {
    const STEP: &str = "STEP";
    /// A kind and an action.
    type Did = (&'static str, &'static str);
    // What was before, the update, and the status or the refusal.
    type Case = (&'static [Did], Did, Result<&'static str, &'static str>);
    let cases: &[Case] = &[
        (&[], (STEP, "START"), Ok("STARTED")),
        (&[], (STEP, "SUCCEED"), Ok("SUCCEEDED")),
        (&[], (STEP, "FAIL"), Ok("FAILED")),
        (&[], (STEP, "RETRY"), Ok("PENDING")),
        (&[], (STEP, "CANCEL"), Err("Invalid action for the given operation type.")),
        (&[(STEP, "START")], (STEP, "START"), Err("Invalid current STEP state to start.")),
        (&[(STEP, "START")], (STEP, "SUCCEED"), Ok("SUCCEEDED")),
        (&[(STEP, "START")], (STEP, "FAIL"), Ok("FAILED")),
        (&[(STEP, "START")], (STEP, "RETRY"), Ok("PENDING")),
        (&[(STEP, "RETRY")], (STEP, "START"), Err("Invalid current STEP state to start.")),
        (&[(STEP, "RETRY")], (STEP, "SUCCEED"), Err("Invalid current STEP state to close.")),
        (&[(STEP, "RETRY")], (STEP, "RETRY"), Err("Invalid current STEP state to re-attempt.")),
        (&[(STEP, "RETRY"), ("clock", "")], (STEP, "START"), Ok("STARTED")),
        (&[(STEP, "RETRY"), ("clock", "")], (STEP, "SUCCEED"), Ok("SUCCEEDED")),
        (&[(STEP, "RETRY"), ("clock", "")], (STEP, "RETRY"), Ok("PENDING")),
        (&[(STEP, "SUCCEED")], (STEP, "START"), Err("Invalid current STEP state to start.")),
        (&[(STEP, "SUCCEED")], (STEP, "SUCCEED"), Err("Invalid current STEP state to close.")),
        (&[(STEP, "FAIL")], (STEP, "RETRY"), Err("Invalid current STEP state to re-attempt.")),
        (&[(STEP, "START")], ("WAIT", "START"), Err("Invalid operation type for the given operation id.")),
        (&[], ("CONTEXT", "START"), Ok("STARTED")),
        (&[], ("CONTEXT", "RETRY"), Err("Invalid action for the given operation type.")),
        (&[("CONTEXT", "START")], ("CONTEXT", "START"), Err("Cannot start a CONTEXT that already exist.")),
        (&[("CONTEXT", "START")], ("CONTEXT", "SUCCEED"), Ok("SUCCEEDED")),
        (&[("CONTEXT", "START")], ("CONTEXT", "FAIL"), Ok("FAILED")),
        (&[("CONTEXT", "FAIL")], ("CONTEXT", "SUCCEED"), Err("Invalid current CONTEXT state to close.")),
        (&[], ("WAIT", "START"), Ok("STARTED")),
        (&[], ("WAIT", "SUCCEED"), Err("Invalid action for the given operation type.")),
        (&[], ("WAIT", "CANCEL"), Err("Cannot cancel a WAIT that does not exist or has already completed.")),
        (&[("WAIT", "START")], ("WAIT", "START"), Err("Cannot start a WAIT that already exist.")),
        (&[("WAIT", "START")], ("WAIT", "CANCEL"), Ok("CANCELLED")),
        (
            &[("WAIT", "START"), ("clock", "")],
            ("WAIT", "CANCEL"),
            Err("Cannot cancel a WAIT that does not exist or has already completed."),
        ),
        (
            &[("WAIT", "START"), ("WAIT", "CANCEL")],
            ("WAIT", "CANCEL"),
            Err("Cannot cancel a WAIT that does not exist or has already completed."),
        ),
        (&[], ("CALLBACK", "START"), Ok("STARTED")),
        (&[], ("CALLBACK", "SUCCEED"), Err("Invalid action for the given operation type.")),
        (&[("CALLBACK", "START")], ("CALLBACK", "START"), Err("Cannot start a CALLBACK that already exist.")),
        (&[], ("CHAINED_INVOKE", "START"), Ok("STARTED")),
        (&[], ("CHAINED_INVOKE", "FAIL"), Err("Invalid action for the given operation type.")),
        (
            &[("CHAINED_INVOKE", "START")],
            ("CHAINED_INVOKE", "START"),
            Err("Cannot start a CHAINED_INVOKE that already exist."),
        ),
        (&[], ("EXECUTION", "START"), Err("Invalid action for the given operation type.")),
        (&[], ("NOTHING", "START"), Err("Invalid operation type.")),
        (&[], (STEP, "NOTHING"), Err("Invalid operation action.")),
    ];
    for (before, (kind, action), wanted) in cases {
        let mut execution = execution();
        for (kind, action) in *before {
            match *kind {
                "clock" => execution.fire("op", AT + 100_000_000, true),
                kind => drop(apply(&mut execution, &[update(kind, "op", action)]).unwrap()),
            }
        }
        let got = apply(&mut execution, &[update(kind, "op", action)]);
        let got = got.map(|_| execution.operations["op"].status.name());
        assert_eq!(
            got.as_deref().map_err(String::as_str),
            wanted.as_deref().map_err(|e| *e),
            "{before:?} {kind} {action}"
        );
    }
}

#[test]
fn checkpoints_that_are_refused_as_a_whole() {
    let step = |id: &str, action: &str| update("STEP", id, action);
    let with = |mut update: s::OperationUpdate, change: &dyn Fn(&mut s::OperationUpdate)| {
        change(&mut update);
        update
    };
    let twice = "Cannot update the same operation twice in a single request.";
    let parent = "Invalid parent operation id.";
    let error = || Some(s::ErrorObject { error_message: Some("no".into()), ..Default::default() });
    let big = || "x".repeat(1_048_577);
    let cases = [
        (twice, vec![step("a", "START"), step("a", "START")]),
        (twice, vec![step("a", "START"), step("a", "SUCCEED"), step("a", "SUCCEED")]),
        (twice, vec![step("a", "SUCCEED"), step("a", "START")]),
        (twice, vec![update("WAIT", "a", "START"), update("WAIT", "a", "CANCEL")]),
        (twice, vec![step("a", "START"), update("CONTEXT", "a", "SUCCEED")]),
        (
            "Cannot checkpoint multiple EXECUTION updates.",
            vec![update("EXECUTION", "a", "FAIL"), update("EXECUTION", "b", "FAIL")],
        ),
        (
            "EXECUTION checkpoint must be the last update.",
            vec![update("EXECUTION", "a", "FAIL"), step("b", "START")],
        ),
        (parent, vec![with(step("a", "START"), &|own| own.parent_id = Some("b".into()))]),
        (parent, vec![with(step("a", "START"), &|own| own.parent_id = Some("a".into()))]),
        (parent, vec![step("b", "START"), with(step("a", "START"), &|own| own.parent_id = Some("b".into()))]),
        ("Invalid operation id.", vec![step("own-id", "START")]),
        (
            "Cannot provide a Payload for FAIL action.",
            vec![with(step("a", "FAIL"), &|own| own.payload = Some("1".into()))],
        ),
        (
            "Cannot provide an Error for SUCCEED action.",
            vec![with(step("a", "SUCCEED"), &|own| own.error = error())],
        ),
        (
            "Cannot provide both error and payload to RETRY a STEP.",
            vec![with(step("a", "RETRY"), &|own| {
                own.error = error();
                own.payload = Some("1".into());
            })],
        ),
        (
            "Invalid StepOptions for the given action.",
            vec![with(step("a", "RETRY"), &|own| own.step_options = None)],
        ),
        (
            "NextAttemptDelaySeconds must be between 1 and 31622400.",
            vec![with(step("a", "RETRY"), &|own| {
                own.step_options = Some(s::StepOptions { next_attempt_delay_seconds: Some(i32::MAX) });
            })],
        ),
        (
            "WaitSeconds must be between 1 and 31622400.",
            vec![with(update("WAIT", "a", "START"), &|own| {
                own.wait_options = Some(s::WaitOptions { wait_seconds: Some(-5) });
            })],
        ),
        (
            "Invalid WaitOptions for the given action.",
            vec![with(update("WAIT", "a", "START"), &|own| own.wait_options = None)],
        ),
        (
            "Invalid ChainedInvokeOptions for the given action.",
            vec![with(update("CHAINED_INVOKE", "a", "START"), &|own| own.chained_invoke_options = None)],
        ),
        (
            "Payload size must be less than or equal to 1048576 bytes.",
            vec![with(step("a", "SUCCEED"), &|own| own.payload = Some(big()))],
        ),
        (
            "Error object size must be less than 1048576 bytes.",
            vec![with(step("a", "FAIL"), &|own| {
                own.error = Some(s::ErrorObject { stack_trace: Some(vec![big()]), ..Default::default() });
            })],
        ),
        ("Too many updates in a single request.", (0..6001).map(|n| step(&n.to_string(), "START")).collect()),
    ];
    for (wanted, updates) in cases {
        assert_eq!(apply(&mut execution(), &updates).unwrap_err(), wanted);
    }
    // What began may be closed at once, and be the parent of what comes after it.
    let child = with(step("b", "SUCCEED"), &|own| own.parent_id = Some("a".into()));
    let all = [update("CONTEXT", "a", "START"), child, update("CONTEXT", "a", "SUCCEED")];
    assert_eq!(apply(&mut execution(), &all).unwrap().operations.unwrap().len(), 2);
}

#[test]
fn what_is_in_a_context_ends_with_it() {
    let inside = |mut own: s::OperationUpdate, parent: &str| {
        own.parent_id = Some(parent.into());
        own
    };
    let start = |kind: &str, id: &str| update(kind, id, "START");
    let mut before = execution();
    let open = [
        start("CONTEXT", "outer"),
        inside(start("CONTEXT", "inner"), "outer"),
        inside(start("STEP", "begun"), "inner"),
    ];
    apply(&mut before, &open).unwrap();
    let over = "Cannot update an operation in a CONTEXT that has completed.";
    let close = update("CONTEXT", "outer", "SUCCEED");
    for late in [
        inside(start("STEP", "new"), "outer"),
        inside(start("STEP", "new"), "inner"),
        inside(update("CONTEXT", "inner", "SUCCEED"), "outer"),
        update("STEP", "begun", "SUCCEED"),
    ] {
        apply(&mut before.clone(), &[late.clone(), close.clone()]).unwrap();
        assert_eq!(apply(&mut before.clone(), &[close.clone(), late.clone()]).unwrap_err(), over);
        // Also when it is known only that there is a context around it.
        let mut closed = before.clone();
        apply(&mut closed, std::slice::from_ref(&close)).unwrap();
        let outer = closed.operations.remove("outer").unwrap();
        if late.parent_id.as_deref() != Some("outer") {
            closed.around.insert("outer".into(), outer.brief());
            assert_eq!(apply(&mut closed, &[late]).unwrap_err(), over);
        }
    }
}

#[test]
fn steps_count_their_attempts() {
    let mut execution = execution();
    let attempt = |execution: &Execution| execution.operations["s"].attempt;
    apply(&mut execution, &[update("STEP", "s", "START")]).unwrap();
    assert_eq!(attempt(&execution), 0);
    apply(&mut execution, &[update("STEP", "s", "RETRY")]).unwrap();
    assert_eq!((attempt(&execution), execution.operations["s"].due_ms), (1, Some(AT + 5000)));
    // Too early, and then in time.
    execution.fire("s", AT + 4999, true);
    assert_eq!(execution.status_of("s"), Some(OperationStatus::Pending));
    execution.fire("s", AT + 5000, true);
    assert_eq!(execution.status_of("s"), Some(OperationStatus::Ready));
    apply(&mut execution, &[update("STEP", "s", "START"), update("STEP", "s", "SUCCEED")]).unwrap();
    assert_eq!(attempt(&execution), 2);
    let told: Vec<&str> = execution.changes.events.iter().map(|event| event.what.name()).collect();
    assert_eq!(told, ["StepStarted", "StepFailed", "StepStarted", "StepSucceeded"]);
    assert_eq!(execution.record.counted, 2);
}

#[test]
fn callbacks_time_out_by_the_whole_and_by_the_heartbeat() {
    let kind = |execution: &Execution| execution.operations["c"].error.clone().unwrap().kind.unwrap();
    let mut one = execution();
    apply(&mut one, &[update("CALLBACK", "c", "START")]).unwrap();
    assert_eq!(one.changes.set, [(AT + 100_000, "c".to_owned()), (AT + 10_000, "c".to_owned())]);
    let mut other = one.clone();
    assert!(one.heartbeat("c", AT + 9000));
    one.fire("c", AT + 10_000, true);
    assert_eq!(one.status_of("c"), Some(OperationStatus::Started));
    one.fire("c", AT + 19_000, true);
    assert_eq!(
        (one.status_of("c"), kind(&one).as_str()),
        (Some(OperationStatus::TimedOut), "Callback.Heartbeat")
    );
    assert!(!one.heartbeat("c", AT + 19_001));
    other.fire("c", AT + 100_000, true);
    assert_eq!(kind(&other), "Callback.Timeout");
    let done = Settled { status: OperationStatus::Succeeded, result: None, error: None };
    assert!(!other.settle("c", done.clone(), AT, true));
    assert!(!other.settle("nothing", done, AT, true));
}

#[test]
fn tokens_are_good_once_and_clients_may_repeat_themselves() {
    let mut execution = execution();
    let one = [update("STEP", "a", "START")];
    let told = apply(&mut execution, &one).unwrap();
    let token = told.token.clone().unwrap();
    assert_ne!(token, "token-0");
    let ask = |execution: &mut Execution, token: &str, client: Option<&str>, sha256: &str, at: i64| {
        let given = Given { at, callback_id: &|_| String::new() };
        let asked = Checkpoint { token, next: "next", client_token: client, sha256, updates: &[], given };
        execution.checkpoint(&asked).map_err(|error| error.message().to_owned())
    };
    let sha256 = execution.record.last.clone().unwrap().sha256;
    let again = ask(&mut execution, "token-0", Some("client"), &sha256, AT + 1).unwrap();
    assert_eq!((again.token, again.since), (Some(token.clone()), 0));
    let invalid = "Invalid checkpoint token";
    assert_eq!(ask(&mut execution, "token-0", None, &sha256, AT).unwrap_err(), invalid);
    assert_eq!(ask(&mut execution, "token-0", Some("other"), &sha256, AT).unwrap_err(), invalid);
    assert_eq!(ask(&mut execution, "token-0", Some("client"), &sha256, AT + 900_000).unwrap_err(), invalid);
    assert!(
        ask(&mut execution, "token-0", Some("client"), "x", AT).unwrap_err().contains("other parameters")
    );
    assert_eq!(ask(&mut execution, &token, None, &sha256, AT).unwrap().token.as_deref(), Some("next"));
    // An invocation that has ended can write no more.
    execution.invoked("request", Said::Broke(Failure::default()), false, AT);
    assert_eq!(ask(&mut execution, "next", None, &sha256, AT).unwrap_err(), invalid);
}

#[test]
fn requests_are_known_again_by_what_they_ask() {
    let of = |token: Option<&str>, reason: &str| fingerprint(token, &("pause", reason)).unwrap();
    assert_eq!(of(Some("a"), "x"), of(Some("b"), "x"));
    assert_ne!(of(Some("a"), "x"), of(Some("a"), "y"));
    assert_eq!(of(None, "x"), "");
}

#[test]
fn what_an_invocation_says() {
    let ended =
        |status, result: &str| Said::Ended(status, Outcome { result: Some(result.to_owned()), error: None });
    let broke = || Said::Broke(Failure::default());
    // Before, said, pending: the status, and when the next invocation is due.
    type Case = (&'static [&'static str], Said, bool, Status, Option<i64>);
    let cases: Vec<Case> = vec![
        (&[], ended(Status::Succeeded, "1"), false, Status::Succeeded, None),
        (&[], ended(Status::Failed, "1"), false, Status::Failed, None),
        (&[], Said::Pending, true, Status::Running, None),
        (&[], Said::Pending, false, Status::Failed, None),
        (&[], broke(), false, Status::Running, Some(AT + 1000)),
        (&[], Said::Refused, false, Status::Running, Some(AT + 1000)),
        (&[], Said::Impossible(Failure::default()), true, Status::Failed, None),
        // What came while it ran is news.
        (&["wait", "fire"], Said::Pending, false, Status::Running, Some(AT)),
        // Another branch's checkpoint was told of it.
        (&["wait", "fire", "told"], Said::Pending, false, Status::Running, Some(AT)),
        (&["wait", "fire", "told"], Said::Pending, true, Status::Running, Some(AT)),
        (&["wait", "pause", "fire", "resume", "told"], Said::Pending, true, Status::Running, Some(AT)),
        (&["stop"], ended(Status::Succeeded, "1"), false, Status::Stopped, None),
        (&["pause"], Said::Pending, true, Status::Paused, None),
        (&["pause"], broke(), true, Status::Paused, None),
        (&["pause"], ended(Status::Succeeded, "1"), true, Status::Succeeded, None),
        // Its token was withheld: it may say what it wants.
        (&["pause", "checkpoint"], Said::Pending, false, Status::Paused, None),
        (&["pause", "checkpoint"], ended(Status::Succeeded, "1"), false, Status::Paused, None),
        (&["pause", "checkpoint", "resume"], Said::Pending, false, Status::Running, Some(AT)),
        (&["pause", "resume"], Said::Pending, true, Status::Running, None),
    ];
    for (before, said, pending, status, due) in cases {
        let mut execution = execution();
        for what in before {
            let request = Request { client_token: None, sha256: String::new(), reason: None, at: AT };
            match *what {
                "wait" => drop(apply(&mut execution, &[update("WAIT", "w", "START")]).unwrap()),
                "fire" => execution.fire("w", AT + 60_000, true),
                "told" => drop(apply(&mut execution, &[]).unwrap()),
                "stop" => drop(execution.stop(None, AT)),
                "pause" => execution.pause(&request, true).unwrap(),
                "resume" => execution.resume(&request).unwrap(),
                _ => assert_eq!(apply(&mut execution, &[]).unwrap().token, None),
            }
        }
        execution.invoked("request", said.clone(), pending, AT);
        let got = (execution.record.status, execution.record.work_ms.map(|ms| ms as i64));
        assert_eq!(got, (status, due), "{before:?} {said:?}");
        assert_eq!(execution.record.token, None);
        // Once told, and not by anybody else.
        let events = execution.record.events;
        execution.invoked("request", broke(), false, AT);
        assert_eq!(execution.record.events, events);
    }
}

#[test]
fn what_a_function_did_not_come_to_hear_is_told_again() {
    let known = |execution: &Execution| execution.record.invocation.as_ref().unwrap().known;
    let mut execution = execution();
    apply(&mut execution, &[update("WAIT", "w", "START")]).unwrap();
    execution.invoked("request", Said::Pending, true, AT);
    execution.fire("w", AT + 60_000, true);
    let invoke = |execution: &mut Execution, request: &str| {
        let due = execution.record.work_ms.unwrap();
        assert!(execution.invoke(due, "token", request, AT + 60_000));
    };
    invoke(&mut execution, "throttled");
    assert_eq!((known(&execution), execution.record.change), (1, 2));
    execution.invoked("throttled", Said::Refused, true, AT + 60_000);
    invoke(&mut execution, "lost");
    assert_eq!(known(&execution), 1);
    // The cloud went down while it ran.
    invoke(&mut execution, "runs");
    assert_eq!(known(&execution), 1);
    execution.invoked("runs", Said::Broke(Failure::default()), true, AT + 60_000);
    invoke(&mut execution, "again");
    assert_eq!(known(&execution), 2);
}

#[test]
fn pauses_move_the_timeout() {
    let request = |at| Request { client_token: Some("t".into()), sha256: "x".into(), reason: None, at };
    for (timeout_paused, paused_until, resumed_until) in
        [(true, 31_622_400_000, 5_000_000 + 3_000_000), (false, 5_000_000, 5_000_000)]
    {
        let mut execution = execution();
        execution.invoked("request", Said::Pending, true, AT);
        execution.pause(&request(AT), timeout_paused).unwrap();
        // The same request again, and another one.
        execution.pause(&request(AT + 1), timeout_paused).unwrap();
        let other = Request { client_token: None, ..request(AT) };
        assert!(execution.pause(&other, timeout_paused).unwrap_err().message().contains("PAUSED"));
        assert_eq!((execution.record.status, execution.record.times_out_ms), (Status::Paused, paused_until));
        execution.changes = Default::default();
        let again = Request { client_token: Some("u".into()), ..request(AT + 3_000_000) };
        execution.resume(&again).unwrap();
        execution.resume(&again).unwrap();
        assert_eq!(
            (execution.record.status, execution.record.times_out_ms),
            (Status::Running, resumed_until)
        );
        assert_eq!(execution.record.work_ms, None);
        if timeout_paused {
            assert_eq!(execution.changes.set, [(resumed_until, TIMEOUT.to_owned())]);
        }
        execution.time_out(resumed_until - 1);
        assert_eq!(execution.record.status, Status::Running);
        execution.time_out(resumed_until);
        assert_eq!(execution.record.status, Status::TimedOut);
        assert!(execution.resume(&other).unwrap_err().message().contains("TIMED_OUT"));
    }
}

#[test]
fn errors_are_cut_and_counted() {
    let text = |given: &str| Some(given.to_owned());
    let long = || Failure {
        message: text("éé"),
        kind: text("E"),
        data: text("data"),
        stack: Some(vec!["one".into(), "two".into()]),
    };
    for (max, message, data, stack) in [
        (0, "", "", 0),
        (2, "", "d", 0),
        (3, "é", "", 0),
        (9, "éé", "data", 0),
        (13, "éé", "data", 1),
        (16, "éé", "data", 1),
        (17, "éé", "data", 2),
    ] {
        let cut = long().cut(max);
        let stack_of = cut.stack.clone().unwrap().len();
        assert_eq!((cut.message, cut.data, stack_of), (text(message), text(data), stack), "{max}");
    }
    // An invocation that breaks over and over writes no more than the execution may.
    let mut execution = execution();
    let failure = Failure::new("E", "x".repeat(super::PAYLOAD_MAX - 1));
    let mut broke = 0;
    while execution.record.status == Status::Running {
        execution.invoked("request", Said::Broke(failure.clone()), true, AT);
        broke += 1;
        if let Some(due) = execution.record.work_ms {
            assert!(execution.invoke(due, "token", "request", AT));
        }
    }
    assert_eq!((broke, execution.record.status), (101, Status::Failed));
    let error = execution.changes.outcome.unwrap().error.unwrap();
    assert_eq!(error.kind.as_deref(), Some("DurableExecutionLimitExceeded"));
}

#[test]
fn histories_have_an_end() {
    let mut execution = execution();
    execution.invoked("request", Said::Pending, true, AT);
    let request = Request { client_token: None, sha256: String::new(), reason: None, at: AT };
    for _ in 0..10_001 {
        execution.pause(&request, true).unwrap();
        execution.resume(&request).unwrap();
        execution.changes = Default::default();
    }
    assert_eq!((execution.record.events, execution.record.status), (20_000, Status::Running));
    execution.stop(None, AT);
    assert_eq!((execution.record.events, execution.changes.events.len()), (20_001, 1));
}

#[test]
fn too_many_operations_fail_the_execution() {
    let mut execution = execution();
    let many: Vec<s::OperationUpdate> =
        (0..3000).map(|n| update("STEP", &format!("s{n}"), "START")).collect();
    assert!(apply(&mut execution, &many).unwrap().token.is_some());
    let one_more = apply(&mut execution, &[update("STEP", "more", "START")]).unwrap();
    assert_eq!((one_more.token, execution.record.status), (None, Status::Failed));
    assert!(!execution.operations.contains_key("more"));
    let outcome = execution.changes.outcome.clone().unwrap();
    assert!(outcome.error.unwrap().message.unwrap().contains("3000 operations"));
    assert!(matches!(execution.changes.events.last().unwrap().what, What::ExecutionFailed));
}
