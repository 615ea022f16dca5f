#!/bin/bash
# Installs, from Debian 12's own packages, the oldest servers that fettle
# supports and the programs that the server tests need. Run as root; running it
# again does nothing. What is already installed is not upgraded. No service is
# started, and the ones installed here are not started at the next boot either.
set -euo pipefail

declare -A unit=(
	[prometheus]=prometheus.service
	[prometheus-alertmanager]=prometheus-alertmanager.service
	[etcd-server]=etcd.service
	[webhook]=webhook.service # a peer, for the bench
	[prometheus-mysqld-exporter]=prometheus-mysqld-exporter.service # two more
	[prometheus-postgres-exporter]=prometheus-postgres-exporter.service
	[mariadb-server]=mariadb.service
	[postgresql]=postgresql.service
	[pgbouncer]=pgbouncer.service
	[redis-server]=redis-server.service
	[redis-sentinel]=redis-sentinel.service
	[nats-server]=nats-server.service
	[haproxy]=haproxy.service
	[nginx-light]=nginx.service
	[keepalived]=keepalived.service
	[glusterfs-server]=glusterd.service
	[corosync]=corosync.service
	[pacemaker]=pacemaker.service
)
programs=(mmdebstrap rpm iproute2 nftables systemd systemd-sysv dbus procps util-linux mount hostname strace man-db zsh fish zookeeper dnsmasq-base iptables iputils-ping chromium fonts-dejavu-core)

die() {
	echo "install-servers: $*" >&2
	exit 1
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# apt_get runs apt-get quietly and tries again, because mirrors fail now and then;
# its output is shown only when it fails for good.
apt_get() {
	local log try
	log=$(mktemp)
	for try in 1 2 3; do
		if DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1; then
			rm -f "$log"
			return
		fi
		echo "install-servers: apt-get $1 failed (try $try of 3)" >&2
		sleep $((try * 5))
	done
	cat "$log" >&2
	rm -f "$log"
	die "apt-get $* failed: see above"
}

# check_version PACKAGE OLDEST refuses a package older than the oldest supported
# version, and says so when it is newer: the tests of the oldest versions then
# run on that one instead.
check_version() {
	local package=$1 oldest=$2 version
	version=$(dpkg-query -W -f '${Version}' "$package")
	dpkg --compare-versions "$version" ge "$oldest" ||
		die "$package $version is older than $oldest, the oldest supported version"
	case $version in
	"$oldest"*) echo "  $package $version" ;;
	*) echo "  $package $version (newer than $oldest, the oldest supported version)" ;;
	esac
}

command -v apt-get >/dev/null || die "needs Debian's apt-get; install Prometheus 2.42, Alertmanager 0.25 and etcd 3.4.23 by hand elsewhere"

missing=() new_units=()
for package in "${!unit[@]}" "${programs[@]}"; do
	installed "$package" || missing+=("$package")
done

if [ "${#missing[@]}" -gt 0 ]; then
	[ "$(id -u)" = 0 ] || die "needs root to install: ${missing[*]}"
	echo "installing ${missing[*]}"
	for package in "${!unit[@]}"; do
		installed "$package" || new_units+=("${unit[$package]}")
	done

	# Debian starts what it installs unless this program says no.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	apt_get update
	apt_get install --no-install-recommends --no-upgrade "${missing[@]}"

	if [ "${#new_units[@]}" -gt 0 ]; then
		systemctl --quiet disable "${new_units[@]}" >/dev/null 2>&1 ||
			die "cannot disable ${new_units[*]}: run systemctl disable by hand, or they start at the next boot"
	fi
fi

# The tests of the time collector need a chronyd and faketime. Installed, chrony
# would push out the machine's own time daemon, so they are only unpacked.
here=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -x "$here/.cache/chrony/usr/sbin/chronyd" ]; then
	echo "unpacking chrony and libfaketime into .cache/chrony"
	unpacked=$(mktemp -d)
	chmod 755 "$unpacked"
	(
		cd "$unpacked"
		apt-get -q download chrony libfaketime >/dev/null 2>&1 || { apt_get update && apt_get download chrony libfaketime; }
		mkdir root
		for package in *.deb; do dpkg -x "$package" root; done
	)
	mkdir -p "$here/.cache"
	rm -rf "$here/.cache/chrony"
	mv "$unpacked/root" "$here/.cache/chrony"
	rm -rf "$unpacked"
fi

# An installed ntpd would push it out as well.
if [ ! -x "$here/.cache/ntpsec/usr/sbin/ntpd" ]; then
	echo "unpacking ntpsec into .cache/ntpsec"
	unpacked=$(mktemp -d)
	chmod 755 "$unpacked"
	(
		cd "$unpacked"
		apt-get -q download ntpsec >/dev/null 2>&1 || { apt_get update && apt_get download ntpsec; }
		mkdir root
		for package in *.deb; do dpkg -x "$package" root; done
	)
	mkdir -p "$here/.cache"
	rm -rf "$here/.cache/ntpsec"
	mv "$unpacked/root" "$here/.cache/ntpsec"
	rm -rf "$unpacked"
fi

echo "oldest supported servers:"
check_version prometheus 2.42.0
check_version prometheus-alertmanager 0.25.0
check_version etcd-server 3.4.23
