use std::collections::HashMap;

use haneul_kit::Service;
use haneul_shape::ServiceModel;
use haneul_wire::Protocol;
use serde::Deserialize;

/// Every service that can be asked for, by each of the names that a request may give.
pub struct Catalog {
    entries: Vec<Entry>,
    by_name: HashMap<&'static str, usize>,
    by_target: HashMap<&'static str, usize>,
    by_prefix: HashMap<&'static str, usize>,
    by_signing_name: HashMap<&'static str, Vec<usize>>,
}

/// One service: its model, and its handlers if there are any yet.
pub struct Entry {
    pub model: &'static ServiceModel,
    pub facts: Facts,
    pub service: Option<Service>,
}

/// What routing needs to know of a service; read from the head of its model, so that the rest need not be parsed.
#[derive(Debug)]
pub struct Facts {
    /// The first label of its hosts: `monitoring`.
    pub endpoint_prefix: &'static str,
    /// The service in a signature's scope.
    pub signing_name: &'static str,
    /// What stands before the dot in `X-Amz-Target`, and in the path of RPC v2.
    pub target_prefix: Option<&'static str>,
    pub api_version: &'static str,
    pub protocols: Vec<Protocol>,
    /// Speaks JSON with the error codes of the query protocol that it once spoke.
    pub query_compatible: bool,
    /// The name in `service is not implemented`, as `CloudWatch Logs`.
    pub service_id: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    api_version: &'static str,
    endpoint_prefix: &'static str,
    signing_name: Option<&'static str>,
    target_prefix: Option<&'static str>,
    protocol: &'static str,
    #[serde(default)]
    protocols: Vec<&'static str>,
    aws_query_compatible: Option<serde::de::IgnoredAny>,
    service_id: &'static str,
}

/// Names of hosts that AWS kept from older days, or that models do not have.
const PREFIX_ALIASES: &[(&str, &str)] = &[
    ("queue", "sqs"),
    ("ddb", "dynamodb"),
    ("s3-accesspoint", "s3"),
    ("s3-object-lambda", "s3"),
    ("cloudwatch", "monitoring"),
];

/// Signing names that stand for another one.
const SIGNING_ALIASES: &[(&str, &str)] =
    &[("s3express", "s3"), ("s3-object-lambda", "s3"), ("s3-outposts", "s3"), ("cloudwatch", "monitoring")];

impl Catalog {
    /// Joins the models with the services that have handlers.
    ///
    /// # Panics
    /// When a model has no metadata at its head, or a service has no model: mistakes that the first start finds.
    pub fn new(models: &[&'static ServiceModel], services: Vec<Service>) -> Catalog {
        let mut catalog = Catalog {
            entries: Vec::with_capacity(models.len()),
            by_name: HashMap::new(),
            by_target: HashMap::new(),
            by_prefix: HashMap::new(),
            by_signing_name: HashMap::new(),
        };
        for model in models {
            catalog.add(Entry { model, facts: Facts::read(model), service: None });
        }
        for service in services {
            let model = service.model();
            if !catalog.by_name.contains_key(model.name) {
                catalog.add(Entry { model, facts: Facts::read(model), service: None });
            }
            let at = catalog.by_name[model.name];
            catalog.entries[at].service = Some(service);
        }
        catalog
    }

    fn add(&mut self, entry: Entry) {
        let at = self.entries.len();
        let facts = &entry.facts;
        self.by_name.insert(entry.model.name, at);
        self.by_prefix.insert(facts.endpoint_prefix, at);
        if let Some(prefix) = facts.target_prefix {
            self.by_target.insert(prefix, at);
            // SDKs made from Smithy models say the last part alone: CloudTrail_20131101.
            if let Some((_, shape)) = prefix.rsplit_once('.') {
                self.by_target.entry(shape).or_insert(at);
            }
        }
        self.by_signing_name.entry(facts.signing_name).or_default().push(at);
        self.entries.push(entry);
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// By the name of its folder.
    pub fn named(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).map(|at| &self.entries[*at])
    }

    /// By the prefix of `X-Amz-Target`, which is also the name of the service's shape.
    pub fn by_target(&self, prefix: &str) -> Option<&Entry> {
        self.by_target.get(prefix).map(|at| &self.entries[*at])
    }

    /// By the first label of its host.
    pub fn by_prefix(&self, prefix: &str) -> Option<&Entry> {
        let prefix = alias(PREFIX_ALIASES, prefix.strip_suffix("-fips").unwrap_or(prefix));
        self.by_prefix.get(prefix).or_else(|| self.by_name.get(prefix)).map(|at| &self.entries[*at])
    }

    /// By the service of a signature's scope; several may share one.
    pub fn by_signing_name(&self, name: &str) -> impl Iterator<Item = &Entry> {
        let found = self.by_signing_name.get(alias(SIGNING_ALIASES, name));
        found.into_iter().flatten().map(|at| &self.entries[*at])
    }

    /// The service that spoke the query protocol in this version of its API.
    pub fn by_version(&self, version: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.facts.api_version == version && entry.facts.speaks_query())
    }
}

