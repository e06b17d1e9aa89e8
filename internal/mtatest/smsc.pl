#!/usr/bin/perl
# smsc.pl PORT LOG: a message center made with Net::SMPP, of Debian's package
# libnet-smpp-perl. Login cs, password secret. It writes a line into LOG for each
# text: sender, number, coding, class, and the text in hexadecimal. It says that
# there are too many messages (0x58) for numbers that end in 01, ends the link
# before it answers for those that end in 02, and for those that end in 03 says
# later that it could not deliver. It prints "ok listening" when it listens.
use strict;
use warnings;
use Net::SMPP;
use POSIX ();

$| = 1;
$SIG{CHLD} = 'IGNORE';
$SIG{TERM} = sub { POSIX::_exit(0) };
my ($port, $log) = @ARGV;
my $center = Net::SMPP->new_listen('127.0.0.1', port => $port, smpp_version => 0x34, timeout => 3600) or do { print "listen: $!\n"; exit 1 };
print "ok listening\n";

sub note {
	open my $file, '>>', $log or die $!;
	print $file join(' ', @_), "\n";
	close $file;
}

while (1) {
	my $link = $center->accept or next;
	defined(my $child = fork) or die;
	if ($child) { close $link; next }
	close $center;
	serve($link);
	POSIX::_exit(0);
}

sub serve {
	my ($link) = @_;
	my $taken = 0;
	while (my $unit = $link->read_pdu) {
		my ($seq, $cmd) = ($unit->{seq}, $unit->{cmd});
		if ($cmd == Net::SMPP::CMD_bind_transceiver) {
			my $right = $unit->{system_id} eq 'cs' && $unit->{password} eq 'secret';
			note($right ? 'bound' : 'refused', $unit->{system_id});
			$link->bind_transceiver_resp(seq => $seq, status => $right ? 0 : 0x0d, system_id => 'CENTER');
			return unless $right;
		} elsif ($cmd == Net::SMPP::CMD_enquire_link) {
			$link->enquire_link_resp(seq => $seq);
		} elsif ($cmd == Net::SMPP::CMD_unbind) {
			$link->unbind_resp(seq => $seq);
			return;
		} elsif ($cmd == Net::SMPP::CMD_submit_sm) {
			my $to = $unit->{destination_addr};
			my $id = sprintf '%d-%d', $$, ++$taken;
			note('text', $unit->{source_addr}, $to, $unit->{data_coding}, $unit->{esm_class}, unpack('H*', $unit->{short_message}));
			if ($to =~ /01$/) { $link->submit_sm_resp(seq => $seq, status => 0x58, message_id => ''); next }
			return if $to =~ /02$/;
			$link->submit_sm_resp(seq => $seq, message_id => $id);
			next unless $unit->{registered_delivery} & 1;
			my $state = $to =~ /03$/ ? 'UNDELIV' : 'DELIVRD';
			$link->deliver_sm(source_addr => $to, destination_addr => $unit->{source_addr}, esm_class => 4, async => 1,
				short_message => "id:$id sub:001 dlvrd:001 submit date:2611031000 done date:2611031000 stat:$state err:000 text:");
		}
	}
}
