//! The table that is committed as `tests/matrix.txt`.

use crate::corpus::{Case, Corpus, Truth};
use crate::judged::{Judge, Judged, SURE, Standing};
use crate::rates::Rate;
use pipeline_doctor::evidence::System;
use std::fmt::Write;

/// Everything: what was recorded, what is guessed, and how often that is right.
pub fn whole(corpus: &Corpus, judge: &Judge) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", provenance(corpus));
    let singles: Vec<(&Case, Judged)> = judged(&corpus.singles, judge);
    let pairs: Vec<(&Case, Judged)> = judged(&corpus.pairs, judge);
    let healthy: Vec<(&Case, Judged)> = judged(&corpus.healthy, judge);
    single_rows(&mut out, corpus, judge, &singles);
    pair_rows(&mut out, judge, &pairs);
    healthy_rows(&mut out, &healthy);
    let grid = Grid::new(corpus, judge);
    hidden_rows(&mut out, corpus, judge, &grid);
    live_rows(&mut out, corpus, judge);
    summary(&mut out, judge, &singles, &pairs, &healthy);
    combinations(&mut out, &grid);
    out
}

fn judged<'a>(cases: &'a [Case], judge: &Judge) -> Vec<(&'a Case, Judged)> {
    cases.iter().map(|case| (case, judge.judge(&case.evidence))).collect()
}

/// When, and on what, it was recorded.
fn provenance(corpus: &Corpus) -> String {
    let all = || corpus.singles.iter().chain(&corpus.pairs).chain(&corpus.healthy);
    let dates = all().map(|case| case.evidence.taken.to_string()[..10].to_string());
    let (first, last) = (dates.clone().min().unwrap_or_default(), dates.max().unwrap_or_default());
    let engines = all().filter_map(|case| Some(case.evidence.runtime().known()?.engine.clone()));
    let databases = all().filter_map(|case| case.evidence.main_database().known()?.version.clone());
    // The broker does not tell its version: it is that of the sandbox's jars.
    let pom = include_str!("../../sandbox/kafka/pom.xml");
    let kafka = pom.split("<version>").nth(2).and_then(|rest| rest.split('<').next()).unwrap_or("?");
    format!(
        "Recorded {first} to {last} on Docker {}, Kafka {kafka}, PostgreSQL {}.\n",
        several(engines.collect()),
        several(databases.collect())
    )
}

fn several(mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    names.join(", ")
}

fn guess(judged: &Judged, n: usize) -> String {
    judged.causes.get(n).map_or("-".into(), |cause| format!("{} {} %", cause.id, cause.confidence))
}

fn rank(judge: &Judge, judged: &Judged, truth: &Truth) -> String {
    judge.rank(judged, truth).map_or("-".into(), |rank| rank.to_string())
}

/// Whether the first guess is wrong, and sure of itself.
fn wrong_and_sure(judge: &Judge, judged: &Judged, truths: &[Truth]) -> bool {
    let wrong = |cause| truths.iter().all(|truth| judge.standing(cause, truth) == Standing::Wrong);
    judged.causes.first().is_some_and(|cause| cause.confidence >= SURE && wrong(cause))
}

fn sure(wrong: bool) -> &'static str {
    if wrong { "WRONG AND SURE" } else { "" }
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", text.trim_end());
}

fn single_rows(out: &mut String, corpus: &Corpus, judge: &Judge, singles: &[(&Case, Judged)]) {
    line(
        out,
        &format!(
            "{:<5} {:<24} {:<32} {:>4}  {:<14} {}",
            "fault", "recording", "first guess", "rank", "", "remedy"
        ),
    );
    for (case, judged) in singles {
        let truth = &case.truths[0];
        let remedy = corpus.remedies.get(&case.name).map_or("not tried", String::as_str);
        let wrong = sure(wrong_and_sure(judge, judged, &case.truths));
        let row = format!(
            "{:<5} {:<24} {:<32} {:>4}  {wrong:<14} {remedy}",
            case.id,
            case.name,
            guess(judged, 0),
            rank(judge, judged, truth),
        );
        line(out, &row);
    }
    line(out, "");
}

