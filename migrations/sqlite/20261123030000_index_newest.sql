-- The last instant of a series, asked for by every commit that adds to it.

CREATE INDEX batch_series_newest ON batch_series (series_id, last_observed_at);
