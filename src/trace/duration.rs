//! Formats durations for traces.

/// Formats a duration in milliseconds: "17 ms", "2.4 s", "3 min 5 s".
pub(super) fn format_duration(ms: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal place")]
    match ms {
        _ if ms.abs() < 1_000 => format!("{ms} ms"),
        _ if ms.abs() < 120_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => format!("{} min {} s", ms / 60_000, (ms / 1000 % 60).abs()),
    }
}
