-- Run when the server first starts, in place of the purchase pipeline's schema, whose
-- database is dropped.
\getenv reporting_password REPORTING_PASSWORD
\connect postgres postgres
DROP DATABASE kodingcaravan;
DROP ROLE app;
CREATE ROLE reporting LOGIN PASSWORD :'reporting_password';
CREATE DATABASE reporting OWNER reporting;

\connect reporting reporting
CREATE TABLE reports (
    id           bigint GENERATED ALWAYS AS IDENTITY (START WITH 48211) PRIMARY KEY,
    requested_by text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE jobs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report_id  bigint NOT NULL REFERENCES reports,
    kind       text NOT NULL CHECK (kind IN ('render', 'mail')),
    state      text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    attempts   integer NOT NULL DEFAULT 0,
    locked_by  text,
    error      text,
    created_at timestamptz NOT NULL DEFAULT now(),
    done_at    timestamptz
);
CREATE INDEX jobs_waiting ON jobs (kind, id) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_of_report ON jobs (report_id);
CREATE TABLE documents (
    report_id  bigint PRIMARY KEY,
    pages      integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE mails (
    report_id bigint PRIMARY KEY,
    recipient text NOT NULL,
    status    text NOT NULL,
    sent_at   timestamptz NOT NULL DEFAULT now()
);
