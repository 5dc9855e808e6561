# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The lab's hosts and wires, to be sourced inside tests/lab/vm.
#
#      lac            lns-a     lns-b           core
#  .101-.254           .11       .12            198.51.100.2
#       |               |         |               |
#    ===+== br-access ==+====+====+               |     192.0.2.0/24, group .1
#                       |    |    |               |
#                       +====+====+== br-core ====+     198.51.100.0/24, group .1
#                       |         |
#                       += br-ha =+                     203.0.113.0/29
#
# A third LNS (c, .13) is only there where a test makes it (lns_new c).
#
# Every host is a network namespace, and so is the switch (sw) that has the three
# bridges: a host that loses power takes no wire with it. The processes of an LNS
# are in a control group of their own, so that they can be killed in one step.
#
#   net_up / net_down           build, remove everything
#   node_start a|b [ARGS]       start the daemon; waits for its control socket
#   node_stop a|b               end it in good order (SIGTERM)
#   daemon_kill9 a|b            SIGKILL to the daemon alone
#   power_loss a|b              links cut and all processes killed, nothing survives
#   power_on a|b                an empty host again; node_start is the caller's
#   vip_holders                 the nodes that have the group address
#   node_role a|b               what the node says it is
#   node_redundancy a|b JQ      what else it says of its group
#   capture_start FILE / capture_stop    all that passes the access bridge
#   wait_until SECONDS COMMAND  poll; status 1 when the time is over
#   pause SECONDS               sleep, without a program
#
# To start a program is what takes longest in an emulated machine: what is asked in a
# loop starts as few as it can.

LAB_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
LAB_TOP=$(cd "$LAB_HERE/../.." && pwd -P)
LAB_BUILD=${LAB_BUILD:-$LAB_TOP/build}
LAB_RUN=${LAB_RUN:-/run/lab}
LAB_VIP=192.0.2.1
LAB_CORE_VIP=198.51.100.1
LAB_CORE_HOST=198.51.100.2
LAB_HELLO=${LAB_HELLO:-60}
LAB_USERS=${LAB_USERS:-64}
LAB_MODE=${LAB_MODE:-hot}
mkdir -p "$LAB_RUN" "${LAB_OUT:=$LAB_TOP/build/lab/out}"

note() { printf '%s\n' "$*"; }
fail() {
	printf 'FAIL: %s\n' "$*"
	exit 1
}

# Milliseconds of the clock all time stamps of the lab are taken from.
now_ms() {
	local t=${EPOCHREALTIME/[.,]/}
	echo "${t%???}"
}

exec {LAB_NEVER}<> <(:)	# nothing ever comes out of it
pause() { read -rt "$1" -u "$LAB_NEVER" || :; }

# Fails by name what the caller could only time out on.
wait_until() {
	local end=$((${EPOCHREALTIME/[.,]/} / 1000 + $1 * 1000))
	shift
	while ! "$@"; do
		[ $((${EPOCHREALTIME/[.,]/} / 1000)) -lt $end ] || return 1
		pause 0.05
	done
}

in_ns() { ip netns exec "$@"; }

# ---- wires --------------------------------------------------------------

# plug HOST INTERFACE BRIDGE ADDRESS...: one cable from a host to a bridge.
plug() {
	local host=$1 ifname=$2 bridge=$3 port="$1.$2" a mac
	shift 3
	{
		# A box that comes back has the cards it had: its neighbours remember their addresses.
		mac=$(printf '%s' "$port" | cksum)
		mac=$(printf '02:00:%02x:%02x:%02x:%02x' $((${mac% *} >> 24 & 255)) $((${mac% *} >> 16 & 255)) \
			$((${mac% *} >> 8 & 255)) $((${mac% *} & 255)))
		echo "link add $port type veth peer name $ifname address $mac netns $host"
		echo "link set $port master $bridge up"
	} | ip -n sw -batch - || return 1
	{
		for a; do
			echo "address add $a dev $ifname"
		done
		echo "link set $ifname up"
	} | ip -n "$host" -batch -
}

