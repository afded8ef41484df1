-- Two databases, each with its own role. Run when the server first starts, in place of
-- the purchase pipeline's schema, whose database is dropped.
\getenv orders_password ORDERS_PASSWORD
\getenv shipping_password SHIPPING_PASSWORD
\connect postgres postgres
DROP DATABASE kodingcaravan;
DROP ROLE app;
CREATE ROLE orders LOGIN PASSWORD :'orders_password';
CREATE ROLE shipping LOGIN PASSWORD :'shipping_password';
CREATE DATABASE orders OWNER orders;
CREATE DATABASE shipping OWNER shipping;
REVOKE CONNECT ON DATABASE orders, shipping FROM PUBLIC;

\connect orders orders
CREATE SCHEMA sales;
CREATE SEQUENCE sales.order_numbers START 123;
CREATE TABLE sales.orders (
    order_no  text PRIMARY KEY DEFAULT 'ORD-' || to_char(now(), 'YYYY') || '-'
              || to_char(nextval('sales.order_numbers'), 'FM000000'),
    customer  text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sales.outbox (
    id         bigserial PRIMARY KEY,
    order_no   text NOT NULL REFERENCES sales.orders,
    type       text NOT NULL,
    payload    jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz -- null if not sent yet
);
CREATE INDEX outbox_unsent ON sales.outbox (id) WHERE sent_at IS NULL;
CREATE INDEX outbox_of_order ON sales.outbox (order_no);

\connect shipping shipping
CREATE SCHEMA logistics;
CREATE TABLE logistics.shipments (
    order_no   text PRIMARY KEY,
    carrier    text NOT NULL,
    state      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE logistics.notifications (
    order_no text NOT NULL,
    channel  text NOT NULL,
    state    text NOT NULL,
    sent_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_no, channel)
);
CREATE TABLE logistics.handled (
    order_no   text NOT NULL,
    message_id text NOT NULL,
    kind       text NOT NULL,
    handler    text NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (message_id, handler)
);
CREATE INDEX handled_of_order ON logistics.handled (order_no);
