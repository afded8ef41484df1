//! Finds SQL that does more than read: functions that are known to have effects, and clauses that
//! write or lock. A read-only transaction stops only some of them.
//!
//! This catches mistakes and careless copies, not an attacker: any function of the database may
//! call another one. The wall is what the role may do.

use crate::pipeline::sql_tokens::{Kind, Token};
use std::borrow::Cow;
use std::ops::Range;

/// Functions that have effects, read files, run SQL that is given as text, or wait.
const FUNCTIONS: &[&str] = &[
    // Other sessions and the server.
    "pg_cancel_backend",
    "pg_log_backend_memory_contexts",
    "pg_log_standby_snapshot",
    "pg_promote",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_rotate_logfile_old",
    "pg_terminate_backend",
    "pg_wait_for_backend_termination",
    // The write-ahead log, backups and snapshots.
    "pg_export_snapshot",
    "pg_start_backup",
    "pg_stop_backup",
    "pg_switch_wal",
    "pg_switch_xlog",
    "pg_sync_replication_slots",
    "pg_wal_replay_pause",
    "pg_wal_replay_resume",
    "pg_xlog_replay_pause",
    "pg_xlog_replay_resume",
    // Transactions, settings, sequences, locks and notifications.
    "nextval",
    "pg_current_xact_id",
    "pg_nextoid",
    "pg_notify",
    "set_config",
    "set_limit",
    "setval",
    "txid_current",
    // Files.
    "pg_current_logfile",
    "pg_hba_file_rules",
    "pg_logdir_ls",
    "pg_show_all_file_settings",
    "pg_stat_file",
    // Rows that are addressed by their place.
    "currtid",
    "currtid2",
    // SQL that is given as text.
    "connectby",
    "crosstab",
    "crosstab2",
    "crosstab3",
    "crosstab4",
    "crosstab_hash",
    "cursor_to_xml",
    "cursor_to_xmlschema",
    "query_export_to_s3",
    "query_to_xml",
    "query_to_xml_and_xmlschema",
    "query_to_xmlschema",
    "table_import_from_s3",
    "ts_rewrite",
    "ts_stat",
    "xpath_table",
    // Large objects.
    "loread",
    "lowrite",
    // Requests.
    "http",
    "http_delete",
    "http_get",
    "http_head",
    "http_patch",
    "http_post",
    "http_put",
    // Indexes, statistics, buffers and storage.
    "gin_clean_pending_list",
    "pg_clear_attribute_stats",
    "pg_clear_relation_stats",
    "pg_import_system_collations",
    "pg_prewarm",
    "pg_restore_attribute_stats",
    "pg_restore_relation_stats",
    "pg_stat_force_next_flush",
    "pg_stat_statements_reset",
    "pg_truncate_visibility_map",
];

/// Beginnings of such functions' names.
const PREFIXES: &[&str] = &[
    "autoprewarm_",
    "binary_upgrade_",
    "brin_desummarize_",
    "brin_summarize_",
    "database_to_xml",
    "dblink",
    "heap_force_",
    "lo_",
    "pg_advisory_",
    "pg_background_",
    "pg_backup_",
    "pg_buffercache_evict",
    "pg_buffercache_mark_",
    "pg_copy_",
    "pg_create_",
    "pg_drop_",
    "pg_file_",
    "pg_logical_",
    "pg_ls_",
    "pg_read_",
    "pg_replication_",
    "pg_set_",
    "pg_sleep",
    "pg_stat_reset",
    "pg_try_advisory_",
    "postgres_fdw_disconnect",
    "schema_to_xml",
    "table_to_xml",
];

/// A byte range, the problem and its help text.
type Effect = (Range<usize>, String, &'static str);

const READS_ONLY: &str = "expected SQL that only reads tables: a diagnosis must change nothing";
const PLAIN_TEXT: &str = "write it without escapes, so that everybody can read what it does";

/// Finds the code that does more than read, and the text that could hide such code.
pub(super) fn effects(sql: &str, tokens: &[Token]) -> Vec<Effect> {
    let code: Vec<&Token> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    let text = |index: usize| code.get(index).map_or("", |token| &sql[token.at.clone()]);
    let word = |index: usize| match code.get(index) {
        Some(token) if token.kind == Kind::Word => text(index).to_ascii_lowercase(),
        _ => String::new(),
    };
    let mut found = Vec::new();
    let mut index = 0;
    while let Some(token) = code.get(index) {
        let (name, next) = name_at(sql, &code, index);
        let previous = index.checked_sub(1).map_or("", text);
        if let Some(name) = name.filter(|name| text(next) == "(" && has_effects(name)) {
            let what = format!("`{name}` does more than read");
            found.push((token.at.start..code[next - 1].at.end, what, READS_ONLY));
        }
        let following = [word(index + 1), word(index + 2)];
        let clause = match (word(index).as_str(), following.each_ref().map(String::as_str)) {
            ("delete", ["from", _]) if matches!(previous, "(" | ")") => Some("`delete`"),
            ("insert" | "merge", ["into", _]) if matches!(previous, "(" | ")") => Some("`insert` or `merge`"),
            ("update", _) if matches!(previous, "(" | ")") && !matches!(text(index + 1), ")" | ",") => {
                Some("`update`")
            }
            ("into", _) => Some("`into`"),
            ("for", ["update" | "share", _] | ["no", "key"] | ["key", "share"]) => Some("`for update`"),
            _ => None,
        };
        let clause =
            clause.map(|clause| (token.at.clone(), format!("{clause} does more than read"), READS_ONLY));
        found.extend(clause);
        found.extend(hidden_text(sql, &code, index));
        index = next.max(index + 1);
    }
    found
}

/// Returns the name that begins with this token, and the index of the token after it.
fn name_at<'a>(sql: &'a str, code: &[&Token], index: usize) -> (Option<Cow<'a, str>>, usize) {
    let token = code[index];
    let text = &sql[token.at.clone()];
    match token.kind {
        Kind::Word => (Some(text.to_ascii_lowercase().into()), index + 1),
        Kind::Quoted if text.starts_with('"') => {
            let mut name = text.trim_matches('"').to_string();
            let mut next = index + 1;
            // A doubled quote stands for a quote in the name.
            while let Some(more) = code.get(next) {
                let is_adjacent = code[next - 1].at.end == more.at.start;
                let more = &sql[more.at.clone()];
                if !is_adjacent || !more.starts_with('"') {
                    break;
                }
                name.push('"');
                name.push_str(more.trim_matches('"'));
                next += 1;
            }
            (Some(name.to_ascii_lowercase().into()), next)
        }
        _ => (None, index + 1),
    }
}

