//! The head of a multipart part: its name, file name and content type.

/// The head of a part. Unknown lines are ignored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PartHead {
    /// Name of the part.
    pub(super) name: Option<String>,
    /// The client's name for the file.
    pub(super) file_name: Option<String>,
    /// Type of the content.
    pub(super) content_type: Option<String>,
}

impl PartHead {
    /// Parses the lines of a head. Names that are not UTF-8 keep their readable characters.
    pub(super) fn parse(head: &[u8]) -> Self {
        let head = String::from_utf8_lossy(head);
        let mut part = Self::default();
        for (name, value) in head.split("\r\n").filter_map(|line| line.split_once(':')) {
            if name.trim().eq_ignore_ascii_case("content-type") {
                part.content_type = Some(value.trim().to_owned());
            } else if name.trim().eq_ignore_ascii_case("content-disposition") {
                let mut encoded = None;
                for (name, value) in parameters(value) {
                    match name.to_ascii_lowercase().as_str() {
                        "name" => part.name = Some(value),
                        "filename" => part.file_name = Some(value),
                        "filename*" => encoded = decode_extended(&value),
                        _ => {}
                    }
                }
                // If a client sends both names, the plain one is for servers that do not understand the encoded one.
                part.file_name = encoded.or(part.file_name.take());
            }
        }
        part
    }
}

/// The parameters after the first word of a header's value: `; name=value; name="quoted \"value\""`.
pub(super) fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        found.push((name.trim().to_owned(), value));
        rest = after.trim_start().strip_prefix(';').unwrap_or_default();
    }
    found
}

/// A quoted text up to its closing quote, and what follows it. A backslash counts only before a quote or another: Windows'
/// paths have bare ones.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(
                characters.next_if(|(_, next)| ['"', '\\'].contains(next)).map_or('\\', |(_, next)| next),
            ),
            character => value.push(character),
        }
    }
    (value, "")
}

/// `UTF-8''percent-encoded` (RFC 8187), or the same in ISO-8859-1 as the standard before it allowed.
fn decode_extended(value: &str) -> Option<String> {
    let mut fields = value.splitn(3, '\'');
    let (charset, _, text) = (fields.next()?, fields.next()?, fields.next()?);
    let is_latin = charset.eq_ignore_ascii_case("iso-8859-1");
    if !is_latin && !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut decoded = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        decoded.push(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?);
    }
    if is_latin {
        Some(decoded.into_iter().map(char::from).collect())
    } else {
        String::from_utf8(decoded).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disposition(value: &str) -> (String, String) {
        let head = PartHead::parse(format!("\r\nContent-Disposition: form-data; {value}").as_bytes());
        (head.name.unwrap_or_default(), head.file_name.unwrap_or_default())
    }

    #[test]
    fn names_are_read_as_clients_write_them() {
        for (value, name, file_name) in [
            (r#"name="file"; filename="a.csv""#, "file", "a.csv"),
            (r#"filename=a.csv;name=file"#, "file", "a.csv"),
            (r#"NAME = "file" ; FileName="a;b=\"c\".csv""#, "file", r#"a;b="c".csv"#),
            (r#"name="file"; filename="C:\files\a.csv""#, "file", r"C:\files\a.csv"),
            (r#"name="file"; filename="a\\b.csv""#, "file", r"a\b.csv"),
            (r#"name="file"; filename="x.csv"; filename*=UTF-8''M%C3%BCller.csv"#, "file", "Müller.csv"),
            (r#"name="file"; filename*=utf-8'de'%41.csv; filename=x"#, "file", "A.csv"),
            (r#"name="file"; filename="x.csv"; filename*=UTF-8''%C3"#, "file", "x.csv"),
            (r#"name="file"; filename*=ISO-8859-1''M%FCller.csv"#, "file", "Müller.csv"),
            (r#"name="file"; filename*=koi8-r''a"#, "file", ""),
            (r#"name="unclosed"#, "unclosed", ""),
            (r#"name"#, "", ""),
            ("", "", ""),
        ] {
            assert_eq!(disposition(value), (name.to_owned(), file_name.to_owned()), "{value}");
        }
    }

    #[test]
    fn other_lines_and_bytes_are_left_alone() {
        let head =
            PartHead::parse(b"\r\nX-Other: name=\"x\"\r\ncontent-TYPE: text/csv; charset=utf-8\r\nno colon");
        assert_eq!(head.content_type.as_deref(), Some("text/csv; charset=utf-8"));
        assert_eq!((head.name, head.file_name), (None, None));
        let head = PartHead::parse(b"\r\ncontent-disposition: form-data; name=\"M\xfcller\"");
        assert_eq!(head.name.as_deref(), Some("M\u{fffd}ller"));
    }
}
