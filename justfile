# The commands that people use. Each is one line; `just` is not required.

# Format, lint and test everything that needs no services.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    tests/cargo-deny
    cargo test

# Run all tests, live ones included; installs and starts what they need.
test:
    tests/run

# Accept the changed output of all tests: snapshots and generated documents.
accept:
    INSTA_UPDATE=always cargo test

# Start the pipeline of the live tests.
sandbox:
    tests/sandbox/up

# Measure what judging a recording costs.
bench:
    cargo bench

# Measure a run on the sandbox beside the runbook by hand; installs and starts what it needs.
bench-sandbox:
    benches/run
