use haneul_env::Rng;

const HEX_UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// A request id in AWS's form: a UUID, or sixteen characters for S3.
pub fn new(rng: &Rng, s3: bool) -> String {
    if !s3 {
        return rng.uuid();
    }
    let number = rng.u64();
    (0..16).rev().map(|digit| HEX_UPPER[(number >> (digit * 4)) as usize & 15] as char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let rng = Rng::seeded(1);
        let id = new(&rng, true);
        assert!(id.len() == 16 && id.bytes().all(|b| HEX_UPPER.contains(&b)), "{id}");
        assert_eq!(new(&rng, false).len(), 36);
        assert_ne!(new(&rng, true), new(&rng, true));
    }
}
