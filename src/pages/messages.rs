//! Every text a person reads, in each language we speak.
//!
//! Texts live in `templates/messages/*.ftl` (Fluent). Those without arguments are
//! resolved once, so the common case costs one look-up; the others are formatted
//! when asked for. Which language a person gets is decided in [`negotiate`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

/// Tags looked at in one header or parameter; what follows is ignored.
const TAG_LIMIT: usize = 16;
/// Bytes looked at in one header or parameter; what follows is ignored.
const BYTE_LIMIT: usize = 1024;
/// Longest tag worth comparing, in bytes (RFC 5646 §4.4.1).
const TAG_BYTES: usize = 35;

const FIRST_STRONG_ISOLATE: char = '\u{2068}';
const POP_DIRECTIONAL_ISOLATE: char = '\u{2069}';

/// End-user errors with texts of their own: `error-{kind}`, `-what` and `-next`.
pub const ERROR_KINDS: [&str; 25] = [
    "access-denied",
    "account-unavailable",
    "bad-redirect-uri",
    "clock-skew",
    "cookies-needed",
    "expired",
    "forbidden",
    "form-expired",
    "invalid-request",
    "link-used",
    "login-required",
    "method-not-allowed",
    "not-found",
    "other-browser",
    "post-logout-uri",
    "server-error",
    "tenant-suspended",
    "too-large",
    "too-many-requests",
    "unauthorized-client",
    "unavailable",
    "unknown-client",
    "unknown-tenant",
    "unmet-requirements",
    "unsupported",
];

struct Language {
    tag: &'static str,
    name: &'static str,
    dir: &'static str,
    source: &'static str,
}

// English comes first: it is what a missing text falls back to.
const LANGUAGES: [Language; 3] = [
    Language { tag: "en", name: "English", dir: "ltr", source: include_str!("../../templates/messages/en.ftl") },
    Language { tag: "de", name: "Deutsch", dir: "ltr", source: include_str!("../../templates/messages/de.ftl") },
    Language { tag: "ar", name: "العربية", dir: "rtl", source: include_str!("../../templates/messages/ar.ftl") },
];

static NAMES: [(&str, &str); 3] = [
    (LANGUAGES[0].tag, LANGUAGES[0].name),
    (LANGUAGES[1].tag, LANGUAGES[1].name),
    (LANGUAGES[2].tag, LANGUAGES[2].name),
];

static SPOKEN: LazyLock<[Messages; 3]> = LazyLock::new(|| LANGUAGES.map(|language| Messages::load(&language, None)));

static PSEUDO: LazyLock<Messages> = LazyLock::new(|| {
    let language = Language { tag: "en-XA", name: "Þšéüðö", ..LANGUAGES[0] };
    Messages::load(&language, Some(accented))
});

/// The texts of one language.
pub struct Messages {
    tag: &'static str,
    dir: &'static str,
    plain: HashMap<String, String>,
    bundle: FluentBundle<FluentResource>,
}

/// What an error page says: what it is, what happened, what to do.
#[derive(Clone, Copy, Debug)]
pub struct ErrorTexts {
    /// A few words, for the heading.
    pub title: &'static str,
    /// One plain sentence.
    pub what: &'static str,
    /// The next step.
    pub next: &'static str,
}

impl Messages {
    fn load(language: &Language, transform: Option<fn(&str) -> Cow<'_, str>>) -> Self {
        // Tags of our own table are well formed; the default would be "und".
        let mut bundle = FluentBundle::new_concurrent(vec![language.tag.parse().unwrap_or_default()]);
        // Marks are set by `shown`, only where directions meet.
        bundle.set_use_isolating(false);
        bundle.set_transform(transform);
        // A mistake costs the entries it touches, not the rest; `faults` reports it to a test.
        bundle.add_resource_overriding(parse(language.source).0);
        let plain =
            names(language.source).filter_map(|id| Some((id.to_owned(), resolve(&bundle, id, None)?))).collect();
        Self { tag: language.tag, dir: language.dir, plain, bundle }
    }

    /// The text without arguments; English if this language lacks it, the id if English does too.
    pub fn t<'a>(&'a self, id: &'a str) -> &'a str {
        self.find(id).or_else(|| english().find(id)).unwrap_or(id)
    }

    /// The text without arguments, if this language has it.
    pub fn find(&self, id: &str) -> Option<&str> {
        self.plain.get(id).map(String::as_str)
    }

    /// The sentence that belongs to a title: the text of `{id}-text`.
    pub fn about(&self, id: &str) -> &str {
        self.find(&format!("{id}-text")).unwrap_or_default()
    }

