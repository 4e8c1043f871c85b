//! E-mail addresses, in the single form in which they are stored and compared.

use std::net::IpAddr;

use super::key::visible;

const INVALID: &str = "must be a valid e-mail address";
const MAX_LOCAL_CHARS: usize = 64;
const MAX_DOMAIN_CHARS: usize = 253;
const MAX_LABEL_CHARS: usize = 63;

/// Parses an address: in lower case, with an ASCII domain (`bücher.example` becomes `xn--bcher-kva.example`). A name
/// beside it (`Ada <ada@example.com>`) and a leading `mailto:` are removed.
///
/// # Errors
/// If the text is not an address, has several, or contains an invisible character.
pub fn email(text: &str) -> Result<String, String> {
    if let Some(address) = plain(text) {
        return Ok(address);
    }
    visible(text)?;
    let address = bare(text);
    if is_several(address) {
        return Err("must be one e-mail address, and the cell has several".to_owned());
    }
    let (local, domain) = address.rsplit_once('@').ok_or_else(|| INVALID.to_owned())?;
    if let Some(char) = local.chars().find(|char| !char.is_ascii()) {
        return Err(format!("{INVALID}: `{char}` cannot stand before the @"));
    }
    if local.is_empty() || !local.bytes().all(is_local) {
        return Err(INVALID.to_owned());
    }
    if local.len() > MAX_LOCAL_CHARS {
        return Err(format!("{INVALID}: at most {MAX_LOCAL_CHARS} characters can stand before the @"));
    }
    let mut stored = local.to_ascii_lowercase();
    stored.push('@');
    stored.push_str(&ascii_domain(domain)?);
    Ok(stored)
}

/// Fast path: an address as nearly all are, without anything around it and with a domain in plain ASCII.
fn plain(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let is_plain = (1..=MAX_LOCAL_CHARS).contains(&local.len())
        && local.bytes().all(is_local)
        && is_domain(domain)
        && !has_punycode(domain);
    is_plain.then(|| text.to_ascii_lowercase())
}

/// The address without a name beside it, quotes around it, a leading `mailto:` or a trailing separator.
fn bare(text: &str) -> &str {
    let text = text.trim_end_matches([';', ',']).trim_end();
    // Mail programs export `'ada@example.com'` where no name is known.
    let text = unquoted(text, '\'').or_else(|| unquoted(text, '"')).unwrap_or(text);
    let text = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        // An address within the name would be a second one.
        Some((name, address)) if !name.contains(['@', '<', '>']) => address.trim(),
        _ => text,
    };
    match text.split_at_checked("mailto:".len()) {
        Some((scheme, address)) if scheme.eq_ignore_ascii_case("mailto:") => address,
        _ => text,
    }
}

/// The address in quotes.
fn unquoted(text: &str, quote: char) -> Option<&str> {
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains(quote)).then(|| inner.trim())
}

fn is_several(text: &str) -> bool {
    let separators = |char: char| char.is_whitespace() || matches!(char, ',' | ';' | '|' | '/');
    text.split(separators).filter(|part| part.contains('@')).count() > 1
}

/// Characters allowed before the @ without quotes.
fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'.' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~')
}

fn ascii_domain(domain: &str) -> Result<String, String> {
    if let Some(address) = domain.strip_prefix('[').and_then(|address| address.strip_suffix(']')) {
        let is_address = address.parse::<IpAddr>().is_ok();
        return if is_address { Ok(domain.to_ascii_lowercase()) } else { Err(INVALID.to_owned()) };
    }
    let ascii = if domain.is_ascii() && !has_punycode(domain) {
        domain.to_ascii_lowercase()
    } else {
        international(domain)?
    };
    if is_domain(&ascii) { Ok(ascii) } else { Err(INVALID.to_owned()) }
}

fn is_domain(ascii: &str) -> bool {
    ascii.len() <= MAX_DOMAIN_CHARS && ascii.split('.').all(is_label)
}

fn has_punycode(domain: &str) -> bool {
    domain.split('.').any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")))
}

