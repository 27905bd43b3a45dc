# syntax=docker/dockerfile:1

# The program, built with its dependencies in a separate layer, which is rebuilt only if
# Cargo.toml or Cargo.lock change.
FROM rust:1.95-bookworm AS build
WORKDIR /build
# rust-toolchain.toml is not copied: the image's compiler is used.
COPY Cargo.toml Cargo.lock build.rs ./
# Placeholders for the targets in Cargo.toml: cargo requires each of their files to exist.
RUN mkdir -p src tests/it tests/golden benches \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs tests/it/main.rs tests/golden/main.rs \
    && sed -n '/^\[\[bench\]\]/,/^$/ s/^name = "\(.*\)"/benches\/\1.rs/p' Cargo.toml | xargs -r touch \
    && cargo build --release --locked --bin market-stress
# The source, and the files compiled into the program.
COPY migrations migrations
COPY scenario scenario
COPY src src
# Newer times than those of the placeholders, or cargo treats them as already built.
RUN touch build.rs src/main.rs src/lib.rs && cargo build --release --locked --bin market-stress

FROM debian:bookworm-slim
# The HTTP client of the feeds uses the system's certificates.
RUN apt-get update -qq \
    && apt-get install -qq --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/market-stress --create-home market-stress
COPY --from=build /build/target/release/market-stress /usr/local/bin/market-stress
USER market-stress
WORKDIR /var/lib/market-stress
# The embedded store, if no DATABASE_URL is given.
VOLUME /var/lib/market-stress
ENV MARKET_STRESS_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["market-stress", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["market-stress"]
CMD ["serve"]
