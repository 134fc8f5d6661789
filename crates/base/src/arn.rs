use std::fmt::{self, Write as _};

use crate::{AccountId, Partition, Region};

/// A parsed Amazon Resource Name: `arn:partition:service:region:account:resource`.
///
/// Region and account stay text: many ARNs leave one or both empty (`arn:aws:s3:::bucket`), and a policy may name
/// Regions that do not exist. Source: AWS General Reference, "Amazon Resource Names".
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    text: String,
    /// Byte offsets of the colons after partition, service, region and account.
    colons: [u16; 4],
}

/// Longest ARN that AWS documents anywhere.
pub const ARN_LENGTH_MAX: usize = 2048;

/// The text is not `arn:` with six colon-separated parts, or is over [`ARN_LENGTH_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidArn;

impl fmt::Display for InvalidArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ARN has the form arn:partition:service:region:account-id:resource")
    }
}

impl std::error::Error for InvalidArn {}

impl Arn {
    /// A regional resource of an account.
    pub fn new(service: &str, region: Region, account: AccountId, resource: impl fmt::Display) -> Arn {
        Arn::build(region.partition(), service, region.as_str(), &account.to_string(), resource)
    }

    /// A resource of an account that is in no Region, as IAM's are.
    pub fn global(service: &str, account: AccountId, resource: impl fmt::Display) -> Arn {
        Arn::build(Partition::Aws, service, "", &account.to_string(), resource)
    }

    /// A resource whose name alone is unique, as an S3 bucket's is.
    pub fn bare(service: &str, resource: impl fmt::Display) -> Arn {
        Arn::build(Partition::Aws, service, "", "", resource)
    }

    fn build(
        partition: Partition,
        service: &str,
        region: &str,
        account: &str,
        resource: impl fmt::Display,
    ) -> Arn {
        // By hand: every call makes some, and the formatting of constant parts is most of what one costs.
        let mut text = String::with_capacity(96);
        for part in ["arn", partition.as_str(), service, region, account] {
            text.push_str(part);
            text.push(':');
        }
        let _ = write!(text, "{resource}");
        let colons = colons(&text).expect("just built with five colons");
        Arn { text, colons }
    }

    pub fn parse(text: &str) -> Result<Arn, InvalidArn> {
        if text.len() > ARN_LENGTH_MAX || !text.starts_with("arn:") {
            return Err(InvalidArn);
        }
        let colons = colons(text).ok_or(InvalidArn)?;
        let arn = Arn { text: text.to_owned(), colons };
        if arn.partition().is_empty() || arn.service().is_empty() || arn.resource().is_empty() {
            return Err(InvalidArn);
        }
        Ok(arn)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn partition(&self) -> &str {
        &self.text[4..self.colons[0] as usize]
    }

    pub fn service(&self) -> &str {
        self.between(0)
    }

    pub fn region(&self) -> &str {
        self.between(1)
    }

    pub fn account(&self) -> &str {
        self.between(2)
    }

    /// All after the fifth colon; may hold colons and slashes.
    pub fn resource(&self) -> &str {
        &self.text[self.colons[3] as usize + 1..]
    }

    pub fn account_id(&self) -> Option<AccountId> {
        self.account().parse().ok()
    }

    fn between(&self, i: usize) -> &str {
        &self.text[self.colons[i] as usize + 1..self.colons[i + 1] as usize]
    }
}

fn colons(text: &str) -> Option<[u16; 4]> {
    let mut found = text.bytes().enumerate().filter(|(_, b)| *b == b':').map(|(i, _)| i as u16).skip(1);
    Some([found.next()?, found.next()?, found.next()?, found.next()?])
}

impl std::str::FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Arn::parse(text)
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> String {
        arn.text
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_arn() {
        let arn = Arn::parse("arn:aws:logs:eu-west-1:123456789012:log-group:/a:*").unwrap();
        assert_eq!(
            (arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()),
            ("aws", "logs", "eu-west-1", "123456789012", "log-group:/a:*")
        );
        assert_eq!(Arn::bare("s3", "b/k").as_str(), "arn:aws:s3:::b/k");
        assert_eq!(
            Arn::new("sqs", Region::US_EAST_1, AccountId::DEFAULT, "q").as_str(),
            "arn:aws:sqs:us-east-1:000000000000:q"
        );
        for bad in ["", "arn", "arn:aws:sqs:us-east-1:1", "urn:aws:s3:::x", "arn:aws:s3:::", "arn::s3:::x"] {
            assert_eq!(Arn::parse(bad), Err(InvalidArn), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics_and_keeps_the_text(text in ".{0,80}|arn:[a-z:/é]{0,40}") {
            if let Ok(arn) = Arn::parse(&text) {
                assert_eq!(arn.as_str(), text);
                let _ = (arn.partition(), arn.service(), arn.region(), arn.account_id(), arn.resource());
            }
        }
    }
}
