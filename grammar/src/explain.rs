//! What was expected and what was found, in a governor's words: made from classes of tokens, never from the
//! parser's list of all that could have stood there.

use crate::token::{Lexeme, Token};

/// The tokens the parser could have taken, asked by class.
pub(crate) struct Expected<'a>(pub(crate) &'a [String]);

impl Expected<'_> {
    /// Whether a keyword or sign could have stood there.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.0.iter().any(|name| name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) == Some(text))
    }

    fn has_class(&self, class: &str) -> bool {
        self.0.iter().any(|name| name == class)
    }

    /// Whether a value could have begun there.
    pub(crate) fn value(&self) -> bool {
        self.has_class("Number") && self.has("TRUE") && self.has("(")
    }

    /// Whether a name could have stood there.
    pub(crate) fn name(&self) -> bool {
        self.has_class("Name")
    }

    /// Whether a name that may also be a soft word could have stood there.
    pub(crate) fn any_name(&self) -> bool {
        self.name() && self.has("EACH")
    }

    /// Whether a statement could have begun there.
    pub(crate) fn statement(&self) -> bool {
        self.has("BREAK") && self.has("LET")
    }

    /// Whether an operator could have gone on with a value.
    pub(crate) fn operator(&self) -> bool {
        self.has("*") || self.has("==")
    }

    /// The keywords that could have stood there.
    pub(crate) fn keywords(&self) -> impl Iterator<Item = &str> {
        let quoted =
            self.0.iter().filter_map(|name| name.strip_prefix('"').and_then(|name| name.strip_suffix('"')));
        quoted.filter(|text| text.bytes().all(|byte| byte.is_ascii_alphabetic()))
    }

    /// The one token that had to stand there, as it is written.
    pub(crate) fn only(&self) -> Option<&str> {
        match self.0 {
            [only] => only.strip_prefix('"').and_then(|only| only.strip_suffix('"')),
            _ => None,
        }
    }

    /// What was expected, in words.
    pub(crate) fn describe(&self, previous: Option<Token>) -> String {
        let words = match () {
            () if self.operator() => return self.describe_behind_value(),
            () if self.value() && self.has("LET") => "a condition",
            () if self.value() => "a value",
            () if self.statement() && self.has("}") => "a statement or `}`",
            () if self.statement() => "a statement",
            () if !self.name() && self.has("DEADLINE") => "a clause such as DEADLINE, BUDGET or TARGET",
            () if !self.name() && self.has("THEN") && self.has("{") => "THEN or `{`",
            () if !self.name() && self.has("{") && self.has("MAX") => "`{`",
            () if !self.name() && self.has("WHEN") && self.has("}") => "WHEN or `}`",
            () if !self.name() && self.has("GIVEN") => "GIVEN, RUN or EXPECT",
            () if !self.name() && self.has("FUNC") => "the next declaration",
            () if self.name() && self.has("}") => "a name or `}`",
            () if self.name() && matches!(previous, Some(Token::Colon | Token::Arrow | Token::Less)) => {
                "a type"
            }
            () if self.name() => "a name",
            () => return self.list(),
        };
        words.to_owned()
    }

    fn describe_behind_value(&self) -> String {
        let words = match () {
            () if self.has("THEN") && self.has("{") => "THEN or `{` behind the condition",
            () if self.has("AGENTS") => "AGENTS",
            () if self.has("THEN") => "THEN",
            () if self.has(")") && self.has(",") => "`,` or `)`",
            () if self.has(")") => "`)`",
            () if self.has("]") && self.has(",") => "`,` or `]`",
            () if self.has("]") => "`]`",
            () if self.has("=") && self.has("+=") && self.has("(") => "`=` or `(`",
            () if self.has("}") => "an operator or the next statement",
            () if self.has("FOR") && !self.has("}") => "FOR",
            () if self.has("{") => "`{`",
            () if self.has("ELSE") => "ELSE",
            () if self.has("BECAUSE") => "BECAUSE",
            () => "an operator or the end of the line",
        };
        words.to_owned()
    }

    /// A short list as it is, a long one by its beginning.
    fn list(&self) -> String {
        let show = |name: &String| match name.as_str() {
            "Text" => "a text in quotes".to_owned(),
            "Number" => "a number".to_owned(),
            other => match other.strip_prefix('"').and_then(|other| other.strip_suffix('"')) {
                Some(text) if text.bytes().all(|byte| byte.is_ascii_alphabetic()) => text.to_owned(),
                Some(text) => format!("`{text}`"),
                None => other.to_owned(),
            },
        };
        let mut shown: Vec<String> =
            self.0.iter().filter(|name| *name != "Bad" && *name != "HOLE").map(show).take(6).collect();
        shown.dedup();
        match (shown.pop(), shown.is_empty()) {
            (Some(last), true) => last,
            (Some(last), false) => format!("{} or {last}", shown.join(", ")),
            (None, _) => "nothing more".to_owned(),
        }
    }
}

/// What was found, in words.
pub(crate) fn found(text: &str, lexeme: Option<Lexeme>) -> String {
    let Some(lexeme) = lexeme else { return "the end of the declaration".to_owned() };
    let written = text.get(lexeme.start as usize..lexeme.end as usize).unwrap_or("");
    let short: String = written.chars().take(40).collect();
    let short = if short.len() < written.len() { format!("{short}…") } else { short };
    match lexeme.token {
        Token::Name => format!("the name `{short}`"),
        Token::Number => format!("the number `{short}`"),
        Token::String => "a string".to_owned(),
        token if token.is_aggregate() || token.is_reserved() => short.to_ascii_uppercase(),
        token if token.is_soft() => format!("the word `{short}`"),
        Token::ReturnNothing => "RETURN".to_owned(),
        _ => format!("`{short}`"),
    }
}
