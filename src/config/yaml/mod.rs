//! YAML as a tree in which every node knows its line, so that every problem can say where it is.
//!
//! Here: the tree, finding a place in it by path, reading types out of it. Not here: what a file must hold.

mod deserialize;
mod section;
mod tree;

pub(super) use section::{Refusal, Report, Section, line, list_of, text, whole, word};
pub(super) use tree::{Node, Value};

/// The tree of a text that a test is sure of.
#[cfg(test)]
pub(super) fn tree(text: &str) -> Node {
    tree::parse(text).unwrap()
}
