//! How answers are printed: lines for people on a terminal, one JSON object a line for programs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the answers of a command line go to its output")]

use std::process::ExitCode;

use serde_json::{Value, json};

/// A line for people.
pub(super) fn say(text: &str) {
    println!("{text}");
}

/// One JSON object on one line.
pub(super) fn say_json(value: &Value) {
    println!("{value}");
}

/// Either of them.
pub(super) fn tell(as_json: bool, value: &Value, text: &str) {
    if as_json { say_json(value) } else { say(text) }
}

/// An error, and exit code 1.
pub(super) fn failed(as_json: bool, problem: &str) -> ExitCode {
    if as_json {
        eprintln!("{}", json!({ "error": problem }));
    } else {
        eprintln!("chancery: {problem}");
    }
    ExitCode::from(1)
}
