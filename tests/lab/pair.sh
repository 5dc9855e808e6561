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
	wait_until 15 node_is a active || {
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
