//! Requests about transactions, which librdkafka lacks.

use crate::collect::broker::kafka::wire::connection::{Connection, Fault};
use crate::collect::broker::kafka::wire::protocol::{
    DESCRIBE_PRODUCERS, LIST_TRANSACTIONS, Reader, write_compact_string,
};

/// A producer that has written to a partition recently.
#[derive(Debug, PartialEq, Eq)]
pub struct ActiveProducer {
    /// Its id.
    pub id: i64,
    /// The offset of the first record of its open transaction; negative if it has none.
    pub transaction_start: i64,
}

impl Connection {
    /// Requests the producers that have written to a partition recently. The broker must lead the
    /// partition. Returns `None` if the broker is too old (before 3.0) or refuses.
    pub fn active_producers(
        &mut self,
        topic: &str,
        partition: i32,
    ) -> Result<Option<Vec<ActiveProducer>>, Fault> {
        if !self.supports(DESCRIBE_PRODUCERS, 0) {
            return Ok(None);
        }
        let mut body = vec![2];
        write_compact_string(&mut body, topic);
        body.push(2);
        body.extend(partition.to_be_bytes());
        // No tagged fields, neither of the topic nor of the request.
        body.extend([0, 0]);
        let response = self.exchange_flexible(DESCRIBE_PRODUCERS, 0, &body)?;
        read_producers(&response).map(Some).ok_or(Fault::NotKafka)
    }

    /// Requests the transactional id of a producer. Returns `None` if the broker is too old (before
    /// 3.0), refuses, or does not coordinate the producer's transactions.
    pub fn transactional_id(&mut self, producer: i64) -> Result<Option<String>, Fault> {
        if !self.supports(LIST_TRANSACTIONS, 0) {
            return Ok(None);
        }
        // All states, one producer.
        let mut body = vec![1, 2];
        body.extend(producer.to_be_bytes());
        body.push(0);
        let response = self.exchange_flexible(LIST_TRANSACTIONS, 0, &body)?;
        read_transactional_id(&response, producer).ok_or(Fault::NotKafka)
    }
}

fn read_producers(response: &[u8]) -> Option<Vec<ActiveProducer>> {
    let mut reader = Reader(response);
    reader.skip(4)?;
    let topics = reader.compact_list(|topic| {
        topic.compact_string()?;
        let partitions = topic.compact_list(|partition| {
            // The number and the error of the partition.
            partition.skip(4 + 2)?;
            partition.compact_string()?;
            let producers = partition.compact_list(|producer| {
                let id = producer.int64()?;
                // Epoch, last sequence and time, and epoch of the coordinator.
                producer.skip(4 + 4 + 8 + 4)?;
                let transaction_start = producer.int64()?;
                producer.tags()?;
                Some(ActiveProducer { id, transaction_start })
            });
            partition.tags()?;
            producers
        })?;
        topic.tags()?;
        Some(partitions.into_iter().flatten().collect::<Vec<_>>())
    })?;
    Some(topics.into_iter().flatten().collect())
}

fn read_transactional_id(response: &[u8], producer: i64) -> Option<Option<String>> {
    let mut reader = Reader(response);
    // Throttle time and error.
    reader.skip(4 + 2)?;
    reader.compact_list(|state| state.compact_string())?;
    let transactions = reader.compact_list(|transaction| {
        let name = transaction.compact_string()?;
        let id = transaction.int64()?;
        transaction.compact_string()?;
        transaction.tags()?;
        Some((id, name))
    })?;
    Some(transactions.into_iter().find(|(id, _)| *id == producer).map(|(_, name)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_producers_and_transactional_ids() {
        let [id, start] = [7_i64, 12].map(i64::to_be_bytes);
        let producer = [&id[..], &[0; 4 + 4 + 8 + 4], &start, &[0]].concat();
        let partition = [&[0; 4 + 2 + 1][..], &[2], &producer, &[0]].concat();
        let producers = [&[0; 4][..], &[2, 2, b't', 2], &partition, &[0, 0]].concat();
        let expected = vec![ActiveProducer { id: 7, transaction_start: 12 }];
        assert_eq!(read_producers(&producers), Some(expected));
        let transaction = [&[2, b'a'][..], &id, &[8], b"Ongoing", &[0]].concat();
        let transactions = [&[0; 4 + 2][..], &[1, 2], &transaction, &[0]].concat();
        assert_eq!(read_transactional_id(&transactions, 7), Some(Some("a".into())));
        assert_eq!(read_transactional_id(&transactions, 8), Some(None));
        for response in [&producers, &transactions] {
            for end in 0..response.len() - 1 {
                assert_eq!(read_producers(&response[..end]).filter(|found| !found.is_empty()), None);
            }
        }
    }
}
