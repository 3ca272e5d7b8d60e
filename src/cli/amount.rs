//! Amounts of money, exactly: text to hundredths and back. No floating point.

/// Hundredths of an amount like `12.50`, `-3` or `0.5`.
///
/// # Errors
/// In words, with what would do.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    let refused = || format!("{text:?} is not an amount; write for example 12.50, or -3 for a refund");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty();
    if !number(whole) || !number(part) {
        return Err(refused());
    }
    if part.len() > 2 {
        return Err(format!("{text:?} has more than two places; amounts are in hundredths"));
    }
    let whole: i64 = whole.parse().map_err(|_| refused())?;
    let part: i64 = format!("{part:0<2}").parse().map_err(|_| refused())?;
    whole.checked_mul(100).and_then(|cents| cents.checked_add(part)).map(|cents| sign * cents).ok_or_else(refused)
}

/// `1250` as `12.50`.
pub(crate) fn show(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let size = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_exact() {
        for (text, cents) in [("12.50", 1250), ("12.5", 1250), ("0.29", 29), ("-3", -300), ("1.10", 110), ("007", 700)] {
            assert_eq!(parse(text), Ok(cents), "{text}");
        }
        for bad in ["", "-", ".", "1.", ".5", "1.234", "1,50", "1e3", "+1", "--1", "1.-5", "$5", "９", "92233720368547759"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(cents in -1_000_000_000_000_i64..1_000_000_000_000) {
            prop_assert_eq!(parse(&show(cents)), Ok(cents));
        }
    }
}
