//! `trace`: how far these events came.

use crate::base::error::{Error, Mistake};
use crate::cli::{Show, Trace as Asked};
use crate::config::{Config, Environment};
use crate::evidence::{Database, Evidence, Seen, System};
use crate::run::flow::concluded;
use crate::run::look::see;
use crate::run::output::{ended, known, show};
use crate::run::read::read;
use crate::run::recording::record;
use crate::runbook::catalog::Catalog;
use crate::situation::Situation;
use crate::situation::shared::Shared;
use crate::trace::registry::{Format, named};
use crate::trace::{Outcome, Trace, Traces, trace, traces};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// At most so many ids are traced at once.
const MOST: usize = 1_000;
/// So long is followed, if not `--wait` says how long.
const FOLLOW: Duration = Duration::from_secs(60);
/// Between two looks at what is followed.
const PAUSE: Duration = Duration::from_millis(50);

/// Traces what was asked for; the exit code belongs to the one that came the least far.
pub(super) fn run(asked: &Asked, environment: &Environment) -> Result<u8, Error> {
    let typed = typed(asked)?;
    let first = typed.first().map(String::as_str);
    let (mut config, catalog) = read(first, &asked.look, environment)?;
    let further = further(&config, typed.get(1..).unwrap_or_default())?;
    config.target.ids.extend(further);
    config.values = asked.payload;
    if asked.follow {
        return follow(config, &catalog, &asked.show);
    }
    if asked.stuck || asked.lookup.is_some() {
        let ids = looked_up(&config, asked.lookup.clone())?;
        if ids.is_empty() {
            return shown(
                &Traces::none(&config.pipeline, asked.stuck.then_some(config.target.window_s)),
                &asked.show,
            );
        }
        config.target.ids = ids;
    }
    let evidence = see(&config)?;
    record(&config, &evidence)?;
    // A recording has its own, where none is asked for.
    let asked_for = if config.target.ids.is_empty() { &evidence.target } else { &config.target };
    let catalog = catalog.at(evidence.taken);
    match asked_for.ids.as_slice() {
        [] => {
            let mistake = Mistake::new("trace", format!("no {} given", config.pipeline.id.name));
            Err(Error::usage(mistake.help("name one or several, - for standard input, or --stuck")))
        }
        [id] => one(&of(&evidence, id, &config, &catalog, &asked.show), &asked.show),
        ids => {
            let all = of_all(&evidence, ids, &config, &catalog, &asked.show);
            shown(&traces(&config.pipeline, all), &asked.show)
        }
    }
}

/// The ids as they were typed or piped in.
fn typed(asked: &Asked) -> Result<Vec<String>, Error> {
    let mut ids = Vec::new();
    for id in &asked.ids {
        if id != "-" {
            ids.push(id.clone());
            continue;
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map_err(|error| {
            let mistake = Mistake::new("standard input", format!("cannot be read: {error}"));
            Error::usage(mistake.help("expected one id on each line"))
        })?;
        ids.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from));
    }
    if ids.len() > MOST {
        let mistake = Mistake::new("trace", format!("{} ids: too many for one look", ids.len()));
        return Err(Error::usage(mistake.help(format!("expected at most {MOST}; trace them in parts"))));
    }
    if ids.is_empty() && asked.ids.iter().any(|id| id == "-") {
        let mistake = Mistake::new("standard input", "holds no id");
        return Err(Error::usage(mistake.help("expected one id on each line")));
    }
    Ok(ids)
}

