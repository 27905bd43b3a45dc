use std::io::{self, IsTerminal, Read};

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error while bytes are read; nothing where no terminal shows it.
pub(super) fn of_bytes<R: Read>(input: R, bytes: Option<u64>) -> impl Read {
    let bar = match bytes {
        _ if !io::stderr().is_terminal() => ProgressBar::hidden(),
        Some(bytes) => ProgressBar::new(bytes).with_style(style("{bar:40} {bytes}/{total_bytes} {eta}")),
        None => ProgressBar::no_length().with_style(style("{spinner} {bytes} {bytes_per_sec}")),
    };
    bar.wrap_read(input)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
