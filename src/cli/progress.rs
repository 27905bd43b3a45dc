use std::io::{self, IsTerminal, Read};

use indicatif::{MultiProgress, ProgressBar, ProgressBarIter, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error while bytes are read; nothing where no terminal shows it.
pub(super) fn of_bytes<R: Read>(input: R, bytes: Option<u64>) -> ProgressBarIter<R> {
    let bar = match bytes {
        _ if !io::stderr().is_terminal() => ProgressBar::hidden(),
        Some(bytes) => ProgressBar::new(bytes).with_style(style("{bar:40} {bytes}/{total_bytes} {eta}")),
        None => ProgressBar::no_length().with_style(style("{spinner} {bytes} {bytes_per_sec}")),
    };
    bar.wrap_read(input)
}

/// Creates a group of bars on standard error; hidden without a terminal.
pub(super) fn of_many() -> MultiProgress {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    MultiProgress::with_draw_target(target)
}

/// Adds a bar for a page-by-page back-fill.
pub(super) fn of_pages(bars: &MultiProgress, name: &str) -> ProgressBar {
    let bar = ProgressBar::no_length().with_style(style("{prefix:26} {bar:30} {pos}/{len} pages {msg} {eta}"));
    bars.add(bar.with_prefix(name.to_owned()))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
