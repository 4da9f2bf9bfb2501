-- From delivery to CRM. Times are milliseconds UTC.

CREATE TABLE delivery (
    id          INTEGER PRIMARY KEY,
    connection  TEXT   NOT NULL,
    source      TEXT   NOT NULL,
    dedupe_key  TEXT   NOT NULL,
    body        BLOB   NOT NULL,
    received_at BIGINT NOT NULL,
    -- new, done, dead
    state       TEXT   NOT NULL DEFAULT 'new',
    attempts    BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT NOT NULL DEFAULT 0,
    error       TEXT,
    UNIQUE (connection, source, dedupe_key)
);
CREATE INDEX delivery_new ON delivery (id) WHERE state = 'new';
CREATE INDEX delivery_dead ON delivery (id) WHERE state = 'dead';
CREATE INDEX delivery_received ON delivery (received_at);

CREATE TABLE contact (
    workspace  TEXT   NOT NULL,
    contact    TEXT   NOT NULL,
    -- Grows with every change of the contact, its parts or its outbox rows' payload.
    revision   BIGINT NOT NULL,
    root       TEXT,
    channel    TEXT,
    direction  TEXT,
    state      TEXT,
    agent      TEXT,
    queue      TEXT,
    customer   TEXT,
    started_at BIGINT,
    ended_at   BIGINT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, contact)
) WITHOUT ROWID;
CREATE INDEX contact_started ON contact (workspace, started_at);
CREATE INDEX contact_root ON contact (workspace, root);

CREATE TABLE part (
    workspace    TEXT   NOT NULL,
    contact      TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    version_rank BIGINT NOT NULL,
    version_at   BIGINT NOT NULL,
    hash         TEXT   NOT NULL,
    document     TEXT   NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (workspace, contact, kind)
) WITHOUT ROWID;
CREATE INDEX part_updated ON part (updated_at);

CREATE TABLE outbox (
    id                 INTEGER PRIMARY KEY,
    workspace          TEXT   NOT NULL,
    target             TEXT   NOT NULL,
    object             TEXT   NOT NULL,
    key                TEXT   NOT NULL,
    key_field          TEXT   NOT NULL,
    contact            TEXT   NOT NULL,
    fields             TEXT   NOT NULL,
    hash               TEXT   NOT NULL,
    generation         BIGINT NOT NULL,
    -- The row of the same workspace and target that should be written before this one.
    after_object       TEXT,
    after_key          TEXT,
    -- 0 somebody waits for it, 1 the call log, 2 everything else
    priority           BIGINT NOT NULL,
    -- wait, done, dead
    state              TEXT   NOT NULL,
    attempts           BIGINT NOT NULL DEFAULT 0,
    not_before         BIGINT NOT NULL,
    lease              TEXT,
    lease_until        BIGINT NOT NULL DEFAULT 0,
    -- Claims since the last known outcome: above 0 the CRM may hold something we do not know of.
    in_doubt           BIGINT NOT NULL DEFAULT 0,
    written_generation BIGINT NOT NULL DEFAULT 0,
    written_hash       TEXT,
    written_fields     TEXT,
    record             TEXT,
    -- Fields the CRM did not have, as a JSON list; NULL when everything was written.
    dropped            TEXT,
    error_code         TEXT,
    error_message      TEXT,
    created_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    UNIQUE (workspace, target, object, key)
);
CREATE INDEX outbox_due ON outbox (target, object, priority, not_before, id) WHERE state = 'wait';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
CREATE INDEX outbox_contact ON outbox (workspace, contact);
CREATE INDEX outbox_after ON outbox (workspace, target, after_object, after_key) WHERE after_key IS NOT NULL;

CREATE TABLE link (
    workspace TEXT   NOT NULL,
    target    TEXT   NOT NULL,
    contact   TEXT   NOT NULL,
    role      TEXT   NOT NULL,
    record    TEXT   NOT NULL,
    -- tieline: we made it; found: it was there.
    made_by   TEXT   NOT NULL,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, target, contact, role)
) WITHOUT ROWID;

CREATE TABLE budget (
    target  TEXT   NOT NULL PRIMARY KEY,
    used    BIGINT NOT NULL,
    allowed BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
) WITHOUT ROWID;
