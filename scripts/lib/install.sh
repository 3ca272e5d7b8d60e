# shellcheck shell=bash
#
# What a machine must have before anything here can be built or run: packages of the system, a Rust toolchain, the Claude CLI.
# Installs what is missing and downloads nothing that is there. Everything of our own lies in the cache, outside the checkout.
#
# Not here: building (build.sh), running.

# The Claude CLI that is installed where there is none. This is the only place that names its version.
readonly CLAUDE_VERSION=2.1.197
readonly CLAUDE_PACKAGE=@anthropic-ai/claude-code

readonly RUST_BY_HAND="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal -c clippy,rustfmt"

# prepare_cache: sets HOME where it is missing, and CACHE.
#   CACHE/bin       claude-swarm, claude-tasks, and claude if it was installed here: this folder belongs on the PATH
#   CACHE/claude    the Claude CLI, by version
#   CACHE/releases  claude-swarm and claude-tasks, by what is in them
#   CACHE/target    what cargo builds
prepare_cache() {
    if [ -z "${HOME:-}" ]; then
        HOME=$(passwd_home)
        export HOME
    fi
    CACHE=${CLAUDE_SWARM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/claude-swarm}
    mkdir -p "$CACHE" 2>/dev/null || fail "$CACHE cannot be made" "set CLAUDE_SWARM_CACHE to a folder that you can write to"
    CACHE=$(cd "$CACHE" && pwd -P)
    mkdir -p "$CACHE/bin" || fail "$CACHE cannot be written to" "set CLAUDE_SWARM_CACHE to a folder that you can write to"
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}
}

passwd_home() {
    getent passwd "$(id -u)" | cut -d: -f6
}

# Two runs at once would install the same things over each other. What is started later must not inherit the lock: let it go before.
lock_cache() {
    exec 9>"$CACHE/lock"
    if ! flock --nonblock 9; then
        step wait "another run installs or builds; waiting for it"
        flock 9
    fi
}

unlock_cache() {
    exec 9>&-
}

# ---- Packages of the system

# install_packages PACKAGE…: by apt; asks nothing.
install_packages() {
    local as_root=() by_hand="apt-get update && apt-get install -y --no-install-recommends $*"
    have apt-get || fail "missing: $*, and this system has no apt-get" "install them as your system does, then run this again"
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo -n)
        sudo -n true 2>/dev/null ||
            fail "missing: $*, and this user may not install them without a password" "run as root: $by_hand" "then run this again"
    fi
    step packages "installing $*"
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    # A list that cannot be read is no reason to stop: what is wanted may be in another. A fresh machine may still be installing updates.
    quietly "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update || step packages "not all package lists could be read"
    quietly "${as_root[@]}" apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@" ||
        fail "apt-get could not install $*" "its last words stand above; mend that, or run as root: $by_hand"
    hash -r
}