/// Further ids in their canonical form, each once; all mistakes in them come at once.
fn further(config: &Config, typed: &[String]) -> Result<Vec<String>, Error> {
    let mut mistakes = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    for typed in typed {
        match config.pipeline.canonical_id(typed) {
            Ok(id) if ids.contains(&id) || config.target.ids.contains(&id) => {}
            Ok(id) => ids.push(id),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() { Ok(ids) } else { Err(Error::Usage(mistakes)) }
}

/// The ids that the database tells: those with a key's value, or those that are stuck.
fn looked_up(config: &Config, lookup: Option<(String, String)>) -> Result<Vec<String>, Error> {
    let mut config = config.clone();
    let by_key = lookup.is_some();
    config.target.lookup = lookup;
    if config.replay.is_none() {
        config.without.extend([System::Kafka, System::Http, System::Logs]);
    }
    let evidence = see(&config)?;
    let told = evidence.main_database().and_then(|rows| match by_key {
        true => rows.looked_up.clone().unwrap_or_default(),
        false => stuck(&config, rows),
    });
    match told {
        Seen::Known(ids) => Ok(ids),
        Seen::Unknown(why) | Seen::NotAsked(why) => {
            let mistake = Mistake::new("trace", format!("the ids are not seen: {}", why.words()));
            Err(Error::usage(mistake.help("they are read from PostgreSQL: put that right, or name the ids")))
        }
    }
}

/// The newest stuck ids, of whatever stage.
fn stuck(config: &Config, rows: &Database) -> Seen<Vec<String>> {
    let mut newest = Vec::new();
    for stage in &config.pipeline.stage {
        match rows.extents.get(&stage.name).map(Seen::as_ref) {
            Some(Seen::Known(extent)) => newest.extend(&extent.newest),
            Some(Seen::Unknown(why)) => return Seen::Unknown(why),
            _ => {}
        }
    }
    newest.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.id.cmp(&other.id)));
    let mut ids: Vec<String> = Vec::new();
    for stuck in newest {
        if !ids.contains(&stuck.id) {
            ids.push(stuck.id.clone());
        }
    }
    Seen::Known(ids)
}

/// The traces of events that the evidence is about. What is the same for all of them is
/// joined once. `catalog` holds what counts at the time of the evidence.
fn of_all(
    evidence: &Evidence,
    ids: &[String],
    config: &Config,
    catalog: &Catalog,
    show: &Show,
) -> Vec<Trace> {
    let shared = Shared::build(evidence, &config.pipeline, &catalog.signatures, &catalog.facts);
    let shared = Arc::new(shared);
    let of = |id: &String| {
        let situation = Situation::about(&shared, evidence.event(id));
        let mut trace = trace(&situation, concluded(&situation, catalog, show));
        // A recording may have been made without them.
        if config.values && config.replay.is_none() {
            trace.tell_unshown_values();
        }
        trace
    };
    ids.iter().map(of).collect()
}

/// The trace of one of the events that the evidence is about.
fn of(evidence: &Evidence, id: &String, config: &Config, catalog: &Catalog, show: &Show) -> Trace {
    of_all(evidence, std::slice::from_ref(id), config, catalog, show).remove(0)
}

fn format(asked: &Show) -> Result<&'static Format, Error> {
    known(named(asked.format()), asked)
}

fn one(trace: &Trace, asked: &Show) -> Result<u8, Error> {
    let format = format(asked)?;
    let written = show(asked, |screen, out| (format.render)(trace, screen, out));
    ended(written, trace.exit_code)
}

fn shown(traces: &Traces, asked: &Show) -> Result<u8, Error> {
    let format = format(asked)?;
    let written = show(asked, |screen, out| (format.render_all)(traces, screen, out));
    ended(written, traces.exit_code)
}

/// Looks again and again, and shows each hop as it appears.
fn follow(mut config: Config, catalog: &Catalog, asked: &Show) -> Result<u8, Error> {
    let [id] = config.target.ids.as_slice() else {
        let mistake = Mistake::new("trace --follow", "not one id given");
        return Err(Error::usage(mistake.help("expected the one event that is to be followed")));
    };
    let id = id.clone();
    // What moves is seen from one look to the next; only the last one looks twice,
    // and at everything.
    let settle = std::mem::take(&mut config.settle);
    config.in_haste = true;
    let give_up = Instant::now() + config.wait.unwrap_or(FOLLOW);
    let format = format(asked)?;
    let mut before: Option<Trace> = None;
    loop {
        let last = Instant::now() >= give_up;
        if last {
            config.settle = settle;
            config.in_haste = false;
        }
        let evidence = see(&config)?;
        let now = of(&evidence, &id, &config, &catalog.at(evidence.taken), asked);
        if let Some(render) = format.render_news {
            show(asked, |screen, out| render(&now, before.as_ref(), screen, out))?;
        }
        if now.outcome == Outcome::Arrived || last {
            record(&config, &evidence)?;
            let written = show(asked, |screen, out| (format.render_end)(&now, screen, out));
            return ended(written, now.exit_code);
        }
        before = Some(now);
        std::thread::sleep(PAUSE);
    }
}
