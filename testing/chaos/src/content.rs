//! Content that is made up from a number, so that nothing has to be kept to compare it.

/// Pieces in a row: each a seed and a length in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(pub Vec<(u64, usize)>);

impl Content {
    pub fn one(seed: u64, length: usize) -> Content {
        Content(vec![(seed, length)])
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|(_, length)| length).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len() + 8);
        let mut end = 0;
        for (seed, length) in &self.0 {
            end += length;
            // SplitMix64.
            let mut state = *seed;
            while out.len() < end {
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = state;
                mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                out.extend_from_slice(&(mixed ^ mixed >> 31).to_le_bytes());
            }
            out.truncate(end);
        }
        out
    }
}