# need_packages: what building and running takes, and npm where the Claude CLI must be fetched.
need_packages() {
    local missing=()
    have tmux || missing+=(tmux)
    have bwrap || missing+=(bubblewrap)
    have git || missing+=(git)
    [ -s /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
    compiles_c || missing+=(gcc libc6-dev)
    find_claude || have npm || missing+=(npm)
    if [ ${#missing[@]} -gt 0 ]; then
        install_packages "${missing[@]}"
    fi
    step packages "$(tmux -V), $(bwrap --version), $(git --version | cut -d' ' -f1,3)"
}

# SQLite is compiled from its source.
compiles_c() {
    have cc && printf '#include <stdio.h>\nint main(void) { return 0; }\n' | cc -x c -o /dev/null - 2>/dev/null
}

# ---- Rust

# need_rust: cargo, new enough.
need_rust() {
    local wanted version
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$ROOT/Cargo.toml")
    find_cargo || rust_from_apt "$wanted"
    find_toolchains
    version=$(cargo --version 2>&1) ||
        fail "cargo does not run: $(printf '%s' "$version" | head -n 1)" "rustup default stable"
    version=$(printf '%s' "$version" | sed -n 's/^cargo \([0-9.]*\).*/\1/p')
    if ! at_least "${version:-0}" "$wanted"; then
        if have rustup; then
            fail "Rust $wanted or newer is needed, and cargo is $version" "rustup update stable && rustup default stable"
        fi
        fail "Rust $wanted or newer is needed, and $(command -v cargo) is $version" "$RUST_BY_HAND" "then run this again"
    fi
    step rust "cargo $version"
}

# need_rust_components: what the checks of the code take.
need_rust_components() {
    local missing=()
    cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
    cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
    if [ ${#missing[@]} -eq 0 ]; then
        return
    fi
    if have rustup; then
        step rust "installing $(joined "${missing[@]}")"
        quietly rustup component add "${missing[@]}" ||
            fail "rustup could not install $(joined "${missing[@]}")" "rustup component add ${missing[*]}"
    else
        install_packages "${missing[@]/#clippy/rust-clippy}"
    fi
}

# Rust's installer puts cargo where a shell finds it only after the next login.
find_cargo() {
    local folder
    if have cargo; then
        return 0
    fi
    for folder in "${CARGO_HOME:-$HOME/.cargo}" "$HOME/.cargo" "$(passwd_home)/.cargo" /usr/local/cargo; do
        if [ -x "$folder/bin/cargo" ]; then
            PATH=$folder/bin:$PATH
            export PATH
            return 0
        fi
    done
    return 1
}

# rustup's cargo looks for its toolchains in HOME, which need not be the one that Rust was installed with.
find_toolchains() {
    local program parent folder
    if [ -n "${RUSTUP_HOME:-}" ] || [ -d "$HOME/.rustup/toolchains" ]; then
        return 0
    fi
    program=$(command -v cargo)
    # /home/anna/.cargo/bin/cargo belongs to /home/anna/.rustup, /usr/local/cargo/bin/cargo to /usr/local/rustup.
    for parent in "$(realpath -ms "$program/../../..")" "$(realpath -m "$(readlink -f "$program")/../../..")" "$(passwd_home)"; do
        for folder in "$parent/.rustup" "$parent/rustup"; do
            if [ -d "$folder/toolchains" ]; then
                export RUSTUP_HOME=$folder
                return 0
            fi
        done
    done
}

# Where there is no cargo at all: the distribution's, if that is new enough.
rust_from_apt() {
    local wanted=$1 candidate offered=""
    candidate=$(apt_candidate rustc)
    if [ -n "$candidate" ] && at_least "$candidate" "$wanted"; then
        install_packages cargo rustc
        return
    fi
    [ -z "$candidate" ] || offered=", and this system's packages have $candidate"
    have curl || install_packages curl
    fail "there is no cargo: Rust $wanted or newer is needed$offered" "$RUST_BY_HAND" \
        "then run this again (it looks into ~/.cargo/bin by itself)"
}

apt_candidate() {
    if have apt-cache; then
        apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9.]*\).*/\1/p'
    fi
}

# ---- The Claude CLI

# find_claude: sets CLAUDE to the program, if there is one that runs: the person's own, or the one in the cache.
find_claude() {
    local found ours=$CACHE/claude/$CLAUDE_VERSION/claude
    if [ -n "${CLAUDE:-}" ]; then
        return 0
    fi
    while read -r found; do
        # Links to one of ours are not the person's own.
        case $(readlink -f "$found") in */claude-swarm/claude/* | "$CACHE"/*) continue ;; esac
        if claude_version "$found" >/dev/null; then
            CLAUDE=$found
            return 0
        fi
    done < <(type -aP claude)
    if [ -x "$ours" ]; then
        CLAUDE=$ours
        return 0
    fi
    return 1
}

# claude_version PROGRAM: what it says it is. The package's placeholder says nothing.
claude_version() {
    local said
    said=$(timeout 60 "$1" --version 2>/dev/null </dev/null) || return 1
    case $said in
        [0-9]*.[0-9]*) printf '%s' "${said%% *}" ;;
        *) return 1 ;;
    esac
}

# need_claude: the person's own `claude`, or ours; puts ours first on the PATH.
need_claude() {
    if ! find_claude; then
        step claude "installing $CLAUDE_PACKAGE@$CLAUDE_VERSION from npm"
        fetch_claude
        CLAUDE=$CACHE/claude/$CLAUDE_VERSION/claude
    fi
    case $CLAUDE in
        "$CACHE"/*)
            ln -sfn "../claude/$CLAUDE_VERSION/claude" "$CACHE/bin/claude"
            PATH=$CACHE/bin:$PATH
            export PATH
            step claude "$CLAUDE_VERSION, in $CACHE/bin"
            ;;
        *)
            rm -f "$CACHE/bin/claude"
            step claude "$(claude_version "$CLAUDE"), yours: $CLAUDE"
            ;;
    esac
}

# The package's own program is a placeholder that an install script replaces by the platform's binary, and npm may be set to run no
# install scripts. So none is run, and the binary is taken from where it lies.
fetch_claude() {
    local stage=$CACHE/claude/.stage binary found="" said=""
    rm -rf "$stage"
    mkdir -p "$stage"
    # A folder with a package.json is where npm installs into. (With --prefix it would not read the machine's npmrc.)
    echo '{"private": true}' >"$stage/package.json"
    # Node trusts its own list of authorities; a machine behind a proxy has the proxy's in the system's list.
    NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt} \
        quietly env -C "$stage" npm install --cache "$stage/.npm" --ignore-scripts --include=optional --no-audit --no-fund \
        --loglevel=error "$CLAUDE_PACKAGE@$CLAUDE_VERSION" ||
        fail "npm could not install $CLAUDE_PACKAGE@$CLAUDE_VERSION" \
            "its last words stand above; \`npm ping\` tells whether the registry can be reached"
    for binary in "$stage/node_modules/$CLAUDE_PACKAGE"-linux-*/claude; do
        said=$(claude_version "$binary") || continue
        if [ "$said" = "$CLAUDE_VERSION" ]; then
            found=${binary#"$stage"/}
            break
        fi
    done
    [ -n "$found" ] || fail "npm installed no Claude CLI $CLAUDE_VERSION that runs on this machine ($(uname -m))" \
        "install one yourself (https://code.claude.com/docs), and put \`claude\` on the PATH"
    ln -s "$found" "$stage/claude"
    rm -rf "$stage/.npm" "${CACHE:?}/claude/$CLAUDE_VERSION"
    mv "$stage" "$CACHE/claude/$CLAUDE_VERSION"
}
