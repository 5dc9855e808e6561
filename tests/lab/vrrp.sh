# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# keepalived on the two LNS, to be sourced after net.sh. It decides who is active:
# LNS a has priority 240, b 220, and takes the role back when it can.
#
#   keepalived_start N          real keepalived on the host of LNS N
#   keepalived_kill9 N          both of its processes at once
#   keepalived_says N           its last word
#   keepalived_track N          what l2tphad tells it
#   LAB_ADVERT_S                interval of its advertisements (0.5)

# The address of VRRP itself is a dummy: the real one is l2tphad's. The script
# sees a daemon that is dead or stands still, which cannot write to its file; it
# weighs less than what the file can: slow and complete beats quick and empty.
keepalived_config() {
	local n=$1 priority=240
	[ "$n" = a ] || priority=220
	cat <<-END
	global_defs {
	    router_id lns-$n
	    vrrp_notify_fifo /run/l2tpha-$n/keepalived.fifo
	    script_user root
	}
	track_file l2tpha {
	    file "/run/l2tpha-$n/track"
	    weight 1
	}
	vrrp_script l2tphad {
	    script "$LAB_BUILD/l2tpctl -s $(node_socket "$n") show redundancy fitness"
	    interval 3
	    timeout 6
	    fall 2
	    rise 1
	    weight -120
	    init_fail
	}
	vrrp_instance LNS {
	    state BACKUP
	    interface access
	    virtual_router_id 51
	    version 3
	    priority $priority
	    advert_int ${LAB_ADVERT_S:-0.5}
	    virtual_ipaddress {
	        169.254.51.1/32 dev lo scope host
	    }
	    track_file {
	        l2tpha weight 1
	    }
	    track_script {
	        l2tphad
	    }
	}
	END
}

lab_group_config() {
	cat <<-END
	  detector keepalived
	  keepalived fifo /run/l2tpha-$1/keepalived.fifo
	  keepalived instance LNS
	  track-file /run/l2tpha-$1/track
	END
}

keepalived_log() { echo "$LAB_OUT/keepalived-$1.log"; }

keepalived_start() {
	local n=$1 d=$LAB_RUN/$1
	keepalived_config "$n" >"$d/keepalived.conf"
	become_on_node "$n" keepalived -n -l -D -P -f "$d/keepalived.conf" -p "$d/keepalived.pid" -r "$d/vrrp.pid" \
		</dev/null >>"$(keepalived_log "$n")" 2>&1 &
	disown $!
	wait_until 10 test -s "$d/vrrp.pid"
}

keepalived_kill9() {
	local d=$LAB_RUN/$1
	kill -KILL "$(cat "$d/keepalived.pid")" "$(cat "$d/vrrp.pid")"
	rm -f "$d/keepalived.pid" "$d/vrrp.pid"
	# What it leaves behind, as on a real box; its next start does not mind.
	ip -n "lns-$1" addr show dev lo | grep -qF 169.254.51.1 || note "(keepalived on lns-$1 was not MASTER)"
}

keepalived_says() { cat "/run/l2tpha-$1/keepalived.1" 2>/dev/null; }
keepalived_track() { cat "/run/l2tpha-$1/track" 2>/dev/null; }
keepalived_tracks() { [ "$(keepalived_track "$1")" = "$2" ]; }
