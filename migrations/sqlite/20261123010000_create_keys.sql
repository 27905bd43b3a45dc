-- Who may push rows in, and what was answered to pushes that may be sent again.
-- Unlike the log these rows change: a key is used and revoked, a receipt is settled and forgotten.

-- The secret of a key is not kept, only its SHA-256 in hexadecimal digits.
CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- The sources it may speak for, separated by commas; empty for all.
    sources TEXT NOT NULL,
    -- 1 where it may date rows back, else 0.
    may_backfill INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

-- One row for each Idempotency-Key of a key; without an answer while the push is under way.
CREATE TABLE push_receipt (
    key_id TEXT NOT NULL REFERENCES api_key (id),
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    answer TEXT,
    PRIMARY KEY (key_id, idempotency_key)
) STRICT, WITHOUT ROWID;

-- Old receipts are found by their age and forgotten.
CREATE INDEX push_receipt_age ON push_receipt (claimed_at);
