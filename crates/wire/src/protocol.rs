/// The protocols that AWS's APIs speak. Each is written once, over the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// `application/x-amz-json-1.0` and `-1.1`, which differ in nothing but the version.
    AwsJson,
    /// Form parameters in, XML out.
    AwsQuery,
    /// As AwsQuery with other names, flat lists and another error form.
    Ec2Query,
    RestJson,
    RestXml,
    /// Smithy's RPC v2 with CBOR bodies.
    RpcV2Cbor,
}

impl Protocol {
    /// By the name in botocore's `metadata.protocols`.
    pub(crate) fn named(name: &str) -> Option<Protocol> {
        Some(match name {
            "json" => Protocol::AwsJson,
            "query" => Protocol::AwsQuery,
            "ec2" => Protocol::Ec2Query,
            "rest-json" => Protocol::RestJson,
            "rest-xml" => Protocol::RestXml,
            "smithy-rpc-v2-cbor" => Protocol::RpcV2Cbor,
            _ => return None,
        })
    }

    /// Whether method, path, query and headers carry members.
    pub fn is_rest(self) -> bool {
        matches!(self, Protocol::RestJson | Protocol::RestXml)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since 1970 with a fraction.
    EpochSeconds,
    /// RFC 3339 in UTC.
    Iso8601,
    /// The date of HTTP headers.
    HttpDate,
}
