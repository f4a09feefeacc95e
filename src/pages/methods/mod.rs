//! Methods by which a person proves who they are: one module each, behind one trait. The engine decides when a
//! method is asked for; the interaction pages carry its answers; neither knows what it does.

mod password;

use async_trait::async_trait;

use super::answer::PageFailure;
use super::browser::Browser;
use crate::call::Call;
use crate::protocol::params::Params;
use crate::protocol::user::User;
use crate::sign_in::engine::Notice;
use crate::store::Change;

/// What came of an attempt.
#[expect(clippy::large_enum_variant, reason = "one is made for each sign-in and taken apart at once")]
pub enum Attempt {
    /// The person proved who they are; the change belongs to the same transaction.
    Proven {
        /// Who.
        user: User,
        /// What else is to be written.
        change: Change,
    },
    /// Not this time.
    Refused {
        /// What to tell.
        notice: Notice,
        /// What was typed and may be shown again.
        typed: Option<String>,
    },
}

/// A way to prove who one is.
#[async_trait]
pub trait Method: Send + Sync {
    /// Its name in addresses: `/interaction/{id}/{name}`.
    fn name(&self) -> &'static str;
    /// Its name in `amr` (RFC 8176 §2).
    fn amr(&self) -> &'static str;
    /// Looks at what the person sent.
    async fn attempt(&self, call: &Call, browser: &Browser, form: &Params) -> Result<Attempt, PageFailure>;
}

/// Every method that there is.
static METHODS: [&dyn Method; 1] = [&password::Password];

/// The method with this name.
pub fn by_name(name: &str) -> Option<&'static dyn Method> {
    METHODS.into_iter().find(|method| method.name() == name)
}