    /// The text with arguments filled in. Values are shown as given, never as markup,
    /// and cannot turn the sentence around them.
    pub fn with(&self, id: &str, args: &[(&str, &str)]) -> String {
        self.fill(id, None, args)
    }

    /// As [`Self::with`], with `$count` choosing the plural.
    pub fn count(&self, id: &str, count: usize, args: &[(&str, &str)]) -> String {
        self.fill(id, Some(count), args)
    }

    /// "5 minutes ago", for the time since something happened.
    pub fn ago(&self, seconds: u64) -> String {
        match seconds {
            0..60 => self.t("ago-now").to_owned(),
            60..3_600 => self.units("ago-minutes", seconds / 60),
            3_600..86_400 => self.units("ago-hours", seconds / 3_600),
            _ => self.units("ago-days", seconds / 86_400),
        }
    }

    /// "5 minutes", rounded up, for a wait or a lifetime.
    pub fn lasting(&self, seconds: u64) -> String {
        match seconds {
            0..=90 => self.units("lasting-seconds", seconds.max(1)),
            91..=5_400 => self.units("lasting-minutes", seconds.div_ceil(60)),
            5_401..=172_800 => self.units("lasting-hours", seconds.div_ceil(3_600)),
            _ => self.units("lasting-days", seconds.div_ceil(86_400)),
        }
    }

    fn units(&self, id: &str, count: u64) -> String {
        self.count(id, usize::try_from(count).unwrap_or(usize::MAX), &[])
    }

    /// The texts of an error of [`ERROR_KINDS`]; any other kind sounds like our own mistake.
    pub fn error(&'static self, kind: &str) -> ErrorTexts {
        let known = ERROR_KINDS.iter().find(|known| **known == kind);
        let kind = known.copied().unwrap_or("server-error");
        let part = |suffix: &str| self.find(&format!("error-{kind}{suffix}")).unwrap_or("");
        ErrorTexts { title: part(""), what: part("-what"), next: part("-next") }
    }

    /// Title and sentence of a standard scope; a tenant's own scopes bring their own.
    pub fn scope(&self, name: &str) -> Option<(&str, &str)> {
        let title = self.find(&format!("scope-{name}"))?;
        Some((title, self.find(&format!("scope-{name}-sentence"))?))
    }

    /// What a registered claim or header member means, in one sentence.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.find(&format!("claim-{name}"))
    }

    /// The language, for `lang`.
    pub fn tag(&self) -> &'static str {
        self.tag
    }

    /// `ltr` or `rtl`, for `dir`.
    pub fn dir(&self) -> &'static str {
        self.dir
    }

    /// Every language on offer: its tag, and its name in itself.
    pub fn languages(&self) -> &'static [(&'static str, &'static str)] {
        &NAMES
    }

    fn fill(&self, id: &str, count: Option<usize>, args: &[(&str, &str)]) -> String {
        let mut values = FluentArgs::with_capacity(args.len() + 1);
        for (name, value) in args {
            values.set(*name, self.shown(value));
        }
        if let Some(count) = count {
            values.set("count", count);
        }
        resolve(&self.bundle, id, Some(&values))
            .or_else(|| resolve(&english().bundle, id, Some(&values)))
            .unwrap_or_else(|| self.t(id).to_owned())
    }

    /// A value as it goes into a sentence: direction marks it brings are dropped, and
    /// it is isolated where it reads the other way than the sentence.
    fn shown<'v>(&self, value: &'v str) -> Cow<'v, str> {
        let foreign = if self.dir == "rtl" {
            !value.chars().all(|c| reads_leftwards(c) || c == ' ')
        } else {
            value.chars().any(reads_leftwards)
        };
        if !foreign && !value.chars().any(steers_direction) {
            return Cow::Borrowed(value);
        }
        let mut text: String = value.chars().filter(|c| !steers_direction(*c)).collect();
        if foreign {
            text.insert(0, FIRST_STRONG_ISOLATE);
            text.push(POP_DIRECTIONAL_ISOLATE);
        }
        Cow::Owned(text)
    }
}

/// The language of one tag, if we speak it.
pub fn language(tag: &str) -> Option<&'static Messages> {
    spoken(tag).and_then(|at| SPOKEN.get(at))
}

/// English: the last resort.
pub fn english() -> &'static Messages {
    &SPOKEN[0]
}

/// English with accents and 40 % longer: what stays plain on a page was hard-coded.
pub fn pseudo() -> &'static Messages {
    &PSEUDO
}

