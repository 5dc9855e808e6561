#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A pair that dials: its call to xl2tpd as LNS (in the host lac) survives the loss of
# the active (LONG=1: and a switchover back). PPP is not negotiated again, the address
# stays, the LNS's packets are answered, and its CHAP challenges, which come again.

. "$(dirname "$0")/net.sh"

LNS=192.0.2.101
lab_config() {
	local local_ha=203.0.113.1 peer_ha=203.0.113.2
	[ "$1" = a ] || { local_ha=203.0.113.2; peer_ha=203.0.113.1; }
	cat <<-END
	hostname lac-$1
	vpdn enable
	vpdn-group UP
	 request-dialin
	  protocol l2tp
	 initiate-to ip $LNS
	 local name pair
	 l2tp tunnel password 0 tunnelsecret
	interface dialer 1
	 dialer vpdn-group UP
	 dialer redial interval 1
	 interface-name uplink
	 ppp chap hostname sub1
	 ppp chap password 0 pw1
	redundancy
	 group 1
	  virtual-address $LAB_VIP/24 interface access
	  local address $local_ha
	  peer address $peer_ha
	  pre-shared-key 0 00112233445566778899aabbccddeeff
	  commit timeout 250
	END
}

lns_start() {
	local d=$LAB_RUN/lns
	mkdir -p "$d"
	printf '%s\n' "[global]" "listen-addr = $LNS" "auth file = $d/secrets" "[lns default]" \
		"ip range = 10.64.0.2-10.64.0.254" "local ip = 10.64.0.1" "hostname = lns" "length bit = yes" \
		"pppoptfile = $d/options" >"$d/conf"
	echo "* * tunnelsecret" >"$d/secrets"
	printf '%s\n' noccp novj require-chap "mtu 1460" "mru 1460" "lcp-echo-interval 5" "lcp-echo-failure 4" "chap-interval 7" >"$d/options"
	echo "sub1 * pw1 *" >"$d/ppp-secrets"
	# shellcheck disable=SC2016
	in_ns lac unshare -m bash -c 'mount --bind "$1/ppp-secrets" /etc/ppp/chap-secrets &&
		exec xl2tpd -D -c "$1/conf" -s "$1/secrets" -p "$1/pid" -C "$1/control"' \
		bash "$d" </dev/null >"$LAB_OUT/xl2tpd-lns.log" 2>&1 &
	disown $!
	wait_until 5 test -s "$d/pid"
}

dialer() { ctl "$1" show dialer json | jq -r ".dialers[0].$2"; }
is_connected() { [ "$(dialer "$1" state)" = up ]; }
in_place() { [ "$(ctl "$1" show vpdn session json | jq -r '.sessions[0].in_place')" = true ]; }
answers() { in_ns lac ping -q -c 1 -W 1 "$1" >/dev/null; }
lost() { sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$1" | awk '{ print $1 - $2 }'; }

net_up || fail "no network"
lns_start || fail "no LNS"
capture_start "$LAB_OUT/client-ha.pcap" "$(lab_control_filter)" || fail "no capture"
node_start a || fail "a does not start"
node_start b || fail "b does not start"
wait_until 30 node_is a active || fail "a is not active"
wait_until 30 is_connected a || { tail -n 30 "$LAB_OUT/pppd-a.log"; fail "not connected: $(dialer a why)"; }
wait_until 20 in_place b || fail "the standby has no copy in place"
placed=$(now_ms)
address=$(dialer a address)
wait_until 5 answers "$address" || fail "the caller does not answer"
note "connected as $address"

in_ns lac ping -q -i 0.1 -c 150 -W 1 "$address" >"$LAB_OUT/ping.log" 2>&1 &
ping=$!
sleep 2
power_loss a
t0=$LAB_CUT_MS
wait_until 10 node_is b active || fail "b does not take over"
wait_until 10 answers "$address" || { tail -n 40 "$LAB_OUT/pppd-b.log"; fail "nobody answers after the loss"; }
note "answered $(($(now_ms) - t0)) ms after the loss"
wait $ping
note "packets lost: $(lost "$LAB_OUT/ping.log")"
# pppd gives the peer a minute to ask who it is: the copy that was put in place is older then
sleep $(((placed + 64000 - $(now_ms)) / 1000))
[ "$(dialer b state)" = up ] && [ "$(dialer b address)" = "$address" ] || fail "the call is not the same: $(dialer b why)"
answers "$address" || fail "nobody answers after a minute"

if [ -n "${LONG:-}" ]; then
	power_on a || fail "a does not come back"
	node_start a || fail "a does not start again"
	wait_until 20 in_place a || fail "a has no copy in place"
	ctl b redundancy switchover >/dev/null || fail "no switchover"
	wait_until 10 node_is a active || fail "a does not take over"
	wait_until 10 answers "$address" || fail "nobody answers after the switchover"
	[ "$(dialer a state)" = up ] || fail "the call is not up after the switchover"
fi
capture_stop
counts=$("$LAB_HERE/tshark-check.sh" -t "$t0" "$LAB_OUT/client-ha.pcap") || note "tshark warns (xl2tpd speaks here, too)"
note "$counts"
challenges=$(tshark -n -r "$LAB_OUT/client-ha.pcap" -Y "chap.code == 3 and frame.time_epoch > $((t0 / 1000))" 2>/dev/null | wc -l)
[ "$challenges" -ge 2 ] || fail "$challenges CHAP challenges were answered after the loss"
[ "$(awk '$1 ~ /^(lcp_confreq_after|ipcp_confreq_after|cdn_after|stopccn_after|lcp_term_after)$/ { s += $2 } END { print s + 0 }' \
	<<<"$counts")" = 0 ] || fail "something was negotiated again, or said goodbye"
net_down
