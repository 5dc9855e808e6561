#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Subscribers from PPPoE: Debian's pppd with its PPPoE plugin (host lac), our LAC
# (lns-b), our LNS (lns-a). LCP and the name and password are exchanged once, with
# the LAC, which passes them on; then the kernel joins the two channels and no PPP
# process is left on the LAC. By PAP and by CHAP, data both ways, an end from either
# side, a wrong password, and a user nobody dials for, who is served by the LAC itself.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"

eval "lns_$(declare -f lab_config)"
lab_config() {
	if [ "$1" = a ]; then
		lns_lab_config a
		echo "username sub1@isp.example password 0 pw1"
		return
	fi
	cat <<-END
	hostname secretlac
	vpdn enable
	username local password 0 here
	ip local pool SUBS 10.65.0.2 10.65.0.9
	interface virtual-template 1
	 ip address 10.65.0.1
	 peer default ip address pool SUBS
	 ppp authentication chap pap
	vpdn-group UP
	 request-dialin
	  protocol l2tp
	  domain isp.example
	 initiate-to ip $LAB_VIP
	 source-ip 192.0.2.12
	 l2tp tunnel password 0 tunnelsecret
	bba-group pppoe ACCESS
	 interface access
	 virtual-template 1
	END
}

client=$LAB_RUN/client
# dial NAME PASSWORD [OPTIONS]: one client on sub1
dial() {
	local name=$1 password=$2
	shift 2
	: >"$client.log"
	# shellcheck disable=SC2086
	# no function in between: its shell would be what is stopped later
	ip netns exec lac pppd plugin rp-pppoe.so nic-access user "$name" password "$password" noauth nodefaultroute \
		noccp novj ipcp-accept-local ipcp-accept-remote ifname sub1 nodetach debug logfile "$client.log" \
		lcp-echo-interval 5 lcp-echo-failure 3 "$@" </dev/null >/dev/null 2>&1 &
	echo $! >"$client.pid"
	disown $!
}
address() { ip -n lac -4 -o addr show dev sub1 up 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }'; }
is_up() { [ -n "$(address)" ]; }
client_gone() { ! kill -0 "$(cat "$client.pid")" 2>/dev/null; }
explain() {
	note "---- client"; tail -n 40 "$client.log"
	note "---- LAC"; tail -n 30 "$(node_log b)"; tail -n 30 "$LAB_OUT/pppd-b.log"
	note "---- LNS"; tail -n 20 "$(node_log a)"; tail -n 30 "$LAB_OUT/pppd-a.log"
}
sessions() { ctl "$1" show l2tp session json | jq '[.sessions[] | select(.up)] | length'; }
has_sessions() { [ "$(sessions "$1")" = "$2" ]; }
units_on() { ip -n "lns-$1" -br link show type ppp 2>/dev/null | wc -l; }
no_unit() { [ "$(units_on "$1")" = 0 ]; }

both_ways() {
	local a
	a=$(address)
	ip -n lac route replace $LAB_CORE_HOST dev sub1
	in_ns lac ping -q -c 5 -i 0.2 -W 2 -I sub1 $LAB_CORE_HOST >/dev/null || { explain; fail "$1: nothing comes back"; }
	in_ns core ping -q -c 5 -i 0.2 -W 2 "$a" >/dev/null || { explain; fail "$1: the core does not reach the subscriber"; }
}

net_up || fail "no network"
node_start a || fail "the LNS does not start"
wait_until 30 node_is a active || fail "the LNS is not active"
node_start b || fail "the LAC does not start"

for auth in pap chap; do
	other=chap
	[ $auth = pap ] || other=pap
	t0=$(now_ms)
	dial sub1@isp.example pw1 "refuse-$other" refuse-eap refuse-mschap refuse-mschap-v2
	wait_until 20 is_up || { explain; fail "$auth: not connected"; }
	note "$auth: $(address) after $(($(now_ms) - t0)) ms"
	both_ways $auth
	wait_until 5 no_unit b || { ip -n lns-b -br link; explain; fail "$auth: PPP is still on the LAC"; }
	has_sessions a 1 && has_sessions b 1 || fail "$auth: $(sessions a) and $(sessions b) sessions"
	[ "$(ctl a show l2tp session json | jq -r '.sessions[0].username')" = sub1@isp.example ] || fail "$auth: another user"

	if [ $auth = pap ]; then
		ctl b show pppoe session
		kill -TERM "$(cat "$client.pid")"
	else	# the LNS throws it out
		# shellcheck disable=SC2046
		ctl a clear l2tp session $(ctl a show l2tp session json | jq -r '.sessions[0] | "\(.tunnel_id) \(.local_id)"') >/dev/null
	fi
	wait_until 15 client_gone || { explain; fail "$auth: the client is still there"; }
	wait_until 10 has_sessions a 0 && wait_until 10 has_sessions b 0 || { explain; fail "$auth: a session is left"; }
	ctl b show pppoe session | grep -q "%No PPPoE sessions" || fail "$auth: $(ctl b show pppoe session)"
done

dial sub1@isp.example wrong refuse-eap
wait_until 30 client_gone || { explain; fail "a wrong password does not end it"; }
wait_until 10 has_sessions b 0 || fail "a session is left of a wrong password"

dial local here refuse-eap
wait_until 20 is_up || { explain; fail "the LAC does not serve its own user"; }
note "here: $(address)"
in_ns lac ping -q -c 3 -i 0.2 -W 2 -I sub1 10.65.0.1 >/dev/null || fail "the LAC does not answer its own user"
[ "$(units_on b)" = 1 ] || fail "$(units_on b) PPP interfaces on the LAC"
kill -TERM "$(cat "$client.pid")"
wait_until 15 client_gone || fail "the client is still there"
wait_until 10 no_unit b || fail "PPP is still on the LAC"
net_down
