#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many sessions in a tunnel, which xl2tpd cannot do: M sessions in each of T tunnels,
# half of the tunnels with a secret by which they hide every attribute that may be,
# PAP and CHAP, a stream each way through every session. The active loses power; every
# session must go on by itself, with its address, and calls must be possible in the old
# tunnels.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
t=${T:-4} m=${M:-10} n=$((${T:-4} * ${M:-10}))
export LAB_USERS=$((n > 64 ? n : 64))

out_of_order() {
	load stats full >"$LAB_OUT/loadlac-stats.json"
	pair_dump
	fail "$@"
}

pair_up || { pair_dump; fail "no pair"; }
for i in a b; do
	printf '%s\n' "configure terminal" "vpdn-group 1" " l2tp hidden" " l2tp hidden setup" end | ctl "$i" >/dev/null ||
		out_of_order "lns-$i is not told to hide"
done
capture_start "$LAB_OUT/loadlac.pcap" "$(lab_control_filter)" || fail "no capture"
in_ns core "$LAB_BUILD/loadlac" core --interval 50 &
load_start "$t" "$m" --hostname plainlac --secret-hostname secretlac --secret-every 2 --hide \
	--traffic udp --interval "${INTERVAL:-50}" --concurrency 20 --passive || fail "loadlac does not start"
load call >/dev/null
load wait up "$n" 120 || out_of_order "not all of $n sessions come up"
note "$n sessions in $t tunnels: $(load_figure '.setup.sessions_per_s') a second"
capture_stop
# Two implementations of RFC 2661 4.3: what one hides the other has opened, or there were no calls.
hidden() {
	tshark -n -r "$LAB_OUT/loadlac.pcap" -T fields -e l2tp.avp.message_type -Y "l2tp.avp.hidden == 1 and $1 == $LAB_VIP" \
		2>/dev/null | sort -n | uniq -c | awk '{ printf "%s%s:%s", sep, $2, $1; sep = " " }'
}
by_lac=$(hidden ip.dst) by_lns=$(hidden ip.src)
note "messages with hidden attributes, type:number: by the LAC $by_lac; by us $by_lns"
[[ " $by_lac " = *" 1:"*" 10:"*" 12:"* && " $by_lns " = *" 2:"*" 11:"* ]] || out_of_order "not hidden both ways"
all_protected() { pair_protects "$n" >/dev/null 2>&1; }
wait_until 30 all_protected || note "not all protected: $(pair_protects "$n" 2>&1 | tail -n 3)"
load stats full | jq -c '.session[] | [.n, .addr]' >"$LAB_RUN/before"
load reset >/dev/null
sleep 3
note "before: $(load_figure '.traffic | [.gap_down_ms.max, .gap_up_ms.max, .lost] | tostring')"
# Each session's own packets, as the kernels count them: here both ways, nothing at the standby.
counted() {
	ctl "$1" show l2tp session json | jq "[.sessions[].counters | select(.rx_packets > 20 and .tx_packets > 20 and
		.rx_bytes > .rx_packets and .tx_bytes > .tx_packets and .rx_errors == 0)] | length"
}
[ "$(counted a) $(counted b)" = "$n 0" ] || out_of_order "$(counted a) of $n sessions count packets at lns-a, $(counted b) at lns-b"
load reset >/dev/null
power_loss a
wait_until 15 node_is b active || out_of_order "b does not become active"
sleep 5
load hello >/dev/null
load echo >/dev/null
sleep 3
note "after: down/up gap ms $(load_figure '.traffic | [.gap_down_ms.max, .gap_up_ms.max] | tostring')"
[ "$(load_figure .sessions.up)" = "$n" ] || out_of_order "$(load_figure .sessions.up) of $n sessions are up"
[ "$(load_figure .tunnels.unacknowledged)" = 0 ] || out_of_order "control messages are not acknowledged"
[ "$(load_figure .ppp.echo_replies)" = "$n" ] || out_of_order "not all echoes are answered"
load stats full | jq -c ".session[] | [.n, .addr]" >"$LAB_RUN/after"
cmp -s "$LAB_RUN/before" "$LAB_RUN/after" ||
	out_of_order "addresses have changed"
[ "$(load_figure '.traffic.gap_down_ms.max < 4000 and .traffic.gap_up_ms.max < 4000')" = true ] ||
	out_of_order "streams stand still"
load hangup "$t" >/dev/null
load wait down "$t" 10 || out_of_order "hanging up fails"
load call >/dev/null
load wait up "$n" 60 || out_of_order "no new calls in the old tunnels"
load_figure '[.control.retransmissions, .ppp.renegotiations, .control.stopccn_received, .control.cdn_received] | "retransmissions \(.[0]), renegotiations \(.[1]), StopCCN \(.[2]), CDN \(.[3])"'
load_quit || { jq '{sessions, ppp, reasons, violations}' "$LAB_OUT/load.json"; out_of_order "the load LAC has complaints"; }
net_down
