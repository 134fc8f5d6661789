//! What calls need permission for. Source: Service Authorization Reference, "Amazon CloudWatch".

use haneul_kit::{Access, Arn, Cx};

pub(crate) fn alarm_arn(cx: &Cx, name: &str) -> Arn {
    cx.arn("cloudwatch", format_args!("alarm:{name}"))
}

pub(crate) fn on_alarm(cx: &Cx, action: &'static str, name: &str) -> Access {
    Access::on(action, &alarm_arn(cx, name))
}

/// Actions without a resource type.
pub(crate) fn on_all(action: &'static str) -> Vec<haneul_kit::Access> {
    vec![Access::to(action)]
}
