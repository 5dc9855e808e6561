#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What may go wrong around a pair besides the loss of its active: the HA link is
# cut or bad, the standby is killed or stands still, the active stands still, the
# active is cut off from everything and comes back. Each time: nobody speaks who
# should be silent, nothing is lost, no address changes, both are in sync again.
#
# T (4) tunnels with M (5) sessions each of the load LAC, traffic both ways; X (3)
# subscribers of xl2tpd.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
t=${T:-4} m=${M:-5} x=${X:-3} n=$((${T:-4} * ${M:-5}))
pcap=$LAB_OUT/faults.pcap

stop() {
	pair_dump
	note "---- load LAC"
	load stats 2>/dev/null | head -n 60
	fail "$1"
}

cables() {
	local i
	for i in $2; do
		echo "link set lns-$1.$i $3"
	done | ip -n sw -batch -
}
daemon() { kill "-$2" "$(node_pid "$1")"; }

# Counts, at the switch, all that a node says with the address from now on: control,
# data, ARP. spoke NODE: how much that was.
spy() {
	in_ns sw nft -f - <<-EOF || stop "no spy"
		table netdev spy-$1 {
			counter spoke { }
			chain in {
				type filter hook ingress device "lns-$1.access" priority 0; policy accept;
				ip saddr $LAB_VIP counter name spoke
				arp saddr ip $LAB_VIP counter name spoke
			}
		}
	EOF
}
spoke() { in_ns sw nft -j list counter netdev "spy-$1" spoke | jq '.nftables[] | .counter? // empty | .packets'; }
silent() {
	local packets
	packets=$(spoke "$1")
	in_ns sw nft delete table netdev "spy-$1"
	note "$(printf '%-22s lns-%s said %s packets with the address after it lost it' "$2" "$1" "$packets")"
	[ "$packets" = 0 ] || stop "$2: a node that lost the address spoke"
}

# No failover must have happened, and no stream stood still for longer than MS.
undisturbed() {
	local label=$1 ms=$2 gap
	gap=$(load_figure '.traffic.gap_ms.max | floor')
	node_is "$active" active || stop "$label: lns-$active is not the active any more"
	[ "$gap" -lt "$ms" ] || stop "$label: a stream stood still for $gap ms"
	note "$(printf '%-22s lns-%s stays active, longest gap %5d ms' "$label" "$active" "$gap")"
}

# Everything is as it was before.
whole() {
	local label=$1 i
	pair_ready "$active" || stop "$label: the pair does not come together again"
	[ "$(load_figure .sessions.up)" = $n ] || stop "$label: $(load_figure .sessions.up) of $n sessions are up"
	[ "$(load_figure .ppp.renegotiations)" = 0 ] || stop "$label: PPP was negotiated again"
	load stats full | jq -c '.session[] | [.n, .addr]' | cmp -s "$LAB_RUN/load.before" - ||
		stop "$label: addresses of the load LAC have changed"
	addresses_same "$LAB_RUN/before" || stop "$label: $(lac_count "$x") of $x of xl2tpd, or other addresses"
	for i in a b; do
		wait_until 15 lns_has_sessions $i $((n + x)) ||
			stop "$label: lns-$i has $(lns_sessions $i) sessions, not $((n + x))"
	done
	load reset >/dev/null
	sleep 1
	[ "$(load_figure '.traffic.gap_ms.max < 900')" = true ] ||
		stop "$label: streams do not flow afterwards"
	load reset >/dev/null
}

pair_up || stop "no pair"
capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"
lac_start "$x"
wait_until 60 lac_all_up "$x" || { lac_explain "$x"; stop "$(lac_count "$x") of $x up"; }
lac_addresses >"$LAB_RUN/before"
load_start "$t" "$m" || stop "no load LAC"
load call >/dev/null
load wait up $n 60 >/dev/null || stop "not all of $n calls come up"
settled=$(now_ms)
load stats full | jq -c '.session[] | [.n, .addr]' >"$LAB_RUN/load.before"
active=a
load reset >/dev/null
spy a
whole "before"
[ "$(spoke a)" -gt 0 ] || stop "the spy hears nothing of the active"
in_ns sw nft delete table netdev spy-a

# The HA link alone: nobody moves, and the standby does not let itself be promoted later on.
cables a ha down
sleep 5
undisturbed "HA link cut" 900
node_in_sync a && stop "HA link cut: the active says it is in sync"
[ "$(vip_holders)" = a ] || stop "HA link cut: the address is at $(vip_holders | tr '\n' ' ')"
cables a ha up
whole "HA link cut"

# A bad HA link: late, lossy, out of order.
in_ns lns-a tc qdisc add dev ha root netem delay 100ms 50ms loss 5% || stop "no netem"
sleep 6
undisturbed "HA link bad" 900
in_ns lns-a tc qdisc del dev ha root
whole "HA link bad"

daemon b KILL
sleep 2
undisturbed "standby killed" 900
wait_until 5 gone "$(node_pid b)"
node_start b || stop "lns-b does not come back"
whole "standby killed"

daemon b STOP
sleep 3
undisturbed "standby stands still" 900
node_in_sync a && stop "standby stands still: the active says it is in sync"
daemon b CONT
whole "standby stands still"

# The active stands still: the other takes over, and when it wakes up it says nothing.
daemon a STOP
wait_until 15 node_is b active || stop "active stands still: lns-b does not take over"
spy a
sleep 3
daemon a CONT
active=b
whole "active stood still"
silent a "active stood still"
note "$(printf '%-22s lns-b took over' 'active stands still')"

# Cut off from everything, and back: the address is the other's by then.
cables b "access core ha" down
wait_until 30 node_is a active || stop "active cut off: lns-a does not take over"
spy b
sleep 5
# Not a word, not even of what has waited for an answer to ARP since before.
cables b "access core ha" up
active=a
whole "active was cut off"
silent b "active was cut off"
[ "$(vip_holders)" = a ] || stop "active was cut off: the address is at $(vip_holders | tr '\n' ' ')"
note "$(printf '%-22s lns-a took over' 'active cut off')"

load hello >/dev/null
sleep 1
[ "$(load_figure .tunnels.unacknowledged)" = 0 ] || stop "control messages are not acknowledged"
load_figure '[.control.stopccn_received, .control.cdn_received] | "StopCCN \(.[0]), CDN \(.[1])"'
capture_stop
load_quit || { jq '{sessions, ppp, reasons, violations}' "$LAB_OUT/load.json"; stop "the load LAC lost something"; }
wire_check "$pcap" -t "$settled" || fail "the decoder finds fault"
for i in lcp_confreq_after ipcp_confreq_after stopccn_after cdn_after; do
	[ "$(count $i)" = 0 ] || fail "$i: $(count $i)"
done
net_down
