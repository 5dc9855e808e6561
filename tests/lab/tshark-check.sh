#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads a capture of the access network with tshark, an L2TP and PPP decoder that
# is not ours, and says what it holds.
#
#   tests/lab/tshark-check.sh [-o OUR_ADDRESS] [-t MS] [-y DISPLAY_FILTER] [-q] FILE.pcap
#
# Prints "name value" lines. Fails if a control packet was not decoded, if a packet
# sent from OUR_ADDRESS (192.0.2.1) is malformed or has an expert entry of level
# warning or higher, and if there was nothing to check. With -t (milliseconds
# since 1970) the names ending in _after count what was seen from then on:
#
#   stopccn cdn             control messages of these types, from either side
#   lcp_confreq_after ipcp_confreq_after lcp_term_after   in data packets
#   lcp_protrej_ours_after        a protocol of the peer was rejected by us
#   hello_ours hello_theirs and the ZLBs and messages that passed
#   retransmissions_ours retransmissions_theirs (_after): repeated Ns of a tunnel
#   retransmissions_max_after     of one single message
#
# -y reads only the packets that match; -q prints only what is wrong.

set -u
ours=192.0.2.1 after=0 quiet=0 filter='udp.port == 1701'
while getopts o:t:y:q opt; do
	case $opt in
	o)	ours=$OPTARG ;;
	t)	after=$OPTARG ;;
	y)	filter="$filter and ($OPTARG)" ;;
	q)	quiet=1 ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 1 ] || { sed -n '7p' "$0" >&2; exit 2; }
file=$1
[ -r "$file" ] || { echo "tshark-check: cannot read $file" >&2; exit 2; }

err=$(mktemp)
trap 'rm -f "$err"' EXIT

# One line a frame. Several values of one field (two PPP messages in one frame do
# not occur; several AVPs do) are separated by commas.
tshark -n -r "$file" -Y "$filter" -T fields -E separator='|' -E aggregator=, \
	-o udp.check_checksum:FALSE \
	-e frame.number -e frame.time_epoch -e ip.src -e ip.dst -e _ws.col.Protocol \
	-e l2tp.type -e l2tp.avp.message_type -e l2tp.tunnel -e l2tp.Ns \
	-e ppp.protocol -e ppp.code -e _ws.malformed -e _ws.expert.severity \
	-e _ws.expert.message -e udp.payload -e ipv6.src -e ipv6.dst 2>"$err" |
awk -F'|' -v ours="$ours" -v after="$after" -v quiet=$quiet -v file="$file" '
{
	n++
	late = ($2 * 1000 >= after) && after > 0
	if ($3 == "") { $3 = $16; $4 = $17 }
	mine = ($3 == ours)
	who = mine ? "ours" : "theirs"
	is_control = ($15 ~ /^[89a-f]/)		# the T bit
	if (is_control) {
		control++
		control_by[who]++
		# Type 1 is a control message; nothing there: not decoded as L2TP.
		if ($6 !~ /^(1|True|0x0*1)/) { bad("not decoded as a control message") }
	} else
		data++
	if ($12 != "" && mine) bad("malformed")
	if ($12 != "" && !mine) malformed_theirs++
	m = split($13, sev, ",")
	for (i = 1; i <= m; i++)
		if (sev[i] + 0 >= 6291456) {
			if (mine) bad("expert entry: " $14); else warnings_theirs++
		}
	if (is_control) {
		split($7, types, ",")
		type = types[1]
		if (type == "") {
			zlb[who]++
		} else {
			if (type == 4) { stopccn++; if (late) stopccn_after++ }
			if (type == 14) { cdn++; if (late) cdn_after++ }
			if (type == 6) { hello[who]++; if (late) hello_after[who]++ }
			# A repeated number in the same direction of the same tunnel.
			# SCCRQ goes to tunnel 0, where the source tells them apart.
			key = $3 " " $4 " " $8 " " $9 " " (substr($15, 9, 4) == "0000" ? $15 : "")
			if (key in seen) {
				retrans[who]++
				if (late) {
					retrans_after[who]++
					if (++per[key] > max) max = per[key]
				}
			}
			seen[key] = 1
		}
	} else if ($10 != "") {
		split($10, proto, ","); split($11, code, ",")
		p = tolower(proto[1])
		if (code[1] == 1 && p ~ /c021$/) { lcp++; if (late) lcp_after++ }
		if (code[1] == 1 && p ~ /8021$/) { ipcp++; if (late) ipcp_after++ }
		if (code[1] == 5 && p ~ /c021$/) { term++; if (late) term_after++ }
		if (code[1] == 8 && p ~ /c021$/ && mine) { rej++; if (late) rej_after++ }
	}
}
function bad(what) {
	wrong++
	if (wrong <= 20)
		print "tshark-check: frame " $1 " from " $3 ": " what
}
END {
	if (!quiet) {
		print "frames", n + 0
		print "control", control + 0
		print "control_ours", control_by["ours"] + 0
		print "control_theirs", control_by["theirs"] + 0
		print "data", data + 0
		print "zlb_ours", zlb["ours"] + 0
		print "zlb_theirs", zlb["theirs"] + 0
		print "hello_ours", hello["ours"] + 0
		print "hello_theirs", hello["theirs"] + 0
		print "hello_ours_after", hello_after["ours"] + 0
		print "hello_theirs_after", hello_after["theirs"] + 0
		print "stopccn", stopccn + 0
		print "cdn", cdn + 0
		print "stopccn_after", stopccn_after + 0
		print "cdn_after", cdn_after + 0
		print "lcp_confreq", lcp + 0
		print "ipcp_confreq", ipcp + 0
		print "lcp_confreq_after", lcp_after + 0
		print "ipcp_confreq_after", ipcp_after + 0
		print "lcp_term", term + 0
		print "lcp_term_after", term_after + 0
		print "lcp_protrej_ours", rej + 0
		print "lcp_protrej_ours_after", rej_after + 0
		print "retransmissions_ours", retrans["ours"] + 0
		print "retransmissions_theirs", retrans["theirs"] + 0
		print "retransmissions_ours_after", retrans_after["ours"] + 0
		print "retransmissions_theirs_after", retrans_after["theirs"] + 0
		print "retransmissions_max_after", max + 0
		print "malformed_theirs", malformed_theirs + 0
		print "warnings_theirs", warnings_theirs + 0
		print "wrong", wrong + 0
	}
	if (control_by["ours"] + 0 == 0) {
		print "tshark-check: no control packet from " ours " in " file
		exit 1
	}
	exit wrong > 0
}'
status=$?
if ! grep -qv -e 'Running as user' "$err" && [ $status = 0 ]; then
	exit 0
fi
grep -v 'Running as user' "$err" >&2
exit $status
