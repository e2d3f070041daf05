//! Names that are not keywords, for notations that cannot say "but not": a tree of the keywords' letters, turned
//! inside out.

use std::collections::{BTreeMap, BTreeSet};

/// Words by their letters.
#[derive(Default)]
struct Tree {
    ends: bool,
    next: BTreeMap<char, Tree>,
}

/// An expression of characters for all names except the words, whatever their case.
pub(super) fn except(words: &BTreeSet<&str>) -> String {
    let mut root = Tree::default();
    for word in words {
        let mut tree = &mut root;
        for letter in word.chars() {
            tree = tree.next.entry(letter.to_ascii_lowercase()).or_default();
        }
        tree.ends = true;
    }
    ways(&root, true)
}

/// How a name goes on behind what the tree's place stands for. `first`: it has not begun yet.
fn ways(tree: &Tree, first: bool) -> String {
    let free = |c: &char| !tree.next.contains_key(&c.to_ascii_lowercase());
    let all = ('0'..='9').chain('A'..='Z').chain(['_']).chain('a'..='z');
    let others: Vec<char> = all.filter(|c| !(first && c.is_ascii_digit())).filter(free).collect();
    let mut ways = vec![format!("{} [0-9A-Z_a-z]*", class(&others))];
    for (letter, next) in &tree.next {
        let letters = [letter.to_ascii_uppercase(), *letter];
        let more = ways_group(next);
        ways.push(format!("{} {more}", class(&letters)));
    }
    ways.join(" | ")
}

fn ways_group(tree: &Tree) -> String {
    // A name may end where no word does.
    format!("({}){}", ways(tree, false), if tree.ends { "" } else { "?" })
}

/// `[0-9A-Z]`
fn class(characters: &[char]) -> String {
    let mut text = String::from("[");
    let mut rest = characters;
    while let Some(&start) = rest.first() {
        let run = rest.iter().zip(start..).take_while(|(own, expected)| *own == expected).count();
        let end = rest.get(run.saturating_sub(1)).copied().unwrap_or(start);
        text.push(start);
        if run > 2 {
            text.push('-');
        }
        if run > 1 {
            text.push(end);
        }
        rest = rest.get(run..).unwrap_or_default();
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_ranges() {
        assert_eq!(class(&['a', 'b', 'c', 'e', 'x', 'y']), "[a-cexy]");
    }

    #[test]
    fn a_word_needs_more_than_itself() {
        let words = BTreeSet::from(["IF", "IN"]);
        let text = except(&words);
        assert!(text.starts_with("[A-HJ-Z_a-hj-z] [0-9A-Z_a-z]*"), "{text}");
        assert!(text.contains("[Nn] ([0-9A-Z_a-z] [0-9A-Z_a-z]*))"), "IN is no name, INX is: {text}");
    }
}
