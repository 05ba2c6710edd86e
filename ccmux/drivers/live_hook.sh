#!/bin/sh
# Tells the publisher of live status that a Claude Code session began or ended, and starts it where none runs:
#   live_hook.sh FOLDER register|unregister always|if-told PROGRAM [ARGUMENT...]
# FOLDER has the spool and the lock. if-told: only where CC_LIVE_ENDPOINT and CC_LIVE_API_KEY say who is to hear
# of it. PROGRAM becomes the publisher. Claude must not notice: no output, exit 0.
exec >/dev/null 2>&1
trap 'exit 0' EXIT
trap '' HUP # the end of the terminal is an event too
umask 077
folder=$1 verb=$2 when=$3
shift 3
if [ "$when" = if-told ] && { [ -z "${CC_LIVE_ENDPOINT-}" ] || [ -z "${CC_LIVE_API_KEY-}" ]; }; then
    cat # whoever writes to us gets rid of it
    exit 0
fi
case ${CLAUDE_PID-} in '' | *[!0-9]*) pid=0 ;; *) pid=$CLAUDE_PID ;; esac
case ${CC_LIVE_SENSITIVE-} in 1) sensitive=1 ;; *) sensitive=0 ;; esac
[ -d "$folder/spool" ] || mkdir -p "$folder/spool"
# Names sort by time. What is still being written begins with a dot.
name=$(date +%s%N)-$$
if ! { echo "$verb $pid $sensitive" && cat; } >"$folder/spool/.$name" ||
    ! mv "$folder/spool/.$name" "$folder/spool/$name.json"; then
    rm -f "$folder/spool/.$name"
    cat
    exit 0
fi
# The lock belongs to the open file, not to who opened it: the publisher inherits it, locked, so of many hooks at
# once one starts a publisher, and nobody can come between. Where flock is missing it takes the lock itself.
exec 9>>"$folder/publisher.lock" || exit 0
if command -v flock; then
    flock -n 9 || exit 0
    set -- "$@" --lock 9
else
    exec 9>&-
fi
cd / || exit 0
command -v setsid && set -- setsid "$@"
"$@" </dev/null &
exit 0
