#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An ISP in small: many subscribers on one pair, and everything happens to it, one
# event after the other under traffic. After each: all sessions are up on both
# nodes, with the addresses they had, no PPP was negotiated again, a node that lost
# the role said nothing. At the end the capture: no StopCCN, CDN or LCP Terminate,
# no negotiation after the setup, and every control packet decodes.
#
#   power     the active loses power, and comes back empty
#   kill      SIGKILL to the active's daemon, which is started again
#   planned   redundancy switchover
#   freeze    the active stands still, thaws later
#   halink    the HA link is cut and mended: nobody moves
#   partition the active is cut off from everything, and comes back
#   split     the nodes do not see each other, the LACs see both
#   restart   in place: the active's daemon by SIGKILL, then by SIGTERM, and back
#             before anybody may take over: no packet is lost
#   upgrade   the release before becomes this one by the manual's commands, box by
#             box, with a switchover back; then this one the release before again
#   rounds    ROUNDS alternating switchovers: power, kill, planned in turn
#
# SUBSCRIBERS (40; LONG=1: 200), of them XL (4; LONG=1: 10) of xl2tpd and the others
# in tunnels of PER_TUNNEL (20) of the load LAC; EVENTS; ROUNDS (20). An emulated
# machine needs minutes for the long form: LONG=1 EVENTS="power kill" runs a part.

# shellcheck disable=SC2154 # what roll.sh sets
. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
. "$LAB_HERE/roll.sh"
if [ -n "${LONG:-}" ]; then
	n=${SUBSCRIBERS:-200} x=${XL:-10}
	events=${EVENTS:-power kill planned freeze halink partition split restart rounds upgrade}
else
	n=${SUBSCRIBERS:-40} x=${XL:-4}
	events=${EVENTS:-power split}
fi
m=${PER_TUNNEL:-20}
load=$((n - x))
t=$(((load + m - 1) / m))
rounds=${ROUNDS:-20}
interval=${INTERVAL:-$((n > 50 ? 4 * n : 100))}
# An emulated machine takes a second for what takes milliseconds elsewhere, and
# fifty of them to start the programs of a box that comes back.
patience=$((30 + n))
pcap=$LAB_OUT/scale.pcap
export LAB_USERS=$((n > 64 ? n : 64))
# To be back before the peer may take over, it needs more of them.
[[ " $events " = *" restart "* ]] && dead=${DEAD:-10000} || dead=${DEAD:-3000}
export LAB_GROUP="  timers heartbeat 500 dead $dead
  timers lease $dead"

stop() {
	load stats full >"$LAB_OUT/scale-stats.json" 2>/dev/null
	pair_dump
	note "---- load LAC"
	load stats 2>/dev/null | head -n 60
	fail "$1"
}

mac_of() { ip -n "lns-$1" -j link show dev access | jq -r '.[0].address'; }
cables() {
	local i
	for i in $2; do
		echo "link set lns-$1.$i $3"
	done | ip -n sw -batch -
}
tell() { note "$(printf '%7.1f s  %s' "$((($(now_ms) - began) / 100))e-1" "$1")"; }

longest_gap() { load_figure '[.traffic.gap_down_ms.max, .traffic.gap_up_ms.max] | max | floor'; }
# PPP interfaces of the node, each of them one session's
units() { ip -n "lns-$1" -o link show type ppp 2>/dev/null | wc -l; }
node_complete() { lns_has_sessions "$1" "$n" && [ "$(units "$1")" = "$n" ]; }
addresses() {
	load stats full | jq -c '.session[] | [.n, .addr]'
	lac_addresses
}

# whole WHAT: everything is as it was before; the figures have begun anew.
whole() {
	local what=$1 i
	# A node that was cut off says that it is active until it has heard of the other.
	wait_until "$patience" one_active || stop "$what: not one is active: $(node_role a), $(node_role b), the address is at $(vip_holders | tr '\n' ' ')"
	active=$(active_node)
	wait_until "$patience" pair_protects "$n" || stop "$what: not all are protected again"
	pair_ready "$active" || stop "$what: the pair does not come together again"
	for i in a b; do
		wait_until 15 node_complete $i ||
			stop "$what: lns-$i has $(lns_sessions $i) sessions and $(units $i) interfaces, not $n"
	done
	wait_until 30 settled_traffic || stop "$what: streams do not flow afterwards"
	[ "$(load_figure .sessions.up)" = $load ] || stop "$what: $(load_figure .sessions.up) of $load sessions are up"
	[ "$(load_figure .sessions.lost)" = 0 ] || stop "$what: sessions were lost"
	[ "$(load_figure .ppp.renegotiations)" = 0 ] || stop "$what: PPP was negotiated again"
	addresses | cmp -s "$LAB_RUN/before" - || stop "$what: $(lac_count "$x") of $x of xl2tpd are up, or addresses have changed"
	[ "$(vip_holders)" = "$active" ] || stop "$what: the address is at $(vip_holders | tr '\n' ' ')"
}

