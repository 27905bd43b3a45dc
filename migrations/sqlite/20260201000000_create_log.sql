-- The append-only log: what was stated about which instant, and since when that was known.
-- Times are UTC milliseconds since 1970. The clustered keys are the order in which the log is read back.

CREATE TABLE source (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    note TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The unit and the kind of a series follow from its metric, which the program knows.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    metric TEXT NOT NULL,
    asset TEXT NOT NULL,
    part TEXT,
    source TEXT NOT NULL,
    period_ms INTEGER NOT NULL
) STRICT;

-- One row for each commit; versions follow the order of commits.
CREATE TABLE batch (
    version INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    row_count INTEGER NOT NULL
) STRICT;

-- Which series a commit added to, and in which span. It finds the rows of a commit without an
-- index on the version, which would double the size of the log.
CREATE TABLE batch_series (
    version INTEGER NOT NULL REFERENCES batch (version),
    series_id INTEGER NOT NULL REFERENCES series (id),
    first_observed_at INTEGER NOT NULL,
    last_observed_at INTEGER NOT NULL,
    PRIMARY KEY (version, series_id)
) STRICT, WITHOUT ROWID;

-- series_id and version are not declared as references: batch_series holds the same pairs, and a
-- check on each row would be paid on every import.
CREATE TABLE observation (
    series_id INTEGER NOT NULL,
    observed_at INTEGER NOT NULL,
    known_at INTEGER NOT NULL,
    value REAL NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (series_id, observed_at, known_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE candle (
    series_id INTEGER NOT NULL,
    observed_at INTEGER NOT NULL,
    known_at INTEGER NOT NULL,
    open REAL NOT NULL,
    high REAL NOT NULL,
    low REAL NOT NULL,
    close REAL NOT NULL,
    volume REAL,
    version INTEGER NOT NULL,
    PRIMARY KEY (series_id, observed_at, known_at)
) STRICT, WITHOUT ROWID;

-- Venues give liquidation orders no ids: ordinal tells those of one instant apart.
CREATE TABLE liquidation_order (
    source TEXT NOT NULL,
    symbol TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    asset TEXT NOT NULL,
    side TEXT NOT NULL,
    known_at INTEGER NOT NULL,
    price_usd REAL NOT NULL,
    quantity REAL NOT NULL,
    usd REAL NOT NULL,
    version INTEGER NOT NULL REFERENCES batch (version),
    PRIMARY KEY (source, symbol, occurred_at, ordinal)
) STRICT, WITHOUT ROWID;

-- Lists of orders are read newest first.
CREATE INDEX liquidation_order_newest ON liquidation_order (occurred_at DESC, source, symbol, ordinal);

CREATE INDEX liquidation_order_version ON liquidation_order (version);
