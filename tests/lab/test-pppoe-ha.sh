#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A pair as LAC for PPPoE subscribers, on an interface of one address (a macvlan on
# each node); Debian's pppd is the subscriber (host lac), our LNS is on the host core.
# A planned switchover and a power loss: the PPPoE session goes on with its number, so
# does the call, nothing is negotiated again. Then the subscriber hangs up.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
far=192.0.2.50

eval "base_$(declare -f lns_new)"
lns_new() {
	base_lns_new "$1" &&
		ip -n "lns-$1" link add pppoe0 link access address 02:00:5e:00:01:01 type macvlan mode bridge &&
		in_ns "lns-$1" sysctl -qw net.ipv6.conf.pppoe0.disable_ipv6=1 &&
		ip -n "lns-$1" link set pppoe0 up
}
eval "lns_$(declare -f lab_config)"
lab_config() {
	lns_lab_config "$1"
	cat <<-END
	vpdn-group onward
	 request-dialin
	  protocol l2tp
	  domain isp.example
	 initiate-to ip $far
	 local name secretlac
	 l2tp tunnel password 0 tunnelsecret
	bba-group pppoe ACCESS
	 interface pppoe0
	 virtual-template 1
	END
}
far_ctl() { "$LAB_BUILD/l2tpctl" -s /run/l2tpha-far/l2tphad.sock "$@"; }
far_answers() { far_ctl show version >/dev/null 2>&1; }
far_start() {
	mkdir -p "$LAB_RUN/far" "$LAB_RUN/state-far" /run/l2tpha-far
	chmod 700 /run/l2tpha-far "$LAB_RUN/state-far"
	plug core far br-access "$far/24" || return 1
	(umask 077; LAB_HA=0 lns_lab_config far; echo "username sub1@isp.example password 0 pw1") >"$LAB_RUN/far/conf"
	ip netns exec core "$LAB_BUILD/l2tphad" -f "$LAB_RUN/far/conf" -r /run/l2tpha-far -S "$LAB_RUN/state-far" \
		-L "$LAB_OUT/pppd-far.log" -n </dev/null >"$LAB_OUT/l2tphad-far.log" 2>&1 &
	disown $!
	wait_until 15 far_answers
}
client=$LAB_RUN/client
address() { ip -n lac -4 -o addr show dev sub1 up 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }'; }
is_up() { [ -n "$(address)" ]; }
client_gone() { ! kill -0 "$(cat "$client.pid")" 2>/dev/null; }
sid() { ctl "$1" show pppoe session json | jq -r '.sessions[0].session_id // 0'; }
stop() {
	note "---- client"; tail -n 20 "$client.log"
	pair_dump
	ctl a show pppoe session; ctl b show pppoe session
	note "---- LNS"; tail -n 10 "$LAB_OUT/l2tphad-far.log"
	fail "$1"
}
# Pings from the LNS to the subscriber, each 50 ms; the longest gap of the last ones.
pings_start() {
	ip netns exec core ping -D -i 0.05 -W 1 "$1" >"$client.ping" 2>&1 &
	echo $! >"$client.ping.pid"
	disown $!
}
gap_ms() {
	awk -F'[][]' '/bytes from/ { if (last && $2 - last > gap) gap = $2 - last; last = $2 } END { printf "%d\n", gap * 1000 }' "$client.ping"
}
flows() {
	local n
	n=$(grep -c 'bytes from' "$client.ping")
	sleep 0.5
	[ "$(grep -c 'bytes from' "$client.ping")" -gt $((n + 4)) ]
}
went_on() {
	wait_until 10 flows || stop "$1: nothing comes back"
	[ "$(address)" = "$was" ] && ! client_gone || stop "$1: the subscriber has another link"
	[ "$(sid "$2")" = "$session" ] || stop "$1: PPPoE session $(sid "$2"), not $session"
	note "$(printf '%-20s longest gap so far %5d ms' "$1" "$(gap_ms)")"
}

pair_up || stop "no pair"
far_start || stop "no LNS"
: >"$client.log"
ip netns exec lac pppd plugin rp-pppoe.so nic-access user sub1@isp.example password pw1 noauth nodefaultroute \
	noccp novj noipv6 ipcp-accept-local ipcp-accept-remote ifname sub1 nodetach debug logfile "$client.log" \
	lcp-echo-interval 2 lcp-echo-failure 8 </dev/null >/dev/null 2>&1 &
echo $! >"$client.pid"
disown $!
wait_until 20 is_up || stop "not connected"
was=$(address)
wait_until 10 pair_protects 1 || stop "not protected"
session=$(sid a)
[ "$session" != 0 ] && [ "$(sid b)" = "$session" ] || stop "PPPoE session $session, $(sid b) on the standby"
ctl a show pppoe session
lcp=$(grep -c 'LCP Conf' "$client.log")
pings_start "$was"
wait_until 10 flows || stop "nothing comes back"

ctl a redundancy switchover >/dev/null || stop "the switchover was refused"
wait_until 15 node_is b active || stop "lns-b does not take over"
went_on "planned switchover" b
pair_ready b || stop "lns-a is no standby"
wait_until 15 pair_protects 1 || stop "not protected after the switchover"

power_loss b
wait_until 15 node_is a active || stop "lns-a does not take over"
went_on "power loss" a
[ "$(grep -c 'LCP Conf' "$client.log")" = "$lcp" ] || stop "LCP was negotiated again"

kill -TERM "$(cat "$client.ping.pid")" "$(cat "$client.pid")"
wait_until 15 client_gone || stop "the subscriber is still there"
ended() { ctl a show pppoe session | grep -q '%No PPPoE sessions' && [ "$(lns_sessions a)" = 0 ]; }
wait_until 15 ended || stop "a session is left"
net_down
