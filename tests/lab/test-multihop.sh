#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The pair as a tunnel switch: unmodified xl2tpd as LAC in front, our own LNS behind
# (on the host core), both tunnels with a secret. N (4) subscribers with traffic both
# ways. Every second one goes on by the domain of his name, which xl2tpd does not tell:
# LCP and the name are exchanged once, with the switch, and passed on. After that
# nothing of PPP runs on the switch. A planned switchover and a power loss:
# both legs and the joint stay, nothing is negotiated
# again. Then a subscriber hangs up, and both legs are gone on both nodes.
# LAB_MODE=warm: the other kind of standby. MULTIHOP: what the way on is like, of ipv6,
# hidden and sequencing, which ends before a switchover. LONG=1: after the plain story one
# with two of them, one with all three, and one warm.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
n=${N:-4}
far=192.0.2.50
pcap=$LAB_OUT/multihop.pcap
with() { [[ " ${MULTIHOP:-} " = *" $1 "* ]]; }
vip6=2001:db8:1::1
! with ipv6 || far=2001:db8:1::50

eval "lns_$(declare -f lab_config)"	# the LNS is like that, without redundancy
lab_config() {
	lns_lab_config "$1"
	cat <<-END
	vpdn multihop
	vpdn-group onward
	 request-dialin
	  protocol l2tp
	  multihop-hostname secretlac
	  domain isp.example
	 initiate-to ip $far
	 local name secretlac
	 l2tp tunnel password 0 tunnelsecret
	 l2tp tunnel hello $LAB_HELLO
	END
	! with hidden || echo " l2tp hidden"
	! with sequencing || echo " l2tp sequencing"
}
lab_group_config() { ! with ipv6 || echo "  virtual-address $vip6/64 interface access"; }

eval "plain_$(declare -f lac_configure)"
lac_configure() {
	plain_lac_configure "$1"
	[ $(($1 % 2)) = 1 ] || sed -i "s/^name sub$1\$/name sub$1@isp.example/" "$(lac_dir "$1")/options"
}
# LCP was agreed on once: the LNS behind asked with no other magic number.
one_lcp() {
	[ "$(sed -n 's/.*rcvd \[LCP ConfReq.*<magic \(0x[0-9a-f]*\)>.*/\1/p' "$(lac_dir "$1")/pppd.log" | sort -u | wc -l)" = 1 ]
}

far_ctl() { "$LAB_BUILD/l2tpctl" -s /run/l2tpha-far/l2tphad.sock "$@"; }
far_answers() { far_ctl show version >/dev/null 2>&1; }
far_start() {
	mkdir -p "$LAB_RUN/far" "$LAB_RUN/state-far" /run/l2tpha-far
	chmod 700 /run/l2tpha-far "$LAB_RUN/state-far"
	plug core far br-access 192.0.2.50/24 || return 1
	! with ipv6 || ip -n core address add "$far/64" dev far nodad
	(
		umask 077
		LAB_HA=0 lns_lab_config far
		for ((i = 2; i <= n; i += 2)); do
			echo "username sub$i@isp.example password 0 pw$i"
		done
	) >"$LAB_RUN/far/conf"
	in_ns core "$LAB_BUILD/l2tphad" -f "$LAB_RUN/far/conf" -r /run/l2tpha-far -S "$LAB_RUN/state-far" \
		-L "$LAB_OUT/pppd-far.log" -n </dev/null >"$LAB_OUT/l2tphad-far.log" 2>&1 &
	disown $!
	wait_until 15 far_answers
}

stop() {
	pair_dump
	note "---- far: log"
	tail -n 25 "$LAB_OUT/l2tphad-far.log"
	fail "$1"
}
switched() { ctl "$1" show vpdn multihop json | jq '[.switched[] | select(.state == "'"$2"'")] | length'; }
has_switched() { [ "$(switched "$1" "$2")" = "$3" ]; }
no_pppd_on() {
	local p
	for p in $(ip netns pids "lns-$1"); do
		[ "$(cat "/proc/$p/cmdline" 2>/dev/null | tr '\0' ' ' | grep -c 'lns[0-9]*-[0-9]')" = 0 ] || return 1
	done
}

