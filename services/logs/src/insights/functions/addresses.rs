use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Arguments, Function, number};
use crate::insights::cidr::Network;
use crate::insights::value::Value;

pub(super) fn call(function: Function, of: &Arguments<'_, '_>) -> Option<Value> {
    let ip = || of.text(0)?.parse::<IpAddr>().ok();
    let is = |test: fn(&IpAddr) -> bool| Value::Bool(ip().is_some_and(|ip| test(&ip)));
    let in_subnet = |test: fn(&IpAddr) -> bool| {
        let network = of.text(1).and_then(|text| Network::parse(&text));
        let both = ip().filter(test).zip(network);
        Value::Bool(both.is_some_and(|(ip, network)| network.has(ip)))
    };
    Some(match function {
        Function::IsValidIp => is(|_| true),
        Function::IsValidIpV4 => is(IpAddr::is_ipv4),
        Function::IsValidIpV6 => is(IpAddr::is_ipv6),
        Function::IsIpInSubnet => in_subnet(|_| true),
        Function::IsIpv4InSubnet => in_subnet(IpAddr::is_ipv4),
        Function::IsIpv6InSubnet => in_subnet(IpAddr::is_ipv6),
        Function::Ipv4ToNumber => {
            number(of.text(0).and_then(|text| Some(f64::from(text.parse::<Ipv4Addr>().ok()?.to_bits()))))
        }
        Function::IsPrivateIp => is(is_private),
        Function::IsReservedIp => is(is_reserved),
        Function::IsPublicIp => is(|ip| !is_private(ip) && !is_reserved(ip)),
        _ => return None,
    })
}

/// RFC 1918, and RFC 4193 of IPv6.
fn is_private(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

/// What the IANA's registries of special purposes say is not reached from everywhere, and multicast; private ranges are apart.
fn is_reserved(ip: &IpAddr) -> bool {
    const V4: [(Ipv4Addr, u8); 11] = [
        (Ipv4Addr::new(0, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 4),
        (Ipv4Addr::new(240, 0, 0, 0), 4),
    ];
    const V6: [(Ipv6Addr, u8); 6] = [
        (Ipv6Addr::UNSPECIFIED, 127),
        (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64),
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
        (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
        (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
        (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    ];
    match ip {
        IpAddr::V4(_) => V4.iter().any(|(of, bits)| Network::new((*of).into(), *bits).has(*ip)),
        IpAddr::V6(_) => V6.iter().any(|(of, bits)| Network::new((*of).into(), *bits).has(*ip)),
    }
}
