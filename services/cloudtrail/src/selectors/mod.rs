//! Selectors: which events a trail or an event data store takes.
//!
//! Source: CloudTrail API Reference, "AdvancedEventSelector", "AdvancedFieldSelector", "EventSelector" and "DataResource".
//! Basic selectors are evaluated as the advanced ones that they stand for. Reading order: here (records and their
//! evaluation), [`parse`] (what clients give, and what is refused).

pub(crate) mod parse;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a trail was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Selectors {
    Basic(Vec<Basic>),
    Advanced(Vec<Advanced>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Basic {
    /// `All`, `ReadOnly` or `WriteOnly`.
    pub(crate) read_write: String,
    pub(crate) management: bool,
    /// Type and ARNs.
    pub(crate) data: Vec<(String, Vec<String>)>,
    pub(crate) excluded_sources: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Advanced {
    pub(crate) name: Option<String>,
    /// All must hold.
    pub(crate) fields: Vec<Field>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) field: String,
    #[serde(default)]
    pub(crate) equals: Vec<String>,
    #[serde(default)]
    pub(crate) starts_with: Vec<String>,
    #[serde(default)]
    pub(crate) ends_with: Vec<String>,
    #[serde(default)]
    pub(crate) not_equals: Vec<String>,
    #[serde(default)]
    pub(crate) not_starts_with: Vec<String>,
    #[serde(default)]
    pub(crate) not_ends_with: Vec<String>,
}

impl Default for Selectors {
    /// What a new trail has: all management events.
    fn default() -> Selectors {
        Selectors::Basic(vec![Basic {
            read_write: "All".to_owned(),
            management: true,
            data: Vec::new(),
            excluded_sources: Vec::new(),
        }])
    }
}

impl Selectors {
    /// What is evaluated.
    pub(crate) fn compiled(&self) -> Vec<Advanced> {
        match self {
            Selectors::Advanced(all) => all.clone(),
            Selectors::Basic(all) => all.iter().flat_map(Basic::compiled).collect(),
        }
    }

    /// Whether anything beside management events is chosen.
    pub(crate) fn is_custom(&self) -> bool {
        *self != Selectors::default()
    }
}

impl Basic {
    fn compiled(&self) -> Vec<Advanced> {
        let read_only = match &*self.read_write {
            "ReadOnly" => Some(Field::equal("readOnly", ["true"])),
            "WriteOnly" => Some(Field::equal("readOnly", ["false"])),
            _ => None,
        };
        let mut all = Vec::new();
        if self.management {
            let mut fields = vec![Field::equal("eventCategory", ["Management"])];
            fields.extend(read_only.clone());
            if !self.excluded_sources.is_empty() {
                let not_equals = self.excluded_sources.clone();
                fields.push(Field { field: "eventSource".into(), not_equals, ..Field::default() });
            }
            all.push(Advanced { name: None, fields });
        }
        for (kind, arns) in &self.data {
            let mut fields = vec![
                Field::equal("eventCategory", ["Data"]),
                Field::equal("resources.type", [kind.as_str()]),
            ];
            fields.extend(read_only.clone());
            let prefixes = kind == "AWS::S3::Object" || arns.iter().any(|arn| arn.matches(':').count() < 5);
            fields.push(match prefixes {
                true => {
                    Field { field: "resources.ARN".into(), starts_with: arns.clone(), ..Field::default() }
                }
                false => Field { field: "resources.ARN".into(), equals: arns.clone(), ..Field::default() },
            });
            all.push(Advanced { name: None, fields });
        }
        all
    }
}

impl Advanced {
    /// Whether an event is chosen.
    pub(crate) fn takes(&self, event: &Value) -> bool {
        self.fields.iter().all(|field| field.holds(event))
    }

    pub(crate) fn is_of_insights(&self) -> bool {
        self.fields.iter().any(|field| field.field == "eventCategory" && field.equals == ["Insight"])
    }

    pub(crate) fn takes_data(&self) -> bool {
        self.fields.iter().any(|field| field.field == "eventCategory" && field.equals == ["Data"])
    }

    /// Whether it takes management events, of those that write alone if `writes`.
    pub(crate) fn takes_management(&self, writes: bool) -> bool {
        self.fields.iter().all(|field| match &*field.field {
            "eventCategory" => field.holds_for(&["Management"]),
            "readOnly" if writes => field.holds_for(&["false"]),
            _ => true,
        })
    }

    /// Whether data events on resources of this type could be.
    pub(crate) fn may_take_data(&self, kind: &str) -> bool {
        self.fields.iter().all(|field| match &*field.field {
            "eventCategory" => field.holds_for(&["Data"]),
            "resources.type" => field.holds_for(&[kind]),
            _ => true,
        })
    }
}

impl Field {
    pub(crate) fn equal<const N: usize>(field: &str, values: [&str; N]) -> Field {
        let equals = values.iter().map(|value| (*value).to_owned()).collect();
        Field { field: field.to_owned(), equals, ..Field::default() }
    }

    fn holds(&self, event: &Value) -> bool {
        let held;
        let values: Vec<&str> = match &*self.field {
            "readOnly" => vec![if event["readOnly"] == true { "true" } else { "false" }],
            "resources.type" => resources(event, "type"),
            "resources.ARN" => resources(event, "ARN"),
            "userIdentity.arn" => event["userIdentity"]["arn"].as_str().into_iter().collect(),
            "sessionCredentialFromConsole" => {
                held = event["sessionCredentialFromConsole"].as_str().unwrap_or("false").to_owned();
                vec![&held]
            }
            field => event[field].as_str().into_iter().collect(),
        };
        self.holds_for(&values)
    }

    fn holds_for(&self, values: &[&str]) -> bool {
        let any = |wanted: &[String], test: fn(&str, &str) -> bool| {
            wanted.is_empty() || values.iter().any(|value| wanted.iter().any(|wanted| test(value, wanted)))
        };
        let none = |wanted: &[String], test: fn(&str, &str) -> bool| {
            !values.iter().any(|value| wanted.iter().any(|wanted| test(value, wanted)))
        };
        let equal: fn(&str, &str) -> bool = |value, wanted| value == wanted;
        let starts: fn(&str, &str) -> bool = |value, wanted| value.starts_with(wanted);
        let ends: fn(&str, &str) -> bool = |value, wanted| value.ends_with(wanted);
        // Of Equals, StartsWith and EndsWith one is enough.
        let positive = [&self.equals, &self.starts_with, &self.ends_with];
        let chosen = positive.iter().all(|wanted| wanted.is_empty())
            || !self.equals.is_empty() && any(&self.equals, equal)
            || !self.starts_with.is_empty() && any(&self.starts_with, starts)
            || !self.ends_with.is_empty() && any(&self.ends_with, ends);
        chosen
            && none(&self.not_equals, equal)
            && none(&self.not_starts_with, starts)
            && none(&self.not_ends_with, ends)
    }
}

fn resources<'a>(event: &'a Value, name: &str) -> Vec<&'a str> {
    let resources = event["resources"].as_array();
    resources.into_iter().flatten().filter_map(|resource| resource[name].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn put(key: &str) -> Value {
        json!({
            "eventCategory": "Data", "readOnly": false, "eventName": "PutObject", "eventSource": "s3.amazonaws.com",
            "resources": [
                { "type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::logs/{key}") },
                { "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::logs" },
            ],
        })
    }

