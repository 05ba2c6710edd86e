#!/bin/sh
# Puts one of Claude's hook events, as it comes on standard input, into the spool folder: hook_shim.sh SPOOL
# Names sort by time: NANOSECONDS-PID.json. Whatever is wrong, Claude must not notice: no output, exit 0.
exec >/dev/null 2>&1
trap '' HUP # the end of the terminal is an event too
umask 077
name=$(date +%s%N)-$$
if cat >"$1/.$name" && mv "$1/.$name" "$1/$name.json"; then
    exit 0
fi
rm -f "$1/.$name"
cat # whoever writes to us gets rid of it
exit 0
