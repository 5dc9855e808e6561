#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# L2TP Extended Failover on the wire: three LNS with room for 100 calls between them
# say each in its own words that they are full. The LAC, which does not know how much
# they take, places 100 calls of 110; none gets more than it takes, and the capture is
# asked whether anybody was asked again within the time it is to be left alone.
# Four daemons (build/l2tphad-null: no kernel L2TP and no pppd) in a network of their own.

. "$(dirname "$0")/net.sh"

LAC=127.1.0.1
limits=(20 30 50)
codes=(resources try-another temporary)
calls=100 dialers=110
d=$LAB_RUN/dial

daemon() {	# NAME, its configuration on stdin
	mkdir -p "$d/$1"
	chmod 700 "$d/$1"
	(umask 077; cat >"$d/$1/conf")
	in_ns dial "$LAB_BUILD/l2tphad-null" -f "$d/$1/conf" -r "$d/$1" -S "$d/$1" </dev/null >"$LAB_OUT/dial-$1.log" 2>&1 &
	disown $!
}
ctl_of() {
	local n=$1
	shift
	"$LAB_BUILD/l2tpctl" -s "$d/$n/l2tphad.sock" "$@"
}
sessions() { ctl_of "$1" show vpdn session json 2>/dev/null | jq '[.sessions[] | select(.up)] | length' 2>/dev/null; }
all_placed() { [ "$(sessions lac)" = $calls ]; }
running() { ctl_of "$1" show version >/dev/null 2>&1; }
# Calls and tunnels asked of LNS $1 between the epoch seconds $2 and $3; what was said before counts as a repetition.
asked() {
	tshark -n -r "$d/cap" -T fields -e frame.time_epoch -e l2tp.tunnel -e l2tp.Ns -e l2tp.avp.assigned_tunnel_id \
		-Y "ip.dst == 127.2.0.$1 and (l2tp.avp.message_type == 1 or l2tp.avp.message_type == 10)" 2>/dev/null |
		awk -F'\t' -v from="$2" -v to="$3" '!seen[$2, $3, $4]++ && $1 > from && $1 < to { n++ } END { print n + 0 }'
}

ip netns add dial && ip -n dial link set lo up || fail "no network"
in_ns dial tcpdump -i lo -n -U -s 0 -B 16384 -Z root -w "$d.cap" udp port 1701 >/dev/null 2>"$d.err" &
dump=$!
mkdir -p "$d"
wait_until 10 grep -q 'listening on' "$d.err" || fail "no capture"
for i in 0 1 2; do
	daemon "lns$i" <<-END
	hostname lns$i
	vpdn enable
	interface virtual-template 1
	 ip address 10.64.0.1
	vpdn-group 1
	 accept-dialin
	  protocol l2tp
	  virtual-template 1
	 no l2tp tunnel authentication
	 session-limit ${limits[i]}
	 limit-code ${codes[i]}
	redundancy
	 group 1
	  virtual-address 127.2.0.$((i + 1))/8 interface lo
	END
	wait_until 10 running "lns$i" || { cat "$LAB_OUT/dial-lns$i.log"; fail "LNS $i does not start"; }
done
{
	cat <<-END
	hostname lac
	vpdn enable
	vpdn-group UP
	 request-dialin
	  protocol l2tp
	 no l2tp tunnel authentication
	 initiate-to ip 127.2.0.1
	 initiate-to ip 127.2.0.2
	 initiate-to ip 127.2.0.3
	redundancy
	 group 1
	  virtual-address $LAC/8 interface lo
	END
	for ((i = 1; i <= dialers; i++)); do
		printf '%s\n' "interface dialer $i" " dialer vpdn-group UP" " dialer redial interval 2"
	done
} | daemon lac
wait_until 10 running lac || { cat "$LAB_OUT/dial-lac.log"; fail "the LAC does not start"; }
wait_until 20 all_placed || { tail -n 20 "$LAB_OUT/dial-lac.log"; fail "$(sessions lac) calls are placed"; }
note "$calls calls: $(sessions lns0) $(sessions lns1) $(sessions lns2)"
for i in 0 1 2; do
	[ "$(sessions "lns$i")" = "${limits[i]}" ] || fail "LNS $i has $(sessions "lns$i") calls of ${limits[i]}"
done
sleep 12	# ten dialers try again every two seconds
ctl_of lac show vpdn dead-cache
[ "$(ctl_of lac show vpdn dead-cache json | jq '.peers | length')" = 3 ] || fail "not all three are busy"
cleared=$EPOCHREALTIME
ctl_of lac clear vpdn dead-cache all >/dev/null || fail "the cache is not cleared"
sleep 3
kill -TERM $dump
wait_until 5 gone $dump
mv "$d.cap" "$d/cap"
cp "$d/cap" "$LAB_OUT/dead-cache.pcap"
for i in 1 2 3; do
	# the first word that it is full; what was under way then is not meant
	full=$(tshark -n -r "$d/cap" -T fields -e frame.time_epoch \
		-Y "ip.src == 127.2.0.$i and (l2tp.avp.message_type == 14 or l2tp.avp.message_type == 4)" 2>/dev/null | head -n 1)
	[ -n "$full" ] || fail "LNS $i never said that it is full"
	n=$(asked $i "$(awk -v t="$full" 'BEGIN { printf "%.6f", t + 0.5 }')" "$cleared")
	[ "$n" = 0 ] || fail "LNS $i was asked $n times while it was to be left alone"
	n=$(asked $i "$cleared" 9999999999)
	[ "$n" -gt 0 ] || fail "LNS $i is not asked again after the cache was cleared"
	note "LNS $i: refused, left alone for $(awk -v a="$full" -v b="$cleared" 'BEGIN { printf "%d", b - a }') s, asked again $n times"
done
ip netns pids dial | xargs -r kill -KILL
ip netns del dial
rm -rf "$d" "$d.err"
