# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Subscribers of the lab, to be sourced after net.sh: one unmodified xl2tpd with
# one pppd each, in the host lac. Subscriber i is the tunnel from 192.0.2.(100+i)
# and the user subI with password pwI; every second one has a tunnel secret, and
# PAP and CHAP take turns by pairs. Its interface is always called sub<i>.
#
#   lac_start N            dial subscribers 1..N; does not wait
#   lac_dial I...          dial these
#   lac_up I               status 0: IPCP is open
#   lac_count N            how many of 1..N are up
#   lac_address I          the address it was given
#   lac_hangup I           pppd ends in good order (LCP terminate, CDN, StopCCN)
#   lac_stop               kill all of them
#   lns_xl2tpd_start a     the comparison: xl2tpd as LNS, without any redundancy

# LAB_PPP_OPTIONS: further pppd options of the LAC side, one a line;
# LAB_XL2TPD_OPTIONS: further lines of its [lac] section.
lac_dir() { echo "$LAB_RUN/lac/$1"; }

# Builtins only: with dozens of subscribers every program started is felt.
lac_configure() {
	local i=$1 d=$LAB_RUN/lac/$1 host=plainlac refuse=pap
	[ $((i % 2)) = 0 ] || host=secretlac
	[ $(((i - 1) / 2 % 2)) = 0 ] || refuse=chap
	printf '%s\n' "[global]" \
		"listen-addr = 192.0.2.$((100 + i))" \
		"auth file = $d/secrets" \
		"access control = no" \
		"[lac sub$i]" \
		"lns = ${LAB_LNS:-$LAB_VIP}" \
		"hostname = $host" \
		"autodial = yes" \
		"redial = no" \
		"ppp debug = yes" \
		"length bit = yes" \
		"${LAB_XL2TPD_OPTIONS:-}" \
		"pppoptfile = $d/options" >"$d/xl2tpd.conf"
	echo "* * tunnelsecret" >"$d/secrets"
	# No compression: what a capture shows is what was sent.
	printf '%s\n' ipcp-accept-local ipcp-accept-remote noauth nodefaultroute noccp novj \
		"mtu 1460" "mru 1460" "ifname sub$i" "name sub$i" "password pw$i" \
		refuse-eap refuse-mschap refuse-mschap-v2 "refuse-$refuse" \
		debug "logfile $d/pppd.log" \
		"lcp-echo-interval ${LAB_ECHO_INTERVAL:-10}" "lcp-echo-failure 5" \
		"${LAB_PPP_OPTIONS:-}" >"$d/options"
	: >"$d/pppd.log"
}

# The subscribers named, in one visit to their host.
lac_dial() {
	local i dirs=()
	for i; do
		dirs+=("$LAB_RUN/lac/$i")
	done
	mkdir -p "${dirs[@]}"
	for i; do
		lac_configure "$i"
	done
	# shellcheck disable=SC2016
	in_ns lac bash -c 'for d; do
		xl2tpd -D -c "$d/xl2tpd.conf" -s "$d/secrets" -p "$d/pid" -C "$d/control" \
			</dev/null >"$d/xl2tpd.log" 2>&1 &
	done' lac_dial "${dirs[@]}"
}

lac_start() {
	# shellcheck disable=SC2046
	lac_dial $(seq 1 "$1")
}

lac_address() {
	sed -n 's/^local  *IP address //p' "$(lac_dir "$1")/pppd.log" 2>/dev/null | tail -n 1
}

# Up means the interface exists and carries the address pppd says it was given.
lac_up() {
	local a
	a=$(lac_address "$1")
	[ -n "$a" ] && ip -n lac -4 -o addr show dev "sub$1" up 2>/dev/null | grep -qF "inet $a "
}

lac_count() {
	local dev c=0
	while read -r _ dev _; do
		[[ $dev =~ ^sub([0-9]+)$ && ${BASH_REMATCH[1]} -le $1 ]] && c=$((c + 1))
	done < <(ip -n lac -4 -o addr show up 2>/dev/null)
	echo $c
}

lac_all_up() { [ "$(lac_count "$1")" -ge "$1" ]; }

# "i address" of everyone who is up, sorted by i.
lac_addresses() {
	ip -n lac -4 -o addr show up 2>/dev/null |
		awk '$2 ~ /^sub[0-9]+$/ { sub(/\/.*/, "", $4); print substr($2, 4), $4 }' | sort -n
}

lac_hangup() {
	local d
	d=$(lac_dir "$1")
	echo "d sub$1" >"$d/control"
}

lac_stop() {
	ip netns pids lac 2>/dev/null | xargs -r kill -TERM 2>/dev/null
	wait_until 5 lac_idle || ip netns pids lac | xargs -r kill -KILL 2>/dev/null
	return 0
}

lac_idle() { [ -z "$(ip netns pids lac)" ]; }

# What went wrong, for a failed test: the ends of the logs of those not up.
lac_explain() {
	local i d
	for ((i = 1; i <= $1; i++)); do
		lac_up $i && continue
		d=$(lac_dir $i)
		note "-- subscriber $i is not up; xl2tpd:"
		tail -n 8 "$d/xl2tpd.log"
		note "-- its pppd:"
		tail -n 12 "$d/pppd.log"
		return 0
	done
}

