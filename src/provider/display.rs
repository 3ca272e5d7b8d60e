//! Text that is safe to show in a pane. What a model or a tool wrote may hold terminal escapes; none of them reaches a terminal.

/// At most `max` bytes of `text`, cut between characters, with `…` where something was cut off.
pub fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// The text without control characters and without the characters that reorder text; newlines and tabs stay.
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || reorders(*c))).collect()
}

/// The text on one line of at most `max` bytes: runs of white space become one space, control characters go.
pub fn one_line(text: &str, max: usize) -> String {
    // Clipped first, so that a text of megabytes costs no more than what is shown of it.
    let head = clip(text, max.saturating_mul(4));
    let words: Vec<String> = head.split_whitespace().map(printable).filter(|word| !word.is_empty()).collect();
    clip(&words.join(" "), max)
}

/// The characters that change the direction of what follows them: shown in a pane, they make one command look like another.
fn reorders(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_never_reach_the_pane() {
        assert_eq!(printable("a\u{1b}[2Jb\r\u{7}\u{9b}31mc\td\ne"), "a[2Jb31mc\td\ne");
        assert_eq!(printable("rm \u{202e}x"), "rm x");
        assert_eq!(one_line("  two\n  lines\u{1b}]0;title\u{7} ", 100), "two lines]0;title");
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(clip("aé", 2), "a…");
        assert_eq!(clip("aé", 3), "aé");
        assert_eq!(clip("é", 0), "…");
        assert_eq!(one_line(&"word ".repeat(100_000), 9), "word word…");
    }
}