# The figures begin anew, and after a moment everybody has been heard in both directions.
settled_traffic() {
	load reset >/dev/null
	sleep $((1 + interval / 300))
	[ "$(load_figure ".traffic.silent_sessions == 0 and
		([.traffic.gap_down_ms.max, .traffic.gap_up_ms.max] | max < $((800 + 2 * interval)))")" = true ] && flowing
}

one_active() {
	local i
	i=$(active_node) && node_is "$(other "$i")" standby && [ "$(vip_holders)" = "$i" ]
}

# moved WHAT: the other node has the role; waits for it, then for the traffic
moved() {
	local what=$1 to t1
	to=$(other "$active")
	wait_until $((15 + dead / 1000)) node_is "$to" active || stop "$what: lns-$to does not take over"
	t1=$(now_ms)
	load hello >/dev/null
	wait_until 20 quiet_control || stop "$what: control messages are not acknowledged"
	sleep 1
	wait_until 10 flowing || stop "$what: $(traffic_stalled) streams of xl2tpd stand still"
	figures=$(printf 'lns-%s to lns-%s, active after %5d ms, longest gap %5d ms' "$active" "$to" \
		$((t1 - t0)) "$(longest_gap)")
}
quiet_control() { [ "$(load_figure .tunnels.unacknowledged)" = 0 ]; }

# done_ WHAT: from here on the pair is whole again
done_() {
	local t2
	t2=$(now_ms)
	whole "$1"
	tell "$(printf '%-10s %s, %d of %d sessions, whole %d s later' "$1" "$figures" "$n" "$n" $((($(now_ms) - t2) / 1000)))"
}

# silent NODE FROM UNTIL [FILTER]: noted, and looked up in the capture at the end
silence=()
silent() { silence+=("$*"); }

event_power() {
	local was=$active
	power_loss "$was"
	t0=$LAB_CUT_MS
	moved "${1:-power}"
	power_on "$was" && node_start "$was" || stop "${1:-power}: lns-$was does not come back"
	done_ "${1:-power}"
}

event_kill() {
	local was=$active
	t0=$(now_ms)
	daemon_kill9 "$was" || stop "kill: cannot kill the daemon"
	moved "${1:-kill}"
	node_start "$was" || stop "kill: the daemon does not start again"
	done_ "${1:-kill}"
}

event_planned() {
	t0=$(now_ms)
	ctl "$active" redundancy switchover >"$LAB_RUN/switchover" 2>&1 ||
		{ cat "$LAB_RUN/switchover"; stop "planned: the switchover was refused"; }
	moved "${1:-planned}"
	done_ "${1:-planned}"
}

event_freeze() {
	local was=$active mac from
	mac=$(mac_of "$was")
	t0=$(now_ms)
	kill -STOP "$(node_pid "$was")"
	moved freeze
	from=$(now_ms)
	sleep 3
	kill -CONT "$(node_pid "$was")"
	done_ freeze
	silent "$mac" "$from" "$(now_ms)"
}

event_halink() {
	local was=$active
	cables "$was" ha down
	sleep $((3 + dead / 1000))
	node_is "$was" active || stop "halink: lns-$was is not the active any more"
	node_in_sync "$was" && stop "halink: the active says it is in sync"
	[ "$(vip_holders)" = "$was" ] || stop "halink: the address is at $(vip_holders | tr '\n' ' ')"
	figures="lns-$was stays active, longest gap $(longest_gap) ms"
	cables "$was" ha up
	done_ halink
	[ "$active" = "$was" ] || stop "halink: lns-$active has taken over"
}

event_partition() {
	local was=$active mac from healed
	mac=$(mac_of "$was")
	t0=$(now_ms)
	cables "$was" "access core ha" down
	moved partition
	from=$(now_ms)
	sleep 4
	cables "$was" "access core ha" up
	healed=$(now_ms)
	done_ partition
	# What waits for an answer to ARP since before may get out as the cables are back.
	silent "$mac" "$from" "$healed"
	silent "$mac" $((healed + 1000)) "$(now_ms)" "&& l2tp.type == 1"
}

isolated() {
	local i
	for i in a b; do
		in_ns sw bridge link set dev lns-$i.access isolated "$1" &&
			in_ns sw bridge link set dev lns-$i.core isolated "$1" || stop "split: no isolated ports"
	done
}
event_split() {
	local was=$active mac healed
	t0=$(now_ms)
	isolated on
	cables "$was" ha down
	sleep $((3 + dead / 1000))
	figures="$(vip_holders | wc -l) nodes with the address"
	isolated off
	cables "$was" ha up
	healed=$(now_ms)
	wait_until 20 one_active || stop "split: $(vip_holders | wc -l) nodes have the address after healing"
	figures+=", one $(($(now_ms) - healed)) ms after it healed: lns-$(active_node)"
	done_ split
	mac=$(mac_of "$(other "$active")")
	silent "$mac" $((healed + 10000)) "$(now_ms)"
}

