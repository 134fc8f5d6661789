use serde::{Deserialize, Serialize};

/// Configurations of a bucket beyond its access: what others are told of it, and what is done with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Features {
    pub(crate) notifications: Vec<Notification>,
    /// Whether every event goes to EventBridge.
    pub(crate) event_bridge: bool,
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
