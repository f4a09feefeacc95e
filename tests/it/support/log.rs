//! The log, kept to be looked at.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use chancery::logging::{Shape, subscriber};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

/// Keeps what is written.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    /// The log of this thread in JSON, as long as the guard lives.
    pub fn of_this_thread() -> (Self, tracing::subscriber::DefaultGuard) {
        let kept = Self::default();
        let log = subscriber(Shape::Json, "info", kept.clone()).expect("a level");
        (kept, tracing::subscriber::set_default(log))
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }

    /// The one line that says how the request with this reference was answered.
    pub fn answered(&self, reference: &str) -> Value {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
        let mut about = lines.filter(|line| line["request"] == reference && line["message"] == "answered");
        let line = about.next().unwrap_or_else(|| panic!("nothing about {reference}: {text}"));
        assert!(about.next().is_none(), "once: {text}");
        line
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The reference that a refusal tells.
pub fn reference_in(answer: &str) -> String {
    let (_, rest) = answer.split_once("(reference ").unwrap_or_else(|| panic!("no reference: {answer:?}"));
    let reference = rest.split(')').next().unwrap_or_default();
    assert_eq!(reference.len(), 12, "{reference}");
    reference.to_owned()
}
