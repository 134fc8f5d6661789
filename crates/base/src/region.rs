use std::fmt;
use std::str::FromStr;

/// The `aws`, `aws-cn`, `aws-us-gov` part of an ARN.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Partition {
    Aws,
    AwsCn,
    AwsUsGov,
}

impl Partition {
    pub const fn as_str(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::AwsCn => "aws-cn",
            Partition::AwsUsGov => "aws-us-gov",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A Region by its code. Only known codes can be made, so a value is one byte and always printable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(u8);

struct Facts {
    code: &'static str,
    /// Whether an account must opt in before it can use the Region.
    opt_in: bool,
}

/// Every Region of the commercial, China and GovCloud partitions.
/// Source: AWS account management guide, "Specify which AWS Regions your account can use".
const REGIONS: &[Facts] = &[
    on("us-east-1"),
    on("us-east-2"),
    on("us-west-1"),
    on("us-west-2"),
    opt("af-south-1"),
    opt("ap-east-1"),
    opt("ap-east-2"),
    on("ap-northeast-1"),
    on("ap-northeast-2"),
    on("ap-northeast-3"),
    on("ap-south-1"),
    opt("ap-south-2"),
    on("ap-southeast-1"),
    on("ap-southeast-2"),
    opt("ap-southeast-3"),
    opt("ap-southeast-4"),
    opt("ap-southeast-5"),
    opt("ap-southeast-6"),
    opt("ap-southeast-7"),
    on("ca-central-1"),
    opt("ca-west-1"),
    on("eu-central-1"),
    opt("eu-central-2"),
    on("eu-north-1"),
    opt("eu-south-1"),
    opt("eu-south-2"),
    on("eu-west-1"),
    on("eu-west-2"),
    on("eu-west-3"),
    opt("il-central-1"),
    opt("me-central-1"),
    opt("me-south-1"),
    opt("mx-central-1"),
    on("sa-east-1"),
    on("cn-north-1"),
    on("cn-northwest-1"),
    on("us-gov-east-1"),
    on("us-gov-west-1"),
];

const fn on(code: &'static str) -> Facts {
    Facts { code, opt_in: false }
}

const fn opt(code: &'static str) -> Facts {
    Facts { code, opt_in: true }
}

impl Region {
    pub const US_EAST_1: Region = Region(0);

    pub fn as_str(self) -> &'static str {
        REGIONS[self.0 as usize].code
    }

    pub fn opt_in(self) -> bool {
        REGIONS[self.0 as usize].opt_in
    }

    /// Whether S3 takes signatures of version 2 there, as in the Regions that are older than version 4.
    pub fn takes_signature_v2(self) -> bool {
        matches!(
            self.as_str(),
            "us-east-1"
                | "us-west-1"
                | "us-west-2"
                | "eu-west-1"
                | "ap-southeast-1"
                | "ap-southeast-2"
                | "ap-northeast-1"
                | "sa-east-1"
        )
    }

    pub fn partition(self) -> Partition {
        match self.as_str() {
            code if code.starts_with("cn-") => Partition::AwsCn,
            code if code.starts_with("us-gov-") => Partition::AwsUsGov,
            _ => Partition::Aws,
        }
    }

    pub fn all() -> impl Iterator<Item = Region> {
        (0..REGIONS.len() as u8).map(Region)
    }
}

/// The text names no Region that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownRegion;

impl fmt::Display for UnknownRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no AWS Region has this code")
    }
}

impl std::error::Error for UnknownRegion {}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        REGIONS.iter().position(|r| r.code == text).map(|i| Region(i as u8)).ok_or(UnknownRegion)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_parses_back_and_knows_its_partition() {
        for region in Region::all() {
            assert_eq!(region.as_str().parse(), Ok(region));
        }
        assert_eq!(Region::US_EAST_1.as_str(), "us-east-1");
        assert_eq!("cn-north-1".parse::<Region>().unwrap().partition(), Partition::AwsCn);
        assert_eq!("eu-middle-1".parse::<Region>(), Err(UnknownRegion));
    }
}
