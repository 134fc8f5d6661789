//! The compression function of RFC 1321, section 3.4, for one message or for as many as a vector has lanes.

use std::ops::{BitAnd, BitOr, BitXor, Not};

/// The initial state (section 3.3).
pub(crate) const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

pub(crate) const BLOCK: usize = 64;

/// The table `T` of section 3.4.
#[rustfmt::skip]
const T: [u32; 64] = [
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
];

/// One word of each message: a number, or a vector register.
pub(crate) trait Word:
    Copy + Default + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self> + Not<Output = Self>
{
    /// Messages.
    const LANES: usize;
    fn splat(word: u32) -> Self;
    fn lanes(&mut self) -> &mut [u32];
    fn plus(self, other: Self) -> Self;
    fn rotated<const BY: u32, const BACK: u32>(self) -> Self;
}

impl Word for u32 {
    const LANES: usize = 1;

    #[inline(always)]
    fn splat(word: u32) -> Self {
        word
    }

    #[inline(always)]
    fn lanes(&mut self) -> &mut [u32] {
        std::slice::from_mut(self)
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn rotated<const BY: u32, const BACK: u32>(self) -> Self {
        self.rotate_left(BY)
    }
}

macro_rules! vector {
    ($name:ident, $lanes:expr) => {
        impl Word for wide::$name {
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(word: u32) -> Self {
                Self::splat(word)
            }

            #[inline(always)]
            fn lanes(&mut self) -> &mut [u32] {
                self.as_mut_array()
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }

            #[inline(always)]
            fn rotated<const BY: u32, const BACK: u32>(self) -> Self {
                self << BY | self >> BACK
            }
        }
    };
}

vector!(u32x4, 4);
vector!(u32x8, 8);

/// Takes one block of each message into its state.
#[inline(always)]
pub(crate) fn compress<W: Word>(state: &mut [W; 4], blocks: &[&[u8; BLOCK]]) {
    let mut words = [W::default(); 16];
    for (lane, block) in blocks.iter().enumerate().take(W::LANES) {
        for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
            word.lanes()[lane] = u32::from_le_bytes(*bytes);
        }
    }
    let [mut a, mut b, mut c, mut d] = *state;
    // What the last step made is waited for by the second half of a function alone.
    macro_rules! step {
        ($f:ident, $a:ident, $b:ident, $c:ident, $d:ident, $word:expr, $shift:expr, $at:expr) => {
            let (early, late) = $f($b, $c, $d);
            let early = $a.plus(W::splat(T[$at])).plus(words[$word]).plus(early);
            $a = early.plus(late).rotated::<$shift, { 32 - $shift }>().plus($b);
        };
    }
    macro_rules! four {
        ($f:ident, $at:expr, $start:expr, $step:expr, [$s0:expr, $s1:expr, $s2:expr, $s3:expr]) => {
            step!($f, a, b, c, d, ($start + $step * ($at % 16)) % 16, $s0, $at);
            step!($f, d, a, b, c, ($start + $step * ($at % 16 + 1)) % 16, $s1, $at + 1);
            step!($f, c, d, a, b, ($start + $step * ($at % 16 + 2)) % 16, $s2, $at + 2);
            step!($f, b, c, d, a, ($start + $step * ($at % 16 + 3)) % 16, $s3, $at + 3);
        };
    }
    macro_rules! round {
        ($f:ident, $at:expr, $start:expr, $step:expr, $shifts:tt) => {
            four!($f, $at, $start, $step, $shifts);
            four!($f, $at + 4, $start, $step, $shifts);
            four!($f, $at + 8, $start, $step, $shifts);
            four!($f, $at + 12, $start, $step, $shifts);
        };
    }
    round!(f, 0, 0, 1, [7, 12, 17, 22]);
    round!(g, 16, 1, 5, [5, 9, 14, 20]);
    round!(h, 32, 5, 3, [4, 11, 16, 23]);
    round!(i, 48, 0, 7, [6, 10, 15, 21]);
    for (state, word) in state.iter_mut().zip([a, b, c, d]) {
        *state = state.plus(word);
    }
}

// Section 3.4's functions, each in two halves that share no bit, so that they may be added.

#[inline(always)]
fn f<W: Word>(x: W, y: W, z: W) -> (W, W) {
    (W::default(), z ^ (x & (y ^ z)))
}

#[inline(always)]
fn g<W: Word>(x: W, y: W, z: W) -> (W, W) {
    (!z & y, x & z)
}

#[inline(always)]
fn h<W: Word>(x: W, y: W, z: W) -> (W, W) {
    (W::default(), x ^ (y ^ z))
}

#[inline(always)]
fn i<W: Word>(x: W, y: W, z: W) -> (W, W) {
    (W::default(), y ^ (x | !z))
}
