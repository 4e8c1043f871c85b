//! Parser of event streams according to the standard.

use std::time::Duration;

/// Longest line; no event of this API is longer.
const MAX_LINE_BYTES: usize = 1024 * 1024;

/// An event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: String,
}

/// Incremental parser: takes bytes, returns events.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    after_cr: bool,
    /// Id of the last event.
    pub(super) last_id: Option<String>,
    /// Reconnection delay requested by the service.
    pub(super) retry: Option<Duration>,
}

impl Parser {
    /// Prepares for a new connection: drops an unfinished event, and keeps the last id and the delay.
    pub(super) fn begin(&mut self) {
        let (last_id, retry) = (self.last_id.take(), self.retry);
        *self = Self { last_id, retry, ..Self::default() };
    }

    /// Parses bytes and appends the completed events. Returns false if the bytes are not an event stream.
    pub(super) fn take(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> bool {
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => self.end_line(events),
                _ if self.line.len() == MAX_LINE_BYTES => return false,
                _ => self.line.push(byte),
            }
        }
        true
    }

    fn end_line(&mut self, events: &mut Vec<Event>) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.strip_prefix('\u{feff}').unwrap_or(&line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                events.push(event);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "id" => self.last_id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            // A comment has an empty name.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_parsed_from_any_pieces_and_line_ends() {
        let text = "\u{feff}retry: 2000\n: hello\nid: 7\nevent: progress\ndata: {\"a\":1}\n\nevent:done\ndata:x\ndata: y\n\n\
                    data: cut off";
        for (text, size) in [
            (text.to_owned(), 1),
            (text.to_owned(), 1000),
            (text.replace('\n', "\r\n"), 3),
            (text.replace('\n', "\r"), 5),
        ] {
            let (mut parser, mut events) = (Parser::default(), Vec::new());
            assert!(text.as_bytes().chunks(size).all(|piece| parser.take(piece, &mut events)));
            assert_eq!(events, [event("progress", "{\"a\":1}"), event("done", "x\ny")], "{text:?} by {size}");
            assert_eq!(parser.last_id.as_deref(), Some("7"));
            assert_eq!(parser.retry, Some(Duration::from_secs(2)));
        }
    }

    #[test]
    fn bytes_without_line_ends_are_no_event_stream() {
        let (mut parser, mut events) = (Parser::default(), Vec::new());
        assert!(!parser.take(&vec![b'x'; MAX_LINE_BYTES + 1], &mut events));
    }
}
