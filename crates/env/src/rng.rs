use std::sync::Arc;

use parking_lot::Mutex;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The source of every id, key and choice. Seeded from the operating system, or by a number that replays a run.
///
/// ChaCha20 in both cases: the output of a real `Rng` is fit for secrets.
#[derive(Clone)]
pub struct Rng {
    shared: Arc<Mutex<ChaCha20Rng>>,
}

impl Rng {
    pub fn real() -> Rng {
        Rng::of(ChaCha20Rng::from_os_rng())
    }

    /// The same numbers in the same order for the same seed. Never for a cloud that keeps secrets.
    pub fn seeded(seed: u64) -> Rng {
        Rng::of(ChaCha20Rng::seed_from_u64(seed))
    }

    fn of(rng: ChaCha20Rng) -> Rng {
        Rng { shared: Arc::new(Mutex::new(rng)) }
    }

    pub fn fill(&self, bytes: &mut [u8]) {
        self.shared.lock().fill_bytes(bytes);
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    pub fn u64(&self) -> u64 {
        self.shared.lock().next_u64()
    }

    /// Uniform in `0..bound`; `bound` must not be zero.
    pub fn below(&self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below zero");
        // Rejection keeps it uniform: the numbers past the last whole multiple of `bound` are drawn again.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let drawn = self.u64();
            if drawn < limit {
                return drawn % bound;
            }
        }
    }

    /// `length` characters drawn from `alphabet`, as in `AKIA` + 16 of `A-Z2-7`.
    pub fn text(&self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| alphabet[self.below(alphabet.len() as u64) as usize] as char).collect()
    }

    /// A random (version 4) UUID, in lower case with hyphens (RFC 9562).
    pub fn uuid(&self) -> String {
        let mut b: [u8; 16] = self.bytes();
        b[6] = b[6] & 0x0f | 0x40;
        b[8] = b[8] & 0x3f | 0x80;
        // By hand, because every request takes one.
        let mut text = String::with_capacity(36);
        for (i, byte) in b.into_iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push(HEX[usize::from(byte >> 4)] as char);
            text.push(HEX[usize::from(byte & 15)] as char);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replays() {
        let (a, b) = (Rng::seeded(7), Rng::seeded(7));
        assert_eq!(a.uuid(), b.uuid());
        assert_eq!(a.text(b"AB", 64), b.text(b"AB", 64));
        assert_ne!(Rng::seeded(8).uuid(), Rng::seeded(7).uuid());
        assert_ne!(Rng::real().uuid(), Rng::real().uuid());
    }

    #[test]
    fn uuid_has_version_and_variant() {
        let uuid = Rng::seeded(1).uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert!("89ab".contains(&uuid[19..20]));
    }
}
