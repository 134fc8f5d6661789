use serde_json::{Map, Value};

/// Columns and pairs that are read of one text.
const PARTS_MAX: usize = 1000;

pub(super) struct Csv {
    pub(super) quote: char,
    pub(super) delimiter: String,
    pub(super) columns: Vec<String>,
}

impl Csv {
    pub(super) fn read(&self, text: &str) -> Map<String, Value> {
        let name = |at: usize| match self.columns.get(at) {
            Some(name) => name.clone(),
            None => format!("column_{}", at + 1),
        };
        let fields = self.fields(text);
        fields.into_iter().enumerate().map(|(at, field)| (name(at), Value::String(field))).collect()
    }

    fn fields(&self, text: &str) -> Vec<String> {
        let (mut fields, mut rest) = (Vec::new(), text);
        while fields.len() < PARTS_MAX {
            let mut field = String::new();
            let begun = rest.trim_start_matches(' ');
            if let Some(quoted) = begun.strip_prefix(self.quote) {
                rest = quoted;
                // A doubled quote is one of the text.
                loop {
                    match rest.find(self.quote) {
                        Some(end) => {
                            field.push_str(&rest[..end]);
                            rest = &rest[end + self.quote.len_utf8()..];
                            match rest.strip_prefix(self.quote) {
                                Some(after) => {
                                    field.push(self.quote);
                                    rest = after;
                                }
                                None => break,
                            }
                        }
                        None => {
                            field.push_str(rest);
                            rest = "";
                            break;
                        }
                    }
                }
            }
            let end = rest.find(&self.delimiter).unwrap_or(rest.len());
            field.push_str(&rest[..end]);
            fields.push(field);
            match rest[end..].strip_prefix(&*self.delimiter) {
                Some(after) => rest = after,
                None => break,
            }
        }
        fields
    }
}

pub(super) struct KeyValue {
    pub(super) fields: String,
    pub(super) pair: String,
    pub(super) prefix: String,
    pub(super) unmatched: Option<String>,
}

impl KeyValue {
    pub(super) fn read(&self, text: &str) -> Map<String, Value> {
        let mut found = Map::new();
        for part in text.split(&*self.fields).take(PARTS_MAX).filter(|part| !part.is_empty()) {
            match (part.split_once(&*self.pair), &self.unmatched) {
                (Some((key, value)), _) => {
                    found.insert(format!("{}{key}", self.prefix), value.into());
                }
                (None, Some(value)) => {
                    found.insert(format!("{}{part}", self.prefix), value.clone().into());
                }
                (None, None) => {}
            }
        }
        found
    }
}
