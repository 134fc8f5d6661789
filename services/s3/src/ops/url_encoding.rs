//! `encoding-type=url`: keys in listings that XML 1.0 could not hold.

use haneul_kit::Result;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error;

/// As Java's `URLEncoder` does, but for the slash; a space becomes a plus.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// How texts are shown.
#[derive(Clone, Copy)]
pub(crate) struct Encoding {
    url: bool,
}

impl Encoding {
    pub(crate) fn parse(encoding_type: Option<&str>) -> Result<Encoding> {
        match encoding_type {
            None | Some("") => Ok(Encoding { url: false }),
            Some(given) if given.eq_ignore_ascii_case("url") => Ok(Encoding { url: true }),
            Some(given) => Err(error::invalid_argument(
                "Invalid Encoding Method specified in Request",
                "encoding-type",
                given,
            )),
        }
    }

    pub(crate) fn show(self, text: &str) -> String {
        if self.url {
            utf8_percent_encode(text, PLAIN).to_string().replace(' ', "+")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn name(self) -> Option<String> {
        self.url.then(|| "url".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_what_a_url_would() {
        let url = Encoding::parse(Some("url")).unwrap();
        for (plain, shown) in [
            ("a/b.c-d_e*", "a/b.c-d_e*"),
            ("a b+c~", "a+b%2Bc%7E"),
            ("키\u{1}", "%ED%82%A4%01"),
            ("<&>", "%3C%26%3E"),
        ] {
            assert_eq!(url.show(plain), shown);
            assert_eq!(Encoding::parse(None).unwrap().show(plain), plain);
        }
        assert_eq!(Encoding::parse(Some("base64")).err().unwrap().code(), "InvalidArgument");
    }
}
