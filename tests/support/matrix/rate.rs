//! Success rates with confidence intervals.

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

    /// Returns the 95 % Wilson confidence interval as a percentage.
    fn interval(self) -> (f64, f64) {
        const Z: f64 = 1.959_964;
        let (n, p) = (self.of.max(1) as f64, self.per_cent() / 100.0);
        let middle = p + Z * Z / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        (100.0 * ((middle - half) / scale).max(0.0), 100.0 * ((middle + half) / scale).min(1.0))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.of == 0 {
            return f.write_str("none");
        }
        let (low, high) = self.interval();
        write!(f, "{} of {}: {:.0} % ({low:.0} to {high:.0})", self.hits, self.of, self.per_cent())
    }
}
