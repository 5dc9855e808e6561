# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Two redundancy groups, to be sourced after net.sh, lac.sh and pair.sh. Group G has
# the addresses 192.0.2.G and 198.51.100.(2G-1), the pool 10.6(3+G).0.0/24, and two
# boxes: home[G], which it prefers, and stand[G]. stop and subs are the caller's.
#
#   group_value NODE G JQ        what a node says of a group; group_is, group_in_sync
#   group_has NODE G N           N sessions would survive, and are in place
#   holder G                     the boxes that have the group's address
#   ready G NODE                 NODE is active for group G, its other box in sync
#   step TEXT                    all subscribers have what they had and are served

declare -A home=([1]=a [2]=b) stand=([1]=b [2]=a)

lab_config() {
	local -A number=([a]=1 [b]=2 [c]=3)
	local i g peer
	printf 'hostname lns-%s\nvpdn enable\n' "$1"
	for ((i = 0; i <= subs; i++)); do
		echo "username sub$i password 0 pw$i"
	done
	for g in 1 2; do
		cat <<-END
		ip local pool SUBS$g 10.6$((g + 3)).0.2 10.6$((g + 3)).0.254
		interface virtual-template $g
		 ip address 10.6$((g + 3)).0.1
		 peer default ip address pool SUBS$g
		 ppp authentication chap pap
		 mtu 1460
		vpdn-group secret$g
		 accept-dialin
		  protocol l2tp
		  virtual-template $g
		 terminate-from hostname secretlac
		 source-ip 192.0.2.$g
		 local name lns
		 l2tp tunnel password 0 tunnelsecret
		vpdn-group plain$g
		 accept-dialin
		  protocol l2tp
		  virtual-template $g
		 source-ip 192.0.2.$g
		 local name lns
		 no l2tp tunnel authentication
		END
	done
	printf 'redundancy\n mode sso\n'
	for g in 1 2; do
		peer=${stand[$g]}
		[ "$1" != "$peer" ] || peer=${home[$g]}
		[ "$1" = "${home[$g]}" ] || [ "$1" = "${stand[$g]}" ] || continue
		cat <<-END
		 group $g
		  virtual-address 192.0.2.$g/24 interface access
		  virtual-address 198.51.100.$((2 * g - 1))/24 interface core
		  local address 203.0.113.${number[$1]} port 170$((g + 1))
		  peer address 203.0.113.${number[$peer]} port 170$((g + 1))
		  pre-shared-key 0 00112233445566778899aabbccddee0$g
		  priority $([ "$1" = "${home[$g]}" ] && echo 200 || echo 100)
		  commit timeout 250
		  timers startup 20000
		END
		lab_group_config "$1" "$g"
		# two boxes divide them by themselves
		[ "${stand[1]}" != "${stand[2]}" ] || echo "  tunnel-ids $((20000 * g)) $((20000 * g + 9999))"
	done
}

group_value() { ctl "$1" show redundancy group "$2" json 2>/dev/null | jq -r ".groups[0] | $3" 2>/dev/null; }
group_is() { [ "$(group_value "$1" "$2" .role)" = "$3" ]; }
group_in_sync() { [ "$(group_value "$1" "$2" .in_sync)" = true ]; }
group_has() { [ "$(group_value "$1" "$2" '"\(.plug_pulled.survive)/\(.plug_pulled.in_place)"')" = "$3/$3" ]; }
holder() {
	local i
	for i in a b c; do
		ip -n lns-$i -4 -o addr show dev access 2>/dev/null | grep -qF " 192.0.2.$1/" && printf %s $i
	done
}

ready() {
	wait_until 20 group_is "$2" "$1" active || stop "lns-$2 is not active for group $1 but $(group_value "$2" "$1" .role)"
	local peer=${stand[$1]}
	[ "$2" != "$peer" ] || peer=${home[$1]}
	wait_until 20 group_in_sync "$2" "$1" && wait_until 20 group_in_sync "$peer" "$1" ||
		stop "group $1 is not in sync: $(group_value "$2" "$1" .sync_reason)"
	[ "$(holder "$1")" = "$2" ] || stop "the address of group $1 is on '$(holder "$1")'"
}

step() {
	sleep 0.5
	wait_until 10 flowing || stop "$1: $(traffic_stalled) streams stand still"
	addresses_same "$LAB_RUN/before" || stop "$1: $(lac_count $subs) of $subs, or other addresses"
	traffic_phase
	[ "$(traffic_query '.up.not_flowing + .down.not_flowing')" = 0 ] || stop "$1: streams do not flow"
	note "$(printf '%-40s group 1 on %s, 2 on %s; longest gap %5d ms up %5d ms down, %d lost' "$1" "$(holder 1)" "$(holder 2)" \
		"$(traffic_query '.up.longest_gap_ms | floor')" "$(traffic_query '.down.longest_gap_ms | floor')" \
		"$(traffic_query '.up.lost + .down.lost')")"
}
