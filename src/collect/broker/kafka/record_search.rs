//! Searches topics for the requested events' records and for dead letters. The search starts at the
//! event's time and in the key's partition, and it reports any limit that it reaches.

use crate::base::secret::withhold;
use crate::collect::broker::kafka::client::{self, RoutedRequest, Session};
use crate::collect::broker::kafka::ffi::consumer::RawRecord;
use crate::collect::broker::kafka::ffi::{self, OffsetSpec, Request, Response};
use crate::evidence::{
    Broker, DeadLetters, FoundRecord, Observed, Reason, ReasonKind, Search, Topic, TopicPartition,
};
use crate::text::whole_word::contains_word;
use jiff::Timestamp;
use regex::bytes::{Regex, RegexBuilder};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Maximum number of records to read per topic.
const MAX_RECORDS: u64 = 1_000_000;
/// Maximum size of the keys and values to read per topic, in bytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Number of records to read after a match, because the event may have been sent again.
const RECORDS_AFTER_MATCH: u64 = 20_000;
/// Time limit per topic.
const TOPIC_TIMEOUT: Duration = Duration::from_secs(3);
/// Number of records to read before the event's time if an id was not found, because a
/// producer whose clock is behind writes timestamps that are too early.
const RECORDS_BEFORE: i64 = 2_000;
/// Number of records to read first in each partition, starting at the event's time.
const FIRST_CHUNK: i64 = 20_000;
/// Maximum number of matching records, and of other records, to keep per topic. The newest records are kept.
const MAX_KEPT: usize = 50;
/// Maximum length of a kept value, in characters.
const MAX_VALUE: usize = 4_000;
/// Maximum length of a kept header, in characters.
const MAX_HEADER: usize = 400;

/// What to search for in a topic.
pub struct SearchQuery<'a> {
    /// Event ids, if any were given.
    pub ids: &'a Ids,
    /// Whether to keep the values of records that name an id.
    pub values: bool,
    /// Whether to keep all records, not only those that name an id.
    pub all: bool,
    /// Earliest time to search.
    pub from: Option<Timestamp>,
    /// The event's likely time, at which the search begins.
    pub likely: Option<Timestamp>,
    /// Headers to keep.
    pub headers: &'a [String],
    /// A session that also reads the records of open transactions, if there are any.
    pub uncommitted: Option<&'a Session>,
}

/// The ids to search for.
pub struct Ids {
    all: Vec<String>,
    /// Matches any of several ids in one pass, because one pass per id would take too long.
    any: Option<Regex>,
}

impl Ids {
    /// Prepares the search for these ids.
    pub fn new(ids: &[String]) -> Ids {
        let all = ids.to_vec();
        let escaped: Vec<String> = all.iter().map(|id| regex::escape(id)).collect();
        let any = RegexBuilder::new(&escaped.join("|")).case_insensitive(true).unicode(false).build();
        Ids { any: any.ok().filter(|_| all.len() > 1), all }
    }

    /// Returns the index of the first id that occurs in the text as a whole word.
    fn find(&self, text: &[u8]) -> Option<usize> {
        let holds = |id: &String| contains_word(text, id.as_bytes());
        match &self.any {
            Some(any) if !any.is_match(text) => None,
            _ => self.all.iter().position(holds),
        }
    }

    /// Returns the index of the id that a record names, and whether it is in the key, the
    /// value or a header.
    fn find_in_record(&self, record: &RawRecord) -> Option<(usize, &'static str)> {
        if let Some(id) = self.find(record.key) {
            return Some((id, "key"));
        }
        // The value is searched before the headers, which must be copied in order to be
        // searched.
        if let Some(id) = self.find(record.value) {
            return Some((id, "value"));
        }
        record.headers().iter().find_map(|(_, value)| Some((self.find(value)?, "header")))
    }

    /// Returns the id if there is only one.
    fn single(&self) -> Option<&str> {
        self.all.first().filter(|_| self.all.len() == 1).map(String::as_str)
    }
}

/// A record and the index of the id that it names, if any.
type KeptRecord = (Option<usize>, FoundRecord);

/// The result of searching a topic.
pub struct SearchResult {
    /// How much was read.
    pub search: Search,
    /// The kept records, oldest first: those that name an id, and the newest other records.
    found: Vec<KeptRecord>,
}

impl SearchResult {
    /// Returns the records that name an id, each with the index of the id.
    pub fn matches(&self) -> Vec<(usize, FoundRecord)> {
        self.found.iter().filter_map(|(id, record)| Some(((*id)?, record.clone()))).collect()
    }

