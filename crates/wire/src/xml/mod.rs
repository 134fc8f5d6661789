//! XML, as restXml and the answers of awsQuery and ec2Query have it.

pub(crate) mod read;
pub(crate) mod reader;
pub(crate) mod write;
pub(crate) mod writer;