# ---- traffic ------------------------------------------------------------
#
#   traffic_start [MS]    streams both ways of everyone who is up, MS apart
#   traffic_phase         ends a phase; its report becomes the last line
#   traffic_stop          ends the last phase
#   traffic_query JQ      of the last phase reported

traffic_report() { echo "$LAB_OUT/traffic.jsonl"; }
traffic_events() { echo "$LAB_RUN/traffic.events"; }

traffic_start() {
	local args
	args=$(lac_addresses | awk '{ print "sub" $1 "=" $2 }')
	[ -n "$args" ] || return 1
	# shellcheck disable=SC2086
	"$LAB_BUILD/probe" -v -i "${1:-50}" -o "$(traffic_report)" $args \
		</dev/null >"$(traffic_events)" 2>&1 &
	echo $! >"$LAB_RUN/probe.pid"
	disown $!
	sleep 0.5
	kill -0 "$(cat "$LAB_RUN/probe.pid")" 2>/dev/null || {
		cat "$(traffic_events)"
		return 1
	}
}

traffic_lines() { wc -l <"$(traffic_report)"; }
traffic_more_than() { [ "$(traffic_lines)" -gt "$1" ]; }

traffic_signal() {
	local before
	before=$(traffic_lines)
	kill "-$1" "$(cat "$LAB_RUN/probe.pid")" || return 1
	wait_until 10 traffic_more_than "$before"
}

traffic_phase() { traffic_signal USR1; }
traffic_stop() { traffic_signal TERM && rm -f "$LAB_RUN/probe.pid"; }
traffic_query() { tail -n 1 "$(traffic_report)" | jq -r "$1"; }

# Streams that are not flowing right now, both directions counted. No program is
# started: this is asked in a loop.
traffic_stalled() {
	local lines=()
	mapfile -t lines <"$(traffic_events)"
	[[ ${#lines[@]} -gt 0 && ${lines[-1]} =~ stalled=([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# ---- the load LAC -------------------------------------------------------
#
#   load_start TUNNELS SESSIONS [OPTIONS]   build/loadlac, from 192.0.2.200 on, no call yet;
#                                           SESSIONS in each tunnel, echo traffic
#   load COMMAND...                         a command to it, see loadlac --help
#   load_figure JQ                          of its `stats full`
#   load_quit                               ends it; its verdict is the status

load_start() {
	local tunnels=$1 sessions=$2
	shift 2
	in_ns lac "$LAB_BUILD/loadlac" --lns "${LAB_LNS:-$LAB_VIP}" --local 192.0.2.200 \
		--addresses "$tunnels" --source-port 1701 --tunnels "$tunnels" --sessions "$sessions" \
		--hostname secretlac --secret tunnelsecret --auth mix \
		--traffic icmp --core $LAB_CORE_HOST --interval 50 --no-call \
		--control "$LAB_RUN/load.sock" --json "$LAB_OUT/load.json" "$@" \
		</dev/null >"$LAB_OUT/load.log" 2>&1 &
	echo $! >"$LAB_RUN/load.pid"
	wait_until 10 test -S "$LAB_RUN/load.sock"
}

load() { "$LAB_BUILD/loadlac" ctl "$LAB_RUN/load.sock" "$@"; }
load_figure() { load stats full | jq -r "$1"; }
load_quit() {
	local pid
	pid=$(cat "$LAB_RUN/load.pid")
	load quit >/dev/null
	wait "$pid"
}

# ---- xl2tpd as LNS --------------------------------------------------------

lns_xl2tpd_start() {
	local n=$1 d=$LAB_RUN/$1/xl2tpd i
	mkdir -p "$d"
	ip -n "lns-$n" addr add $LAB_VIP/24 dev access
	ip -n "lns-$n" addr add $LAB_CORE_VIP/24 dev core
	cat >"$d/conf" <<-END
	[global]
	listen-addr = $LAB_VIP
	auth file = $d/secrets
	[lns default]
	ip range = 10.64.0.2-10.64.15.254
	local ip = 10.64.0.1
	hostname = lns
	length bit = yes
	pppoptfile = $d/options
	END
	echo "* * tunnelsecret" >"$d/secrets"
	cat >"$d/options" <<-END
	noccp
	novj
	require-chap
	require-pap
	mtu 1460
	mru 1460
	lcp-echo-interval 10
	lcp-echo-failure 5
	END
	for ((i = 0; i <= LAB_USERS; i++)); do
		echo "sub$i * pw$i *"
	done >"$d/ppp-secrets"
	# pppd reads its secrets from /etc; nobody but this host sees these.
	# shellcheck disable=SC2016
	on_node "$n" unshare -m bash -c '
		mount --bind "$1/ppp-secrets" /etc/ppp/chap-secrets &&
		mount --bind "$1/ppp-secrets" /etc/ppp/pap-secrets &&
		exec xl2tpd -D -c "$1/conf" -s "$1/secrets" -p "$1/pid" -C "$1/control"' \
		bash "$d" </dev/null >"$LAB_OUT/xl2tpd-lns.log" 2>&1 &
	disown $!
	wait_until 5 test -s "$d/pid"
}
