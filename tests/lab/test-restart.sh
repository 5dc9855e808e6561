#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Restart in place: the daemon alone is killed or ended and started again, sessions
# and their traffic are not to notice. Without a peer: SIGKILL, SIGTERM, another
# build of the daemon, and away for longer than the lease. With one: back before the
# peer may take over (it must not), and not back in time (it must).
# After each: nothing renegotiated, no data packet lost, hang-up and a new call work.
#
# T (2) tunnels of M (10) sessions; LONG=1: 10 of 20. A stream each way in each, a packet
# each INTERVAL (50; LONG=1: 200) ms: an emulated machine has no time for 8,000 packets a
# second and anything else. STORIES.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
if [ -n "${LONG:-}" ]; then
	t=${T:-10} m=${M:-20} interval=${INTERVAL:-200}
else
	t=${T:-2} m=${M:-10} interval=${INTERVAL:-50}
fi
n=$((t * m))
export LAB_USERS=$((n > 64 ? n : 64))
# An emulated machine takes seconds to start a program, and more beside the PPP of so many.
dead=$((n > 50 ? 15000 : 6000))
export LAB_GROUP="  timers heartbeat 500 dead $dead
  timers lease $dead"
stories=" ${STORIES:-kill term build long pair away} "

stop() {
	load stats full >"$LAB_OUT/restart-stats.json" 2>/dev/null
	pair_dump
	fail "$1"
}
wanted() { [[ $stories = *" $1 "* ]]; }

acknowledged() { [ "$(load_figure .tunnels.unacknowledged)" = 0 ]; }
load_has() { [ "$(load_figure .sessions.up)" = "$1" ]; }
settled() { lns_has_sessions "$1" "$n" && [ "$(units "$1")" = "$n" ]; }
# PPP interfaces of the node, each of them one session's
units() { ip -n "lns-$1" -o link show type ppp 2>/dev/null | wc -l; }

before() {
	load_has "$n" || stop "$1: $(load_figure .sessions.up) of $n sessions are up before"
	load stats full | jq -c '.session[] | [.n, .addr]' >"$LAB_RUN/before"
	load reset >/dev/null
	echoes=$(load_figure .ppp.echo_replies)
	sleep 1
}

# after STORY NODE LOST_MAX: what the subscribers saw of it
after() {
	local lost gap
	wait_until 20 settled "$2" || stop "$1: lns-$2 lists $(lns_sessions "$2") sessions and has $(units "$2") interfaces of $n"
	sleep 1
	load hello >/dev/null
	load echo >/dev/null
	sleep 2
	lost=$(load_figure '.traffic.lost + .traffic.up_lost')
	gap=$(load_figure '[.traffic.gap_down_ms.max, .traffic.gap_up_ms.max] | max | floor')
	load_has "$n" || stop "$1: $(load_figure .sessions.up) of $n sessions are up"
	wait_until 10 acknowledged || stop "$1: control messages are not acknowledged"
	echoes=$(($(load_figure .ppp.echo_replies) - echoes))
	[ "$echoes" = "$n" ] || stop "$1: $echoes of $n echoes are answered"
	[ "$(load_figure .ppp.renegotiations)" = 0 ] || stop "$1: PPP was negotiated again"
	load stats full | jq -c ".session[] | [.n, .addr]" | cmp -s - "$LAB_RUN/before" || stop "$1: addresses have changed"
	load hangup 1 >/dev/null
	load wait down 1 10 || stop "$1: hanging up fails"
	load call >/dev/null
	load wait up "$n" 30 >/dev/null || stop "$1: no new call in an old tunnel"
	wait_until 10 settled "$2" || stop "$1: after a hang-up and a call lns-$2 lists $(lns_sessions "$2") sessions and has $(units "$2") interfaces"
	note "$(printf '%-6s %d sessions, %d data packets lost, longest gap %d ms' "$1" "$n" "$lost" "$gap")"
	[ "$lost" -le "$3" ]
}

# An emulated machine at its limit loses a packet now and then, with or without a
# restart. What a restart loses, it loses each time.
without_loss() {
	for _ in 1 2 3; do
		"story_$1" && return
		note "$1: again"
	done
	stop "$1: data packets are lost each time"
}

