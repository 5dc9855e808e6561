#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make lab`: the pair with four subscribers, and a shell beside it.

. "$(dirname "$0")/net.sh"
. "$LAB_HERE/lac.sh"
. "$LAB_HERE/pair.sh"
n=${N:-4}
pair_up || pair_dump
lac_start "$n"
wait_until 30 lac_all_up "$n" || lac_explain "$n"
cat <<END

The pair is running, $(lac_count "$n") of $n subscribers are up. For example:

  ctl a show l2tp redundancy all     what lns-a says (ctl a help)
  ctl a redundancy switchover        hand over
  power_loss a; power_on a; node_start a       pull the plug, and back
  lac_dial $((n + 1)); lac_hangup 1; lac_addresses    subscribers
  traffic_start 20; traffic_phase; traffic_query .up    gaps and losses
  ip netns exec lac bash             a shell on a host (lac lns-a lns-b core sw)
  less \$(node_log a)

Leave with exit.
END
export LAB_TOP
exec bash --rcfile "$LAB_HERE/rc" -i
