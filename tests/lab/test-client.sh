#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# This box dials: interface dialer 1 of our daemon (lns-b), first to xl2tpd as LNS
# (by PAP), then to our own LNS (by CHAP), both on lns-a; that one by IPv6, too, with
# hidden AVPs and numbered data, and by a second tunnel between the very same addresses
# and ports. The tunnels have a secret, data passes both ways, and when the LNS throws
# the caller out it dials again.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"

VIP6=2001:db8:1::1
auth=pap
lab_group_config() { echo "  virtual-address $VIP6/64 interface access"; }
eval "lns_$(declare -f lab_config)"	# the LNS keeps the usual one
lab_config() {
	[ "$1" = b ] || { lns_lab_config "$1"; return; }
	cat <<-END
	hostname secretlac
	vpdn enable
	vpdn-group UP
	 request-dialin
	  protocol l2tp
	 initiate-to ip $LAB_VIP
	 source-ip 192.0.2.12
	 l2tp tunnel password 0 tunnelsecret
	interface dialer 1
	 dialer vpdn-group UP
	 dialer redial interval 1
	 interface-name uplink
	END
	[ $auth = pap ] || cat <<-END
	 ppp chap hostname sub1
	 ppp chap password 0 pw1
	vpdn-group TWIN
	 request-dialin
	  protocol l2tp
	 initiate-to ip $LAB_VIP
	 source-ip 192.0.2.12
	 l2tp tunnel password 0 tunnelsecret
	interface dialer 3
	 dialer vpdn-group TWIN
	 dialer redial interval 1
	 interface-name twin
	 ppp chap hostname sub3
	 ppp chap password 0 pw3
	vpdn-group UP6
	 request-dialin
	  protocol l2tp
	 initiate-to ip $VIP6
	 source-ip 2001:db8:1::12
	 l2tp tunnel password 0 tunnelsecret
	 l2tp hidden
	 l2tp sequencing
	interface dialer 2
	 dialer vpdn-group UP6
	 interface-name uplink6
	 ppp chap hostname sub2
	 ppp chap password 0 pw2
	END
	[ $auth = chap ] || echo " ppp pap sent-username sub1 password 0 pw1"
}

address() { ip -n lns-b -4 -o addr show dev "${1:-uplink}" up 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }'; }
# shellcheck disable=SC2120	# the interface comes by wait_until
is_up() { [ -n "$(address "$@")" ] && ip -n lns-b link show "${1:-uplink}" | grep -q LOWER_UP; }
is_down() { ! is_up "$@"; }
# the interface of the call before may still be there while the next one is set up
is_up_at_ours() { is_up "$@" && ctl b show dialer json | jq -e --arg i "${1:-uplink}" 'any(.dialers[]; .interface == $i and .state == "up")' >/dev/null; }
first_and_last() { head -n 40 "$(node_log b)"; tail -n 40 "$LAB_OUT/pppd-b.log"; }

both_ways() {	# TEXT [INTERFACE]
	local a i=${2:-uplink}
	a=$(address "$i")
	ip -n lns-b route replace default dev "$i" table 100
	ip -n lns-b rule del table 100 2>/dev/null
	ip -n lns-b rule add from "$a" table 100
	in_ns lns-b ping -q -c 5 -i 0.2 -W 2 -I "$i" $LAB_CORE_HOST >/dev/null || fail "$1: nothing comes back"
	in_ns core ping -q -c 5 -i 0.2 -W 2 "$a" >/dev/null || fail "$1: the core does not reach the caller"
}

net_up || fail "no network"
lns_xl2tpd_start a || fail "no xl2tpd as LNS"
# udp[] of a filter is IPv4 only
capture_start "$LAB_OUT/client.pcap" "$(lab_control_filter) or (ip6 and udp port 1701 and ip6[48] & 0x80 != 0)" || fail "no capture"
node_start b || fail "our LAC does not start"
wait_until 30 is_up || { first_and_last; fail "not connected to xl2tpd"; }
both_ways xl2tpd
note "to xl2tpd: $(address)"
ctl b show vpdn session

# xl2tpd throws it out, and takes it again
for p in $(ip netns pids lns-a); do
	[ "$(cat "/proc/$p/comm" 2>/dev/null)" != pppd ] || kill -KILL "$p"
done
wait_until 10 is_down || fail "it is up without an LNS"
wait_until 30 is_up || { first_and_last; fail "it does not dial again"; }
both_ways "again"
node_stop b || fail "our LAC does not end"
power_loss a
power_on a

auth=chap
for i in a:11 b:12; do
	ip -n "lns-${i%:*}" address add "2001:db8:1::${i#*:}/64" dev access nodad
done
rm -f "$LAB_RUN/b/conf"
node_start a || fail "our LNS does not start"
wait_until 30 node_is a active || fail "our LNS is not active"
node_start b || fail "our LAC does not start again"
wait_until 30 is_up_at_ours || { first_and_last; fail "not connected to our LNS"; }
both_ways "our LNS"
wait_until 30 is_up_at_ours uplink6 || { first_and_last; fail "not connected to our LNS over IPv6"; }
both_ways "our LNS over IPv6" uplink6
wait_until 30 is_up_at_ours twin || { first_and_last; fail "the second tunnel between the same addresses does not come up"; }
twins() { ctl "$1" show vpdn tunnel all json | jq '[.tunnels[] | select(.up and .local_port == 1701 and .remote_port == 1701) |
	.local_address + " " + .remote_address] | group_by(.) | map(length) | max'; }
ctl a show vpdn tunnel
[ "$(twins a) $(twins b)" = "2 2" ] || fail "tunnels between the same addresses: $(twins a) at the LNS, $(twins b) here"
both_ways "the second tunnel" twin
both_ways "the first one beside it"
printf '%s\n' "configure terminal" "interface dialer 3" shutdown end | ctl b >/dev/null || fail "dialer 3 is not shut down"
wait_until 10 is_down twin || fail "dialer 3 is up though it is shut down"
both_ways "the first one, the second one gone"
printf '%s\n' "configure terminal" "interface dialer 3" "no shutdown" end | ctl b >/dev/null || fail "dialer 3 is not taken up again"
wait_until 30 is_up_at_ours twin || { first_and_last; fail "the second tunnel does not come back"; }
both_ways "the second tunnel again" twin
both_ways "the first one all the same"
note "to our LNS: $(address), over IPv6 $(address uplink6)"
[ "$(ctl a show vpdn session json | jq '[.sessions[] | select(.sequencing)] | length')" = 1 ] || fail "no session is sequenced"
hidden=$(tshark -n -r "$LAB_OUT/client.pcap" -Y 'ipv6 and l2tp.avp.hidden == 1' 2>/dev/null | wc -l)
[ "$hidden" -gt 0 ] || fail "no hidden AVP was sent"
ctl a show vpdn session
ctl b show vpdn tunnel all
capture_stop
counts=$("$LAB_HERE/tshark-check.sh" "$LAB_OUT/client.pcap") || note "tshark warns (xl2tpd speaks here, too)"
note "$counts"
net_down