    /// Returns the records as dead letters, with the ids that they name.
    pub fn dead_letters(self, ids: &[String]) -> DeadLetters {
        let found = self.found.into_iter().map(|(id, record)| {
            let names = id.and_then(|id| ids.get(id).cloned());
            FoundRecord { names, ..record }
        });
        DeadLetters { search: self.search, found: found.collect() }
    }
}

/// Searches one topic.
pub fn search(
    session: &mut Session,
    kafka: &Broker,
    topic: &str,
    query: &SearchQuery,
    until: Instant,
) -> Observed<SearchResult> {
    let known_topic = match kafka.topics.get(topic) {
        Some(known) => known.as_ref(),
        None => Observed::unknown(ReasonKind::Missing, format!("topic {topic} was not requested")),
    };
    known_topic.and_then(|known| match known.exists {
        true => search_existing(session, kafka, (topic, known), query, until).into(),
        // A missing dead letter topic has no dead letters.
        false if query.all => {
            let search = Search { from: query.from, complete: true, ..Search::default() };
            Observed::Known(SearchResult { search, found: Vec::new() })
        }
        false => Observed::unknown(ReasonKind::Missing, format!("topic {topic} does not exist")),
    })
}

fn search_existing(
    session: &mut Session,
    kafka: &Broker,
    (name, topic): (&str, &Topic),
    query: &SearchQuery,
    until: Instant,
) -> Result<SearchResult, Reason> {
    let start = Instant::now();
    let until = until.min(start + TOPIC_TIMEOUT);
    let full = ranges_from(session, kafka, (name, topic), query.from)?;
    let likely = match query.likely {
        Some(likely) => Some(ranges_from(session, kafka, (name, topic), Some(likely))?),
        None => None,
    };
    let order = partition_order(topic, query.ids.single());
    let mut reading = TopicReading {
        query,
        all_found_at: None,
        missing: (0..query.ids.all.len()).collect(),
        unstable: false,
        search: Search { from: query.from, ..Search::default() },
        matches: VecDeque::new(),
        others: VecDeque::new(),
    };
    let mut incomplete = order.iter().filter(|partition| !full.contains_key(partition)).count();
    let committed = committed_ranges(topic, &full);
    for (partition, range) in reading_order(&order, &committed, likely.as_ref()) {
        let complete = reading.read_range(session, (name, partition), range, until)?;
        incomplete += usize::from(!complete);
    }
    incomplete += reading.read_unstable((name, topic), &full, until)?;
    reading.read_before(session, (name, topic), &full, until)?;
    let mut search = reading.search;
    let mut found: Vec<KeptRecord> = reading.matches.into_iter().chain(reading.others).collect();
    search.complete = incomplete == 0;
    search.truncated = topic.partitions.iter().any(|partition| {
        let first = full.get(&partition.id).map(|(first, _)| first);
        let end = partition.end.known();
        // If nothing is left since the requested time, it may be because it was deleted.
        let is_empty = end.is_some() && end == partition.earliest.known();
        let starts_there = |earliest| first == Some(earliest) || is_empty;
        partition.earliest.known().is_some_and(|earliest| *earliest > 0 && starts_there(earliest))
    });
    if incomplete > 0 && search.bound.is_none() {
        search.bound = Some(match Instant::now() >= until {
            true => format!("the time limit was reached after {:.1} s", start.elapsed().as_secs_f64()),
            false => format!("{incomplete} of its partitions could not be read"),
        });
    }
    found.sort_by_key(|(_, found)| (found.at, found.partition, found.offset));
    Ok(SearchResult { search, found })
}

/// A range of offsets in one partition: start (inclusive) and end (exclusive).
type Range = (i64, i64);

/// Returns the parts of the ranges before the first record of an open transaction. A consumer of committed
/// records waits there, without a sign that it has reached an end.
fn committed_ranges(topic: &Topic, ranges: &BTreeMap<i32, Range>) -> BTreeMap<i32, Range> {
    let stable = |id: &i32| topic.partitions.iter().find(|p| p.id == *id)?.last_stable.known().copied();
    let committed = ranges.iter().map(|(id, (from, end))| {
        let end = stable(id).map_or(*end, |stable| stable.clamp(*from, *end.max(from)));
        (*id, (*from, end))
    });
    committed.collect()
}

