use std::borrow::Cow;

/// Why a text is not JSON (RFC 8259), or not JSON that we accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonError {
    Utf8,
    UnexpectedEnd,
    Unexpected(u8),
    Escape,
    Control,
    Number,
    Depth,
    Trailing,
}

/// Objects and arrays within one another. DynamoDB's deepest item, 32 levels, needs 70.
const DEPTH_MAX: u16 = 128;

/// What a value begins with. Of an object or array only the bracket has been read.
#[derive(Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Null,
    Bool(bool),
    /// In JSON's grammar, not yet a number.
    Number(&'a str),
    String(Cow<'a, str>),
    Object,
    Array,
}

/// A pull parser that copies nothing but strings with escapes.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    depth: u16,
}

type Result<T> = std::result::Result<T, JsonError>;

impl<'a> Lexer<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Lexer<'a>> {
        let text = std::str::from_utf8(bytes).map_err(|_| JsonError::Utf8)?;
        Ok(Lexer::of_str(text))
    }

    pub(crate) fn of_str(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0, depth: 0 }
    }

    /// The byte offset, to come back to with [`Lexer::seek`].
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn seek(&mut self, position: usize) {
        self.at = position;
    }

    /// Whether nothing but white space is left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    pub(crate) fn end(&mut self) -> Result<()> {
        if self.is_at_end() { Ok(()) } else { Err(JsonError::Trailing) }
    }

    pub(crate) fn value(&mut self) -> Result<Token<'a>> {
        self.space();
        match self.peek()? {
            b'"' => self.string().map(Token::String),
            b'{' => self.open(Token::Object),
            b'[' => self.open(Token::Array),
            b't' => self.word("true", Token::Bool(true)),
            b'f' => self.word("false", Token::Bool(false)),
            b'n' => self.word("null", Token::Null),
            b'-' | b'0'..=b'9' => self.number().map(Token::Number),
            other => Err(JsonError::Unexpected(other)),
        }
    }

    /// The next key of the object that is open, its colon read; `None` when the object has ended.
    pub(crate) fn key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>> {
        if !self.next_entry(b'}', first)? {
            return Ok(None);
        }
        if self.peek()? != b'"' {
            return Err(JsonError::Unexpected(self.peek()?));
        }
        let key = self.string()?;
        self.space();
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// Whether the array that is open has another element.
    pub(crate) fn element(&mut self, first: &mut bool) -> Result<bool> {
        self.next_entry(b']', first)
    }

    /// Passes over a whole value.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let token = self.value()?;
        self.skip_rest(&token)
    }

    /// Passes over what follows `token` in its value.
    pub(crate) fn skip_rest(&mut self, token: &Token<'_>) -> Result<()> {
        let mut first = true;
        match token {
            Token::Object => {
                while self.key(&mut first)?.is_some() {
                    self.skip()?;
                }
            }
            Token::Array => {
                while self.element(&mut first)? {
                    self.skip()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn next_entry(&mut self, close: u8, first: &mut bool) -> Result<bool> {
        self.space();
        let next = self.peek()?;
        if next == close {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.expect(b',')?;
            self.space();
        }
        Ok(true)
    }

    fn open(&mut self, token: Token<'a>) -> Result<Token<'a>> {
        if self.depth == DEPTH_MAX {
            return Err(JsonError::Depth);
        }
        self.depth += 1;
        self.at += 1;
        Ok(token)
    }

    fn word(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(token);
        }
        match word.bytes().zip(rest).find(|(a, b)| a != *b) {
            Some((_, b)) => Err(JsonError::Unexpected(*b)),
            None => Err(JsonError::UnexpectedEnd),
        }
    }

    fn number(&mut self) -> Result<&'a str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            if *at == from { Err(JsonError::Number) } else { Ok(()) }
        };
        if bytes[self.at] == b'-' {
            self.at += 1;
        }
        let leading_zero = bytes.get(self.at) == Some(&b'0');
        let integer = self.at;
        digits(&mut self.at)?;
        if leading_zero && self.at - integer > 1 {
            return Err(JsonError::Number);
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            digits(&mut self.at)?;
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            digits(&mut self.at)?;
        }
        Ok(&self.text[start..self.at])
    }

    /// At the opening quote.
    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        match self.plain()? {
            b'"' => {
                let text = &self.text[start..self.at];
                self.at += 1;
                Ok(Cow::Borrowed(text))
            }
            _ => self.escaped(start).map(Cow::Owned),
        }
    }

    /// Moves to the next quote or backslash, and tells which it is.
    fn plain(&mut self) -> Result<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let stop = rest.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20);
        let stop = stop.ok_or(JsonError::UnexpectedEnd)?;
        self.at += stop;
        match rest[stop] {
            b if b < 0x20 => Err(JsonError::Control),
            b => Ok(b),
        }
    }

    /// At the first backslash of a string that began at `start`.
    fn escaped(&mut self, start: usize) -> Result<String> {
        let mut out = String::from(&self.text[start..self.at]);
        loop {
            // At a backslash.
            self.at += 1;
            let escape = self.peek()?;
            self.at += 1;
            out.push(match escape {
                b'"' => '"',
                b'\\' => '\\',
                b'/' => '/',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode()?,
                _ => return Err(JsonError::Escape),
            });
            let from = self.at;
            let stop = self.plain()?;
            out.push_str(&self.text[from..self.at]);
            if stop == b'"' {
                self.at += 1;
                return Ok(out);
            }
        }
    }

    fn unicode(&mut self) -> Result<char> {
        let high = self.hex4()?;
        if let Some(c) = char::from_u32(high) {
            return Ok(c);
        }
        // A surrogate pair; a lone one has no meaning in UTF-8.
        if high >= 0xdc00 || !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            return Err(JsonError::Escape);
        }
        self.at += 2;
        let low = self.hex4()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(JsonError::Escape);
        }
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or(JsonError::Escape)
    }

    fn hex4(&mut self) -> Result<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(JsonError::UnexpectedEnd)?;
        self.at += 4;
        digits.iter().try_fold(0, |value, &b| {
            (b as char).to_digit(16).map(|digit| value << 4 | digit).ok_or(JsonError::Escape)
        })
    }

    fn space(&mut self) {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8> {
        self.text.as_bytes().get(self.at).copied().ok_or(JsonError::UnexpectedEnd)
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        match self.peek()? {
            b if b == byte => {
                self.at += 1;
                Ok(())
            }
            b => Err(JsonError::Unexpected(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &[u8]) -> Result<()> {
        let mut lexer = Lexer::new(text)?;
        lexer.skip()?;
        lexer.end()
    }

    #[test]
    fn accepts_json() {
        for text in [
            "{}",
            " [ ] ",
            r#"{"a":[1,-0.5e+3,true,false,null,"\u00e9\ud83d\ude00\n\/"],"b":{"c":{}}}"#,
            "0",
            "\"\"",
        ] {
            assert_eq!(whole(text.as_bytes()), Ok(()), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not() {
        for (text, error) in [
            (&b""[..], JsonError::UnexpectedEnd),
            (b"{", JsonError::UnexpectedEnd),
            (b"{\"a\"", JsonError::UnexpectedEnd),
            (b"{\"a\":", JsonError::UnexpectedEnd),
            (b"{\"a\":1,}", JsonError::Unexpected(b'}')),
            (b"{a:1}", JsonError::Unexpected(b'a')),
            (b"[1,]", JsonError::Unexpected(b']')),
            (b"[1 2]", JsonError::Unexpected(b'2')),
            (b"{} {}", JsonError::Trailing),
            (b"\"\x01\"", JsonError::Control),
            (b"\"\\x\"", JsonError::Escape),
            (b"\"\\ud800\"", JsonError::Escape),
            (b"\"\\udc00\\ud800\"", JsonError::Escape),
            (b"\"\\u12", JsonError::UnexpectedEnd),
            (b"\"\xff\"", JsonError::Utf8),
            (b"01", JsonError::Number),
            (b"-", JsonError::Number),
            (b"1.", JsonError::Number),
            (b"1e", JsonError::Number),
            (b"tru", JsonError::UnexpectedEnd),
            (b"nul1", JsonError::Unexpected(b'1')),
            (b"NaN", JsonError::Unexpected(b'N')),
        ] {
            assert_eq!(whole(text), Err(error), "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(whole("[".repeat(100_000).as_bytes()), Err(JsonError::Depth));
        assert_eq!(whole(("[".repeat(128) + &"]".repeat(128)).as_bytes()), Ok(()));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = whole(&bytes);
        }

        #[test]
        fn never_panics_on_near_json(text in r#"[\[\]{}:,"\\u0-9a-fE.+\- tn]{0,60}"#) {
            let _ = whole(text.as_bytes());
        }
    }
}
