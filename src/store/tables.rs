//! What happens to the rows of each table in the end. A test fails for a table that is not listed here.

/// How long rows stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// As long as the tenant does.
    Tenant,
    /// Until so many seconds after the instant in the named column.
    After {
        /// The column, in whole seconds.
        column: &'static str,
        /// Seconds that the row is kept beyond it.
        seconds: i64,
    },
}

/// A table and the life of its rows.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// How long its rows stay.
    pub retention: Retention,
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

const fn kept(name: &'static str) -> Table {
    Table { name, retention: Retention::Tenant }
}

const fn until(name: &'static str, column: &'static str, seconds: i64) -> Table {
    Table { name, retention: Retention::After { column, seconds } }
}

/// Every table.
pub const TABLES: &[Table] = &[
    kept("tenant"),
    kept("resource"),
    kept("client"),
    kept("account"),
    kept("login_identifier"),
    kept("credential"),
    kept("consent"),
    // The trail itself is kept; its retention per tenant is a setting of a later day.
    kept("audit_event"),
    kept("audit_block"),
    kept("audit_head"),
    // A retired key is kept until the last token it signed is dead, and a day longer for late questions.
    until("signing_key", "verifies_until_at", DAY),
    // Ended sessions stay for the account chooser and the list of sessions.
    until("session", "expires_at", 30 * DAY),
    until("sign_in", "expires_at", HOUR),
    // A code that comes again within a day still ends what it gave (RFC 6749 §4.1.2).
    until("authorization_code", "expires_at", DAY),
    until("token_grant", "expires_at", DAY),
    until("revoked_token", "expires_at", 0),
    until("used_assertion", "expires_at", 0),
    until("one_time_token", "expires_at", 0),
    until("change_notice", "noticed_at", HOUR),
];
