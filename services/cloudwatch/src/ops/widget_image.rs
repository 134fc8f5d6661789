use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_shape::Bytes;

use super::alarm_parts::owner;
use crate::CloudWatch;
use crate::error;
use crate::image::{Curve, Picture, Widget};
use crate::query::{Plan, Span, shown_label};

impl Handle<op::GetMetricWidgetImage> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::GetMetricWidgetImageInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:GetMetricWidgetImage"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetMetricWidgetImageInput,
    ) -> Result<s::GetMetricWidgetImageOutput> {
        match input.output_format.as_deref() {
            None | Some("png") => {}
            Some("image/png") => {
                return Err(error::not_offered("A picture as the whole answer of a GET request"));
            }
            Some(other) => return Err(error::value_for(other, "OutputFormat")),
        }
        let now = cx.now();
        let widget = Widget::parse(&input.metric_widget, now).map_err(error::validation)?;
        let plan = Plan::of(widget.queries.clone(), "MetricWidget.metrics", &cx.account().to_string())?;
        let span = Span { start_ms: widget.start_ms, end_ms: widget.end_ms, now_ms: now.millis() };
        let answers = self.run(owner(cx), &plan, span).await?;
        self.meter_drawn(cx, &plan, &answers);
        let curves: Vec<Curve> = answers
            .iter()
            .flat_map(|answer| answer.lines.iter().map(move |line| (answer, line)))
            .map(|(answer, line)| Curve {
                label: shown_label(&answer.query, line, answer.many, now.secs(), 0),
                colour: widget
                    .colours
                    .iter()
                    .find(|(id, _)| *id == answer.query.id)
                    .map(|(_, colour)| colour.clone()),
                points: line.points.clone(),
                period: line.period,
            })
            .collect();
        let picture =
            Picture::draw(&widget, &curves).ok_or_else(|| ApiError::internal("a picture without pixels"))?;
        let bytes = picture.png().map_err(ApiError::internal)?;
        Ok(s::GetMetricWidgetImageOutput { metric_widget_image: Some(Bytes::from(bytes)) })
    }
}
