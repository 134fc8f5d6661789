//! IP addresses and networks in CIDR form (RFC 4632, RFC 4291).

use std::net::{IpAddr, Ipv6Addr};

/// A network; a plain address is one of a single host. Bits after the prefix are ignored, as AWS does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    v4: bool,
    bits: u128,
    prefix: u32,
}

impl Network {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (v4, bits) = bits(address)?;
        let width = if v4 { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(p) if !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()) => p.parse().ok()?,
            Some(_) => return None,
        };
        (prefix <= width).then_some(Self { v4, bits, prefix })
    }

    pub(crate) fn contains(&self, address: &str) -> bool {
        let Some((v4, bits)) = bits(address) else { return false };
        let width: u32 = if self.v4 { 32 } else { 128 };
        v4 == self.v4 && (self.prefix == 0 || (bits ^ self.bits) >> (width - self.prefix) == 0)
    }

    /// Wide enough that limiting access to it is no limit: S3 calls an IPv4 range wider than /8, or IPv6
    /// wider than /32, public, unless it is private (fc00::/7; the private IPv4 ranges are /8 and narrower).
    pub(crate) fn is_broad(&self) -> bool {
        let unique_local = !self.v4 && self.prefix >= 7 && self.bits >> 121 == 0xfc >> 1;
        self.prefix < if self.v4 { 8 } else { 32 } && !unique_local
    }
}

/// An IPv4 address that was mapped into IPv6 is the IPv4 address.
fn bits(address: &str) -> Option<(bool, u128)> {
    let fold = |v6: Ipv6Addr| match v6.to_ipv4_mapped() {
        Some(v4) => (true, u128::from(u32::from(v4))),
        None => (false, u128::from(v6)),
    };
    match address.trim().parse().ok()? {
        IpAddr::V4(v4) => Some((true, u128::from(u32::from(v4)))),
        IpAddr::V6(v6) => Some(fold(v6)),
    }
}
