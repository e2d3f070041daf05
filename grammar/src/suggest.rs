//! Did-you-mean: the candidate a word was most probably meant to be.

/// The candidate nearest to `word`, where one is near enough: at most one slip in a short word, two in a
/// word of six letters or more, where a slip is a letter too many, too few, wrong, or two exchanged. Case
/// does not count as a slip. Of several equally near, the first.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).flat_map(char::to_lowercase).collect();
    let limit = match word.len() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.chars().take(64).flat_map(char::to_lowercase).collect();
        if letters.len().abs_diff(word.len()) > limit {
            continue;
        }
        let slips = distance(&word, &letters);
        if slips <= limit && best.is_none_or(|(least, _)| slips < least) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many slips lie between two words (optimal string alignment).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row.saturating_add(1)];
        for (column, target) in other.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX);
            let behind = column.saturating_add(1);
            let replaced = at(&last, column).saturating_add(usize::from(letter != target));
            let removed = at(&last, behind).saturating_add(1);
            let added = at(&next, column).saturating_add(1);
            let mut least = replaced.min(removed).min(added);
            let exchanged = row.checked_sub(1).and_then(|above| one.get(above)) == Some(target)
                && column.checked_sub(1).and_then(|left| other.get(left)) == Some(letter);
            if exchanged && row > 0 && column > 0 {
                least = least.min(at(&before, column.saturating_sub(1)).saturating_add(1));
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_the_nearest() {
        let words = ["METRIC", "INPUT", "STATE", "TEST", "USE"];
        assert_eq!(closest("METRC", words), Some("METRIC"));
        assert_eq!(closest("imput", words), Some("INPUT"));
        assert_eq!(closest("STAET", words), Some("STATE"));
        assert_eq!(closest("TSET", words), Some("TEST"));
        assert_eq!(closest("ab", words), None);
        assert_eq!(closest("nothing", words), None);
        assert_eq!(closest("", words), None);
    }
}
