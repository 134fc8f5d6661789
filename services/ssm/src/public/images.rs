//! The newest machine images, by the names that CDK, ECS and launch templates ask for. The images themselves come with EC2, which
//! will know them by the same ids; until then an id is what a template is made with, and nothing starts from it.
//!
//! Sources: Systems Manager User Guide, "Calling AMI public parameters in Parameter Store"; ECS Developer Guide, "Retrieving
//! Amazon ECS-optimized Linux AMI metadata" and "Windows AMI metadata"; EKS User Guide, "Retrieve recommended Amazon Linux AMI
//! IDs" and "Microsoft Windows AMI IDs"; Ubuntu's, Debian's and Bottlerocket's pages on their images; AWS for Fluent Bit's page.

use haneul_kit::Region;
use serde_json::json;

const AMAZON_LINUX: &str = "/aws/service/ami-amazon-linux-latest";
const ECS: &str = "/aws/service/ecs/optimized-ami";
const EKS: &str = "/aws/service/eks/optimized-ami";
const WINDOWS: &str = "/aws/service/ami-windows-latest";
const BOTTLEROCKET: &str = "/aws/service/bottlerocket";
/// A repository of container images, not of machines.
const FLUENT_BIT: &str = "/aws/service/aws-for-fluent-bit";

const PROCESSORS: &[&str] = &["x86_64", "arm64"];

/// Of Amazon Linux 2, whose names follow no rule.
const AMAZON_LINUX_2: &[&str] = &[
    "amzn2-ami-hvm-arm64-gp2",
    "amzn2-ami-hvm-x86_64-ebs",
    "amzn2-ami-hvm-x86_64-gp2",
    "amzn2-ami-kernel-5.10-hvm-arm64-gp2",
    "amzn2-ami-kernel-5.10-hvm-x86_64-ebs",
    "amzn2-ami-kernel-5.10-hvm-x86_64-gp2",
    "amzn2-ami-minimal-hvm-arm64-ebs",
    "amzn2-ami-minimal-hvm-x86_64-ebs",
];

/// Variants for ECS, and their operating systems.
const FOR_ECS: &[(&str, &str)] = &[
    ("amazon-linux-2", "Amazon Linux 2"),
    ("amazon-linux-2/arm64", "Amazon Linux 2"),
    ("amazon-linux-2/gpu", "Amazon Linux 2"),
    ("amazon-linux-2/inf", "Amazon Linux 2"),
    ("amazon-linux-2/kernel-5.10", "Amazon Linux 2"),
    ("amazon-linux-2/kernel-5.10/arm64", "Amazon Linux 2"),
    ("amazon-linux-2/kernel-5.10/gpu", "Amazon Linux 2"),
    ("amazon-linux-2/kernel-5.10/inf", "Amazon Linux 2"),
    ("amazon-linux-2023", "Amazon Linux 2023"),
    ("amazon-linux-2023/arm64", "Amazon Linux 2023"),
    ("amazon-linux-2023/gpu", "Amazon Linux 2023"),
    ("amazon-linux-2023/inf", "Amazon Linux 2023"),
    ("amazon-linux-2023/neuron", "Amazon Linux 2023"),
];

const KUBERNETES: &[&str] = &["1.29", "1.30", "1.31", "1.32", "1.33", "1.34"];
/// The last ones that there are images of Amazon Linux 2 for.
const WITH_LINUX_2: &[&str] = &["1.29", "1.30", "1.31", "1.32"];
const FOR_EKS: &[&str] = &[
    "amazon-linux-2023/arm64/standard",
    "amazon-linux-2023/x86_64/nvidia",
    "amazon-linux-2023/x86_64/standard",
];

const WINDOWS_SERVERS: &[&str] = &["2016", "2019", "2022", "2025"];
/// Releases of SQL Server, and the releases of Windows that they come with.
const SQL_SERVERS: &[(&str, &str)] = &[
    ("2016", "2017"),
    ("2016", "2019"),
    ("2019", "2017"),
    ("2019", "2019"),
    ("2019", "2022"),
    ("2022", "2019"),
    ("2022", "2022"),
];
const SQL_EDITIONS: &[&str] = &["Enterprise", "Express", "Standard", "Web"];

const BOTTLEROCKET_FOR_ECS: &[&str] = &["aws-ecs-1", "aws-ecs-1-nvidia", "aws-ecs-2", "aws-ecs-2-nvidia"];

/// Releases and their disks.
const UBUNTU: &[(&str, &str)] = &[("20.04", "ebs-gp2"), ("22.04", "ebs-gp2"), ("24.04", "ebs-gp3")];
const DEBIAN: &[&str] = &["11", "12", "13"];