host_new() {
	ip netns add "$1" && ip -n "$1" link set lo up &&
		in_ns "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.conf.default.rp_filter=0 \
			net.ipv6.conf.default.accept_dad=0 net.ipv4.ip_forward="$2"
}

lns_new() {
	local n=$1 last
	case $n in a) last=11 ;; b) last=12 ;; c) last=13 ;; *) fail "no node $n" ;; esac
	host_new "lns-$n" 1 || return 1
	plug "lns-$n" access br-access "192.0.2.$last/24" &&
		plug "lns-$n" core br-core "198.51.100.$last/24" &&
		plug "lns-$n" ha br-ha "203.0.113.$((last - 10))/29"
	mkdir -p "$LAB_RUN/$n" "/run/l2tpha-$n"
	mkdir -p "$LAB_RUN/state-$n"	# its disk, which outlives a power loss
	chmod 700 "/run/l2tpha-$n" "$LAB_RUN/state-$n"
	[ ! -e /sys/fs/cgroup/cgroup.procs ] || mkdir -p "/sys/fs/cgroup/lns-$n"
}

net_up() {
	local i
	host_new sw 0 || return 1
	for i in access core ha; do
		echo "link add br-$i type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
		echo "link set br-$i up"
	done | ip -n sw -batch - || return 1
	host_new lac 0 && host_new core 0 || return 1
	# shellcheck disable=SC2046
	plug lac access br-access $(printf '192.0.2.%d/24 ' {101..254}) || return 1
	plug core core br-core $LAB_CORE_HOST/24 || return 1
	ip -n core route add 10.64.0.0/16 via $LAB_CORE_VIP || return 1
	lns_new a && lns_new b
}

net_down() {
	local n
	for n in a b c; do
		kill_node $n
	done
	capture_stop
	for n in lac core lns-a lns-b lns-c sw; do
		ip netns pids $n 2>/dev/null | xargs -r kill -KILL 2>/dev/null
		ip netns del $n 2>/dev/null
	done
	for n in a b c; do
		[ ! -d /sys/fs/cgroup/lns-$n ] || wait_until 2 rmdir /sys/fs/cgroup/lns-$n 2>/dev/null
	done
	# the records a daemon leaves for the next one are not for the next test
	rm -rf "$LAB_RUN" /run/l2tpha-[abc]
	mkdir -p "$LAB_RUN"
}

# ---- the two LNS --------------------------------------------------------

# The configuration of one node. Users sub0..subN with passwords pw0..pwN.
lab_config() {
	local local_ha=203.0.113.1 peer_ha=203.0.113.2 i
	[ "$1" = a ] || { local_ha=203.0.113.2; peer_ha=203.0.113.1; }
	cat <<-END
	hostname lns-$1
	vpdn enable
	END
	for ((i = 0; i <= LAB_USERS; i++)); do
		echo "username sub$i password 0 pw$i"
	done
	cat <<-END
	ip local pool SUBS 10.64.0.2 10.64.15.254
	interface virtual-template 1
	 ip address 10.64.0.1
	 peer default ip address pool SUBS
	 ppp authentication chap pap
	 mtu 1460
	vpdn-group 1
	 accept-dialin
	  protocol l2tp
	  virtual-template 1
	 terminate-from hostname secretlac
	 local name lns
	 l2tp tunnel password 0 tunnelsecret
	 l2tp tunnel hello $LAB_HELLO
	vpdn-group 2
	 accept-dialin
	  protocol l2tp
	  virtual-template 1
	 local name lns
	 l2tp tunnel hello $LAB_HELLO
	 no l2tp tunnel authentication
	END
	[ "${LAB_HA:-1}" = 1 ] || return 0
	cat <<-END
	redundancy
	 mode sso
	 group 1
	  virtual-address $LAB_VIP/24 interface access
	  virtual-address $LAB_CORE_VIP/24 interface core
	  local address $local_ha
	  peer address $peer_ha
	  pre-shared-key 0 ${LAB_PSK:-00112233445566778899aabbccddeeff}
	  standby $LAB_MODE
	  commit timeout ${LAB_COMMIT_MS:-250}
	END
	[ -z "${LAB_GROUP:-}" ] || echo "$LAB_GROUP"
	lab_group_config "$1"
}
# What a test wants in the redundancy group of a node besides.
lab_group_config() { :; }

