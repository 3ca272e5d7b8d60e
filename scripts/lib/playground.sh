# shellcheck shell=bash
#
# Where tests run: a temporary folder that is their HOME, TMPDIR and tmux's folder at once. So they find no login and no tmux server of the
# person's, and whatever they leave behind is known by its path. Nothing else is ever ended.

# enter_playground: goes in, and has it cleaned up when the script ends.
enter_playground() {
    # What cargo needs is found by HOME unless it is named.
    export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}
    if [ -z "${RUSTUP_HOME:-}" ] && [ -d "$HOME/.rustup" ]; then
        export RUSTUP_HOME=$HOME/.rustup
    fi
    # Short, because sockets lie in it: their paths may have 107 bytes.
    PLAYGROUND=$(mktemp -d /tmp/cst-XXXXXX)
    trap leave_playground EXIT
    trap 'exit 130' INT TERM HUP
    mkdir "$PLAYGROUND/home" "$PLAYGROUND/tmp"
    export HOME=$PLAYGROUND/home TMPDIR=$PLAYGROUND/tmp TMUX_TMPDIR=$PLAYGROUND CLAUDE_SWARM_TEST_CLAUDE=$CLAUDE
    unset TMUX TMUX_PANE XDG_CONFIG_HOME XDG_RUNTIME_DIR XDG_CACHE_HOME
    unset CLAUDE_SWARM_HOME CLAUDE_SWARM_SOCKET CLAUDE_SWARM_LOG
    unset ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN ANTHROPIC_BASE_URL CLAUDE_CODE_OAUTH_TOKEN CLAUDE_CONFIG_DIR
}

# leave_playground: ends what the tests left, says so, and removes the folder.
leave_playground() {
    local socket pid line
    for socket in "$PLAYGROUND"/tmux-*/*; do
        if [ -S "$socket" ]; then
            tmux -S "$socket" kill-server 2>/dev/null || true
        fi
    done
    for pid in /proc/[0-9]*; do
        pid=${pid#/proc/}
        line=$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null || true)
        case $line in
            *"$PLAYGROUND/"*)
                step left "process $pid: ${line:0:150}"
                kill -KILL "$pid" 2>/dev/null || true
                ;;
        esac
    done
    rm -rf "$PLAYGROUND"
}
