# The shop pipeline: how to create an event, the event's steps, and the faults (`inject_NAME`).
# shellcheck shell=bash disable=SC2034

api=order-api
request=(8081 /orders)

last_effect() {
    sql shipping "select exists (select from logistics.handled
        where order_no = '$1' and handler = 'notification-worker')"
}

steps() {
    sql orders "select 'order', exists (select from sales.orders where order_no = '$1')
        union all select 'sent', exists (select from sales.outbox where order_no = '$1' and sent_at is not null)"
    sql shipping "select 'shipment', exists (select from logistics.shipments where order_no = '$1')
        union all select 'shipping mark', exists (select from logistics.handled
            where order_no = '$1' and handler = 'shipping-worker')
        union all select 'notification', exists (select from logistics.notifications where order_no = '$1')
        union all select 'notification mark', exists (select from logistics.handled
            where order_no = '$1' and handler = 'notification-worker')"
}

inject_notification_worker_stopped() { compose stop notification-worker >&2; }

inject_topic_missing() { topic --delete --topic shipments.created; }

inject_marked_without_shipment() { set_variables shipping-worker CARRIER_REFUSES=true; }

inject_relay_stopped() { compose stop outbox-relay >&2; }

# Blocks writers, but not readers.
inject_shipments_locked() { lock_table shipping logistics.shipments 'share row exclusive'; }
