use haneul_kit::Result;
use haneul_kit::metrics::{Owner, Unit};

use super::plan::{Plan, Work};
use crate::CloudWatch;
use crate::anomaly::{Model, TRAINING_S};
use crate::math::Line;
use crate::model::Source;
use crate::series::window::Window;
use crate::store::View;

impl CloudWatch {
    /// What the metric of the query `id` is expected to be at each period: time, mean, deviation.
    pub(super) async fn expected(
        &self,
        view: &View,
        owner: Owner,
        line: &Line,
        plan: &Plan,
        id: &str,
        window: Window,
    ) -> Result<Vec<(i64, f64, f64)>> {
        let step = plan.steps.iter().find(|step| step.query.id == id);
        let Some((Work::Metric(statistic), Source::Metric { unit, .. })) =
            step.map(|step| (&step.work, &step.query.source))
        else {
            return Ok(Vec::new());
        };
        let Some(origin) = &line.origin else { return Ok(Vec::new()) };
        let detector = self.detector_of(owner, &origin.identity, &origin.statistic).await?;
        let Some(series) = self.points.find(&origin.identity).await? else { return Ok(Vec::new()) };
        // Learned from what was before the window, with the same period: a sum of five minutes is not one of a minute.
        let periods = TRAINING_S / line.period;
        let start = window.start - periods * line.period;
        let training = Window { start, end: window.start, period: line.period, now: window.now };
        let unit = unit.as_deref().and_then(Unit::parse);
        let mut points = self.line_points(view, &series, *statistic, unit, training).await?;
        let (excluded, offset_s) = match &detector {
            Some(detector) => {
                (detector.excluded_ms.as_slice(), crate::anomaly::offset_s(detector.timezone.as_deref()))
            }
            None => (&[][..], 0),
        };
        points.retain(|(at, _)| !excluded.iter().any(|(from, to)| (*from..*to).contains(&(at * 1000))));
        let Some(model) = Model::train(&points, window.start, offset_s) else { return Ok(Vec::new()) };
        let expected = window.steps().map(|at| {
            let (mean, deviation) = model.at(at, offset_s);
            (at, mean, deviation)
        });
        Ok(expected.collect())
    }
}