# restarted WHAT: the daemon is back and still active, nothing was lost
restarted() {
	wait_until 20 node_is "$active" active || stop "$1: lns-$active is '$(node_role "$active")'"
	[ "$(node_redundancy "$active" .epoch)" -gt "$epoch" ] || stop "$1: lns-$active goes on with epoch $epoch"
	load hello >/dev/null
	wait_until 20 quiet_control || stop "$1: control messages are not acknowledged"
	sleep 1
	lost=$(load_figure '.traffic.lost + .traffic.up_lost')
	figures="lns-$active answers after $((t1 - t0)) ms, longest gap $(longest_gap) ms, $lost packets lost"
	done_ "$1"
	[ "$lost" = 0 ]
}
restart_kill() {
	t0=$(now_ms)
	daemon_kill9 "$active" || stop "restart: cannot kill the daemon"
	node_start "$active" || stop "restart: the daemon does not start again"
	t1=$(now_ms)
	restarted restart-9
}
restart_term() {
	t0=$(now_ms)
	node_stop "$active" || stop "restart: the daemon does not stop"
	node_start "$active" || stop "restart: the daemon does not start again"
	t1=$(now_ms)
	restarted restart-15
}
# An emulated machine at its limit loses a packet now and then, with or without a
# restart. What a restart loses, it loses each time.
event_restart() {
	local how
	for how in restart_kill restart_term; do
		for _ in 1 2 3; do
			epoch=$(node_redundancy "$active" .epoch)
			$how && continue 2
			note "$how: again"
		done
		stop "$how: packets are lost each time"
	done
}

# upgraded TARGET: the pair, whichever release it is of, becomes one of the other
upgraded() {
	local what
	what="$(release "${installed[a]}") to $(release "$1")"
	t0=$(now_ms)
	roll "$1" "$active"
	tell "$what: the commands took $((($(now_ms) - t0) / 1000)) s"
	moved "$what"
	figures="lns-$active to lns-$(other "$active"), longest gap $(longest_gap) ms"
	done_ "$what"
}
event_upgrade() {
	[ -x "$previous/l2tphad" ] || stop "the release before is not built (tests/issu/build-previous says why)"
	if [ "${installed[a]}" = "$this" ]; then
		upgraded "$previous"
	fi
	upgraded "$this"
	event_planned back
	upgraded "$previous"
}

event_rounds() {
	local kinds=(power kill planned) round kind
	for ((round = 1; round <= rounds; round++)); do
		kind=${kinds[$(((round - 1) % 3))]}
		"event_$kind" "$round-$kind"
	done
}

began=$(now_ms)
case " $events" in
" upgrade"*) roll_begin "$previous" ;;
*) roll_begin "$this" ;;
esac
pair_up || stop "no pair"
export LAB_KEEP_CONFIG=1
capture_start "$pcap" "$(lab_control_filter)" || fail "no capture"
in_ns core "$LAB_BUILD/loadlac" core --interval "$interval" &
load_start "$t" "$m" --traffic udp --interval "$interval" --concurrency 10 --passive || stop "no load LAC"
lac_start "$x"
load call $load >/dev/null
load wait up $load $((60 + 2 * n)) >/dev/null || stop "$(load_figure .sessions.up) of the load LAC's $load sessions come up"
tell "$load sessions of the load LAC are up"
wait_until 60 lac_all_up "$x" || { lac_explain "$x"; stop "$(lac_count "$x") of $x of xl2tpd are up"; }
traffic_start $((interval / 2)) || stop "no traffic"
settled=$(now_ms)
addresses >"$LAB_RUN/before"
active=a
whole setup
tell "all $n are up and protected, $t tunnels of the load LAC and $x of xl2tpd"
duplicates=$(grep -o '10\.64\.[0-9.]*' "$LAB_RUN/before" | sort | uniq -d | wc -l)
[ "$duplicates" = 0 ] || stop "$duplicates addresses were given twice"
[ "$(grep -c '10\.64\.' "$LAB_RUN/before")" = "$n" ] || stop "not everybody has an address"

for event in $events; do
	"event_$event"
done

traffic_stop
[ "$(load_figure '[.control.stopccn_received, .control.cdn_received, .ppp.terminates] | add')" = 0 ] ||
	stop "StopCCN, CDN or LCP Terminate were received"
ended=$(now_ms)
capture_stop
load_quit || { jq '{sessions, ppp, reasons, violations}' "$LAB_OUT/load.json"; stop "the load LAC has complaints"; }
wire_check "$pcap" -t "$settled" || fail "the decoder finds fault"
for i in lcp_confreq_after ipcp_confreq_after stopccn_after cdn_after lcp_term_after lcp_protrej_ours_after; do
	[ "$(count $i)" = 0 ] || fail "$i: $(count $i)"
done
note "$(count control) control packets and $(count data) of PPP decoded, $(count wrong) bad; no StopCCN, CDN, LCP Terminate or negotiation in $(((ended - settled) / 1000)) s"
for i in "${silence[@]}"; do
	read -r mac from until what <<<"$i"
	spoke=$(tshark -r "$pcap" -Y "eth.src == $mac && ip.src == $LAB_VIP && frame.time_epoch > $((from / 1000)) && frame.time_epoch < $((until / 1000)) $what" \
		-T fields -e frame.time_epoch 2>/dev/null | wc -l)
	[ "$spoke" = 0 ] || fail "$spoke packets of $mac, which had lost the address"
done
net_down
