//! AWS's names as Rust's.

/// `QueueUrl` → `queue_url`, `MD5OfBody` → `md5_of_body`, `KMSKeyId` → `kms_key_id`, `type` → `r#type`.
pub(crate) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            if !out.ends_with('_') && !out.is_empty() {
                out.push('_');
            }
            continue;
        }
        let before = i.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(i + 1);
        let starts_word = c.is_ascii_uppercase()
            && before.is_some_and(|b| {
                b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || (b.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if starts_word && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    let out = out.trim_end_matches('_').to_owned();
    match out.as_str() {
        "self" | "super" | "crate" => format!("{out}_"),
        word if KEYWORDS.contains(&word) => format!("r#{word}"),
        word if word.starts_with(|c: char| c.is_ascii_digit()) => format!("n{word}"),
        _ => out,
    }
}

/// The name of a structure; one that Rust's prelude or the generated code uses gets a suffix.
pub(crate) fn type_name(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase()).unwrap_or('X');
    let name: String = std::iter::once(first).chain(chars).collect();
    if TAKEN.contains(&name.as_str()) { format!("{name}Shape") } else { name }
}

/// The name of a variant of a union.
pub(crate) fn variant(name: &str) -> String {
    match type_name(&pascal(name)).as_str() {
        "Unset" => String::from("UnsetVariant"),
        name => name.to_owned(),
    }
}

/// The name of a constant: `Standard-IA` → `STANDARD_IA`.
pub(crate) fn constant(value: &str) -> String {
    let spaced: String = value.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let snake = snake(&spaced).trim_start_matches("r#").to_ascii_uppercase();
    if snake.is_empty() { String::from("EMPTY") } else { snake }
}

fn pascal(name: &str) -> String {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
        })
        .collect()
}

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

const TAKEN: &[&str] = &[
    "Box",
    "ByteStream",
    "Bytes",
    "Clone",
    "Default",
    "Document",
    "Empty",
    "Err",
    "EventStream",
    "Instant",
    "Map",
    "None",
    "Ok",
    "Option",
    "Result",
    "Self",
    "Some",
    "String",
    "Vec",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_names() {
        for (aws, rust) in [
            ("QueueUrl", "queue_url"),
            ("MD5OfMessageBody", "md5_of_message_body"),
            ("SSEKMSKeyId", "ssekms_key_id"),
            ("ETag", "e_tag"),
            ("S3Bucket", "s3_bucket"),
            ("type", "r#type"),
            ("x-amz-foo", "x_amz_foo"),
            ("M3U8Settings", "m3_u8_settings"),
        ] {
            assert_eq!(snake(aws), rust);
        }
        assert_eq!(type_name("Option"), "OptionShape");
        assert_eq!(variant("messageVersion"), "MessageVersion");
        for (value, name) in [
            ("STANDARD_IA", "STANDARD_IA"),
            ("aws:kms", "AWS_KMS"),
            ("s3:ObjectCreated:*", "S3_OBJECT_CREATED"),
        ] {
            assert_eq!(constant(value), name);
        }
    }
}
