#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The PPP engine alone, against Debian's pppd over the kernel's L2TP: capture, power
# loss, silent injection, activation, first words of a hasty subscriber, death of the
# daemon and of the zygote, refusals, and the rate at which standby sessions are put in
# place.

here=$(cd "$(dirname "$0")" && pwd -P)
top=$(cd "$here/../.." && pwd -P)
driver=${LAB_BUILD:-$top/build}/ppp-driver
L2TPHA_PLUGIN=${L2TPHA_PLUGIN:-${LAB_BUILD:-$top/build}/l2tpha.so}
L2TPHA_PPPD_LOG=/run/ppp-engine.log
export L2TPHA_PLUGIN L2TPHA_PPPD_LOG

# the last one waits for half a minute
for what in "story none" "story pap" "story chap" "proxy chap" "proxy pap" "proxy lcp" "proxy wrong" early peer orphan zygote refuse "rate 50" ${LONG:+silent}; do
	echo "== $what"
	: >"$L2TPHA_PPPD_LOG"
	# shellcheck disable=SC2086 # the word after the story is its argument
	if ! timeout 90 "$driver" $what; then
		echo "-- pppd, LNS"
		tail -n 40 "$L2TPHA_PPPD_LOG"
		echo "-- pppd, subscriber"
		tail -n 20 /run/l2tpha-driver/subscriber.log
		echo "FAIL: $what"
		exit 1
	fi
done
