//! Redacting text that comes in pieces, when a secret may be cut in two.

use super::redact::{MASK, Match, Redactor, SECRET_MIN_BYTES};

/// Takes pieces and gives back what is known to be harmless, in order. It holds back at most the length of the longest secret.
#[derive(Debug)]
pub struct RedactingStream<'a> {
    redactor: &'a Redactor,
    held: Vec<u8>,
    found: bool,
}

impl<'a> RedactingStream<'a> {
    /// A stream from its beginning.
    pub fn new(redactor: &'a Redactor) -> Self {
        Self { redactor, held: Vec::new(), found: false }
    }

    /// Takes the next piece; answers what can be passed on.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        self.take(false)
    }

    /// The stream is over; answers the rest. If that is the beginning of a secret, cut off, it is redacted too.
    pub fn finish(mut self) -> Vec<u8> {
        let cut_off = self.held.len() >= SECRET_MIN_BYTES && matches!(self.redactor.begins(&self.held, false), Match::Unclear);
        if cut_off { MASK.as_bytes().to_vec() } else { self.take(true) }
    }

    /// Whether a whole secret has passed.
    pub(super) fn found(&self) -> bool {
        self.found
    }

    /// The stream is over: whether a whole secret is in what was held back.
    pub(super) fn ends_with_secret(mut self) -> bool {
        self.take(true);
        self.found
    }

    fn take(&mut self, complete: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.held.len());
        let mut at = 0;
        loop {
            let harmless = self.redactor.harmless(&self.held[at..]);
            out.extend_from_slice(&self.held[at..at + harmless]);
            at += harmless;
            let Some(first) = self.held.get(at) else { break };
            match self.redactor.begins(&self.held[at..], complete) {
                Match::No => {
                    out.push(*first);
                    at += 1;
                }
                Match::Whole(length) => {
                    self.found = true;
                    out.extend_from_slice(MASK.as_bytes());
                    at += length;
                }
                Match::Unclear => break,
            }
        }
        self.held.drain(..at);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_cut_anywhere_is_found() {
        let redactor = Redactor::new(["0123456789abcdef", "0123456789"]);
        let text = b"a 0123456789abcdef b 0123456789 c";
        for cut in 0..text.len() {
            let mut stream = RedactingStream::new(&redactor);
            let mut out = stream.push(&text[..cut]);
            out.extend(stream.push(&text[cut..]));
            out.extend(stream.finish());
            assert_eq!(String::from_utf8(out).unwrap(), "a [secret] b [secret] c", "cut at {cut}");
        }
    }

    #[test]
    fn a_secret_whose_end_never_comes_is_not_shown() {
        let redactor = Redactor::new(["0123456789abcdef"]);
        let mut stream = RedactingStream::new(&redactor);
        assert_eq!(stream.push(b"a 0123456789abc"), b"a ");
        assert_eq!(stream.finish(), MASK.as_bytes());
    }

    #[test]
    fn ordinary_text_is_not_held_back() {
        let redactor = Redactor::new(["0123456789abcdef"]);
        let mut stream = RedactingStream::new(&redactor);
        assert_eq!(stream.push(b"line\n"), b"line\n");
        assert_eq!(stream.push(b"0"), b"");
        assert_eq!(stream.push(b"x"), b"0x");
    }

    proptest! {
        /// However a text is cut into pieces, what comes out is the same, and holds no secret.
        #[test]
        fn pieces_do_not_matter(words in proptest::collection::vec("(aab){1,4}|aabaabab|x|é", 0..20), cuts in proptest::collection::vec(1usize..9, 1..30)) {
            let redactor = Redactor::new(["aabaabab", "aabaabaabb"]);
            let text = words.concat();
            let mut stream = RedactingStream::new(&redactor);
            let (mut out, mut rest, mut cuts) = (Vec::new(), text.as_bytes(), cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (piece, left) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                out.extend(stream.push(piece));
                rest = left;
            }
            out.extend(stream.finish());
            let out = String::from_utf8(out).unwrap();
            prop_assert_eq!(&out, &redactor.redact(&text));
            prop_assert!(!out.contains("aabaabab"));
        }
    }
}
