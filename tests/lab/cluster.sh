# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Pacemaker on the two LNS, to be sourced after net.sh: real corosync and
# pacemaker, a whole cluster stack in each host. Two of them on one machine take
# for the other's what lies in /run, /dev/shm and /var/lib, so each has its own of
# these (mount, UTS and IPC namespace); their local sockets are abstract and belong
# to the network namespace. l2tphad runs in there too, started by the agent.
#
#   cluster_start N             corosync and pacemaker on the host of LNS N
#   cluster N COMMAND...        in the namespaces of that host
#   cluster_score N [G]         the promotion score of l2tpha on N, as the cluster has it
#   LAB_CLUSTER_GROUPS          a resource for each of these redundancy groups, lnsG;
#                               none: one for the daemon, lns
#   wait_slowly S COMMAND...    as wait_until, for minutes
#   cluster_dump N

# Corosync talks on the access network: the HA link can be cut without it.
cluster_corosync() {
	cat <<-END
	totem {
	    version: 2
	    cluster_name: l2tpha
	    transport: knet
	    crypto_cipher: none
	    crypto_hash: none
	    token: ${LAB_TOKEN_MS:-3000}
	}
	nodelist {
	    node {
	        name: lns-a
	        nodeid: 1
	        ring0_addr: 192.0.2.11
	    }
	    node {
	        name: lns-b
	        nodeid: 2
	        ring0_addr: 192.0.2.12
	    }
	}
	quorum {
	    provider: corosync_votequorum
	    two_node: 1
	    wait_for_all: 0
	}
	logging {
	    to_stderr: yes
	    to_syslog: no
	    timestamp: on
	}
	END
}

# A promotable clone: of the redundancy group $1, or of all of the daemon.
cluster_clone() {
	cat <<-END
	   <clone id="lns$1">
	    <meta_attributes id="lns$1-meta">
	     <nvpair id="m1$1" name="promotable" value="true"/>
	     <nvpair id="m2$1" name="notify" value="${LAB_NOTIFY:-false}"/>
	     <nvpair id="m3$1" name="interleave" value="true"/>
	    </meta_attributes>
	    <primitive id="l2tpha$1" class="ocf" provider="${LAB_AGENT:-l2tpha}" type="${LAB_AGENT_TYPE:-l2tpha}">
	     <instance_attributes id="l2tpha$1-params">
	      <nvpair id="p1$1" name="unit" value="none"/>
	      <nvpair id="p2$1" name="binary" value="$LAB_BUILD/l2tphad"/>
	      <nvpair id="p3$1" name="ctl" value="$LAB_BUILD/l2tpctl"/>
	      <nvpair id="p4$1" name="options" value="-L /run/l2tpha/pppd.log"/>
	      $([ -z "$1" ] || echo "<nvpair id='group$1' name='group' value='$1'/>")
	     </instance_attributes>
	     <operations>
	      <op id="op1$1" name="monitor" interval="6s" timeout="60s" role="Promoted"/>
	      <op id="op2$1" name="monitor" interval="7s" timeout="60s" role="Unpromoted"/>
	      <op id="op3$1" name="start" interval="0" timeout="120s"/>
	      <op id="op4$1" name="stop" interval="0" timeout="120s"/>
	      <op id="op5$1" name="promote" interval="0" timeout="90s"/>
	      <op id="op6$1" name="demote" interval="0" timeout="90s"/>
	      <op id="op7$1" name="notify" interval="0" timeout="30s"/>
	     </operations>
	    </primitive>
	   </clone>
	END
}

cluster_clones() {
	local g
	[ -n "${LAB_CLUSTER_GROUPS:-}" ] || cluster_clone ''
	for g in ${LAB_CLUSTER_GROUPS:-}; do
		cluster_clone "$g"
	done
}

# A group is rather active on its home[] (boxes.sh).
cluster_homes() {
	local g
	for g in ${LAB_CLUSTER_GROUPS:-}; do
		cat <<-END
		<rsc_location id="home$g" rsc="lns$g"><rule id="home$g-rule" role="Promoted" score="50">
		<expression id="home$g-expression" attribute="#uname" operation="eq" value="lns-${home[$g]}"/></rule></rsc_location>
		END
	done
}

