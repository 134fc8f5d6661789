//! The binary form of what goes into the log: LEB128 numbers, and bytes after their length.

/// Reads a form back; every method is `None` at the end or on what is not of the form.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Times before 1970 do not occur and become 0.
pub(crate) fn put_ms(out: &mut Vec<u8>, ms: i64) {
    put_number(out, u64::try_from(ms).unwrap_or(0));
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// `None` is told from an empty text.
pub(crate) fn put_option(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => put_number(out, 0),
        Some(text) => {
            put_number(out, text.len() as u64 + 1);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return None;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(crate) fn ms(&mut self) -> Option<i64> {
        i64::try_from(self.number()?).ok()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn option(&mut self) -> Option<Option<&'a str>> {
        let Some(length) = self.number()?.checked_sub(1) else { return Some(None) };
        let bytes = self.take(usize::try_from(length).ok()?)?;
        std::str::from_utf8(bytes).ok().map(Some)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_put_is_read(number: u64, ms in 0..i64::MAX, bytes: Vec<u8>, text: Option<String>) {
            let mut out = Vec::new();
            put_number(&mut out, number);
            put_ms(&mut out, ms);
            put_bytes(&mut out, &bytes);
            put_option(&mut out, text.as_deref());
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.number(), Some(number));
            prop_assert_eq!(reader.ms(), Some(ms));
            prop_assert_eq!(reader.bytes(), Some(&bytes[..]));
            prop_assert_eq!(reader.option(), Some(text.as_deref()));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn reading_never_panics(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while reader.number().and(Some(())).and_then(|()| reader.bytes()).is_some() {}
            let _ = reader.option();
        }
    }
}
