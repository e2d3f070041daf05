//! The few colours there are. Text is always styled; the terminal takes styles out where they do not belong.

use anstyle::{Ansi256Color, AnsiColor, Style};

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// What matters.
pub(crate) fn bold(text: &str) -> String {
    paint(Style::new().bold(), text)
}

/// What may be overlooked.
pub(crate) fn dim(text: &str) -> String {
    paint(Style::new().dimmed(), text)
}

/// What is well.
pub(crate) fn good(text: &str) -> String {
    paint(AnsiColor::Green.on_default().bold(), text)
}

/// What deserves a look.
pub(crate) fn warning(text: &str) -> String {
    paint(AnsiColor::Yellow.on_default().bold(), text)
}

/// What is wrong.
pub(crate) fn error(text: &str) -> String {
    paint(AnsiColor::Red.on_default().bold(), text)
}

/// What helps.
pub(crate) fn help(text: &str) -> String {
    paint(AnsiColor::Cyan.on_default().bold(), text)
}

/// A name: of an action, a file, a capability.
pub(crate) fn name(text: &str) -> String {
    paint(AnsiColor::Cyan.on_default(), text)
}

/// The margin of quoted source, as the drawing has it.
pub(crate) fn margin(text: &str) -> String {
    paint(Ansi256Color(246).on_default(), text)
}
