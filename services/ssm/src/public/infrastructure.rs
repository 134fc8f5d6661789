//! `/aws/service/global-infrastructure`: Regions, zones, and the services that this cloud has.

use haneul_kit::Region;

const CURRENT: &str = "/aws/service/global-infrastructure/current-region";
const REGIONS: &str = "/aws/service/global-infrastructure/regions";
const ZONES: &str = "/aws/service/global-infrastructure/availability-zones";
const SERVICES: &str = "/aws/service/global-infrastructure/services";

/// Code, name, country, and the zones' prefix and ids. Source: AWS global infrastructure pages; EC2 User Guide,
/// "Availability Zone IDs".
const FACTS: &[(&str, &str, &str, &str, &[u8])] = &[
    ("af-south-1", "Africa (Cape Town)", "ZA", "afs1", &[1, 2, 3]),
    ("ap-east-1", "Asia Pacific (Hong Kong)", "HK", "ape1", &[1, 2, 3]),
    ("ap-northeast-1", "Asia Pacific (Tokyo)", "JP", "apne1", &[1, 2, 4]),
    ("ap-northeast-2", "Asia Pacific (Seoul)", "KR", "apne2", &[1, 2, 3, 4]),
    ("ap-northeast-3", "Asia Pacific (Osaka)", "JP", "apne3", &[1, 2, 3]),
    ("ap-south-1", "Asia Pacific (Mumbai)", "IN", "aps1", &[1, 2, 3]),
    ("ap-south-2", "Asia Pacific (Hyderabad)", "IN", "aps2", &[1, 2, 3]),
    ("ap-southeast-1", "Asia Pacific (Singapore)", "SG", "apse1", &[1, 2, 3]),
    ("ap-southeast-2", "Asia Pacific (Sydney)", "AU", "apse2", &[1, 2, 3]),
    ("ap-southeast-3", "Asia Pacific (Jakarta)", "ID", "apse3", &[1, 2, 3]),
    ("ap-southeast-4", "Asia Pacific (Melbourne)", "AU", "apse4", &[1, 2, 3]),
    ("ca-central-1", "Canada (Central)", "CA", "cac1", &[1, 2, 4]),
    ("ca-west-1", "Canada West (Calgary)", "CA", "caw1", &[1, 2, 3]),
    ("eu-central-1", "Europe (Frankfurt)", "DE", "euc1", &[1, 2, 3]),
    ("eu-central-2", "Europe (Zurich)", "CH", "euc2", &[1, 2, 3]),
    ("eu-north-1", "Europe (Stockholm)", "SE", "eun1", &[1, 2, 3]),
    ("eu-south-1", "Europe (Milan)", "IT", "eus1", &[1, 2, 3]),
    ("eu-south-2", "Europe (Spain)", "ES", "eus2", &[1, 2, 3]),
    ("eu-west-1", "Europe (Ireland)", "IE", "euw1", &[1, 2, 3]),
    ("eu-west-2", "Europe (London)", "GB", "euw2", &[1, 2, 3]),
    ("eu-west-3", "Europe (Paris)", "FR", "euw3", &[1, 2, 3]),
    ("il-central-1", "Israel (Tel Aviv)", "IL", "ilc1", &[1, 2, 3]),
    ("me-central-1", "Middle East (UAE)", "AE", "mec1", &[1, 2, 3]),
    ("me-south-1", "Middle East (Bahrain)", "BH", "mes1", &[1, 2, 3]),
    ("sa-east-1", "South America (Sao Paulo)", "BR", "sae1", &[1, 2, 3]),
    ("us-east-1", "US East (N. Virginia)", "US", "use1", &[1, 2, 3, 4, 5, 6]),
    ("us-east-2", "US East (Ohio)", "US", "use2", &[1, 2, 3]),
    ("us-west-1", "US West (N. California)", "US", "usw1", &[1, 3]),
    ("us-west-2", "US West (Oregon)", "US", "usw2", &[1, 2, 3, 4]),
];

/// Services that this cloud has an API of, and their full names.
const NAMES: &[(&str, &str)] = &[
    ("application-autoscaling", "Application Auto Scaling"),
    ("cloudtrail", "AWS CloudTrail"),
    ("cloudwatch", "Amazon CloudWatch"),
    ("dynamodb", "Amazon DynamoDB"),
    ("dynamodbstreams", "Amazon DynamoDB Streams"),
    ("firehose", "Amazon Data Firehose"),
    ("iam", "AWS Identity and Access Management"),
    ("kinesis", "Amazon Kinesis Data Streams"),
    ("kms", "AWS Key Management Service"),
    ("lambda", "AWS Lambda"),
    ("logs", "Amazon CloudWatch Logs"),
    ("organizations", "AWS Organizations"),
    ("resource-groups", "AWS Resource Groups"),
    ("s3", "Amazon Simple Storage Service (S3)"),
    ("secretsmanager", "AWS Secrets Manager"),
    ("sqs", "Amazon Simple Queue Service (SQS)"),
    ("ssm", "AWS Systems Manager"),
    ("sts", "AWS Security Token Service"),
];

pub(super) fn all(region: Region) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |name: String, value: &str| all.push((name, value.to_owned()));
    for (code, name, country, prefix, zones) in FACTS {
        let base = format!("{REGIONS}/{code}");
        let current = (*code == region.as_str()).then(|| CURRENT.to_owned());
        for base in std::iter::once(base.clone()).chain(current) {
            add(base.clone(), code);
            add(format!("{base}/domain"), "amazonaws.com");
            add(format!("{base}/geolocationCountry"), country);
            add(format!("{base}/longName"), name);
            add(format!("{base}/partition"), "aws");
        }
        for zone in *zones {
            let id = format!("{prefix}-az{zone}");
            add(format!("{base}/availability-zones/{id}"), &id);
            add(format!("{ZONES}/{id}"), &id);
            add(format!("{ZONES}/{id}/parent-region"), code);
        }
        for (service, _) in NAMES {
            add(format!("{base}/services/{service}"), service);
            add(format!("{SERVICES}/{service}/regions/{code}"), code);
        }
    }
    for (service, name) in NAMES {
        add(format!("{SERVICES}/{service}"), service);
        add(format!("{SERVICES}/{service}/longName"), name);
    }
    all
}
