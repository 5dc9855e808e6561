#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The lab itself, without our daemon: 20 xl2tpd subscribers dial xl2tpd as LNS, and
# their traffic passes both ways. If this fails, no other result means anything.

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
traffic_stop
gap=$(traffic_query '[.up.longest_gap_ms, .down.longest_gap_ms] | max | floor')
lost=$(traffic_query '.up.lost + .down.lost')
dead=$(traffic_query '.up.not_flowing + .down.not_flowing')
note "traffic of $n subscribers: longest gap $gap ms, $lost lost, $dead streams not flowing"
[ "$dead" = 0 ] || fail "$dead streams do not flow"
[ "$lost" = 0 ] || fail "$lost packets lost with nothing broken"
capture_stop
counts=$("$LAB_HERE/tshark-check.sh" "$LAB_OUT/xl2tpd-lns.pcap") || note "xl2tpd sends what tshark warns of"
note "$counts"
[ "$(awk '$1 == "ipcp_confreq" { print $2 }' <<<"$counts")" -ge $((2 * n)) ] ||
	fail "the capture misses negotiations"
net_down
