//! The log: one line per happening on standard error, for people or for machines, from an allow-list of fields.
//!
//! Times are UTC (RFC 3339). Every line of a request carries the fields `request` and `tenant` (see [`about`]). A field whose name is not in `FIELDS` never reaches the log, and control characters are
//! written as escapes, so that no value can forge a line.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::sync::{Arc, OnceLock};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::mint;

/// The fields that reach the log. What is not here is dropped, and named in `dropped` if it was ours.
///
/// A name may stand here only if its value is never a token, a code, a password, another secret, or about a
/// person: identifiers yes, names and addresses of people no.
pub const FIELDS: &[&str] = &[
    // The request.
    "request",
    "tenant",
    "client",
    "user",
    "method",
    "route",
    "status",
    "duration_ms",
    "bytes",
    // What it was about.
    "event",
    "endpoint",
    "grant_type",
    "response_type",
    "scope",
    "resource",
    "alg",
    "kid",
    "acr",
    "audience",
    "head",
    // What went wrong, and where an owner finds more.
    "error",
    "error_code",
    "reason",
    "hint",
    "reference",
    "retry_after_seconds",
    // The server itself.
    "listen",
    "admin_listen",
    "public_url",
    "version",
    "signal",
    "setting",
    "origin",
    "file",
    "engine",
    "migration",
    "table",
    "column",
    "tls_version",
    "connections",
    "dev",
    "mode",
    // Work in the background, and calls to other servers.
    "job",
    "worker",
    "attempt",
    "count",
    "rows",
    "sequence",
    "waiting",
    "waited_ms",
    "limit",
    "host",
];

/// A value is cut after this many bytes: a log line is no place for a document.
const VALUE_LIMIT: usize = 2_048;

/// How a log line looks, as `log.format` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `Pretty` if standard error is a terminal, else `Json`.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// How a line is written once the format is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// For people, without colours.
    Plain,
    /// For people, the level in colour.
    Coloured,
    /// One JSON object per line.
    Json,
}

/// Why the log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is not understood.
    #[error("is not a log level: `{directive}` is neither a level nor a `module=level` pair")]
    Level {
        /// The part that is wrong.
        directive: String,
    },
    /// This process has a log already.
    #[error("the log was set up before; set it up once, where the process starts")]
    AlreadyInstalled,
}

/// Sets up the log of this process, to standard error. Once: the second call fails.
///
/// `level` is what `check_level` accepts.
pub fn init(format: Format, level: &str) -> Result<(), LogError> {
    let terminal = io::stderr().is_terminal();
    let shape = match format {
        Format::Json => Shape::Json,
        Format::Auto if !terminal => Shape::Json,
        // https://no-color.org: any value but the empty one.
        Format::Auto | Format::Pretty => match std::env::var_os("NO_COLOR") {
            None if terminal => Shape::Coloured,
            Some(value) if terminal && value.is_empty() => Shape::Coloured,
            Some(_) | None => Shape::Plain,
        },
    };
    subscriber(shape, level, io::stderr)?.try_init().map_err(|_| LogError::AlreadyInstalled)
}

/// Checks a level: `info`, or a list such as `warn,chancery=debug`.
///
/// Stricter: a word alone must be a level. The filter would take a misspelt
/// `inof` for a module and log nothing.
pub fn check_level(level: &str) -> Result<(), LogError> {
    filter(level).map(|_| ())
}

/// The filter for a level.
fn filter(level: &str) -> Result<EnvFilter, LogError> {
    // No directive about a span: we have none.
    for word in level.split(',').map(str::trim) {
        let alone = word.split_once('=').map_or(word, |(_, level)| level);
        if alone.is_empty() || alone.parse::<LevelFilter>().is_err() {
            return Err(LogError::Level { directive: word.to_owned() });
        }
    }
    EnvFilter::builder().parse(level).map_err(|_| LogError::Level { directive: level.to_owned() })
}

/// The whole log without installing it: filter, allow-list and lines, to any writer.
pub fn subscriber<W>(shape: Shape, level: &str, writer: W) -> Result<impl Subscriber + Send + Sync, LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let wanted = filter(level)?;
    // Below info, libraries print what they send and receive; their words are not ours to vouch for.
    let vouched = filter_fn(|metadata| is_ours(metadata.target()) || *metadata.level() <= Level::INFO)
        .with_max_level_hint(Level::TRACE);
    let lines = Lines { shape, writer }.with_filter(wanted.and(vouched));
    Ok(Registry::default().with(lines))
}

