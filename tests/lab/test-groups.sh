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
subs=4
pcap=$LAB_OUT/groups.pcap

lab_config() {
	local me=1 other=2 first=200 second=100 i g
	[ "$1" = a ] || { me=2 other=1 first=100 second=200; }
	printf 'hostname lns-%s\nvpdn enable\n' "$1"
	for ((i = 0; i <= subs; i++)); do
		echo "username sub$i password 0 pw$i"
	done
	for g in 1 2; do
		cat <<-END
		ip local pool SUBS$g 10.6$((g + 3)).0.2 10.6$((g + 3)).0.254
		interface virtual-template $g
		 ip address 10.6$((g + 3)).0.1
		 peer default ip address pool SUBS$g
		 ppp authentication chap pap
		 mtu 1460
		vpdn-group secret$g
		 accept-dialin
		  protocol l2tp
		  virtual-template $g
		 terminate-from hostname secretlac
		 source-ip 192.0.2.$g
		 local name lns
		 l2tp tunnel password 0 tunnelsecret
		vpdn-group plain$g
		 accept-dialin
		  protocol l2tp
		  virtual-template $g
		 source-ip 192.0.2.$g
		 local name lns
		 no l2tp tunnel authentication
		END
	done
	printf 'redundancy\n mode sso\n'
	for g in 1 2; do
		cat <<-END
		 group $g
		  virtual-address 192.0.2.$g/24 interface access
		  virtual-address 198.51.100.$((2 * g - 1))/24 interface core
		  local address 203.0.113.$me port 170$((g + 1))
		  peer address 203.0.113.$other port 170$((g + 1))
		  pre-shared-key 0 00112233445566778899aabbccddee0$g
		  priority $([ $g = 1 ] && echo $first || echo $second)
		  commit timeout 250
		  timers startup 20000
		END
	done
}

group_value() { ctl "$1" show redundancy group "$2" json 2>/dev/null | jq -r ".groups[0] | $3" 2>/dev/null; }
group_is() { [ "$(group_value "$1" "$2" .role)" = "$3" ]; }
group_in_sync() { [ "$(group_value "$1" "$2" .in_sync)" = true ]; }
group_has() { [ "$(group_value "$1" "$2" '"\(.plug_pulled.survive)/\(.plug_pulled.in_place)"')" = "$3/$3" ]; }
holder() {
	local i
	for i in a b; do
		ip -n lns-$i -4 -o addr show dev access 2>/dev/null | grep -qF " 192.0.2.$1/" && printf %s $i
	done
}

stop() {
	pair_dump
	for i in a b; do
		ctl $i show redundancy
	done
	fail "$1"
}

# ready G NODE: NODE is active for group G, the other one in sync.
ready() {
	wait_until 20 group_is "$2" "$1" active || stop "lns-$2 is not active for group $1 but $(group_value "$2" "$1" .role)"
	wait_until 20 group_in_sync "$2" "$1" && wait_until 20 group_in_sync "$(other "$2")" "$1" ||
		stop "group $1 is not in sync: $(group_value "$2" "$1" .sync_reason)"
	[ "$(holder "$1")" = "$2" ] || stop "the address of group $1 is on '$(holder "$1")'"
}

step() {
	sleep 0.5
	wait_until 10 flowing || stop "$1: $(traffic_stalled) streams stand still"
	addresses_same "$LAB_RUN/before" || stop "$1: $(lac_count $subs) of $subs, or other addresses"
	traffic_phase
	[ "$(traffic_query '.up.not_flowing + .down.not_flowing')" = 0 ] || stop "$1: streams do not flow"
	note "$(printf '%-40s group 1 on %s, 2 on %s; longest gap %5d ms up %5d ms down, %d lost' "$1" "$(holder 1)" "$(holder 2)" \
		"$(traffic_query '.up.longest_gap_ms | floor')" "$(traffic_query '.down.longest_gap_ms | floor')" \
		"$(traffic_query '.up.lost + .down.lost')")"
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

power_loss a
wait_until 15 group_is b 1 active || stop "lns-b does not take group 1"
group_is b 2 active || stop "lns-b lost group 2"
step "power loss of lns-a"
[ "$(group_value b 2 .epoch)" = 1 ] || stop "the epoch of group 2 changed: it was disturbed"

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
