//! Characters that hide or turn text: refused in names that people compare by eye (Unicode Technical Report 36).
//! Two of them are spelling in some scripts (RFC 5892 Appendix A.1 and A.2).

/// Whether a character cannot be seen, or changes how its neighbours are read.
pub fn is_deceiving(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, grapheme joiner, Arabic letter mark, Mongolian selectors and vowel separator.
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}'
            // Fillers that look like nothing.
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
            // Zero width, direction marks, line and paragraph separators, invisible operators.
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            // Variation selectors and tags.
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a text holds a character that [`is_deceiving`]; but for the two joiners between two letters whose script
/// spells with them, as Persian and Hindi do. Between other letters nobody would see them.
///
/// `Choice:` (RFC 5892 Appendix A.1, A.2) the script decides, not the joining type of the very letters.
pub fn is_deceiving_text(text: &str) -> bool {
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let spelled = matches!(c, '\u{200c}' | '\u{200d}')
            && before.is_some_and(spells_with_joiners)
            && rest.peek().copied().is_some_and(spells_with_joiners);
        if is_deceiving(c) && !spelled {
            return true;
        }
        before = Some(c);
    }
    false
}

/// Letters, and the signs that kill a vowel, of scripts that need the joiners.
fn spells_with_joiners(c: char) -> bool {
    let script = matches!(c,
        // Arabic, Syriac, N'Ko and what extends them.
        '\u{600}'..='\u{74f}' | '\u{750}'..='\u{77f}' | '\u{7c0}'..='\u{7ff}' | '\u{860}'..='\u{8ff}'
        // Devanagari to Sinhala, Myanmar, Khmer, Mongolian.
        | '\u{900}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{18af}');
    let virama = matches!(
        c,
        '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d4d}'
            | '\u{dca}'
            | '\u{1039}'
            | '\u{103a}'
            | '\u{17d2}'
    );
    script && (c.is_alphabetic() || virama)
}
