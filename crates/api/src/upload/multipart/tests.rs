//! Bodies in pieces of every size, and bodies without an end.

use std::convert::Infallible;

use futures::stream;

use super::*;

const BODY: &str = "preamble\r\n--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--Y\r\n\r\n--X \t\r\n\
                    content-disposition: form-data; name=file; filename=\"f.csv\"\r\nContent-Type: text/csv\r\n\r\n\
                    e,n\r\n\r\n--\r\n--X\r\n\r\nnameless\r\n--X--\r\nepilogue";

fn body(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Multipart {
    Multipart::new(Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>))), "X")
}

/// A body that arrives in pieces of `size` bytes.
fn cut(text: &str, size: usize) -> Multipart {
    let pieces: Vec<_> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
    body(pieces.into_iter())
}

async fn read(mut body: Multipart) -> Result<Vec<(Option<String>, String)>, MultipartError> {
    let mut parts = Vec::new();
    while let Some(head) = body.next_part().await? {
        let mut content = Vec::new();
        while let Some(piece) = body.next_piece().await? {
            assert!(!piece.is_empty());
            content.extend(piece);
        }
        parts.push((head.name, String::from_utf8(content).unwrap()));
    }
    Ok(parts)
}

#[tokio::test]
async fn parts_do_not_depend_on_the_sizes_in_which_bytes_arrive() {
    let expected = [
        (Some("a".to_owned()), "1\r\n--Y\r\n".to_owned()),
        (Some("file".to_owned()), "e,n\r\n\r\n--".to_owned()),
        (None, "nameless".to_owned()),
    ];
    for size in 1..=BODY.len() {
        assert_eq!(read(cut(BODY, size)).await.unwrap(), expected, "pieces of {size}");
    }
}

#[tokio::test]
async fn the_unread_rest_of_a_part_is_skipped() {
    let mut body = cut(BODY, 7);
    let mut names = Vec::new();
    while let Some(head) = body.next_part().await.unwrap() {
        names.push(head.name.unwrap_or_default());
    }
    assert_eq!(names, ["a", "file", ""]);
    assert!(body.next_part().await.unwrap().is_none() && body.next_piece().await.unwrap().is_none());
}

#[tokio::test]
async fn a_body_that_ends_anywhere_before_its_end_is_incomplete() {
    let end = BODY.len() - "\r\nepilogue".len();
    for length in 0..end {
        let found = read(cut(&BODY[..length], 16)).await;
        assert!(matches!(found, Err(MultipartError::Incomplete)), "{length}: {found:?}");
    }
    assert!(read(cut(&BODY[..end], 16)).await.is_ok());
    let found = read(cut("--XY\r\n\r\n--X--", 16)).await;
    assert!(matches!(found, Err(MultipartError::BadBoundary)), "another boundary that begins alike");
}

/// Number of pieces of an endless body that are read before it is rejected.
async fn pieces_before_refusal(start: &'static str, piece: &'static [u8]) -> (usize, MultipartError) {
    let (counter, read) = (std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0)), 1);
    let counting = counter.clone();
    let endless = std::iter::repeat_with(move || {
        counting.fetch_add(read, std::sync::atomic::Ordering::Relaxed);
        Bytes::from_static(piece)
    });
    let mut body = body(std::iter::once(Bytes::from_static(start.as_bytes())).chain(endless));
    let error = loop {
        match body.next_part().await {
            Ok(head) => assert!(head.is_some()),
            Err(error) => break error,
        }
    };
    (counter.load(std::sync::atomic::Ordering::Relaxed), error)
}

#[tokio::test]
async fn a_head_that_never_ends_is_refused_after_a_few_kilobytes() {
    for start in ["--X\r\nContent-Disposition: form-data; name=\"", "--X\r\n", "--X"] {
        let (pieces, error) = pieces_before_refusal(start, &[b'x'; 1024]).await;
        assert!(pieces <= 9, "{pieces} KiB after {start:?}");
        assert!(matches!(error, MultipartError::HeadTooLong), "{error}");
    }
    let (pieces, error) = pieces_before_refusal("--X\r\n", b"x-name: value\r\n").await;
    assert!(pieces <= 600 && matches!(error, MultipartError::HeadTooLong), "{pieces}: {error}");
}

#[tokio::test]
async fn skipped_parts_are_bounded_too() {
    for start in ["", "--X\r\n\r\n"] {
        let (pieces, error) = pieces_before_refusal(start, &[b'x'; 64 * 1024]).await;
        assert!(pieces <= MAX_SKIPPED_BYTES / (64 * 1024) + 1, "{pieces}");
        assert!(matches!(error, MultipartError::TooMuchSkipped), "{error}");
    }
}

#[tokio::test]
async fn content_is_handed_on_piece_by_piece_without_being_kept() {
    let start = Bytes::from_static(b"--X\r\n\r\n");
    let mut body =
        body(std::iter::once(start).chain(std::iter::repeat_n(Bytes::from_static(&[b'\r'; 65536]), 100)));
    body.next_part().await.unwrap();
    for _ in 0..100 {
        assert_eq!(body.next_piece().await.unwrap().map(|piece| piece.len()).unwrap_or_default() / 65535, 1);
        assert!(body.pending.len() <= 1, "only what may begin a boundary is kept");
    }
}
