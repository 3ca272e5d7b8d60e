# shellcheck shell=bash
#
# How the scripts speak: one line a step; what failed, and what to do about it.

# step LABEL TEXT…: what was done, or is being done.
step() {
    local label=$1
    shift
    printf '%-9s %s\n' "$label" "$*"
}

# fail WHAT [WHAT-TO-DO…]: says it, and ends the script.
fail() {
    local what=$1 hint
    shift
    printf 'error: %s\n' "$what" >&2
    for hint in "$@"; do
        printf '  → %s\n' "$hint" >&2
    done
    exit 1
}

# quietly COMMAND…: shows what it printed only when it fails.
quietly() {
    local said
    said=$(mktemp)
    if "$@" >"$said" 2>&1 </dev/null; then
        rm -f "$said"
        return 0
    fi
    tail -n 20 "$said" | sed 's/^/    /' >&2
    rm -f "$said"
    return 1
}

# have PROGRAM: whether it is on the PATH.
have() {
    command -v "$1" >/dev/null 2>&1
}

# at_least VERSION WANTED: whether the one is the other or newer.
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# joined WORD…: with commas.
joined() {
    local IFS=,
    printf '%s' "$*" | sed 's/,/, /g'
}
