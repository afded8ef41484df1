//! Counts the stuck events, in total and by stage.

use crate::report::input::ReportInput;
use crate::report::model::{Extent, StageExtent};

/// Counts the stuck events of all stages.
pub(super) fn stuck_events(input: &ReportInput) -> Extent {
    let backlog = &input.situation.backlog;
    let stages = input.pipeline.stage.iter();
    let known = stages.filter_map(|stage| Some((stage, *backlog.extent(stage).known()?)));
    Extent {
        window_s: backlog.window_s,
        complete: backlog.complete,
        stuck: backlog.stuck,
        since: backlog.since,
        last_good: backlog.last_good,
        newest_ids: backlog.newest.iter().take(Extent::MAX_IDS).map(ToString::to_string).collect(),
        stages: known
            .map(|(stage, extent)| StageExtent {
                stage: stage.name.clone(),
                events: extent.events,
                stuck: extent.stuck,
                limited: extent.limited,
            })
            .collect(),
    }
}
