//! Row-by-row checks of a pipeline file, beyond what its types enforce.

pub mod components;
pub mod duplicate_list_items;
pub mod empty_strings;
pub mod hops;
pub mod http_requests;
pub mod id_pattern;
pub mod invalid_values;
pub mod match_all_patterns;
pub mod missing_keys;
pub mod names;
pub mod references;
pub mod stages;
pub mod unused_declarations;
