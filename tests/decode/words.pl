#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads what `tshark -T pdml` says and prints the lines that tests/decode/decode.c
# prints: one for each control packet, one for each of its AVPs.

use strict;
use warnings;

my %head = map { $_ => 1 } qw(length tunnel session Ns Nr);
# what is said of other things than an AVP's value, or twice
my %other = map { $_ => 1 } qw(flags type length_bit seq_bit offset_bit priority version
	zero_length_body_message vendor_specific_avp_data avp.csu broadband.access_loop_encapsulation
	avp.ciscotype avp.ericssontype avp.cablelabstype);

my ($control, $line, @words, $hidden);

sub flush_line {
	print join(' ', $line, @words), "\n" if defined $line;
	($line, @words) = ();
}

while (<>) {
	if (/<packet>/) {
		flush_line();
		($control, $hidden) = (0, 0);
		next;
	}
	if (/<\/packet>/) {
		flush_line();
		$control = 0;
		next;
	}
	next unless /<field name="l2tp\.([A-Za-z0-9_.]+)" .*?show="([^"]*)"/;
	my ($name, $show) = ($1, $2);
	$show =~ s/&lt;/</g;
	$show =~ s/&gt;/>/g;
	$show =~ s/&quot;/"/g;
	$show =~ s/&apos;/'/g;
	$show =~ s/&amp;/&/g;
	$show = hex $show if $show =~ /^0x[0-9a-f]{1,8}$/;
	if ($name eq 'type') {
		$control = $show eq '1';
		next;
	}
	next unless $control;
	if ($head{$name}) {
		$line = 'P' unless defined $line;
		push @words, "$name=$show";
	} elsif ($name eq 'avp.mandatory') {
		flush_line();
		$line = "A m=$show";
	} elsif ($name eq 'avp.hidden') {
		$hidden = $show;
		push @words, "h=$show";
	} elsif ($name eq 'avp.length') {
		push @words, "length=$show";
	} elsif ($name eq 'avp.vendor_id') {
		push @words, "vendor=$show";
	} elsif ($name eq 'avp.type' or $name eq 'avp.broadbandtype') {
		push @words, "type=$show";
	} elsif (!$other{$name} and !$hidden) {
		push @words, "$name=$show";
	}
}
flush_line();
