use std::sync::Arc;

use crate::series::Identity;

/// What an expression works on and results in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Scalar(f64),
    Line(Line),
    Lines(Vec<Line>),
}

/// A time series: points in the order of time, none twice, all finite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) period: i64,
    pub(crate) points: Vec<(i64, f64)>,
    /// The metric that it is, when it is one.
    pub(crate) origin: Option<Arc<Origin>>,
    /// What it was grouped by, when it comes of a query that groups.
    pub(crate) group: Arc<[(String, String)]>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Origin {
    pub(crate) identity: Identity,
    pub(crate) statistic: String,
}

impl Line {
    pub(crate) fn new(label: impl Into<String>, period: i64, points: Vec<(i64, f64)>) -> Line {
        Line { label: label.into(), period, points, origin: None, group: Arc::default() }
    }

    pub(crate) fn at(&self, time: i64) -> Option<f64> {
        let place = self.points.binary_search_by_key(&time, |(at, _)| *at).ok()?;
        Some(self.points[place].1)
    }

    /// Each value through `change`; what is not finite then is no point.
    pub(crate) fn map(mut self, change: impl Fn(f64) -> f64) -> Line {
        self.points.iter_mut().for_each(|(_, value)| *value = change(*value));
        self.with(self.points.clone())
    }

    /// Other points under the same name.
    pub(crate) fn with(&self, points: Vec<(i64, f64)>) -> Line {
        let points = points.into_iter().filter(|(_, value)| value.is_finite()).collect();
        Line {
            label: self.label.clone(),
            period: self.period,
            points,
            origin: self.origin.clone(),
            group: self.group.clone(),
        }
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = f64> {
        self.points.iter().map(|(_, value)| *value)
    }
}

/// Points that one value, or all results of a request, may have: what bounds the memory of a request.
pub(crate) const POINTS_MAX: usize = 5_000_000;

pub(crate) fn too_many() -> String {
    "The request has too many datapoints; shorten the range or lengthen the period".to_owned()
}

impl Value {
    pub(crate) fn points(&self) -> usize {
        match self {
            Value::Scalar(_) => 0,
            Value::Line(line) => line.points.len(),
            Value::Lines(lines) => lines.iter().map(|line| line.points.len()).sum(),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Scalar(_) => "Scalar",
            Value::Line(_) => "Time series",
            Value::Lines(_) => "Array of time series",
        }
    }
}
