#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sends what no well-behaved program would send. Random, but from a seed.
#
#   garbage.pl udp SOURCE ADDRESS PORT COUNT     datagrams: noise, and L2TP headers
#                                                whose lengths and versions lie
#   garbage.pl tcp ADDRESS PORT                  noise; half a TLS record; nothing
#   garbage.pl unix PATH                         noise and half a line, any socket type
#   garbage.pl fd PID                            noise into the Unix sockets of a process
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(AF_UNIX SOCK_STREAM SOCK_SEQPACKET SOCK_DGRAM sockaddr_un MSG_DONTWAIT);

srand(4711);
$SIG{PIPE} = 'IGNORE';

sub noise { join '', map { chr int rand 256 } 1 .. $_[0] }

my ($kind, @arg) = @ARGV;
if ($kind eq 'udp') {
	my ($from, $to, $port, $count) = @arg;
	my $s = IO::Socket::INET->new(Proto => 'udp', LocalAddr => $from, LocalPort => 1701,
		ReuseAddr => 1, PeerAddr => $to, PeerPort => $port) or die "socket: $!\n";
	for my $i (1 .. $count) {
		my $len = int rand 200;
		my $header = pack 'nnnnnn', 0xc802, 12 + $len, int rand 65536, 0, int rand 4, int rand 4;
		my @kinds = (
			noise($len),
			$header . noise($len),				# AVPs of noise
			pack('n', 0xc802),				# cut off
			pack('nnnnnn', 0xc802, 4000, 0, 0, 0, 0),	# longer than it is
			pack('nnnnnn', 0xc802, 3, 0, 0, 0, 0),		# shorter than a header
			pack('nnnnnn', 0xc803, 12, 0, 0, 0, 0),		# L2TPv3
			pack('nnnnnn', 0xc801, 12, 0, 0, 0, 0),		# L2F
			pack('nnnnnn nnnn', 0xc802, 20, 0, 0, 0, 0, 0x8000, 0, 0, 1),	# AVP of length 0
			pack('nnnnnn nnnn', 0xc802, 20, 0, 0, 0, 0, 0x83ff, 0, 0, 1),	# AVP past the end
			pack('nnn', 0x0002, 77, 88) . noise($len),	# data of no session
		);
		# What this host refuses to send is not the receiver's matter.
		$s->send($kinds[$i % @kinds]);
		select undef, undef, undef, 0.002;
	}
} elsif ($kind eq 'tcp') {
	my ($to, $port) = @arg;
	for my $bytes (noise(700), "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . noise(20), '') {
		my $s = IO::Socket::INET->new(Proto => 'tcp', PeerAddr => $to, PeerPort => $port, Timeout => 5)
			or die "connect: $!\n";
		print $s $bytes;
		$s->flush;
		select undef, undef, undef, 0.2;
		close $s;
	}
} elsif ($kind eq 'unix') {
	my ($path) = @arg;
	my $reached = 0;
	for my $type (SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM) {
		for my $bytes (noise(5000), "{\"half\": [1, ", "show\0run\n\n\xff\xfe", noise(3)) {
			socket my $s, AF_UNIX, $type, 0 or die "socket: $!\n";
			connect $s, sockaddr_un($path) or next;
			$reached++;
			send $s, $bytes, MSG_DONTWAIT;
			select undef, undef, undef, 0.05;
			close $s;
		}
	}
	die "$path: nothing listens\n" unless $reached;
} elsif ($kind eq 'fd') {
	my ($pid) = @arg;
	my $reached = 0;
	my $pidfd = syscall 434, $pid + 0, 0;
	die "pidfd_open: $!\n" if $pidfd < 0;
	for my $link (glob "/proc/$pid/fd/*") {
		my ($n) = $link =~ /(\d+)$/;
		next unless (readlink $link // '') =~ /^socket:/;
		my $fd = syscall 438, $pidfd, $n + 0, 0;	# pidfd_getfd
		next if $fd < 0;
		open my $s, '+<&=', $fd or next;
		my $name = getsockname $s;
		next unless defined $name && unpack('S', $name) == AF_UNIX;
		for my $bytes (noise(300), noise(3), pack('NN', 0xffffffff, 0xffffffff), noise(4000)) {
			$reached++ if defined send $s, $bytes, MSG_DONTWAIT;
		}
	}
	die "process $pid: no socket took anything\n" unless $reached;
} else {
	die "garbage.pl: unknown kind\n";
}
