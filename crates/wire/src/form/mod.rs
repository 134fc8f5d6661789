//! Form parameters, as awsQuery and ec2Query have them: `Attribute.1.Name=DelaySeconds&Attribute.1.Value=0`.

pub(crate) mod answer;
pub(crate) mod pairs;
pub(crate) mod read;
pub(crate) mod write;
