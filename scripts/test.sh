#!/usr/bin/env bash
#
# From nothing to all tests passed: installs what is missing, checks the code, builds, and runs every test with the real Claude CLI, tmux
# and bubblewrap. With arguments only the tests they select run, and no checks: scripts/test.sh pipeline. The last line is the count.
set -euo pipefail
umask 022

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly ROOT
cd "$ROOT"
# shellcheck source=scripts/lib/steps.sh
source scripts/lib/steps.sh
# shellcheck source=scripts/lib/install.sh
source scripts/lib/install.sh
# shellcheck source=scripts/lib/playground.sh
source scripts/lib/playground.sh

failed=()

# check NAME COMMAND…: goes on when it fails, so that one run tells everything.
check() {
    local name=$1 began=$SECONDS
    shift
    step check "$name"
    if "$@" </dev/null; then
        step check "$name: passed in $((SECONDS - began)) s"
    else
        failed+=("$name")
        step check "$name: FAILED"
    fi
}

check_scripts() {
    local script
    for script in scripts/*.sh scripts/lib/*.sh .ci/run; do
        bash -n "$script" || return 1
    done
    if have shellcheck; then
        shellcheck -x scripts/*.sh .ci/run
    fi
}

check_docs() {
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
}

check_code() {
    check scripts check_scripts
    check format cargo fmt --check
    check clippy cargo clippy --all-targets --locked --features failpoints -- -D warnings
    # What is released has no failpoints.
    check "clippy of the release" cargo clippy --locked -- -D warnings
    check documentation check_docs
    check "its examples" cargo test --doc --quiet --locked --features failpoints
}

# run_tests [ARGUMENT…]: sets passed and lost.
run_tests() {
    local code=0
    step tests "building"
    cargo test --no-run --quiet --locked --features failpoints </dev/null || fail "the tests cannot be built" "the error stands above"
    enter_playground
    if cargo nextest --version >/dev/null 2>&1; then
        count_nextest "$@" || code=$?
    else
        count_cargo_test "$@" || code=$?
    fi
    if [ "$code" -ne 0 ]; then
        failed+=(tests)
    fi
}

count_nextest() {
    # nextest keeps its reports there, whatever the target folder is.
    local report=target/nextest/default/junit.xml code=0 suites total bad
    rm -f "$report"
    cargo nextest run --locked --features failpoints --no-fail-fast "$@" </dev/null || code=$?
    suites=$(grep -m 1 '<testsuites ' "$report" 2>/dev/null) || fail "the tests did not run" "the error stands above"
    total=$(attribute tests "$suites")
    bad=$(($(attribute failures "$suites") + $(attribute errors "$suites")))
    passed=$((total - bad)) lost=$bad
    return "$code"
}

attribute() {
    local number
    number=$(sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$2")
    printf '%s' "${number:-0}"
}

# Without nextest each binary runs its tests in threads; as few as would fit two cores, because some start whole swarms.
count_cargo_test() {
    local log=$PLAYGROUND/tests.log code=0
    RUST_TEST_THREADS=2 cargo test --locked --features failpoints --no-fail-fast --lib --bins --tests "$@" </dev/null 2>&1 |
        tee "$log" || code=$?
    grep -q '^test result:' "$log" || fail "the tests did not run" "the error stands above"
    passed=$(added 's/^test result: .* \([0-9]*\) passed;.*/\1/p' "$log")
    lost=$(added 's/^test result: .* \([0-9]*\) failed;.*/\1/p' "$log")
    return "$code"
}

added() {
    sed -n "$1" "$2" | awk '{ sum += $1 } END { print sum + 0 }'
}

prepare_cache
lock_cache
need_packages
need_rust
need_rust_components
need_claude
unlock_cache
if [ -n "${CI:-}" ]; then
    # A build that is used once gains nothing from being prepared for the next.
    export CARGO_INCREMENTAL=0
fi
if [ $# -eq 0 ]; then
    check_code
fi
run_tests "$@"

if [ ${#failed[@]} -gt 0 ]; then
    step failed "$(joined "${failed[@]}")"
fi
printf '%s passed, %s failed\n' "$passed" "$lost"
[ ${#failed[@]} -eq 0 ]