    fn takes(selectors: &Selectors, event: &Value) -> bool {
        selectors.compiled().iter().any(|selector| selector.takes(event))
    }

    #[test]
    fn a_new_trail_takes_management_events_alone() {
        let selectors = Selectors::default();
        assert!(takes(&selectors, &json!({ "eventCategory": "Management", "readOnly": true })));
        assert!(!takes(&selectors, &put("a")));
        assert!(!selectors.compiled().iter().any(|selector| selector.may_take_data("AWS::S3::Object")));
    }

    #[test]
    fn basic_selectors_choose_by_bucket_and_prefix() {
        let basic = |read_write: &str, arn: &str| {
            Selectors::Basic(vec![Basic {
                read_write: read_write.into(),
                management: false,
                data: vec![("AWS::S3::Object".into(), vec![arn.into()])],
                excluded_sources: Vec::new(),
            }])
        };
        for (read_write, arn, key, expected) in [
            ("All", "arn:aws:s3", "a", true),
            ("All", "arn:aws:s3:::logs/", "a", true),
            ("All", "arn:aws:s3:::logs/in/", "in/a", true),
            ("All", "arn:aws:s3:::logs/in/", "out/a", false),
            ("WriteOnly", "arn:aws:s3:::logs/", "a", true),
            ("ReadOnly", "arn:aws:s3:::logs/", "a", false),
            ("All", "arn:aws:s3:::other/", "a", false),
        ] {
            assert_eq!(takes(&basic(read_write, arn), &put(key)), expected, "{read_write} {arn} {key}");
        }
    }

    #[test]
    fn operators_combine_as_documented() {
        let field = |field: Field| Selectors::Advanced(vec![Advanced { name: None, fields: vec![field] }]);
        let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let name = |change: fn(&mut Field, Vec<String>), values: &[&str]| {
            let mut made = Field { field: "eventName".into(), ..Field::default() };
            change(&mut made, words(values));
            takes(&field(made), &put("a"))
        };
        assert!(name(|f, v| f.equals = v, &["GetObject", "PutObject"]));
        assert!(name(|f, v| f.starts_with = v, &["Put"]));
        assert!(name(|f, v| f.ends_with = v, &["Object"]));
        assert!(!name(|f, v| f.not_equals = v, &["PutObject"]));
        assert!(!name(|f, v| f.not_starts_with = v, &["Delete", "Put"]));
        assert!(name(|f, v| f.not_ends_with = v, &["Tagging"]));
        let both = Field {
            field: "resources.ARN".into(),
            starts_with: words(&["arn:aws:s3:::logs/"]),
            not_starts_with: words(&["arn:aws:s3:::logs/secret"]),
            ..Field::default()
        };
        assert!(takes(&field(both.clone()), &put("a")) && !takes(&field(both), &put("secret/a")));
    }
}