# Runs a command on an LNS host, in that host's control group; become_on_node puts
# it in the place of this (sub)shell, so that its process ID is $!.
become_on_node() {
	local n=$1
	shift
	# shellcheck disable=SC2016
	exec bash -c 'g=/sys/fs/cgroup/lns-$1/cgroup.procs; [ ! -w "$g" ] || echo $$ >"$g"
		ulimit -c unlimited
		n=$1; shift; exec ip netns exec "lns-$n" "$@"' on_node "$n" "$@"
}
on_node() { (become_on_node "$@"); }

node_socket() { echo "/run/l2tpha-$1/l2tphad.sock"; }
node_pid() { cat "$LAB_RUN/$1/pid" 2>/dev/null; }
node_log() { echo "$LAB_OUT/l2tphad-$1.log"; }
node_alive() {
	local pid
	pid=$(node_pid "$1") && kill -0 "$pid" 2>/dev/null
}

ctl() {
	local n=$1
	shift
	"$LAB_BUILD/l2tpctl" -s "$(node_socket "$n")" "$@"
}

node_answers() { ctl "$1" show l2tp redundancy >/dev/null 2>&1; }

node_start() {
	local n=$1
	shift
	[ -s "$LAB_RUN/$n/conf" ] && [ "${LAB_KEEP_CONFIG:-0}" = 1 ] ||
		(umask 077; lab_config "$n" >"$LAB_RUN/$n/conf")
	# shellcheck disable=SC2086
	become_on_node "$n" ${LAB_WRAP:-} "$LAB_BUILD/l2tphad" -f "$LAB_RUN/$n/conf" -r "/run/l2tpha-$n" \
		-S "$LAB_RUN/state-$n" -L "${LAB_PPPD_LOG-$LAB_OUT/pppd-$n.log}" -n "$@" \
		</dev/null >>"$LAB_OUT/l2tphad-$n.log" 2>&1 &
	echo $! >"$LAB_RUN/$n/pid"
	disown $!
	if ! wait_until 15 node_answers "$n"; then
		note "l2tphad on lns-$n does not answer; its last words:"
		tail -n 10 "$(node_log "$n")"
		return 1
	fi
}

gone() { ! kill -0 "$1" 2>/dev/null; }

node_stop() {
	local pid
	pid=$(node_pid "$1") || return 0
	kill -TERM "$pid" 2>/dev/null
	wait_until 10 gone "$pid" || {
		note "l2tphad on lns-$1 did not end on SIGTERM"
		kill -KILL "$pid"
		return 1
	}
	rm -f "$LAB_RUN/$1/pid"
}

daemon_kill9() {
	local pid
	pid=$(node_pid "$1") || return 1
	kill -KILL "$pid" && wait_until 5 gone "$pid"
	rm -f "$LAB_RUN/$1/pid"
}

# All processes of a node at once.
kill_node() {
	if [ -w "/sys/fs/cgroup/lns-$1/cgroup.kill" ]; then
		echo 1 >"/sys/fs/cgroup/lns-$1/cgroup.kill"
		return
	fi
	ip netns pids "lns-$1" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
}

