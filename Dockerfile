# The coursebus command in a small image. Not exercised where no container engine runs: a test reads this file, none builds it.

FROM rust:1.95.0-bookworm AS build
WORKDIR /src
# The image's own compiler, not another download for the components that rust-toolchain.toml asks for.
ENV RUSTUP_TOOLCHAIN=1.95.0
COPY . .
# The target folder is a cache and no part of the layer: the binary is copied out of it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package coursebus-cli \
    && cp target/release/coursebus /usr/local/bin/coursebus

FROM debian:bookworm-slim
# OpenSSL is linked in; the authorities that it trusts are not.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home coursebus
COPY --from=build /usr/local/bin/coursebus /usr/local/bin/coursebus
USER 10001
WORKDIR /home/coursebus
# 8080 node, 8081 registry. Listening beyond loopback needs credentials, see docker-compose.yml.
EXPOSE 8080 8081
ENTRYPOINT ["coursebus"]
CMD ["--help"]
