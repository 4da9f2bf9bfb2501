-- Calls of all processes to a CRM, by hour (whole hours since 1970) and by what they were for.
CREATE TABLE budget_calls (
    target  TEXT   NOT NULL,
    hour    BIGINT NOT NULL,
    purpose TEXT   NOT NULL,
    calls   BIGINT NOT NULL,
    PRIMARY KEY (target, hour, purpose)
) WITHOUT ROWID;
