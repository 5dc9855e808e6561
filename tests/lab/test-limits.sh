#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A pair at its limits, xl2tpd as LAC: it opens our hidden attributes, TCP of a
# subscriber is clamped to its link, the call above the limit is refused with the code
# that sends a LAC elsewhere, the other box knows that this one was drained; who is up
# is not touched by any of it.

export LAB_USERS=3
. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
pcap=$LAB_OUT/limits.pcap

stop() {
	pair_dump
	lac_explain 3
	fail "$1"
}

# configure NODE LINE...
configure() {
	local n=$1
	shift
	printf '%s\n' "configure terminal" "$@" end | ctl "$n" >"$LAB_RUN/said" 2>&1 || { cat "$LAB_RUN/said"; stop "lns-$n: $*"; }
}

# packets FILTER: how many of them were captured so far
packets() { tshark -r "$pcap" -n -Y "$1" 2>/dev/null | wc -l; }
refused() { [ "$(packets 'l2tp.avp.error_code == 7')" -ge "$1" ]; }
said_by_lns() { ctl "$1" show vpdn history failure | grep -q "$2"; }

pair_up || stop "no pair"
for n in a b; do
	configure $n "vpdn session-limit 2" "vpdn limit-code try-another" "vpdn-group 1" " l2tp hidden" " ip tos 184" " no l2tp ip udp checksum" \
		"interface virtual-template 1" " ip tcp adjust-mss"
done
capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"

note "two subscribers, one of them with hidden attributes"
lac_start 2
wait_until 60 lac_all_up 2 || stop "$(lac_count 2) of 2 up"
sleep 1
lns_hides=$(packets "l2tp.avp.hidden == 1 and ip.src == $LAB_VIP")
note "messages with hidden attributes: $lns_hides"
[ "$lns_hides" -ge 1 ] || stop "nothing is hidden"
traffic_start 100 || stop "no traffic"
sleep 1
traffic_phase
# bytes of a data packet: type of service, checksum, T bit
marked() {
	ip netns exec sw timeout 20 tcpdump -n -c 3 -i br-access \
		"src host $LAB_VIP and udp src port 1701 and ip[1] = 184 and udp[6:2] = 0 and udp[8] & 0x80 = 0" >/dev/null 2>&1
}
marked || stop "data is not marked, or has a checksum"

note "TCP of a subscriber that would send larger segments than its link takes"
ip -n lac route add "$LAB_CORE_HOST" dev sub1 advmss 1460
in_ns core timeout 15 tcpdump -n -c 1 -i any 'tcp port 9 and tcp[tcpflags] & tcp-syn != 0' >"$LAB_RUN/syn" 2>"$LAB_RUN/syn.err" &
wait_until 10 grep -q listening "$LAB_RUN/syn.err"
in_ns lac timeout 5 bash -c ": </dev/tcp/$LAB_CORE_HOST/9" 2>/dev/null
wait_until 10 grep -q 'mss' "$LAB_RUN/syn" || { cat "$LAB_RUN/syn" "$LAB_RUN/syn.err"; stop "no SYN arrives"; }
grep -q 'mss 1420[],]' "$LAB_RUN/syn" || { cat "$LAB_RUN/syn"; stop "the SYN is not clamped"; }
in_ns lns-a nft list table inet l2tpha-mss | grep -q lns && stop "not only those of the template are clamped"
for n in a b; do
	configure $n "ip tcp adjust-mss"
	in_ns lns-$n nft list table inet l2tpha-mss | grep -q 'iifname "lns\*"' || stop "lns-$n clamps not all"
done

note "one more than the limit"
lac_dial 3
wait_until 20 said_by_lns a "Session limit exceeded" || stop "the third call was not refused"
wait_until 10 refused 1 || stop "the LAC was not told to try another"
lac_up 3 && stop "the third subscriber is up"

note "the box is drained, the other one takes over"
for n in a b; do
	configure $n "no vpdn session-limit"
done
ctl a vpdn drain all | grep -q draining || stop "lns-a is not drained"
pair_ready a || stop "not in sync"
ctl a redundancy switchover >/dev/null || stop "no switchover"
wait_until 20 node_is b active || stop "lns-b does not take over"
ctl b show vpdn drain | grep -q 'Everything: [23] tunnels with 2 sessions left' || { ctl b show vpdn drain; stop "lns-b is not drained"; }
ctl b no vpdn drain all >/dev/null || stop "lns-b stays drained"
wait_until 15 flowing || stop "streams stand still"
marked || stop "data of lns-b is not marked, or has a checksum"
lac_all_up 2 || stop "who was up is not any more"
traffic_stop
capture_stop
[ "$(packets "l2tp.type == 1 and ip.dsfield == 184 and ip.src == $LAB_VIP")" -ge 4 ] || fail "control packets are not marked"
lac_stop
net_down
