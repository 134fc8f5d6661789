//! How names are cut into words, by which partial matches go: at what is neither letter nor digit, where a small letter meets a capital one, before
//! the last capital of several, and between letters and digits.

pub(super) fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (i, c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        let before = i.checked_sub(1).map(|i| chars[i]).filter(|before| before.is_alphanumeric());
        let after = chars.get(i + 1);
        let cut = before.is_some_and(|before| {
            before.is_numeric() != c.is_numeric()
                || before.is_lowercase() && c.is_uppercase()
                || before.is_uppercase()
                    && c.is_uppercase()
                    && after.is_some_and(|after| after.is_lowercase())
        });
        if cut && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.extend(c.to_lowercase());
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whether some words of `value` in a row, put together, are those of `term` put together; however either was cut.
pub(super) fn contains(value: &str, term: &str) -> bool {
    let wanted = words(term).concat();
    if wanted.is_empty() {
        return value.contains(term);
    }
    let words = words(value);
    (0..words.len()).any(|first| {
        let mut rest = wanted.as_str();
        for word in &words[first..] {
            match rest.strip_prefix(word.as_str()) {
                Some("") => return true,
                Some(more) => rest = more,
                None => return false,
            }
        }
        false
    })
}
