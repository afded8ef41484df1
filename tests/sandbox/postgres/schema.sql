-- The tables of the purchase pipeline, owned by the application role.

CREATE TABLE payments (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(), -- = the correlation id
    student_id   uuid NOT NULL,
    status       varchar(20) NOT NULL,
    amount_cents integer NOT NULL,
    metadata     jsonb NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE processed_events (
    event_id       text PRIMARY KEY,
    event_type     varchar(100) NOT NULL,
    correlation_id uuid NOT NULL,
    payload        jsonb NOT NULL DEFAULT '{}',
    source         varchar(100) NOT NULL,
    version        varchar(20) NOT NULL DEFAULT '1.0.0',
    processed_at   timestamptz NOT NULL DEFAULT now(),
    created_at     timestamptz NOT NULL DEFAULT now()
);
-- Shared by all consumers of an event type: the first one marks the event.
CREATE UNIQUE INDEX unique_correlation_event ON processed_events (correlation_id, event_type);

CREATE TABLE student_course_purchases (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    student_id    uuid NOT NULL,
    course_id     uuid NOT NULL,
    purchase_tier integer NOT NULL CHECK (purchase_tier IN (10, 20, 30)),
    metadata      jsonb NOT NULL DEFAULT '{}',
    is_active     boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX unique_active_purchase ON student_course_purchases (student_id, course_id) WHERE is_active;

CREATE TABLE trainers (
    id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL
);
INSERT INTO trainers (name) VALUES ('Ada'), ('Grace'), ('Linus');

-- No correlation id: an allocation belongs to an event by student and course.
CREATE TABLE trainer_allocations (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    student_id uuid NOT NULL,
    trainer_id uuid REFERENCES trainers, -- null if no trainer was available
    course_id  uuid NOT NULL,
    status     varchar(20) NOT NULL
               CHECK (status IN ('pending', 'approved', 'rejected', 'active', 'completed', 'cancelled')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX allocations_of_student ON trainer_allocations (student_id, course_id);

CREATE TABLE tutoring_sessions (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    allocation_id  uuid NOT NULL,
    student_id     uuid NOT NULL,
    trainer_id     uuid NOT NULL,
    course_id      uuid NOT NULL,
    scheduled_date timestamptz NOT NULL,
    status         varchar(20) NOT NULL DEFAULT 'scheduled'
);
CREATE INDEX sessions_of_allocation ON tutoring_sessions (allocation_id);
