-- Flows, what agents did, and who they are. Times are milliseconds UTC.

CREATE TABLE flow (
    workspace  TEXT   NOT NULL,
    flow       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    -- NULL while no version is in force.
    published  BIGINT,
    -- Flows of one event run in this order.
    position   BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, flow)
) WITHOUT ROWID;

CREATE TABLE flow_version (
    workspace    TEXT   NOT NULL,
    flow         TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    document     TEXT   NOT NULL,
    may_dial     BIGINT NOT NULL,
    as_workspace BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    published_by TEXT   NOT NULL,
    PRIMARY KEY (workspace, flow, version)
) WITHOUT ROWID;

CREATE TABLE run (
    run        TEXT   NOT NULL PRIMARY KEY,
    workspace  TEXT   NOT NULL,
    agent      TEXT   NOT NULL,
    contact    TEXT,
    flow       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    source     TEXT   NOT NULL,
    event      TEXT   NOT NULL,
    -- running, completed, failed, timed_out, interrupted
    state      TEXT   NOT NULL,
    detail     TEXT,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT
) WITHOUT ROWID;
CREATE INDEX run_contact ON run (workspace, contact, started_at);
CREATE INDEX run_started ON run (started_at);
CREATE INDEX run_open ON run (started_at) WHERE state = 'running';

CREATE TABLE run_step (
    run      TEXT   NOT NULL,
    position BIGINT NOT NULL,
    -- The step as traced, redacted as the workspace wants it.
    document TEXT   NOT NULL,
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE seen (
    workspace       TEXT   NOT NULL,
    agent           TEXT   NOT NULL,
    -- Removes doubles; made from what the kind of event is known by.
    key             TEXT   NOT NULL,
    contact         TEXT,
    source          TEXT   NOT NULL,
    event           TEXT   NOT NULL,
    -- Part of a contact's life, so that a page which loads again is told.
    life_cycle      BIGINT NOT NULL,
    handled_locally BIGINT NOT NULL,
    seen_at         BIGINT NOT NULL,
    PRIMARY KEY (workspace, agent, key)
) WITHOUT ROWID;
CREATE INDEX seen_contact ON seen (workspace, agent, contact) WHERE contact IS NOT NULL;
CREATE INDEX seen_at ON seen (seen_at);

-- Agents who have signed in: the CRM's users.
CREATE TABLE agent (
    workspace TEXT   NOT NULL,
    agent     TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    login     TEXT   NOT NULL,
    email     TEXT,
    seen_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace, agent)
) WITHOUT ROWID;

-- CRM user and contact-center login that are one person.
CREATE TABLE agent_binding (
    workspace   TEXT   NOT NULL,
    agent       TEXT   NOT NULL,
    phone_login TEXT   NOT NULL,
    -- matched: the names agreed; bound: somebody said so.
    made_by     TEXT   NOT NULL,
    made_at     BIGINT NOT NULL,
    PRIMARY KEY (workspace, agent),
    UNIQUE (workspace, phone_login)
) WITHOUT ROWID;

-- What the CRM gave the agent at sign-in, encrypted before it comes here.
CREATE TABLE agent_token (
    workspace  TEXT   NOT NULL,
    agent      TEXT   NOT NULL,
    sealed     BLOB   NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, agent)
) WITHOUT ROWID;

CREATE TABLE sign_in_attempt (
    workspace  TEXT   NOT NULL,
    attempt    TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    -- What sign-in keeps between its steps.
    document   TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, attempt)
) WITHOUT ROWID;

CREATE TABLE agent_session (
    -- SHA-256 of what the cookie holds.
    hash       BLOB   NOT NULL PRIMARY KEY,
    workspace  TEXT   NOT NULL,
    agent      TEXT   NOT NULL,
    document   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX agent_session_agent ON agent_session (workspace, agent);

CREATE TABLE ticket (
    hash       BLOB   NOT NULL PRIMARY KEY,
    workspace  TEXT   NOT NULL,
    session    BLOB   NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
