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
wait_until 30 node_is a active || stop "lns-a does not become active"
tell "lns-a is active and has the address $LAB_VIP"
node_start b || fail "l2tphad does not start"
pair_ready a || stop "the pair does not get in sync"
tell "lns-b is its standby, in sync, and says nothing on the wire"
capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"

tell "the LAC dials: $n tunnels, half with a secret; $n users, half PAP, half CHAP"
lac_start "$n"
wait_until 90 lac_all_up "$n" || stop "only $(lac_count "$n") of $n subscribers are up"
lac_addresses >"$LAB_RUN/before"
tell "$n of $n subscribers are up"
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

# What happened is told as soon as it is seen, with the time it happened.
stall_at=0 vip_at=0 back_at=0 told=
deadline=$((zero + 30000))
look() {
	local line at
	while read -r at line; do
		[ "$at" -ge "$zero" ] || continue
		case $line in
		stall*) [ $stall_at != 0 ] || stall_at=$at ;;
		all-back*) back_at=$at ;;
		esac
	done <"$(traffic_events)"
	while read -r line; do
		if [[ $vip_at = 0 && $line = *"inet $LAB_VIP/"* && $line =~ ^\[([^]]*)\] ]]; then
			vip_at=$(date -d "${BASH_REMATCH[1]}" +%s%3N)
		fi
	done <"$LAB_RUN/monitor"
}
tell_once() {
	[[ $told = *" $1 "* ]] && return
	told+=" $1 "
	tell "$2" "$3"
}
while [ "$(now_ms)" -lt $deadline ]; do
	look
	[ $stall_at = 0 ] || tell_once stall "the subscribers' traffic stands still" "$stall_at"
	[ "$vip_at" = 0 ] || tell_once vip "lns-b has the address $LAB_VIP and announces it" "$vip_at"
	if [ "$back_at" != 0 ] && flowing; then
		tell_once back "${bold}the traffic of all $n subscribers flows again, both ways${plain}" "$back_at"
		[ "$vip_at" = 0 ] || break
	fi
	sleep 0.05
done
[ "$back_at" != 0 ] || tell "30 s later: $(traffic_stalled) of $((2 * n)) streams stand still"
wait_until 5 node_is b active && tell "lns-b says it is active"
# Long enough for a renegotiation, a retransmission or a hang-up to show itself.
tell "and now ten seconds of listening, for what might come late"
sleep 10
kill $monitor 2>/dev/null
traffic_stop
capture_stop
lac_addresses >"$LAB_RUN/after"

wire_check "$pcap" -t "$zero"
wire_ok=$?
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
line "failure to the address on lns-b" "$(ms $((vip_at - zero)))"
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
node_is b active || lost+=("lns-b's promotion")
if [ ${#lost[@]} -gt 0 ]; then
	pair_dump
	net_down
	fail "lost: $(IFS=,; echo "${lost[*]}")"
fi
net_down
note "${bold}Nothing was lost.${plain}"
