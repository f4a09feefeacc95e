//! What a new account must be like: its user name, its password, the name that is shown — NIST SP 800-63B §3.1.1.2.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::identifier;
use crate::protocol::plain_text::is_deceiving_text;

/// Shortest password, in characters: it is the only factor (NIST SP 800-63B §3.1.1.2).
pub const MIN_PASSWORD: usize = 15;
/// Longest password, in characters.
pub const MAX_PASSWORD: usize = 128;
/// Longest name that is shown, in characters: it stays on two lines.
pub const MAX_NAME: usize = 100;

/// Why an account cannot be made like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// No user name.
    UsernameMissing,
    /// One that cannot be one.
    UsernameInvalid,
    /// Somebody's.
    UsernameTaken,
    /// Too long, or with characters that deceive.
    NameInvalid,
    /// No password.
    PasswordMissing,
    /// Less than [`MIN_PASSWORD`].
    PasswordShort,
    /// More than [`MAX_PASSWORD`].
    PasswordLong,
    /// What is guessed first.
    PasswordCommon,
}

/// An account as somebody wishes it. Whether its user name is free and its password strong is not decided here: the
/// one only the database knows, and the other costs too much to be done on the way.
#[derive(Debug)]
pub struct Wanted {
    /// The user name as typed.
    pub shown: String,
    /// The user name as it is looked up.
    pub username: String,
    /// The name that is shown, if the person told one.
    pub name: Option<String>,
    /// The password.
    pub password: Zeroizing<String>,
}

impl Wanted {
    /// Everything that can be seen at once.
    ///
    /// # Errors
    /// All that is wrong, one problem for each field at most.
    pub fn check(username: Option<&str>, name: Option<&str>, password: Option<&str>) -> Result<Self, Vec<Problem>> {
        let password = Zeroizing::new(password.unwrap_or_default().to_owned());
        let name = name.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let bad_name = name.as_deref().is_some_and(|name| name.chars().count() > MAX_NAME || is_deceiving_text(name));
        let fits = check_password(&password);
        match (check_username(username), bad_name, fits) {
            (Ok((shown, username)), false, Ok(())) => Ok(Self { shown, username, name, password }),
            (username, bad_name, fits) => {
                let name = bad_name.then_some(Problem::NameInvalid);
                Err(username.err().into_iter().chain(name).chain(fits.err()).collect())
            }
        }
    }
}

/// A user name as typed, and as it is looked up.
///
/// # Errors
/// There is none, or it cannot be one.
pub fn check_username(typed: Option<&str>) -> Result<(String, String), Problem> {
    let typed = typed.map(str::trim).filter(|typed| !typed.is_empty()).ok_or(Problem::UsernameMissing)?;
    let normal = identifier::normalise(typed).map_err(|_| Problem::UsernameInvalid)?;
    // As the hint says: so a user name never looks like somebody's mail address.
    let fits = typed.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if fits { Ok((typed.to_owned(), normal)) } else { Err(Problem::UsernameInvalid) }
}

/// The length of a password.
///
/// # Errors
/// It is empty, too short or too long.
pub fn check_password(password: &str) -> Result<(), Problem> {
    match password.chars().count() {
        0 => Err(Problem::PasswordMissing),
        1..MIN_PASSWORD => Err(Problem::PasswordShort),
        MIN_PASSWORD..=MAX_PASSWORD => Ok(()),
        _ => Err(Problem::PasswordLong),
    }
}

/// Whether a password is not among what is guessed first (NIST SP 800-63B §3.1.1.2), the words of its surroundings
/// included: the other fields, the tenant's own name. Takes milliseconds of a core.
pub fn is_strong(password: &str, context: &[&str]) -> bool {
    zxcvbn::zxcvbn(password, context).score() >= zxcvbn::Score::Three
}
