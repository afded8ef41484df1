//! Ids, addresses, log records and Kafka headers.

use crate::input::{bytes, text};
use crate::watch::{assert_visible, run};
use bollard::container::LogOutput;
use bytes::Bytes;
use pipeline_doctor::base::secret::{redact, redact_url};
use pipeline_doctor::base::visible_text::visible;
use pipeline_doctor::collect::broker::kafka::record_search::kept_headers;
use pipeline_doctor::collect::database::postgres::address::Address;
use pipeline_doctor::collect::env_addresses::Variables;
use pipeline_doctor::collect::logs::records_of;
use pipeline_doctor::fact::registry;
use pipeline_doctor::input::Source;
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::printed_command::shell;
use pipeline_doctor::report::format::gfm;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::situation::logs::{in_one_line, message_of};
use pipeline_doctor::text::address::{hosts_of, is_broker_list, is_http_address};
use pipeline_doctor::text::log::{LogRecord, level_of, shortened};
use pipeline_doctor::text::log_message;
use pipeline_doctor::text::printable::is_printable;
use pipeline_doctor::text::sql_literal::literal;
use proptest::prelude::*;

/// Returns a pipeline with each format of ids.
fn pipelines() -> Vec<Pipeline> {
    let formats = [
        "format = \"uuid\"",
        "format = \"ulid\"",
        "format = \"number\"",
        "format = \"text\"",
        "format = \"text\"\npattern = '^ORD-\\d{4}'",
    ];
    let shop = include_str!("../support/shop.toml");
    let pipelines = formats.iter().map(|format| {
        let text = shop.replace("format = \"uuid\"", format);
        Pipeline::read(&Source { name: "shop.toml".into(), text }, &mut Vec::new()).unwrap()
    });
    pipelines.collect()
}

#[test]
fn ids() {
    let pipelines = pipelines();
    let id = prop_oneof![
        3 => text(6),
        1 => "[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        1 => "[{ ]?[0-9A-HJKMNP-TV-Z]{25,27}[} ]?",
        1 => "[0-9]{1,25}",
        1 => "(ORD-[0-9]{4})?[:/_]?[ -~]{0,20}",
    ];
    run("ids", 2_000_000, &id, |id| {
        for pipeline in &pipelines {
            match pipeline.canonical_id(&id) {
                Ok(canonical) => {
                    assert!(is_printable(&canonical) && !canonical.starts_with('-') && !canonical.is_empty());
                    assert!(pipeline.is_id(&canonical), "{canonical:?}");
                    assert_eq!(pipeline.canonical_id(&canonical).unwrap(), canonical);
                    let quoted = shell::printed(&canonical).unwrap();
                    assert_eq!(shlex::split(&quoted).unwrap(), [canonical]);
                }
                Err(mistake) => assert_visible(&mistake.to_string()),
            }
            if pipeline.is_stored_id(&id) {
                assert!(is_printable(&id) && !id.starts_with('-'));
                assert!(!literal(&id).contains('\n'));
            }
        }
    });
}

#[test]
fn addresses() {
    let address = prop_oneof![
        3 => text(8),
        1 => "[a-z+]{0,10}://([ -~]{0,12}@)?[ -~]{0,12}(:[0-9]{0,6})?(/[ -~]{0,12})?",
        1 => "([a-z0-9.-]{0,10}:[0-9]{0,6},?){0,4}",
        1 => "(host|Host|Server|port|user|User Id|password|Password|sslmode|SSL Mode)[ ]?=[ -~]{0,10}[; ]?",
    ];
    run("addresses", 2_000_000, &address, |address| {
        hosts_of(&address);
        if is_broker_list(&address) {
            assert!(is_printable(&address) && !address.starts_with('-'));
            let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:,[] ".contains(&byte);
            assert!(address.bytes().all(harmless), "{address:?}");
        }
        if is_http_address(&address) {
            assert!(is_printable(&address));
        }
        redact_url(&address);
        if let Ok(parsed) = Address::parse(&address) {
            parsed.endpoints();
            parsed.host_list();
        }
        for name in
            ["KAFKA_BROKERS", "DATABASE_URL", "SPRING_DATASOURCE_URL", "ConnectionStrings__Default", "PGHOST"]
        {
            let variables = Variables::new([(name, address.as_str()), ("PGDATABASE", "x")]);
            let brokers = variables.brokers();
            assert!(brokers.iter().all(|(_, list)| is_broker_list(list)), "{brokers:?}");
            variables.databases();
        }
    });
}

#[test]
fn log_records() {
    let frame = (any::<bool>(), any::<bool>(), bytes(12), any::<bool>());
    let frames = prop::collection::vec(frame, 1..4);
    let kinds = lint::read(None, registry(), &mut Vec::new()).unwrap().signatures;
    run("log records", 2_000_000, &(frames, any::<bool>()), |(frames, tty)| {
        let outputs = frames.into_iter().map(|(stderr, timed, text, ended)| {
            let time: &[u8] = if timed { b"2026-01-07T16:55:09.123456789Z " } else { b"" };
            let end: &[u8] = if ended { b"\n" } else { b"" };
            let message = Bytes::from([time, &text[..], end].concat());
            match (tty, stderr) {
                (true, _) => LogOutput::Console { message },
                (_, true) => LogOutput::StdErr { message },
                (_, false) => LogOutput::StdOut { message },
            }
        });
        for record in records_of(&outputs.collect::<Vec<LogOutput>>(), tty).unwrap() {
            log_message::is_trouble(&record.text);
            log_message::extract(&record.text);
            log_message::strip_header(&record.text);
            let parsed = LogRecord::parse(&record.text);
            level_of(&record.text);
            for found in kinds.of(&parsed) {
                assert!(found.range.end <= parsed.errors[found.error].len());
            }
            assert!(shortened(record.text.clone(), 40).len() <= record.text.len().max(80));
            assert_visible(&visible(&in_one_line(&message_of(&record.text))));
        }
    });
}

#[test]
fn kafka_headers() {
    let header = (prop_oneof![Just("error".to_string()), text(3)], bytes(12));
    let headers = prop::collection::vec(header, 0..6);
    run("Kafka headers", 100_000, &headers, |headers| {
        let wanted = ["error".to_string(), "failedBy".to_string()];
        for (name, value) in kept_headers(headers.clone(), &wanted) {
            assert!(wanted.contains(&name) && value.chars().count() <= 400);
            assert_visible(&visible(&value));
            assert_visible(&gfm::text(&value));
            redact(&value);
        }
    });
}
