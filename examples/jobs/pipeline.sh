# The jobs pipeline: how to create an event, the event's steps, and the faults (`inject_NAME`).
# shellcheck shell=bash disable=SC2034

api=report-api
request=(8082 /reports)

last_effect() { sql reporting "select exists (select from mails where report_id = $1)"; }

# Does not query the table `documents`, which a fault locks.
steps() {
    sql reporting "select 'report', exists (select from reports where id = $1)
        union all select 'render job', exists (select from jobs where report_id = $1 and kind = 'render')
        union all select 'rendered', exists (select from jobs
            where report_id = $1 and kind = 'render' and state = 'done')
        union all select 'mail job', exists (select from jobs where report_id = $1 and kind = 'mail')
        union all select 'mail', exists (select from mails where report_id = $1)"
}

inject_mail_worker_stopped() { compose stop mail-worker >&2; }

inject_render_worker_loops() { set_variables render-worker RENDER_TEMPLATE=; }

inject_documents_locked() { lock_table reporting documents 'access exclusive'; }
