#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Pacemaker with a resource for each redundancy group: two boxes share the load, and
# each group moves by itself. Group 1 is banned from its box and comes home when it
# is not any more; then the box of group 2 loses power. What was not to move does
# not notice, nothing is lost. Only with LONG=1.
#
# Subscribers 1 and 2 are of group 1 (192.0.2.1), 3 and 4 of group 2 (192.0.2.2).

[ -n "${LONG:-}" ] || { echo "only with LONG=1"; exit 77; }
. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
. "$LAB_HERE/boxes.sh"
. "$LAB_HERE/cluster.sh"
subs=4
pcap=$LAB_OUT/pacemaker-groups.pcap
for p in corosync pacemakerd crm_mon; do
	command -v $p >/dev/null || { echo "$p is not installed"; exit 77; }
done
rm -f "$LAB_OUT"/l2tphad-[ab].log "$LAB_OUT"/corosync-[ab].log
lab_group_config() { echo "  detector pacemaker"; }
export LAB_CLUSTER_GROUPS="1 2"

stop() {
	pair_dump
	cluster_dump a
	cluster_dump b
	fail "$1"
}

# active TEXT G NODE: the cluster moves group G there
active() {
	wait_slowly 180 group_is "$3" "$2" active || stop "$1: lns-$3 is not active for group $2"
}

net_up || stop "no net"
ip -n core route add 10.65.0.0/16 via 198.51.100.3
install -D -m 755 "$LAB_TOP/daemon/ocf/l2tpha" /usr/lib/ocf/resource.d/l2tpha/l2tpha
cluster_start a && cluster_start b || stop "no cluster"
wait_slowly 180 cluster_online a || stop "the cluster does not form"
active "start" 1 a
active "start" 2 b
ready 1 a
ready 2 b

capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"
lac_dial 1 2
LAB_LNS=192.0.2.2 lac_dial 3 4
wait_until 60 lac_all_up $subs || { lac_explain $subs; stop "$(lac_count $subs) of $subs up"; }
lac_addresses >"$LAB_RUN/before"
for i in a b; do
	wait_until 20 group_has $i 1 2 && wait_until 20 group_has $i 2 2 || stop "lns-$i does not protect what it should"
done
wait_slowly 120 cluster_scores b 1000 1 || stop "in sync, but the score of lns-b for group 1 is $(cluster_score b 1)"
settled=$(now_ms)
traffic_start 20 || stop "no traffic"
sleep 1
step "both up"
epoch=$(group_value b 2 .epoch)

cluster a crm_resource --ban --resource lns1 --promoted --node lns-a >/dev/null 2>&1 || stop "the ban was refused"
active "ban" 1 b
ready 1 b
step "group 1 banned from lns-a"
wait_slowly 120 cluster_scores a 1000 1 || stop "in sync, but the score of lns-a for group 1 is $(cluster_score a 1)"
cluster a crm_resource --clear --resource lns1 --node lns-a >/dev/null 2>&1
active "no ban" 1 a
ready 1 a
step "group 1 comes home"
[ "$(group_value b 2 .epoch)" = "$epoch" ] || stop "the epoch of group 2 changed: it was disturbed"

epoch=$(group_value a 1 .epoch)
power_loss b
active "power loss" 2 a
step "power loss of lns-b"
[ "$(group_value a 1 .epoch)" = "$epoch" ] || stop "the epoch of group 1 changed: it was disturbed"

traffic_stop
capture_stop
wire_check "$pcap" -t "$settled" || fail "the decoder finds fault"
for i in lcp_confreq_after ipcp_confreq_after stopccn_after cdn_after lcp_term_after; do
	[ "$(count $i)" = 0 ] || fail "$i: $(count $i)"
done
note "$(count control) control packets decoded, $(count wrong) bad; nothing was lost"
net_down
