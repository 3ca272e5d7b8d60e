# shellcheck shell=bash
#
# Which home is meant: this checkout (real) or data/rehearsal. Both would use the same names in the same tmux server, so one runs at a time.
#
# What was asked for is start_agents.sh's: wanted (any, real, rehearsal), fresh (yes, no), manner (options for starting).
# shellcheck disable=SC2154

# described HOME
described() {
    case $1 in
        "$REAL") printf '%s (real)' "$1" ;;
        *) printf '%s (rehearsal)' "$1" ;;
    esac
}

# runs HOME: whether its daemon answers, or is there and does not.
runs() {
    local code=0
    "$SWARM" --home "$1" status --json >/dev/null 2>&1 || code=$?
    # 3: no daemon. 4: no home.
    [ "$code" -ne 3 ] && [ "$code" -ne 4 ]
}

# find_running: sets home to the home that runs.
find_running() {
    local candidate running=()
    find_release || return 1
    for candidate in "$REAL" "$REHEARSAL"; do
        if runs "$candidate"; then
            running+=("$candidate")
        fi
    done
    case ${#running[@]}:$wanted in
        0:*) return 1 ;;
        1:any) home=${running[0]} ;;
        2:any) fail "both $REAL and $REHEARSAL run" "say which is meant: --real or --rehearsal" ;;
        *:real) home=$REAL ;;
        *:rehearsal) home=$REHEARSAL ;;
    esac
    case " ${running[*]} " in *" $home "*) return 0 ;; *) return 1 ;; esac
}

# choose_home: sets home to the one that runs, or else to the one that is wanted, or else by whether there is a login.
choose_home() {
    local other login
    for other in "$REAL" "$REHEARSAL"; do
        runs "$other" || continue
        case $other:$wanted in
            "$REAL":rehearsal | "$REHEARSAL":real)
                fail "$(described "$other") runs, and both homes use the same sessions" "$AGAIN stop"
                ;;
        esac
        [ "$fresh" = no ] || fail "$(described "$other") runs" "$AGAIN stop, then this again"
        home=$other
        step home "$(described "$home"), which runs already"
        drop_present_manner
        return
    done
    login=$(finding "$REAL" login)
    case $wanted:$login in
        rehearsal:*) home=$REHEARSAL ;;
        real:fail)
            home=$REAL
            step login "none that can be used: agents will wait until there is one (claude-swarm doctor says where)"
            ;;
        any:fail)
            home=$REHEARSAL
            step login "none that can be used, so this is a REHEARSAL: a script plays the models; nothing is spent or sent"
            ;;
        *) home=$REAL ;;
    esac
}

# finding HOME CHECK: the doctor's verdict on one thing: ok, warn or fail.
finding() {
    { "$SWARM" --home "$1" doctor --json 2>/dev/null || true; } | tr -d '\n' |
        sed -n "s/.*\"name\": *\"$2\", *\"verdict\": *\"\([a-z]*\)\".*/\1/p"
}

# prepare_home: makes the home where there is none, and has the doctor look at it.
prepare_home() {
    local failed
    if runs "$home"; then
        return
    fi
    if [ "$home" = "$REHEARSAL" ]; then
        prepare_rehearsal
    else
        # A clone may be writable for the person's group, and whoever can change a home can change what its agents do.
        chmod go-w "$REAL" "$REAL/agents" "$REAL/config" "$REAL/data"
    fi
    step home "$(described "$home")"
    failed=$({ "$SWARM" --home "$home" doctor --json || true; } | tr -d '\n' |
        grep -oE '"name": *"[a-z]+", *"verdict": *"fail"' | grep -v '"login"' || true)
    if [ -n "$failed" ]; then
        "$SWARM" --home "$home" doctor || true
        fail "something that is needed does not work" "the doctor says above what, and what to do"
    fi
}

prepare_rehearsal() {
    local aside
    if [ "$fresh" = yes ] && [ -e "$REHEARSAL" ]; then
        [ -z "$(orphans "$REHEARSAL")" ] || fail "agents of the old rehearsal still live" "$AGAIN stop, then this again"
        aside=$REHEARSAL-$(date +%Y%m%d-%H%M%S)
        mv "$REHEARSAL" "$aside"
        step home "the old rehearsal is in $aside"
    fi
    if [ ! -e "$REHEARSAL/config/settings.yaml" ]; then
        "$SWARM" init "$REHEARSAL" --rehearsal --tmux default >/dev/null
    elif ! diff -rq "$REAL/agents" "$REHEARSAL/agents" >/dev/null || ! cmp -s "$REAL/config/rehearsal.yaml" "$REHEARSAL/config/rehearsal.yaml"; then
        step home "the rehearsal differs from this checkout's agents or script; --fresh begins a new one"
    fi
}

# A daemon cannot be told to play otherwise while it runs; what it was told already need not be told again.
drop_present_manner() {
    local pid told
    [ ${#manner[@]} -gt 0 ] || return 0
    pid=$(cat "$home/data/run/daemon.pid" 2>/dev/null) || return 0
    told=" $(command_line "$pid")"
    case $told in *" ${manner[*]} "*) manner=() ;; esac
}

# command_line PID: with a blank after each argument; nothing if the process is gone.
command_line() {
    { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null || true
}

# orphans HOME: the processes of its workers, which live on when their daemon dies.
orphans() {
    local entry
    for entry in /proc/[0-9]*; do
        case $(command_line "${entry#/proc/}") in
            *"claude-swarm worker --home $1 "*) printf '%s ' "${entry#/proc/}" ;;
        esac
    done
}

# stop_orphans: ends the workers that live without a daemon.
stop_orphans() {
    local candidate pids found=no
    for candidate in "$REAL" "$REHEARSAL"; do
        pids=$(orphans "$candidate")
        [ -n "$pids" ] || continue
        found=yes
        find_release || fail "workers of $candidate live without a daemon (processes $pids) and the program that ends them is not built" \
            "$AGAIN, then $AGAIN stop; or kill $pids"
        step home "$(described "$candidate")"
        "$SWARM" --home "$candidate" stop
    done
    [ "$found" = yes ] || step stop "nothing of this checkout runs"
}