fn pair_rows(out: &mut String, judge: &Judge, pairs: &[(&Case, Judged)]) {
    line(out, &format!("{:<9} {:<32} {:<32} {:<32} {}", "pair", "first guess", "second", "third", "ranks"));
    for (case, judged) in pairs {
        let ranks: Vec<String> = case.truths.iter().map(|truth| rank(judge, judged, truth)).collect();
        let row = format!(
            "{:<9} {:<32} {:<32} {:<32} {} {}",
            case.id,
            guess(judged, 0),
            guess(judged, 1),
            guess(judged, 2),
            ranks.join(" and "),
            sure(wrong_and_sure(judge, judged, &case.truths)),
        );
        line(out, &row);
    }
    line(out, "");
}

fn healthy_rows(out: &mut String, healthy: &[(&Case, Judged)]) {
    line(out, &format!("{:<24} {:<32} exit", "nothing wrong", "first guess"));
    for (case, judged) in healthy {
        line(out, &format!("{:<24} {:<32} {}", case.name, guess(judged, 0), judged.exit_code));
    }
    line(out, "");
}

/// How a first guess without a system stands to the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hidden {
    /// Nothing that fails is seen.
    Invisible,
    /// Something fails, and no cause is named.
    Unnamed,
    /// A cause is named.
    Named(Standing, u8),
}

/// Every recording without every choice of systems but all of them.
struct Grid<'a>(Vec<(&'a Case, Vec<System>, Hidden)>);