/// Returns the ranges in reading order: first a chunk of each partition starting at the
/// likely time, then the rest after it and before it.
fn reading_order(
    order: &[i32],
    full: &BTreeMap<i32, Range>,
    likely: Option<&BTreeMap<i32, Range>>,
) -> Vec<(i32, Range)> {
    let all = || order.iter().filter_map(|id| Some((*id, *full.get(id)?)));
    let Some(likely) = likely else { return all().filter(|(_, (from, end))| from < end).collect() };
    let chunk = |id: i32, (from, end): Range| {
        let first = likely.get(&id).map_or(from, |(first, _)| (*first).clamp(from, end));
        (first, first.saturating_add(FIRST_CHUNK).min(end))
    };
    let first = all().map(|(id, range)| (id, chunk(id, range)));
    let rest = all().flat_map(|(id, (from, end))| {
        let (first, last) = chunk(id, (from, end));
        [(id, (last, end)), (id, (from, first))]
    });
    first.chain(rest).filter(|(_, (from, end))| from < end).collect()
}

/// Returns each partition's range from a given time to the partition's end. Omits
/// partitions without a leader or with unknown offsets.
fn ranges_from(
    session: &mut Session,
    kafka: &Broker,
    (name, topic): (&str, &Topic),
    from: Option<Timestamp>,
) -> Result<BTreeMap<i32, Range>, Reason> {
    let ends = topic.partitions.iter().filter_map(|p| Some((p.id, (*p.earliest.known()?, *p.end.known()?))));
    let mut ranges: BTreeMap<i32, Range> = ends.collect();
    let (Some(from), false) = (from, ranges.is_empty()) else {
        return Ok(ranges);
    };
    let partitions = ranges.keys().map(|&partition| TopicPartition { topic: name.to_string(), partition });
    let request = Request::Offsets(OffsetSpec::Timestamp(from.as_millisecond()), partitions.collect());
    let brokers = kafka.addresses();
    let mut failed = None;
    session.send(&[RoutedRequest { request, brokers }], |_, response| match response {
        Ok(Response::Offsets(offsets)) => {
            for (place, offset) in offsets {
                match (offset, ranges.get_mut(&place.partition)) {
                    // No record has this timestamp or a later one.
                    (Ok(offset), Some((first, end))) if offset < 0 => *first = *end,
                    (Ok(offset), Some((first, _))) => *first = offset,
                    (Err(error), _) => failed = Some(client::broker_error(&error)),
                    (_, None) => {}
                }
            }
        }
        Ok(_) => {}
        Err(why) => failed = Some(why),
    });
    failed.map_or(Ok(ranges), Err)
}

/// Returns the partitions, starting with those that the usual partitioners map the key to.
fn partition_order(topic: &Topic, key: Option<&str>) -> Vec<i32> {
    let count = i32::try_from(topic.partitions.len()).unwrap_or_default();
    let likely = key.map(|key| ffi::partitions_of_key(key.as_bytes(), count)).unwrap_or_default();
    let rest = topic.partitions.iter().map(|p| p.id).filter(|id| !likely.contains(id));
    let mut order: Vec<i32> = likely.iter().copied().chain(rest).collect();
    order.dedup();
    order
}

/// The state of reading one topic.
struct TopicReading<'a> {
    query: &'a SearchQuery<'a>,
    search: Search,
    /// How many records had been read when the last missing id was found.
    all_found_at: Option<u64>,
    /// Indexes of the ids that have not been found yet.
    missing: BTreeSet<usize>,
    /// Whether what is read now lies behind the first record of an open transaction.
    unstable: bool,
    /// The newest records that name an id.
    matches: VecDeque<KeptRecord>,
    /// The newest of the other records.
    others: VecDeque<KeptRecord>,
}

