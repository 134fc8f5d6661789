//! A Lambda that notes what it is sent, behind a policy as AddPermission makes it.

use std::io::Read;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Policy, Result, Service};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_policy::Rules;
use parking_lot::Mutex;
use serde_json::Value;

#[derive(Default)]
pub(super) struct Functions {
    /// Function and what came, opened.
    pub(super) sent: Mutex<Vec<(String, Value)>>,
    pub(super) refusal: Mutex<Option<ApiErrorOf>>,
}

/// Makes the error that invocations fail with.
pub(super) type ApiErrorOf = fn() -> ApiError;

pub(super) const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:sink";

pub(super) fn service(functions: &Arc<Functions>) -> Service {
    Service::of(&haneul_lambda_wire::SERVICE, functions.clone()).op::<op::Invoke>().build()
}

impl Functions {
    pub(super) fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.sent.lock()).into_iter().map(|(_, value)| value).collect()
    }
}

impl Handle<op::Invoke> for Functions {
    async fn access(&self, _: &Cx, input: &s::InvocationRequest) -> Result<Vec<Access>> {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeFunction",
            "Principal":{"Service":"logs.us-east-1.amazonaws.com"},"Resource":"arn:aws:lambda:us-east-1:111111111111:function:sink",
            "Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:logs:us-east-1:111111111111:log-group:*:*"}}}]}"#;
        let policy = Policy::parse(policy, &Rules::RESOURCE).unwrap();
        let arn = Arn::parse(&input.function_name).unwrap();
        let access = Access::on("lambda:InvokeFunction", &arn);
        Ok(vec![access.with_policy((input.function_name == FUNCTION).then(|| Arc::new(policy)))])
    }

    async fn call(&self, _: &Cx, input: s::InvocationRequest) -> Result<s::InvocationResponse> {
        if input.invocation_type.as_deref() == Some("DryRun") {
            return Ok(s::InvocationResponse { status_code: Some(204), ..Default::default() });
        }
        if let Some(refusal) = *self.refusal.lock() {
            return Err(refusal());
        }
        let payload: Value = serde_json::from_slice(&input.payload.unwrap()).unwrap();
        let packed = STANDARD.decode(payload["awslogs"]["data"].as_str().unwrap()).unwrap();
        let mut text = String::new();
        GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        self.sent.lock().push((input.function_name, serde_json::from_str(&text).unwrap()));
        Ok(s::InvocationResponse { status_code: Some(202), ..Default::default() })
    }
}