pub(super) fn all(region: Region) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut image = |name: String| {
        let id = id(region, &name);
        all.push((name, id));
    };
    for processor in PROCESSORS {
        for kernel in ["default", "6.1", "6.12"] {
            image(format!("{AMAZON_LINUX}/al2023-ami-kernel-{kernel}-{processor}"));
            image(format!("{AMAZON_LINUX}/al2023-ami-minimal-kernel-{kernel}-{processor}"));
        }
    }
    AMAZON_LINUX_2.iter().for_each(|name| image(format!("{AMAZON_LINUX}/{name}")));
    for (release, disk) in UBUNTU {
        for processor in ["amd64", "arm64"] {
            let place = format!("/aws/service/canonical/ubuntu/server/{release}/stable/current/{processor}");
            image(format!("{place}/hvm/{disk}/ami-id"));
        }
    }
    for release in DEBIAN {
        for processor in ["amd64", "arm64"] {
            image(format!("/aws/service/debian/release/{release}/latest/{processor}"));
        }
    }
    windows(&mut image);
    bottlerocket(&mut image);
    for (variant, os) in FOR_ECS {
        let place = format!("{ECS}/{variant}/recommended");
        let (id, name) = (id(region, &place), format!("{}-ecs-optimized", variant.replace('/', "-")));
        let whole = json!({ "schema_version": 1, "image_name": name, "image_id": id, "os": os });
        all.push((place.clone(), whole.to_string()));
        all.push((format!("{place}/image_id"), id));
        all.push((format!("{place}/image_name"), name));
        all.push((format!("{place}/os"), (*os).to_owned()));
        all.push((format!("{place}/schema_version"), "1".to_owned()));
    }
    for kubernetes in KUBERNETES {
        let linux_2 = ["amazon-linux-2", "amazon-linux-2-arm64", "amazon-linux-2-gpu"];
        let linux_2 = linux_2.into_iter().filter(|_| WITH_LINUX_2.contains(kubernetes));
        for variant in FOR_EKS.iter().copied().chain(linux_2) {
            let place = format!("{EKS}/{kubernetes}/{variant}/recommended");
            let id = id(region, &place);
            let name = format!("amazon-eks-node-{}-{kubernetes}", variant.replace('/', "-"));
            let whole = json!({ "schema_version": "2", "image_id": id, "image_name": name });
            all.push((place.clone(), whole.to_string()));
            all.push((format!("{place}/image_id"), id));
            all.push((format!("{place}/image_name"), name));
        }
    }
    for tag in ["latest", "stable"] {
        let registry = format!("906394416424.dkr.ecr.{region}.amazonaws.com");
        all.push((format!("{FLUENT_BIT}/{tag}"), format!("{registry}/aws-for-fluent-bit:{tag}")));
    }
    all
}

/// Of Windows, alone and with what EKS, ECS and SQL Server need.
fn windows(mut image: impl FnMut(String)) {
    for server in WINDOWS_SERVERS {
        for option in ["Core", "Full"] {
            let place = format!("{WINDOWS}/Windows_Server-{server}-English-{option}");
            image(format!("{place}-Base"));
            if *server != "2016" {
                image(format!("{place}-ECS_Optimized/image_id"));
                KUBERNETES.iter().for_each(|one| image(format!("{place}-EKS_Optimized-{one}/image_id")));
                image(format!("{WINDOWS}/TPM-Windows_Server-{server}-English-{option}-Base"));
            }
        }
    }
    for (server, sql) in SQL_SERVERS {
        for edition in SQL_EDITIONS {
            image(format!("{WINDOWS}/Windows_Server-{server}-English-Full-SQL_{sql}_{edition}"));
        }
    }
}

fn bottlerocket(mut image: impl FnMut(String)) {
    let for_eks =
        KUBERNETES.iter().flat_map(|one| [format!("aws-k8s-{one}"), format!("aws-k8s-{one}-nvidia")]);
    for variant in BOTTLEROCKET_FOR_ECS.iter().map(|one| (*one).to_owned()).chain(for_eks) {
        for processor in PROCESSORS {
            image(format!("{BOTTLEROCKET}/{variant}/{processor}/latest/image_id"));
        }
    }
}

/// Another one in every Region, as images are. FNV-1a: ids must stay what they are, whatever is hashed elsewhere.
fn id(region: Region, name: &str) -> String {
    let bytes = region.as_str().bytes().chain(name.bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("ami-0{hash:016x}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_told_once_and_ids_differ_by_image_and_region() {
        let (here, there) = (all(Region::US_EAST_1), all("eu-west-1".parse().unwrap()));
        let names: BTreeSet<_> = here.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), here.len());
        let ids = |all: &[(String, String)]| -> BTreeSet<String> {
            all.iter().map(|(_, value)| value.clone()).filter(|value| value.starts_with("ami-")).collect()
        };
        let (here, there) = (ids(&here), ids(&there));
        assert!(here.is_disjoint(&there) && here.len() == there.len());
        assert!(here.iter().all(|id| id.len() == 21));
    }
}