impl Entry {
    pub fn name(&self) -> &'static str {
        self.model.name
    }

    /// S3 and its kin answer errors in S3's form and take bodies in S3's ways.
    pub fn is_s3(&self) -> bool {
        matches!(self.model.name, "s3" | "s3control")
    }
}

impl Facts {
    fn read(model: &'static ServiceModel) -> Facts {
        let start = model.json.find("\"metadata\":").map(|at| at + "\"metadata\":".len());
        let start = start.unwrap_or_else(|| panic!("the model of {} has no metadata", model.name));
        let metadata =
            serde_json::Deserializer::from_str(&model.json[start..]).into_iter::<Metadata>().next();
        let metadata = match metadata {
            Some(Ok(metadata)) => metadata,
            _ => panic!("the model of {} has no metadata that can be read", model.name),
        };
        let mut protocols: Vec<Protocol> = metadata.protocols.iter().filter_map(|name| named(name)).collect();
        protocols.extend(named(metadata.protocol).filter(|_| protocols.is_empty()));
        let query_compatible = metadata.aws_query_compatible.is_some();
        // Older SDKs go on speaking it: the model tells only what new ones speak.
        if query_compatible && !protocols.contains(&Protocol::AwsQuery) {
            protocols.push(Protocol::AwsQuery);
        }
        Facts {
            endpoint_prefix: metadata.endpoint_prefix,
            signing_name: metadata.signing_name.unwrap_or(metadata.endpoint_prefix),
            target_prefix: metadata.target_prefix,
            api_version: metadata.api_version,
            protocols,
            query_compatible,
            service_id: metadata.service_id,
        }
    }

    pub fn speaks(&self, protocol: Protocol) -> bool {
        self.protocols.contains(&protocol)
    }

    pub fn speaks_query(&self) -> bool {
        self.speaks(Protocol::AwsQuery) || self.speaks(Protocol::Ec2Query)
    }

    /// The protocol in which method and path name the operation, if it speaks one.
    pub fn rest(&self) -> Option<Protocol> {
        self.protocols
            .iter()
            .copied()
            .find(|protocol| matches!(protocol, Protocol::RestJson | Protocol::RestXml))
    }

    pub fn query(&self) -> Option<Protocol> {
        self.protocols
            .iter()
            .copied()
            .find(|protocol| matches!(protocol, Protocol::AwsQuery | Protocol::Ec2Query))
    }
}

/// Whether a signature scoped to `scope` is one for a service that signs as `name`.
pub fn same_signing_name(name: &str, scope: &str) -> bool {
    name == scope || name == alias(SIGNING_ALIASES, scope)
}

fn alias<'a>(aliases: &[(&str, &'a str)], name: &'a str) -> &'a str {
    aliases.iter().find(|(from, _)| *from == name).map_or(name, |(_, to)| to)
}

fn named(protocol: &str) -> Option<Protocol> {
    Some(match protocol {
        "json" => Protocol::AwsJson,
        "query" => Protocol::AwsQuery,
        "ec2" => Protocol::Ec2Query,
        "rest-json" => Protocol::RestJson,
        "rest-xml" => Protocol::RestXml,
        "smithy-rpc-v2-cbor" => Protocol::RpcV2Cbor,
        _ => return None,
    })
}
