use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// How many different texts were added, within about 2 % however many there are: a HyperLogLog of 2 KB.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sketch(Vec<u8>);

const BITS: u32 = 11;
const REGISTERS: usize = 1 << BITS;

impl Default for Sketch {
    fn default() -> Sketch {
        Sketch(vec![0; REGISTERS])
    }
}

impl Sketch {
    pub(super) fn add(&mut self, text: &str) {
        let hash = hash(text.as_bytes());
        let rest = hash << BITS | 1 << (BITS - 1);
        let rank = rest.leading_zeros() as u8 + 1;
        if let Some(register) = self.0.get_mut((hash >> (64 - BITS)) as usize) {
            *register = (*register).max(rank);
        }
    }

    pub(super) fn merge(&mut self, other: &Sketch) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    pub(super) fn estimate(&self) -> f64 {
        let registers = REGISTERS as f64;
        let sum: f64 = self.0.iter().map(|rank| 0.5f64.powi(i32::from(*rank))).sum();
        let raw = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
        let empty = self.0.iter().filter(|rank| **rank == 0).count();
        // Few are counted better by the registers that nothing fell into.
        if raw <= 2.5 * registers && empty > 0 { registers * (registers / empty as f64).ln() } else { raw }
    }
}

/// FNV-1a, and the finalizer of MurmurHash3 so that all bits depend on all others. It is stored in what it makes: not to be changed.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    for multiplier in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ hash >> 33).wrapping_mul(multiplier);
    }
    hash ^ hash >> 33
}

impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sketch, D::Error> {
        let text = String::deserialize(deserializer)?;
        match STANDARD_NO_PAD.decode(text) {
            Ok(registers) if registers.len() == REGISTERS => Ok(Sketch(registers)),
            _ => Err(D::Error::custom("this is not a sketch")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_are_close_and_repetitions_count_once() {
        for count in [1, 10, 1_000, 5_000, 50_000] {
            let mut sketch = Sketch::default();
            for i in 0..count {
                sketch.add(&i.to_string());
                sketch.add(&(i / 2).to_string());
            }
            let off = (sketch.estimate() / f64::from(count) - 1.0).abs();
            assert!(off < 0.06, "{count}: {}", sketch.estimate());
            let kept: Sketch = serde_json::from_str(&serde_json::to_string(&sketch).unwrap()).unwrap();
            assert_eq!(kept, sketch);
        }
    }
}
