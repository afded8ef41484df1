//! The asked event's records, and dead letters: read from the event's time on,
//! the key's partition first, within bounds that are reported.

use crate::base::secret::redact;
use crate::collect::broker::kafka::client::{self, Asked, Session};
use crate::collect::broker::kafka::sys::records::RawRecord;
use crate::collect::broker::kafka::sys::{self, Answer, Bound, Question};
use crate::evidence::{Broker, DeadLetters, FoundRecord, Search, Seen, Topic, TopicPartition, Why, WhyKind};
use crate::text::word::holds_word;
use jiff::Timestamp;
use regex::bytes::{Regex, RegexBuilder};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// At most so many records of one topic are read,
const RECORDS: u64 = 1_000_000;
/// and so many bytes of keys and values,
const BYTES: u64 = 256 * 1024 * 1024;
/// and so many records after one that was found: the event may have been sent again,
const AFTERWARDS: u64 = 20_000;
/// and so long.
const TIME: Duration = Duration::from_secs(3);
/// So many records before it are looked through where an id was not found: whose clock is
/// behind stamps them too early.
const EARLIER: i64 = 2_000;
/// From the event's time on so many records of each partition are read first.
const STRETCH: i64 = 20_000;
/// At most so many records of each kind are kept of one topic: the last.
const KEPT: usize = 50;
/// Of a value's text, and
const VALUE: usize = 4_000;
/// of a header's, more is of no use.
const HEADER: usize = 400;

/// What is looked for on a topic.
pub struct Wanted<'a> {
    /// The events' ids, if any was asked for.
    pub ids: &'a Ids,
    /// The values of those that name an id are kept.
    pub values: bool,
    /// Every record is kept, not only those that name the id.
    pub all: bool,
    /// From when on.
    pub from: Option<Timestamp>,
    /// From when on it is looked for first.
    pub likely: Option<Timestamp>,
    /// The headers that are kept.
    pub headers: &'a [String],
}

/// Ids that are looked for.
pub struct Ids {
    all: Vec<String>,
    /// Any of several, at once: asking for one after the other would take as many times as long.
    any: Option<Regex>,
}

impl Ids {
    /// These ids.
    pub fn new(ids: &[String]) -> Ids {
        let all = ids.to_vec();
        let escaped: Vec<String> = all.iter().map(|id| regex::escape(id)).collect();
        let any = RegexBuilder::new(&escaped.join("|")).case_insensitive(true).unicode(false).build();
        Ids { any: any.ok().filter(|_| all.len() > 1), all }
    }

    /// Which of them a text holds, as a word.
    fn in_text(&self, text: &[u8]) -> Option<usize> {
        let holds = |id: &String| holds_word(text, id.as_bytes());
        match &self.any {
            Some(any) if !any.is_match(text) => None,
            _ => self.all.iter().position(holds),
        }
    }

    /// Which of them a record names, and by what: headers and key before value.
    fn named_by(&self, record: &RawRecord) -> Option<(usize, &'static str)> {
        if let Some(id) = self.in_text(record.key) {
            return Some((id, "key"));
        }
        // In memory the value is at hand, headers are made first.
        if let Some(id) = self.in_text(record.value) {
            return Some((id, "value"));
        }
        record.headers().iter().find_map(|(_, value)| Some((self.in_text(value)?, "header")))
    }

    /// The only one.
    fn single(&self) -> Option<&str> {
        self.all.first().filter(|_| self.all.len() == 1).map(String::as_str)
    }
}

/// A record, and the number of the id that it names, if it names one.
type Named = (Option<usize>, FoundRecord);

/// What the reading of a topic has come to.
pub struct Found {
    /// How it was read.
    pub search: Search,
    /// Some of the records that matched, oldest first: those that name an id, then
    /// the newest.
    found: Vec<Named>,
}

