#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two redundancy groups on one pair of boxes, each with its own virtual addresses,
# stream and subscribers; the priorities are the other way round, so that the boxes
# share the load and stand by for each other. One loses power: the other carries
# both and what it carried before is not disturbed. It comes back as standby for
# both, and takes its group back by order, the other group staying where it is.
#
# Subscribers 1 and 2 are of group 1 (192.0.2.1), 3 and 4 of group 2 (192.0.2.2).

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
. "$LAB_HERE/boxes.sh"
subs=4
pcap=$LAB_OUT/groups.pcap

stop() {
	pair_dump
	for i in a b; do
		ctl $i show redundancy
	done
	fail "$1"
}

# The one that starts first waits for the other: the priorities decide, not the clock.
net_up || stop "no net"
ip -n core route add 10.65.0.0/16 via 198.51.100.3
node_start a && node_start b || stop "no daemons"
ready 1 a
ready 2 b

capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"
lac_dial 1 2
LAB_LNS=192.0.2.2 lac_dial 3 4
wait_until 60 lac_all_up $subs || { lac_explain $subs; stop "$(lac_count $subs) of $subs up"; }
lac_addresses >"$LAB_RUN/before"
[ "$(grep -c ' 10\.64\.' "$LAB_RUN/before")/$(grep -c ' 10\.65\.' "$LAB_RUN/before")" = 2/2 ] ||
	stop "addresses from the wrong pools: $(tr '\n' ' ' <"$LAB_RUN/before")"
for i in a b; do
	wait_until 20 group_has $i 1 2 && wait_until 20 group_has $i 2 2 || stop "lns-$i does not protect what it should"
done
settled=$(now_ms)
traffic_start 20 || stop "no traffic"
sleep 1
step "both up"

epoch=$(group_value b 2 .epoch)
power_loss a
wait_until 15 group_is b 1 active || stop "lns-b does not take group 1"
group_is b 2 active || stop "lns-b lost group 2"
step "power loss of lns-a"
[ "$(group_value b 2 .epoch)" = "$epoch" ] || stop "the epoch of group 2 changed: it was disturbed"

power_on a && node_start a || stop "lns-a does not come back"
ready 1 b
ready 2 b
for i in 1 2; do
	wait_until 20 group_has a $i 2 || stop "lns-a does not hold group $i"
done
step "lns-a stands by for both"

ctl a redundancy switchover group 1 >"$LAB_RUN/switchover" 2>&1 || { cat "$LAB_RUN/switchover"; stop "the switchover was refused"; }
ready 1 a
ready 2 b
step "group 1 back to lns-a by order"

daemon_kill9 b || stop "cannot kill the daemon of lns-b"
wait_until 15 group_is a 2 active || stop "lns-a does not take group 2"
group_is a 1 active || stop "lns-a lost group 1"
step "SIGKILL to the daemon of lns-b"
node_start b || stop "the daemon of lns-b does not come back"
ready 1 a
ready 2 a
step "lns-b stands by for both"

# A word for one group is none for the other.
ctl a redundancy demote group 2 >/dev/null
ready 2 b
ready 1 a
step "group 2 demoted on lns-a"

traffic_stop
capture_stop
wire_check "$pcap" -t "$settled" || fail "the decoder finds fault"
[ "$(count lcp_confreq_after)" = 0 ] && [ "$(count ipcp_confreq_after)" = 0 ] ||
	fail "$(count lcp_confreq_after) LCP and $(count ipcp_confreq_after) IPCP negotiations after setup"
[ "$(count stopccn_after)" = 0 ] && [ "$(count cdn_after)" = 0 ] || fail "StopCCN or CDN"
note "$(count control) control packets decoded, $(count wrong) bad; nothing was lost"
net_down
