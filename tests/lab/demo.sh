#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The story of the project, to be watched: `make demo`. A pair of LNS, 20 subscribers
# of an unmodified LAC with traffic both ways, and the active LNS loses power. Tells
# what happens while it happens, then counts what was lost. Exit status 0 only if
# that is nothing.
#
# N (20) subscribers, INTERVAL (20) ms between the packets of each stream.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
n=${N:-20}
interval=${INTERVAL:-20}
pcap=$LAB_OUT/demo.pcap

if [ -t 1 ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi
start=$(now_ms)
zero=$start
label=start
# Seconds since the start of the demo, then since the failure.
tell() {
	local at=${2:-$(now_ms)}
	awk -v d=$((at - zero)) -v l="$label" -v t="$1" \
		'BEGIN { printf "  %-7s %+8.3f s   %s\n", l, d / 1000, t }'
}
stop() {
	tell "$1"
	pair_dump
	lac_explain "$n"
	fail "$1"
}

note ""
note "${bold}Two LNS, one address, $n subscribers, and no power${plain}"
note ""
note "   LAC (xl2tpd) ====== 192.0.2.1 ======  lns-a | lns-b  ====== core host"
note ""

rm -f "$(node_log a)" "$(node_log b)"
net_up || fail "no network"
tell "hosts and wires are there: lac, lns-a, lns-b, core"
node_start a || fail "l2tphad does not start"
wait_until 15 node_is a active || stop "lns-a does not become active"
tell "lns-a is active and has the address $LAB_VIP"
node_start b || fail "l2tphad does not start"
pair_ready a || stop "the pair does not get in sync"
tell "lns-b is its standby, in sync, and says nothing on the wire"
capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"

lac_start "$n"
tell "the LAC dials: $n tunnels, half with a secret; $n users, half PAP, half CHAP"
wait_until 90 lac_all_up "$n" || stop "only $(lac_count "$n") of $n subscribers are up"
lac_addresses >"$LAB_RUN/before"
tell "$n of $n subscribers are up, $(sed -n '1s/.* //p' "$LAB_RUN/before") to $(sed -n '$s/.* //p' "$LAB_RUN/before")"
pair_ready a || stop "the pair is not in sync with the subscribers up"
wait_until 20 pair_protects "$n" || stop "not all sessions are protected"
tell "lns-b has all $n sessions in place: kernel, pppd, addresses"
traffic_start "$interval" || stop "no traffic"
tell "every subscriber sends to the core and the core to every subscriber, a packet each $interval ms"
sleep 3
flowing || stop "traffic does not flow before anything happened"
traffic_phase
sleep 1

# What the address does, with the kernel's own time stamps.
ip -n lns-b -ts -4 monitor address >"$LAB_RUN/monitor" 2>/dev/null &
monitor=$!

power_loss a
zero=$LAB_CUT_MS
label=failure
tell "${bold}lns-a loses power: its three links are cut, all its processes are killed${plain}" "$zero"

seen_stall=0 seen_role=0 seen_vip=0 t_role=0 t_flow=0
deadline=$((zero + 30000))
while [ "$(now_ms)" -lt $deadline ]; do
	if [ $seen_stall = 0 ] && ! flowing; then
		seen_stall=1
		tell "the subscribers' traffic stands still"
	fi
	if [ $seen_vip = 0 ] && grep -q "inet $LAB_VIP/" "$LAB_RUN/monitor" 2>/dev/null; then
		seen_vip=1
		tell "lns-b has the address $LAB_VIP and announces it"
	fi
	if [ $seen_role = 0 ] && node_is b active; then
		seen_role=1
		t_role=$(now_ms)
		tell "lns-b is active"
	fi
	if [ $seen_role = 1 ] && [ $seen_stall = 1 ] && flowing; then
		t_flow=$(now_ms)
		tell "${bold}the traffic of all $n subscribers flows again, both ways${plain}"
		break
	fi
	# Back before a stall was even called one.
	if [ $seen_role = 1 ] && [ $seen_stall = 0 ] && [ "$(now_ms)" -gt $((t_role + 2000)) ]; then
		t_flow=$(now_ms)
		tell "the traffic never stood still"
		break
	fi
	sleep 0.02
done
[ "$t_flow" != 0 ] || tell "30 s later: $(traffic_stalled) of $((2 * n)) streams stand still"
# Long enough for a renegotiation, a retransmission or a hang-up to show itself.
tell "and now ten seconds of listening, for what might come late"
sleep 10
kill $monitor 2>/dev/null
traffic_stop
capture_stop
lac_addresses >"$LAB_RUN/after"

wire_check "$pcap" -t "$zero"
wire_ok=$?
vip_at=$(date -d "$(sed -n 's/^Timestamp: //p;/inet '$LAB_VIP'/q' "$LAB_RUN/monitor" | tail -n 1 |
	sed 's/ \([0-9]*\) usec//')" +%s%3N 2>/dev/null)
kept=$(comm -12 <(sort "$LAB_RUN/before") <(sort "$LAB_RUN/after") | wc -l)
up=$(wc -l <"$LAB_RUN/after")
last_flow=$(traffic_query '[.up.last_gap_end_ms, .down.last_gap_end_ms] | max | floor')
dead=$(traffic_query '.up.not_flowing + .down.not_flowing')
renegotiations=$(($(count lcp_confreq_after) + $(count ipcp_confreq_after)))
torn=$(($(count stopccn_after) + $(count cdn_after)))
read -r silent_ms detect_ms promote_ms active_at < <(node_redundancy b \
	'.history[0] | "\(.silent_ms) \(.detect_ms) \(.promote_ms) \(.at_unix_ms)"')

line() { printf '  %-52s %s\n' "$1" "$2"; }
ms() { if [ -n "${1:-}" ] && [ "$1" -gt 0 ] 2>/dev/null; then echo "$1 ms"; else echo "-"; fi; }
note ""
line "sessions before / after" "$n / $up"
line "subscribers that kept their address" "$kept of $n"
line "streams flowing at the end (both directions)" "$((2 * n - dead)) of $((2 * n))"
line "LCP and IPCP renegotiations seen on the wire" "$renegotiations"
line "StopCCN and CDN seen on the wire" "$torn"
line "control packets decoded by tshark, of them bad" "$(count control), $(count wrong)"
line "longest gap, subscriber to core" "$(traffic_query '.up.longest_gap_ms | floor') ms, $(traffic_query '.up.lost') packets"
line "longest gap, core to subscriber" "$(traffic_query '.down.longest_gap_ms | floor') ms, $(traffic_query '.down.lost') packets"
if [ -n "${active_at:-}" ]; then
	line "failure to detection" "$(ms $((active_at - promote_ms - zero)))"
	line "  of these, silence until it was suspected" "$(ms "$silent_ms")"
	line "  and from suspicion to certainty" "$(ms "$detect_ms")"
	line "failure to promotion" "$(ms $((active_at - zero)))"
	line "  of these, the steps of the takeover" "$promote_ms ms"
fi
line "failure to the address on lns-b" "$(ms $((${vip_at:-zero} - zero)))"
line "failure to the last session forwarding" "$(ms $((last_flow - zero)))"
note ""
note "lns-b> show l2tp redundancy all"
ctl b show l2tp redundancy all 2>&1 | sed 's/^/  /'
note ""

lost=()
[ "$up" = "$n" ] || lost+=("$((n - up)) sessions")
[ "$kept" = "$n" ] || lost+=("$((n - kept)) addresses")
[ "$dead" = 0 ] || lost+=("$dead streams")
[ "$renegotiations" = 0 ] || lost+=("$renegotiations renegotiations")
[ "$torn" = 0 ] || lost+=("$torn StopCCN or CDN")
[ $wire_ok = 0 ] || lost+=("the decoder's approval")
[ "$seen_role" = 1 ] || lost+=("lns-b's promotion")
if [ ${#lost[@]} -gt 0 ]; then
	pair_dump
	net_down
	fail "lost: $(IFS=,; echo "${lost[*]}")"
fi
net_down
note "${bold}Nothing was lost.${plain}"