impl Found {
    /// The records that name an id, with its number.
    pub fn naming(&self) -> Vec<(usize, FoundRecord)> {
        self.found.iter().filter_map(|(id, record)| Some(((*id)?, record.clone()))).collect()
    }

    /// The records with the ids that they name.
    pub fn dead_letters(self, ids: &[String]) -> DeadLetters {
        let found = self.found.into_iter().map(|(id, record)| {
            let names = id.and_then(|id| ids.get(id).cloned());
            FoundRecord { names, ..record }
        });
        DeadLetters { search: self.search, found: found.collect() }
    }
}

/// Looks for records of one topic.
pub fn look(
    session: &mut Session,
    kafka: &Broker,
    topic: &str,
    wanted: &Wanted,
    until: Instant,
) -> Seen<Found> {
    let seen = match kafka.topics.get(topic) {
        Some(seen) => seen.as_ref(),
        None => Seen::unknown(WhyKind::Missing, format!("topic {topic} was not asked for")),
    };
    seen.and_then(|seen| match seen.exists {
        true => search(session, kafka, (topic, seen), wanted, until).into(),
        // Where there is no topic, nobody has put anything.
        false if wanted.all => {
            let search = Search { from: wanted.from, complete: true, ..Search::default() };
            Seen::Known(Found { search, found: Vec::new() })
        }
        false => Seen::unknown(WhyKind::Missing, format!("topic {topic} does not exist")),
    })
}

fn search(
    session: &mut Session,
    kafka: &Broker,
    (name, topic): (&str, &Topic),
    wanted: &Wanted,
    until: Instant,
) -> Result<Found, Why> {
    let start = Instant::now();
    let until = until.min(start + TIME);
    let begins_at = begins(session, kafka, (name, topic), wanted.from)?;
    let likely = match wanted.likely {
        Some(likely) => Some(begins(session, kafka, (name, topic), Some(likely))?),
        None => None,
    };
    let order = in_order(topic, wanted.ids.single());
    let mut reading = Reading {
        wanted,
        found_at: None,
        missing: (0..wanted.ids.all.len()).collect(),
        search: Search { from: wanted.from, ..Search::default() },
        naming: VecDeque::new(),
        others: VecDeque::new(),
    };
    let mut left = order.iter().filter(|partition| !begins_at.contains_key(partition)).count();
    for (partition, range) in ranges(&order, &begins_at, likely.as_ref()) {
        let whole = reading.partition(session, (name, partition), range, until)?;
        left += usize::from(!whole);
    }
    reading.further_back(session, (name, topic), &begins_at, until)?;
    let mut search = reading.search;
    let mut found: Vec<Named> = reading.naming.into_iter().chain(reading.others).collect();
    search.complete = left == 0;
    search.truncated = topic.partitions.iter().any(|partition| {
        let begin = begins_at.get(&partition.id).map(|(begin, _)| begin);
        partition.earliest.known().is_some_and(|earliest| *earliest > 0 && begin == Some(earliest))
    });
    if left > 0 && search.bound.is_none() {
        search.bound = Some(match Instant::now() >= until {
            true => format!("the time for it was over after {:.1} s", start.elapsed().as_secs_f64()),
            false => format!("{left} of its partitions could not be read"),
        });
    }
    found.sort_by_key(|(_, found)| (found.at, found.partition, found.offset));
    Ok(Found { search, found })
}

/// Offsets of one partition: from the first on, before the second.
type Range = (i64, i64);

/// What to read, one after another: in each partition a stretch from the likely
/// time on, and only then what lies before and behind it.
fn ranges(
    order: &[i32],
    begins: &BTreeMap<i32, Range>,
    likely: Option<&BTreeMap<i32, Range>>,
) -> Vec<(i32, Range)> {
    let all = || order.iter().filter_map(|id| Some((*id, *begins.get(id)?)));
    let Some(likely) = likely else { return all().filter(|(_, (from, end))| from < end).collect() };
    let stretch = |id: i32, (from, end): Range| {
        let first = likely.get(&id).map_or(from, |(first, _)| (*first).clamp(from, end));
        (first, first.saturating_add(STRETCH).min(end))
    };
    let first = all().map(|(id, whole)| (id, stretch(id, whole)));
    let rest = all().flat_map(|(id, (from, end))| {
        let (first, last) = stretch(id, (from, end));
        [(id, (last, end)), (id, (from, first))]
    });
    first.chain(rest).filter(|(_, (from, end))| from < end).collect()
}

