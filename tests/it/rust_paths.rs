//! Reads Rust source as tokens and says which paths it names, on which line.
//!
//! Works on tokens and not on text, so comments and strings cannot fool it and macro bodies are read
//! too. Every path is made absolute: `self` and `super` are resolved, groups are opened.

use proc_macro2::{Group, Spacing, Span, TokenStream, TokenTree};

/// A path with more than one segment, or the object of a `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// The line it stands on, from 1.
    pub(crate) line: usize,
    /// Its segments: the first is `crate` for our own code, else what stands first; `*` for a glob.
    pub(crate) segments: Vec<String>,
    /// Whether a `pub use` hands it on.
    pub(crate) handed_on: bool,
    /// Whether `as` gives it another name.
    pub(crate) renamed: bool,
}

/// The tokens of a file.
pub(crate) fn tokens(source: &str) -> Vec<TokenTree> {
    let stream: TokenStream = source.parse().unwrap_or_else(|error| panic!("not Rust: {error}"));
    stream.into_iter().collect()
}

/// Every path that `source` names, where `module` is the place of the file in the crate.
pub(crate) fn named_paths(source: &str, module: &[&str]) -> Vec<NamedPath> {
    let mut reader = Reader { module: module.iter().map(ToString::to_string).collect(), found: Vec::new() };
    reader.read(&tokens(source));
    reader.found
}

/// The `#[cfg(test)]` modules of a file: of each the `#` of its attribute and its body.
fn tests_among(tokens: &[TokenTree]) -> impl Iterator<Item = (&TokenTree, &Group)> {
    tokens.windows(5).filter_map(|five| match five {
        [hash, TokenTree::Group(attribute), TokenTree::Ident(word), TokenTree::Ident(_), TokenTree::Group(body)]
            if is_punct(hash, '#') && word == "mod" && attribute.to_string().replace(' ', "") == "[cfg(test)]" =>
        {
            Some((hash, body))
        }
        _ => None,
    })
}

/// The tokens inside of the `#[cfg(test)]` modules of a file.
pub(crate) fn test_modules(tokens: &[TokenTree]) -> Vec<TokenTree> {
    tests_among(tokens).flat_map(|(_, body)| body.stream()).collect()
}

/// How many lines of `source` are not in a `#[cfg(test)]` module.
pub(crate) fn lines_without_tests(source: &str) -> usize {
    let tokens = tokens(source);
    let lines = |(hash, body): (&TokenTree, &Group)| body.span_close().end().line - hash.span().start().line + 1;
    source.lines().count() - tests_among(&tokens).map(lines).sum::<usize>()
}

struct Reader {
    module: Vec<String>,
    found: Vec<NamedPath>,
}

