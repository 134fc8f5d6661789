use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CorsRule {
    pub(crate) id: Option<String>,
    pub(crate) allowed_headers: Vec<String>,
    pub(crate) allowed_methods: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) max_age_s: Option<i32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LifecycleRecord {
    pub(crate) rules: Vec<LifecycleRule>,
    /// `all_storage_classes_128K` or `varies_by_storage_class`.
    pub(crate) transition_minimum_size: String,
    /// Whether writes have noted since these rules were set when their keys have to be looked at.
    #[serde(default)]
    pub(crate) indexed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LifecycleRule {
    pub(crate) id: String,
    pub(crate) enabled: bool,
    pub(crate) filter: LifecycleFilter,
    pub(crate) form: FilterForm,
    pub(crate) expiration: Option<Expiration>,
    pub(crate) noncurrent_expiration: Option<Noncurrent>,
    pub(crate) abort_incomplete_days: Option<u32>,
    #[serde(default)]
    pub(crate) transitions: Vec<Transition>,
    #[serde(default)]
    pub(crate) noncurrent_transitions: Vec<NoncurrentTransition>,
}

/// Either `days` or `date_s` (seconds since the epoch) is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transition {
    pub(crate) days: Option<u32>,
    pub(crate) date_s: Option<i64>,
    pub(crate) class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NoncurrentTransition {
    pub(crate) days: u32,
    pub(crate) keep: Option<u32>,
    pub(crate) class: String,
}

/// How the filter was written, so that it reads back as it was given: Terraform compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FilterForm {
    /// `<Prefix>` directly in the rule.
    LegacyPrefix,
    /// No filter at all.
    #[default]
    None,
    /// `<Filter>` with at most one criterion.
    Single,
    /// `<Filter><And>`.
    And,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LifecycleFilter {
    pub(crate) prefix: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) size_greater_than: Option<i64>,
    pub(crate) size_less_than: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Expiration {
    Days(u32),
    /// Seconds since the epoch, a midnight.
    Date(i64),
    /// Delete markers with nothing under them.
    DeleteMarkers(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noncurrent {
    pub(crate) days: u32,
    /// How many newer noncurrent versions are kept whatever their age.
    pub(crate) keep: Option<u32>,
}
