//! Uploads whose parts are written by hand, so that a file may come under any name and type, or none.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use encoding_rs::Encoding;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use crate::support::Bench;

const BOUNDARY: &str = "------------------------d74496d66958873e";

/// The part with the file.
pub(crate) struct FilePart {
    pub bytes: Vec<u8>,
    pub file_name: Option<String>,
    pub file_name_star: Option<String>,
    pub content_type: Option<String>,
    /// It stands before the fields.
    pub comes_first: bool,
}

impl FilePart {
    /// A part as browsers send one.
    pub(crate) fn csv(bytes: impl Into<Vec<u8>>) -> Self {
        Self::named(bytes, "upload.csv")
    }

    pub(crate) fn named(bytes: impl Into<Vec<u8>>, file_name: &str) -> Self {
        Self {
            bytes: bytes.into(),
            file_name: Some(file_name.to_owned()),
            file_name_star: None,
            content_type: Some("text/csv".to_owned()),
            comes_first: false,
        }
    }

    fn body(&self, fields: &BTreeMap<String, String>) -> Vec<u8> {
        let mut head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"");
        if let Some(name) = &self.file_name {
            write!(head, "; filename=\"{name}\"").unwrap();
        }
        if let Some(name) = &self.file_name_star {
            write!(head, "; filename*={name}").unwrap();
        }
        if let Some(kind) = &self.content_type {
            write!(head, "\r\nContent-Type: {kind}").unwrap();
        }
        let file = [head.as_bytes(), b"\r\n\r\n", &self.bytes, b"\r\n"].concat();
        let field = |(name, value): (&String, &String)| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let fields: String = fields.iter().map(field).collect();
        let parts = if self.comes_first { [file, fields.into_bytes()] } else { [fields.into_bytes(), file] };
        [parts.concat(), format!("--{BOUNDARY}--\r\n").into_bytes()].concat()
    }
}

/// Posts a form; status and body of the answer.
pub(crate) async fn post(
    bench: &Bench,
    account: &str,
    path: &str,
    file: &FilePart,
    fields: &BTreeMap<String, String>,
) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(format!("{}{path}", bench.platform.url())).header("account-id", account);
    let request = request.header(CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"));
    let answer = request.body(file.body(fields)).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The response of an inspection of the file.
pub(crate) async fn inspect(
    bench: &Bench,
    account: &str,
    file: &FilePart,
    fields: &BTreeMap<String, String>,
) -> (u16, Value) {
    post(bench, account, "/uploads/inspect", file, fields).await
}

/// The text in an encoding, by its label; UTF-8 without one.
pub(crate) fn encoded(text: &str, label: Option<&str>) -> Vec<u8> {
    match label {
        None | Some("utf-8") => text.as_bytes().to_vec(),
        Some("utf-16le") => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Some("utf-16be") => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Some(label) => {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            let (bytes, _, is_lossy) = encoding.encode(text);
            assert!(!is_lossy, "{label} has not all of {text}");
            bytes.into_owned()
        }
    }
}

/// The bytes as a gzip file.
pub(crate) async fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = async_compression::tokio::bufread::GzipEncoder::new(bytes);
    encoder.read_to_end(&mut packed).await.unwrap();
    packed
}