# Cables first: nothing a dying process sends may be seen outside. LAB_CUT_MS is
# when. To start a program takes time here, tens of milliseconds between the first
# cable and the last process; so the one that cuts waits for its orders beforehand.
power_loss() {
	local n=$1 orders=$LAB_RUN/orders fd
	rm -f "$orders" "$orders.out"
	mkfifo "$orders"
	ip -n sw -batch - <"$orders" >"$orders.out" &
	disown $!
	exec {fd}>"$orders"
	echo "link show dev lns-$n.access" >&$fd
	wait_until 5 test -s "$orders.out"
	LAB_CUT_MS=$(now_ms)
	printf 'link set lns-%s.access down\nlink set lns-%s.core down\nlink set lns-%s.ha down\n' \
		"$n" "$n" "$n" >&$fd
	exec {fd}>&-
	kill_node "$n"
	ip netns del "lns-$n"
	rm -rf "${LAB_RUN:?}/${n:?}" "/run/l2tpha-$n"
}

power_on() {
	# A namespace ends after the last process in it did, its cables after that.
	wait_until 10 cables_gone "$1" || fail "the cables of lns-$1 are still there"
	lns_new "$1"
}

cables_gone() {
	! ip -n sw link show "lns-$1.ha" >/dev/null 2>&1
}

vip_holders() {
	local n
	for n in a b; do
		if ip -n lns-$n -4 -o addr show dev access 2>/dev/null | grep -qF " $LAB_VIP/"; then
			echo $n
		fi
	done
}

# One value of what a node says of its redundancy group; see `show redundancy json`.
node_redundancy() {
	ctl "$1" show redundancy json 2>/dev/null | jq -r ".groups[0] | $2" 2>/dev/null
}
node_role() { node_redundancy "$1" .role; }
# Asked in loops; a group begins with what it is.
node_says() {
	local said
	said=$(ctl "$1" show redundancy json 2>/dev/null) && [[ $said =~ \"$2\":\ \"?([a-z-]*) && ${BASH_REMATCH[1]} = "$3" ]]
}
node_is() { node_says "$1" role "$2"; }
node_in_sync() { node_says "$1" in_sync true; }

other() { [ "$1" = a ] && echo b || echo a; }

active_node() {
	local n
	for n in a b; do
		if node_is $n active; then
			echo $n
			return 0
		fi
	done
	return 1
}

# ---- capture ------------------------------------------------------------

capture_start() {
	local file=$1
	# no function in between: its shell would be what is stopped later, not the capture
	ip netns exec sw tcpdump -i br-access -n -U -s 0 -B 16384 -Z root -w "$file" ${2:+"$2"} \
		>/dev/null 2>"$LAB_RUN/tcpdump.err" &
	echo $! >"$LAB_RUN/tcpdump.pid"
	disown $!
	wait_until 10 grep -q 'listening on' "$LAB_RUN/tcpdump.err"
}

capture_stop() {
	local pid
	pid=$(cat "$LAB_RUN/tcpdump.pid" 2>/dev/null) || return 0
	rm -f "$LAB_RUN/tcpdump.pid"
	sleep 0.3
	kill -TERM "$pid" 2>/dev/null
	wait_until 5 gone "$pid"
	grep 'dropped by kernel' "$LAB_RUN/tcpdump.err" | grep -v '^0 '
	return 0
}

# What a test reads afterwards: L2TP control, PPP control inside L2TP data (with
# and without length and sequence fields, the HDLC octets and an offset of none)
# and ARP. The traffic itself would be a thousand times as much.
lab_control_filter() {
	local flags off ppp=
	for flags in '0x00 14' '0x40 16' '0x08 18' '0x48 20'; do
		off=${flags#* }
		ppp+=" or (udp[8] & 0x48 = ${flags% *} and ((udp[$off] = 0xff and udp[$((off + 2))] >= 0x80)"
		ppp+=" or (udp[$off] != 0xff and udp[$off] >= 0x80)))"
	done
	echo "arp or (udp port 1701 and (udp[8] & 0x80 != 0$ppp))"
}
