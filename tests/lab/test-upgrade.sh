#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A rolling upgrade, by the commands of l2tpha-ha(7), section ROLLING UPGRADE, as
# they are written there: a pair of the release before (tests/lab/previous) becomes
# one of this release, and one of the release before again, with subscribers of
# xl2tpd and their traffic. Sessions, addresses and PPP stay; the commands must not
# fail. In between the roles are changed back and forth with mixed releases.
#
# N (6) subscribers.

# shellcheck disable=SC2154 # what roll.sh sets
. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
. "$LAB_HERE/roll.sh"
n=${N:-6}
pcap=$LAB_OUT/upgrade.pcap

[ -x "$previous/l2tphad" ] || {
	echo "not run: the release before is not built (tests/issu/build-previous says why)"
	exit 77
}

stop() {
	pair_dump
	fail "$1"
}

# rolled TARGET ACTIVE: the manual's sequence, and what was seen of it
rolled() {
	local longest
	roll "$@"
	longest=$(traffic_query '[.up.longest_gap_ms, .down.longest_gap_ms] | max | floor')
	check "$(other "$2")" "both $(release "$1")"
	note "longest gap $longest ms"
}

# check ACTIVE WHAT: as many sessions, the same addresses, all flow.
check() {
	pair_ready "$1" || stop "$2: no pair"
	wait_until 10 flowing || stop "$2: $(traffic_stalled) streams stand still"
	addresses_same "$LAB_RUN/before" || stop "$2: $(lac_count "$n") of $n, or other addresses"
	for i in a b; do
		wait_until 15 lns_has_sessions $i "$n" || stop "$2: lns-$i lists $(lns_sessions $i) sessions of $n"
	done
	wait_until 20 pair_protects "$n" || stop "$2: not all would survive"
	traffic_phase
	note "ok: $2, lns-$1 is active, $n of $n sessions"
}

switchover() {
	ctl "$1" redundancy switchover >"$LAB_RUN/switchover" 2>&1 ||
		{ cat "$LAB_RUN/switchover"; stop "the switchover from lns-$1 was refused"; }
	check "$(other "$1")" "$(release "${installed[$1]}") to $(release "${installed[$(other "$1")]}")"
}

roll_begin "$previous"
pair_up || stop "no pair of the release before"
capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"
lac_start "$n"
wait_until 60 lac_all_up "$n" || { lac_explain "$n"; stop "$(lac_count "$n") of $n up"; }
lac_addresses >"$LAB_RUN/before"
settled=$(now_ms)
traffic_start 20 || stop "no traffic"
check a "both old"

rolled "$this" a		# upgrade; b is active afterwards
switchover b			# it is a pair like any other
switchover a
rolled "$previous" b		# downgrade, standby first
switchover a			# and back again

traffic_stop
capture_stop
wire_check "$pcap" -t "$settled" || fail "the decoder finds fault"
[ "$(count lcp_confreq_after)" = 0 ] && [ "$(count ipcp_confreq_after)" = 0 ] ||
	fail "$(count lcp_confreq_after) LCP and $(count ipcp_confreq_after) IPCP negotiations after setup"
[ "$(count stopccn_after)" = 0 ] && [ "$(count cdn_after)" = 0 ] || fail "StopCCN or CDN"
note "$(count control) control packets decoded, $(count wrong) bad"
net_down
