# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# Two releases in one pair, to be sourced after pair.sh: each box has the one in
# installed[], and is given another by the commands of l2tpha-ha(7), section
# ROLLING UPGRADE, as they are written there. stop is the caller's.
#
#   roll_begin RELEASE     both boxes have it; this and previous are what there is
#   roll TARGET ACTIVE     the sequence; its lns-a is the box that is active now,
#                          afterwards the other one is
#   release DIRECTORY      old or new

this=$LAB_BUILD
previous=$LAB_BUILD/previous/src/build
declare -A installed=([a]=$this [b]=$this)

roll_begin() {
	installed=([a]=$1 [b]=$1)
	sed -n '/^\.\\" upgrade: begin/,/^\.\\" upgrade: end/p' "$LAB_TOP/man/l2tpha-ha.7" |
		grep '^lns-[ab]# ' >"$LAB_RUN/sequence"
	[ "$(wc -l <"$LAB_RUN/sequence")" -ge 8 ] || fail "the manual has no sequence"
}

# The programs of net.sh, of the release that the box has.
eval "release_$(declare -f node_start)"
node_start() { LAB_BUILD=${installed[$1]} release_node_start "$@"; }
eval "release_$(declare -f ctl)"
ctl() { LAB_BUILD=${installed[$1]} release_ctl "$@"; }

# What the manual says, on the box $box: the package is the one in $target.
box='' target=''
systemctl() {
	[ "$2" = l2tpha ] || return 1
	case $1 in
	stop)	node_stop "$box" ;;
	start)	node_start "$box" ;;
	*)	return 1 ;;
	esac
}
apt-get() {
	[ "$*" = "install l2tpha" ] || return 1
	installed[$box]=$target
}
l2tpctl() { ctl "$box" "$@"; }

release() { case $1 in "$this") echo new ;; *) echo old ;; esac; }

roll() {
	local line command
	target=$1
	while read -r line; do
		box=${line#lns-}
		box=${box%%#*}
		[ "$2" = a ] || box=$(other "$box")
		command=${line#*# }
		note "lns-$box ($(release "${installed[$box]}"))# $command"
		if ! eval "$command" >"$LAB_RUN/command" 2>&1; then
			cat "$LAB_RUN/command"
			stop "the manual's command fails on lns-$box: $command"
		fi
	done <"$LAB_RUN/sequence"
}