/// Whether the target is this program's own code.
fn is_ours(target: &str) -> bool {
    target.strip_prefix(env!("CARGO_CRATE_NAME")).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Writes each event as one line.
struct Lines<W> {
    /// How a line looks.
    shape: Shape,
    /// Where lines go.
    writer: W,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::new(self.shape, is_ours(event.metadata().target()));
        event.record(&mut line);
        let _ = ABOUT.try_with(|about| line.whose.fill(about));
        let text = line.finish(event.metadata());
        // Nobody is left to tell if standard error is closed.
        let _ = self.writer.make_writer_for(event.metadata()).write_all(text.as_bytes());
    }
}

tokio::task_local! {
    /// What the lines of this task are about. Not a span: this is read only when a line is written.
    static ABOUT: About;
}

/// The request that lines belong to, and its tenant once that is known.
#[derive(Clone, Debug)]
struct About {
    request: Arc<str>,
    tenant: OnceLock<String>,
}

/// Names a request in the log, in the audit trail and in refusals. An extension of requests, made where they come in.
#[derive(Clone, Debug)]
pub struct Reference(pub Arc<str>);

impl Reference {
    /// A new one: 12 characters of base64url.
    pub fn mint() -> Self {
        Self(mint::reference())
    }
}

/// Does `work`; every line that it logs is about `request`.
pub async fn about<F: Future>(request: Arc<str>, work: F) -> F::Output {
    ABOUT.scope(About { request, tenant: OnceLock::new() }, work).await
}

/// From now on lines of this request name `tenant`.
pub fn about_tenant(tenant: &str) {
    // Outside of a request there is nothing to note; a request has one tenant.
    let _ = ABOUT.try_with(|about| about.tenant.set(tenant.to_owned()));
}

/// Work for a task of its own, whose lines are about the same request as those of this task.
pub fn still_about<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let about = ABOUT.try_with(Clone::clone).ok();
    async move {
        match about {
            Some(about) => ABOUT.scope(about, work).await,
            None => work.await,
        }
    }
}

/// Which request and tenant a line belongs to.
#[derive(Default)]
struct Whose {
    /// The request's id.
    request: Option<String>,
    /// The tenant's slug.
    tenant: Option<String>,
}

impl Whose {
    /// Takes over what the line does not say itself.
    fn fill(&mut self, about: &About) {
        self.request.get_or_insert_with(|| about.request.to_string());
        if self.tenant.is_none() {
            self.tenant = about.tenant.get().cloned();
        }
    }

    fn note(&mut self, field: &Field, value: &str) {
        match field.name() {
            "request" => self.request = Some(value.to_owned()),
            _ => self.tenant = Some(value.to_owned()),
        }
    }
}

/// A line while its fields are collected.
struct Line {
    /// How it looks.
    shape: Shape,
    /// Whether our own code wrote it.
    ours: bool,
    /// The sentence.
    message: String,
    /// The module, where a library wrote through the `log` crate.
    target: Option<String>,
    /// Its request and tenant.
    whose: Whose,
    /// The other fields, each with what goes before it.
    fields: String,
    /// Names of our own fields that are not allowed, so that their author learns of it.
    dropped: Vec<&'static str>,
}

impl Line {
    /// An empty line.
    fn new(shape: Shape, ours: bool) -> Self {
        Self {
            shape,
            ours,
            message: String::new(),
            target: None,
            whose: Whose::default(),
            fields: String::new(),
            dropped: Vec::new(),
        }
    }

