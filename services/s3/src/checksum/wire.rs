//! The model spreads a checksum over one member for each algorithm; these macros gather and scatter them.

use haneul_kit::Result;

use super::Claim;
use crate::error;

/// The checksum in the members of a request, as `Result<Option<Claim>>`.
macro_rules! claim {
    ($input:expr) => {{
        let input = &$input;
        $crate::checksum::wire::one(
            [
                ($crate::checksum::Algorithm::Crc32, &input.checksum_crc32),
                ($crate::checksum::Algorithm::Crc32C, &input.checksum_crc32_c),
                ($crate::checksum::Algorithm::Crc64Nvme, &input.checksum_crc64_nvme),
                ($crate::checksum::Algorithm::Sha1, &input.checksum_sha1),
                ($crate::checksum::Algorithm::Sha256, &input.checksum_sha256),
                ($crate::checksum::Algorithm::Sha512, &input.checksum_sha512),
                ($crate::checksum::Algorithm::Md5, &input.checksum_md5),
            ],
            [&input.checksum_xxhash64, &input.checksum_xxhash3, &input.checksum_xxhash128],
        )
    }};
}

/// Sets the member of an answer that is for this algorithm.
macro_rules! show {
    ($output:expr, $algorithm:expr, $value:expr) => {{
        let value = Some($value);
        match $algorithm {
            $crate::checksum::Algorithm::Crc32 => $output.checksum_crc32 = value,
            $crate::checksum::Algorithm::Crc32C => $output.checksum_crc32_c = value,
            $crate::checksum::Algorithm::Crc64Nvme => $output.checksum_crc64_nvme = value,
            $crate::checksum::Algorithm::Sha1 => $output.checksum_sha1 = value,
            $crate::checksum::Algorithm::Sha256 => $output.checksum_sha256 = value,
            $crate::checksum::Algorithm::Sha512 => $output.checksum_sha512 = value,
            $crate::checksum::Algorithm::Md5 => $output.checksum_md5 = value,
        }
    }};
}

pub(crate) use {claim, show};

/// At most one of the members may be set.
pub(crate) fn one<const N: usize, const M: usize>(
    members: [(super::Algorithm, &Option<String>); N],
    unsupported: [&Option<String>; M],
) -> Result<Option<Claim>> {
    if unsupported.iter().any(|member| member.is_some()) {
        return Err(error::not_implemented("The XXHash family of checksums"));
    }
    let mut given = members.into_iter().filter_map(|(algorithm, value)| {
        value.as_ref().map(|value| Claim { algorithm, value: value.clone() })
    });
    let first = given.next();
    if given.next().is_some() {
        return Err(error::invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ));
    }
    Ok(first)
}
