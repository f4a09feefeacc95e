//! Attacks on authorization codes and on their proof keys.
