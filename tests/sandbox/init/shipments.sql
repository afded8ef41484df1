\connect postgres postgres
CREATE ROLE shipments LOGIN PASSWORD 'sandbox-only';
CREATE DATABASE shipments OWNER shipments;
\connect shipments shipments

CREATE TABLE shipment (
    id          bigserial PRIMARY KEY,
    order_id    uuid NOT NULL UNIQUE,
    customer_id integer NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE notification (
    id         bigserial PRIMARY KEY,
    order_id   uuid NOT NULL UNIQUE,
    channel    text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
