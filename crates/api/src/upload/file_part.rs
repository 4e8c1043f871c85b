//! What the part of a multipart body that carries the file says about it.

use bulk_core::file_name::is_invisible;

use crate::error::ApiError;

/// Types under which browsers and tools send CSV files.
const CSV_TYPES: [&str; 4] = ["text/csv", "application/csv", "text/plain", "application/vnd.ms-excel"];
/// Types that say nothing about the content, so that the name has to.
const UNKNOWN_TYPES: [&str; 2] = ["application/octet-stream", "binary/octet-stream"];
const GZIP_TYPES: [&str; 2] = ["application/gzip", "application/x-gzip"];

const MAX_NAME_CHARS: usize = 255;
const DEFAULT_NAME: &str = "upload.csv";

/// Whether a part of this type and name may be a CSV file.
///
/// # Errors
/// [`ApiError::UnsupportedMediaType`] with what would be right.
pub(super) fn check_type(content_type: Option<&str>, file_name: Option<&str>) -> Result<(), ApiError> {
    let essence = content_type.unwrap_or(UNKNOWN_TYPES[0]).split(';').next().unwrap_or_default().trim();
    let is = |types: &[&str]| types.iter().any(|known| essence.eq_ignore_ascii_case(known));
    let name = file_name.unwrap_or_default().to_ascii_lowercase();
    let (csv, gzip) = (name.ends_with(".csv"), name.ends_with(".csv.gz"));
    if is(&CSV_TYPES) || (is(&UNKNOWN_TYPES) && (csv || gzip)) || (is(&GZIP_TYPES) && gzip) {
        return Ok(());
    }
    Err(ApiError::UnsupportedMediaType(
        "the file must be CSV: send it as text/csv, or with a name that ends in .csv or .csv.gz".to_owned(),
    ))
}

/// The client's name for the file, as it may be stored and shown: without folders and invisible characters.
pub(super) fn shown_name(file_name: Option<&str>) -> String {
    let last = file_name.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|char| !is_invisible(*char)).take(MAX_NAME_CHARS).collect();
    let name = name.trim();
    if name.is_empty() { DEFAULT_NAME.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_taken_under_the_names_it_goes_by() {
        for content_type in [
            "text/csv",
            "TEXT/CSV; charset=utf-8",
            "application/csv",
            "text/plain",
            "application/vnd.ms-excel",
        ] {
            assert!(check_type(Some(content_type), Some("x")).is_ok(), "{content_type}");
        }
        for (content_type, name) in [
            (Some("application/octet-stream"), "a.csv"),
            (None, "A.CSV"),
            (Some("application/octet-stream"), "a.csv.gz"),
            (Some("application/gzip"), "a.csv.gz"),
            (Some("application/x-gzip"), "a.csv.gz"),
        ] {
            assert!(check_type(content_type, Some(name)).is_ok(), "{content_type:?} {name}");
        }
    }

    #[test]
    fn whatever_else_is_not() {
        for (content_type, name) in [
            (Some("application/octet-stream"), Some("a.xlsx")),
            (Some("application/octet-stream"), None),
            (None, None),
            (Some("application/json"), Some("a.csv")),
            (Some("image/png"), Some("a.png")),
            (Some("application/gzip"), Some("a.tar.gz")),
            (Some(""), Some("a.csv")),
        ] {
            let refused = check_type(content_type, name);
            assert!(matches!(refused, Err(ApiError::UnsupportedMediaType(_))), "{content_type:?} {name:?}");
        }
    }

    #[test]
    fn a_name_is_only_a_name() {
        assert_eq!(shown_name(Some("../../etc/pass\nwd.csv")), "passwd.csv");
        assert_eq!(
            shown_name(Some("list\u{202e}vsc.exe")),
            "listvsc.exe",
            "shown as it is, not as listexe.csv"
        );
        assert_eq!(shown_name(Some("C:\\files\\a.csv")), "a.csv");
        assert_eq!(shown_name(Some("Kunden Müller.csv")), "Kunden Müller.csv");
        assert_eq!(shown_name(Some("a/")), "upload.csv");
        assert_eq!(shown_name(None), "upload.csv");
        assert_eq!(shown_name(Some(&"ä".repeat(300))).chars().count(), 255);
    }
}
