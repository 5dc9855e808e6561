#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each thing an operator or a stranger can get wrong: a clear line of error, and the
# running service unaffected: the pair, its sessions and their traffic go on.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
n=${N:-4}
conf=$LAB_RUN/test.conf

log_mark() { wc -l <"$(node_log a)"; }
log_since() { tail -n "+$(($1 + 1))" "$(node_log a)"; }
# said MARK PATTERN: the log has it since then, and was not flooded.
said() {
	wait_until 5 said_now "$1" "$2" || return 1
	[ "$(log_since "$1" | wc -l)" -le 60 ]
}
said_now() { log_since "$1" | grep -qiE "$2"; }

# A start that must fail: status not 0, within 10 s, one line that matches.
refused() {
	local pattern=$1 out rc
	shift
	out=$(on_node a timeout 10 "$@" </dev/null 2>&1)
	rc=$?
	[ $rc -ne 0 ] || { note "$out"; note "status 0"; return 1; }
	[ $rc -ne 124 ] || { note "$out"; note "it went on running"; lsmod | grep l2tp; return 1; }
	[ $rc -lt 128 ] || { note "$out"; note "died of signal $((rc - 128))"; return 1; }
	grep -qE "$pattern" <<<"$out" || { note "$out"; note "no line matches $pattern"; return 1; }
	note "   $(grep -E "$pattern" <<<"$out" | head -n 1)"
}

unaffected() {
	flowing || { pair_dump; fail "$1: $(traffic_stalled) streams stand still"; }
	node_alive a || { pair_dump; fail "$1: the daemon of lns-a died"; }
	node_is a active || { pair_dump; fail "$1: lns-a is $(node_role a)"; }
	addresses_same "$LAB_RUN/before" || fail "$1: subscribers changed"
	ctl a show l2tp redundancy >/dev/null || fail "$1: the control socket does not answer"
}

net_up || fail "no network"

note "a kernel without L2TP"
modprobe -r l2tp_ppp l2tp_netlink || fail "cannot unload l2tp"
echo /bin/false >/proc/sys/kernel/modprobe
mount -t tmpfs none /lib/modules	# whoever runs modprobe finds none
umask 077
lab_config a >"$conf"
refused '[Ll]2[Tt][Pp]' "$LAB_BUILD/l2tphad" -f "$conf" -r /run/l2tpha-a -n ||
	fail "a kernel without L2TP: no clear error"
umount /lib/modules
echo /sbin/modprobe >/proc/sys/kernel/modprobe
modprobe l2tp_ppp

note "configurations with errors"
i=0
while IFS='|' read -r pattern text; do
	i=$((i + 1))
	{ echo "hostname x"; printf '%b\n' "$text"; } >"$conf"
	refused "test.conf:$pattern" "$LAB_BUILD/l2tphad" -f "$conf" -r /run/l2tpha-a -n ||
		fail "configuration $i ($text): no clear error"
done <<'END'
2|frobnicate the widgets
2|ip local pool SUBS 10.64.0.300 10.64.0.301
3|vpdn enable\nvpdn-group\n
3|interface virtual-template 1\n ip address 10.64.0.\n
5|vpdn-group 1\n accept-dialin\n  protocol l2tp\n  virtual-template banana\n
END
refused 'nowhere' "$LAB_BUILD/l2tphad" -f /nowhere/l2tpha.conf -r /run/l2tpha-a -n ||
	fail "no configuration: no clear error"

pair_started() {
	node_start a && wait_until 30 node_is a active && node_start b && pair_ready a
}
pair_started || { pair_dump; fail "no pair"; }
lac_start "$n"
wait_until 60 lac_all_up "$n" || { pair_dump; lac_explain "$n"; fail "$(lac_count "$n") of $n up"; }
lac_addresses >"$LAB_RUN/before"
traffic_start 50 || fail "no traffic"
sleep 1
unaffected "before anything"

note "garbage on UDP 1701"
for from in 192.0.2.250 192.0.2.251; do
	in_ns lac perl "$LAB_HERE/garbage.pl" udp $from $LAB_VIP 1701 300 || fail "cannot send"
