#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Three boxes: lns-a has group 1, lns-b has group 2, and lns-c stands by for both.
# One loses power, then the other: lns-c carries both, and what it carried before is
# not disturbed. They come back as standbys and are given their groups by order.
# Only with LONG=1.
#
# Subscribers 1 and 2 are of group 1 (192.0.2.1), 3 and 4 of group 2 (192.0.2.2).

[ -n "${LONG:-}" ] || { echo "only with LONG=1"; exit 77; }
. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
. "$LAB_HERE/boxes.sh"
# shellcheck disable=SC2034 # boxes.sh reads it
stand=([1]=c [2]=c)
subs=4
pcap=$LAB_OUT/threebox.pcap

stop() {
	pair_dump
	for i in a b c; do
		ctl $i show redundancy
	done
	fail "$1"
}

# relieved NODE G: it is gone, and lns-c has its group
relieved() {
	power_loss "$1"
	wait_until 15 group_is c "$2" active || stop "lns-c does not take group $2"
	step "power loss of lns-$1"
}

# home_again NODE G: it comes back, follows, and is given its group
home_again() {
	power_on "$1" && node_start "$1" || stop "lns-$1 does not come back"
	ready "$2" c
	wait_until 20 group_has "$1" "$2" 2 || stop "lns-$1 does not hold group $2"
	ctl c redundancy switchover group "$2" >"$LAB_RUN/switchover" 2>&1 ||
		{ cat "$LAB_RUN/switchover"; stop "the switchover was refused"; }
	ready "$2" "$1"
	step "group $2 back to lns-$1 by order"
}

net_up && lns_new c || stop "no net"
ip -n core route add 10.65.0.0/16 via 198.51.100.3
node_start a && node_start b && node_start c || stop "no daemons"
ready 1 a
ready 2 b

capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"
lac_dial 1 2
LAB_LNS=192.0.2.2 lac_dial 3 4
wait_until 60 lac_all_up $subs || { lac_explain $subs; stop "$(lac_count $subs) of $subs up"; }
lac_addresses >"$LAB_RUN/before"
for i in a1 c1 b2 c2; do
	wait_until 20 group_has "${i%?}" "${i#?}" 2 || stop "lns-${i%?} does not protect group ${i#?}"
done
settled=$(now_ms)
traffic_start 20 || stop "no traffic"
sleep 1
step "all up"

relieved a 1
group_is b 2 active || stop "lns-b lost group 2"
[ "$(group_value b 2 .epoch)" = 1 ] || stop "the epoch of group 2 changed: it was disturbed"
epoch=$(group_value c 1 .epoch)
relieved b 2
[ "$(group_value c 1 .epoch)" = "$epoch" ] || stop "the epoch of group 1 changed: it was disturbed"
home_again a 1
home_again b 2

traffic_stop
capture_stop
wire_check "$pcap" -t "$settled" || fail "the decoder finds fault"
for i in lcp_confreq_after ipcp_confreq_after stopccn_after cdn_after lcp_term_after; do
	[ "$(count $i)" = 0 ] || fail "$i: $(count $i)"
done
note "$(count control) control packets decoded, $(count wrong) bad; nothing was lost"
net_down
