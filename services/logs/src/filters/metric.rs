use haneul_kit::{Result, metrics::Unit};

use super::points::{is_dimension_name, is_dimension_text, is_metric_name, is_namespace};
use crate::error;
use crate::model::MetricFilter;
use crate::pattern::{Field, Pattern};

/// A metric filter ready for work.
pub(crate) struct Compiled {
    pub(crate) name: String,
    pub(crate) filter: MetricFilter,
    pattern: Pattern,
    value: Value,
    dimensions: Vec<(String, Field)>,
}

enum Value {
    Number(f64),
    Field(Field),
}

/// What a filter makes of an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// `None` when it matched and the field is no number.
    pub(crate) value: Option<f64>,
    pub(crate) dimensions: Vec<(String, String)>,
}

const DIMENSIONS_MAX: usize = 3;

impl Compiled {
    /// # Errors
    /// AWS's InvalidParameterException for what cannot work.
    pub(crate) fn new(name: &str, filter: &MetricFilter) -> Result<Compiled> {
        let pattern = Pattern::parse(&filter.pattern)?;
        let bad = |why: &str| error::invalid(format!("Invalid metric transformation: {why}"));
        if !is_namespace(&filter.namespace) {
            return Err(bad(&format!("the namespace {} is not valid", filter.namespace)));
        }
        if !is_metric_name(&filter.metric) {
            return Err(bad("the metric name is not valid"));
        }
        if filter.unit.as_deref().is_some_and(|unit| Unit::parse(unit).is_none()) {
            return Err(bad("the unit is not valid"));
        }
        let value = match filter.value.parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            _ => match pattern.field(&filter.value) {
                Some(field) => Value::Field(field),
                None => {
                    return Err(bad(&format!(
                        "the metric value {} is neither a number nor a field of the filter pattern",
                        filter.value
                    )));
                }
            },
        };
        if !filter.dimensions.is_empty() && filter.default.is_some() {
            return Err(bad("dimensions and default value are mutually exclusive properties."));
        }
        if !filter.dimensions.is_empty() && !pattern.has_fields() {
            return Err(error::invalid("The specified filter pattern does not support dimensions"));
        }
        if filter.dimensions.len() + filter.system_dimensions.len() > DIMENSIONS_MAX {
            return Err(bad("a metric filter can have up to 3 dimensions"));
        }
        let mut dimensions = Vec::new();
        for (dimension, field) in &filter.dimensions {
            if !is_dimension_name(dimension) {
                return Err(bad(&format!("the dimension name {dimension} is not valid")));
            }
            let found = pattern.field(field).ok_or_else(|| {
                bad(&format!("the dimension value {field} is not a field of the filter pattern"))
            })?;
            dimensions.push((dimension.clone(), found));
        }
        Ok(Compiled { name: name.to_owned(), filter: filter.clone(), pattern, value, dimensions })
    }

    /// `None` when the event does not match. Dimensions that it has no value for are left out.
    pub(crate) fn measure(&self, message: &str) -> Option<Measured> {
        let value_field = match &self.value {
            Value::Number(_) => None,
            Value::Field(field) => Some(field),
        };
        let fields: Vec<&Field> = self.dimensions.iter().map(|(_, f)| f).chain(value_field).collect();
        let mut found = self.pattern.cut(message, &fields)?;
        let value = match &self.value {
            Value::Number(number) => Some(*number),
            Value::Field(_) => found.pop().flatten().and_then(|text| text.trim().parse::<f64>().ok()),
        };
        let pairs = self.dimensions.iter().zip(found);
        let dimensions = pairs
            .filter_map(|((name, _), value)| Some((name.clone(), value.filter(|v| is_dimension_text(v))?)))
            .collect();
        Some(Measured { value: value.filter(|value| value.is_finite()), dimensions })
    }
}