# On a veth a packet comes with its checksum still to be made, and keeps the place of
# that when the kernel passes its frame on (6.1): wrong where the headers before and
# after are not of one length, as with data sequencing on one leg. A real card is not so.
checksums() {
	# shellcheck disable=SC2016	# perl's
	in_ns "$1" perl -e 'socket($s, 2, 2, 0); $v = pack("LL", 0x17, 0);	# ETHTOOL_STXCSUM
		ioctl($s, 0x8946, $r = pack("a16Px16", $ARGV[0], $v)) or die "$ARGV[0]: $!"' "$2"
}

# A box that was switched off has lost its own.
addresses6() {
	local i
	with ipv6 || return 0
	for i; do
		ip -n "lns-$i" address add "2001:db8:1::1$i/64" dev access nodad
	done
}

pair_up || stop "no pair"
addresses6 a b
far_start || stop "no LNS behind"
if with sequencing; then
	checksums core far && checksums lac access || stop "no checksums"
fi
capture_start "$pcap" "$(lab_control_filter)" || stop "no capture"
mark
lac_start "$n"
wait_until 60 lac_all_up "$n" || { lac_explain "$n"; stop "$(lac_count "$n") of $n up"; }
note "$n subscribers up in $(since_mark) ms"
lac_addresses >"$LAB_RUN/before"
wait_until 20 pair_protects $((2 * n)) || stop "not protected"
# shellcheck disable=SC2034	# pair.sh looks at it
settled=$(now_ms)
ctl a show vpdn multihop
has_switched a up "$n" || stop "lns-a lists $(switched a up) switched calls"
wait_until 5 no_pppd_on a || stop "a PPP process runs on the switch"
for ((i = 2; i <= n; i += 2)); do
	one_lcp $i || { lac_explain "$n"; stop "LCP of subscriber $i was negotiated more than once"; }
done
traffic_start 20 || stop "no traffic"
sleep 1
traffic_phase
[ "$(traffic_query '.up.not_flowing + .down.not_flowing')" = 0 ] || stop "data does not pass both ways"
if with sequencing; then
	# a peer is deaf after a switchover until our numbers have reached where they were
	traffic_stop
	capture_stop
	net_down
	exit 0
fi

mark
ctl a redundancy switchover >/dev/null || stop "the switchover was refused"
step "planned switchover" b
pair_ready b || stop "lns-a is no standby"
wait_until 10 pair_protects $((2 * n)) || stop "not protected after the switchover"

mark
power_loss b
step "power loss" a
power_on b && addresses6 b && node_start b || stop "lns-b does not come back"
pair_ready a || stop "lns-b is no standby"
wait_until 10 pair_protects $((2 * n)) || stop "not protected after the power loss"
nothing_was_lost "$pcap"

lac_hangup 1
gone_on() { [ "$(lns_sessions a)" = $((2 * n - 2)) ] && [ "$(lns_sessions b)" = $((2 * n - 2)) ]; }
wait_until 15 gone_on || stop "after a hang-up lns-a has $(lns_sessions a) sessions, lns-b $(lns_sessions b)"
[ "$(far_ctl show l2tp session json | jq '.sessions | length')" = $((n - 1)) ] || stop "the LNS still has the session"
net_down
[ -n "${LONG:-}" ] || exit 0
for variant in "ipv6 hidden sequencing:hot" "ipv6 hidden:hot" ":warm"; do
	note "again: ${variant%:*} ${variant#*:}"
	LONG='' MULTIHOP=${variant%:*} LAB_MODE=${variant#*:} bash "$0" || fail "${variant%:*} ${variant#*:}"
done
