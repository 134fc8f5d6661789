use haneul_store::Record;
use serde::{Deserialize, Serialize};

/// A door to a bucket behind which a function makes the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObjectLambdaRecord {
    pub(crate) account: u64,
    pub(crate) region: String,
    pub(crate) name: String,
    /// A name that can be used where a bucket's can.
    pub(crate) alias: String,
    pub(crate) created_ms: i64,
    pub(crate) configuration: ObjectLambdaConfiguration,
    pub(crate) policy: Option<String>,
}

impl Record for ObjectLambdaRecord {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObjectLambdaConfiguration {
    /// The ARN of the access point through which the function reads, of the same account and Region.
    pub(crate) supporting: String,
    /// Whether CloudWatch is told of its requests.
    pub(crate) metrics: bool,
    /// `GetObject-Range` and the like.
    pub(crate) features: Vec<String>,
    pub(crate) transformations: Vec<Transformation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transformation {
    pub(crate) actions: Vec<String>,
    pub(crate) function: String,
    pub(crate) payload: Option<String>,
}

impl ObjectLambdaConfiguration {
    /// What answers an operation, by its name.
    pub(crate) fn transformation(&self, operation: &str) -> Option<&Transformation> {
        self.transformations.iter().find(|one| one.actions.iter().any(|action| action == operation))
    }

    pub(crate) fn allows(&self, feature: &str) -> bool {
        self.features.iter().any(|allowed| allowed == feature)
    }

    /// The name in the ARN of the supporting access point.
    pub(crate) fn supporting_name(&self) -> &str {
        self.supporting.rsplit_once(":accesspoint/").map_or("", |(_, name)| name)
    }
}
