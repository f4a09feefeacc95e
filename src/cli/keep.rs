//! How answers are printed: lines for people on a terminal, one JSON object a line for programs.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

/// A line for people.
pub(super) fn say(text: &str) {
    // A reader that went away (`| head`) is no failure of ours.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// One JSON object on one line.
pub(super) fn say_json(value: &Value) {
    let _ = writeln!(std::io::stdout(), "{value}");
}

/// Either of them.
pub(super) fn tell(as_json: bool, value: &Value, text: &str) {
    if as_json { say_json(value) } else { say(text) }
}

/// An error, and exit code 1.
pub(super) fn failed(as_json: bool, problem: &str) -> ExitCode {
    if as_json {
        let _ = writeln!(std::io::stderr(), "{}", json!({ "error": problem }));
    } else {
        let _ = writeln!(std::io::stderr(), "chancery: {problem}");
    }
    ExitCode::from(1)
}
