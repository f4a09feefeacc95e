//! One test per row of the attack list, named after its id; and the proof that none is missing.

mod authorization;
mod clients_and_tokens;
mod people_and_tenants;

/// The ids of the attacks that this version stands against or leaves for later.
const IDS: &str = include_str!("ids.txt");
/// Those that need a feature of a later version: id, tab, what brings it.
const LATER: &str = include_str!("later.tsv");

const SOURCES: &[&str] = &[
    include_str!("../outbound.rs"),
    include_str!("../listener.rs"),
    include_str!("authorization/answer.rs"),
    include_str!("authorization/code.rs"),
    include_str!("authorization/mod.rs"),
    include_str!("authorization/proof_key.rs"),
    include_str!("authorization/redirect_uri.rs"),
    include_str!("clients_and_tokens/assertion.rs"),
    include_str!("clients_and_tokens/bearer.rs"),
    include_str!("clients_and_tokens/forge.rs"),
    include_str!("clients_and_tokens/jwt.rs"),
    include_str!("clients_and_tokens/mod.rs"),
    include_str!("clients_and_tokens/oidc.rs"),
    include_str!("clients_and_tokens/refresh_token.rs"),
    include_str!("clients_and_tokens/revocation_introspection.rs"),
    include_str!("clients_and_tokens/token_use.rs"),
    include_str!("people_and_tenants/consent.rs"),
    include_str!("people_and_tenants/faults.rs"),
    include_str!("people_and_tenants/http.rs"),
    include_str!("people_and_tenants/matrix.rs"),
    include_str!("people_and_tenants/mod.rs"),
    include_str!("people_and_tenants/passwords.rs"),
    include_str!("people_and_tenants/registration.rs"),
    include_str!("people_and_tenants/tenants.rs"),
];

#[test]
fn every_attack_has_a_test_named_after_its_id_or_a_line_that_says_what_brings_it() {
    for id in IDS.lines() {
        // The id stands in the name of a test: at its beginning, or behind another id.
        let (first, second) = (format!("fn {}_", id.to_lowercase()), format!("_{}_", id.to_lowercase()));
        let names = |source: &&str| {
            source.lines().any(|line| line.contains("fn ") && (line.contains(&first) || line.contains(&second)))
        };
        let tested = SOURCES.iter().any(names);
        let later = LATER.lines().any(|line| {
            line.split('\t').next() == Some(id) && line.split('\t').nth(1).is_some_and(|why| !why.is_empty())
        });
        assert!(tested != later, "{id}: tested {tested}, later {later}");
    }
}
