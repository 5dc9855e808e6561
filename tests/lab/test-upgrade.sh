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

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
n=${N:-6}
pcap=$LAB_OUT/upgrade.pcap
this=$LAB_BUILD
previous=$LAB_BUILD/previous/src/build

[ -x "$previous/l2tphad" ] || {
	echo "not run: the release before is not built (tests/issu/build-previous says why)"
	exit 77
}
declare -A installed=([a]=$previous [b]=$previous)

stop() {
	pair_dump
	fail "$1"
}

# The programs of net.sh, of the release that the box has.
eval "release_$(declare -f node_start)"
node_start() { LAB_BUILD=${installed[$1]} release_node_start "$@"; }
eval "release_$(declare -f ctl)"
ctl() { LAB_BUILD=${installed[$1]} release_ctl "$@"; }

# What the manual says, on the box $box: the package is the one in $target.
box='' target=''
systemctl() {
	[ "$2" = l2tpha ] || return 1
	case $1 in
	stop)	node_stop "$box" ;;
	start)	node_start "$box" ;;
	*)	return 1 ;;
	esac
}
apt-get() {
	[ "$*" = "install l2tpha" ] || return 1
	installed[$box]=$target
}
l2tpctl() { ctl "$box" "$@"; }

release() { case $1 in "$this") echo new ;; *) echo old ;; esac; }

# roll TARGET ACTIVE: the sequence; its lns-a is the box that is active now.
roll() {
	local line command longest
	target=$1
	while read -r line; do
		box=${line#lns-}
		box=${box%%#*}
		[ "$2" = a ] || box=$(other "$box")
		command=${line#*# }
		note "lns-$box ($(release "${installed[$box]}"))# $command"
		if ! eval "$command" >"$LAB_RUN/command" 2>&1; then
			cat "$LAB_RUN/command"
			stop "the manual's command fails on lns-$box: $command"
		fi
	done <"$LAB_RUN/sequence"
	longest=$(traffic_query '[.up.longest_gap_ms, .down.longest_gap_ms] | max | floor')
	check "$(other "$2")" "both $(release "$target")"
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

sed -n '/^\.\\" upgrade: begin/,/^\.\\" upgrade: end/p' "$LAB_TOP/man/l2tpha-ha.7" |
	grep '^lns-[ab]# ' >"$LAB_RUN/sequence"
[ "$(wc -l <"$LAB_RUN/sequence")" -ge 8 ] || fail "the manual has no sequence"

pair_up || stop "no pair of the release before"
capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"
lac_start "$n"
wait_until 60 lac_all_up "$n" || { lac_explain "$n"; stop "$(lac_count "$n") of $n up"; }
lac_addresses >"$LAB_RUN/before"
settled=$(now_ms)
traffic_start 20 || stop "no traffic"
check a "both old"

roll "$this" a			# upgrade; b is active afterwards
switchover b			# it is a pair like any other
switchover a
roll "$previous" b		# downgrade, standby first
switchover a			# and back again

traffic_stop
capture_stop
wire_check "$pcap" -t "$settled" || fail "the decoder finds fault"
[ "$(count lcp_confreq_after)" = 0 ] && [ "$(count ipcp_confreq_after)" = 0 ] ||
	fail "$(count lcp_confreq_after) LCP and $(count ipcp_confreq_after) IPCP negotiations after setup"
[ "$(count stopccn_after)" = 0 ] && [ "$(count cdn_after)" = 0 ] || fail "StopCCN or CDN"
note "$(count control) control packets decoded, $(count wrong) bad"
net_down
