//! `init`: from what was seen to a pipeline's file. Guessing and writing only:
//! nothing is looked at here.

pub mod assign;
pub mod chain;
pub mod clues;
pub mod draft;
pub mod effect;
pub mod form;
pub mod guess;
pub mod ids;
pub mod lines;
pub mod model;
pub mod names;
pub mod parts;
pub mod reach;
pub mod shape;
pub mod sql_text;
pub mod tables;
pub mod times;
pub mod write;

pub use guess::guess;
pub use write::write;

#[cfg(test)]
mod tests;
