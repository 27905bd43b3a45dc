-- Which spans of a feed's past were read in full. Not a part of the log: it says where a back-fill
-- goes on, and without it the same is read again, which changes nothing.
-- Times are UTC milliseconds since 1970; the end is not included.

CREATE TABLE span_read (
    feed TEXT NOT NULL,
    strand TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL CHECK (ends_at > starts_at),
    PRIMARY KEY (feed, strand, starts_at)
) STRICT, WITHOUT ROWID;
