//! Queries that functions answer: `LAMBDA`.

use std::sync::Arc;

use haneul_cloudwatch_wire::{operations as op, shapes as s};
use haneul_kit::{Access, ApiError, Cx, Handle, Instant, Result, Service};
use haneul_lambda_wire::{operations as lambda, shapes as l};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::cloud::{Cloud, expression};

/// Functions that answer by their names, and what they were asked.
#[derive(Default)]
pub(super) struct Functions {
    asked: Mutex<Vec<(String, Value)>>,
}

pub(super) fn service(functions: &Arc<Functions>) -> Service {
    Service::of(&haneul_lambda_wire::SERVICE, functions.clone()).op::<lambda::Invoke>().build()
}

impl Handle<lambda::Invoke> for Functions {
    async fn access(&self, cx: &Cx, input: &l::InvocationRequest) -> Result<Vec<Access>> {
        let caller = format!("{:?}", cx.caller());
        assert!(caller.contains("lambda.datasource.cloudwatch.amazonaws.com"), "{caller}");
        assert_eq!(cx.source_arn(), Some("arn:aws:cloudwatch:us-east-1:111111111111:*"));
        match input.function_name.as_str() {
            "closed" => Err(ApiError::new("AccessDeniedException", "not you")),
            _ => Ok(Vec::new()),
        }
    }

    async fn call(&self, _: &Cx, input: l::InvocationRequest) -> Result<l::InvocationResponse> {
        let event: Value = serde_json::from_slice(&input.payload.unwrap()).unwrap();
        let request = &event["GetMetricDataRequest"];
        let start = request["StartTime"].as_i64().unwrap();
        let name = input.function_name;
        let series = |label: &str, values: [f64; 2]| json!({"Label": label, "Timestamps": [start, start + 60], "Values": values});
        let answer = match name.as_str() {
            "source:live" => {
                json!({"MetricDataResults": [series("one", [1.0, 2.0]), series("two", [3.0, 4.0])]})
            }
            "invalid" => json!({"Error": {"Code": "Validation", "Value": "which cluster?"}}),
            "away" => json!({"Error": {"Code": "Unreachable", "Value": "no cluster"}}),
            _ => {
                return Ok(l::InvocationResponse {
                    function_error: Some("Unhandled".into()),
                    ..Default::default()
                });
            }
        };
        self.asked.lock().push((name, event));
        Ok(l::InvocationResponse {
            payload: Some(answer.to_string().into_bytes().into()),
            ..Default::default()
        })
    }
}

#[tokio::test]
async fn functions_answer_queries() {
    let cloud = Cloud::new().await;
    let end = cloud.minute();
    let start = end - 120;
    let queries = vec![
        expression("all", "LAMBDA('source:live', 'up', 3)", Some(60)),
        expression("sum", "SUM(LAMBDA('source:live', 'up', 3)) * 10", Some(60)),
    ];
    let data = cloud.data(queries, start, end).await;
    let at = |one: f64, two: f64| vec![(start, one), (start + 60, two)];
    let shown: Vec<_> = data.iter().map(|(label, points)| (label.as_str(), points.clone())).collect();
    assert_eq!(shown, [("one", at(1.0, 2.0)), ("two", at(3.0, 4.0)), ("sum", at(40.0, 60.0))]);
    let (name, event) = cloud.functions.asked.lock()[0].clone();
    let expected = json!({"EventType": "GetMetricData", "GetMetricDataRequest":
        {"StartTime": start, "EndTime": end, "Period": 60, "Arguments": ["up", 3.0]}});
    assert_eq!((name.as_str(), event), ("source:live", expected));
}

#[tokio::test]
async fn what_functions_do_not_answer_is_told() {
    let cloud = Cloud::new().await;
    let (start, end) = (cloud.minute() - 120, cloud.minute());
    let input = |text: &str| s::GetMetricDataInput {
        metric_data_queries: vec![expression("e", text, Some(60))],
        start_time: Instant::from_secs(start),
        end_time: Instant::from_secs(end),
        ..Default::default()
    };
    for (name, status, code) in [
        ("away", "InternalError", "Unreachable"),
        ("closed", "Forbidden", "AccessDeniedException"),
        ("broken", "InternalError", "FunctionError"),
    ] {
        let output = cloud.ok::<op::GetMetricData>(input(&format!("LAMBDA('{name}')"))).await;
        let result = output.metric_data_results.unwrap().remove(0);
        assert_eq!(result.status_code.as_deref(), Some(status), "{name}");
        assert_eq!(result.messages.unwrap()[0].code.as_deref(), Some(code), "{name}");
        assert_eq!(result.values, Some(Vec::new()), "{name}");
    }
    for (text, said) in [
        ("LAMBDA('invalid')", "which cluster?"),
        ("LAMBDA('f*')", "Invalid Lambda function name: f*"),
        ("LAMBDA(3)", "Invalid number or type of arguments for function LAMBDA"),
        ("SERVICE_QUOTA(1)", "Invalid number or type of arguments for function SERVICE_QUOTA"),
    ] {
        let error = cloud.err::<op::GetMetricData>(input(text)).await;
        assert_eq!(error, format!("ValidationException: Error in expression 'e' [{said}]"));
    }
}
