#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An operator at work on a pair that runs: a subscriber is configured on both nodes and
# calls, the configuration is written, the active is lost, the standby serves the new
# subscriber with what it was told, and says what happened and why.

export LAB_USERS=2
. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"

# says NODE PATTERN COMMAND...: what it prints matches.
says() {
	local n=$1 pattern=$2 out
	shift 2
	out=$(ctl "$n" "$@" 2>&1)
	grep -qE "$pattern" <<<"$out" || { note "$out"; pair_dump; fail "lns-$n: $*: no $pattern"; }
}

pair_up || { pair_dump; fail "no pair"; }
lac_start 2
wait_until 60 lac_all_up 2 || { pair_dump; lac_explain 2; fail "$(lac_count 2) of 2 up"; }

note "a subscriber is configured on one node, then on the other"
printf '%s\n' "configure terminal" "username sub3 password 0 pw3" "vpdn-group 1" " l2tp tunnel hello 33" "end" |
	ctl a >"$LAB_RUN/said" || { cat "$LAB_RUN/said"; fail "lns-a refuses to be configured"; }
grep -qE 'tunnels? stays? as' "$LAB_RUN/said" || { cat "$LAB_RUN/said"; fail "nothing is said of the tunnel that stays"; }
wait_until 5 eval "ctl b show redundancy | grep -q DIFFERS" || fail "lns-b does not see the difference"
printf '%s\n' "configure terminal" "username sub3 password 0 pw3" "vpdn-group 1" " l2tp tunnel hello 33" "end" |
	ctl b >/dev/null || fail "lns-b refuses to be configured"
wait_until 5 eval "ctl a show redundancy | grep -q 'configuration equal'" || fail "lns-a still sees a difference"
ctl a "configure terminal" >/dev/null || fail "a session that ended still configures"
printf '%s\n' "configure terminal" "redundancy" " group 1" "  priority 7" | ctl a >"$LAB_RUN/said" 2>&1 &&
	fail "redundancy was changed under a running pair"
grep -q 'needs a restart' "$LAB_RUN/said" || { cat "$LAB_RUN/said"; fail "no reason is given"; }

note "who was configured calls; the configuration is written"
lac_dial 3
wait_until 60 lac_up 3 || { pair_dump; lac_explain 3; fail "the new subscriber is not served"; }
for n in a b; do
	says $n '\[OK\]' write memory
	grep -q '^username sub3 password 0 pw3$' "$LAB_RUN/$n/conf" || fail "lns-$n: not in the file"
	[ "$(stat -c %a "$LAB_RUN/$n/conf")" = 600 ] || fail "lns-$n: the file is $(stat -c %a "$LAB_RUN/$n/conf")"
	says $n 'Nothing to change' copy startup-config running-config
	says $n 'Nothing to change' configure replace "$LAB_RUN/$n/conf"
done
printf 'hostname lns-a\n\nvpdn-group 9\n accept-dialin\n' >"$LAB_RUN/bad"
says a 'bad:3: vpdn-group 9: accept-dialin: protocol l2tp is missing' configure replace "$LAB_RUN/bad"
sed 's/^vpdn-group 1$/vpdn-group 9/' "$LAB_RUN/a/conf" >"$LAB_RUN/other"
says a 'vpdn-group 1: 2 tunnels with 2 sessions are closed: the group is removed' \
	configure replace "$LAB_RUN/other" --dry-run
pair_ready a || { pair_dump; fail "not in sync"; }
lac_addresses >"$LAB_RUN/before"
says a '; 3 of 3 sessions go on' redundancy switchover dry-run

note "the active is lost"
says b 'L2TP redundancy fsm debugging is on' debug l2tp redundancy fsm
says b 'L2TP redundancy resync debugging is on' debug l2tp redundancy resync
power_loss a
wait_until 30 node_is b active || { pair_dump; fail "lns-b does not take over"; }
sleep 3
addresses_same "$LAB_RUN/before" || fail "addresses changed: $(lac_addresses | tr '\n' ' ')"
grep -q 'L2TP redundancy fsm: 1: standby -> claiming' "$(node_log b)" || fail "debug fsm said nothing"
grep -q 'L2TP redundancy resync: 1: tunnel [0-9]*: resync good' "$(node_log b)" || fail "debug resync said nothing"
says b 'lns-a +lns-b ' show redundancy switchover history
says b '\(3 good, 0 failed\)' show redundancy switchover history
says b 'standby -> claiming' show redundancy history
says b 'my state = 13 -ACTIVE' show redundancy states
net_down
