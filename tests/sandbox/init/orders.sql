\connect postgres postgres
CREATE ROLE orders LOGIN PASSWORD 'sandbox-only';
CREATE DATABASE orders OWNER orders;
\connect orders orders

CREATE TABLE purchase_order (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    customer_id integer NOT NULL,
    status      text NOT NULL,
    relayed_at  timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- A view over the orders is no effect of a worker.
CREATE VIEW order_statistics AS
    SELECT id AS order_id, customer_id, status, created_at AS counted_at FROM purchase_order;
