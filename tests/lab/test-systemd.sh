#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The packaged unit under a real systemd: the daemon starts as a service (as it is
# installed, hardening and all), keeps its descriptors in the fd store, and subscribers
# do not notice `systemctl restart`, a SIGKILL and a reload; then `systemctl stop`
# hands over to the standby. systemd is the first process of a PID namespace on lns-a,
# with units of ours only.
#
# T (2) tunnels of M (6) sessions, a stream each way in each.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
t=${T:-2} m=${M:-6} n=$((${T:-2} * ${M:-6}))
systemd=/lib/systemd/systemd
units=$LAB_RUN/units
export LAB_GROUP=$'  timers heartbeat 500 dead 6000\n  timers lease 6000'

[ -x $systemd ] || { echo "no systemd on this machine"; exit 77; }
[ -w /sys/fs/cgroup/cgroup.procs ] || { echo "no control groups on this machine"; exit 77; }

# of lns-a everything is where a package has it
node_socket() { [ "$1" = a ] && echo /run/l2tpha/l2tphad.sock || echo "/run/l2tpha-$1/l2tphad.sock"; }

stop() {
	load stats full >"$LAB_OUT/systemd-stats.json" 2>/dev/null
	sys status -n 0 l2tpha.service
	tail -n 20 "$LAB_OUT/systemd-console.log"
	pair_dump
	fail "$1"
}

# systemd answers those it can see
sys() { nsenter -a -t "$(sed -n 1p /sys/fs/cgroup/lns-a/init.scope/cgroup.procs)" systemctl --no-pager "$@"; }
shown() { sys show -p "$1" --value l2tpha.service; }
is_up() { [ "$(shown ActiveState)" = active ]; }
restarted() { is_up && [ "$(shown NRestarts)" -gt "$1" ]; }

units_write() {
	local u
	mkdir -p "$units/l2tpha.service.d"
	for u in sysinit basic shutdown network umount multi-user; do
		printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' $u >"$units/$u.target"
	done
	cp "$LAB_TOP/debian/l2tpha.service" "$units/"
	# no journal here
	printf '[Service]\nStandardOutput=append:%s\nStandardError=append:%s\n' \
		"$(node_log a)" "$(node_log a)" >"$units/l2tpha.service.d/log.conf"
}

# The files of the package, in the file system of this machine's own.
installed() {
	make -C "$LAB_TOP" -o progs --no-print-directory install PREFIX=/usr B="$LAB_BUILD" >"$LAB_RUN/install" 2>&1 &&
		install -m 0755 "$LAB_TOP/debian/stop" /usr/lib/l2tpha/stop &&
		(umask 077; lab_config a >/etc/l2tpha/l2tpha.conf)
}

booted() { sys list-units >/dev/null 2>&1; }
boot() {
	# shellcheck disable=SC2016
	become_on_node a unshare --pid --fork --kill-child --mount --cgroup --mount-proc bash -c '
		mount -t cgroup2 none /sys/fs/cgroup &&
		exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH="$1" \
			SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=info "$2" --system --unit=basic.target' \
		boot "$units" "$systemd" </dev/null >"$LAB_OUT/systemd-console.log" 2>&1 &
	disown $!
	wait_until 60 booted
}

load_has() { [ "$(load_figure .sessions.up)" = "$1" ]; }

before() {
	load_has "$n" || stop "$1: $(load_figure .sessions.up) of $n sessions are up before"
	load stats full | jq -c '.session[] | [.n, .addr]' >"$LAB_RUN/before"
	load reset >/dev/null
	sleep 0.5
}

# after STORY NODE [LOST_MAX]: nothing of it was seen outside
after() {
	local lost
	wait_until 20 lns_has_sessions "$2" "$n" || stop "$1: lns-$2 lists $(lns_sessions "$2") sessions of $n"
	load hello >/dev/null
	sleep 2
	load_has "$n" || stop "$1: $(load_figure .sessions.up) of $n sessions are up"
	[ "$(load_figure .tunnels.unacknowledged)" = 0 ] || stop "$1: control messages are not acknowledged"
	[ "$(load_figure .ppp.renegotiations)" = 0 ] || stop "$1: PPP was negotiated again"
	load stats full | jq -c '.session[] | [.n, .addr]' | cmp -s - "$LAB_RUN/before" || stop "$1: addresses have changed"
	lost=$(load_figure .traffic.lost)
	note "$(printf '%-8s %d sessions, %d data packets lost, longest gap %d ms, %s descriptors stored' "$1" "$n" "$lost" \
		"$(load_figure '[.traffic.gap_down_ms.max, .traffic.gap_up_ms.max] | max | floor')" \
		"$(shown NFileDescriptorStore)")"
	# an emulated machine at its limit loses one now and then
	[ "$lost" -le "${3:-3}" ] || stop "$1: $lost data packets are lost"
}

net_up || fail "no net"
installed || { cat "$LAB_RUN/install"; fail "cannot install"; }
units_write
t0=$(now_ms)
boot || { tail -n 20 "$LAB_OUT/systemd-console.log"; fail "systemd does not answer"; }
note "systemd answers after $(($(now_ms) - t0)) ms"
sys start l2tpha.service || stop "the service does not start"
is_up || stop "the service is $(shown ActiveState)"
wait_until 30 node_is a active || stop "lns-a does not become active"
in_ns core "$LAB_BUILD/loadlac" core --interval 50 &
load_start "$t" "$m" --traffic udp --interval 50 --concurrency 20 --passive || fail "loadlac does not start"
load call >/dev/null
load wait up "$n" 120 || stop "not all of $n sessions come up"
wait_until 20 lns_has_sessions a "$n" || stop "lns-a lists $(lns_sessions a) sessions of $n"
[ "$(shown NFileDescriptorStore)" -gt 0 ] || stop "nothing is in the fd store"

before restart
pid=$(shown MainPID)
sys restart l2tpha.service || stop "restart fails"
[ "$(shown MainPID)" != "$pid" ] || stop "it is the same process after a restart"
wait_until 10 node_is a active || stop "restart: lns-a is not active"
after restart a

before kill
restarts=$(shown NRestarts)
sys kill -s KILL --kill-who=main l2tpha.service || stop "cannot kill it"
wait_until 20 restarted "$restarts" || stop "systemd does not start it again"
wait_until 10 node_is a active || stop "kill: lns-a is not active"
after kill a

before reload
pid=$(shown MainPID)
sed -i 's/^username sub1 .*/&\nusername another password 0 word/' /etc/l2tpha/l2tpha.conf
sys reload l2tpha.service || stop "reload fails"
[ "$(shown MainPID)" = "$pid" ] || stop "it is another process after a reload"
ctl a show running-config | grep -q '^username another ' || stop "reload: the file is not in force"
after reload a

node_start b || stop "lns-b does not start"
pair_ready a || stop "no pair"
wait_until 30 pair_protects "$n" || stop "not all protected"
before stop
sys stop l2tpha.service || stop "stop fails"
wait_until 20 node_is b active || stop "stop: lns-b is not active"
after stop b 1000000
[ "$(load_figure .control.stopccn_received)" = 0 ] || stop "StopCCN was received"
[ "$(shown ActiveState)" = inactive ] || stop "after a stop the service is $(shown ActiveState)"
load_quit || { jq '{sessions, ppp, reasons, violations}' "$LAB_OUT/load.json"; stop "the load LAC has complaints"; }
kill_node a
find /sys/fs/cgroup/lns-a -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null
net_down
