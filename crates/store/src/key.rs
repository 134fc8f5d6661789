//! Keys as bytes whose order is the order of the values: components one after the other, strings escaped.
//!
//! A string or byte string has each 0x00 written as 0x00 0xFF and ends in 0x00 0x01, so that a shorter one sorts first
//! and no component can run into the next. Numbers are big-endian; signed ones with the sign bit flipped.

use haneul_base::{AccountId, Instant, Region};

/// Longest encoded key. An S3 key of 1,024 NULs is 2 KiB escaped.
pub const KEY_BYTES_MAX: usize = 8 * 1024;

/// The key of a table: a component, or a tuple of up to six.
pub trait Key: KeyOf<Self> + Sized + Send + Sync {
    /// Takes this component off the front of `from`; `None` when it is not there.
    fn decode(from: &mut &[u8]) -> Option<Self>;
}

/// A value that stands for a key of type `K`: `K` itself, a reference, or a borrowed form such as `&str` for `String`.
pub trait KeyOf<K>: Sync {
    fn encode(&self, out: &mut Vec<u8>);
}

/// The first components of a key of type `K`: `()`, or a shorter tuple.
pub trait Prefix<K> {
    fn encode_prefix(&self, out: &mut Vec<u8>);
}

impl<K, T: KeyOf<K> + ?Sized> KeyOf<K> for &T {
    fn encode(&self, out: &mut Vec<u8>) {
        (**self).encode(out);
    }
}

impl<K> Prefix<K> for () {
    fn encode_prefix(&self, _out: &mut Vec<u8>) {}
}

const ESCAPE: u8 = 0x00;
const ESCAPED_NUL: u8 = 0xFF;
const END: u8 = 0x01;

pub(crate) fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 2);
    for part in bytes.split_inclusive(|b| *b == ESCAPE) {
        out.extend_from_slice(part);
        if part.last() == Some(&ESCAPE) {
            out.push(ESCAPED_NUL);
        }
    }
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    escape(bytes, out);
    out.extend_from_slice(&[ESCAPE, END]);
}

fn decode_bytes(from: &mut &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let at = from.iter().position(|b| *b == ESCAPE)?;
        bytes.extend_from_slice(&from[..at]);
        let mark = *from.get(at + 1)?;
        *from = &from[at + 2..];
        match mark {
            END => return Some(bytes),
            ESCAPED_NUL => bytes.push(ESCAPE),
            _ => return None,
        }
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*taken)
}

/// A component `$key`, and the forms that stand for it.
macro_rules! component {
    ($key:ty as [$($form:ty),+], |$value:ident, $out:ident| $encode:expr, |$from:ident| $decode:expr) => {
        $(impl KeyOf<$key> for $form {
            fn encode(&self, $out: &mut Vec<u8>) {
                let $value = self;
                $encode;
            }
        })+

        impl Key for $key {
            fn decode($from: &mut &[u8]) -> Option<Self> {
                $decode
            }
        }
    };
}

component!(String as [String, str], |v, out| encode_bytes(v.as_bytes(), out), |from| {
    String::from_utf8(decode_bytes(from)?).ok()
});
component!(Vec<u8> as [Vec<u8>, [u8]], |v, out| encode_bytes(v, out), |from| decode_bytes(from));
component!(u64 as [u64], |v, out| out.extend_from_slice(&v.to_be_bytes()), |from| {
    Some(u64::from_be_bytes(take(from)?))
});
component!(u32 as [u32], |v, out| out.extend_from_slice(&v.to_be_bytes()), |from| {
    Some(u32::from_be_bytes(take(from)?))
});
component!(u8 as [u8], |v, out| out.push(*v), |from| Some(take::<1>(from)?[0]));
component!(bool as [bool], |v, out| out.push(u8::from(*v)), |from| match take::<1>(from)?[0] {
    0 => Some(false),
    1 => Some(true),
    _ => None,
});
component!(i64 as [i64], |v, out| out.extend_from_slice(&(*v as u64 ^ 1 << 63).to_be_bytes()), |from| {
    Some((u64::from_be_bytes(take(from)?) ^ 1 << 63) as i64)
});
component!(Instant as [Instant], |v, out| KeyOf::<i64>::encode(&v.millis(), out), |from| {
    i64::decode(from).map(Instant::from_millis)
});
component!(AccountId as [AccountId], |v, out| KeyOf::<u64>::encode(&v.number(), out), |from| {
    u64::decode(from).and_then(AccountId::new)
});
component!(Region as [Region], |v, out| encode_bytes(v.as_str().as_bytes(), out), |from| {
    String::decode(from)?.parse().ok()
});

