//! Success rates. They have no confidence intervals, because the rows were tuned on most recordings.

use std::fmt;

/// A ratio: hits out of cases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate {
    pub hits: usize,
    pub of: usize,
}

impl Rate {
    pub fn of<T>(items: &[T], hit: impl Fn(&T) -> bool) -> Rate {
        Rate { hits: items.iter().filter(|item| hit(item)).count(), of: items.len() }
    }

    pub fn count(&mut self, hit: bool) {
        self.of += 1;
        self.hits += usize::from(hit);
    }

    /// Returns the rate as a percentage.
    pub fn per_cent(self) -> f64 {
        100.0 * self.hits as f64 / self.of.max(1) as f64
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.of == 0 {
            return f.write_str("none");
        }
        write!(f, "{} of {}: {:.0} %", self.hits, self.of, self.per_cent())
    }
}
