//! Escaping what goes into a page. askama's own escaper looks at one byte after the other; a sealed handle stands in a
//! page four times and has nothing to escape, so what is clean is found by the block and copied.

use std::fmt;

use askama::filters::{Escaper, Html as Careful};

/// Bytes that are looked at together: few enough for registers, and a compiler that makes one comparison of them.
const BLOCK: usize = 32;

/// Escapes what HTML gives a meaning to: `<`, `>`, `&` and both quotes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Html;

impl Escaper for Html {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let mut rest = text;
        while !rest.is_empty() {
            let blocks = rest.as_bytes().chunks(BLOCK).take_while(|block| is_clean(block));
            let clean = rest.floor_char_boundary(blocks.map(<[u8]>::len).sum());
            let (clean, after) = rest.split_at(clean);
            dest.write_str(clean)?;
            let (block, after) = after.split_at(after.ceil_char_boundary(BLOCK));
            Careful.write_escaped_str(&mut dest, block)?;
            rest = after;
        }
        Ok(())
    }
}

/// Without an early end, so that it is done for the whole block at once.
fn is_clean(block: &[u8]) -> bool {
    !block.iter().fold(false, |found, byte| found | matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\''))
}
