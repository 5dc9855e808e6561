#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lab itself, without our daemon: 20 xl2tpd subscribers dial xl2tpd as LNS, and
# their traffic passes both ways; then the LNS loses power, and everything stands
# still without a last word. If this fails, no other result means anything.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
n=${N:-20}

net_up || fail "no network"
lns_xl2tpd_start a || fail "no xl2tpd as LNS"
capture_start "$LAB_OUT/xl2tpd-lns.pcap" "$(lab_control_filter)" || fail "no capture"
t0=$(now_ms)
lac_start "$n"
wait_until 60 lac_all_up "$n" || { lac_explain "$n"; fail "$(lac_count "$n") of $n up"; }
note "$n subscribers up in $(($(now_ms) - t0)) ms"
traffic_start "${INTERVAL:-50}" || fail "no traffic"
sleep 1
traffic_phase
sleep 5
traffic_phase
gap=$(traffic_query '[.up.longest_gap_ms, .down.longest_gap_ms] | max | floor')
lost=$(traffic_query '.up.lost + .down.lost')
dead=$(traffic_query '.up.not_flowing + .down.not_flowing')
note "traffic of $n subscribers: longest gap $gap ms, $lost lost, $dead streams not flowing"
[ "$dead" = 0 ] || fail "$dead streams do not flow"
[ "$lost" = 0 ] || fail "$lost packets lost with nothing broken"

t0=$(now_ms)
power_loss a
t1=$(now_ms)
note "power loss took $((t1 - t0)) ms"
all_stalled() { [ "$(traffic_stalled)" = $((2 * n)) ]; }
wait_until 5 all_stalled || fail "only $(traffic_stalled) of $((2 * n)) streams stand still without power"
traffic_stop
[ ! -e /run/netns/lns-a ] || fail "lns-a still exists"
power_on a || fail "lns-a does not come back"
ip -n lns-a link show type ppp | grep . && fail "lns-a came back with sessions"
in_ns lns-a ping -q -c 1 -W 2 $LAB_CORE_HOST >/dev/null || fail "lns-a came back without its cables"
sleep 1
capture_stop
counts=$("$LAB_HERE/tshark-check.sh" -t $((t0 + 300)) "$LAB_OUT/xl2tpd-lns.pcap") || note "xl2tpd sends what tshark warns of"
note "$counts"
[ "$(awk '$1 == "ipcp_confreq" { print $2 }' <<<"$counts")" -ge $((2 * n)) ] ||
	fail "the capture misses negotiations"
last_word=$(tshark -r "$LAB_OUT/xl2tpd-lns.pcap" -n -Y "ip.src == $LAB_VIP and frame.time_epoch > $((t1 / 1000)).$(printf %03d $((t1 % 1000)))" 2>/dev/null | head -n 3)
[ -z "$last_word" ] || fail "the dead spoke: $last_word"
[ "$(awk '$1 == "cdn" || $1 == "stopccn" || $1 == "lcp_term" { s += $2 } END { print s + 0 }' <<<"$counts")" = 0 ] ||
	fail "something said goodbye"
net_down