    /// Adds a field in its place, if it is allowed.
    fn text(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "request" | "tenant" => self.whose.note(field, value),
            "log.target" => self.target = Some(value.to_owned()),
            name if FIELDS.contains(&name) => put_text(&mut self.fields, self.shape, name, value),
            name if self.ours => self.dropped.push(name),
            _ => {}
        }
    }

    /// Adds a number or truth value.
    fn bare(&mut self, field: &Field, value: &dyn fmt::Display) {
        if FIELDS.contains(&field.name()) && !matches!(field.name(), "request" | "tenant") {
            put_bare(&mut self.fields, self.shape, field.name(), value);
        } else {
            self.text(field, &value.to_string());
        }
    }

    /// The line with its newline.
    fn finish(mut self, metadata: &Metadata<'_>) -> String {
        let shape = self.shape;
        let target = self.target.as_deref().unwrap_or(metadata.target());
        let mut time = String::with_capacity(32);
        // Writing to a String cannot fail; neither can this clock.
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        let mut out = String::with_capacity(256);
        if shape == Shape::Json {
            out.push('{');
            put_text(&mut out, shape, "time", &time);
            put_text(&mut out, shape, "level", metadata.level().as_str());
            put_text(&mut out, shape, "target", target);
            put_text(&mut out, shape, "message", &self.message);
        } else {
            let level = metadata.level();
            let (on, off) = colour(shape, level);
            let _ = write!(out, "{time} {on}{level:>5}{off} ");
            if !self.ours {
                let _ = write!(out, "[{target}] ");
            }
            escape(&mut out, &self.message);
        }
        if !self.dropped.is_empty() {
            put_text(&mut self.fields, shape, "dropped", &self.dropped.join(" "));
        }
        if shape == Shape::Json && !self.fields.is_empty() {
            out.push(',');
        }
        out.push_str(&self.fields);
        for (name, value) in [("request", &self.whose.request), ("tenant", &self.whose.tenant)] {
            if let Some(value) = value {
                put_text(&mut out, shape, name, value);
            }
        }
        out.push_str(if shape == Shape::Json { "}\n" } else { "\n" });
        out
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, &value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut next = value.source();
        while let Some(source) = next {
            let _ = write!(text, ": {source}");
            next = source.source();
        }
        self.text(field, &text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Formatted only if it may be written: a Debug that shows too much is never run.
        if field.name() == "message" || FIELDS.contains(&field.name()) {
            self.text(field, &format!("{value:?}"));
        } else {
            self.text(field, "");
        }
    }
}

/// What goes before and after a level in colour.
fn colour(shape: Shape, level: &Level) -> (&'static str, &'static str) {
    if shape != Shape::Coloured {
        return ("", "");
    }
    match *level {
        Level::ERROR => ("\x1b[31m", "\x1b[0m"),
        Level::WARN => ("\x1b[33m", "\x1b[0m"),
        Level::INFO => ("\x1b[32m", "\x1b[0m"),
        Level::DEBUG | Level::TRACE => ("\x1b[2m", "\x1b[0m"),
    }
}

/// The name of a field with what separates it from the one before.
fn put_name(out: &mut String, shape: Shape, name: &str) {
    if shape == Shape::Json {
        if !out.is_empty() && !out.ends_with('{') {
            out.push(',');
        }
        let _ = write!(out, "\"{name}\":");
    } else {
        let _ = write!(out, " {name}=");
    }
}

/// A field whose value needs no quotes.
fn put_bare(out: &mut String, shape: Shape, name: &str, value: &dyn fmt::Display) {
    put_name(out, shape, name);
    let _ = write!(out, "{value}");
}

/// A field with a text, cut after `VALUE_LIMIT`; for people, quoted only where it would be misread.
fn put_text(out: &mut String, shape: Shape, name: &str, value: &str) {
    put_name(out, shape, name);
    let value = cut(value);
    if shape == Shape::Json {
        // A text always has a JSON form.
        out.push_str(&serde_json::to_string(value).unwrap_or_default());
    } else if value.is_empty() || value.contains([' ', '"', '=']) {
        let _ = write!(out, "\"{}\"", Escaped(value));
    } else {
        escape(out, value);
    }
}

/// The text without what could move the cursor, break the line or turn its direction.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                _ => write_safe(f, c)?,
            }
        }
        Ok(())
    }
}

/// Adds a text without quotes, made safe and cut.
fn escape(out: &mut String, text: &str) {
    for c in cut(text).chars() {
        // Writing to a String cannot fail.
        let _ = write_safe(out, c);
    }
}

/// One character, as an escape if it controls the terminal (V16.4.1 of OWASP ASVS 5).
fn write_safe(out: &mut impl fmt::Write, c: char) -> fmt::Result {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || turns { write!(out, "{}", c.escape_default()) } else { out.write_char(c) }
}

/// The text up to `VALUE_LIMIT` bytes, at a character's edge.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(VALUE_LIMIT)]
}
