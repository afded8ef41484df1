-- Run when the server first starts, in place of the purchase pipeline's schema, whose
-- database is dropped.
\getenv onboarding_password ONBOARDING_PASSWORD
\connect postgres postgres
DROP DATABASE kodingcaravan;
DROP ROLE app;
CREATE ROLE onboarding LOGIN PASSWORD :'onboarding_password';
CREATE DATABASE onboarding OWNER onboarding;

\connect onboarding onboarding
CREATE TABLE signups (
    id           text PRIMARY KEY, -- a ULID
    email        text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE identity_checks (
    signup_id  text PRIMARY KEY REFERENCES signups,
    result     text NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE credit_checks (
    signup_id  text PRIMARY KEY REFERENCES signups,
    score      integer NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE accounts (
    signup_id text PRIMARY KEY REFERENCES signups,
    status    text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE handled_events (
    signup_id  text NOT NULL,
    event_id   text NOT NULL,
    event_type text NOT NULL,
    handler    text NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (event_id, handler)
);
CREATE INDEX handled_of_signup ON handled_events (signup_id);
