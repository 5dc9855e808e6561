#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# keepalived decides: real keepalived on both nodes, its notify FIFO into the
# daemon, the daemon's track_file into keepalived. Nobody is active before it says
# so; killed, cut from the access network, without power or with a dead daemon, the
# active is relieved and nothing is lost; the preferred node takes the role back
# once it holds everything, and not before: with the HA link cut it stays BACKUP.
#
# N (3) subscribers of xl2tpd with traffic both ways.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
. "$LAB_HERE/vrrp.sh"
n=${N:-3}
pcap=$LAB_OUT/keepalived.pcap
command -v keepalived >/dev/null || { echo "keepalived is not installed"; exit 77; }
rm -f "$LAB_OUT"/keepalived-[ab].log

stop() {
	pair_dump
	for i in a b; do
		note "---- lns-$i: keepalived said '$(keepalived_says $i)', is told '$(keepalived_track $i)'; its log"
		tail -n 15 "$(keepalived_log $i)" 2>/dev/null
		ctl $i show redundancy fitness
	done
	fail "$1"
}

net_up || stop "no net"
node_start a && node_start b || stop "no daemons"
for i in a b; do
	[ "$(keepalived_track $i)" -le -50 ] || stop "lns-$i called itself ready before it knew anything"
done
sleep 5
[ -z "$(vip_holders)" ] || stop "lns-$(vip_holders) is active and nobody said so"
note "without keepalived: a is $(node_role a), told it $(keepalived_track a); b is $(node_role b), $(keepalived_track b)"
mark
keepalived_start a && keepalived_start b || stop "no keepalived"
wait_until 20 node_is a active || stop "keepalived's MASTER does not make lns-a active"
pair_ready a || stop "no pair"
keepalived_tracks a 0 && keepalived_tracks b 0 || stop "in sync, but the files say $(keepalived_track a) and $(keepalived_track b)"

subscribers_come "$n" "$pcap"

mark
keepalived_kill9 a
step "SIGKILL to keepalived on lns-a" b
pair_ready b || stop "lns-a does not follow"
grep -q 'keepalived has gone' "$(node_log a)" || stop "lns-a does not say that keepalived has gone"

mark
keepalived_start a || stop "no keepalived"
step "keepalived on lns-a again: preempts" a
pair_ready a || stop "lns-b does not follow"

mark
ip -n sw link set lns-a.access down
step "access link of lns-a lost: FAULT" b
mark
ip -n sw link set lns-a.access up
pair_ready a || stop "lns-a does not take it back"
step "access link of lns-a is back" a

mark
power_loss a
step "power loss of lns-a" b

# It comes back with its HA link cut: it knows nothing, and has the higher priority.
epoch=$(node_redundancy b .epoch)
power_on a
ip -n sw link set lns-a.ha down
node_start a && keepalived_start a || stop "lns-a does not come back"
sleep 8
node_is b active && [ "$(vip_holders)" = b ] && [ "$(node_redundancy b .epoch)" = "$epoch" ] || stop "lns-a with an empty store took over"
[ "$(keepalived_track a)" -le -150 ] || stop "lns-a, cut off, tells keepalived $(keepalived_track a)"
grep -q 'effective priority from [0-9]* to 40' "$(keepalived_log a)" || stop "keepalived on lns-a has not heard it"
[ "$(keepalived_says a)" != MASTER ] || stop "keepalived on lns-a is MASTER"
ctl a redundancy promote >"$LAB_RUN/refused" 2>&1 && stop "an unsafe promotion was not refused"
note "cut off: $(tr '\n' ' ' <"$LAB_RUN/refused")"
traffic_phase
[ "$(traffic_query '.up.not_flowing + .down.not_flowing')" = 0 ] || stop "streams stand still while lns-a is cut off"
note "$(printf '%-44s lns-b stays; %d packets lost' "lns-a back with its HA link cut" "$(traffic_query '.up.lost + .down.lost')")"
mark
ip -n sw link set lns-a.ha up
step "HA link is back: synchronised, preempts" a
pair_ready a || stop "lns-b does not follow"

mark
daemon_kill9 a || stop "cannot kill the daemon"
step "SIGKILL to l2tphad on lns-a" b
node_start a || stop "the daemon of lns-a does not come back"
mark
step "l2tphad on lns-a again: preempts" a
pair_ready a || stop "lns-b does not follow"

# What is no word of keepalived costs a line in the log.
timeout 2 bash -c 'printf "INSTANCE LNS\nINSTANCE \"LNS\" KING 1\nhello" >/run/l2tpha-a/keepalived.fifo'
sleep 0.5
[ "$(grep -c "FIFO: refused 'INSTANCE" "$(node_log a)")" -ge 2 ] || stop "garbage in the FIFO is not refused in the log"
node_is a active || stop "garbage in the FIFO changed the role"

nothing_was_lost "$pcap"
net_down
