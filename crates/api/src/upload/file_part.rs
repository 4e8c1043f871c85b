//! Type and name of the multipart part that carries the file.

use bulk_core::file_name::is_invisible;

use crate::error::ApiError;

/// Types under which browsers and programs send tables, beside `text/*`. The content decides what a file is; a type only has
/// to allow that it is one.
pub(crate) const TABLE_TYPES: [&str; 14] = [
    "application/csv",
    "application/x-csv",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/octet-stream",
    "application/x-octet-stream",
    "binary/octet-stream",
    "application/gzip",
    "application/x-gzip",
    "application/x-gzip-compressed",
    "application/gzip-compressed",
    "application/x-download",
    "application/force-download",
    "application/unknown",
];
/// File name endings accepted with any type.
const TABLE_NAMES: [&str; 4] = [".csv", ".tsv", ".txt", ".xlsx"];

const MAX_NAME_CHARS: usize = 255;
const DEFAULT_NAME: &str = "upload.csv";

/// Message for a file field in which no file was chosen.
pub(super) const NO_FILE: &str = "no file was chosen: choose a CSV file or a workbook";

/// Checks that a part of this type and name may be a table.
///
/// # Errors
/// [`ApiError::UnsupportedMediaType`] with a remedy.
pub(super) fn check_type(content_type: Option<&str>, file_name: Option<&str>) -> Result<(), ApiError> {
    let essence = content_type.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    let name = file_name.unwrap_or_default().trim().to_ascii_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let is_allowed = essence.is_empty()
        || plain.len() < name.len()
        || essence.starts_with("text/")
        || TABLE_TYPES.contains(&essence.as_str())
        || TABLE_NAMES.iter().any(|ending| plain.ends_with(ending));
    if is_allowed {
        return Ok(());
    }
    Err(ApiError::UnsupportedMediaType(
        "the file must be a table: send it as text/csv, or with a name that ends in .csv, .tsv, .txt or .xlsx (or one of \
         them and .gz)"
            .to_owned(),
    ))
}

/// True if no file was chosen: the part has neither a name nor content.
pub(super) fn is_nothing_chosen(file_name: Option<&str>, size_bytes: u64) -> bool {
    size_bytes == 0 && file_name.is_none_or(|name| name.trim().is_empty())
}

/// The client's name for the file in storable form: without folders and invisible characters.
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
    fn a_table_is_taken_under_the_names_it_goes_by() {
        for (content_type, name) in [
            (Some("text/csv"), Some("x")),
            (Some("TEXT/CSV; charset=utf-8"), None),
            (Some("text/tab-separated-values"), Some("x")),
            (Some("text/x-csv"), None),
            (Some("application/csv"), None),
            (Some("application/vnd.ms-excel"), Some("a")),
            (Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), Some("a.xlsx")),
            (Some("application/octet-stream"), Some("blob")),
            (Some("application/gzip"), Some("a.csv.gz")),
            (Some("application/json"), Some("a.csv")),
            (Some("application/zip"), Some("a.xlsx")),
            (Some("application/x-thing"), Some("A.TSV.GZ")),
            (Some("application/x-thing"), Some("export.gz")),
            (Some(""), Some("a")),
            (None, None),
        ] {
            assert!(check_type(content_type, name).is_ok(), "{content_type:?} {name:?}");
        }
    }

    #[test]
    fn media_types_and_names_of_other_files_are_refused() {
        for (content_type, name) in [
            (Some("application/json"), Some("a.json")),
            (Some("image/png"), Some("a.png")),
            (Some("application/zip"), Some("a.zip")),
            (Some("application/pdf"), None),
        ] {
            let refused = check_type(content_type, name);
            assert!(matches!(refused, Err(ApiError::UnsupportedMediaType(_))), "{content_type:?} {name:?}");
        }
    }

    #[test]
    fn a_field_in_which_nothing_was_chosen_is_no_empty_file() {
        assert!(is_nothing_chosen(Some(""), 0) && is_nothing_chosen(None, 0));
        assert!(!is_nothing_chosen(Some("a.csv"), 0) && !is_nothing_chosen(Some(""), 1));
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
