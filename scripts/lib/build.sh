# shellcheck shell=bash
#
# Building claude-swarm and putting it where people call it.
#
# Not here: what building takes (install.sh).

# build_release: builds, and installs what was built into the cache. Sets SWARM and TASKS, the programs' paths.
build_release() {
    step build "cargo build --release"
    cargo build --release --locked --manifest-path "$ROOT/Cargo.toml" --bins </dev/null ||
        fail "the build failed" "its error stands above; the crates come from index.crates.io and static.crates.io"
    install_release "$CARGO_TARGET_DIR/release"
}

# A daemon and its workers go on with the files they were started from, so each build gets a folder of its own, named by its contents.
install_release() {
    local built=$1 id folder name
    id=$(cat "$built/claude-swarm" "$built/claude-tasks" | sha256sum | cut -c1-12)
    folder=$CACHE/releases/$id
    if [ ! -d "$folder" ]; then
        rm -rf "$folder.new"
        mkdir -p "$folder.new"
        cp "$built/claude-swarm" "$built/claude-tasks" "$folder.new"
        mv "$folder.new" "$folder"
    fi
    for name in claude-swarm claude-tasks; do
        ln -sfn "../releases/$id/$name" "$CACHE/bin/$name"
    done
    forget_releases "$folder"
    SWARM=$CACHE/bin/claude-swarm
    TASKS=$CACHE/bin/claude-tasks
}

# forget_releases FOLDER: removes the releases that are neither this one nor run by anything.
forget_releases() {
    local kept=$1 folder running
    running=$(readlink /proc/[0-9]*/exe 2>/dev/null || true)
    for folder in "$CACHE"/releases/*; do
        if [ "$folder" != "$kept" ] && ! printf '%s\n' "$running" | grep -qF "$folder/"; then
            rm -rf "$folder"
        fi
    done
}

# find_release: the same programs as they were built last, for what needs no build.
find_release() {
    SWARM=$CACHE/bin/claude-swarm
    TASKS=$CACHE/bin/claude-tasks
    [ -x "$SWARM" ] && [ -x "$TASKS" ]
}

# offer_programs: links the programs into a folder on the PATH, if there is one that we may write to. Answers whether they can be called.
offer_programs() {
    local folder name
    case ":$PERSONS_PATH:" in *":$CACHE/bin:"*) return 0 ;; esac
    for folder in "$HOME/.local/bin" /usr/local/bin; do
        case ":$PERSONS_PATH:" in *":$folder:"*) ;; *) continue ;; esac
        if [ -d "$folder" ] && [ -w "$folder" ] && link_programs "$folder"; then
            step programs "claude-swarm and claude-tasks are in $folder"
            return 0
        fi
    done
    return 1
}

# link_programs FOLDER: all or, where something else has one of the names, none.
link_programs() {
    local folder=$1 name names=(claude-swarm claude-tasks)
    # The daemon needs the CLI on the PATH that it is started with, also when it is started by hand.
    if [ -e "$CACHE/bin/claude" ]; then
        names+=(claude)
    fi
    for name in "${names[@]}"; do
        if [ -e "$folder/$name" ] || [ -L "$folder/$name" ]; then
            is_our_link "$folder/$name" || return 1
        fi
    done
    for name in "${names[@]}"; do
        ln -sfn "$CACHE/bin/$name" "$folder/$name" || return 1
    done
}

is_our_link() {
    case $(readlink "$1") in
        "$CACHE/bin/${1##*/}" | */claude-swarm/bin/"${1##*/}") return 0 ;;
        *) return 1 ;;
    esac
}