# No fencing device here: power is cut by the test itself.
cluster_cib() {
	cat <<-END
	<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" admin_epoch="1" epoch="1" num_updates="0">
	 <configuration>
	  <crm_config><cluster_property_set id="options">
	   <nvpair id="o1" name="stonith-enabled" value="false"/>
	   <nvpair id="o2" name="dc-deadtime" value="5s"/>
	   <nvpair id="o3" name="have-watchdog" value="false"/>
	  </cluster_property_set></crm_config>
	  <nodes><node id="1" uname="lns-a"/><node id="2" uname="lns-b"/></nodes>
	  <resources>
	$(cluster_clones)
	  </resources>
	  <constraints>$(cluster_homes)</constraints>
	  <rsc_defaults><meta_attributes id="defaults">
	   <nvpair id="d1" name="resource-stickiness" value="10"/>
	   <nvpair id="d2" name="failure-timeout" value="20s"/>
	  </meta_attributes></rsc_defaults>
	 </configuration>
	 <status/>
	</cib>
	END
}

# The inside: $1 is the node, $2 its directory in the lab.
# shellcheck disable=SC2016
CLUSTER_INSIDE='
n=$1 d=$2 out=$3
hostname "lns-$n"
mount --make-rprivate /
mkdir -p /var/lib/pacemaker /var/lib/corosync /var/log/pacemaker /var/log/corosync /var/log/cluster /etc/corosync \
	/var/lib/l2tpha /etc/l2tpha "$d/run/l2tpha" "$d/run/lab" "$d/run/netns"
mount --bind "/run/l2tpha-$n" "$d/run/l2tpha"
mount --rbind /run/lab "$d/run/lab"
mount --rbind "$d/run" /run
mkdir -p /run/crm /run/resource-agents /run/lock
for t in /var/lib/pacemaker /var/lib/corosync /var/log/pacemaker /var/log/corosync /dev/shm /etc/corosync /etc/l2tpha; do
	mount -t tmpfs none "$t"
done
mount --bind "/run/lab/state-$n" /var/lib/l2tpha
chmod 1777 /dev/shm
for t in cib pengine cores blackbox; do
	install -d -o hacluster -g haclient -m 750 "/var/lib/pacemaker/$t"
done
chown hacluster:haclient /var/lib/pacemaker /var/log/pacemaker /run/crm
cp "$d/corosync.conf" /etc/corosync/
install -m 600 "$d/conf" /etc/l2tpha/l2tpha.conf
install -o hacluster -g haclient -m 600 "$d/cib.xml" /var/lib/pacemaker/cib/cib.xml
corosync -f >>"$out/corosync-$n.log" 2>&1 &
sleep 1
export PCMK_logfile=/run/pacemaker.log PCMK_logpriority=none L2TPHA_LOG="$out/l2tphad-$n.log"
exec pacemakerd -f'

cluster_start() {
	local n=$1 d=$LAB_RUN/$1
	mkdir -p "$d/run" "$LAB_RUN/state-$n"
	(umask 077; lab_config "$n" >"$d/conf")
	cluster_corosync >"$d/corosync.conf"
	cluster_cib >"$d/cib.xml"
	become_on_node "$n" unshare -m -u -i bash -c "$CLUSTER_INSIDE" cluster "$n" "$d" "$LAB_OUT" \
		</dev/null >>"$LAB_RUN/pacemakerd-$n.log" 2>&1 &
	echo $! >"$d/cluster.pid"
	disown $!
}

cluster() {
	local n=$1 pid
	shift
	pid=$(cat "$LAB_RUN/$n/cluster.pid") || return 1
	nsenter -t "$pid" -n -m -u -i "$@"
}

cluster_score() {
	cluster "$1" crm_attribute -q -N "lns-$1" -n "master-l2tpha${2:-}" -l reboot -G -d none 2>/dev/null
}
cluster_scores() { [ "$(cluster_score "$1" "${3:-}")" = "$2" ]; }

cluster_online() { [ "$(cluster "$1" crm_mon -1 2>/dev/null | grep -c 'Online: \[ lns-a lns-b \]')" = 1 ]; }

# An emulated machine is slow with all this: who waits looks once a second.
wait_slowly() {
	local end=$(($(now_ms) + $1 * 1000))
	shift
	while ! "$@"; do
		[ "$(now_ms)" -lt $end ] || return 1
		sleep 1
	done
}

cluster_dump() {
	note "---- lns-$1: crm_mon"
	cluster "$1" timeout 10 crm_mon -1 -r -A -f 2>&1 | head -n 40
	note "---- lns-$1: corosync, pacemakerd"
	tail -n 5 "$LAB_OUT/corosync-$1.log" "$LAB_RUN/pacemakerd-$1.log"
	grep -E ' (error|crit|warning):|l2tpha' "$LAB_RUN/$1/run/pacemaker.log" 2>/dev/null | tail -n 12 | cut -c 1-200
}
