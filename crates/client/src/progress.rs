//! Progress display of an upload and its action: bars on a terminal, otherwise a line every five seconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use api_types::ProgressView;
use indicatif::{BinaryBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::Sent;

/// Interval of lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
const UPLOAD_BAR: &str =
    "{prefix}  {wide_bar}  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
const PIPE_BAR: &str = "{prefix}  {spinner}  {binary_bytes}  {binary_bytes_per_sec}";
const ROWS_BAR: &str = "{prefix}  {wide_bar}  {human_pos}/{human_len} rows  {msg}";

/// Style of the display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Moving bars, for terminals.
    Bars,
    /// A line every five seconds; for logs.
    Lines,
    /// Nothing.
    Silent,
}

type Write = Box<dyn Fn(&str) + Send + Sync>;

/// Progress display. Clones share it.
#[derive(Clone)]
pub struct Display(Arc<Inner>);

struct Inner {
    style: Style,
    /// Writes one line for people.
    write: Write,
    state: Mutex<State>,
}

struct State {
    bar: Option<ProgressBar>,
    began: Instant,
    last_line: Instant,
}

impl Display {
    /// A display in this `style`. Lines are passed to `write` one at a time.
    pub fn new(style: Style, write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let now = Instant::now();
        let state = Mutex::new(State { bar: None, began: now, last_line: now });
        Self(Arc::new(Inner { style, write: Box::new(write), state }))
    }

    /// Starts the display of an upload of `total` bytes, if known, and returns the function that updates it.
    pub fn upload(&self, name: &str, total: Option<u64>) -> impl Fn(Sent) + Send + Sync + use<> {
        let prefix = format!("uploading {name}");
        let template = if total.is_some() { UPLOAD_BAR } else { PIPE_BAR };
        self.begin(template, &prefix, total);
        let display = self.clone();
        move |sent| display.sent(&prefix, sent, total)
    }

    fn sent(&self, prefix: &str, sent: Sent, total: Option<u64>) {
        let mut state = self.state();
        if let Some(bar) = &state.bar {
            bar.set_position(sent.bytes);
            return;
        }
        let elapsed = state.began.elapsed();
        self.line(&mut state, || upload_line(prefix, sent.bytes, total, elapsed));
    }

    /// Starts the display of an action's rows.
    pub fn rows(&self, total: i64) {
        self.begin(ROWS_BAR, "waiting", Some(count(total)));
    }

    /// Updates the counters of an action with this `status`.
    pub fn row_counts(&self, status: &str, progress: &ProgressView) {
        let mut state = self.state();
        if let Some(bar) = &state.bar {
            bar.set_prefix(status.to_owned());
            bar.set_length(count(progress.total_records));
            bar.set_position(count(progress.processed_records));
            bar.set_message(speed_and_rest(progress));
            return;
        }
        self.line(&mut state, || rows_line(status, progress));
    }

    /// Writes a line, above the bar if there is one.
    pub fn note(&self, text: &str) {
        let state = self.state();
        match (&state.bar, self.0.style) {
            (_, Style::Silent) => {}
            (Some(bar), _) => bar.suspend(|| (self.0.write)(text)),
            (None, _) => (self.0.write)(text),
        }
    }

    /// Removes the bar.
    pub fn clear(&self) {
        if let Some(bar) = self.state().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn begin(&self, template: &str, prefix: &str, length: Option<u64>) {
        self.clear();
        let mut state = self.state();
        state.began = Instant::now();
        state.last_line = state.began;
        if self.0.style == Style::Bars {
            let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let style = ProgressStyle::with_template(template);
            let bar = bar
                .with_prefix(prefix.to_owned())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(100));
            state.bar = Some(bar);
        }
    }

    /// Writes a line if the interval has passed.
    fn line(&self, state: &mut State, text: impl FnOnce() -> String) {
        if self.0.style == Style::Lines && state.last_line.elapsed() >= LINE_EVERY {
            state.last_line = Instant::now();
            (self.0.write)(&text());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(rows: i64) -> u64 {
    rows.try_into().unwrap_or_default()
}

fn upload_line(prefix: &str, bytes: u64, total: Option<u64>, elapsed: Duration) -> String {
    let speed = bytes as f64 / elapsed.as_secs_f64().max(0.001);
    let sent = BinaryBytes(bytes);
    match total {
        Some(total) => {
            let left = (total.saturating_sub(bytes)) as f64 / speed.max(1.0);
            format!(
                "{prefix}: {sent} of {} ({} %), {}/s, {left:.0} s left",
                BinaryBytes(total),
                percent(bytes, total),
                BinaryBytes(speed as u64)
            )
        }
        None => format!("{prefix}: {sent}, {}/s", BinaryBytes(speed as u64)),
    }
}

fn rows_line(status: &str, progress: &ProgressView) -> String {
    let (done, total) = (count(progress.processed_records), count(progress.total_records));
    let rest = speed_and_rest(progress);
    let rest = if rest.is_empty() { rest } else { format!(", {rest}") };
    format!("{status}: {} of {} rows ({} %){rest}", HumanCount(done), HumanCount(total), percent(done, total))
}

/// `45,000/s, 3 s left, 12 failed`.
fn speed_and_rest(progress: &ProgressView) -> String {
    let mut parts = Vec::new();
    if progress.rows_per_second >= 1.0 {
        parts.push(format!("{}/s", HumanCount(progress.rows_per_second as u64)));
    }
    if let Some(left) = progress.eta_seconds.filter(|left| *left > 0) {
        parts.push(format!("{} left", duration(count(left))));
    }
    if progress.failed_records > 0 {
        parts.push(format!("{} failed", HumanCount(count(progress.failed_records))));
    }
    parts.join(", ")
}

/// `5 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    // Truncated, not rounded: 100 % means that nothing is missing.
    part.saturating_mul(100) / whole.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(processed: i64, eta_seconds: Option<i64>) -> ProgressView {
        ProgressView {
            total_records: 100_000,
            successful_records: processed,
            failed_records: 12,
            skipped_records: 0,
            processed_records: processed + 12,
            success_rate: 0.0,
            failure_rate: 0.0,
            skip_rate: 0.0,
            completion_rate: 0.0,
            rows_per_second: 45_000.4,
            eta_seconds,
        }
    }

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        assert_eq!(
            rows_line("processing", &progress(12_333, Some(200))),
            "processing: 12,345 of 100,000 rows (12 %), 45,000/s, 3 min 20 s left, 12 failed"
        );
        assert_eq!(
            upload_line("uploading a.csv", 1 << 20, Some(4 << 20), Duration::from_secs(2)),
            "uploading a.csv: 1.00 MiB of 4.00 MiB (25 %), 512.00 KiB/s, 6 s left"
        );
        assert_eq!(
            upload_line("uploading -", 1 << 20, None, Duration::from_secs(1)),
            "uploading -: 1.00 MiB, 1.00 MiB/s"
        );
    }

    #[test]
    fn silence_is_silent_and_notes_are_written_elsewhere() {
        let written = Arc::new(Mutex::new(Vec::new()));
        for style in [Style::Silent, Style::Lines] {
            let seen = written.clone();
            let display = Display::new(style, move |text| seen.lock().unwrap().push(text.to_owned()));
            display.note("hello");
            display.rows(10);
            display.row_counts("processing", &progress(1, None));
            display.clear();
        }
        assert_eq!(*written.lock().unwrap(), ["hello"]);
    }
}
