//! What can be wrong with the settings, and where each of them came from.

use std::fmt;
use std::path::PathBuf;

/// The source that a setting's value was taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The defaults built into the program (`config/default.toml` of the source tree).
    Default,
    /// Worked out from another setting.
    Derived {
        /// Key of the setting it follows from.
        from: &'static str,
    },
    /// A TOML file.
    File {
        /// The path as it was given.
        path: PathBuf,
        /// Line of the setting, from 1; 0 where the whole file is meant.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its full name, such as `CHANCERY_SERVER__LISTEN`.
        variable: String,
    },
    /// A flag of the command line.
    Flag {
        /// Its name with the dashes, such as `--listen`.
        name: &'static str,
    },
    /// A file that holds nothing but this secret, named by the setting that ends in `_file`.
    SecretFile {
        /// The path as it was given.
        path: PathBuf,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("built-in default"),
            Self::Derived { from } => write!(f, "derived from {from}"),
            Self::File { path, line: 0 } => write!(f, "file {}", path.display()),
            Self::File { path, line } => write!(f, "file {}, line {line}", path.display()),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::Flag { name } => write!(f, "flag {name}"),
            Self::SecretFile { path } => write!(f, "secret file {}", path.display()),
        }
    }
}

/// One thing that is wrong, told so that it can be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting's key, such as `server.listen`; `None` where a whole source is unusable.
    pub key: Option<String>,
    /// The source the value came from.
    pub origin: Origin,
    /// What is wrong. Never holds a secret.
    pub problem: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{key} ({}): {}", self.origin, self.problem)?,
            None => write!(f, "{}: {}", self.origin, self.problem)?,
        }
        write!(f, "\n    {}", self.hint)
    }
}

/// The settings cannot be used. Everything found wrong is listed, not only the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The problems: first those of sources and keys, then of values, section by section.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => f.write_str("the settings have one problem:")?,
            count => write!(f, "the settings have {count} problems:")?,
        }
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
