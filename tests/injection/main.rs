//! Places hostile text wherever text from outside enters, and runs, parses or reads everything that
//! is then printed. Nothing of it may become more than data.

#[path = "../support/mod.rs"]
mod support;

mod command_line;
// The discoveries are those of `init`'s own tests, which name modules of the program.
#[path = "../../src/init/tests/discoveries.rs"]
#[allow(dead_code, reason = "not all of them are used here")]
mod discoveries;
mod drafts;
mod names;
mod payloads;
mod program;
mod rows;
mod tally;
mod verdicts;
mod world;

use pipeline_doctor::{base, collect, evidence};
