//! The CRC of a concatenation from the CRCs of its pieces, so that completing a multipart upload reads no bytes.
//!
//! A CRC is linear over GF(2): appending n zero bytes to a message applies a fixed matrix to its CRC. Squaring that
//! matrix doubles n, so any length takes at most 64 squarings (the method is zlib's `crc32_combine`).

use super::Algorithm;

/// A square matrix over GF(2), by columns.
type Matrix = [u64; 64];

/// The CRC of `A ‖ B` in network byte order, from those of A and B and the length of B in bytes. `None` when the
/// algorithm is no CRC or a value has a wrong length.
pub(crate) fn combine(algorithm: Algorithm, a: &[u8], b: &[u8], b_length: u64) -> Option<Vec<u8>> {
    // The reversed polynomials, because all three are reflected.
    let (polynomial, width) = match algorithm {
        Algorithm::Crc32 => (0xEDB8_8320, 32),
        Algorithm::Crc32C => (0x82F6_3B78, 32),
        Algorithm::Crc64Nvme => (0x9A6C_9329_AC4B_C9B5, 64),
        _ => return None,
    };
    let (a, b) = (number(a, width)?, number(b, width)?);
    let combined = append_zeros(a, b_length, polynomial, width) ^ b;
    Some(combined.to_be_bytes()[8 - width / 8..].to_vec())
}

fn number(bytes: &[u8], width: usize) -> Option<u64> {
    if bytes.len() != width / 8 {
        return None;
    }
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn append_zeros(crc: u64, length: u64, polynomial: u64, width: usize) -> u64 {
    // The matrix of one zero bit.
    let mut matrix: Matrix = [0; 64];
    matrix[0] = polynomial;
    for (column, value) in matrix.iter_mut().enumerate().take(width).skip(1) {
        *value = 1 << (column - 1);
    }
    // Three squarings make it that of one byte.
    for _ in 0..3 {
        matrix = square(&matrix, width);
    }
    let (mut crc, mut length) = (crc, length);
    while length != 0 {
        if length & 1 == 1 {
            crc = times(&matrix, crc);
        }
        length >>= 1;
        if length != 0 {
            matrix = square(&matrix, width);
        }
    }
    crc
}

fn times(matrix: &Matrix, mut vector: u64) -> u64 {
    let mut product = 0;
    while vector != 0 {
        product ^= matrix[vector.trailing_zeros() as usize];
        vector &= vector - 1;
    }
    product
}

fn square(matrix: &Matrix, width: usize) -> Matrix {
    let mut squared = [0; 64];
    for column in 0..width {
        squared[column] = times(matrix, matrix[column]);
    }
    squared
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checksum::Digest;

    proptest! {
        #[test]
        fn as_if_computed_at_once(a in prop::collection::vec(any::<u8>(), 0..300), b in prop::collection::vec(any::<u8>(), 0..300)) {
            let whole = [&a[..], &b[..]].concat();
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32C, Algorithm::Crc64Nvme] {
                let combined = combine(algorithm, &Digest::of(algorithm, &a), &Digest::of(algorithm, &b), b.len() as u64);
                prop_assert_eq!(combined, Some(Digest::of(algorithm, &whole)));
            }
        }
    }

    #[test]
    fn only_crcs_combine() {
        assert_eq!(combine(Algorithm::Sha1, &[0; 20], &[0; 20], 1), None);
        assert_eq!(combine(Algorithm::Crc32, &[0; 3], &[0; 4], 1), None);
    }
}
