#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# L2TP over IPv6: the pair has an IPv6 address beside the IPv4 one, and the load LAC
# calls that. A planned switchover, then the loss of power: every session goes on by
# itself with its address, nothing is torn down or negotiated again, and the node
# that lost the role does not have the address.
#
# T (2) tunnels of M (6) sessions with traffic both ways.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
t=${T:-2} m=${M:-6} n=$((${T:-2} * ${M:-6}))
vip=2001:db8:1::1
pcap=$LAB_OUT/ipv6.pcap
lab_group_config() { echo "  virtual-address $vip/64 interface access"; }

stop() {
	pair_dump
	note "---- load LAC"
	load stats 2>/dev/null | head -n 60
	fail "$1"
}

holders() {
	local i
	for i in a b; do
		ip -n lns-$i -6 -o addr show dev access 2>/dev/null | grep -qF " $vip/" && printf %s $i
	done
}

# moved TEXT TO: everything goes on at the node TO
moved() {
	local gap
	wait_until 20 node_is "$2" active || stop "$1: lns-$2 does not take over"
	load hello >/dev/null
	load echo >/dev/null
	sleep 2
	gap=$(load_figure '[.traffic.gap_down_ms.max, .traffic.gap_up_ms.max] | max | floor')
	[ "$(load_figure .tunnels.unacknowledged)" = 0 ] || stop "$1: control messages are not acknowledged"
	[ "$(load_figure '.ppp.echo_replies')" -ge "$n" ] || stop "$1: not all echoes are answered"
	[ "$(load_figure .sessions.up)" = "$n" ] || stop "$1: $(load_figure .sessions.up) of $n sessions are up"
	[ "$(load_figure .ppp.renegotiations)" = 0 ] || stop "$1: PPP was negotiated again"
	load stats full | jq -c '.session[] | [.n, .addr]' | cmp -s "$LAB_RUN/before" - || stop "$1: addresses have changed"
	[ "$(holders)" = "$2" ] || stop "$1: the address is at '$(holders)'"
	[ "$gap" -lt 6000 ] || stop "$1: a stream stood still for $gap ms"
	note "$1: lns-$2 is active, $n of $n sessions, longest gap $gap ms"
	load reset >/dev/null
}

net_up || fail "no net"
for i in lac:99 lns-a:11 lns-b:12; do
	ip -n "${i%:*}" address add "2001:db8:1::${i#*:}/64" dev access nodad
done
for ((i = 0; i < t; i++)); do
	ip -n lac address add "2001:db8:1::$((200 + i))/64" dev access nodad
done
node_start a && node_start b || stop "the daemons do not start"
pair_ready a || stop "no pair"
# udp[] is of IPv4 only: the first octet of L2TP is at 48
capture_start "$pcap" "icmp6 or (ip6 and udp port 1701 and (ip6[48] & 0x80 != 0 or ip6[54] = 0xff or ip6[56] = 0xff))" ||
	stop "no capture"
in_ns core "$LAB_BUILD/loadlac" core --interval 50 &
LAB_LNS=$vip load_start "$t" "$m" --local 2001:db8:1::200 --traffic udp --interval 50 --passive || stop "loadlac does not start"
load call >/dev/null
load wait up "$n" 60 >/dev/null || stop "$(load_figure .sessions.up) of $n sessions come up"
wait_until 20 pair_protects "$n" || stop "not all are protected"
load stats full | jq -c '.session[] | [.n, .addr]' >"$LAB_RUN/before"
settled=$(now_ms)
load reset >/dev/null

ctl a redundancy switchover >/dev/null || stop "the switchover was refused"
moved "planned switchover" b
pair_ready b && wait_until 20 pair_protects "$n" || stop "not all are protected again"
load reset >/dev/null
power_loss b
moved "power loss" a

[ "$(load_figure '[.control.stopccn_received, .control.cdn_received, .ppp.terminates] | add')" = 0 ] ||
	stop "StopCCN, CDN or LCP Terminate were received"
capture_stop
load_quit || { jq '{sessions, ppp, reasons, violations}' "$LAB_OUT/load.json"; stop "the load LAC has complaints"; }
wire_check "$pcap" -o $vip -t "$settled" || fail "the decoder finds fault"
[ "$(count control)" -gt 20 ] || fail "only $(count control) control packets were seen"
for i in lcp_confreq_after ipcp_confreq_after stopccn_after cdn_after lcp_term_after; do
	[ "$(count $i)" = 0 ] || fail "$i: $(count $i)"
done
net_down
