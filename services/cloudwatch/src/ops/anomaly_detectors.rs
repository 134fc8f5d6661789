use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};

use super::alarm_parts::owner;
use super::list_metrics::wire_dimensions;
use super::put_metric_data::dimensions;
use crate::CloudWatch;
use crate::anomaly::{POINTS_MIN, TRAINING_S, zone_offset_s};
use crate::error;
use crate::model::{Detector, DetectorSource};
use crate::query::{Plan, from_wire, to_wire};
use crate::series::Identity;
use crate::series::window::Window;
use crate::statistic::Statistic;

const PAGE: usize = 100;

/// The forms in which a request says what is watched.
struct Given {
    namespace: Option<String>,
    metric_name: Option<String>,
    dimensions: Option<Vec<s::Dimension>>,
    stat: Option<String>,
    single: Option<s::SingleMetricAnomalyDetector>,
    math: Option<s::MetricMathAnomalyDetector>,
}

impl Given {
    fn source(self, account: &str) -> Result<DetectorSource> {
        let plain = self.namespace.is_some()
            || self.metric_name.is_some()
            || self.dimensions.is_some()
            || self.stat.is_some();
        if [plain, self.single.is_some(), self.math.is_some()].iter().filter(|given| **given).count() != 1 {
            return Err(error::invalid_combination(
                "Exactly one of SingleMetricAnomalyDetector, MetricMathAnomalyDetector, or Namespace, MetricName and Stat must be specified.",
            ));
        }
        if let Some(math) = self.math {
            let queries = from_wire(
                math.metric_data_queries.unwrap_or_default(),
                "MetricMathAnomalyDetector.MetricDataQueries",
            )?;
            Plan::of(queries.clone(), "MetricMathAnomalyDetector.MetricDataQueries", account)?;
            return Ok(DetectorSource::Math(queries));
        }
        let single = self.single.unwrap_or(s::SingleMetricAnomalyDetector {
            account_id: None,
            namespace: self.namespace,
            metric_name: self.metric_name,
            dimensions: self.dimensions,
            stat: self.stat,
        });
        if single.account_id.as_deref().is_some_and(|id| id != account) {
            return Err(error::not_offered("An anomaly detector for a metric of another account"));
        }
        let needed = |value: Option<String>, name: &str| {
            value.ok_or_else(|| error::missing(format!("The parameter {name} is required.")))
        };
        let (namespace, name) =
            (needed(single.namespace, "Namespace")?, needed(single.metric_name, "MetricName")?);
        let statistic = needed(single.stat, "Stat")?;
        if Statistic::parse(&statistic).is_none() {
            return Err(error::value_for(&statistic, "Stat"));
        }
        let mut dimensions = dimensions(single.dimensions.unwrap_or_default(), || "Dimensions".to_owned())?;
        dimensions.sort();
        Ok(DetectorSource::Single { namespace, name, dimensions, statistic })
    }
}

impl Handle<op::PutAnomalyDetector> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::PutAnomalyDetectorInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:PutAnomalyDetector"))
    }

    async fn call(&self, cx: &Cx, input: s::PutAnomalyDetectorInput) -> Result<s::PutAnomalyDetectorOutput> {
        let given = Given {
            namespace: input.namespace,
            metric_name: input.metric_name,
            dimensions: input.dimensions,
            stat: input.stat,
            single: input.single_metric_anomaly_detector,
            math: input.metric_math_anomaly_detector,
        };
        let watched = given.source(&cx.account().to_string())?;
        if matches!(watched, DetectorSource::Math(_)) {
            return Err(error::not_offered("An anomaly detector for a math expression"));
        }
        let mut detector = Detector {
            watched,
            excluded_ms: Vec::new(),
            timezone: None,
            periodic_spikes: input.metric_characteristics.and_then(|one| one.periodic_spikes),
            created_ms: cx.now().millis(),
        };
        if detector.periodic_spikes == Some(true) {
            return Err(error::not_offered("A metric with periodic spikes"));
        }
        if let Some(configuration) = input.configuration {
            if configuration.adaptation_speed.is_some() || configuration.outlier_filtering_strength.is_some()
            {
                return Err(error::not_offered("Tuning how an anomaly detector learns"));
            }
            for range in configuration.excluded_time_ranges.unwrap_or_default() {
                if range.start_time >= range.end_time {
                    return Err(error::invalid_value("An excluded time range must end after it starts."));
                }
                detector.excluded_ms.push((range.start_time.millis(), range.end_time.millis()));
            }
            if configuration.metric_timezone.as_deref().is_some_and(|zone| zone_offset_s(zone).is_none()) {
                return Err(error::not_offered("A time zone other than UTC, Etc/GMT±h or ±hh:mm"));
            }
            detector.timezone = configuration.metric_timezone;
        }
        let id = self.put_detector(owner(cx), &detector).await?;
        Ok(s::PutAnomalyDetectorOutput { anomaly_detector_id: Some(id) })
    }
}

