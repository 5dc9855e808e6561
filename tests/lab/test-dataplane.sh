#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel data plane: a standby is mute, a lease ends by itself, nothing is
# lost or left over. Runs inside tests/lab/vm.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
driver=${LAB_BUILD:-$top/build}/dp-driver
failed=0

verdict() {
	local rc=$1
	shift
	if [ "$rc" = 0 ]; then
		echo "ok    $*"
	else
		echo "FAIL  $*"
		failed=1
	fi
}

wire_up() {
	local side
	for side in dp-own dp-peer; do
		ip netns add $side || exit 1
		ip -n $side link set lo up
	done
	ip -n dp-own link add e0 type veth peer name e0 netns dp-peer || exit 1
	ip -n dp-own addr add 10.9.0.1/24 dev e0
	ip -n dp-own addr add fd09::1/64 dev e0 nodad
	ip -n dp-peer addr add 10.9.0.2/24 dev e0
	ip -n dp-peer addr add fd09::2/64 dev e0 nodad
	for side in dp-own dp-peer; do
		ip netns exec $side sysctl -qw net.ipv6.conf.e0.accept_dad=0
		ip -n $side link set e0 up
	done
	sleep 0.5
}

wire_down() {
	ip netns del dp-own
	ip netns del dp-peer
}

own() { ip netns exec dp-own "$@"; }
peer() { ip netns exec dp-peer "$@"; }
tunnels() { own ip l2tp show tunnel | grep -c Tunnel; }

trap wire_down EXIT
wire_up

own "$driver" properties dp-peer >/run/dp-properties 2>&1
rc=$?
cat /run/dp-properties
verdict $rc "properties"
! own nft list tables | grep l2tpha-t
verdict $? "no rules are left of tunnels that had a port of their own"

own "$driver" sequenced dp-peer
verdict $? "sequenced data"

own "$driver" joined dp-peer
verdict $? "joined sessions"

own "$driver" anyaddress dp-peer
verdict $? "a listener on all addresses"
own "$driver" scale "${N:-1000}"
verdict $? "many sessions"

# A daemon is killed while other processes hold its sockets.
own "$driver" hold /run/dp-hold &
for _ in $(seq 100); do
	[ -s /run/dp-hold ] && break
	sleep 0.1
done
read -r daemon holder </run/dp-hold
[ "$(tunnels)" = 3 ]
verdict $? "three tunnels in the kernel"
kill -9 "$daemon"
sleep 0.3
[ "$(tunnels)" = 3 ]
verdict $? "they outlive the daemon"
own "$driver" flush
verdict $? "flush"
[ "$(tunnels)" = 0 ] && [ "$(own ip l2tp show session | wc -l)" = 0 ]
verdict $? "and do not outlive the flush"
kill "$holder"

# A restarted daemon closes the fence of the one before, and leaves its own closed.
own ip addr show dev e0 | grep -q 10.9.0.100
verdict $? "the killed daemon's address is still there"
own nft list set inet l2tpha leased4 | grep -q elements
[ $? = 1 ]
verdict $? "the new daemon closed the fence"
! peer ping -q -c 2 -i 0.2 -W 1 10.9.0.100 >/dev/null
verdict $? "nobody answers for the address"
own nft list ruleset | grep -q 'ip saddr @virtual4 ip saddr != @leased4'
verdict $? "the rules outlive the daemon"

exit $failed
