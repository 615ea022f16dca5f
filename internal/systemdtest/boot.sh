#!/bin/bash
# usage: boot.sh DIR
# Runs a real systemd as PID 1 of its own pid, mount, cgroup, network, uts and ipc
# namespaces, over a throw-away overlay of this machine's root, or of the one that
# DIR/lower names. DIR/units is copied to /etc/systemd/system, which has nothing else
# if the root is this machine's; DIR/programs is copied to /opt/fettle-test; DIR/root is
# mounted on. DIR/cgroup receives the control group to remove afterwards.
set -e
DIR=$1
case "$2" in
"")
    # The version 2 hierarchy, where systemd may make groups of its own.
    V2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [ -n "$V2" ] || { echo "no cgroup2 file system is mounted" >&2; exit 8; }
    CG=$V2/fettle-systemd-$$
    mkdir "$CG"
    echo "$CG" > "$DIR/cgroup"
    echo $$ > "$CG/cgroup.procs"
    exec unshare --mount --cgroup --pid --fork --kill-child=SIGKILL --uts --ipc --net --propagation private bash "$0" "$DIR" isolated
    ;;
isolated)
    mkdir -p "$DIR/root"
    mount -t tmpfs tmpfs "$DIR/root"
    cd "$DIR/root"
    mkdir u w m
    LOWER=/
    [ ! -e "$DIR/lower" ] || LOWER=$(cat "$DIR/lower")
    mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$PWD/u,workdir=$PWD/w" m
    mkdir -p m/opt/fettle-test
    cp "$DIR"/programs/* m/opt/fettle-test/ 2>/dev/null || true
    cd m
    if [ "$LOWER" = / ]; then
        mount -t tmpfs -o mode=755 tmpfs etc/systemd/system
        printf '[Unit]\nRequires=basic.target dbus.service\nAfter=basic.target dbus.service\nAllowIsolate=yes\n' > etc/systemd/system/default.target
    else
        ln -sf /dev/null etc/systemd/system/getty.target # there is no terminal
        echo fettle-test > etc/hostname
        echo '127.0.0.1 localhost fettle-test' > etc/hosts
    fi
    cp "$DIR"/units/* etc/systemd/system/ 2>/dev/null || true
    for unit in systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udev-trigger.service \
        systemd-timesyncd.service systemd-modules-load.service systemd-sysctl.service dev-hugepages.mount dev-mqueue.mount \
        sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
        proc-sys-fs-binfmt_misc.automount timers.target systemd-binfmt.service systemd-pstore.service \
        systemd-random-seed.service systemd-remount-fs.service; do
        ln -sf /dev/null "etc/systemd/system/$unit"
    done
    mount -t proc proc proc
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs dev
    for node in null zero full random urandom tty; do touch "dev/$node"; mount --bind "/dev/$node" "dev/$node"; done
    mkdir -p dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    mount -t tmpfs tmpfs dev/shm
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs tmpfs tmp
    hostname fettle-test
    ip link set lo up
    mkdir -p .old
    pivot_root . .old
    cd /
    umount -l /.old
    # systemd moves every process of the cgroup root that it sees: go on only if
    # that root is this script's own, and nothing else is mounted.
    [ "$(grep -c ' - cgroup' /proc/self/mountinfo)" = 1 ] && [ "$(grep '^0::' /proc/self/cgroup)" = "0::/" ] && [ "$(wc -l < /sys/fs/cgroup/cgroup.procs)" -le 6 ] || { echo "not isolated, refusing" >&2; exit 9; }
    exec env -i container=fettle PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-level=info --log-target=console --show-status=no
    ;;
esac
