//! Measures the functions of Rust source, read as tokens, without those of test modules.

use proc_macro2::{Delimiter, TokenTree};

use crate::rust_paths::{is_keyword, test_module, tokens};

/// A function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// Name of the function.
    pub(crate) name: String,
    /// Line of its `fn`, from 1.
    pub(crate) line: usize,
    /// Lines from `fn` to the closing brace, both included.
    pub(crate) lines: usize,
}

/// Returns every function of `source` outside `#[cfg(test)]` modules, nested ones included.
pub(crate) fn functions(source: &str) -> Vec<Function> {
    let mut found = Vec::new();
    read(&tokens(source), &mut found);
    found
}

fn read(tokens: &[TokenTree], found: &mut Vec<Function>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some(length) = test_module(&tokens[at..]) {
            at += length;
            continue;
        }
        found.extend(function(&tokens[at..]));
        if let TokenTree::Group(group) = token {
            read(&group.stream().into_iter().collect::<Vec<_>>(), found);
        }
        at += 1;
    }
}

/// Returns the function whose `fn` is the first of `tokens`, if it has a body.
fn function(tokens: &[TokenTree]) -> Option<Function> {
    let [keyword, TokenTree::Ident(name), rest @ ..] = tokens else { return None };
    if !is_keyword(keyword, "fn") {
        return None;
    }
    let end = rest.iter().find(|token| is_body(token) || matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';'))?;
    let TokenTree::Group(body) = end else { return None };
    let line = keyword.span().start().line;
    Some(Function { name: name.to_string(), line, lines: body.span_close().end().line - line + 1 })
}

fn is_body(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

#[test]
fn functions_are_measured_with_their_signature_and_without_those_of_tests() {
    let source = "\
trait T {
    fn declared(&self) -> [u8; 2];
}

impl S {
    fn outer<'a>(
        callback: fn(u8) -> u8,
    ) -> u8
    where
        u8: Copy,
    {
        fn inner() {}
        \"fn text() {\";
    }
}

#[cfg(test)]
pub(crate) mod tests {
    fn of_tests() {}
}
";
    let found: Vec<(String, usize, usize)> = functions(source).into_iter().map(|it| (it.name, it.line, it.lines)).collect();
    assert_eq!(found, [("outer".to_owned(), 6, 9), ("inner".to_owned(), 12, 1)]);
}
