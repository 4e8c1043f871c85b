//! Codes of currencies and countries, and web addresses.

use iso_currency::{Country, Currency};
use url::Url;

use super::key;

/// Longest address that browsers and mail programs commonly handle.
const MAX_URL_CHARS: usize = 2048;

/// An ISO 4217 code of a currency or fund, in capitals. Recently withdrawn codes are accepted, because records may be
/// from that time.
///
/// # Errors
/// If the text is not a currency code.
pub fn currency(text: &str) -> Result<String, String> {
    let known = Currency::from_code(&text.to_ascii_uppercase()).map(|currency| currency.code().to_owned());
    known.ok_or_else(|| "must be the three letters of a currency, such as EUR".to_owned())
}

/// The two-letter code of a country (ISO 3166-1), in capitals.
///
/// # Errors
/// If the text is not a country code.
pub fn country(text: &str) -> Result<String, String> {
    let code = text.to_ascii_uppercase();
    let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    let known = code.parse::<Country>().is_ok_and(|country| !country.name().is_empty());
    if is_code && known {
        Ok(code)
    } else {
        Err("must be the two letters of a country, such as DE".to_owned())
    }
}

/// A web address, unchanged.
///
/// # Errors
/// If the text is not a web address, or does not start with `https://` or `http://`.
pub fn url(text: &str) -> Result<String, String> {
    key::visible(text)?;
    if text.chars().count() > MAX_URL_CHARS {
        return Err(format!("must have at most {MAX_URL_CHARS} characters"));
    }
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    // The parser repairs `https:/example.com`, but the stored text would stay broken.
    let has_start = text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.chars().all(|char| char.is_ascii_alphabetic()) && !rest.starts_with(['/', '\\'])
    });
    if !has_start || text.contains(char::is_whitespace) || !Url::parse(text).is_ok_and(|url| is_web(&url)) {
        return Err("must be a web address such as https://example.com/page".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_those_of_iso_4217() {
        for (text, code) in
            [("EUR", "EUR"), ("usd", "USD"), ("Jpy", "JPY"), ("XCG", "XCG"), ("ZWG", "ZWG"), ("BGN", "BGN")]
        {
            assert_eq!(currency(text).as_deref(), Ok(code));
        }
        for text in ["", "EURO", "EU", "ZZZ", "978", "€", "$", "\u{212a}RW"] {
            assert!(currency(text).unwrap_err().starts_with("must be the three letters"), "{text}");
        }
    }

    #[test]
    fn countries_are_those_of_iso_3166() {
        for (text, code) in [("DE", "DE"), ("us", "US"), ("Gb", "GB")] {
            assert_eq!(country(text).as_deref(), Ok(code));
        }
        for text in ["", "XX", "ZZ", "DEU", "Germany", "D", "é", "\u{212a}R"] {
            assert!(country(text).unwrap_err().starts_with("must be the two letters"), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_web_stay_as_they_are() {
        for text in [
            "https://example.com",
            "HTTP://Example.com/a?b=c#d",
            "https://bücher.example/ä",
            "http://127.0.0.1:80/",
        ] {
            assert_eq!(url(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "example.com",
            "www.example.com",
            "https:/example.com",
            "https://",
            "https:///x",
            "ftp://example.com",
            "javascript:alert(1)",
            "https://a b.example",
            "https://example.com/a b",
            "mailto:a@b.example",
            "x://y",
        ] {
            assert!(url(text).unwrap_err().starts_with("must be a web address"), "{text}");
        }
        assert!(url("https://exa\u{200b}mple.com").unwrap_err().contains("zero width space"));
        assert!(
            url(&format!("https://example.com/{}", "x".repeat(3000))).unwrap_err().contains("at most 2048")
        );
    }
}
