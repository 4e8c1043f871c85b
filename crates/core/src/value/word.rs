//! Values that are one of a few words, and UUIDs.

use uuid::Uuid;

/// Words accepted for true, including those of spreadsheets in other languages.
const TRUE: [&str; 13] =
    ["true", "yes", "1", "on", "y", "t", "wahr", "ja", "vrai", "verdadero", "verdadeiro", "vero", "waar"];
const FALSE: [&str; 11] = ["false", "no", "0", "off", "n", "f", "falsch", "nein", "faux", "falso", "onwaar"];

/// True or false, in any case.
///
/// # Errors
/// If the text is none of the words.
pub fn boolean(text: &str) -> Result<bool, String> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match (is(&TRUE), is(&FALSE)) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err("must be true or false (yes, no, 1 and 0 will do as well)".to_owned()),
    }
}

/// The choice named by the text, in any case unless two choices differ only by case.
///
/// # Errors
/// If the text is none of the choices.
pub fn choice<'c, S: AsRef<str>>(text: &str, choices: &'c [S]) -> Result<&'c str, String> {
    let mut names = choices.iter().map(AsRef::as_ref);
    if let Some(exact) = names.clone().find(|choice| *choice == text) {
        return Ok(exact);
    }
    let mut alike = names.clone().filter(|choice| is_same_word(choice, text));
    match (alike.next(), alike.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => {
            Err("must be written with the right capitals: two choices differ by them alone".to_owned())
        }
        (None, _) => {
            let first = names.next().unwrap_or_default().to_owned();
            Err(format!("must be one of {}", names.fold(first, |list, name| list + ", " + name)))
        }
    }
}

/// ASCII names are compared without Unicode case folding, so the Kelvin sign does not match a k.
fn is_same_word(choice: &str, text: &str) -> bool {
    choice.eq_ignore_ascii_case(text) || (!choice.is_ascii() && choice.to_lowercase() == text.to_lowercase())
}

/// A UUID in any of its usual notations.
///
/// # Errors
/// If the text is not a UUID.
pub fn uuid(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "must be a UUID such as 0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_true_and_false() {
        for text in ["true", "TRUE", "Yes", "1", "on", "Y", "WAHR", "VRAI"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["false", "False", "NO", "0", "off", "n", "FALSCH"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "2", "yess", "-", "null", "x", "1.0", "tru\u{200b}e"] {
            assert!(boolean(text).unwrap_err().starts_with("must be true or false"), "{text}");
        }
    }

    #[test]
    fn a_choice_is_made_in_any_case() {
        let choices = ["pending".to_owned(), "paid".to_owned(), "Größe".to_owned(), "k".to_owned()];
        for (text, choice_) in
            [("paid", "paid"), ("Paid", "paid"), ("PENDING", "pending"), ("GRÖßE", "Größe")]
        {
            assert_eq!(choice(text, &choices), Ok(choice_), "{text}");
        }
        for text in ["", "pay", "pai d", "\u{212a}"] {
            assert_eq!(
                choice(text, &choices).unwrap_err(),
                "must be one of pending, paid, Größe, k",
                "{text}"
            );
        }
    }

    #[test]
    fn capitals_tell_choices_apart_where_they_must() {
        assert_eq!(choice("A", &["a", "A"]), Ok("A"));
        assert_eq!(choice("a", &["a", "A"]), Ok("a"));
        assert!(choice("bB", &["bb", "BB"]).unwrap_err().contains("capitals"));
    }

    #[test]
    fn uuids_in_their_notations() {
        for text in [
            "0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11",
            "0192D3F0-7C1E-7B7A-9D55-3F1F0E6A4C11",
            "{0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11}",
            "0192d3f07c1e7b7a9d553f1f0e6a4c11",
        ] {
            assert_eq!(uuid(text).unwrap().to_string(), "0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11", "{text}");
        }
        for text in ["", "0", "0192d3f0", "0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c1x"] {
            assert!(uuid(text).unwrap_err().starts_with("must be a UUID"), "{text}");
        }
    }
}
