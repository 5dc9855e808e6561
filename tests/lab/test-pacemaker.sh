#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Pacemaker decides: a real corosync and Pacemaker on both nodes, the OCF agent as a
# promotable clone. It starts the daemons, promotes one, moves the role by order,
# relieves an active whose daemon was killed and one without power; nothing is
# lost. A node that came back with the HA link cut has the score -INFINITY.
#
# Before that ocf-tester judges the agent, and two redundancy groups of a daemon are a
# resource each: they start it once, and it ends with the last.
#
# N (3) subscribers of xl2tpd with traffic both ways. LAB_STEPS ("tester ban kill
# power"): which of these, for a machine that is slow; "tester" alone needs no cluster.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
. "$LAB_HERE/cluster.sh"
n=${N:-3}
pcap=$LAB_OUT/pacemaker.pcap
for p in corosync pacemakerd crm_mon ocf-tester xmllint; do
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
install -D -m 755 "$LAB_TOP/daemon/ocf/l2tpha" /usr/lib/ocf/resource.d/l2tpha/l2tpha
wanted() { [[ " ${LAB_STEPS:-tester ban kill power} " == *" $1 "* ]]; }

# ---- the agent by itself --------------------------------------------------

agent=/usr/lib/ocf/resource.d/l2tpha/l2tpha alone=$LAB_RUN/alone
# The daemon of lns-a, with a second group.
alone_begin() {
	mkdir -p "$alone/state" "$alone/tmp"
	(
		umask 077
		lab_config a
		printf ' group 2\n  virtual-address 192.0.2.2/24 interface access\n  detector pacemaker\n'
		printf '  local address 203.0.113.1 port 1704\n  peer address 203.0.113.2 port 1704\n'
		printf '  pre-shared-key 0 00112233445566778899aabbccddee02\n'
	) >"$alone/conf"
	export OCF_ROOT=/usr/lib/ocf HA_RSCTMP=$alone/tmp L2TPHA_LOG=$LAB_OUT/l2tphad-alone.log
	parameters=(unit=none "binary=$LAB_BUILD/l2tphad" "ctl=$LAB_BUILD/l2tpctl" "config=$alone/conf"
		"run_dir=$alone" "state_dir=$alone/state")
	for p in "${parameters[@]}"; do
		tester_options+=(-o "$p")
	done
}
# agent_says STATUS GROUP ACTION
agent_says() {
	local rc=0
	on_node a env OCF_RESOURCE_INSTANCE="l2tpha$2" __OCF_ACTION="$3" "${parameters[@]/#/OCF_RESKEY_}" \
		OCF_RESKEY_group="$2" "$agent" "$3" >"$alone/said" 2>&1 || rc=$?
	[ $rc = "$1" ] || { cat "$alone/said"; stop "group $2: $3 returns $rc, not $1"; }
}

if wanted tester; then
	alone_begin
	mark
	on_node a ocf-tester -n l2tpha "${tester_options[@]}" "$agent" >"$alone/tester" 2>&1 ||
		{ cat "$alone/tester"; stop "ocf-tester finds fault with the agent"; }
	note "$(tail -n 1 "$alone/tester"): ocf-tester, $(since_mark) ms"
	mark
	agent_says 7 1 monitor
	agent_says 0 1 start
	pid=$(cat "$alone/l2tphad.pid")
	agent_says 7 2 monitor
	agent_says 0 2 start
	agent_says 0 2 promote
	agent_says 0 1 monitor
	agent_says 8 2 monitor
	agent_says 0 1 stop
	agent_says 7 1 monitor
	agent_says 8 2 monitor
	gone "$pid" && stop "the daemon of group 2 ended with group 1"
	agent_says 0 2 stop
	gone "$pid" || stop "the daemon is there after the last of its groups was stopped"
	note "two groups of one daemon, a resource each: $(since_mark) ms"
	[ "${LAB_STEPS:-}" != tester ] || { net_down; exit 0; }
fi

# ---- a cluster -------------------------------------------------------------

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
