#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Installs from Debian what a task needs and this machine does not have.
#
#   tests/deps.sh build    what compiles the sources
#   tests/deps.sh check    build, the analysers and the lab (what `make check` uses)
#   tests/deps.sh demo     build and the lab
#   tests/deps.sh package  build and what makes and judges the Debian package
#   tests/deps.sh -n SET   only says what is missing; exit status 1 if anything is
#
# Says what it installs, asks nothing. Needs root only when something is missing.

set -u
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

build="gcc make pkg-config libev-dev libnl-3-dev libnl-genl-3-dev libnl-route-3-dev
	libgnutls28-dev nettle-dev libprotobuf-c-dev protobuf-c-compiler
	libjansson-dev check ppp-dev uthash-dev libnftables-dev libsystemd-dev
	libedit-dev libsmartcols-dev"
# The lab: the emulator and what makes its initramfs, then what runs inside.
lab="qemu-system-x86 busybox-static cpio zstd xz-utils kmod
	ppp xl2tpd keepalived corosync pacemaker resource-agents libxml2-utils tshark tcpdump nftables iproute2 iputils-ping procps
	util-linux jq systemd"
analysis="clang-tidy cppcheck mandoc shellcheck"
fuzzing="clang libclang-rt-dev"
package="debhelper dpkg-dev lintian ppp kmod git"

usage() {
	echo "usage: tests/deps.sh [-n] build|check|demo|package" >&2
	exit 2
}

dry=0
if [ "${1:-}" = -n ]; then
	dry=1
	shift
fi
[ $# -eq 1 ] || usage
case $1 in
build)	want=$build ;;
check)	want="$build $lab $analysis $fuzzing $package" ;;
demo)	want="$build $lab" ;;
package) want="$build $package" ;;
*)	usage ;;
esac

missing=()
for p in $want; do
	# One word per architecture it is installed for.
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) in
	installed*) ;;
	*) missing+=("$p") ;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ $dry = 1 ]; then
	echo "deps: missing: ${missing[*]}"
	exit 1
fi
if [ "$(id -u)" != 0 ]; then
	echo "deps: missing: ${missing[*]}; run as root: $0 $1" >&2
	exit 1
fi

# apt's own output is kept for the case that something goes wrong.
log=$(mktemp)
policy=/usr/sbin/policy-rc.d ours=
trap 'rm -f "$log" $ours' EXIT
fail() {
	cat "$log" >&2
	echo "deps: $*" >&2
	exit 1
}

# No service that comes with a package may start here: keepalived would join the
# machine's own network. An operator's policy is left alone.
if [ ! -e $policy ]; then
	ours=$policy
	printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy || fail "cannot keep services from starting"
fi
echo "deps: installing ${missing[*]}"
# Stale lists are as bad as none: the archive no longer has what they name.
apt-get -q update >"$log" 2>&1 || fail "apt-get update failed"
apt-get -q -y --no-install-recommends \
	-o Dpkg::Options::=--force-confold \
	install "${missing[@]}" </dev/null >"$log" 2>&1 ||
	fail "apt-get install failed"
echo "deps: installed ${#missing[@]} packages"