story_kill() {
	before kill
	daemon_kill9 a || stop "cannot kill the daemon"
	t0=$(now_ms)
	sleep 0.2
	node_start a || stop "the daemon does not start again"
	note "kill: the daemon answers after $(($(now_ms) - t0)) ms"
	wait_until 10 node_is a active || stop "kill: lns-a is not active"
	after kill a 0
}

story_term() {
	before term
	node_stop a
	sleep 0.5
	node_start a || stop "the daemon does not start again"
	wait_until 10 node_is a active || stop "term: lns-a is not active"
	after term a 0
}

story_build() {
	mkdir -p "$LAB_RUN/build"
	cp "$LAB_BUILD"/l2tphad "$LAB_BUILD"/l2tpctl "$LAB_BUILD"/l2tpha.so "$LAB_RUN/build/"
	v=$("$LAB_BUILD/l2tphad" -V)
	v=${v#* }
	w=$(tr 0-9 1-90 <<<"$v")
	LC_ALL=C sed -i "s/${v//./\\.}/$w/g" "$LAB_RUN/build/l2tphad"
	[ "$("$LAB_RUN/build/l2tphad" -V)" = "l2tphad $w" ] || stop "build: no other build"
	before build
	node_stop a
	LAB_BUILD=$LAB_RUN/build node_start a || stop "the other build does not start"
	wait_until 10 node_is a active || stop "build: lns-a is not active"
	local rc=0
	after build a 0 || rc=1
	node_stop a
	node_start a || stop "the first build does not start again"
	wait_until 10 node_is a active || stop "build: lns-a is not active again"
	return $rc
}

story_pair() {
	before pair
	epoch=$(node_redundancy a .epoch)
	daemon_kill9 a || stop "cannot kill the daemon"
	node_start a || stop "the daemon does not start again"
	wait_until 10 node_is a active || stop "pair: lns-a is '$(node_role a)'"
	[ "$(node_redundancy a .epoch)" -gt "$epoch" ] || stop "pair: lns-a goes on with epoch $epoch"
	pair_ready a || stop "pair: no pair any more"
	local rc=0
	after pair a 0 || rc=1
	wait_until 30 pair_protects "$n" || stop "pair: not all protected again"
	return $rc
}

net_up || fail "no net"
node_start a || fail "lns-a does not start"
# who comes alone waits five times as long as a peer may be silent
wait_until 30 node_is a active || stop "lns-a does not become active"
export LAB_KEEP_CONFIG=1
in_ns core "$LAB_BUILD/loadlac" core --interval "$interval" &
load_start "$t" "$m" --traffic udp --interval "$interval" --concurrency 20 --passive || fail "loadlac does not start"
load call >/dev/null
load wait up "$n" 120 || stop "not all of $n sessions come up"
wait_until 20 settled a || stop "lns-a lists $(lns_sessions a) sessions of $n"

if wanted kill; then
	without_loss kill
fi
if wanted term; then
	without_loss term
fi
if wanted build; then
	without_loss build
fi
if wanted long; then
	# Seconds without a daemon: the sessions are still there.
	before long
	daemon_kill9 a || stop "cannot kill the daemon"
	sleep 2
	node_start a || stop "the daemon does not start again"
	wait_until 30 node_is a active || stop "long: lns-a is not active"
	after long a 1000000
fi
if wanted pair || wanted away; then
	node_start b || stop "lns-b does not start"
	pair_ready a || stop "no pair"
	wait_until 30 pair_protects "$n" || stop "not all protected"
fi
if wanted pair; then
	without_loss pair
fi
if wanted away; then
	before away
	daemon_kill9 a || stop "cannot kill the daemon"
	wait_until $((dead / 1000 + 19)) node_is b active || stop "away: lns-b does not take over"
	node_start a || stop "the daemon does not start again"
	pair_ready b || stop "away: no pair any more"
	after away b 1000000
	wait_until 30 pair_protects "$n" || stop "away: not all protected again"
fi
[ "$(load_figure .control.stopccn_received)" = 0 ] || stop "StopCCN was received"
load_quit || { jq '{sessions, ppp, reasons, violations}' "$LAB_OUT/load.json"; stop "the load LAC has complaints"; }
net_down