fn has_effects(name: &str) -> bool {
    FUNCTIONS.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Returns text whose meaning depends on more than this token, so that code could be hidden in it.
fn hidden_text(sql: &str, code: &[&Token], index: usize) -> Option<Effect> {
    let token = code[index];
    let text = &sql[token.at.clone()];
    let next = code.get(index + 1).map(|next| (&sql[next.at.clone()], next.at.start));
    if token.kind == Kind::Word && text.eq_ignore_ascii_case("u") {
        let is_escaped = sql[token.at.end..].starts_with("&\"");
        let what = "a name with escapes (U&\"...\")".to_string();
        return is_escaped.then(|| (token.at.start..token.at.end + 1, what, PLAIN_TEXT));
    }
    // PostgreSQL continues an escape string after a line feed, escapes included.
    let is_escape_string = token.kind == Kind::Quoted && text.starts_with(['e', 'E']);
    let continued = next.filter(|(next, _)| is_escape_string && next.starts_with('\''));
    continued.map(|_| (token.at.clone(), "a string in several parts".to_string(), "write it as one string"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::sql_tokens::tokenize;

    fn found(sql: &str) -> Vec<String> {
        effects(sql, &tokenize(sql)).into_iter().map(|(_, what, _)| what).collect()
    }

    #[test]
    fn finds_functions_however_they_are_written() {
        for sql in [
            "select pg_terminate_backend(1)",
            "select PG_Terminate_Backend (1)",
            "select pg_catalog.pg_terminate_backend/* a */\n-- b\n(1)",
            "select \"pg_terminate_backend\"(1)",
            "select pg_catalog . \"pg_terminate_backend\" (1)",
            "select -- x\rpg_terminate_backend(1)\n",
            "select 1 where exists (select pg_terminate_backend(pid) from pg_stat_activity)",
            "select 'a' || $$ ' $$ || pg_terminate_backend(1)",
            "select e'\\' (' || pg_terminate_backend(1)",
        ] {
            assert_eq!(found(sql), ["`pg_terminate_backend` does more than read"], "{sql}");
        }
        for name in ["pg_create_logical_replication_slot", "pg_read_binary_file", "lo_import", "dblink_exec"]
        {
            assert_eq!(found(&format!("select * from {name}('x')")).len(), 1, "{name}");
        }
    }

    #[test]
    fn finds_clauses_that_write_or_lock() {
        for sql in [
            "with gone as (delete from t returning *) select count(*) from gone",
            "with x as materialized (update t set a = 1 returning *) select 1",
            "with x as (insert into t values (1) returning *) select 1",
            "with x as (with y as (select 1) delete from t returning *) select 1",
            "with x as (merge into t using s on true when matched then delete) select 1",
            "select 1 into t",
            "select * from t for update",
            "select * from t for no key update skip locked",
        ] {
            assert!(!found(sql).is_empty(), "{sql}");
        }
    }

    #[test]
    fn finds_text_that_can_hide_code() {
        assert_eq!(found("select U&\"pg\\005fsleep\"(1)"), ["a name with escapes (U&\"...\")"]);
        assert_eq!(found("select e'a'\n'\\', pg_sleep(1) -- '")[0], "a string in several parts");
        // For PostgreSQL, this space is a part of the name before the quote.
        assert_eq!(found("select \u{a0}e'\\' || pg_sleep(1) || 'x'"), ["`pg_sleep` does more than read"]);
    }

    #[test]
    fn accepts_what_only_reads() {
        for sql in [
            "select id, at from done where type = 'pg_sleep(1)' -- pg_sleep(1)",
            "select count(*) filter (where pg_sleep is null), \"lo_price\" from t",
            "select update, insert, count(update), u & 1, u&1 from t",
            "select substring(a from 1 for 3), current_setting('x'), pg_wal_lsn_diff(a, b), lower(c) from t",
            "select U&'\\0061', e'it\\'s' from t where updated > now() - interval '1 h'",
            "select now(), pg_size_pretty(pg_relation_size('t')), txid_current_if_assigned()",
        ] {
            assert_eq!(found(sql), Vec::<String>::new(), "{sql}");
        }
    }
}
