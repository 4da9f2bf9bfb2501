-- Records that several documents fill together: an analysis, a recording, a transcript of one contact.

-- What each source gives, in its newest version. The row in `outbox` holds them put together, the
-- highest rank and then the newest over the others.
CREATE TABLE document_part (
    outbox   BIGINT NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    source   TEXT   NOT NULL,
    rank     BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    hash     TEXT   NOT NULL,
    fields   TEXT   NOT NULL,
    -- Decoded once more when the dead row is replayed.
    delivery BIGINT NOT NULL,
    PRIMARY KEY (outbox, source)
);
