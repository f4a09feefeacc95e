//! What is told: the middle of all rounds with its range, the ratio to the reference, and what makes a figure
//! doubtful.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::paths::Path;

/// What one round gave, of one server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// CPU of the server, in microseconds per request.
    pub(super) cpu_us: f64,
    /// CPU of PostgreSQL, the same.
    pub(super) database_us: f64,
    /// Half of the answers came within so many milliseconds.
    pub(super) p50_ms: f64,
    /// 99 of 100 did.
    pub(super) p99_ms: f64,
    /// Answers in a second.
    pub(super) rate: f64,
}

type Field = (&'static str, fn(&Round) -> f64);

/// Everything that is told of a round.
const FIELDS: [Field; 5] = [
    ("cpu_us", |round| round.cpu_us),
    ("database_cpu_us", |round| round.database_us),
    ("p50_ms", |round| round.p50_ms),
    ("p99_ms", |round| round.p99_ms),
    ("requests_per_second", |round| round.rate),
];

/// The middle of some values, and their range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    /// The middle.
    pub(super) median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of these values; `None` of none.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let upper = *values.get(middle)?;
        let lower = if values.len().is_multiple_of(2) { *values.get(middle.checked_sub(1)?)? } else { upper };
        Some(Self { median: f64::midpoint(lower, upper), least: *values.first()?, most: *values.last()? })
    }

    fn json(self) -> Value {
        let short = |value: f64| (value * 1000.0).round() / 1000.0;
        json!({ "median": short(self.median), "least": short(self.least), "most": short(self.most) })
    }
}

/// The line of a path.
#[derive(Debug)]
pub(super) struct Line {
    /// Which path.
    pub(super) path: Path,
    /// The rounds of the reference, in their order.
    pub(super) reference: Vec<Round>,
    /// Those of the product.
    pub(super) product: Vec<Round>,
    /// What makes the figures doubtful.
    pub(super) warnings: BTreeSet<String>,
    /// Share of a CPU that others used, in the worst round.
    pub(super) others: f64,
    /// Why they are none at all.
    pub(super) void: Option<String>,
    /// Resident memory of both in KiB, after the last round.
    pub(super) resident_kib: (u64, u64),
    /// Facts of this path alone.
    pub(super) facts: Map<String, Value>,
}

impl Line {
    /// A line without rounds yet.
    pub(super) fn new(path: Path) -> Self {
        Self {
            path,
            reference: Vec::new(),
            product: Vec::new(),
            warnings: BTreeSet::new(),
            others: 0.0,
            void: None,
            resident_kib: (0, 0),
            facts: Map::new(),
        }
    }

    /// Product ÷ reference, round by round.
    fn ratio(&self, field: fn(&Round) -> f64) -> Option<Spread> {
        let pairs = self.product.iter().zip(&self.reference);
        Spread::of(
            pairs
                .filter(|(_, reference)| field(reference) > 0.0)
                .map(|(product, reference)| field(product) / field(reference)),
        )
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let of = |rounds: &[Round], resident: u64| {
            let mut object = Map::new();
            for (name, field) in FIELDS {
                if let Some(spread) = Spread::of(rounds.iter().map(field)) {
                    object.insert(name.to_owned(), spread.json());
                }
            }
            object.insert("resident_kib".to_owned(), resident.into());
            Value::Object(object)
        };
        let ratios = FIELDS.iter().filter_map(|(name, field)| Some(((*name).to_owned(), self.ratio(*field)?.json())));
        json!({
            "path": self.path.name(),
            "void": self.void,
            "warnings": self.warnings,
            "reference": of(&self.reference, self.resident_kib.0),
            "product": of(&self.product, self.resident_kib.1),
            "ratio": Value::Object(ratios.collect()),
            "facts": self.facts,
        })
    }

    /// For people: one line, and one for each doubt.
    pub(super) fn text(&self, postgres: bool) -> String {
        let name = self.path.name();
        if let Some(why) = &self.void {
            return format!("{name:<19} void: {why}");
        }
        let pair = |field: fn(&Round) -> f64, digits: usize| {
            let median = |rounds: &[Round]| Spread::of(rounds.iter().map(field)).map_or(0.0, |spread| spread.median);
            format!("{:>8.digits$} {:>8.digits$}", median(&self.reference), median(&self.product))
        };
        let ratio = |field| match self.ratio(field) {
            Some(Spread { median, least, most }) => format!("{median:>6.2} ({least:.2}–{most:.2})"),
            None => format!("{:>6}", "–"),
        };
        let mut text = format!("{name:<19} {} {:<19}", pair(|round| round.cpu_us, 1), ratio(|round| round.cpu_us));
        if postgres {
            text.push_str(&format!(" {} {:<19}", pair(|round| round.database_us, 1), ratio(|round| round.database_us)));
        }
        for (field, digits) in [(FIELDS[2].1, 2), (FIELDS[3].1, 2), (FIELDS[4].1, 0)] {
            text.push_str(&format!(" {}", pair(field, digits)));
        }
        let mebibytes = |kib: u64| kib as f64 / 1024.0;
        text.push_str(&format!(" {:>6.1} {:>6.1}", mebibytes(self.resident_kib.0), mebibytes(self.resident_kib.1)));
        for (name, value) in &self.facts {
            text.push_str(&format!("\n    {name}: {value}"));
        }
        for warning in &self.warnings {
            text.push_str(&format!("\n    doubtful: {warning}"));
        }
        text
    }
}

/// The heads of the columns: the reference stands before the product.
pub(super) fn heads(postgres: bool) -> String {
    let ratio = |name: &str| format!("{name:>17} {:<19}", "  ratio (range)");
    let mut text = format!("{:<19} {}", "path", ratio("CPU µs/request"));
    if postgres {
        text.push_str(&format!(" {}", ratio("database CPU µs")));
    }
    for name in ["p50 ms", "p99 ms", "requests/s"] {
        text.push_str(&format!(" {name:>17}"));
    }
    text.push_str(&format!(" {:>13}", "memory MiB"));
    text
}

/// How much worse than a stored ratio is a failure.
const TOLERANCE: f64 = 1.5;

/// Compares the CPU ratios with those of an earlier run. Gives what is past the tolerance.
pub(super) fn check(baseline: &Value, lines: &[Line]) -> Vec<String> {
    let mut worse = Vec::new();
    let known = baseline.get("paths").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for line in lines {
        let name = line.path.name();
        if let Some(why) = &line.void {
            worse.push(format!("{name} has no figure: {why}"));
            continue;
        }
        let Some(before) = known.iter().find(|path| path.get("path").and_then(Value::as_str) == Some(name)) else {
            continue;
        };
        for (field, read) in FIELDS.iter().take(2) {
            let stored = before.get("ratio").and_then(|ratio| ratio.get(*field)?.get("median")?.as_f64());
            let (Some(stored), Some(now)) = (stored, line.ratio(*read)) else { continue };
            if now.median > stored * TOLERANCE {
                worse.push(format!("{name}: {field} is {:.2} times the reference, it was {stored:.2}", now.median));
            }
        }
    }
    worse
}
