//! What a spreadsheet shows in place of a value. In a file it would be stored as if it were one.

/// The errors of spreadsheets, in the languages that have their own.
const ERRORS: [&str; 38] = [
    "#REF!",
    "#N/A",
    "#NAME?",
    "#VALUE!",
    "#DIV/0!",
    "#NULL!",
    "#NUM!",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#BUSY!",
    "#PYTHON!",
    "#EXTERNAL!",
    "#ERROR!",
    "#GETTING_DATA",
    "#BEZUG!",
    "#NV",
    "#WERT!",
    "#ZAHL!",
    "#NOM?",
    "#VALEUR!",
    "#NOMBRE!",
    "#NUL!",
    "#N/D",
    "#NOME?",
    "#VALOR!",
    "#RIF!",
    "#VALORE!",
    "#ADR!",
    "#ARG!",
    "#NAZWA?",
    "#LICZBA!",
    "#¡REF!",
    "#¡VALOR!",
    "#¿NOMBRE?",
];
/// Fewest hashes that are a number too wide for its column.
const FEWEST_HASHES: usize = 3;

/// Checks that a cell holds a value.
///
/// # Errors
/// The error of a formula, or the hashes that stand for a number too wide for its column.
pub fn whole(text: &str) -> Result<(), String> {
    if !text.starts_with('#') {
        return Ok(());
    }
    if ERRORS.contains(&text) {
        return Err(format!(
            "is {text}, an error of a spreadsheet: correct its formula and export the file again"
        ));
    }
    if text.len() >= FEWEST_HASHES && text.bytes().all(|byte| byte == b'#') {
        return Err("is nothing but hashes, as a spreadsheet shows a number that is too wide for its column: make the \
                    column wider and export the file again"
            .to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_values_of_a_spreadsheet_are_refused() {
        for text in ["#REF!", "#N/A", "#DIV/0!", "#NV", "###", "########"] {
            assert!(whole(text).unwrap_err().contains("spreadsheet"), "{text}");
        }
        for text in ["", "#", "##", "#1", "#1001", "#hashtag", "#wow!", "x#REF!", "#N/A 2", "###1"] {
            assert_eq!(whole(text), Ok(()), "{text}");
        }
    }
}
