#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Pacemaker decides: a real corosync and Pacemaker on both nodes, the OCF agent as a
# promotable clone. It starts the daemons, promotes one, moves the role by order,
# relieves an active whose daemon was killed and one without power; nothing is
# lost. A node that came back with the HA link cut has the score -INFINITY.
#
# N (3) subscribers of xl2tpd with traffic both ways. LAB_STEPS ("ban kill power"):
# which of these, for a machine that is slow.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
. "$LAB_HERE/cluster.sh"
n=${N:-3}
pcap=$LAB_OUT/pacemaker.pcap
for p in corosync pacemakerd crm_mon; do
	command -v $p >/dev/null || { echo "$p is not installed"; exit 77; }
done
rm -f "$LAB_OUT"/l2tphad-[ab].log "$LAB_OUT"/corosync-[ab].log
lab_group_config() { echo "  detector pacemaker"; }
# it thinks before it acts
export LAB_STEP_S=180 LAB_STEP_PAUSE_S=1

stop() {
	pair_dump
	cluster_dump a
	cluster_dump b
	fail "$1"
}

net_up || stop "no net"
mkdir -p /usr/lib/ocf/resource.d/l2tpha && ln -sf "$LAB_TOP/daemon/ocf/l2tpha" /usr/lib/ocf/resource.d/l2tpha/
mark
cluster_start a && cluster_start b || stop "no cluster"
wait_slowly 180 cluster_online a || stop "the cluster does not form"
note "the cluster is there after $(since_mark) ms"
wait_slowly 180 active_node >/dev/null || stop "nobody is promoted"
active=$(active_node)
standby=$(other "$active")
pair_ready "$active" || stop "no pair"
wait_slowly 120 cluster_scores "$active" 1000 && wait_slowly 120 cluster_scores "$standby" 1000 ||
	stop "in sync, but the scores are $(cluster_score a) and $(cluster_score b)"
note "lns-$active was promoted after $(since_mark) ms; both scores 1000"

subscribers_come "$n" "$pcap"

wanted() { [[ " ${LAB_STEPS:-ban kill power} " == *" $1 "* ]]; }

# By order: demoted here, then promoted there.
if wanted ban; then
	mark
	cluster "$active" crm_resource --ban --resource lns --promoted --node "lns-$active" >/dev/null 2>&1 ||
		stop "the ban was refused"
	step "banned from lns-$active" "$standby"
	pair_ready "$standby" || stop "lns-$active does not follow"
	cluster "$active" crm_resource --clear --resource lns --node "lns-$active" >/dev/null 2>&1
	active=$standby standby=$(other "$active")
	wait_slowly 120 cluster_scores "$standby" 1000 || stop "the score of lns-$standby is $(cluster_score "$standby")"
fi

# The daemon alone: what Pacemaker does about it is its own business, lost is nothing.
if wanted kill; then
	mark
	kill -KILL "$(cat "/run/l2tpha-$active/l2tphad.pid")"
	sleep 1
	wait_slowly 180 active_node >/dev/null || stop "nobody is active after SIGKILL to l2tphad"
	now=$(active_node)
	step "SIGKILL to l2tphad on lns-$active" "$now"
	active=$now standby=$(other "$active")
	wait_slowly 180 node_answers "$standby" || stop "Pacemaker does not start l2tphad on lns-$standby again"
	pair_ready "$active" || stop "no pair after SIGKILL"
	wait_slowly 120 cluster_scores "$standby" 1000 || stop "the score of lns-$standby is $(cluster_score "$standby")"
fi

if wanted power; then
	mark
	power_loss "$active"
	step "power loss of lns-$active" "$standby"

	power_on "$active"
	ip -n sw link set "lns-$active.ha" down
	cluster_start "$active"
	wait_slowly 180 cluster_online "$standby" || stop "lns-$active does not join the cluster again"
	wait_slowly 180 node_answers "$active" || stop "l2tphad is not started on lns-$active"
	wait_slowly 120 cluster_scores "$active" -INFINITY || stop "cut off, lns-$active has the score $(cluster_score "$active")"
	node_is "$standby" active || stop "lns-$active with an empty store took over"
	note "lns-$active back with its HA link cut: score $(cluster_score "$active"); $(ctl "$active" show redundancy fitness)"
	ip -n sw link set "lns-$active.ha" up
	wait_slowly 120 cluster_scores "$active" 1000 || stop "in sync, but the score of lns-$active is $(cluster_score "$active")"
	pair_ready "$standby" || stop "no pair"
fi

nothing_was_lost "$pcap"
net_down
