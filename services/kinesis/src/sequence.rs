//! Sequence numbers: 56 decimal digits in which shard and place are written, as AWS's are.
//!
//! From the highest bits: a 2, the seconds at which the shard began (36 bits), the shard's low four bits, the place in the
//! shard (64 bits), eight zeros, the second of arrival (36 bits), the shard (32 bits), and a 2 for the form. The place
//! alone orders a shard, so neither a restart nor a clock that is set back can give a smaller one; a shard begins at least
//! a second after its parents, so a partition key's numbers rise across reshards too.

/// What a sequence number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    pub(crate) began_secs: u64,
    pub(crate) shard: u32,
    pub(crate) place: u64,
    pub(crate) arrived_secs: u64,
}

/// The place of the number with which a shard ends.
pub(crate) const PLACE_MAX: u64 = 0x7fff_ffff_ffff_ffff;

const SECS_MASK: u64 = (1 << 36) - 1;
const FORM: u128 = 2;
const LEAD: u64 = 2;
const BILLION: u64 = 1_000_000_000;
/// Digits of the largest number.
const DIGITS_MAX: usize = 57;

impl Sequence {
    pub(crate) fn text(&self) -> String {
        let low = FORM
            | u128::from(self.shard) << 4
            | u128::from(self.arrived_secs & SECS_MASK) << 36
            | u128::from(self.place) << 80;
        let high = self.place >> 48
            | u64::from(self.shard & 15) << 16
            | (self.began_secs & SECS_MASK) << 20
            | LEAD << 56;
        let mut limbs = [
            (high >> 32) as u32,
            high as u32,
            (low >> 96) as u32,
            (low >> 64) as u32,
            (low >> 32) as u32,
            low as u32,
        ];
        let mut groups = Vec::with_capacity(7);
        while limbs.iter().any(|limb| *limb != 0) {
            let mut rest = 0u64;
            for limb in &mut limbs {
                let value = rest << 32 | u64::from(*limb);
                *limb = (value / BILLION) as u32;
                rest = value % BILLION;
            }
            groups.push(rest);
        }
        let mut text = groups.pop().map_or_else(|| "0".to_owned(), |group| group.to_string());
        for group in groups.iter().rev() {
            text.push_str(&format!("{group:09}"));
        }
        text
    }

    /// `None` for what is not of the form.
    pub(crate) fn parse(text: &str) -> Option<Sequence> {
        if text.is_empty() || text.len() > DIGITS_MAX || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut limbs = [0u32; 6];
        for digit in text.bytes() {
            let mut carry = u64::from(digit - b'0');
            for limb in limbs.iter_mut().rev() {
                let value = u64::from(*limb) * 10 + carry;
                *limb = value as u32;
                carry = value >> 32;
            }
            if carry != 0 {
                return None;
            }
        }
        let high = u64::from(limbs[0]) << 32 | u64::from(limbs[1]);
        let low = limbs[2..].iter().fold(0u128, |low, limb| low << 32 | u128::from(*limb));
        let sequence = Sequence {
            began_secs: high >> 20 & SECS_MASK,
            shard: (low >> 4) as u32,
            place: (high & 0xffff) << 48 | (low >> 80) as u64 & ((1 << 48) - 1),
            arrived_secs: (low >> 36) as u64 & SECS_MASK,
        };
        let of_form = high >> 56 == LEAD
            && low & 15 == FORM
            && (low >> 72) & 0xff == 0
            && (high >> 16 & 15) as u32 == sequence.shard & 15;
        of_form.then_some(sequence)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_of_aws_is_read() {
        // From the API reference's example of a record.
        let text = "49590338271490256608559692538361571095921575989136588898";
        let read = Sequence::parse(text).unwrap();
        assert_eq!((read.began_secs, read.shard, read.arrived_secs), (0x5bf4_e5c2, 6, 0x5c18_1eea));
        assert_eq!(read.text(), text);
        for bad in ["", "0", "1", "2", "-1", "x", &"9".repeat(56), &"9".repeat(200), &text[1..]] {
            assert_eq!(Sequence::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_its_order_is_the_places(
            began in 0u64..1 << 36, shard: u32, place in 0..PLACE_MAX, arrived in 0u64..1 << 36, later in 0u64..1 << 36
        ) {
            let one = Sequence { began_secs: began, shard, place, arrived_secs: arrived };
            prop_assert_eq!(one.text().len(), 56);
            prop_assert_eq!(Sequence::parse(&one.text()), Some(one));
            let next = Sequence { place: place + 1, arrived_secs: later, ..one };
            prop_assert!(next.text() > one.text());
            if began < SECS_MASK {
                let child = Sequence { began_secs: began + 1, shard: later as u32, place: 0, arrived_secs: 0 };
                prop_assert!(child.text() > one.text());
            }
        }

        #[test]
        fn reading_never_panics(text in "[0-9]{0,60}") {
            let _ = Sequence::parse(&text);
        }
    }
}
