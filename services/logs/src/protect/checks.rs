//! What the shape of a text does not tell: check digits and ranges.

/// ISO/IEC 7812-1: the check digit of cards, over 13 to 19 digits.
pub(super) fn luhn(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let all_same = digits.windows(2).all(|pair| pair[0] == pair[1]);
    if !(13..=19).contains(&digits.len()) || all_same {
        return false;
    }
    let weigh = |(at, digit): (usize, &u32)| match at % 2 {
        0 => *digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    };
    digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

/// ISO 13616: the check digits of an IBAN.
pub(super) fn iban(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    if plain.len() < 5 {
        return false;
    }
    let turned = plain[4..].iter().chain(&plain[..4]);
    let mut rest = 0u32;
    for byte in turned {
        let Some(value) = char::from(*byte).to_digit(36) else { return false };
        rest = if value < 10 { rest * 10 + value } else { rest * 100 + value } % 97;
    }
    rest == 1
}

/// Social Security Administration: areas, groups and serials that are never given out.
pub(super) fn ssn(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() != 9 {
        return false;
    }
    let (area, group, serial) = (&digits[..3], &digits[3..5], &digits[5..]);
    !matches!(area, "000" | "666") && !area.starts_with('9') && group != "00" && serial != "0000"
}

/// 49 CFR 565: the ninth character of a vehicle's number.
pub(super) fn vin(text: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |c: char| match c {
        '0'..='9' => c.to_digit(10),
        'A'..='H' => Some(c as u32 - 'A' as u32 + 1),
        'J'..='N' => Some(c as u32 - 'J' as u32 + 1),
        'P' => Some(7),
        'R' => Some(9),
        'S'..='Z' => Some(c as u32 - 'S' as u32 + 2),
        _ => None,
    };
    let upper = text.to_ascii_uppercase();
    let Some(values) = upper.chars().map(value).collect::<Option<Vec<u32>>>() else { return false };
    if values.len() != WEIGHTS.len() {
        return false;
    }
    let sum: u32 = values.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    let check = match sum % 11 {
        10 => 'X',
        rest => char::from_digit(rest, 10).unwrap_or('?'),
    };
    upper.chars().nth(8) == Some(check)
}

/// NHS Data Model and Dictionary: modulus 11 over ten digits.
pub(super) fn nhs(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != 10 {
        return false;
    }
    let sum: u32 = digits[..9].iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    let check = (11 - sum % 11) % 11;
    check < 10 && check == digits[9]
}

pub(super) fn address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

pub(super) fn any(_: &str) -> bool {
    true
}
