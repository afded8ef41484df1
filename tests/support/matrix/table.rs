//! The table committed as `tests/matrix.txt`.

use crate::corpus::{Case, Corpus, Truth};
use crate::honesty;
use crate::judge::{Grade, Judge, Judged, SURE};
use crate::rate::Rate;
use pipeline_doctor::evidence::System;
use pipeline_doctor::report::Cause;
use std::fmt::Write;

/// Renders the whole table: the recordings, the guesses, and how often they are right.
pub fn matrix(corpus: &Corpus, judge: &Judge) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", provenance(corpus));
    let singles: Vec<(&Case, Judged)> = judged(&corpus.singles, judge);
    let pairs: Vec<(&Case, Judged)> = judged(&corpus.pairs, judge);
    let healthy: Vec<(&Case, Judged)> = judged(&corpus.healthy, judge);
    single_rows(&mut out, corpus, judge, &singles);
    pair_rows(&mut out, judge, &pairs);
    healthy_rows(&mut out, &healthy);
    let grid = Grid::new(corpus, judge);
    rows_with_hidden_system(&mut out, corpus, judge, &grid);
    live_rows(&mut out, corpus, judge);
    summary(&mut out, judge, &singles, &pairs, &healthy);
    combinations(&mut out, &grid);
    honesty::kinds(&mut out, judge, &singles);
    let visible = singles.iter().chain(&pairs).filter_map(|(case, judged)| {
        let cause = judged.causes.first()?;
        Some((best_grade(judge, cause, &case.truths), cause.confidence))
    });
    let hidden = grid.0.iter().filter_map(|(.., outcome)| match outcome {
        Outcome::Cause(grade, confidence) => Some((*grade, *confidence)),
        _ => None,
    });
    honesty::calibration(&mut out, visible.chain(hidden));
    let all: Vec<(&Case, Judged)> = singles.into_iter().chain(pairs).collect();
    out.push('\n');
    honesty::sets(&mut out, judge, &all);
    out
}

fn judged<'a>(cases: &'a [Case], judge: &Judge) -> Vec<(&'a Case, Judged)> {
    cases.iter().map(|case| (case, judge.judge(&case.evidence))).collect()
}

/// Returns the dates of the recordings and the versions of the recorded systems.
fn provenance(corpus: &Corpus) -> String {
    let all = || corpus.singles.iter().chain(&corpus.pairs).chain(&corpus.healthy);
    let dates = all().map(|case| case.evidence.observed_at.to_string()[..10].to_string());
    let (first, last) = (dates.clone().min().unwrap_or_default(), dates.max().unwrap_or_default());
    let engines = all().filter_map(|case| Some(case.evidence.runtime().known()?.engine.clone()));
    let databases = all().filter_map(|case| case.evidence.main_database().known()?.version.clone());
    // A broker does not report its version, so read it from the sandbox's Maven file.
    let pom = include_str!("../../sandbox/kafka/pom.xml");
    let kafka = pom.split("<version>").nth(2).and_then(|rest| rest.split('<').next()).unwrap_or("?");
    format!(
        "Recorded {first} to {last} on Docker {}, Kafka {kafka}, PostgreSQL {}.\n",
        join_distinct(engines.collect()),
        join_distinct(databases.collect())
    )
}

fn join_distinct(mut names: Vec<String>) -> String {
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

/// Reports whether the first guess is wrong but has a confidence of at least `SURE`.
fn confidently_wrong(judge: &Judge, judged: &Judged, truths: &[Truth]) -> bool {
    let wrong = |cause| truths.iter().all(|truth| judge.grade(cause, truth) == Grade::Wrong);
    judged.causes.first().is_some_and(|cause| cause.confidence >= SURE && wrong(cause))
}

fn flag(confidently_wrong: bool) -> &'static str {
    if confidently_wrong { "CONFIDENTLY WRONG" } else { "" }
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", text.trim_end());
}

fn single_rows(out: &mut String, corpus: &Corpus, judge: &Judge, singles: &[(&Case, Judged)]) {
    line(
        out,
        &format!(
            "{:<5} {:<24} {:<32} {:>4}  {:<17} {}",
            "fault", "recording", "first guess", "rank", "", "remedy"
        ),
    );
    for (case, judged) in singles {
        let truth = &case.truths[0];
        let remedy = corpus.remedies.get(&case.name).map_or("not tried", String::as_str);
        let wrong = flag(confidently_wrong(judge, judged, &case.truths));
        let row = format!(
            "{:<5} {:<24} {:<32} {:>4}  {wrong:<17} {remedy}",
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
            flag(confidently_wrong(judge, judged, &case.truths)),
        );
        line(out, &row);
    }
    line(out, "");
}

fn healthy_rows(out: &mut String, healthy: &[(&Case, Judged)]) {
    line(out, &format!("{:<24} {:<32} exit", "healthy", "first guess"));
    for (case, judged) in healthy {
        line(out, &format!("{:<24} {:<32} {}", case.name, guess(judged, 0), judged.exit_code));
    }
    line(out, "");
}

