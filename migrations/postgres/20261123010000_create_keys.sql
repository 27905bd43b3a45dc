-- Who may push rows in, and what was answered to pushes that may be sent again.
-- Unlike the log these rows change: a key is used and revoked, a receipt is settled and forgotten.

-- The secret of a key is not kept, only its SHA-256 in hexadecimal digits.
CREATE TABLE api_key (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    -- The sources it may speak for, separated by commas; empty for all.
    sources TEXT COLLATE "C" NOT NULL,
    -- 1 where it may date rows back, else 0.
    may_backfill BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used_at BIGINT
);

-- One row for each Idempotency-Key of a key; without an answer while the push is under way.
CREATE TABLE push_receipt (
    key_id TEXT COLLATE "C" NOT NULL REFERENCES api_key (id),
    idempotency_key TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    claimed_at BIGINT NOT NULL,
    answer TEXT COLLATE "C",
    PRIMARY KEY (key_id, idempotency_key)
);

-- Old receipts are found by their age and forgotten.
CREATE INDEX push_receipt_age ON push_receipt (claimed_at);