macro_rules! tuple {
    ($($k:ident $t:ident $i:tt),+) => {
        impl<$($k, $t: KeyOf<$k>),+> KeyOf<($($k,)+)> for ($($t,)+) {
            fn encode(&self, out: &mut Vec<u8>) {
                $(self.$i.encode(out);)+
            }
        }

        impl<$($k: Key),+> Key for ($($k,)+) {
            fn decode(from: &mut &[u8]) -> Option<Self> {
                Some(($($k::decode(from)?,)+))
            }
        }
    };
}

tuple!(K0 T0 0);
tuple!(K0 T0 0, K1 T1 1);
tuple!(K0 T0 0, K1 T1 1, K2 T2 2);
tuple!(K0 T0 0, K1 T1 1, K2 T2 2, K3 T3 3);
tuple!(K0 T0 0, K1 T1 1, K2 T2 2, K3 T3 3, K4 T4 4);
tuple!(K0 T0 0, K1 T1 1, K2 T2 2, K3 T3 3, K4 T4 4, K5 T5 5);

macro_rules! prefix {
    ($($k:ident $t:ident $i:tt),+ ; $($rest:ident),+) => {
        impl<$($k, $t: KeyOf<$k>,)+ $($rest),+> Prefix<($($k,)+ $($rest),+)> for ($($t,)+) {
            fn encode_prefix(&self, out: &mut Vec<u8>) {
                $(self.$i.encode(out);)+
            }
        }
    };
}

prefix!(K0 T0 0; R1);
prefix!(K0 T0 0; R1, R2);
prefix!(K0 T0 0; R1, R2, R3);
prefix!(K0 T0 0; R1, R2, R3, R4);
prefix!(K0 T0 0; R1, R2, R3, R4, R5);
prefix!(K0 T0 0, K1 T1 1; R2);
prefix!(K0 T0 0, K1 T1 1; R2, R3);
prefix!(K0 T0 0, K1 T1 1; R2, R3, R4);
prefix!(K0 T0 0, K1 T1 1; R2, R3, R4, R5);
prefix!(K0 T0 0, K1 T1 1, K2 T2 2; R3);
prefix!(K0 T0 0, K1 T1 1, K2 T2 2; R3, R4);
prefix!(K0 T0 0, K1 T1 1, K2 T2 2; R3, R4, R5);
prefix!(K0 T0 0, K1 T1 1, K2 T2 2, K3 T3 3; R4);
prefix!(K0 T0 0, K1 T1 1, K2 T2 2, K3 T3 3; R4, R5);
prefix!(K0 T0 0, K1 T1 1, K2 T2 2, K3 T3 3, K4 T4 4; R5);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded<K: Key>(key: &K) -> Vec<u8> {
        let mut out = Vec::new();
        key.encode(&mut out);
        out
    }

    type Compound = (String, i64, Vec<u8>, u64, bool, String);

    fn compound() -> impl Strategy<Value = Compound> {
        // Few distinct characters, so that prefixes of one another and escapes come up often.
        let text = "[\0\u{1}ab\u{ff}]{0,4}";
        let bytes = prop::collection::vec(prop::sample::select(vec![0u8, 1, 2, 254, 255]), 0..4);
        (text, any::<i64>(), bytes, any::<u64>(), any::<bool>(), text)
    }

    proptest! {
        #[test]
        fn order_and_value_are_kept(a in compound(), b in compound()) {
            prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), a.cmp(&b));
            let bytes = encoded(&a);
            let mut rest = &bytes[..];
            prop_assert_eq!(Compound::decode(&mut rest), Some(a));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn decoding_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Compound::decode(&mut &bytes[..]);
            let _ = <(AccountId, Region, Instant)>::decode(&mut &bytes[..]);
        }
    }

    #[test]
    fn borrowed_forms_encode_alike() {
        let owned = (AccountId::DEFAULT, Region::US_EAST_1, "photos".to_owned());
        let mut borrowed = Vec::new();
        KeyOf::<(AccountId, Region, String)>::encode(
            &(AccountId::DEFAULT, &Region::US_EAST_1, "photos"),
            &mut borrowed,
        );
        assert_eq!(encoded(&owned), borrowed);
        let mut prefix = Vec::new();
        Prefix::<(AccountId, Region, String)>::encode_prefix(
            &(AccountId::DEFAULT, Region::US_EAST_1),
            &mut prefix,
        );
        assert!(borrowed.starts_with(&prefix));
    }
}