done
sleep 1
unaffected "garbage on UDP 1701"

note "garbage on the control socket"
perl "$LAB_HERE/garbage.pl" unix "$(node_socket a)" || fail "cannot send"
unaffected "garbage on the control socket"

note "garbage on the plugin socket"
for s in /run/l2tpha-a/*; do
	[ -S "$s" ] && [ "$s" != "$(node_socket a)" ] || continue
	mark=$(log_mark)
	perl "$LAB_HERE/garbage.pl" unix "$s" || fail "cannot send to $s"
	sleep 0.5
	log_since "$mark" | head -n 3 | sed 's/^/   /'
	unaffected "garbage on $s"
done
pppd=$(for p in $(ip netns pids lns-a); do
	[ "$(cat /proc/$p/comm 2>/dev/null)" = pppd ] && echo $p
done | sort -n | tail -n 1)
[ -n "$pppd" ] || fail "lns-a has no pppd"
mark=$(log_mark)
perl "$LAB_HERE/garbage.pl" fd "$pppd" || fail "cannot send into the sockets of pppd $pppd"
said "$mark" 'ppp|plugin' || { pair_dump; fail "garbage from a plugin: no line in the log, or a flood"; }
log_since "$mark" | head -n 3 | sed 's/^/   /'
unaffected "garbage from a plugin"

note "garbage and a truncated stream on the HA link"
port=$(in_ns lns-a ss -Hltn | awk '{ print $4 }' | sed -n 's/^203\.0\.113\.1:\([0-9]*\)$/\1/p; s/^\*:\([0-9]*\)$/\1/p' | head -n 1)
if [ -n "$port" ]; then
	in_ns lns-b perl "$LAB_HERE/garbage.pl" tcp 203.0.113.1 "$port" || fail "cannot connect to the HA port"
fi
port_b=$(in_ns lns-b ss -Hltn | awk '{ print $4 }' | sed -n 's/^203\.0\.113\.2:\([0-9]*\)$/\1/p; s/^\*:\([0-9]*\)$/\1/p' | head -n 1)
if [ -n "$port_b" ]; then
	in_ns lns-a perl "$LAB_HERE/garbage.pl" tcp 203.0.113.2 "$port_b" || fail "cannot connect to the HA port"
fi
[ -n "$port$port_b" ] || fail "nobody listens for the HA link"
sleep 1
unaffected "garbage on the HA link"
pair_ready a || { pair_dump; fail "garbage on the HA link: the pair lost its sync"; }

note "a wrong pre-shared key"
mark=$(log_mark)
mark_b=$(wc -l <"$(node_log b)")
node_stop b || fail "lns-b does not stop"
LAB_PSK=ffeeddccbbaa99887766554433221100 node_start b || fail "lns-b does not start"
sleep 6
if node_is b active; then
	pair_dump
	fail "a wrong pre-shared key made two actives"
fi
unaffected "a wrong pre-shared key"
[ "$(vip_holders)" = a ] || fail "the address is on: $(vip_holders)"
{ log_since "$mark"; tail -n "+$((mark_b + 1))" "$(node_log b)"; } >"$LAB_RUN/psk.log"
grep -qiE 'psk|pre-shared|key|authenti|handshake|decrypt' "$LAB_RUN/psk.log" ||
	{ pair_dump; fail "a wrong pre-shared key: no line in either log says so"; }
note "   $(grep -iE 'psk|pre-shared|key|authenti|handshake|decrypt' "$LAB_RUN/psk.log" | head -n 1)"
[ "$(wc -l <"$LAB_RUN/psk.log")" -le 80 ] || fail "a wrong pre-shared key floods the log"
node_stop b
node_start b || fail "lns-b does not start"
pair_ready a || { pair_dump; fail "with the right key the pair does not come together"; }

traffic_stop
lost=$(traffic_query '.up.lost + .down.lost')
note "packets lost by the subscribers through all this: $lost"
[ "$lost" = 0 ] || fail "$lost packets lost"
net_down