/// Where to begin in each partition, and its end. Partitions without a leader,
/// or of unknown ends, are missing.
fn begins(
    session: &mut Session,
    kafka: &Broker,
    (name, topic): (&str, &Topic),
    from: Option<Timestamp>,
) -> Result<BTreeMap<i32, Range>, Why> {
    let ends = topic.partitions.iter().filter_map(|p| Some((p.id, (*p.earliest.known()?, *p.end.known()?))));
    let mut begins: BTreeMap<i32, Range> = ends.collect();
    let (Some(from), false) = (from, begins.is_empty()) else {
        return Ok(begins);
    };
    let asked = begins.keys().map(|&partition| TopicPartition { topic: name.to_string(), partition });
    let question = Question::Offsets(Bound::At(from.as_millisecond()), asked.collect());
    let at = kafka.addresses();
    let mut trouble = None;
    session.ask(&[Asked { question, at }], |_, answer| match answer {
        Ok(Answer::Offsets(offsets)) => {
            for (place, offset) in offsets {
                match (offset, begins.get_mut(&place.partition)) {
                    // No record of that time or later.
                    (Ok(offset), Some((begin, end))) if offset < 0 => *begin = *end,
                    (Ok(offset), Some((begin, _))) => *begin = offset,
                    (Err(fault), _) => trouble = Some(client::refused_by_broker(&fault)),
                    (_, None) => {}
                }
            }
        }
        Ok(_) => {}
        Err(why) => trouble = Some(why),
    });
    trouble.map_or(Ok(begins), Err)
}

/// The partitions, those first that the usual partitioners give the key.
fn in_order(topic: &Topic, key: Option<&str>) -> Vec<i32> {
    let count = i32::try_from(topic.partitions.len()).unwrap_or_default();
    let likely = key.map(|key| sys::partitions_of_key(key.as_bytes(), count)).unwrap_or_default();
    let rest = topic.partitions.iter().map(|p| p.id).filter(|id| !likely.contains(id));
    let mut order: Vec<i32> = likely.iter().copied().chain(rest).collect();
    order.dedup();
    order
}

/// One topic while it is read.
struct Reading<'a> {
    wanted: &'a Wanted<'a>,
    search: Search,
    /// How many records had been read when the last of the ids was found.
    found_at: Option<u64>,
    /// Ids that were not found yet.
    missing: BTreeSet<usize>,
    /// The last ones that name the id,
    naming: VecDeque<Named>,
    /// and the last of the others.
    others: VecDeque<Named>,
}

