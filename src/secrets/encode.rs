//! The forms in which a secret turns up in text: as it is, in JSON, in an address, in base64 at each of three alignments.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Every form of a secret to look for, without duplicates.
pub fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let json = serde_json::Value::from(secret).to_string();
    let mut forms = vec![bytes.to_vec(), json.as_bytes()[1..json.len() - 1].to_vec(), percent(bytes)];
    for alphabet in [STANDARD, URL_SAFE] {
        forms.extend((0..3).map(|offset| base64_inside(bytes, offset, alphabet)));
    }
    forms.sort();
    forms.dedup();
    forms
}

/// The base64 digits that depend on the secret alone when it stands `offset` bytes (mod 3) into what was encoded: those at its edges
/// are mixed with its neighbours.
fn base64_inside(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let shifted: Vec<u8> = std::iter::repeat_n(0, offset).chain(bytes.iter().copied()).collect();
    let bits = shifted.len() * 8;
    let first = (offset * 8).div_ceil(6);
    (first..bits / 6).map(|digit| alphabet[six_bits(&shifted, digit * 6)]).collect()
}

fn six_bits(bytes: &[u8], at: usize) -> usize {
    let high = usize::from(bytes[at / 8]);
    let low = bytes.get(at / 8 + 1).copied().map_or(0, usize::from);
    (((high << 8) | low) >> (10 - at % 8)) & 0x3f
}

/// As in an address: everything but letters, digits and `-._~` as `%XX`.
fn percent(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else {
            out.extend(format!("%{byte:02X}").bytes());
        }
    }
    out
}

/// Standard base64 with padding; for tests, which need whole texts encoded.
#[cfg(test)]
pub fn base64(bytes: &[u8]) -> String {
    let mut text: Vec<u8> = (0..(bytes.len() * 8).div_ceil(6)).map(|digit| STANDARD[six_bits(bytes, digit * 6)]).collect();
    text.resize(text.len().next_multiple_of(4), b'=');
    String::from_utf8(text).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_base64() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn the_form_is_in_whatever_the_secret_is_encoded_with() {
        let secret = "sk-ant-0123456789";
        let forms = forms(secret);
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "z", "zy"] {
                let encoded = base64(format!("{before}{secret}{after}").as_bytes());
                let hit = forms.iter().any(|form| encoded.as_bytes().windows(form.len()).any(|window| window == form));
                assert!(hit, "{before:?} {after:?}: {encoded}");
            }
        }
    }
}
