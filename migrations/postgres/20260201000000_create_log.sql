-- The append-only log: what was stated about which instant, and since when that was known.
-- Times are UTC milliseconds since 1970. Text is ordered by its bytes ("C"), as in the SQLite twin.

CREATE TABLE source (
    name TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    note TEXT COLLATE "C" NOT NULL
);

-- The unit and the kind of a series follow from its metric, which the program knows.
CREATE TABLE series (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key TEXT COLLATE "C" NOT NULL UNIQUE,
    metric TEXT COLLATE "C" NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    part TEXT COLLATE "C",
    source TEXT COLLATE "C" NOT NULL,
    period_ms BIGINT NOT NULL
);

-- One row for each commit; versions follow the order of commits.
CREATE TABLE batch (
    version BIGINT PRIMARY KEY,
    recorded_at BIGINT NOT NULL,
    source TEXT COLLATE "C" NOT NULL,
    row_count BIGINT NOT NULL
);

-- Which series a commit added to, and in which span. It finds the rows of a commit without an
-- index on the version, which would double the size of the log.
CREATE TABLE batch_series (
    version BIGINT NOT NULL REFERENCES batch (version),
    series_id BIGINT NOT NULL REFERENCES series (id),
    first_observed_at BIGINT NOT NULL,
    last_observed_at BIGINT NOT NULL,
    PRIMARY KEY (version, series_id)
);

-- series_id and version are not declared as references: batch_series holds the same pairs, and a
-- check on each row would be paid on every import.
CREATE TABLE observation (
    series_id BIGINT NOT NULL,
    observed_at BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (series_id, observed_at, known_at)
) PARTITION BY RANGE (observed_at);

-- Five years to a partition, cut at the UTC new year, and one for what comes later.
CREATE TABLE observation_before_2010 PARTITION OF observation FOR VALUES FROM (MINVALUE) TO (1262304000000);
CREATE TABLE observation_2010 PARTITION OF observation FOR VALUES FROM (1262304000000) TO (1420070400000);
CREATE TABLE observation_2015 PARTITION OF observation FOR VALUES FROM (1420070400000) TO (1577836800000);
CREATE TABLE observation_2020 PARTITION OF observation FOR VALUES FROM (1577836800000) TO (1735689600000);
CREATE TABLE observation_2025 PARTITION OF observation FOR VALUES FROM (1735689600000) TO (1893456000000);
CREATE TABLE observation_2030 PARTITION OF observation FOR VALUES FROM (1893456000000) TO (2051222400000);
CREATE TABLE observation_2035 PARTITION OF observation FOR VALUES FROM (2051222400000) TO (2208988800000);
CREATE TABLE observation_later PARTITION OF observation DEFAULT;

CREATE TABLE candle (
    series_id BIGINT NOT NULL,
    observed_at BIGINT NOT NULL,
    known_at BIGINT NOT NULL,
    open DOUBLE PRECISION NOT NULL,
    high DOUBLE PRECISION NOT NULL,
    low DOUBLE PRECISION NOT NULL,
    close DOUBLE PRECISION NOT NULL,
    volume DOUBLE PRECISION,
    version BIGINT NOT NULL,
    PRIMARY KEY (series_id, observed_at, known_at)
) PARTITION BY RANGE (observed_at);

CREATE TABLE candle_before_2010 PARTITION OF candle FOR VALUES FROM (MINVALUE) TO (1262304000000);
CREATE TABLE candle_2010 PARTITION OF candle FOR VALUES FROM (1262304000000) TO (1420070400000);
CREATE TABLE candle_2015 PARTITION OF candle FOR VALUES FROM (1420070400000) TO (1577836800000);
CREATE TABLE candle_2020 PARTITION OF candle FOR VALUES FROM (1577836800000) TO (1735689600000);
CREATE TABLE candle_2025 PARTITION OF candle FOR VALUES FROM (1735689600000) TO (1893456000000);
CREATE TABLE candle_2030 PARTITION OF candle FOR VALUES FROM (1893456000000) TO (2051222400000);
CREATE TABLE candle_2035 PARTITION OF candle FOR VALUES FROM (2051222400000) TO (2208988800000);
CREATE TABLE candle_later PARTITION OF candle DEFAULT;

-- Venues give liquidation orders no ids: ordinal tells those of one instant apart.
CREATE TABLE liquidation_order (
    source TEXT COLLATE "C" NOT NULL,
    symbol TEXT COLLATE "C" NOT NULL,
    occurred_at BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    asset TEXT COLLATE "C" NOT NULL,
    side TEXT COLLATE "C" NOT NULL,
    known_at BIGINT NOT NULL,
    price_usd DOUBLE PRECISION NOT NULL,
    quantity DOUBLE PRECISION NOT NULL,
    usd DOUBLE PRECISION NOT NULL,
    version BIGINT NOT NULL REFERENCES batch (version),
    PRIMARY KEY (source, symbol, occurred_at, ordinal)
);

-- Lists of orders are read newest first.
CREATE INDEX liquidation_order_newest ON liquidation_order (occurred_at DESC, source, symbol, ordinal);

CREATE INDEX liquidation_order_version ON liquidation_order (version);
