#!/bin/bash
# Becomes a systemd of its own; to be started as root by `unshare -m -p -u -i --fork`, which makes the namespaces.
# Its arguments are the checkout, which stays in view wherever it lies, and a name for its control group: below
# that lie its units' groups, or two systemds would share each unit's group, and kill each other's.
# What it would write to lies on private tmpfs, and its one target starts the journal alone: the default target's
# services would clean up, mount and listen as if the machine were theirs.
set -eu
checkout="$1"
group="$2"
if [ "${3-}" != rooted ]; then
    for tree in /sys/fs/cgroup /sys/fs/cgroup/*/; do
        if [ -w "$tree/cgroup.procs" ] && mkdir "$tree/$group"; then
            # A group of version 1's cpuset takes nobody before it has processors; systemd needs none there.
            echo 0 2>/dev/null >"$tree/$group/cgroup.procs" || true
        fi
    done
    exec unshare -C /bin/bash "$0" "$checkout" "$group" rooted
fi
mount --make-rprivate /
mount -t proc proc /proc
exec {held}<"$checkout"
for folder in /run /tmp /var/tmp /var/log /etc/systemd; do
    mount -t tmpfs tmpfs "$folder"
done
chmod 1777 /tmp /var/tmp
if [ ! -d "$checkout" ]; then
    mkdir -p "$checkout"
    mount --no-canonicalize --bind "/proc/$$/fd/$held" "$checkout"
fi
exec {held}<&-
mkdir -p /run/systemd/system /run/user/0 /run/dbus /var/log/journal
chmod 700 /run/user/0
printf '[Unit]\nDefaultDependencies=no\nWants=systemd-journald.service\n' >/run/systemd/system/bare.target
printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\n' >/etc/systemd/journald.conf
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t tmpfs tmpfs /sys/fs/cgroup
mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
exec env -i container=ccmux-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --log-target=null --unit=bare.target
