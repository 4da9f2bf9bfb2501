-- Records made of what the contact center wrote itself: contact records, rows of reports. Their
-- outbox rows need no contact (`contact` is '' then).

-- Time by which such a document orders its versions; NULL for rows projected from a contact.
ALTER TABLE outbox ADD COLUMN version BIGINT;
-- The delivery the row was made from; decoded once more when a dead row is replayed.
ALTER TABLE outbox ADD COLUMN delivery BIGINT;

-- State `file`: tells of files that are still to be read.
CREATE INDEX delivery_file ON delivery (id) WHERE state = 'file';