impl<'a> Grid<'a> {
    fn new(corpus: &'a Corpus, judge: &Judge) -> Grid<'a> {
        let choices: Vec<Vec<System>> = (1..System::ALL.len() as u32).flat_map(of_size).collect();
        let cases = corpus.singles.iter().chain(&corpus.pairs);
        let all = cases.flat_map(|case| choices.iter().map(move |systems| (case, systems.clone())));
        Grid(all.map(|(case, systems)| (case, systems.clone(), hidden(judge, case, &systems))).collect())
    }

    fn of<'b>(&'b self, case: &'b Case) -> impl Iterator<Item = &'b (&'a Case, Vec<System>, Hidden)> {
        self.0.iter().filter(|(other, ..)| other.name == case.name)
    }
}

fn hidden(judge: &Judge, case: &Case, systems: &[System]) -> Hidden {
    let judged = judge.judge_without(&case.evidence, systems);
    let standing = |cause| {
        let all = case.truths.iter().map(|truth| judge.standing(cause, truth));
        // Of two faults one is enough.
        all.min_by_key(|standing| *standing as u8).unwrap_or(Standing::Wrong)
    };
    match judged.causes.first() {
        Some(cause) => Hidden::Named(standing(cause), cause.confidence),
        None if judged.failed.is_empty() => Hidden::Invisible,
        None => Hidden::Unnamed,
    }
}

fn sign(hidden: Hidden) -> String {
    match hidden {
        Hidden::Invisible => ".".into(),
        Hidden::Unnamed => "?".into(),
        Hidden::Named(Standing::Right, sure) => format!("{sure} %"),
        Hidden::Named(Standing::LessExact, sure) => format!("~ {sure} %"),
        Hidden::Named(_, sure) if sure < SURE => format!("x {sure} %"),
        Hidden::Named(_, sure) => format!("X {sure} %"),
    }
}

fn hidden_rows(out: &mut String, corpus: &Corpus, judge: &Judge, grid: &Grid) {
    line(
        out,
        "One system hidden: the first guess is right; ~ a group that holds it; x wrong, X wrong and sure;",
    );
    line(out, "? something fails and nothing is named; . nothing that fails is seen.");
    let names: String = System::ALL.iter().map(|system| format!("{:<10}", system.name())).collect();
    line(out, &format!("{:<30} {names}", "without"));
    let cases = || corpus.singles.iter().chain(&corpus.pairs);
    for case in cases() {
        let alone = grid.of(case).filter(|(_, systems, _)| systems.len() == 1);
        let signs: String = alone.map(|(.., hidden)| format!("{:<10}", sign(*hidden))).collect();
        line(out, &format!("{:<9} {:<20} {signs}", case.id, truncated(&case.name, 20)));
    }
    line(out, "");
    line(out, "What is named in place of the truth: wherever one system is hidden, and where it is sure.");
    for (case, systems, _) in cases().flat_map(|case| grid.of(case)).filter(|(_, systems, hidden)| {
        matches!(hidden, Hidden::Named(Standing::Wrong | Standing::OtherSubject, sure) if *sure >= SURE || systems.len() == 1)
    }) {
        let judged = judge.judge_without(&case.evidence, systems);
        let named: Vec<String> = (0..3.min(judged.causes.len())).map(|n| guess(&judged, n)).collect();
        let names: Vec<&str> = systems.iter().map(|system| system.name()).collect();
        line(out, &format!("  {} without {}: {}", case.id, names.join(", "), named.join(", ")));
    }
    line(out, "");
}

fn truncated(name: &str, to: usize) -> &str {
    &name[..name.len().min(to)]
}

/// Where somebody really looked without the system: the same first guess?
fn live_rows(out: &mut String, corpus: &Corpus, judge: &Judge) {
    let mut same = Rate::default();
    let mut other = Vec::new();
    for (name, system, evidence) in &corpus.without {
        let all = corpus.singles.iter().chain(&corpus.healthy);
        let Some(case) = all.into_iter().find(|case| case.name == *name) else { continue };
        let Some(hidden) = System::ALL.iter().find(|known| known.name() == system) else { continue };
        let (live, replayed) = (judge.judge(evidence), judge.judge_without(&case.evidence, &[*hidden]));
        let agrees =
            live.causes.first().map(|cause| &cause.id) == replayed.causes.first().map(|cause| &cause.id);
        same.count(agrees);
        if !agrees {
            other.push(format!(
                "{name} without {system}: live {}, replayed {}",
                guess(&live, 0),
                guess(&replayed, 0)
            ));
        }
    }
    line(out, &format!("Looked at live without a system, the first guess is as replayed: {same}"));
    other.iter().for_each(|text| line(out, &format!("  {text}")));
    line(out, "");
}

fn summary(
    out: &mut String,
    judge: &Judge,
    singles: &[(&Case, Judged)],
    pairs: &[(&Case, Judged)],
    healthy: &[(&Case, Judged)],
) {
    let within = |k: usize| {
        Rate::of(singles, |(case, judged)| judge.rank(judged, &case.truths[0]).is_some_and(|rank| rank <= k))
    };
    let naive = |k: usize| {
        let named =
            |case: &Case, judged: &Judged| judged.naive.iter().take(k).any(|id| case.truths[0].names(id));
        Rate::of(singles, |(case, judged)| named(case, judged))
    };
    let first_of_two =
        |judged: &Judged, truths: &[Truth]| truths.iter().any(|truth| judge.rank(judged, truth) == Some(1));
    let both = |judged: &Judged, truths: &[Truth]| {
        truths.iter().all(|truth| judge.rank(judged, truth).is_some_and(|rank| rank <= 3))
    };
    let naive_both = |judged: &Judged, truths: &[Truth]| {
        truths.iter().all(|truth| judged.naive.iter().take(3).any(|id| truth.names(id)))
    };
    let causes = judge.catalog.causes.len();
    line(out, &format!("{:<34} {:<30} {:<30} chance", "", "ranked", "by the runbook's numbers alone"));
    let chance = |k: usize| format!("{:.1} %", 100.0 * k as f64 / causes as f64);
    let mut row = |what: &str, ranked: Rate, naive: Rate, chance: String| {
        line(out, &format!("{what:<34} {:<30} {:<30} {chance}", ranked.to_string(), naive.to_string()));
    };
    row("singles: AC@1", within(1), naive(1), chance(1));
    row("singles: AC@3", within(3), naive(3), chance(3));
    row(
        "pairs: first guess one of the two",
        Rate::of(pairs, |(case, judged)| first_of_two(judged, &case.truths)),
        Rate::of(pairs, |(case, judged)| {
            judged.naive.first().is_some_and(|id| case.truths.iter().any(|truth| truth.names(id)))
        }),
        chance(2),
    );
    row(
        "pairs: both among the first three",
        Rate::of(pairs, |(case, judged)| both(judged, &case.truths)),
        Rate::of(pairs, |(case, judged)| naive_both(judged, &case.truths)),
        format!("{:.2} %", 600.0 / (causes * (causes - 1)) as f64),
    );
    let alarm = |judged: &Judged| !judged.causes.is_empty() || judged.exit_code != 0;
    let naive_alarm = |judged: &Judged| !judged.naive.is_empty();
    row(
        "nothing wrong: false alarms",
        Rate::of(healthy, |(_, judged)| alarm(judged)),
        Rate::of(healthy, |(_, judged)| naive_alarm(judged)),
        String::new(),
    );
    let sure = Rate::of(singles, |(case, judged)| wrong_and_sure(judge, judged, &case.truths));
    line(out, &format!("{:<34} {sure}", "singles: wrong and sure"));
    line(
        out,
        &format!("{:<34} {}", "singles: unexplained checks", Rate::of(singles, |(_, j)| j.unexplained > 0)),
    );
    line(out, "");
}

/// What remains where systems are hidden, by how many.
fn combinations(out: &mut String, grid: &Grid) {
    let heading = format!(
        "{:<28} {:>6} {:>7} {:>7} {:>8} {:>6} {:>9}  {}",
        "hidden",
        "right",
        "group",
        "unnamed",
        "unseen",
        "wrong",
        "and sure",
        "first guess, where one is made"
    );
    line(out, &heading);
    let mut row = |what: &str, chosen: &dyn Fn(&[System]) -> bool| {
        let all: Vec<Hidden> =
            grid.0.iter().filter(|(_, systems, _)| chosen(systems)).map(|(.., hidden)| *hidden).collect();
        let count = |hit: &dyn Fn(&Hidden) -> bool| all.iter().filter(|hidden| hit(hidden)).count();
        let is_wrong = |standing: &Standing| matches!(standing, Standing::Wrong | Standing::OtherSubject);
        let right = count(&|h| matches!(h, Hidden::Named(Standing::Right, _)));
        let group = count(&|h| matches!(h, Hidden::Named(Standing::LessExact, _)));
        let wrong = count(&|h| matches!(h, Hidden::Named(standing, _) if is_wrong(standing)));
        let sure =
            count(&|h| matches!(h, Hidden::Named(standing, sure) if is_wrong(standing) && *sure >= SURE));
        let unnamed = count(&|h| *h == Hidden::Unnamed);
        let unseen = count(&|h| *h == Hidden::Invisible);
        let named = Rate { hits: right + group, of: right + group + wrong };
        let row = format!(
            "{what:<28} {right:>6} {group:>7} {unnamed:>7} {unseen:>8} {wrong:>6} {sure:>9}  {named}"
        );
        line(out, &row);
    };
    for system in System::ALL {
        row(system.name(), &|systems| systems == [system]);
    }
    for size in 1..System::ALL.len() {
        row(&format!("any {size}"), &|systems| systems.len() == size);
    }
}

/// Every choice of so many systems.
fn of_size(size: u32) -> Vec<Vec<System>> {
    let chosen = |bits: u32| System::ALL.into_iter().enumerate().filter(move |(i, _)| bits >> i & 1 == 1);
    let choices = (1..1_u32 << System::ALL.len()).filter(|bits| bits.count_ones() == size);
    choices.map(|bits| chosen(bits).map(|(_, system)| system).collect()).collect()
}

/// With every truth given to another recording: how well a ranking does that
/// knows nothing of what it is judged by.
pub fn shuffled(corpus: &Corpus, judge: &Judge) -> String {
    let singles = judged(&corpus.singles, judge);
    let count = singles.len();
    let mut first = Rate::default();
    for shift in 1..count {
        for (i, (_, judged)) in singles.iter().enumerate() {
            let truth = &corpus.singles[(i + shift) % count].truths[0];
            first.count(judge.rank(judged, truth) == Some(1));
        }
    }
    format!("truths shuffled ({} rotations): AC@1 {first}\n", count - 1)
}
