use wide::{u32x4, u32x8};

use crate::Md5;
use crate::rounds::{BLOCK, Word, compress};

/// Streams that are worked on at once.
pub const LANES: usize = 8;

/// Half of them: for few streams, half the registers are enough.
const FEW: usize = LANES / 2;

/// A stream and the pieces that come next in it.
struct Lane<'a> {
    md5: &'a mut Md5,
    pieces: std::slice::Iter<'a, &'a [u8]>,
    /// Whole blocks of the piece that is being worked on.
    blocks: &'a [[u8; BLOCK]],
    /// What comes after them.
    rest: &'a [u8],
}

/// Updates each stream by its pieces, in their order: the same as [`Md5::update`] by each piece.
pub fn update_all(streams: &mut [(&mut Md5, &[&[u8]])]) {
    let mut lanes: Vec<Lane<'_>> = Vec::with_capacity(LANES);
    let mut waiting = streams.iter_mut();
    loop {
        while lanes.len() < LANES
            && let Some((md5, pieces)) = waiting.next()
        {
            let mut lane = Lane { md5, pieces: pieces.iter(), blocks: &[], rest: &[] };
            if lane.advance() {
                lanes.push(lane);
            }
        }
        match lanes.len() {
            0 => return,
            1 => run::<u32>(&mut lanes),
            2..=FEW => run::<u32x4>(&mut lanes),
            _ => run::<u32x8>(&mut lanes),
        }
        lanes.retain_mut(|lane| !lane.blocks.is_empty() || lane.advance());
    }
}

/// Takes as many blocks as every stream has. There are at most as many as `W` has lanes; those left over work for nothing.
fn run<W: Word>(lanes: &mut [Lane<'_>]) {
    let count = lanes.iter().map(|lane| lane.blocks.len()).min().unwrap_or(0);
    let mut blocks: [&[[u8; BLOCK]]; LANES] = [&lanes[0].blocks[..count]; LANES];
    let mut state = [W::default(); 4];
    for (at, lane) in lanes.iter().enumerate() {
        blocks[at] = &lane.blocks[..count];
        for (words, word) in state.iter_mut().zip(lane.md5.state) {
            words.lanes()[at] = word;
        }
    }
    for block in 0..count {
        compress(&mut state, &blocks.map(|blocks| &blocks[block]));
    }
    for (at, lane) in lanes.iter_mut().enumerate() {
        lane.md5.state = state.map(|mut words| words.lanes()[at]);
        lane.md5.length += (count * BLOCK) as u64;
        lane.blocks = &lane.blocks[count..];
    }
}

impl Lane<'_> {
    /// Goes on to the next whole blocks; `false` when the pieces are at their end.
    fn advance(&mut self) -> bool {
        while self.blocks.is_empty() {
            // Less than a block: it only waits.
            self.md5.update(std::mem::take(&mut self.rest));
            let Some(piece) = self.pieces.next() else { return false };
            (self.blocks, self.rest) = self.md5.fill(piece).as_chunks();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use md5::Digest;
    use proptest::prelude::*;

    use super::*;

    /// The test suite of RFC 1321, appendix A.5.
    #[test]
    fn known_digests() {
        let digits = "1234567890".repeat(8);
        for (text, expected) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (&digits, "57edf4a22be3c955ac49da2e2107b67a"),
        ] {
            assert_eq!(hex::encode(crate::md5(text.as_bytes())), expected, "{text}");
        }
    }

    proptest! {
        /// However many streams there are and however they are cut, each comes to what the crate `md-5` says.
        #[test]
        fn side_by_side_as_one_by_one(
            streams in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6), 0..20),
            before in prop::collection::vec(any::<u8>(), 0..130),
        ) {
            let mut digests: Vec<Md5> = streams.iter().map(|_| Md5::default()).collect();
            digests.iter_mut().for_each(|digest| digest.update(&before));
            let pieces: Vec<Vec<&[u8]>> =
                streams.iter().map(|pieces| pieces.iter().map(Vec::as_slice).collect()).collect();
            let mut all: Vec<(&mut Md5, &[&[u8]])> =
                digests.iter_mut().zip(&pieces).map(|(digest, pieces)| (digest, pieces.as_slice())).collect();
            update_all(&mut all);
            for (digest, pieces) in digests.into_iter().zip(&streams) {
                let mut expected = md5::Md5::new();
                expected.update(&before);
                pieces.iter().for_each(|piece| expected.update(piece));
                prop_assert_eq!(digest.finish(), <[u8; 16]>::from(expected.finalize()));
            }
        }
    }
}