impl Reader {
    fn read(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += match token {
                TokenTree::Ident(word) if word == "mod" => self.read_module(&tokens[at..]),
                TokenTree::Ident(word) if word == "use" => self.read_use(tokens, at),
                TokenTree::Ident(word) if word == "crate" && is_word(tokens, at.wrapping_sub(1), "extern") => {
                    self.read_use(tokens, at)
                }
                TokenTree::Ident(_) => self.read_inline(&tokens[at..]),
                TokenTree::Group(group) => {
                    self.read(&group.stream().into_iter().collect::<Vec<_>>());
                    1
                }
                TokenTree::Literal(literal) => {
                    self.read_quoted(&literal.to_string(), literal.span());
                    1
                }
                TokenTree::Punct(_) => 1,
            };
        }
    }

    /// `mod name { ... }`: what is inside is one place deeper.
    fn read_module(&mut self, tokens: &[TokenTree]) -> usize {
        if let [_, TokenTree::Ident(name), TokenTree::Group(body), ..] = tokens {
            self.module.push(name.to_string());
            self.read(&body.stream().into_iter().collect::<Vec<_>>());
            self.module.pop();
            return 3;
        }
        1
    }

    /// `use tree;` or `extern crate name;`. The captures of `impl Trait + use<'a>` are no declaration.
    fn read_use(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let rest = &tokens[at + 1..];
        let Some(length) = rest.iter().position(|token| is_punct(token, ';')) else { return 1 };
        if is_punct(&rest[0], '<') {
            return 1;
        }
        let restricted = at >= 2 && matches!(&tokens[at - 1], TokenTree::Group(_)) && is_word(tokens, at - 2, "pub");
        let handed_on = restricted || is_word(tokens, at.wrapping_sub(1), "pub");
        self.read_tree(&rest[..length], &[], handed_on);
        length + 2
    }

    /// One branch of a `use` tree, or a whole one with commas, under `prefix`.
    fn read_tree(&mut self, tokens: &[TokenTree], prefix: &[String], handed_on: bool) {
        for branch in tokens.split(|token| is_punct(token, ',')).filter(|branch| !branch.is_empty()) {
            let mut segments = prefix.to_vec();
            let mut at = 0;
            let mut opened = false;
            while let Some(token) = branch.get(at) {
                match token {
                    TokenTree::Ident(word) if word == "as" => break,
                    TokenTree::Ident(word) => segments.push(word.to_string()),
                    TokenTree::Punct(punct) if punct.as_char() == '*' => segments.push("*".to_owned()),
                    TokenTree::Group(group) => {
                        opened = true;
                        self.read_tree(&group.stream().into_iter().collect::<Vec<_>>(), &segments, handed_on);
                    }
                    _ => {}
                }
                at += 1;
            }
            if !opened {
                if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
                    segments.pop();
                }
                self.push(branch[0].span(), segments, handed_on, at < branch.len());
            }
        }
    }

    /// `a::b::c` in an expression, a type, an attribute or a macro.
    fn read_inline(&mut self, tokens: &[TokenTree]) -> usize {
        let mut segments = vec![tokens[0].to_string()];
        let mut at = 1;
        while is_separator(tokens, at)
            && let Some(TokenTree::Ident(word)) = tokens.get(at + 2)
        {
            segments.push(word.to_string());
            at += 3;
        }
        if segments.len() > 1 {
            self.push(tokens[0].span(), segments, false, false);
        }
        at
    }

    /// Attributes such as serde's carry paths in quotes.
    fn read_quoted(&mut self, literal: &str, span: Span) {
        let text = literal.trim_matches('"');
        if ["crate::", "self::", "super::", "market_stress::"].iter().any(|start| text.starts_with(start)) {
            self.push(span, text.split("::").map(ToOwned::to_owned).collect(), false, false);
        }
    }

    fn push(&mut self, span: Span, segments: Vec<String>, handed_on: bool, renamed: bool) {
        let segments = self.absolute(segments);
        self.found.push(NamedPath { line: span.start().line, segments, handed_on, renamed });
    }

    fn absolute(&self, segments: Vec<String>) -> Vec<String> {
        let own = |depth: usize, rest: &[String]| {
            let kept = &self.module[..self.module.len().saturating_sub(depth)];
            [&["crate".to_owned()][..], kept, rest].concat()
        };
        let supers = segments.iter().skip(usize::from(segments[0] == "self")).take_while(|segment| *segment == "super").count();
        match segments[0].as_str() {
            "market_stress" => own(self.module.len(), &segments[1..]),
            "self" => own(supers, &segments[1 + supers..]),
            "super" => own(supers, &segments[supers..]),
            _ => segments,
        }
    }
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_word(tokens: &[TokenTree], at: usize, wanted: &str) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == wanted)
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(first)) if first.as_char() == ':' && first.spacing() == Spacing::Joint)
        && tokens.get(at + 1).is_some_and(|second| is_punct(second, ':'))
}

#[test]
fn comments_strings_and_captures_name_nothing() {
    let source = r#"
        //! crate::ingest::X
        /* use crate::api; */
        fn f<'a>() -> impl Iterator + use<'a> { println!("see crate::api::X"); let store = 1; store }
    "#;
    assert_eq!(named_paths(source, &["metrics"]), []);
}

#[test]
fn groups_globs_and_relative_paths_become_absolute() {
    let source = "pub use super::{self, block::{Block as B, *}};\nmod tests { fn f() { super::super::x::y(); } }";
    let read: Vec<(usize, String, bool, bool)> = named_paths(source, &["market", "column"])
        .into_iter()
        .map(|path| (path.line, path.segments.join("::"), path.handed_on, path.renamed))
        .collect();
    let expected = [
        (1, "crate::market".to_owned(), true, false),
        (1, "crate::market::block::Block".to_owned(), true, true),
        (1, "crate::market::block::*".to_owned(), true, false),
        (2, "crate::market::x::y".to_owned(), false, false),
    ];
    assert_eq!(read, expected);
}

#[test]
fn lines_of_test_modules_are_not_counted() {
    assert_eq!(lines_without_tests("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n"), 2);
    assert_eq!(lines_without_tests("fn a() {}\nmod b {\n}\n"), 3);
}
