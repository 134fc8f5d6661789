use serde_json::Value;

use super::pattern::{Inner, Pattern};
use crate::model::mapping::Kind;

/// Filters of one mapping, and characters of one pattern. Source: Developer Guide, "Lambda event filtering".
pub(crate) const FILTERS_MAX: usize = 5;
pub(crate) const PATTERN_MAX: usize = 4096;

/// What a mapping lets through: what one of its filters matches, everything if there are none.
#[derive(Debug, Default)]
pub(crate) struct Filters(Vec<Filter>);

#[derive(Debug)]
struct Filter {
    /// What is said of a message's body, or of the data of a Kinesis record: an object is looked for in a body that is
    /// JSON, text in one that is not.
    body: Option<Inner>,
    rest: Pattern,
}

impl Filters {
    pub(crate) fn parse(kind: Kind, texts: &[String]) -> Result<Filters, String> {
        let body = match kind {
            Kind::Kinesis => "data",
            Kind::Sqs | Kind::DynamoDb => "body",
        };
        if texts.len() > FILTERS_MAX {
            return Err(format!("there are more than {FILTERS_MAX} filters"));
        }
        let parse = |text: &String| {
            if text.chars().count() > PATTERN_MAX {
                return Err(format!("a pattern has at most {PATTERN_MAX} characters"));
            }
            let mut rest = Pattern::parse(text)?;
            Ok(Filter { body: rest.take(body), rest })
        };
        texts.iter().map(parse).collect::<Result<_, _>>().map(Filters)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a record is wanted; `body` is that of a message, or the data of a Kinesis record.
    pub(super) fn want(&self, record: &Value, body: Option<&str>) -> bool {
        self.0.is_empty() || self.0.iter().any(|filter| filter.wants(record, body))
    }
}

impl Filter {
    fn wants(&self, record: &Value, body: Option<&str>) -> bool {
        let body_wanted = match (&self.body, body) {
            (None, _) => true,
            (Some(Inner::Object(pattern)), Some(body)) => {
                let body: Option<Value> = serde_json::from_str(body).ok();
                body.is_some_and(|body| body.is_object() && pattern.matches(&body))
            }
            (Some(Inner::Text(leaves)), Some(body)) => {
                !serde_json::from_str::<Value>(body).is_ok_and(|body| body.is_object())
                    && leaves.matches(body)
            }
            (Some(_), None) => false,
        };
        body_wanted && self.rest.matches(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_looked_into() {
        let cases = [
            (r#"{"body":{"kind":["a"]}}"#, r#"{"kind":"a"}"#, true),
            (r#"{"body":{"kind":["a"]}}"#, r#"{"kind":"b"}"#, false),
            (r#"{"body":{"kind":["a"]}}"#, "kind a", false),
            (r#"{"body":["a","b"]}"#, "a", true),
            (r#"{"body":["a","b"]}"#, "c", false),
            (r#"{"body":["a"]}"#, r#"{"kind":"a"}"#, false),
            (r#"{"messageAttributes":{"x":{"stringValue":["1"]}}}"#, "any", false),
        ];
        for (pattern, body, wanted) in cases {
            let filters = Filters::parse(Kind::Sqs, &[pattern.to_owned()]).unwrap();
            assert_eq!(
                filters.want(&serde_json::json!({ "body": body }), Some(body)),
                wanted,
                "{pattern} {body}"
            );
        }
        assert!(Filters::default().want(&Value::Null, None));
    }
}
