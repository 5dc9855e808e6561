#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ten switchovers in turn, by power loss, by SIGKILL to the daemon alone and planned,
# each from the node the one before went to; the lost node comes back as standby
# each time. Nothing may be lost, no address may change. After each a new call on
# an old tunnel works, and one that is hung up stays hung up.
#
# N (6) subscribers of xl2tpd with traffic both ways, and a load LAC with two old
# tunnels for the calls. ROUNDS (10).

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
n=${N:-6}
rounds=${ROUNDS:-10}
pcap=$LAB_OUT/switchover10.pcap
kinds=(power kill9 planned)

stop() {
	pair_dump
	note "---- load LAC"
	load stats 2>/dev/null | head -n 60
	fail "$1"
}

pair_up || stop "no pair"
capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"
lac_start "$n"
wait_until 60 lac_all_up "$n" || { lac_explain "$n"; stop "$(lac_count "$n") of $n up"; }
lac_addresses >"$LAB_RUN/before"
load_start 2 $((rounds + 4)) || stop "no load LAC"
calls=4
load call $calls >/dev/null || stop "cannot call"
load wait up $calls 30 >/dev/null || stop "the load LAC's calls are not up"
settled=$(now_ms)
wait_until 20 lns_has_sessions a $((n + calls)) || stop "lns-a lists $(lns_sessions a) sessions of $((n + calls))"
pair_ready a || stop "not in sync"
traffic_start 20 || stop "no traffic"
sleep 1
load reset >/dev/null
traffic_phase

active=a
for ((round = 1; round <= rounds; round++)); do
	kind=${kinds[$(((round - 1) % 3))]}
	standby=$(other $active)
	t0=$(now_ms)
	case $kind in
	power)	power_loss $active ;;
	kill9)	daemon_kill9 $active || stop "cannot kill the daemon of lns-$active" ;;
	planned) ctl $active redundancy switchover >"$LAB_RUN/switchover" 2>&1 ||
			{ cat "$LAB_RUN/switchover"; stop "round $round: the switchover was refused"; } ;;
	esac
	wait_until 15 node_is "$standby" active || stop "round $round ($kind): lns-$standby does not take over"
	t1=$(now_ms)
	sleep 0.5
	wait_until 10 flowing || stop "round $round ($kind): $(traffic_stalled) streams stand still"
	addresses_same "$LAB_RUN/before" || stop "round $round ($kind): $(lac_count "$n") of $n, or other addresses"

	# An old tunnel takes a new call, and lets go of one.
	load call 2 >/dev/null
	load wait up $((calls + 2)) 20 >/dev/null || stop "round $round ($kind): no new call on an old tunnel"
	load hangup 1 >/dev/null
	calls=$((calls + 1))
	wait_until 10 lns_has_sessions "$standby" $((n + calls)) ||
		stop "round $round ($kind): $(lns_sessions "$standby") sessions after a hang-up, not $((n + calls))"

	case $kind in
	power)	power_on $active && node_start $active || stop "round $round: lns-$active does not come back" ;;
	kill9)	node_start $active || stop "round $round: the daemon of lns-$active does not come back" ;;
	esac
	pair_ready "$standby" || stop "round $round ($kind): lns-$active does not come back as standby"
	wait_until 10 lns_has_sessions $active $((n + calls)) ||
		stop "round $round ($kind): the standby has $(lns_sessions $active) sessions, not $((n + calls))"
	traffic_phase
	[ "$(traffic_query '.up.not_flowing + .down.not_flowing')" = 0 ] || stop "round $round ($kind): streams do not flow"
	note "$(printf '%2d  %-7s lns-%s to lns-%s  active after %5d ms, longest gap %5d ms up %5d ms down, %d sessions' \
		$round $kind $active "$standby" $((t1 - t0)) \
		"$(traffic_query '.up.longest_gap_ms | floor')" "$(traffic_query '.down.longest_gap_ms | floor')" $((n + calls)))"
	active=$standby
done

traffic_stop
addresses_same "$LAB_RUN/before" || stop "addresses changed"
load stats full >"$LAB_OUT/load-stats.json"
[ "$(load_figure .sessions.hangups)" != 0 ] || stop "the load LAC hung up nothing"
load_quit || { head -n 80 "$LAB_OUT/load.json" "$LAB_OUT/load.log"; stop "the load LAC lost something"; }
capture_stop
# The load LAC's own calls negotiate; the subscribers of xl2tpd must not.
wire_check "$pcap" -t "$settled" -y '(ip.src >= 192.0.2.101 and ip.src <= 192.0.2.199) or (ip.dst >= 192.0.2.101 and ip.dst <= 192.0.2.199)' ||
	fail "the decoder finds fault in packets of xl2tpd's tunnels"
[ "$(count lcp_confreq_after)" = 0 ] && [ "$(count ipcp_confreq_after)" = 0 ] ||
	fail "$(count lcp_confreq_after) LCP and $(count ipcp_confreq_after) IPCP negotiations after setup"
[ "$(count stopccn_after)" = 0 ] && [ "$(count cdn_after)" = 0 ] || fail "StopCCN or CDN on xl2tpd's tunnels"
wire_check "$pcap" || fail "the decoder finds fault"
note "$(count control) control packets decoded, $(count wrong) bad"
net_down
