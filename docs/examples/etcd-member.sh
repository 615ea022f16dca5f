#!/bin/sh
# /usr/local/sbin/etcd-member on each etcd machine: what fettle may do there when it
# logs in over ssh, and nothing else. It answers "status", "start" and
# "kill IDENTITY" with one JSON object, or with an exit code.
#
# ~fettle/.ssh/authorized_keys, one line:
#   restrict,command="sudo /usr/local/sbin/etcd-member \"$SSH_ORIGINAL_COMMAND\"" ssh-ed25519 AAAA… fettle@mon1
# /etc/sudoers.d/fettle:
#   fettle ALL=(root) NOPASSWD: /usr/local/sbin/etcd-member *
#
# Whose data directory it is stands in a file inside it, which moves and vanishes
# together with it. Write it once, while the member is well, with its ID as
# `etcdctl member list` prints it:
#   echo 8e9e05c52164694d > /var/lib/etcd/member/fettle-member-id
set -eu
unit=${ETCD_UNIT:-etcd.service}
data=${ETCD_DATA_DIR:-/var/lib/etcd}

show() { systemctl show --property="$1" --value "$unit"; }

# status prints the state, and while there is a process its identity and age.
status() {
	process=
	case $(show LoadState)/$(show UnitFileState) in
	loaded/disabled) down=stopped_on_purpose ;;
	loaded/*) down=dead ;;
	masked/*) down=stopped_on_purpose ;;
	*) down=unknown ;;
	esac
	case $(show ActiveState) in
	active | reloading | deactivating) state=running ;;
	activating) state=running process='"starting":true,' ;;
	inactive | failed)
		state=$down
		case $(show Job) in
		'' | 0) ;;
		*) # a start that is queued: not dead any more, and no process yet
			printf '{"state":"unknown"}\n'
			return
			;;
		esac
		# A process that dies takes its unit out of "active"; a stop does so first,
		# and the process ends after it.
		if [ "$(show ExecMainExitTimestampMonotonic)" -gt 0 ] &&
			[ "$(show ActiveExitTimestampMonotonic)" -lt "$(show ExecMainExitTimestampMonotonic)" ]; then
			state=stopped_on_purpose
		fi
		;;
	*) state=unknown ;;
	esac
	if [ "$state" = running ]; then
		age=$(awk -v start="$(show ExecMainStartTimestampMonotonic)" '{ age = $1 - start / 1e6; print (age > 0 ? age : 0) }' /proc/uptime)
		process="$process\"identity\":\"$(show InvocationID)\",\"age_seconds\":$age,"
	fi
	id=$(head -c 16 "$data/member/fettle-member-id" 2>/dev/null | tr -cd 0-9a-f || true)
	printf '{"state":"%s",%s"member_id":"%s","data_dir_ok":%s}\n' "$state" "$process" "$id" "$(data_dir_ok)"
}

# data_dir_ok tells whether etcd would find a log to start from.
data_dir_ok() {
	for log in "$data"/member/wal/*.wal; do
		if [ -s "$log" ]; then
			echo true
			return
		fi
	done
	echo false
}

case ${1-} in
status) status ;;
start) systemctl start --no-block "$unit" ;;
kill\ *)
	identity=${1#kill }
	if [ "$(show InvocationID)" != "$identity" ]; then
		echo "$identity does not run" >&2
		exit 1
	fi
	systemctl kill --signal=KILL "$unit"
	;;
*)
	echo "usage: status, start, or kill IDENTITY" >&2
	exit 2
	;;
esac
