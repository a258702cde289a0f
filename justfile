# Every task by its name; `just` alone lists them.

_list:
    @just --list --unsorted

# Everything that must hold, on real services: format, generated code, lints, docs, tests
test *FILTER:
    cargo xtask test {{FILTER}}

# One step of the tests: fmt, codegen, clippy, docs, build, tests, python, faults, outbox-faults
check STEP:
    cargo xtask test --only {{STEP}}

# The whole line in a fresh folder, with the audit's verdict
demo *ARGS:
    cargo run --quiet --package coursebus-cli -- demo {{ARGS}}

# The coursebus command
run *ARGS:
    cargo run --quiet --package coursebus-cli -- {{ARGS}}

# One figure beside what it is compared with, in target/bench/NAME.json
bench NAME *ARGS:
    cargo xtask bench {{NAME}} {{ARGS}}

# The Rust types of the event schemas
codegen:
    cargo xtask codegen

# A real Kafka and PostgreSQL for tests: up, down, status, env
services ACTION="up" *ARGS:
    cargo xtask services {{ACTION}} {{ARGS}}

# The Python package: format, lints, types, tests, wheel
python:
    cargo xtask python

# Format everything
fmt:
    cargo fmt --all

# The API documentation, opened
doc:
    cargo doc --no-deps --workspace --open

# Licences, advisories, sources (needs cargo-deny)
deny:
    cargo deny check

# Accept the snapshots that changed (needs cargo-insta)
snapshots:
    cargo insta review --workspace
