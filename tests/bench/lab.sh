#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The benchmarks that need a kernel, inside tests/lab/vm.  Each result is one line of
# JSON on file descriptor 3 (or stdout): {"bench", "value", "unit", "goal", "ok", ...}.
# Figures to compare come from the same boot; absolute times are of an emulated machine.

export LAB_USERS=256
export LAB_PPPD_LOG=	# no debug log of pppd: the others write none either
# shellcheck source=/dev/null
. "$(dirname "$0")/../lab/net.sh"
# shellcheck source=/dev/null
. "$LAB_HERE/lac.sh"
# shellcheck source=/dev/null
. "$LAB_HERE/pair.sh"
if [ -n "${BENCH_JSON:-}" ]; then exec 3>>"$BENCH_JSON"; else exec 3>&1; fi

result() {	# NAME VALUE UNIT GOAL OK [FURTHER-JSON]
	jq -cn --arg b "$1" --argjson v "$2" --arg u "$3" --arg g "$4" --argjson ok "$5" --argjson more "${6:-{\}}" \
		'{bench: $b, value: $v, unit: $u, goal: $g, ok: $ok} + $more' >&3
	printf '%-28s %s %s (goal: %s)\n' "$1" "$2" "$3" "$4"
}
calc() { jq -n "$1"; }

stop_all() {
	[ ! -s "$LAB_RUN/load.pid" ] || kill -KILL "$(cat "$LAB_RUN/load.pid")" 2>/dev/null
	net_down >/dev/null 2>&1
	# a killed daemon gives back hundreds of kernel sessions before it is gone
	wait_until 60 none_left || note "something of the last run is still there"
}
none_left() { ! pgrep -x l2tphad >/dev/null && ! pgrep -x pppd >/dev/null && ! pgrep -x xl2tpd >/dev/null; }

# ---- PPP setup rate -------------------------------------------------------

# T tunnels x S sessions through PPP, 20 calls at once; prints sessions a second.
ppp_rate() {
	load_start "$1" "$2" --traffic none --concurrency 20 || return 1
	load call >/dev/null
	load wait up $(($1 * $2)) 150 >/dev/null || note "only $(load_figure .sessions.up) up" >&2
	load_figure .setup.sessions_per_s
}

bench_ppp_rate() {
	local ours theirs solo
	net_up || fail "no network"
	lns_xl2tpd_start a || fail "no xl2tpd"
	theirs=$(ppp_rate 10 "${PPP_THEIRS:-6}")
	stop_all
	pair_up || { pair_dump; fail "no pair"; }
	ours=$(ppp_rate 10 10)
	stop_all
	net_up && node_start a && wait_until 15 node_is a active || fail "no single node"
	solo=$(ppp_rate 10 10)
	stop_all
	result ppp_setup_rate "$(calc "($ours / $theirs * 100 | round) / 100")" "x xl2tpd" ">= 2" \
		"$(calc "$ours >= 2 * $theirs")" \
		"{\"ours_per_s\": $ours, \"ours_solo_per_s\": $solo, \"xl2tpd_per_s\": $theirs}"
}

# ---- control only ----------------------------------------------------------

# L2TP alone, as the LAC sees it: 10 tunnels x 60 calls, ready when the ICCN is sent.
control_rate() {
	load_start 10 60 --control-only --traffic none --concurrency 40 || return 1
	load call >/dev/null
	load wait up 600 100 >/dev/null || note "only $(load_figure .sessions.ready) ready" >&2
	load_figure .setup.sessions_per_s
}

bench_control() {
	local with=() without=() w o
	for _ in 1 2 3; do
		net_up && node_start a && wait_until 15 node_is a active || fail "no single node"
		without+=("$(control_rate)")
		stop_all
		pair_up || { pair_dump; fail "no pair"; }
		with+=("$(control_rate)")
		stop_all
	done
	w=$(printf '%s\n' "${with[@]}" | sort -n | sed -n 2p)
	o=$(printf '%s\n' "${without[@]}" | sort -n | sed -n 2p)
	result control_rate_ha_lab "$(calc "($w / $o * 100 | round) / 100")" "x without HA" ">= 0.9" \
		"$(calc "$w >= 0.9 * $o")" "{\"with_per_s\": [$(IFS=,; echo "${with[*]}")], \"without_per_s\": [$(IFS=,; echo "${without[*]}")]}"
}

# ---- takeover and memory ----------------------------------------------------