impl Reading<'_> {
    /// Whether the range of a partition was read to its end.
    fn partition(
        &mut self,
        session: &Session,
        (topic, partition): (&str, i32),
        (from, end): Range,
        until: Instant,
    ) -> Result<bool, Why> {
        let mut whole = false;
        let read = session.read(topic, partition, from, until, &mut |record| {
            if record.offset < end {
                self.take(partition, record);
            }
            whole = record.offset + 1 >= end;
            match whole || self.over() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        let ended = read.map_err(|fault| client::refused_by_broker(&fault))?;
        // The last offsets may hold no records: then the end of the partition is told.
        Ok(whole || (ended && self.search.bound.is_none()))
    }

    /// Looks for what was not found in the records just before, too. They prove no absence,
    /// and so are not counted.
    fn further_back(
        &mut self,
        session: &Session,
        (name, topic): (&str, &Topic),
        begins: &BTreeMap<i32, Range>,
        until: Instant,
    ) -> Result<(), Why> {
        let (read, bytes, bound) = (self.search.read, self.search.bytes, self.search.bound.clone());
        for partition in topic.partitions.iter().filter(|_| !self.wanted.all) {
            let Some((begin, earliest)) =
                begins.get(&partition.id).map(|range| range.0).zip(partition.earliest.known())
            else {
                continue;
            };
            let from = begin.saturating_sub(EARLIER).max(*earliest);
            if self.missing.is_empty() || from >= begin || Instant::now() >= until {
                continue;
            }
            self.partition(session, (name, partition.id), (from, begin), until)?;
        }
        (self.search.read, self.search.bytes, self.search.bound) = (read, bytes, bound);
        Ok(())
    }

    fn take(&mut self, partition: i32, record: &RawRecord) {
        self.search.read += 1;
        let size = (record.key.len() + record.value.len()) as u64;
        self.search.bytes += size;
        let named = match self.wanted.ids.all.is_empty() {
            true => None,
            false => self.wanted.ids.named_by(record),
        };
        if named.is_none() && !self.wanted.all {
            return;
        }
        if let Some((id, _)) = named {
            self.missing.remove(&id);
        }
        if self.missing.is_empty() {
            self.found_at.get_or_insert(self.search.read);
        }
        self.search.matched += 1;
        let most = if named.is_some() { KEPT * self.wanted.ids.all.len() } else { KEPT };
        let kept = if named.is_some() { &mut self.naming } else { &mut self.others };
        if kept.len() == most {
            kept.pop_front();
        }
        let record = FoundRecord {
            partition,
            offset: record.offset,
            at: record.at_ms.and_then(|at| Timestamp::from_millisecond(at).ok()),
            by: named.map(|(_, by)| by.to_string()),
            names: None,
            size,
            headers: shown(record, self.wanted.headers),
            value: (self.wanted.values && named.is_some()).then(|| value(record)).flatten(),
        };
        kept.push_back((named.map(|(id, _)| id), record));
    }

    /// Whether a bound is reached; it is noted then.
    fn over(&mut self) -> bool {
        let bound = match self.found_at {
            _ if self.search.bytes >= BYTES => format!("{} MB were read", BYTES >> 20),
            Some(at) if !self.wanted.all && self.search.read - at >= AFTERWARDS => {
                format!("{AFTERWARDS} records after the one that was found")
            }
            _ if self.search.read >= RECORDS => format!("{RECORDS} records were read"),
            _ => return false,
        };
        self.search.bound = Some(bound);
        true
    }
}

/// The value, if it is JSON: compact, without secrets, cut.
fn value(record: &RawRecord) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(record.value).ok()?;
    Some(redact(&value.to_string()).chars().take(VALUE).collect())
}

/// The wanted headers as text, without secrets, cut. The others may hold anything.
fn shown(record: &RawRecord, wanted: &[String]) -> BTreeMap<String, String> {
    let headers = record.headers().into_iter().filter(|(name, _)| wanted.contains(name));
    let headers = headers.map(|(name, value)| {
        let text = redact(&String::from_utf8_lossy(&value));
        (name, text.chars().take(HEADER).collect())
    });
    headers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_likely_is_read_first_and_everything_once() {
        let begins = BTreeMap::from([(0, (100, 50_000)), (1, (7, 7)), (2, (0, 10))]);
        assert_eq!(ranges(&[2, 0, 1], &begins, None), [(2, (0, 10)), (0, (100, 50_000))]);
        let likely = BTreeMap::from([(0, (20_000, 50_000)), (1, (7, 7)), (2, (10, 10))]);
        let ranges = ranges(&[2, 0, 1], &begins, Some(&likely));
        let expected = [(0, (20_000, 40_000)), (2, (0, 10)), (0, (40_000, 50_000)), (0, (100, 20_000))];
        assert_eq!(ranges, expected);
    }
}
