# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the tests of the pair have in common, to be sourced after net.sh and lac.sh.
#
#   pair_up                     hosts, wires, both nodes; a active, b in sync
#   pair_ready A                A active, the other one standby and in sync
#   pair_dump                   what an engineer wants to see after a failure
#   flowing                     status 0: no stream of the probe is stalled
#   addresses_same FILE         the subscribers have the addresses in FILE
#   vip_only_on A               the address is where it should be
#   count NAME                  a figure of the last wire_check
#   wire_check FILE [OPTIONS]   tshark-check.sh; the figures are kept for count
#   lns_sessions NODE           established sessions it lists
#
# A story of N subscribers of xl2tpd, captured in FILE; stop is the caller's:
#   subscribers_come N FILE     they dial in and their traffic runs
#   mark, since_mark            from here on a step is timed; the milliseconds
#   step TEXT NODE              NODE becomes active within LAB_STEP_S (20); nothing stands
#                               still then and nobody has another address
#   nothing_was_lost FILE       nor negotiated again, nor closed; ends traffic and capture
#   pair_protects N             both nodes say that N sessions of N survive

pair_standby_ready() { node_is "$1" standby && node_in_sync "$1"; }

pair_ready() {
	local other
	other=$(other "$1")
	wait_until 15 node_is "$1" active || {
		note "lns-$1 is not active but '$(node_role "$1")'"
		return 1
	}
	wait_until 20 pair_standby_ready "$other" || {
		note "lns-$other is not an in-sync standby but '$(node_role "$other")'"
		return 1
	}
	wait_until 20 node_in_sync "$1" || {
		note "lns-$1 does not say it is in sync"
		return 1
	}
}

pair_up() {
	net_up || return 1
	node_start a || return 1
	wait_until 30 node_is a active || {
		note "lns-a alone does not become active"
		return 1
	}
	node_start b || return 1
	pair_ready a
}

pair_dump() {
	local n core
	for core in /tmp/core.*; do
		[ -e "$core" ] || continue
		note "---- a process died: $core"
		! command -v gdb >/dev/null ||
			gdb -q -batch -ex bt "$LAB_BUILD/l2tphad" "$core" 2>/dev/null | grep '^#'
	done
	for n in a b; do
		note "---- lns-$n: log"
		tail -n 25 "$(node_log $n)" 2>/dev/null
		note "---- lns-$n: show redundancy"
		ctl $n show redundancy 2>&1 | head -n 40
		note "---- lns-$n: the HA link"
		in_ns lns-$n ss -Htan 2>&1 | grep 203.0.113
		ip -n lns-$n neigh show dev ha 2>&1
		ip -n sw -br link show "lns-$n.ha" 2>&1
		in_ns lns-$n ping -q -c 1 -W 2 "203.0.113.$([ $n = a ] && echo 2 || echo 1)" 2>&1 | grep transmitted
	done
}

flowing() { [ "$(traffic_stalled)" = 0 ]; }

# The address is on the node, and on the other one only if its daemon is dead: then
# the kernel has closed the fence and answers nobody.
vip_only_on() {
	vip_holders | grep -qx "$1" || return 1
	vip_holders | grep -qx "$(other "$1")" || return 0
	! node_answers "$(other "$1")"
}

addresses_same() { diff "$1" <(lac_addresses) >/dev/null; }

wire_check() {
	local file=$1 status
	shift
	"$LAB_HERE/tshark-check.sh" "$@" "$file" >"$LAB_RUN/wire"
	status=$?
	grep '^tshark-check:' "$LAB_RUN/wire"
	return $status
}

count() { awk -v name="$1" '$1 == name { print $2; exit }' "$LAB_RUN/wire"; }

# All sessions would survive the loss of the active, and the standby has them in
# place: n of n.
pair_protects() {
	local n
	for n in a b; do
		[ "$(node_redundancy $n '"\(.plug_pulled.survive) \(.plug_pulled.in_place)"')" = "$1 $1" ] || return 1
	done
}

lns_sessions() {
	ctl "$1" show l2tp session json 2>/dev/null |
		jq '[.sessions[]? | select(.up)] | length' 2>/dev/null
}
lns_has_sessions() { [ "$(lns_sessions "$1")" = "$2" ]; }

subscribers_come() {
	local n=$1
	capture_start "$2" "$(lab_control_filter)" || stop "no capture"
	lac_start "$n"
	wait_until 90 lac_all_up "$n" || { lac_explain "$n"; stop "$(lac_count "$n") of $n up"; }
	lac_addresses >"$LAB_RUN/before"
	wait_until 20 pair_protects "$n" || stop "not protected"
	settled=$(now_ms)
	traffic_start 20 || stop "no traffic"
	sleep 1
	traffic_phase
}

mark() { t0=$(now_ms); }
since_mark() { echo $(($(now_ms) - t0)); }

step() {
	local took end=$(($(now_ms) + ${LAB_STEP_S:-20} * 1000))
	until node_is "$2" active; do
		[ "$(now_ms)" -lt $end ] || stop "$1: lns-$2 is not active"
		pause ${LAB_STEP_PAUSE_S:-0.05}
	done
	took=$(since_mark)
	pause 0.3
	wait_until 10 flowing || stop "$1: $(traffic_stalled) streams stand still"
	addresses_same "$LAB_RUN/before" || stop "$1: $(lac_count "$(wc -l <"$LAB_RUN/before")") are up, or have other addresses"
	vip_only_on "$2" || stop "$1: the address is on: $(vip_holders | tr '\n' ' ')"
	traffic_phase
	[ "$(traffic_query '.up.not_flowing + .down.not_flowing')" = 0 ] || stop "$1: streams do not flow"
	note "$(printf '%-44s lns-%s active after %5d ms, longest gap %5d ms up %5d ms down' "$1" "$2" "$took" \
		"$(traffic_query '.up.longest_gap_ms | floor')" "$(traffic_query '.down.longest_gap_ms | floor')")"
}

nothing_was_lost() {
	traffic_stop
	capture_stop
	wire_check "$1" -t "$settled" || fail "the decoder finds fault"
	[ "$(count lcp_confreq_after)" = 0 ] && [ "$(count ipcp_confreq_after)" = 0 ] ||
		fail "$(count lcp_confreq_after) LCP and $(count ipcp_confreq_after) IPCP negotiations after setup"
	[ "$(count stopccn_after)" = 0 ] && [ "$(count cdn_after)" = 0 ] || fail "StopCCN or CDN"
	note "$(count control) control packets decoded, $(count wrong) bad; nothing was lost"
}