impl TopicReading<'_> {
    /// Reads a range of a partition and returns whether it was read to its end.
    fn read_range(
        &mut self,
        session: &Session,
        (topic, partition): (&str, i32),
        (from, end): Range,
        until: Instant,
    ) -> Result<bool, Reason> {
        let mut complete = false;
        let read = session.read(topic, partition, from, until, &mut |record| {
            if record.offset < end {
                self.add(partition, record);
            }
            complete = record.offset + 1 >= end;
            match complete || self.reached_limit() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        let ended = read.map_err(|error| client::broker_error(&error))?;
        // The last offsets may be control records, in which case the partition reports EOF.
        Ok(complete || (ended && self.search.bound.is_none()))
    }

    /// Reads the records behind the first record of an open transaction, where consumers of
    /// committed records have to stop. Returns how many partitions could not be read to their end.
    fn read_unstable(
        &mut self,
        (name, topic): (&str, &Topic),
        ranges: &BTreeMap<i32, Range>,
        until: Instant,
    ) -> Result<usize, Reason> {
        let mut incomplete = 0;
        for partition in &topic.partitions {
            let (Some((first, end)), Some(stable)) =
                (ranges.get(&partition.id), partition.last_stable.known())
            else {
                continue;
            };
            if stable >= end {
                continue;
            }
            let complete = match self.query.uncommitted {
                Some(session) => {
                    self.unstable = true;
                    self.read_range(session, (name, partition.id), (*stable.max(first), *end), until)?
                }
                None => false,
            };
            incomplete += usize::from(!complete);
        }
        self.unstable = false;
        Ok(incomplete)
    }

    /// Searches for missing ids in the records just before the range. These records are
    /// not counted, because they do not prove absence.
    fn read_before(
        &mut self,
        session: &Session,
        (name, topic): (&str, &Topic),
        ranges: &BTreeMap<i32, Range>,
        until: Instant,
    ) -> Result<(), Reason> {
        let (read, bytes, bound) = (self.search.read, self.search.bytes, self.search.bound.clone());
        for partition in topic.partitions.iter().filter(|_| !self.query.all) {
            let Some((first, earliest)) =
                ranges.get(&partition.id).map(|range| range.0).zip(partition.earliest.known())
            else {
                continue;
            };
            let from = first.saturating_sub(RECORDS_BEFORE).max(*earliest);
            if self.missing.is_empty() || from >= first || Instant::now() >= until {
                continue;
            }
            self.read_range(session, (name, partition.id), (from, first), until)?;
        }
        (self.search.read, self.search.bytes, self.search.bound) = (read, bytes, bound);
        Ok(())
    }

    fn add(&mut self, partition: i32, record: &RawRecord) {
        self.search.read += 1;
        let size = (record.key.len() + record.value.len()) as u64;
        self.search.bytes += size;
        let named_id = match self.query.ids.all.is_empty() {
            true => None,
            false => self.query.ids.find_in_record(record),
        };
        if named_id.is_none() && !self.query.all {
            return;
        }
        if let Some((id, _)) = named_id {
            self.missing.remove(&id);
        }
        if self.missing.is_empty() {
            self.all_found_at.get_or_insert(self.search.read);
        }
        self.search.matched += 1;
        let max = if named_id.is_some() { MAX_KEPT * self.query.ids.all.len() } else { MAX_KEPT };
        let kept = if named_id.is_some() { &mut self.matches } else { &mut self.others };
        if kept.len() == max {
            kept.pop_front();
        }
        let record = FoundRecord {
            partition,
            offset: record.offset,
            at: record.at_ms.and_then(|at| Timestamp::from_millisecond(at).ok()),
            by: named_id.map(|(_, by)| by.to_string()),
            names: None,
            unstable: self.unstable,
            size,
            headers: kept_headers(record.headers(), self.query.headers),
            value: (self.query.values && named_id.is_some()).then(|| json_value(record)).flatten(),
        };
        kept.push_back((named_id.map(|(id, _)| id), record));
    }

    /// Reports whether a limit has been reached, and records which one.
    fn reached_limit(&mut self) -> bool {
        let limit = match self.all_found_at {
            _ if self.search.bytes >= MAX_BYTES => format!("{} MB were read", MAX_BYTES >> 20),
            Some(at) if !self.query.all && self.search.read - at >= RECORDS_AFTER_MATCH => {
                format!("{RECORDS_AFTER_MATCH} records were read after the match")
            }
            _ if self.search.read >= MAX_RECORDS => format!("{MAX_RECORDS} records were read"),
            _ => return false,
        };
        self.search.bound = Some(limit);
        true
    }
}

/// Returns the value in compact form, redacted and truncated, if it is JSON.
fn json_value(record: &RawRecord) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(record.value).ok()?;
    Some(withhold(&value.to_string()).chars().take(MAX_VALUE).collect())
}

/// Returns the wanted headers as text, redacted and truncated. Other headers may hold
/// anything, so they are dropped.
pub fn kept_headers(headers: Vec<(String, Vec<u8>)>, wanted: &[String]) -> BTreeMap<String, String> {
    let headers = headers.into_iter().filter(|(name, _)| wanted.contains(name));
    let headers = headers.map(|(name, value)| {
        let text = withhold(&String::from_utf8_lossy(&value));
        (name, text.chars().take(MAX_HEADER).collect())
    });
    headers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_likely_range_first_and_each_record_once() {
        let full = BTreeMap::from([(0, (100, 50_000)), (1, (7, 7)), (2, (0, 10))]);
        assert_eq!(reading_order(&[2, 0, 1], &full, None), [(2, (0, 10)), (0, (100, 50_000))]);
        let likely = BTreeMap::from([(0, (20_000, 50_000)), (1, (7, 7)), (2, (10, 10))]);
        let ranges = reading_order(&[2, 0, 1], &full, Some(&likely));
        let expected = [(0, (20_000, 40_000)), (2, (0, 10)), (0, (40_000, 50_000)), (0, (100, 20_000))];
        assert_eq!(ranges, expected);
    }
}