rss_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# Tunnels x sessions, then power loss; sets T_WORK (ms from the claim to the last
# session forwarding, by the daemon), T_GAP (longest silence of a session), and
# T_RSS (KiB of the daemon on the active, on the standby).
takeover() {
	local n=$(($1 * $2))
	pair_up || { pair_dump; fail "no pair"; }
	load_start "$1" "$2" --concurrency 20 --interval 100 || fail "no load LAC"
	load call >/dev/null
	load wait up "$n" 150 >/dev/null || fail "only $(load_figure .sessions.up) of $n up"
	all_protected() { pair_protects "$n" >/dev/null 2>&1; }
	wait_until 60 all_protected || { pair_dump; fail "not all protected"; }
	T_RSS="[$(rss_kib "$(node_pid a)"), $(rss_kib "$(node_pid b)")]"
	sleep 2
	load reset >/dev/null
	power_loss a
	wait_until 15 node_is b active || { pair_dump; fail "no takeover"; }
	sleep 4
	[ "$(load_figure .sessions.up)" = "$n" ] || fail "sessions lost"
	T_GAP=$(load_figure .traffic.gap_ms.max)
	T_WORK=$(calc "$(node_redundancy b '.history[0].promote_ms') +
		$(ctl b show l2tp redundancy json | jq '[.. | .in_place_ms? | numbers] | max')")
	stop_all
}

bench_takeover() {
	local few many few_gap many_gap few_rss mem
	takeover 10 1
	few=$T_WORK few_gap=$T_GAP few_rss=$T_RSS
	takeover 10 20
	many=$T_WORK many_gap=$T_GAP
	# what 190 more sessions take; buffers and threads are there with ten already
	mem=$(calc "[[$T_RSS, $few_rss] | transpose[] | (.[0] - .[1]) / 190]")
	result hot_takeover_200_vs_10 "$(calc "($many_gap / $few_gap * 100 | round) / 100")" "x (longest gap)" "<= 1.5" \
		"$(calc "$many_gap <= 1.5 * $few_gap")" \
		"{\"gap_10_ms\": $few_gap, \"gap_200_ms\": $many_gap, \"work_10_ms\": $few, \"work_200_ms\": $many}"
	result daemon_memory "$(calc "($mem | max * 100 | round) / 100")" "KiB/session" "<= 8" \
		"$(calc "$mem | max <= 8")" "{\"active_standby_kib\": $mem}"
}

# ---- a warm takeover ---------------------------------------------------------

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
list() { (IFS=,; echo "[$*]"); }

# The cables of a node are cut and it stands still: what it holds in this kernel, which
# is a machine of its own elsewhere, is not taken down while the other one is measured.
power_freeze() {
	printf 'link set lns-%s.access down\nlink set lns-%s.core down\nlink set lns-%s.ha down\n' "$1" "$1" "$1" |
		ip -n sw -batch - && echo 1 >"/sys/fs/cgroup/lns-$1/cgroup.freeze"
}

# From the claim until all sessions forward, against the same number of sessions put in
# place by a program that does nothing else, both by turns with the pair and its LAC
# running: `kernel` is the kernel's work alone, one process for each session that is there
# before the clock starts; `engine` has a zygote and its pppds, told what to do by nobody.
bench_warm() {
	local n=${BENCH_WARM:-40} ours=() kernel=() engine=() promote=() before t p out from=a to=b r o k e
	export LAB_MODE=warm
	pair_up || { pair_dump; fail "no pair"; }
	load_start 10 $((n / 10)) --concurrency 20 --interval 1000 || fail "no load LAC"
	load call >/dev/null
	load wait up "$n" 150 >/dev/null || fail "only $(load_figure .sessions.up) of $n up"
	for r in $(seq "${BENCH_ROUNDS:-3}"); do
		all_survive() { [ "$(node_redundancy $from .plug_pulled.survive)" = "$n" ]; }
		wait_until 60 all_survive || { pair_dump; fail "not all protected"; }
		sleep 1
		out=$("$LAB_BUILD/ppp-driver" kernel "$n" 10) || fail "ppp-driver: $out"
		kernel+=("$(awk '/all in place in/ { print $(NF - 1) * 1000 }' <<<"$out")")
		out=$("$LAB_BUILD/ppp-driver" rate "$n") || fail "ppp-driver: $out"
		engine+=("$(awk '/all in place in/ { print $(NF - 1) * 1000 }' <<<"$out")")
		power_freeze $from
		wait_until 15 node_is $to active || { pair_dump; fail "no takeover"; }
		before=-1 t=0
		until [ "$t" != 0 ] && [ "$t" = "$before" ]; do	# it stands still: the last session has said so
			before=$t
			sleep 1
			t=$(ctl $to show l2tp redundancy json | jq '[.. | .in_place_ms? | numbers] | max')
		done
		[ "$(load_figure .sessions.up)" = "$n" ] || fail "sessions lost"
		p=$(node_redundancy $to '.history[0].promote_ms')
		ours+=("$((t + p))")
		promote+=("$p")
		note "round $r: kernel ${kernel[-1]} ms, engine ${engine[-1]} ms, takeover ${ours[-1]} ms"
		[ "$r" != "${BENCH_ROUNDS:-3}" ] || break
		power_loss $from
		power_on $from
		[ ! -e "/sys/fs/cgroup/lns-$from/cgroup.freeze" ] || echo 0 >"/sys/fs/cgroup/lns-$from/cgroup.freeze"
		node_start $from || fail "lns-$from does not come back"
		pair_ready $to || { pair_dump; fail "no pair again"; }
		t=$from from=$to to=$t
	done
	stop_all
	o=$(median "${ours[@]}") k=$(median "${kernel[@]}") e=$(median "${engine[@]}")
	result takeover_warm "$(calc "($o / $k * 100 | round) / 100")" "x kernel alone" "<= 1.3" "$(calc "$o <= 1.3 * $k")" \
		"{\"sessions\": $n, \"takeover_ms\": $(list "${ours[@]}"), \"of_that_promote_ms\": $(list "${promote[@]}"), \"kernel_ms\": $(list "${kernel[@]}"), \"engine_ms\": $(list "${engine[@]}"), \"x_engine\": $(calc "($o / $e * 100 | round) / 100")}"
	export LAB_MODE=hot
}

for b in ${BENCH_PARTS-ppp_rate takeover warm control}; do
	"bench_$b" || fail "$b"
done
