//! Queries by tags. Source: Resource Groups API Reference, "ResourceQuery".

use haneul_kit::{Kind, Result, Tagged};
use serde::Deserialize;

use crate::error;

const ALL: &str = "AWS::AllSupported";
const FILTERS_MAX: usize = 50;
const VALUES_MAX: usize = 20;

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Query {
    pub(crate) resource_type_filters: Vec<String>,
    #[serde(default)]
    tag_filters: Vec<TagFilter>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagFilter {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

impl Query {
    pub(crate) fn parse(kind: &str, text: &str, known: &[Kind]) -> Result<Query> {
        if kind != "TAG_FILTERS_1_0" {
            return Err(error::unsupported(&format!("queries of type {kind}")));
        }
        let query: Query = serde_json::from_str(text)
            .map_err(|error| error::bad_request(format!("Query not valid: {error}")))?;
        if query.resource_type_filters.is_empty() {
            return Err(error::bad_request("Query not valid: ResourceTypeFilters is empty"));
        }
        for kind in query.resource_type_filters.iter().filter(|kind| *kind != ALL) {
            if !known.iter().any(|known| known.cloudformation == *kind) {
                return Err(error::bad_request(format!(
                    "Query not valid: resource type {kind} is not supported"
                )));
            }
        }
        let too_many = query.tag_filters.iter().any(|filter| filter.values.len() > VALUES_MAX);
        if query.tag_filters.len() > FILTERS_MAX || too_many {
            return Err(error::bad_request("Query not valid: too many tag filters"));
        }
        Ok(query)
    }

    /// Whether the query is about resources of the type at all.
    pub(crate) fn is_about(&self, kind: &str) -> bool {
        self.resource_type_filters.iter().any(|wanted| wanted == ALL || wanted == kind)
    }

    pub(crate) fn finds(&self, resource: &Tagged) -> bool {
        let has = |filter: &TagFilter| {
            let is = |(key, value): &(String, String)| {
                *key == filter.key && (filter.values.is_empty() || filter.values.contains(value))
            };
            resource.tags.iter().any(is)
        };
        // Without a filter every resource that has tags is meant.
        self.is_about(resource.kind.cloudformation)
            && !resource.tags.is_empty()
            && self.tag_filters.iter().all(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: Kind = Kind::new("sqs", "AWS::SQS::Queue");

    #[test]
    fn types_and_all_filters_must_fit() {
        let resource = QUEUE.resource("arn", [("team", "a"), ("env", "test")]);
        for (types, filters, expected) in [
            (r#"["AWS::AllSupported"]"#, r#"[{"Key":"team","Values":["a","b"]}]"#, true),
            (r#"["AWS::SQS::Queue"]"#, r#"[{"Key":"team"},{"Key":"env","Values":["test"]}]"#, true),
            (r#"["AWS::SQS::Queue"]"#, r#"[{"Key":"team"},{"Key":"env","Values":["prod"]}]"#, false),
            (r#"["AWS::AllSupported"]"#, r#"[]"#, true),
            (r#"["AWS::AllSupported"]"#, r#"[{"Key":"Team"}]"#, false),
        ] {
            let text = format!(r#"{{"ResourceTypeFilters":{types},"TagFilters":{filters}}}"#);
            let query = Query::parse("TAG_FILTERS_1_0", &text, &[QUEUE]).unwrap();
            assert_eq!(query.finds(&resource), expected, "{text}");
        }
        for bad in
            ["", "{}", r#"{"ResourceTypeFilters":[]}"#, r#"{"ResourceTypeFilters":["AWS::X::Y"]}"#, "[1"]
        {
            assert!(Query::parse("TAG_FILTERS_1_0", bad, &[QUEUE]).is_err(), "{bad}");
        }
        assert!(Query::parse("CLOUDFORMATION_STACK_1_0", "{}", &[QUEUE]).is_err());
    }
}
