//! Reads Rust source as tokens and lists the paths that it names, with their lines.
//!
//! It reads tokens, not text, so comments and strings are ignored and macro bodies are included.
//! Every path is made absolute: `self` and `super` are resolved, groups are expanded.

use proc_macro2::{Spacing, Span, TokenStream, TokenTree};

/// A path with more than one segment, or the object of a `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// Line of the path, from 1.
    pub(crate) line: usize,
    /// Segments: the first is `crate` for code of this crate, else as written; `*` for a glob.
    pub(crate) segments: Vec<String>,
    /// True if a `pub use` re-exports it.
    pub(crate) re_exported: bool,
    /// True if `as` renames it.
    pub(crate) renamed: bool,
}

/// Returns the tokens of a file.
pub(crate) fn tokens(source: &str) -> Vec<TokenTree> {
    let stream: TokenStream = source.parse().unwrap_or_else(|error| panic!("not Rust: {error}"));
    stream.into_iter().collect()
}

/// Returns every path that `source` names; `module` is the module path of the file.
pub(crate) fn named_paths(source: &str, module: &[&str]) -> Vec<NamedPath> {
    let mut reader = Reader { module: module.iter().map(ToString::to_string).collect(), found: Vec::new() };
    reader.read(&tokens(source));
    reader.found
}

/// Returns the number of lines of `source` outside `#[cfg(test)]` modules.
pub(crate) fn lines_without_tests(source: &str) -> usize {
    let tokens = tokens(source);
    let test_lines = |at: usize| {
        let end = at + test_module(&tokens[at..])? - 1;
        Some(tokens[end].span().end().line - tokens[at].span().start().line + 1)
    };
    source.lines().count() - (0..tokens.len()).filter_map(test_lines).sum::<usize>()
}

/// Returns the number of tokens of the `#[cfg(test)] mod name { ... }` that `tokens` start with.
pub(crate) fn test_module(tokens: &[TokenTree]) -> Option<usize> {
    let [TokenTree::Punct(hash), TokenTree::Group(attribute), rest @ ..] = tokens else { return None };
    if hash.as_char() != '#' || attribute.to_string().replace(' ', "") != "[cfg(test)]" {
        return None;
    }
    let visibility = rest.iter().position(|token| is_keyword(token, "mod"))?;
    let is_visibility = |token: &TokenTree| is_keyword(token, "pub") || matches!(token, TokenTree::Group(_));
    let is_module = rest[..visibility].iter().all(is_visibility) && matches!(rest.get(visibility + 2)?, TokenTree::Group(_));
    is_module.then_some(2 + visibility + 3)
}

/// Returns the tokens inside the `#[cfg(test)]` modules of a file.
pub(crate) fn test_modules(tokens: &[TokenTree]) -> Vec<TokenTree> {
    let bodies = (0..tokens.len()).filter_map(|at| match tokens.get(at + test_module(&tokens[at..])? - 1)? {
        TokenTree::Group(body) => Some(body.stream()),
        _ => None,
    });
    bodies.flatten().collect()
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

    /// `mod name { ... }`: its content is one module deeper.
    fn read_module(&mut self, tokens: &[TokenTree]) -> usize {
        if let [_, TokenTree::Ident(name), TokenTree::Group(body), ..] = tokens {
            self.module.push(name.to_string());
            self.read(&body.stream().into_iter().collect::<Vec<_>>());
            self.module.pop();
            return 3;
        }
        1
    }

    /// `use tree;` or `extern crate name;`. The captures of `impl Trait + use<'a>` are not declarations.
    fn read_use(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let rest = &tokens[at + 1..];
        let Some(length) = rest.iter().position(|token| is_punct(token, ';')) else { return 1 };
        if is_punct(&rest[0], '<') {
            return 1;
        }
        let restricted = at >= 2 && matches!(&tokens[at - 1], TokenTree::Group(_)) && is_word(tokens, at - 2, "pub");
        let re_exported = restricted || is_word(tokens, at.wrapping_sub(1), "pub");
        self.read_tree(&rest[..length], &[], re_exported);
        length + 2
    }

    /// One branch of a `use` tree, or a whole one with commas, under `prefix`.
    fn read_tree(&mut self, tokens: &[TokenTree], prefix: &[String], re_exported: bool) {
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
                        self.read_tree(&group.stream().into_iter().collect::<Vec<_>>(), &segments, re_exported);
                    }
                    _ => {}
                }
                at += 1;
            }
            if !opened {
                if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
                    segments.pop();
                }
                self.push(branch[0].span(), segments, re_exported, at < branch.len());
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

    /// Attributes such as serde's have paths in quotes.
    fn read_quoted(&mut self, literal: &str, span: Span) {
        let text = literal.trim_matches('"');
        if ["crate::", "self::", "super::", "market_stress::"].iter().any(|start| text.starts_with(start)) {
            self.push(span, text.split("::").map(ToOwned::to_owned).collect(), false, false);
        }
    }

    fn push(&mut self, span: Span, segments: Vec<String>, re_exported: bool, renamed: bool) {
        let segments = self.absolute(segments);
        self.found.push(NamedPath { line: span.start().line, segments, re_exported, renamed });
    }

    fn absolute(&self, segments: Vec<String>) -> Vec<String> {
        let own = |depth: usize, rest: &[String]| {
            let parents = &self.module[..self.module.len().saturating_sub(depth)];
            [&["crate".to_owned()][..], parents, rest].concat()
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

/// Returns true if the token is this keyword or identifier.
pub(crate) fn is_keyword(token: &TokenTree, wanted: &str) -> bool {
    matches!(token, TokenTree::Ident(word) if word == wanted)
}

fn is_word(tokens: &[TokenTree], at: usize, wanted: &str) -> bool {
    tokens.get(at).is_some_and(|token| is_keyword(token, wanted))
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
        .map(|path| (path.line, path.segments.join("::"), path.re_exported, path.renamed))
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