/// The domain in ASCII by IDNA. IDNA also maps look-alikes, such as the Kelvin sign and full-width letters, to plain
/// letters, which would turn the address into another one, so they are refused.
fn international(domain: &str) -> Result<String, String> {
    let ascii = idna::domain_to_ascii(domain).map_err(|_| INVALID.to_owned())?;
    let mut stored = ascii.split('.');
    for label in domain.split('.') {
        let is_same = stored.next().is_some_and(|ascii| label.is_ascii() || ascii.starts_with("xn--"));
        let look_alike = label.chars().find(|char| !char.is_ascii());
        if !is_same {
            let char = look_alike
                .map_or_else(String::new, |char| format!(": `{char}` only looks like a plain character"));
            return Err(format!("{INVALID}{char}"));
        }
    }
    Ok(ascii)
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL_CHARS).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_stored_in_one_form() {
        for (text, stored) in [
            ("ada@example.com", "ada@example.com"),
            ("ADA@Example.COM", "ada@example.com"),
            ("a@b.c", "a@b.c"),
            ("ada+tag_1.x@sub.example.co.uk", "ada+tag_1.x@sub.example.co.uk"),
            ("o'brien@example.com", "o'brien@example.com"),
            ("a/b@example.com", "a/b@example.com"),
            ("ada@localhost", "ada@localhost"),
            ("ada@[127.0.0.1]", "ada@[127.0.0.1]"),
            ("ada@bücher.example", "ada@xn--bcher-kva.example"),
            ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
            ("ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
            ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
            ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
            ("Ada <ada@example.com>", "ada@example.com"),
            ("\"Lovelace, Ada\" <Ada@example.com>", "ada@example.com"),
            ("<ada@example.com>", "ada@example.com"),
            ("mailto:ada@example.com", "ada@example.com"),
            ("Ada <mailto:ada@example.com>", "ada@example.com"),
            ("ada@example.com;", "ada@example.com"),
            ("'ada@example.com'", "ada@example.com"),
            ("\"Ada@example.com\"", "ada@example.com"),
        ] {
            assert_eq!(email(text).as_deref(), Ok(stored), "{text}");
        }
    }

    #[test]
    fn several_in_one_cell_are_refused_as_such() {
        for text in [
            "a@b.c, d@e.f",
            "a@b.c;d@e.f",
            "a@b.c d@e.f",
            "a@b.c / d@e.f",
            "Ada <a@b.c>, Bob <d@e.f>",
            "a@b.c <d@e.f>",
            "a@b.c|d@e.f",
        ] {
            assert_eq!(
                email(text).unwrap_err(),
                "must be one e-mail address, and the cell has several",
                "{text}"
            );
        }
    }

    #[test]
    fn text_that_is_no_email_address_is_refused() {
        let long = format!("{}@example.com", "x".repeat(65));
        let deep = format!("a@{}example.com", "x.".repeat(130));
        for text in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "a@b@c.d",
            "ada@exa mple.com",
            "a da@example.com",
            "ada@.com",
            "ada@example..com",
            "ada@example.com.",
            "ada@-example.com",
            "ada@example-.com",
            "ada@exam_ple.com",
            "\"ada\"@example.com",
            "(ada)@example.com",
            "ada@[::x]",
            "Ada <ada@example.com",
            "ada@example.com>",
            "jürgen@example.com",
            "\u{212a}ate@example.com",
            "ada@\u{212a}.example",
            "ada@ｅxample.com",
            "ada@example。com",
            "ada@xn--a.example",
            "ada＠example.com",
            &long,
            &deep,
        ] {
            assert!(email(text).unwrap_err().starts_with(INVALID), "{text}: {:?}", email(text));
        }
        for text in
            ["a\u{200b}da@example.com", "ada@exa\u{ad}mple.com", "ada@exam\u{0}ple.com", "ada\t@example.com"]
        {
            assert!(email(text).unwrap_err().starts_with("contains a"), "{text:?}");
        }
        assert!(email("\u{212a}ate@example.com").unwrap_err().contains("before the @"));
        assert!(email("ada@\u{212a}.example").unwrap_err().contains("only looks like"));
    }

    proptest! {
        #[test]
        fn what_is_stored_is_ascii_in_lower_case_and_reads_back(text in "[a-cA-C.+\u{212a}ü<> ]{0,8}@[a-cA-C.ßü\u{212a}。-]{0,12}|.*") {
            if let Ok(stored) = email(&text) {
                prop_assert!(stored.is_ascii() && stored == stored.to_ascii_lowercase(), "{}", stored);
                prop_assert_eq!(email(&stored), Ok(stored.clone()));
            }
            if plain(&text).is_some() {
                prop_assert!(bare(&text) == text && !is_several(&text) && visible(&text).is_ok());
            }
        }
    }
}
