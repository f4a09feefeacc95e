//! One test per row of the attack list, named after its id; and the proof that none is missing.

mod authorization;
mod clients_and_tokens;
mod people_and_tenants;

/// The ids of the attacks that this version stands against or leaves for later.
const IDS: &str = include_str!("ids.txt");
/// Those that need a feature of a later version: id, tab, what brings it.
const LATER: &str = include_str!("later.tsv");

const SOURCES: [&str; 9] = [
    include_str!("authorization/mod.rs"),
    include_str!("authorization/redirect_uri.rs"),
    include_str!("authorization/code.rs"),
    include_str!("clients_and_tokens/mod.rs"),
    include_str!("clients_and_tokens/refresh_token.rs"),
    include_str!("clients_and_tokens/jwt.rs"),
    include_str!("people_and_tenants/mod.rs"),
    include_str!("people_and_tenants/tenants.rs"),
    include_str!("people_and_tenants/http.rs"),
];

#[test]
fn every_attack_has_a_test_named_after_its_id_or_a_line_that_says_what_brings_it() {
    for id in IDS.lines() {
        let test = format!("fn {}_", id.to_lowercase());
        let tested = SOURCES.iter().any(|source| source.contains(&test));
        let later = LATER.lines().any(|line| line.split('\t').next() == Some(id) && line.split('\t').nth(1).is_some_and(|why| !why.is_empty()));
        assert!(tested != later, "{id}: tested {tested}, later {later}");
    }
}