impl Handle<op::DeleteAnomalyDetector> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::DeleteAnomalyDetectorInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:DeleteAnomalyDetector"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteAnomalyDetectorInput,
    ) -> Result<s::DeleteAnomalyDetectorOutput> {
        if let Some(wanted) = input.anomaly_detector_id {
            self.delete_detector(owner(cx), |id, _| id == wanted).await?;
            return Ok(s::DeleteAnomalyDetectorOutput {});
        }
        let given = Given {
            namespace: input.namespace,
            metric_name: input.metric_name,
            dimensions: input.dimensions,
            stat: input.stat,
            single: input.single_metric_anomaly_detector,
            math: input.metric_math_anomaly_detector,
        };
        let wanted = given.source(&cx.account().to_string())?;
        self.delete_detector(owner(cx), |_, detector| detector.watched == wanted).await?;
        Ok(s::DeleteAnomalyDetectorOutput {})
    }
}

impl Handle<op::DescribeAnomalyDetectors> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::DescribeAnomalyDetectorsInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:DescribeAnomalyDetectors"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeAnomalyDetectorsInput,
    ) -> Result<s::DescribeAnomalyDetectorsOutput> {
        let types = input.anomaly_detector_types.unwrap_or_default();
        let mut wanted_dimensions = match input.dimensions {
            Some(list) => Some(dimensions(list, || "Dimensions".to_owned())?),
            None => None,
        };
        wanted_dimensions.iter_mut().for_each(|list| list.sort());
        let wanted = |id: &str, detector: &Detector| match &detector.watched {
            DetectorSource::Single { namespace, name, dimensions, .. } => {
                (types.is_empty() || types.iter().any(|one| one == "SINGLE_METRIC"))
                    && input.anomaly_detector_ids.as_ref().is_none_or(|ids| ids.iter().any(|one| one == id))
                    && input.namespace.as_ref().is_none_or(|one| one == namespace)
                    && input.metric_name.as_ref().is_none_or(|one| one == name)
                    && wanted_dimensions.as_ref().is_none_or(|one| one == dimensions)
            }
            DetectorSource::Math(_) => types.iter().any(|one| one == "METRIC_MATH"),
        };
        let purpose = format!("cloudwatch.DescribeAnomalyDetectors {} {}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut found = self.detectors(owner(cx)).await?;
        found.retain(|(id, detector)| after.as_ref().is_none_or(|after| id > after) && wanted(id, detector));
        let limit = input.max_results.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(PAGE));
        let page = paging::cut(found, limit, seal, &purpose, |(id, _)| id.clone());
        let mut shown = Vec::with_capacity(page.items.len());
        for (id, detector) in page.items {
            shown.push(self.shown(cx, id, detector).await?);
        }
        Ok(s::DescribeAnomalyDetectorsOutput { anomaly_detectors: Some(shown), next_token: page.next })
    }
}

impl CloudWatch {
    async fn shown(&self, cx: &Cx, id: String, detector: Detector) -> Result<s::AnomalyDetector> {
        let state = self.training(cx, &detector).await?;
        let range = |(from, to): (i64, i64)| s::Range {
            start_time: Instant::from_millis(from),
            end_time: Instant::from_millis(to),
        };
        let mut shown = s::AnomalyDetector {
            anomaly_detector_id: Some(id),
            state_value: Some(state.to_owned()),
            configuration: Some(s::AnomalyDetectorConfiguration {
                excluded_time_ranges: Some(detector.excluded_ms.into_iter().map(range).collect()),
                metric_timezone: detector.timezone,
                ..Default::default()
            }),
            ..Default::default()
        };
        match detector.watched {
            DetectorSource::Single { namespace, name, dimensions, statistic } => {
                let dimensions = wire_dimensions(&dimensions);
                shown.namespace = Some(namespace.clone());
                shown.metric_name = Some(name.clone());
                shown.dimensions = Some(dimensions.clone());
                shown.stat = Some(statistic.clone());
                shown.single_metric_anomaly_detector = Some(s::SingleMetricAnomalyDetector {
                    account_id: Some(cx.account().to_string()),
                    namespace: Some(namespace),
                    metric_name: Some(name),
                    dimensions: Some(dimensions),
                    stat: Some(statistic),
                });
            }
            DetectorSource::Math(queries) => {
                let queries = queries.iter().map(to_wire).collect();
                shown.metric_math_anomaly_detector =
                    Some(s::MetricMathAnomalyDetector { metric_data_queries: Some(queries) });
            }
        }
        Ok(shown)
    }

    /// Whether there are points to learn from.
    async fn training(&self, cx: &Cx, detector: &Detector) -> Result<&'static str> {
        let DetectorSource::Single { namespace, name, dimensions, .. } = &detector.watched else {
            return Ok("TRAINED_INSUFFICIENT_DATA");
        };
        let identity =
            Identity::new(cx.account(), cx.region(), namespace.clone(), name.clone(), dimensions.clone());
        let Some(series) = self.points.find(&identity).await? else { return Ok("PENDING_TRAINING") };
        let now = cx.now().secs().div_euclid(300) * 300;
        let window = Window { start: now - TRAINING_S.div_euclid(300) * 300, end: now, period: 300, now };
        let view = self.points.view().await?;
        let known = self.summaries(&view, &series, None, window).await?.len();
        Ok(if known >= POINTS_MIN { "TRAINED" } else { "TRAINED_INSUFFICIENT_DATA" })
    }
}