/// The result of judging a recording with some systems hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// No failed check is visible.
    NoFailure,
    /// A check fails, but no cause is named.
    NoCause,
    /// A cause is named first, with this confidence as a percentage.
    Cause(Grade, u8),
}

/// The outcome for every recording with every proper subset of the systems hidden.
struct Grid<'a>(Vec<(&'a Case, Vec<System>, Outcome)>);

impl<'a> Grid<'a> {
    fn new(corpus: &'a Corpus, judge: &Judge) -> Grid<'a> {
        let subsets: Vec<Vec<System>> = (1..System::ALL.len() as u32).flat_map(subsets_of_size).collect();
        let cases = corpus.singles.iter().chain(&corpus.pairs);
        let all = cases.flat_map(|case| subsets.iter().map(move |hidden| (case, hidden.clone())));
        Grid(all.map(|(case, hidden)| (case, hidden.clone(), outcome(judge, case, &hidden))).collect())
    }

    fn rows_of<'b>(&'b self, case: &'b Case) -> impl Iterator<Item = &'b (&'a Case, Vec<System>, Outcome)> {
        self.0.iter().filter(|(other, ..)| other.name == case.name)
    }
}

fn outcome(judge: &Judge, case: &Case, hidden: &[System]) -> Outcome {
    let judged = judge.judge_without(&case.evidence, hidden);
    match judged.causes.first() {
        Some(cause) => Outcome::Cause(best_grade(judge, cause, &case.truths), cause.confidence),
        None if judged.failed.is_empty() => Outcome::NoFailure,
        None => Outcome::NoCause,
    }
}

/// Grades a cause against several truths. For a pair of faults, naming either one is enough.
fn best_grade(judge: &Judge, cause: &Cause, truths: &[Truth]) -> Grade {
    let grades = truths.iter().map(|truth| judge.grade(cause, truth));
    grades.min_by_key(|grade| *grade as u8).unwrap_or(Grade::Wrong)
}

fn cell(outcome: Outcome) -> String {
    match outcome {
        Outcome::NoFailure => ".".into(),
        Outcome::NoCause => "?".into(),
        Outcome::Cause(Grade::Right, confidence) => format!("{confidence} %"),
        Outcome::Cause(Grade::LessExact, confidence) => format!("~ {confidence} %"),
        Outcome::Cause(_, confidence) if confidence < SURE => format!("x {confidence} %"),
        Outcome::Cause(_, confidence) => format!("X {confidence} %"),
    }
}

fn rows_with_hidden_system(out: &mut String, corpus: &Corpus, judge: &Judge, grid: &Grid) {
    line(out, "One system hidden: confidence of the right first guess. ~ a group that includes it;");
    line(out, "x wrong; X confidently wrong; ? a check fails, no cause named; . no failed check visible.");
    let names: String = System::ALL.iter().map(|system| format!("{:<10}", system.name())).collect();
    line(out, &format!("{:<30} {names}", "without"));
    let cases = || corpus.singles.iter().chain(&corpus.pairs);
    for case in cases() {
        let single = grid.rows_of(case).filter(|(_, hidden, _)| hidden.len() == 1);
        let cells: String = single.map(|(.., outcome)| format!("{:<10}", cell(*outcome))).collect();
        line(out, &format!("{:<9} {:<20} {cells}", case.id, truncated(&case.name, 20)));
    }
    line(out, "");
    line(out, "Wrong first guesses with one system hidden, and confidently wrong ones with several hidden:");
    for (case, hidden, _) in cases().flat_map(|case| grid.rows_of(case)).filter(|(_, hidden, outcome)| {
        matches!(outcome, Outcome::Cause(Grade::Wrong | Grade::OtherSubject, confidence)
            if *confidence >= SURE || hidden.len() == 1)
    }) {
        let judged = judge.judge_without(&case.evidence, hidden);
        let named: Vec<String> = (0..3.min(judged.causes.len())).map(|n| guess(&judged, n)).collect();
        let names: Vec<&str> = hidden.iter().map(|system| system.name()).collect();
        line(out, &format!("  {} without {}: {}", case.id, names.join(", "), named.join(", ")));
    }
    line(out, "");
}

fn truncated(name: &str, to: usize) -> &str {
    &name[..name.len().min(to)]
}

/// Compares live runs without access to a system with replays that hide that system.
fn live_rows(out: &mut String, corpus: &Corpus, judge: &Judge) {
    let mut same = Rate::default();
    let mut other = Vec::new();
    for (name, system, evidence) in &corpus.without {
        let all = corpus.singles.iter().chain(&corpus.healthy);
        let case = all.into_iter().find(|case| case.name == *name);
        let case = case.unwrap_or_else(|| panic!("no recording of {name} with all systems"));
        let hidden = System::ALL.iter().find(|known| known.name() == system);
        let hidden = hidden.unwrap_or_else(|| panic!("{name}: unknown system {system}"));
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
    line(out, &format!("Live runs without a system give the same first guess as replays: {same}"));
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
    line(out, &format!("{:<34} {:<30} {:<30} chance", "", "ranked", "by runbook confidence alone"));
    let chance = |k: usize| format!("{:.1} %", 100.0 * k as f64 / causes as f64);
    let mut row = |label: &str, ranked: Rate, naive: Rate, chance: String| {
        line(out, &format!("{label:<34} {:<30} {:<30} {chance}", ranked.to_string(), naive.to_string()));
    };
    row("singles: AC@1", within(1), naive(1), chance(1));
    row("singles: AC@3", within(3), naive(3), chance(3));
    row(
        "pairs: either fault first",
        Rate::of(pairs, |(case, judged)| first_of_two(judged, &case.truths)),
        Rate::of(pairs, |(case, judged)| {
            judged.naive.first().is_some_and(|id| case.truths.iter().any(|truth| truth.names(id)))
        }),
        chance(2),
    );
    row(
        "pairs: both in the top three",
        Rate::of(pairs, |(case, judged)| both(judged, &case.truths)),
        Rate::of(pairs, |(case, judged)| naive_both(judged, &case.truths)),
        format!("{:.2} %", 600.0 / (causes * (causes - 1)) as f64),
    );
    let alarm = |judged: &Judged| !judged.causes.is_empty() || judged.exit_code != 0;
    let naive_alarm = |judged: &Judged| !judged.naive.is_empty();
    row(
        "healthy: false alarms",
        Rate::of(healthy, |(_, judged)| alarm(judged)),
        Rate::of(healthy, |(_, judged)| naive_alarm(judged)),
        String::new(),
    );
    let wrong = Rate::of(singles, |(case, judged)| confidently_wrong(judge, judged, &case.truths));
    line(out, &format!("{:<34} {wrong}", "singles: confidently wrong"));
    line(
        out,
        &format!("{:<34} {}", "singles: unexplained checks", Rate::of(singles, |(_, j)| j.unexplained > 0)),
    );
    line(out, "");
}

/// Counts the outcomes by hidden system and by the number of hidden systems.
fn combinations(out: &mut String, grid: &Grid) {
    let heading = format!(
        "{:<28} {:>6} {:>7} {:>8} {:>10} {:>6} {:>9}  {}",
        "hidden",
        "right",
        "group",
        "no cause",
        "no failure",
        "wrong",
        "confident",
        "right or group, of all first guesses"
    );
    line(out, &heading);
    let mut row = |label: &str, selects: &dyn Fn(&[System]) -> bool| {
        let all: Vec<Outcome> =
            grid.0.iter().filter(|(_, hidden, _)| selects(hidden)).map(|(.., outcome)| *outcome).collect();
        let count = |hit: &dyn Fn(&Outcome) -> bool| all.iter().filter(|outcome| hit(outcome)).count();
        let is_wrong = |grade: &Grade| matches!(grade, Grade::Wrong | Grade::OtherSubject);
        let right = count(&|o| matches!(o, Outcome::Cause(Grade::Right, _)));
        let group = count(&|o| matches!(o, Outcome::Cause(Grade::LessExact, _)));
        let wrong = count(&|o| matches!(o, Outcome::Cause(grade, _) if is_wrong(grade)));
        let confident = count(
            &|o| matches!(o, Outcome::Cause(grade, confidence) if is_wrong(grade) && *confidence >= SURE),
        );
        let no_cause = count(&|o| *o == Outcome::NoCause);
        let no_failure = count(&|o| *o == Outcome::NoFailure);
        let named = Rate { hits: right + group, of: right + group + wrong };
        let row = format!(
            "{label:<28} {right:>6} {group:>7} {no_cause:>8} {no_failure:>10} {wrong:>6} {confident:>9}  {named}"
        );
        line(out, &row);
    };
    for system in System::ALL {
        row(system.name(), &|hidden| hidden == [system]);
    }
    for size in 1..System::ALL.len() {
        row(&format!("any {size}"), &|hidden| hidden.len() == size);
    }
}

/// Returns all subsets of the systems that have this size.
fn subsets_of_size(size: u32) -> Vec<Vec<System>> {
    let members = |bits: u32| System::ALL.into_iter().enumerate().filter(move |(i, _)| bits >> i & 1 == 1);
    let subsets = (1..1_u32 << System::ALL.len()).filter(|bits| bits.count_ones() == size);
    subsets.map(|bits| members(bits).map(|(_, system)| system).collect()).collect()
}

/// Assigns every truth to another recording, in every rotation. Returns the success rate of
/// a ranking that is unrelated to the truth.
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
    format!("shuffled truths ({} rotations): AC@1 {first}\n", count - 1)
}
