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
    /// The part of `cpu_us` that came after the last answer.
    pub(super) put_off_us: f64,
    /// Half of the answers came within so many milliseconds.
    pub(super) p50_ms: f64,
    /// 99 of 100 did.
    pub(super) p99_ms: f64,
    /// Answers in a second.
    pub(super) rate: f64,
}

type Field = (&'static str, fn(&Round) -> f64);

/// Everything that is told of a round.
const FIELDS: [Field; 6] = [
    ("cpu_us", |round| round.cpu_us),
    ("database_cpu_us", |round| round.database_us),
    ("p50_ms", |round| round.p50_ms),
    ("p99_ms", |round| round.p99_ms),
    ("requests_per_second", |round| round.rate),
    ("cpu_us_put_off", |round| round.put_off_us),
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
    /// What a special kind of run compares: "1000 tenants". Empty for the product beside the bare reference.
    pub(super) with: String,
    /// The rounds of the reference, in their order. In a special kind of run, of the product in its plain state.
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
    pub(super) fn new(path: Path, with: &str) -> Self {
        Self {
            path,
            with: with.to_owned(),
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

    /// How many times more requests were answered in a second than by the reference.
    pub(super) fn times_the_rate(&self) -> f64 {
        self.ratio(|round| round.rate).map_or(0.0, |spread| spread.median)
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
            "with": self.with,
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
        text + &self.remarks()
    }

    /// For people: answers alone, where the CPU time is not that of these requests.
    pub(super) fn text_of_answers(&self) -> String {
        let mut text = format!("{:<19}", self.path.name());
        if let Some(why) = &self.void {
            return format!("{text} void: {why}");
        }
        let median = |rounds: &[Round], field| Spread::of(rounds.iter().map(field)).map_or(0.0, |spread| spread.median);
        for (field, digits) in [(FIELDS[2].1, 2), (FIELDS[3].1, 2), (FIELDS[4].1, 0)] {
            let ratio = self.ratio(field).map_or(0.0, |spread| spread.median);
            let (quiet, pressed) = (median(&self.reference, field), median(&self.product, field));
            text.push_str(&format!(" {quiet:>8.digits$} {pressed:>8.digits$} {ratio:>6.2}"));
        }
        text + &self.remarks()
    }

    fn remarks(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.facts {
            text.push_str(&format!("\n    {name}: {value}"));
        }
        for warning in &self.warnings {
            text.push_str(&format!("\n    doubtful: {warning}"));
        }
        text
    }
}

/// The heads of the columns of [`Line::text_of_answers`].
pub(super) fn heads_of_answers() -> String {
    let mut text = format!("{:<19}", "path");
    for name in ["p50 ms", "p99 ms", "requests/s"] {
        text.push_str(&format!(" {name:>17} {:>6}", "ratio"));
    }
    text
}

/// A figure: the head of its column, the figure, and how many digits are shown after the point.
pub(super) type Fact = (&'static str, f64, usize);

/// What a kind of run found.
pub(super) struct Findings {
    /// The flag that asks for it.
    pub(super) name: &'static str,
    /// Rows of figures that belong to no path, all with the same heads.
    pub(super) facts: Vec<Vec<Fact>>,
    /// The paths.
    pub(super) lines: Vec<Line>,
}

impl Findings {
    /// For programs.
    pub(super) fn json(&self) -> Value {
        let short = |value: f64| (value * 1000.0).round() / 1000.0;
        let row = |row: &Vec<Fact>| {
            row.iter().map(|(head, value, _)| (head.replace(' ', "_"), short(*value).into())).collect::<Map<_, Value>>()
        };
        json!({
            "facts": self.facts.iter().map(row).collect::<Vec<_>>(),
            "lines": self.lines.iter().map(Line::json).collect::<Vec<_>>(),
        })
    }

    /// The figures that belong to no path, for people.
    pub(super) fn text(&self) -> String {
        let heads = self.facts.first().into_iter().flatten().map(|(head, ..)| format!("{head:>10}"));
        let mut text = heads.collect::<Vec<_>>().join("  ");
        for row in &self.facts {
            let figures = row.iter().map(|(head, value, digits)| {
                let text = if value.is_finite() { format!("{value:.digits$}") } else { "–".to_owned() };
                format!("{text:>0$}", head.len().max(10))
            });
            text = format!("{text}\n{}", figures.collect::<Vec<_>>().join("  "));
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
pub(super) fn check<'a>(baseline: &Value, lines: impl Iterator<Item = &'a Line>) -> Vec<String> {
    let mut worse = Vec::new();
    let text = |path: &Value, name: &str| path.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let known = known_lines(baseline);
    for line in lines {
        let name = [line.path.name(), &line.with].join(" ").trim_end().to_owned();
        if let Some(why) = &line.void {
            worse.push(format!("{name} has no figure: {why}"));
            continue;
        }
        let same = |path: &&&Value| text(path, "path") == line.path.name() && text(path, "with") == line.with;
        let Some(before) = known.iter().find(same) else { continue };
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

/// The lines of an earlier run, those of special kinds included.
fn known_lines(baseline: &Value) -> Vec<&Value> {
    let kinds = baseline.get("kinds").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let lists = kinds.map(|kind| kind.get("lines")).chain([baseline.get("paths")]);
    lists.flatten().filter_map(Value::as_array).flatten().collect()
}