/// The language of a page: what the person chose, the client's wish (`ui_locales`, OpenID
/// Connect Core §3.1.2.1), the browser's `Accept-Language` (RFC 9110 §12.5.4), then the
/// tenant's own. What we do not speak, or cannot read, is passed over.
pub fn negotiate(
    chosen: Option<&str>,
    ui_locales: Option<&str>,
    accept_language: Option<&str>,
    tenant_default: &str,
) -> &'static Messages {
    let wished = |list: &str| bounded(list).split_ascii_whitespace().take(TAG_LIMIT).find_map(spoken);
    chosen
        .and_then(spoken)
        .or_else(|| ui_locales.and_then(wished))
        .or_else(|| accept_language.and_then(accepted))
        .or_else(|| spoken(tenant_default))
        .and_then(|at| SPOKEN.get(at))
        .unwrap_or_else(english)
}

/// Ids of a language's messages, sorted; `None` for a language we do not speak.
pub fn ids(tag: &str) -> Option<Vec<&'static str>> {
    let mut ids: Vec<_> = names(LANGUAGES.get(spoken(tag)?)?.source).collect();
    ids.sort_unstable();
    Some(ids)
}

/// What is wrong with a language's file: lines that do not parse, ids given twice.
pub fn faults(tag: &str) -> Vec<String> {
    let Some(language) = spoken(tag).and_then(|at| LANGUAGES.get(at)) else {
        return vec![format!("no such language: {tag}")];
    };
    let mut faults = parse(language.source).1;
    let ids = ids(tag).unwrap_or_default();
    let twice = ids.windows(2).filter(|pair| pair[0] == pair[1]);
    faults.extend(twice.map(|pair| format!("given twice: {}", pair[0])));
    faults
}

fn parse(source: &str) -> (FluentResource, Vec<String>) {
    match FluentResource::try_new(source.to_owned()) {
        Ok(resource) => (resource, Vec::new()),
        Err((resource, errors)) => (resource, errors.iter().map(|error| error.to_string()).collect()),
    }
}

/// Message ids in order: a message begins with a letter in the first column.
fn names(source: &'static str) -> impl Iterator<Item = &'static str> {
    source
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_alphabetic()))
        .filter_map(|line| line.split_once('=').map(|(id, _)| id.trim_end()))
}

/// `None` if the message is missing, or needs arguments that were not given.
fn resolve(bundle: &FluentBundle<FluentResource>, id: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
    let pattern = bundle.get_message(id)?.value()?;
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, args, &mut errors);
    errors.is_empty().then(|| text.into_owned())
}

/// Place in [`LANGUAGES`] of a tag's primary language (RFC 4647 §3.4, look-up).
fn spoken(tag: &str) -> Option<usize> {
    let well_formed = tag.len() <= TAG_BYTES && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !well_formed {
        return None;
    }
    let primary = tag.split('-').next()?;
    LANGUAGES.iter().position(|language| language.tag.eq_ignore_ascii_case(primary))
}

fn accepted(header: &str) -> Option<usize> {
    let mut best: Option<(usize, f32)> = None;
    for range in bounded(header).split(',').take(TAG_LIMIT) {
        let Some((at, quality)) = weighed(range) else {
            continue;
        };
        // Of equals, the first: `>` rather than `>=`.
        if quality > best.map_or(0.0, |(_, quality)| quality) {
            best = Some((at, quality));
        }
    }
    best.map(|(at, _)| at)
}

fn weighed(range: &str) -> Option<(usize, f32)> {
    let mut parts = range.split(';');
    let at = spoken(parts.next()?.trim())?;
    let Some(weight) = parts.next() else {
        return Some((at, 1.0));
    };
    let quality = weight.trim().strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?;
    let quality: f32 = quality.trim().parse().ok()?;
    (0.0..=1.0).contains(&quality).then_some((at, quality))
}

/// The first kilobyte: longer lists cost no more.
fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(BYTE_LIMIT)).unwrap_or(text)
}

fn reads_leftwards(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

fn steers_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Every letter gets an accent, every second one comes twice.
fn accented(text: &str) -> Cow<'_, str> {
    const PLAIN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const ACCENTED: &str = "áƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýžÁƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽ";
    let mut letters = 0;
    let mut out = String::with_capacity(text.len() * 3);
    for c in text.chars() {
        let swap = PLAIN.chars().zip(ACCENTED.chars()).find(|(plain, _)| *plain == c);
        let Some((_, accented)) = swap else {
            out.push(c);
            continue;
        };
        out.push(accented);
        if letters % 2 == 0 {
            out.push(accented);
        }
        letters += 1;
    }
    Cow::Owned(out)
}
