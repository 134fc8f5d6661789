use serde::{Deserialize, Serialize};

use super::analysis::AnalyticsConfiguration;
use super::filter::RequestMetrics;
use super::metadata::MetadataConfiguration;
use super::replication::Replication;
use super::tiering::TieringConfiguration;

/// Configurations of a bucket beyond its access: what others are told of it, and what is done with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Features {
    pub(crate) notifications: Vec<Notification>,
    /// Whether every event goes to EventBridge.
    pub(crate) event_bridge: bool,
    pub(crate) website: Option<Website>,
    pub(crate) logging: Option<Logging>,
    pub(crate) replication: Option<Replication>,
    /// Transfer acceleration: `None` until it is set, then whether it is enabled.
    pub(crate) accelerate: Option<bool>,
    /// Whether the bucket's tags count in policies.
    pub(crate) abac: bool,
    /// Whether it was created with the location constraint `EU`, and not by the Region's name.
    pub(crate) named_eu: bool,
    /// By id, as the next.
    pub(crate) metrics: Vec<RequestMetrics>,
    pub(crate) tiering: Vec<TieringConfiguration>,
    pub(crate) analytics: Vec<AnalyticsConfiguration>,
    pub(crate) metadata: Option<MetadataConfiguration>,
}

/// Events of a kind to one destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Notification {
    pub(crate) id: String,
    pub(crate) target: Target,
    /// `s3:ObjectCreated:*`, as they were given.
    pub(crate) events: Vec<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) suffix: Option<String>,
}

/// Where events go; queues, topics and functions by ARN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Target {
    Queue(String),
    Topic(String),
    Function(String),
    EventBridge,
}

impl Target {
    pub(crate) fn arn(&self) -> Option<&str> {
        match self {
            Target::Queue(arn) | Target::Topic(arn) | Target::Function(arn) => Some(arn),
            Target::EventBridge => None,
        }
    }
}

/// How a bucket is served as a website.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Website {
    /// What stands for a folder, as `index.html`; absent when all is redirected.
    pub(crate) index: Option<String>,
    pub(crate) error: Option<String>,
    /// Host, and protocol unless it is the request's.
    pub(crate) redirect_all: Option<(String, Option<String>)>,
    pub(crate) rules: Vec<RoutingRule>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoutingRule {
    /// Whether there is a condition at all: an empty one reads back as it was given.
    pub(crate) conditional: bool,
    pub(crate) prefix: Option<String>,
    pub(crate) error_code: Option<u16>,
    pub(crate) host: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) code: Option<u16>,
    pub(crate) replace_prefix: Option<String>,
    pub(crate) replace_key: Option<String>,
}

/// Where a bucket's access log goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Logging {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) format: LogKeys,
}

/// How the keys of log objects are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LogKeys {
    /// Nothing was said: as `Simple`, and it reads back as nothing.
    Unsaid,
    Simple,
    /// By account, Region, bucket and day; of the events, or of their delivery.
    ByEventTime,
    ByDeliveryTime,
}
