use crate::Protocol;

/// What is the same for all operations of a service.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// `2012-11-05`
    pub api_version: &'static str,
    /// The first label of the service's host: `sqs`, `monitoring`.
    pub endpoint_prefix: &'static str,
    /// The service in a signature's scope: `sqs`, `lambda`.
    pub signing_name: &'static str,
    pub service_id: &'static str,
    /// The protocols that we serve, the preferred one first.
    pub protocols: Vec<Protocol>,
    /// `1.0` or `1.1`
    pub json_version: &'static str,
    /// `AmazonSQS` in `X-Amz-Target: AmazonSQS.SendMessage`.
    pub target_prefix: Option<&'static str>,
    pub xml_namespace: Option<&'static str>,
    /// Errors carry the code of the query protocol beside their own.
    pub query_compatible: bool,
}

impl Metadata {
    pub fn speaks(&self, protocol: Protocol) -> bool {
        self.protocols.contains(&protocol)
    }
}
