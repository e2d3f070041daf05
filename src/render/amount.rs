//! Amounts in human units, rounded: for summaries only. JSON and traces carry exact values.

use super::text::grouped;

/// Data: `812 B`, `1.5 KB`, `31 GB`.
pub(crate) fn data(bytes: u128) -> String {
    scaled(bytes, 1_000, &["B", "KB", "MB", "GB", "TB", "PB", "EB"])
}

/// A count that may be huge: exact with groups below a billion, else `12 billion`.
pub(crate) fn count(count: u128) -> String {
    if count < 1_000_000_000 {
        return grouped(count);
    }
    scaled(count, 1_000, &["", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion"])
}

/// A grouped number in short, where nothing is lost: `10,000,000` is `10M`.
pub(crate) fn rounded(grouped: &str) -> String {
    match grouped
        .strip_suffix(",000,000")
        .map(|millions| (millions, "M"))
        .or(grouped.strip_suffix(",000").map(|thousands| (thousands, "k")))
    {
        Some((number, unit)) if number.chars().all(|digit| digit.is_ascii_digit()) => {
            format!("{number}{unit}")
        }
        _ => grouped.to_owned(),
    }
}

/// Money given in micro-dollars: `$0`, `$0.0042`, `$12.50`.
pub(crate) fn money(micro_dollars: u128) -> String {
    let dollars = micro_dollars.checked_div(1_000_000).unwrap_or(0);
    let fraction = micro_dollars.checked_rem(1_000_000).unwrap_or(0);
    if fraction == 0 {
        return format!("${}", grouped(dollars));
    }
    let digits = format!("{fraction:06}");
    // Cents always have two digits; finer amounts as many as they need.
    let mut kept = digits.trim_end_matches('0').to_owned();
    if kept.len() == 1 {
        kept.push('0');
    }
    format!("${}.{kept}", grouped(dollars))
}

/// A share of a whole: `12%`, `0.4%`, `under 0.1%`, `0%`.
pub(crate) fn share(part: u128, whole: u128) -> Option<String> {
    let per_mille = part.checked_mul(1_000)?.checked_div(whole)?;
    let tenths = per_mille.checked_rem(10)?;
    Some(match per_mille {
        _ if part == 0 => "0%".to_owned(),
        0 => "under 0.1%".to_owned(),
        1..=99 if tenths != 0 => format!("{}.{tenths}%", per_mille.checked_div(10)?),
        _ => format!("{}%", per_mille.checked_div(10)?),
    })
}

/// Width of a gauge.
pub(crate) const GAUGE_CELLS: usize = 8;

/// A small gauge for a share.
pub(crate) fn gauge(part: u128, whole: u128) -> String {
    let filled = part.saturating_mul(GAUGE_CELLS as u128).div_ceil(whole.max(1));
    let filled = usize::try_from(filled).unwrap_or(GAUGE_CELLS).min(GAUGE_CELLS);
    format!("{}{}", "▰".repeat(filled), "▱".repeat(GAUGE_CELLS.saturating_sub(filled)))
}

/// Three significant digits in the greatest unit that leaves a whole number before the point.
fn scaled(value: u128, step: u128, units: &[&str]) -> String {
    let mut whole = value;
    let mut rest = 0;
    let mut unit = units.first().copied().unwrap_or_default();
    for next in units.iter().skip(1) {
        if whole < step {
            break;
        }
        rest = whole.checked_rem(step).unwrap_or(0);
        whole = whole.checked_div(step).unwrap_or(0);
        unit = next;
    }
    let number = match whole {
        0..=9 if rest >= 10 => format!("{whole}.{:02}", rest.checked_div(10).unwrap_or(0)),
        10..=99 if rest >= 100 => format!("{whole}.{}", rest.checked_div(100).unwrap_or(0)),
        _ => whole.to_string(),
    };
    let number =
        if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
    format!("{number} {unit}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_has_three_digits() {
        assert_eq!(data(0), "0 B");
        assert_eq!(data(812), "812 B");
        assert_eq!(data(1_500), "1.5 KB");
        assert_eq!(data(31_415_926_535), "31.4 GB");
        assert_eq!(data(999_999), "999 KB");
        assert_eq!(data(2_004_000), "2 MB");
    }

    #[test]
    fn money_keeps_what_matters() {
        assert_eq!(money(0), "$0");
        assert_eq!(money(4_200), "$0.0042");
        assert_eq!(money(12_500_000), "$12.50");
        assert_eq!(money(1_234_000_000), "$1,234");
    }

    #[test]
    fn shares_are_never_rounded_to_nothing() {
        assert_eq!(share(0, 10).unwrap(), "0%");
        assert_eq!(share(1, 1_000_000).unwrap(), "under 0.1%");
        assert_eq!(share(4, 1_000).unwrap(), "0.4%");
        assert_eq!(share(1, 2).unwrap(), "50%");
        assert_eq!(share(1, 0), None);
    }

    #[test]
    fn a_gauge_shows_that_something_was_used() {
        assert_eq!(gauge(0, 10), "▱▱▱▱▱▱▱▱");
        assert_eq!(gauge(1, 1_000), "▰▱▱▱▱▱▱▱");
        assert_eq!(gauge(20, 10), "▰▰▰▰▰▰▰▰");
    }

    #[test]
    fn round_numbers_are_short() {
        assert_eq!(rounded("10,000,000"), "10M");
        assert_eq!(rounded("100,000"), "100k");
        assert_eq!(rounded("1,234,000"), "1,234,000");
        assert_eq!(rounded("$1,000"), "$1,000");
        assert_eq!(rounded("100"), "100");
    }
}
