#!/usr/bin/env bash
#
# From a fresh clone to a running swarm: installs what is missing, builds, starts the daemon and its agents, and says what to do next.
# May be run again at any time.
set -euo pipefail
umask 022

usage() {
    cat <<'USAGE'
Usage: scripts/start_agents.sh [AGENT…] [OPTIONS]   install, build, and start these agents; all where none is named
       scripts/start_agents.sh status              show the swarm
       scripts/start_agents.sh stop [AGENT…]       stop these agents; where none is named all of them, and the daemon

With a login for Claude this checkout is the swarm's home. Without one a rehearsal runs in data/rehearsal: the same daemon, the same
sessions, but a script plays the models; nothing is spent, and nothing leaves this machine.

Options:
  --real           this checkout, even if there is no login yet
  --rehearsal      a rehearsal, even if there is a login
  --auto-approve   in a rehearsal: let the script decide what you would decide
  --pace FACTOR    in a rehearsal: how fast the script plays; 2 is twice as fast
  --fresh          in a rehearsal: begin anew; the old home is put aside under another name
  -h, --help       this

CLAUDE_SWARM_CACHE names the folder for what is installed and built (otherwise ~/.cache/claude-swarm).
USAGE
}

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
PERSONS_PATH=${PATH:-}
readonly ROOT PERSONS_PATH REAL=$ROOT REHEARSAL=$ROOT/data/rehearsal
readonly AGAIN="scripts/start_agents.sh"
# shellcheck source=scripts/lib/steps.sh
source "$ROOT/scripts/lib/steps.sh"
# shellcheck source=scripts/lib/install.sh
source "$ROOT/scripts/lib/install.sh"
# shellcheck source=scripts/lib/build.sh
source "$ROOT/scripts/lib/build.sh"
# shellcheck source=scripts/lib/homes.sh
source "$ROOT/scripts/lib/homes.sh"

misused() {
    printf 'error: %s\n\n' "$1" >&2
    usage >&2
    exit 2
}

read_arguments() {
    action=start wanted=any fresh=no agents=() manner=()
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help)
                usage
                exit 0
                ;;
            --real) wanted=real ;;
            --rehearsal) wanted=rehearsal ;;
            --fresh) fresh=yes ;;
            --auto-approve) manner+=(--auto-approve) ;;
            --pace)
                [ $# -ge 2 ] || misused "--pace needs a factor"
                manner+=(--pace "$2")
                shift
                ;;
            --pace=*) manner+=(--pace "${1#*=}") ;;
            -*) misused "there is no option $1" ;;
            status | stop)
                [ "$action${agents[*]}" = start ] || misused "$1 comes first, and once"
                action=$1
                ;;
            *) agents+=("$1") ;;
        esac
        shift
    done
    if [ "$action" != start ] && { [ ${#manner[@]} -gt 0 ] || [ "$fresh" = yes ]; }; then
        misused "--auto-approve, --pace and --fresh are for starting"
    fi
    if [ "$action" = status ] && [ ${#agents[@]} -gt 0 ]; then
        misused "status shows all agents"
    fi
    if [ ${#manner[@]} -gt 0 ] || [ "$fresh" = yes ]; then
        [ "$wanted" != real ] || misused "--auto-approve, --pace and --fresh are for rehearsals"
        wanted=rehearsal
    fi
}

# ---- What can be asked for

status() {
    find_running || {
        step status "nothing of this checkout runs"
        printf '  → start it with %s\n' "$AGAIN"
        exit 3
    }
    step home "$(described "$home")"
    exec "$SWARM" --home "$home" status
}

stop() {
    find_running || {
        stop_orphans
        exit
    }
    step home "$(described "$home")"
    exec "$SWARM" --home "$home" stop "${agents[@]}"
}

start() {
    lock_cache
    need_packages
    need_rust
    need_claude
    build_release
    choose_home
    prepare_home
    unlock_cache

    "$SWARM" --home "$home" start "${agents[@]}" "${manner[@]}" >/dev/null
    step agents "started: ${agents[*]:-all}"
    if [ "$home" = "$REHEARSAL" ] && [ ${#agents[@]} -eq 0 ]; then
        first_task
    fi
    echo
    "$SWARM" --home "$home" status
    echo
    say_next
}

first_task() {
    local said
    said=$("$TASKS" --home "$home" create --type scan_platform --priority 7 --dedup-key first-scan \
        --payload '{"platform":"npm","topic":"link checkers for Markdown"}')
    step task "the hunter is to look for an idea ($said)"
}

say_next() {
    local lines=()
    if ! offer_programs; then
        lines+=("export PATH=\"$CACHE/bin:\$PATH\"")
    fi
    if [ "$home" != "$REAL" ]; then
        lines+=("export CLAUDE_SWARM_HOME=\"$home\"")
    fi
    if [ ${#lines[@]} -gt 0 ]; then
        printf 'In your shell, first:\n'
        printf '  %s\n' "${lines[@]}"
    fi
    cat <<NEXT
Next:
  claude-swarm status --watch       what happens
  claude-swarm attach hunter        an agent at work (or: tmux attach -t claude-hunter); Ctrl-b d leaves it
  claude-swarm approvals            what waits for you; then: claude-swarm approval N, approve N, reject N
  $AGAIN stop      everything ends; what was done is kept
NEXT
    if [ "$home" = "$REHEARSAL" ]; then
        cat <<NEXT
To work for real: run \`claude\` and log in, or put a key into config/secrets/anthropic_api_key (chmod 600);
then $AGAIN stop, and $AGAIN again.
NEXT
    fi
}

read_arguments "$@"
prepare_cache
case $action in
    status) status ;;
    stop) stop ;;
    start) start ;;
esac
