//! JSON with places: findings tell where in the text of a policy they are.

/// Levels of a document; no policy has as many.
const DEPTH_MAX: usize = 32;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1.
    pub line: usize,
    /// From 0, in characters.
    pub column: usize,
    /// From 0, in characters of the whole text.
    pub offset: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub value: Value,
    pub start: Place,
    pub end: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub key: String,
    pub key_start: Place,
    pub key_end: Place,
    pub node: Node,
}

/// Where the text stops being JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub Place);

pub(crate) fn parse(text: &str) -> Result<Node, Broken> {
    let mut reader = Reader { rest: text.chars().peekable(), at: Place { line: 1, column: 0, offset: 0 } };
    reader.space();
    let node = reader.node(0)?;
    reader.space();
    match reader.rest.peek() {
        None => Ok(node),
        Some(_) => Err(Broken(reader.at)),
    }
}

impl Node {
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    pub(crate) fn member(&self, key: &str) -> Option<&Member> {
        self.members().iter().find(|member| member.key == key)
    }
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    at: Place,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        self.at.offset += 1;
        if character == '\n' {
            self.at.line += 1;
            self.at.column = 0;
        } else {
            self.at.column += 1;
        }
        Some(character)
    }

    fn space(&mut self) {
        while self.rest.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) {
            self.next();
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), Broken> {
        let at = self.at;
        if self.next() == Some(wanted) { Ok(()) } else { Err(Broken(at)) }
    }

    fn node(&mut self, depth: usize) -> Result<Node, Broken> {
        let start = self.at;
        if depth > DEPTH_MAX {
            return Err(Broken(start));
        }
        let value = match self.rest.peek() {
            Some('{') => Value::Object(self.members(depth)?),
            Some('[') => Value::List(self.items(depth)?),
            Some('"') => Value::Text(self.string()?),
            Some('t' | 'f' | 'n') => self.word()?,
            Some('-' | '0'..='9') => Value::Number(self.number()?),
            _ => return Err(Broken(start)),
        };
        Ok(Node { value, start, end: self.at })
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Member>, Broken> {
        self.expect('{')?;
        let mut members = Vec::new();
        self.space();
        if self.rest.peek() == Some(&'}') {
            self.next();
            return Ok(members);
        }
        loop {
            self.space();
            let key_start = self.at;
            let key = self.string()?;
            let key_end = self.at;
            self.space();
            self.expect(':')?;
            self.space();
            let node = self.node(depth + 1)?;
            members.push(Member { key, key_start, key_end, node });
            self.space();
            let at = self.at;
            match self.next() {
                Some(',') => {}
                Some('}') => return Ok(members),
                _ => return Err(Broken(at)),
            }
        }
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Broken> {
        self.expect('[')?;
        let mut items = Vec::new();
        self.space();
        if self.rest.peek() == Some(&']') {
            self.next();
            return Ok(items);
        }
        loop {
            self.space();
            items.push(self.node(depth + 1)?);
            self.space();
            let at = self.at;
            match self.next() {
                Some(',') => {}
                Some(']') => return Ok(items),
                _ => return Err(Broken(at)),
            }
        }
    }

    fn string(&mut self) -> Result<String, Broken> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.next().ok_or(Broken(at))? {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                character if character < ' ' => return Err(Broken(at)),
                character => text.push(character),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let at = self.at;
        Ok(match self.next().ok_or(Broken(at))? {
            '"' => '"',
            '\\' => '\\',
            '/' => '/',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.hex()?;
                if !(0xD800..0xDC00).contains(&high) {
                    return char::from_u32(high).ok_or(Broken(at));
                }
                self.expect('\\')?;
                self.expect('u')?;
                let low = self.hex()?;
                if !(0xDC00..0xE000).contains(&low) {
                    return Err(Broken(at));
                }
                char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or(Broken(at))?
            }
            _ => return Err(Broken(at)),
        })
    }

    fn hex(&mut self) -> Result<u32, Broken> {
        let mut value = 0;
        for _ in 0..4 {
            let at = self.at;
            let digit = self.next().and_then(|character| character.to_digit(16)).ok_or(Broken(at))?;
            value = value << 4 | digit;
        }
        Ok(value)
    }

    fn word(&mut self) -> Result<Value, Broken> {
        let start = self.at;
        let mut word = String::new();
        while let Some(character) = self.rest.peek().copied().filter(char::is_ascii_alphabetic) {
            word.push(character);
            self.next();
        }
        match word.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            _ => Err(Broken(start)),
        }
    }

    fn number(&mut self) -> Result<String, Broken> {
        let start = self.at;
        let mut text = String::new();
        while let Some(character) =
            self.rest.peek().copied().filter(|c| matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
        {
            text.push(character);
            self.next();
        }
        // Leading zeros are no JSON, though Rust reads them.
        let digits = text.trim_start_matches('-');
        let padded = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
        match text.parse::<f64>() {
            Ok(_) if !padded && !text.starts_with('+') => Ok(text),
            _ => Err(Broken(start)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_lines_and_columns() {
        let node = parse("{\n  \"a\": [1, \"é\\u00e9\"],\n  \"b\": {}\n}").unwrap();
        let list = &node.member("a").unwrap().node;
        assert_eq!(list.start, Place { line: 2, column: 7, offset: 9 });
        let Value::List(items) = &list.value else { panic!("a list") };
        assert_eq!(items[1].text(), Some("éé"));
        assert_eq!(node.member("b").unwrap().key_start, Place { line: 3, column: 2, offset: 27 });
        for (text, offset) in
            [("", 0), ("{", 1), ("{\"a\" 1}", 5), ("[1,]", 3), ("01", 0), ("\"\\x\"", 2), ("{} x", 3)]
        {
            assert_eq!(parse(text).unwrap_err().0.offset, offset, "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_serde_reads_is_read(text in "[\\[\\]{}:,\"a0-9.eE+\\- \\n\\\\u]{0,24}") {
            // Neither reads what the other refuses, but for duplicate keys and the limits of numbers.
            let ours = parse(&text).is_ok();
            let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            if theirs {
                proptest::prop_assert!(ours, "{text}");
            }
        }
    }
}
