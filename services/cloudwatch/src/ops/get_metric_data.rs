use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::metrics::Owner;
use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};
use serde::{Deserialize, Serialize};

use crate::CloudWatch;
use crate::error;
use crate::query::{Plan, Span, from_wire, offset_minutes, shown_label};

/// Source: GetMetricData, `MaxDatapoints`.
const POINTS_MAX: usize = 100_800;

/// Where the next page begins: the request's own times, so that all pages see the same range, and how many points were given out.
#[derive(Serialize, Deserialize)]
struct Position {
    start_ms: i64,
    end_ms: i64,
    now_ms: i64,
    /// Results that are through, and points given of the next one.
    results: usize,
    points: usize,
}

impl Handle<op::GetMetricData> for CloudWatch {
    async fn access(&self, _: &Cx, input: &s::GetMetricDataInput) -> Result<Vec<Access>> {
        let mut all = super::access::on_all("cloudwatch:GetMetricData");
        // A search looks through the metrics that there are.
        let searches = |query: &s::MetricDataQuery| {
            query.expression.as_deref().is_some_and(|text| text.to_ascii_uppercase().contains("SEARCH("))
        };
        if input.metric_data_queries.iter().any(searches) {
            all.push(Access::to("cloudwatch:ListMetrics"));
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::GetMetricDataInput) -> Result<s::GetMetricDataOutput> {
        if input.start_time >= input.end_time {
            return Err(error::validation("The parameter EndTime must be greater than StartTime."));
        }
        let limit = match input.max_datapoints {
            None => POINTS_MAX,
            Some(limit) if (1..=POINTS_MAX as i32).contains(&limit) => limit as usize,
            Some(limit) => {
                return Err(error::validation(format!(
                    "The value {limit} for parameter MaxDatapoints is not valid. It must be between 1 and 100800."
                )));
            }
        };
        let ascending = match input.scan_by.as_deref() {
            None | Some("TimestampDescending") => false,
            Some("TimestampAscending") => true,
            Some(other) => return Err(error::value_for(other, "ScanBy")),
        };
        let offset = match input.label_options.and_then(|options| options.timezone) {
            None => 0,
            Some(zone) => {
                offset_minutes(&zone).ok_or_else(|| error::value_for(&zone, "LabelOptions.Timezone"))?
            }
        };
        let queries = from_wire(input.metric_data_queries, "MetricDataQueries")?;
        let purpose = format!("cloudwatch.GetMetricData {} {}", cx.account(), cx.region());
        let position: Position = match &input.next_token {
            Some(token) => {
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?
            }
            None => Position {
                start_ms: input.start_time.millis(),
                end_ms: input.end_time.millis(),
                now_ms: cx.now().millis(),
                results: 0,
                points: 0,
            },
        };
        let plan = Plan::of(queries, "MetricDataQueries", &cx.account().to_string())?;
        let span = Span { start_ms: position.start_ms, end_ms: position.end_ms, now_ms: position.now_ms };
        let owner = Owner { account: cx.account(), region: cx.region() };
        let answers = self.run(owner, &plan, span).await?;
        self.meter_asked(cx, &plan, &answers);

        let mut results = Vec::new();
        let mut left = limit;
        let mut next = None;
        let lines = answers.iter().flat_map(|answer| answer.lines.iter().map(move |line| (answer, line)));
        for (i, (answer, line)) in lines.enumerate() {
            let skipped = match i.cmp(&position.results) {
                std::cmp::Ordering::Less => continue,
                std::cmp::Ordering::Equal => position.points.min(line.points.len()),
                std::cmp::Ordering::Greater => 0,
            };
            let rest = line.points.len() - skipped;
            if left == 0 && rest > 0 {
                next.get_or_insert((i, skipped));
                break;
            }
            let taken = rest.min(left);
            left -= taken;
            let points: Vec<(i64, f64)> = match ascending {
                true => line.points[skipped..skipped + taken].to_vec(),
                false => line.points.iter().rev().skip(skipped).take(taken).copied().collect(),
            };
            let cut = taken < rest;
            results.push(s::MetricDataResult {
                id: Some(answer.query.id.clone()),
                label: Some(shown_label(
                    &answer.query,
                    line,
                    answer.many,
                    span.now_ms.div_euclid(1000),
                    offset,
                )),
                timestamps: Some(points.iter().map(|(at, _)| Instant::from_secs(*at)).collect()),
                values: Some(points.iter().map(|(_, value)| *value).collect()),
                status_code: Some(
                    match &answer.failure {
                        Some(failure) => failure.status,
                        None if cut || answer.partial => "PartialData",
                        None => "Complete",
                    }
                    .to_owned(),
                ),
                messages: answer.failure.as_ref().map(|failure| {
                    vec![s::MessageData {
                        code: Some(failure.code.clone()),
                        value: Some(failure.message.clone()),
                    }]
                }),
            });
            if cut {
                next = Some((i, skipped + taken));
                break;
            }
        }
        let next_token = next.map(|(results, points)| {
            paging::token(&self.platform.seal, &purpose, &Position { results, points, ..position })
        });
        Ok(s::GetMetricDataOutput {
            metric_data_results: Some(results),
            next_token,
            messages: Some(Vec::new()),
        })
    }
}
