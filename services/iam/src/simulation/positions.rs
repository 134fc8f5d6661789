//! Where the statements of a policy stand in its text.

use haneul_iam_wire::shapes::Position;

/// Where one statement begins and ends: AWS counts lines and columns from 1, and begins right behind the bracket or comma
/// before it. One that is in no list begins behind its own brace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub start: (i32, i32),
    pub end: (i32, i32),
}

pub(crate) fn position((line, column): (i32, i32)) -> Position {
    Position { line: Some(line), column: Some(column) }
}

/// The statements of a policy in the order of the text, which is JSON and a policy.
pub(crate) fn spans(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let (mut depth, mut in_list) = (0, false);
    // The last string at the top of the document: a key, when a colon follows.
    let (mut string_from, mut escaped, mut key) = (None, false, "");
    let mut start = None;
    let (mut line, mut column) = (1, 1);
    for (at, c) in text.char_indices() {
        let next = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
        (line, column) = next;
        if let Some(from) = string_from {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    string_from = None;
                    if depth == 1 {
                        key = &text[from..at];
                    }
                }
                _ => {}
            }
            continue;
        }
        match c {
            '"' => string_from = Some(at + 1),
            ':' if depth == 1 && key == "Statement" => start = Some(next),
            '[' => {
                depth += 1;
                if depth == 2 && start.is_some() {
                    in_list = true;
                    start = Some(next);
                }
            }
            '{' => {
                depth += 1;
                if depth == 2 && start.is_some() {
                    start = Some(next);
                }
            }
            '}' => {
                depth -= 1;
                if depth == if in_list { 2 } else { 1 } {
                    found.extend(start.map(|start| Span { start, end: next }));
                }
            }
            ']' => {
                depth -= 1;
                if depth == 1 && in_list {
                    break;
                }
            }
            ',' if in_list && depth == 2 => start = Some(next),
            ',' if !in_list && depth == 1 && start.is_some() => break,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: (i32, i32), end: (i32, i32)) -> Span {
        Span { start, end }
    }

    #[test]
    fn statements_are_found_where_aws_says() {
        // The first is of the CLI's page on simulate-principal-policy: line 3, column 19 to line 9, column 10.
        let listed = "{\n    \"Version\": \"2012-10-17\",\n    \"Statement\": [\n        {\n            \"Effect\": \"Allow\",\n            \"Action\": [\n                \"a:b\"\n            ], \"Resource\": \"}{]\\\"\"\n        }, {}\n    ]\n}";
        assert_eq!(spans(listed), [at((3, 19), (9, 10)), at((9, 11), (9, 14))]);
        let single = r#"{"Version":"2012-10-17","Statement":{"Condition":{"a":{"b":"é"}}},"Id":"{}"}"#;
        assert_eq!(spans(single), [at((1, 38), (1, 66))]);
        assert_eq!(spans("{}"), []);
        assert_eq!(spans("]]]}}}\"Statement\":{"), [], "no panic");
    }
}
