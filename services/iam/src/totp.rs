//! One-time passwords of virtual MFA devices: RFC 6238 with SHA-1, 30 seconds and six digits, as AWS has it, and the
//! picture from which a phone learns the seed.

use data_encoding::BASE32;
use haneul_kit::{ApiError, Instant, Result};
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::{Color, QrCode};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Of a seed; 64 characters of base32.
pub(crate) const SEED_BYTES: usize = 40;
const STEP_SECS: i64 = 30;
const DIGITS: usize = 6;

/// How far a device's clock may be off when it is enabled or synchronised, in steps.
const SEARCH_STEPS: i64 = 10;

/// Pixels of a module of the picture, and modules of white around it (ISO 18004).
const MODULE_PIXELS: usize = 4;
const QUIET_MODULES: usize = 4;

/// The number of the step in which `now` is.
pub(crate) fn step(now: Instant) -> i64 {
    now.secs().div_euclid(STEP_SECS)
}

pub(crate) fn base32(seed: &[u8]) -> String {
    BASE32.encode(seed)
}

pub(crate) fn read_base32(text: &str) -> Result<Vec<u8>> {
    BASE32.decode(text.as_bytes()).map_err(|_| ApiError::internal("a stored seed is not base32"))
}

/// The code of one step.
pub(crate) fn code(seed: &[u8], step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(seed).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let at = usize::from(digest[digest.len() - 1] & 15);
    let number = u32::from_be_bytes([digest[at] & 0x7f, digest[at + 1], digest[at + 2], digest[at + 3]]);
    format!("{:0DIGITS$}", number % 10u32.pow(DIGITS as u32))
}

pub(crate) fn is_code(seed: &[u8], step: i64, given: &str) -> bool {
    code(seed, step).as_bytes().ct_eq(given.as_bytes()).into()
}

/// The step of the second of two consecutive codes, near `now`; the nearest, if there were several.
pub(crate) fn find(seed: &[u8], now: Instant, first: &str, second: &str) -> Option<i64> {
    let middle = step(now);
    let mut steps: Vec<i64> = (middle - SEARCH_STEPS..=middle + SEARCH_STEPS).collect();
    steps.sort_by_key(|step| (step - middle).abs());
    steps.into_iter().find(|step| is_code(seed, step - 1, first) & is_code(seed, *step, second))
}

const LABEL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A PNG of the QR code of the device's `otpauth:` URI. `account` is its alias or else its number.
pub(crate) fn picture(name: &str, account: &str, seed: &str) -> Result<Vec<u8>> {
    let uri = uri(name, account, seed);
    let drawn = QrCode::new(uri.as_bytes()).map_err(ApiError::internal)?;
    let modules = drawn.width();
    let side = (modules + 2 * QUIET_MODULES) * MODULE_PIXELS;
    let colors = drawn.to_colors();
    let mut pixels = vec![255u8; side * side];
    for (at, color) in colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        debug_assert_eq!(*color, Color::Dark);
        let (x, y) = (at % modules + QUIET_MODULES, at / modules + QUIET_MODULES);
        for row in 0..MODULE_PIXELS {
            let from = (y * MODULE_PIXELS + row) * side + x * MODULE_PIXELS;
            pixels[from..from + MODULE_PIXELS].fill(0);
        }
    }
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, side as u32, side as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(ApiError::internal)?;
    writer.write_image_data(&pixels).map_err(ApiError::internal)?;
    writer.finish().map_err(ApiError::internal)?;
    Ok(png)
}

fn uri(name: &str, account: &str, seed: &str) -> String {
    let label = format!("{name}@{account}");
    format!("otpauth://totp/{}?secret={seed}", utf8_percent_encode(&label, LABEL))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn the_rfcs_codes() {
        let seed = b"12345678901234567890";
        for (secs, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(seed, step(Instant::from_secs(secs))), expected, "{secs}");
        }
    }

    #[test]
    fn two_codes_in_a_row_are_found_near_now_only() {
        let (seed, now) = (b"12345678901234567890", Instant::from_secs(2_000_000_000));
        let middle = step(now);
        for off in [-10, -1, 0, 1, 10] {
            let (first, second) = (code(seed, middle + off - 1), code(seed, middle + off));
            assert_eq!(find(seed, now, &first, &second), Some(middle + off));
            assert_eq!(find(seed, now, &second, &first), None, "in the wrong order");
            assert_eq!(find(seed, now, &first, &first), None, "the same twice");
        }
        assert_eq!(find(seed, now, &code(seed, middle + 10), &code(seed, middle + 11)), None);
        assert!(!is_code(seed, middle, "27903") && !is_code(seed, middle, ""));
    }

    #[test]
    fn seeds_and_pictures() {
        let seed = base32(&[7; SEED_BYTES]);
        assert_eq!((seed.len(), read_base32(&seed).unwrap()), (64, vec![7; SEED_BYTES]));
        assert_eq!(uri("a b/ü", "123456789012", "S"), "otpauth://totp/a%20b%2F%C3%BC@123456789012?secret=S");
        let png = picture("ann", "123456789012", &seed).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    }
}
