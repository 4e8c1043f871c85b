//! One JSON object per line on stdout, with the fields of the event and of all spans around it at the top level, so that
//! `traceId` alone finds every line of a request. The JSON layer of tracing-subscriber nests span fields instead.

use std::fmt;
use std::io::Write;

use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Names used by every line; a field with one of these names gets an underscore in front.
const RESERVED: [&str; 5] = ["timestamp", "level", "message", "service", "target"];

/// Writes events as JSON lines.
pub(super) struct JsonLayer<W> {
    service: &'static str,
    make_writer: W,
}

impl<W> JsonLayer<W> {
    pub(super) fn new(service: &'static str, make_writer: W) -> Self {
        Self { service, make_writer }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    message: Value,
    service: &'static str,
    target: &'a str,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// Fields by name, stored in the extensions of each span for its events.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
        let chain = std::iter::successors(Some(error), |error| error.source());
        let text: Vec<_> = chain.map(ToString::to_string).collect();
        self.insert(field, text.join(": "));
    }
}

impl<S, W> Layer<S> for JsonLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(Fields(outer)) = span.extensions().get() {
                fields.0.extend(outer.clone());
            }
        }
        event.record(&mut fields);
        self.write(event, fields.0);
    }
}

impl<W: for<'a> MakeWriter<'a>> JsonLayer<W> {
    fn write(&self, event: &Event<'_>, mut fields: Map<String, Value>) {
        let metadata = event.metadata();
        let message = fields.remove("message").unwrap_or_default();
        // Events of the `log` crate carry their origin in such fields.
        let log_target = fields.remove("log.target");
        fields.retain(|name, _| !name.starts_with("log."));
        for name in RESERVED {
            if let Some(value) = fields.remove(name) {
                fields.insert(format!("_{name}"), value);
            }
        }

        let line = Line {
            timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            level: metadata.level().as_str(),
            message,
            service: self.service,
            target: log_target.as_ref().and_then(Value::as_str).unwrap_or(metadata.target()),
            fields,
        };
        // A failure to write a log line cannot be logged. Each line is written in one piece, so that lines of several
        // threads do not mix.
        if let Ok(mut bytes) = serde_json::to_vec(&line) {
            bytes.push(b'\n');
            let _ = self.make_writer.make_writer_for(metadata).write_all(&bytes);
        }
    }
}

/// Collects the log output of a test.
#[cfg(test)]
#[derive(Clone, Default)]
pub(super) struct Output(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

#[cfg(test)]
impl Output {
    pub(super) fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        std::str::from_utf8(&bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[cfg(test)]
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl MakeWriter<'_> for Output {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn logged(work: impl FnOnce()) -> Vec<Value> {
        let output = Output::default();
        let subscriber = tracing_subscriber::registry().with(JsonLayer::new("api", output.clone()));
        tracing::subscriber::with_default(subscriber, work);
        output.lines()
    }

    #[test]
    fn fields_of_event_and_spans_stand_at_the_top_level() {
        let lines = logged(|| {
            let request = tracing::info_span!("request", traceId = "t-1", accountId = tracing::field::Empty);
            request.record("accountId", "acme");
            request.in_scope(|| {
                let chunk = tracing::info_span!("chunk", seq = 3, attempt = 1);
                chunk.in_scope(
                    || tracing::warn!(target: "bulk", attempt = 2, ok = true, ratio = 0.5, "late {}", 1),
                );
            });
        });
        let mut line = lines[0].clone();
        let timestamp = line.as_object_mut().unwrap().remove("timestamp").unwrap();
        let timestamp = timestamp.as_str().unwrap();
        assert!(
            chrono::DateTime::parse_from_rfc3339(timestamp).is_ok() && timestamp.len() == 24,
            "{timestamp}"
        );
        let expected = json!({
            "level": "WARN", "message": "late 1", "service": "api", "target": "bulk",
            "traceId": "t-1", "accountId": "acme", "seq": 3, "attempt": 2, "ok": true, "ratio": 0.5,
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn a_field_cannot_replace_what_the_line_says_of_itself() {
        let lines = logged(|| tracing::info!(service = "forged", level = 7, "hello\nworld"));
        assert_eq!(lines.len(), 1, "a line break in a message must not break the line");
        assert_eq!((&lines[0]["service"], &lines[0]["_service"]), (&json!("api"), &json!("forged")));
        assert_eq!((&lines[0]["level"], &lines[0]["_level"]), (&json!("INFO"), &json!(7)));
    }

    #[test]
    fn an_error_is_logged_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        let error = Outer(std::io::Error::other("inner"));
        let lines = logged(|| tracing::error!(error = &error as &dyn std::error::Error, "failed"));
        assert_eq!(lines[0]["error"], "outer: inner");
    }
}
