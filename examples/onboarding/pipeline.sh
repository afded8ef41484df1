# The onboarding pipeline: how to create an event, the event's steps, and the faults (`inject_NAME`).
# shellcheck shell=bash disable=SC2034

api=signup-api
request=(8083 /signups)

last_effect() { sql onboarding "select exists (select from accounts where signup_id = '$1')"; }

steps() {
    sql onboarding "select 'signup', exists (select from signups where id = '$1')
        union all select 'identity check', exists (select from identity_checks where signup_id = '$1')
        union all select 'identity mark', exists (select from handled_events
            where signup_id = '$1' and handler = 'identity-worker')
        union all select 'credit check', exists (select from credit_checks where signup_id = '$1')
        union all select 'credit mark', exists (select from handled_events
            where signup_id = '$1' and handler = 'credit-worker')
        union all select 'identity joined', exists (select from handled_events
            where signup_id = '$1' and handler = 'account-worker' and event_type = 'identity-checked')
        union all select 'credit joined', exists (select from handled_events
            where signup_id = '$1' and handler = 'account-worker' and event_type = 'credit-checked')
        union all select 'account', exists (select from accounts where signup_id = '$1')"
}

inject_credit_worker_stopped() { compose stop credit-worker >&2; }

inject_topic_missing() {
    compose exec -T kafka-checks kafka-topics --bootstrap-server kafka-checks:9092 --delete --topic credit-checked >&2
}

inject_checks_broker_stopped() { compose stop kafka-checks >&2; }

inject_account_worker_paused() { compose pause account-worker >&2; }
