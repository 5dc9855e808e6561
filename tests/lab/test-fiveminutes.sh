#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a switchover leaves behind shows itself late: a control channel whose numbers
# are wrong still looks well until the next HELLO is not answered, and then ends
# after half a minute of retransmissions. So: switch over, wait, and look at the
# HELLOs of both sides. 75 s by default (xl2tpd's own HELLO comes each 60 s), with
# LONG=1 five minutes; ours come each 10 s.

export LAB_HELLO=10
. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
n=${N:-4}
if [ "${LONG:-0}" = 1 ]; then watch=300; else watch=75; fi
pcap=$LAB_OUT/fiveminutes.pcap

pair_up || { pair_dump; fail "no pair"; }
capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"
lac_start "$n"
wait_until 60 lac_all_up "$n" || { pair_dump; lac_explain "$n"; fail "$(lac_count "$n") of $n up"; }
lac_addresses >"$LAB_RUN/before"
pair_ready a || { pair_dump; fail "not in sync"; }
traffic_start 50 || fail "no traffic"
sleep 2
t0=$(now_ms)
power_loss a
wait_until 30 node_is b active || { pair_dump; fail "lns-b does not take over"; }
note "lns-b is active $(($(now_ms) - t0)) ms after the failure; watching for $watch s"
sleep 10
traffic_phase
sleep $((watch - 10))
traffic_stop
capture_stop

note "longest gap while watching: $(traffic_query '[.up.longest_gap_ms, .down.longest_gap_ms] | max | floor') ms," \
	"lost: $(traffic_query '.up.lost + .down.lost')"
[ "$(traffic_query '.up.not_flowing + .down.not_flowing')" = 0 ] || { pair_dump; fail "streams do not flow"; }
addresses_same "$LAB_RUN/before" || fail "addresses changed: $(lac_addresses | tr '\n' ' ')"
wire_check "$pcap" -t "$t0" || fail "the decoder finds fault"
cat "$LAB_RUN/wire"
[ "$(count stopccn_after)" = 0 ] && [ "$(count cdn_after)" = 0 ] || fail "StopCCN or CDN after the switchover"
[ "$(count lcp_confreq_after)" = 0 ] && [ "$(count ipcp_confreq_after)" = 0 ] || fail "PPP was negotiated anew"
# One HELLO each 10 s of every tunnel, with some room for the timer's reset.
[ "$(count hello_ours_after)" -ge $((n * (watch / 10 - 2))) ] || fail "only $(count hello_ours_after) HELLOs of ours"
[ "$(count hello_theirs_after)" -ge "$n" ] || fail "only $(count hello_theirs_after) HELLOs of the LAC"
# A message that is answered is repeated once or twice around the switchover, not more.
[ "$(count retransmissions_max_after)" -le 2 ] ||
	fail "one message was sent $(($(count retransmissions_max_after) + 1)) times"
[ "$(count retransmissions_ours_after)" -le $((2 * n)) ] ||
	fail "$(count retransmissions_ours_after) retransmissions of ours"
if grep -l 'Maximum retries' "$LAB_RUN"/lac/*/xl2tpd.log; then
	fail "xl2tpd gave up on a tunnel"
fi
net_down
