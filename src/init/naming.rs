//! Splits names into words, compares them, and forms singulars and plurals.

/// Generic words that do not distinguish one name from another.
const GENERIC: [&str; 16] = [
    "worker",
    "workers",
    "service",
    "svc",
    "consumer",
    "consumers",
    "handler",
    "processor",
    "job",
    "jobs",
    "events",
    "event",
    "app",
    "the",
    "topic",
    "group",
];

/// Splits a name into lower-case words, at punctuation and before capital letters.
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut before = '_';
    for letter in name.chars() {
        if letter.is_uppercase() && before.is_lowercase() || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Converts a name to snake case: `orderId`, `order-id` → `order_id`.
pub fn snake(name: &str) -> String {
    words(name).join("_")
}

/// Returns the singular: `orders` → `order`, `deliveries` → `delivery`.
pub fn singular(name: &str) -> String {
    match name {
        _ if name.ends_with("ies") => format!("{}y", &name[..name.len() - 3]),
        _ if name.ends_with("sses") || name.ends_with("xes") || name.ends_with("ches") => {
            name[..name.len() - 2].to_string()
        }
        _ if name.ends_with('s') && !name.ends_with("ss") && name.len() > 2 => {
            name[..name.len() - 1].to_string()
        }
        _ => name.to_string(),
    }
}

/// Returns the plural: `order` → `orders`.
pub fn plural(name: &str) -> String {
    match name.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if name.ends_with(['s', 'x']) || name.ends_with("ch") => format!("{name}es"),
        _ => format!("{name}s"),
    }
}

/// Returns the similarity of two names, from 0 to 1. It is the similarity of their two most similar
/// words, which must share a prefix (`shipping`, `shipments`). Generic words are ignored.
pub fn similarity(one: &str, other: &str) -> f64 {
    let specific = |name: &str| -> Vec<String> {
        let all = words(name);
        all.into_iter().filter(|word| !GENERIC.contains(&word.as_str())).collect()
    };
    let (one, other) = (specific(one), specific(other));
    let word_similarity = |a: &String, b: &String| {
        let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
        let shorter = singular(a).chars().count().min(singular(b).chars().count());
        if common >= 4 || (common >= 3 && common == shorter) {
            common as f64 / a.chars().count().max(b.chars().count()) as f64
        } else {
            0.0
        }
    };
    let best = |a: &String| other.iter().map(|b| word_similarity(a, b)).fold(0.0, f64::max);
    one.iter().map(best).fold(0.0, f64::max)
}

/// Removes generic words from a name: `payment-worker` → `payment`.
pub fn subject(name: &str) -> String {
    let all = words(name);
    let specific: Vec<&str> = all.iter().map(String::as_str).filter(|word| !GENERIC.contains(word)).collect();
    if specific.is_empty() { name.to_string() } else { specific.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_names_without_generic_words() {
        assert!(similarity("shipping-worker", "shipments") > 0.3);
        assert!(similarity("payment-worker", "payments") > 0.8);
        assert!(similarity("payment-worker", "shipments") < 0.1);
        assert!(similarity("order-worker", "event_workers") < 0.1);
        assert_eq!(snake("orderId"), "order_id");
        assert_eq!(subject("payment-worker"), "payment");
        assert_eq!(
            (singular("deliveries").as_str(), plural("delivery").as_str()),
            ("delivery", "deliveries")
        );
    }
}
