use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::configuration::FilterForm;

/// Which objects a configuration is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ObjectFilter {
    pub(crate) prefix: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    /// Requests by this access point only, by its ARN.
    pub(crate) access_point: Option<String>,
    pub(crate) form: FilterForm,
}

impl ObjectFilter {
    pub(crate) fn is_about(&self, key: &str, tags: &BTreeMap<String, String>) -> bool {
        self.is_about_key(key) && self.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
    }

    pub(crate) fn is_about_key(&self, key: &str) -> bool {
        self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
    }
}

/// One of the configurations of a kind that a bucket may have many of.
pub(crate) trait Configuration: Clone {
    fn id(&self) -> &str;
}

/// Which requests are counted under the configuration's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestMetrics {
    pub(crate) id: String,
    pub(crate) filter: Option<ObjectFilter>,
}

impl Configuration for RequestMetrics {
    fn id(&self) -> &str {
        &self.id
    }
}
