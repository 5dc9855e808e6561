// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Malformed and hostile packets, class by class (RFC 2661 3.1, 4.1-4.4, 5.8,
 * 7.1): the packet, and the answer that is prescribed.  There is no other
 * answer than that one, and nobody else suffers: a second call of the same
 * tunnel, or the next request of the same peer, goes through as if nothing had been.
 *
 * The octets are written by hand: what the encoder can say is not hostile.
 */
#include <ctype.h>

#include "tests/unit/check_main.h"
#include "tests/unit/l2tp_fixture.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define CALL_ID 9		/* the LAC's number of its call */

enum where {
	STRANGER,		/* no tunnel yet */
	SETUP,			/* the SCCRP is out */
	TUNNEL,			/* established, with one call up */
	CALL,			/* the packet is for that call */
	RINGING,		/* the packet is for a call whose ICRP is out */
};
enum answer {
	SILENCE,		/* nothing, and nothing has changed */
	ACK,			/* taken: acknowledged, no more */
	AGAIN,			/* not taken, acknowledged as what was seen before */
	ACCEPT,			/* SCCRP, ICRP */
	STOP,			/* StopCCN with these codes */
	CDN,			/* with these codes */
	CLEAR,			/* the call ends without a word */
	CLOSE,			/* the tunnel ends without a StopCCN */
};

struct hostile {
	const char *class;
	enum where where;
	const char *body;	/* octets after the header, in hexadecimal */
	enum answer answer;
	uint16_t result, error;
	/* What is wrong with the header: */
	uint16_t flags;		/* 0: c802 */
	int length;		/* so much more than there is */
	int cut;		/* the datagram has so many octets and no more; 0: all */
	int ns, nr;		/* off by so much */
	int tunnel, session;	/* other numbers than the right ones */
	enum { NOBODY, OTHER_PORT, OTHER_ADDRESS, OTHER_LOCAL } from;
	bool secret;		/* the tunnel has one: "secret" */
};

#define HELLO "8008 0000 0000 0006 "
#define SCCRQ "8008 0000 0000 0001 "
#define SCCRP "8008 0000 0000 0002 "
#define SCCCN "8008 0000 0000 0003 "
#define STOPCCN "8008 0000 0000 0004 "
#define OCRQ "8008 0000 0000 0007 "
#define OCRP "8008 0000 0000 0008 "
#define OCCN "8008 0000 0000 0009 "
#define ICRQ "8008 0000 0000 000a "
#define ICRP "8008 0000 0000 000b "
#define ICCN "8008 0000 0000 000c "
#define CDN_ "8008 0000 0000 000e "
#define WEN "8008 0000 0000 000f "
#define SLI "8008 0000 0000 0010 "
#define VERSION "8008 0000 0002 0100 "
#define FRAMING "800a 0000 0003 0000 0003 "
#define NAME "8009 0000 0007 6c6163 "
#define TUNNEL_ID "8008 0000 0009 004d "
#define ASK VERSION FRAMING NAME TUNNEL_ID
#define SESSION_ID "8008 0000 000e 0063 "
#define SERIAL "800a 0000 000f 0000 0001 "
#define SPEED "800a 0000 0018 0001 0000 "
#define SYNC "800a 0000 0013 0000 0001 "
#define RESULT "8008 0000 0001 0001 "
#define VECTOR "8016 0000 0024 00010203 04050607 08090a0b 0c0d0e0f "
#define UNKNOWN_M "8006 0000 03e7 "
#define UNKNOWN "0006 0000 03e7 "
#define BIT_M "8406 0000 0027 "		/* a reserved bit makes it unknown, whatever it is */
#define BIT "0406 0000 0027 "
#define VENDOR_M "8008 0009 0001 0000 "
#define VENDOR "0008 0009 0001 0000 "
#define CODES(res, err) .result = (res), .error = (err)

static const struct hostile packets[] = {
	/* ---- the header: discarded, whoever sent it -------------------------------- */
	{ "an empty datagram", TUNNEL, HELLO, .answer = SILENCE, .cut = -1 },
	{ "one octet", TUNNEL, HELLO, .answer = SILENCE, .cut = 1 },
	{ "a header that is not all there", TUNNEL, HELLO, .answer = SILENCE, .cut = 11 },
	{ "version 0", TUNNEL, HELLO, .answer = SILENCE, .flags = 0xc800 },
	{ "version 1, which is L2F", TUNNEL, HELLO, .answer = SILENCE, .flags = 0xc801 },
	{ "version 3", TUNNEL, HELLO, .answer = SILENCE, .flags = 0xc803 },
	{ "version 15", TUNNEL, HELLO, .answer = SILENCE, .flags = 0xc80f },
	{ "no Length", TUNNEL, HELLO, .answer = SILENCE, .flags = 0x8802 },
	{ "no Ns and Nr", TUNNEL, HELLO, .answer = SILENCE, .flags = 0xc002 },
	{ "an Offset", TUNNEL, HELLO, .answer = SILENCE, .flags = 0xca02 },
	{ "data", TUNNEL, HELLO, .answer = SILENCE, .flags = 0x4802 },
	{ "Priority, which only data has", TUNNEL, HELLO, .answer = ACK, .flags = 0xc902 },
	{ "reserved bits", TUNNEL, HELLO, .answer = ACK, .flags = 0xfcf2 },
	{ "Length shorter than the header", TUNNEL, HELLO, .answer = SILENCE, .length = -9 },
	{ "Length 0", TUNNEL, HELLO, .answer = SILENCE, .length = -20 },
	{ "Length beyond the datagram", TUNNEL, HELLO, .answer = SILENCE, .length = 1 },
	{ "Length beyond any datagram", TUNNEL, HELLO, .answer = SILENCE, .length = 65535 - 20 },
	{ "octets behind the message", TUNNEL, HELLO "0000 0000 ", .answer = ACK, .length = -4 },
	{ "a tunnel that is not here", TUNNEL, HELLO, .answer = SILENCE, .tunnel = 1 },
	{ "a HELLO for tunnel 0", STRANGER, HELLO, .answer = SILENCE },
	{ "a ZLB for tunnel 0", STRANGER, "", .answer = SILENCE },
	{ "another port", TUNNEL, STOPCCN TUNNEL_ID RESULT, .answer = SILENCE, .from = OTHER_PORT },
	{ "another address", TUNNEL, STOPCCN TUNNEL_ID RESULT, .answer = SILENCE, .from = OTHER_ADDRESS },
	{ "to another address", TUNNEL, STOPCCN TUNNEL_ID RESULT, .answer = SILENCE, .from = OTHER_LOCAL },
	{ "Session ID in a message of the tunnel", TUNNEL, HELLO, .answer = ACK, .session = 1 },

	/* ---- numbers (5.8) ----------------------------------------------------------- */
	{ "seen before", TUNNEL, HELLO, .answer = AGAIN, .ns = -1 },
	{ "seen long ago", TUNNEL, HELLO, .answer = AGAIN, .ns = -32767 },
	{ "seen before, other content", TUNNEL, STOPCCN TUNNEL_ID RESULT, .answer = AGAIN, .ns = -1 },
	{ "before its turn", TUNNEL, HELLO, .answer = SILENCE, .ns = 1 },
	{ "beyond the window", TUNNEL, HELLO, .answer = SILENCE, .ns = 8 },
	{ "far beyond the window", TUNNEL, HELLO, .answer = SILENCE, .ns = 32767 },
	{ "acknowledges what was not sent", TUNNEL, HELLO, .answer = SILENCE, .nr = 1 },
	{ "acknowledges far ahead", TUNNEL, HELLO, .answer = SILENCE, .nr = 32767 },
	{ "acknowledges the past again", TUNNEL, HELLO, .answer = ACK, .nr = -1 },
	{ "ZLB of the future", TUNNEL, "", .answer = SILENCE, .ns = 5 },
	{ "ZLB of the past", TUNNEL, "", .answer = SILENCE, .ns = -5 },

	/* ---- a request for a tunnel ----------------------------------------------------- */
	{ "Ns is not 0", STRANGER, SCCRQ ASK, .answer = SILENCE, .ns = 1 },
	{ "no AVP", STRANGER, "0000 ", .answer = SILENCE },
	{ "no Message Type", STRANGER, ASK, .answer = SILENCE },
	{ "Message Type later", STRANGER, VERSION SCCRQ FRAMING NAME TUNNEL_ID, .answer = SILENCE },
	{ "Message Type hidden", STRANGER, "c008 0000 0000 0001 " ASK, .answer = SILENCE },
	{ "Message Type with a reserved bit", STRANGER, "8408 0000 0000 0001 " ASK, .answer = SILENCE },
	{ "Message Type of a vendor", STRANGER, "8008 0009 0000 0001 " ASK, .answer = SILENCE },
	{ "Message Type too long", STRANGER, "8009 0000 0000 0001 00 " ASK, .answer = SILENCE },
	{ "Message Type too short", STRANGER, "8007 0000 0000 00 " ASK, .answer = SILENCE },
	{ "an unknown message, mandatory", STRANGER, "8008 0000 0000 00c8 " ASK, .answer = SILENCE },
	{ "an SCCRP nobody asked for", STRANGER, SCCRP ASK, .answer = SILENCE },
	{ "an SCCCN out of nowhere", STRANGER, SCCCN, .answer = SILENCE },
	{ "a StopCCN out of nowhere", STRANGER, STOPCCN TUNNEL_ID RESULT, .answer = SILENCE },
	{ "a call out of nowhere", STRANGER, ICRQ SESSION_ID SERIAL, .answer = SILENCE },
	{ "nothing but the type", STRANGER, SCCRQ, .answer = STOP, CODES(2, 6) },
	{ "no version", STRANGER, SCCRQ FRAMING NAME TUNNEL_ID, .answer = STOP, CODES(2, 6) },
	{ "no framing capabilities", STRANGER, SCCRQ VERSION NAME TUNNEL_ID, .answer = STOP, CODES(2, 6) },
	{ "no name", STRANGER, SCCRQ VERSION FRAMING TUNNEL_ID, .answer = STOP, CODES(2, 6) },
	{ "no tunnel ID", STRANGER, SCCRQ VERSION FRAMING NAME, .answer = STOP, CODES(2, 6) },
	{ "protocol version 2", STRANGER, SCCRQ "8008 0000 0002 0200 " FRAMING NAME TUNNEL_ID, .answer = STOP, CODES(5, 1) },
	{ "protocol version 0", STRANGER, SCCRQ "8008 0000 0002 0000 " FRAMING NAME TUNNEL_ID, .answer = STOP, CODES(5, 1) },
	{ "a later revision", STRANGER, SCCRQ "8008 0000 0002 0107 " FRAMING NAME TUNNEL_ID, .answer = ACCEPT },
	{ "tunnel ID 0", STRANGER, SCCRQ VERSION FRAMING NAME "8008 0000 0009 0000 ", .answer = STOP, CODES(2, 3) },
	{ "an empty name", STRANGER, SCCRQ VERSION FRAMING "8006 0000 0007 " TUNNEL_ID, .answer = STOP, CODES(2, 2) },
	{ "window 0", STRANGER, SCCRQ ASK "8008 0000 000a 0000 ", .answer = STOP, CODES(2, 3) },
	{ "window 0 that may be overlooked", STRANGER, SCCRQ ASK "0008 0000 000a 0000 ", .answer = ACCEPT },
	{ "a window of 4 octets", STRANGER, SCCRQ ASK "800a 0000 000a 0000 0004 ", .answer = STOP, CODES(2, 2) },
	{ "an empty challenge", STRANGER, SCCRQ ASK "8006 0000 000b ", .answer = STOP, CODES(2, 2) },
	{ "a challenge, and no secret here", STRANGER, SCCRQ ASK "800a 0000 000b 01020304 ", .answer = STOP, CODES(4, 0) },
	{ "a tie breaker of 4 octets", STRANGER, SCCRQ ASK "000a 0000 0005 01020304 ", .answer = ACCEPT },
	{ "unknown AVP, mandatory", STRANGER, SCCRQ ASK UNKNOWN_M, .answer = STOP, CODES(2, 8) },
	{ "unknown AVP", STRANGER, SCCRQ ASK UNKNOWN, .answer = ACCEPT },
	{ "AVP of a vendor, mandatory", STRANGER, SCCRQ ASK VENDOR_M, .answer = STOP, CODES(2, 8) },
	{ "AVP of a vendor", STRANGER, SCCRQ ASK VENDOR, .answer = ACCEPT },
	{ "reserved bit, mandatory", STRANGER, SCCRQ ASK BIT_M, .answer = STOP, CODES(2, 8) },
	{ "reserved bit", STRANGER, SCCRQ ASK BIT, .answer = ACCEPT },
	{ "reserved bit in what must be there", STRANGER, SCCRQ VERSION FRAMING NAME "0408 0000 0009 004d ", .answer = STOP, CODES(2, 6) },
	{ "AVP shorter than its header", STRANGER, SCCRQ ASK "8005 0000 0006 ", .answer = STOP, CODES(2, 2) },
	{ "AVP of length 0", STRANGER, SCCRQ ASK "8000 0000 0006 ", .answer = STOP, CODES(2, 2) },
	{ "AVP longer than the message", STRANGER, SCCRQ ASK "80ff 0000 0006 0001 ", .answer = STOP, CODES(2, 2) },
	{ "the same, may be overlooked", STRANGER, SCCRQ ASK "00ff 0000 0006 0001 ", .answer = ACCEPT },
	{ "half an AVP header", STRANGER, SCCRQ ASK "0006 00 ", .answer = STOP, CODES(2, 2) },
	{ "an AVP twice: the first counts", STRANGER, SCCRQ ASK "8008 0000 0009 1234 " NAME, .answer = ACCEPT },
	{ "hidden name", STRANGER, SCCRQ VERSION FRAMING VECTOR "c00b 0000 0007 0003 616263 " TUNNEL_ID, .answer = STOP, CODES(2, 3),
	  .secret = true },
	{ "hidden without a secret here", STRANGER, SCCRQ VERSION FRAMING NAME VECTOR "c00a 0000 0009 bb53 35ed ", .answer = STOP, CODES(2, 6) },
	{ "hidden without a Random Vector", STRANGER, SCCRQ VERSION FRAMING NAME "c00a 0000 0009 bb53 35ed ", .answer = STOP, CODES(2, 6),
	  .secret = true },
	{ "hidden, vector behind it", STRANGER, SCCRQ VERSION FRAMING NAME "c00a 0000 0009 bb53 35ed " VECTOR, .answer = STOP, CODES(2, 6),
	  .secret = true },
	{ "hidden, with another secret or garbage", STRANGER, SCCRQ VERSION FRAMING NAME VECTOR "c00a 0000 0009 0000 0000 ",
	  .answer = STOP, CODES(2, 2), .secret = true },
	{ "hidden, one octet", STRANGER, SCCRQ VERSION FRAMING NAME VECTOR "c007 0000 0009 00 ", .answer = STOP, CODES(2, 2), .secret = true },
	{ "hidden, garbage, may be overlooked", STRANGER, SCCRQ ASK VECTOR "400a 0000 0006 0000 0000 ", .answer = ACCEPT, .secret = true },
	{ "an empty Random Vector", STRANGER, SCCRQ ASK "8006 0000 0024 ", .answer = STOP, CODES(2, 2) },
	{ "hidden Random Vector", STRANGER, SCCRQ ASK VECTOR "c008 0000 0024 0001 ", .answer = STOP, CODES(2, 3), .secret = true },

	/* ---- while a tunnel is set up ----------------------------------------------------- */
	{ "no response to our challenge", SETUP, SCCCN, .answer = STOP, CODES(4, 0), .secret = true },
	{ "a wrong response", SETUP, SCCCN "8016 0000 000d 00000000 00000000 00000000 00000000 ", .answer = STOP, CODES(4, 0), .secret = true },
	{ "a response of 15 octets", SETUP, SCCCN "8015 0000 000d 00000000 00000000 00000000 000000 ", .answer = STOP, CODES(2, 2),
	  .secret = true },
	{ "SCCCN with an unknown AVP, mandatory", SETUP, SCCCN UNKNOWN_M, .answer = STOP, CODES(2, 8) },
	{ "SCCRQ again, with our tunnel ID", SETUP, SCCRQ ASK, .answer = STOP, CODES(7, 0) },
	{ "SCCRP from who asked", SETUP, SCCRP ASK, .answer = STOP, CODES(7, 0) },
	{ "a call before the tunnel", SETUP, ICRQ SESSION_ID SERIAL, .answer = STOP, CODES(7, 0) },
	{ "a HELLO before the tunnel", SETUP, HELLO, .answer = STOP, CODES(7, 0) },
	{ "a CDN before the tunnel", SETUP, CDN_ SESSION_ID RESULT, .answer = STOP, CODES(7, 0) },
	{ "no Message Type in setup", SETUP, TUNNEL_ID, .answer = STOP, CODES(2, 6) },
	{ "StopCCN without a result in setup", SETUP, STOPCCN TUNNEL_ID, .answer = CLOSE },
	{ "StopCCN without anything in setup", SETUP, STOPCCN, .answer = CLOSE },

	/* ---- messages of an established tunnel ------------------------------------------------ */
	{ "no Message Type in a tunnel", TUNNEL, TUNNEL_ID, .answer = STOP, CODES(2, 6) },
	{ "one octet of an AVP", TUNNEL, "80 ", .answer = STOP, CODES(2, 6) },
	{ "unknown message, mandatory", TUNNEL, "8008 0000 0000 00c8 ", .answer = STOP, CODES(2, 8) },
	{ "unknown message, mandatory, for a call", CALL, "8008 0000 0000 00c8 ", .answer = STOP, CODES(2, 8) },
	{ "unknown message", TUNNEL, "0008 0000 0000 00c8 " UNKNOWN_M, .answer = ACK },
	{ "reserved message 0", TUNNEL, "8008 0000 0000 0000 ", .answer = STOP, CODES(2, 8) },
	{ "reserved message 5", TUNNEL, "8008 0000 0000 0005 ", .answer = STOP, CODES(2, 8) },
	{ "reserved message 13", TUNNEL, "8008 0000 0000 000d ", .answer = STOP, CODES(2, 8) },
	{ "SCCRQ in a tunnel", TUNNEL, SCCRQ ASK, .answer = STOP, CODES(7, 0) },
	{ "SCCRP in a tunnel", TUNNEL, SCCRP ASK, .answer = STOP, CODES(7, 0) },
	{ "SCCCN in a tunnel", TUNNEL, SCCCN, .answer = STOP, CODES(7, 0) },
	{ "HELLO with an unknown AVP, mandatory", TUNNEL, HELLO UNKNOWN_M, .answer = STOP, CODES(2, 8) },
	{ "HELLO with an unknown AVP", TUNNEL, HELLO UNKNOWN, .answer = ACK },
	{ "HELLO with an AVP of a vendor, mandatory", TUNNEL, HELLO VENDOR_M, .answer = STOP, CODES(2, 8) },
	{ "HELLO with an AVP of a vendor", TUNNEL, HELLO VENDOR, .answer = ACK },
	{ "HELLO with a reserved bit, mandatory", TUNNEL, HELLO BIT_M, .answer = STOP, CODES(2, 8) },
	{ "HELLO with a reserved bit", TUNNEL, HELLO BIT, .answer = ACK },
	{ "HELLO with an AVP of length 0", TUNNEL, HELLO "8000 ", .answer = STOP, CODES(2, 2) },
	{ "HELLO with what belongs elsewhere", TUNNEL, HELLO SESSION_ID SERIAL NAME, .answer = ACK },
	{ "StopCCN without a result", TUNNEL, STOPCCN TUNNEL_ID, .answer = CLOSE },
	{ "StopCCN with an unknown AVP, mandatory", TUNNEL, STOPCCN TUNNEL_ID RESULT UNKNOWN_M, .answer = CLOSE },
	{ "StopCCN with a result of 3 octets", TUNNEL, STOPCCN TUNNEL_ID "8009 0000 0001 0001 00 ", .answer = CLOSE },
	{ "StopCCN that names another tunnel", TUNNEL, STOPCCN "8008 0000 0009 1234 " RESULT, .answer = CLOSE },
	{ "FSQ of garbage", TUNNEL, "0008 0000 0000 0015 0006 0000 004f ", .answer = ACK },
	{ "CSURQ of garbage", TUNNEL, "0008 0000 0000 001d 8008 0000 0061 0000 ", .answer = ACK },

	/* ---- messages of calls: the call ends, the tunnel stays -------------------------------------- */
	{ "ICRQ without a session ID", TUNNEL, ICRQ SERIAL, .answer = CDN, CODES(2, 6) },
	{ "ICRQ without a serial number", TUNNEL, ICRQ SESSION_ID, .answer = CDN, CODES(2, 6) },
	{ "ICRQ with session ID 0", TUNNEL, ICRQ "8008 0000 000e 0000 " SERIAL, .answer = CDN, CODES(2, 3) },
	{ "ICRQ with a session ID of 4 octets", TUNNEL, ICRQ "800a 0000 000e 0000 0063 " SERIAL, .answer = CDN, CODES(2, 2) },
	{ "ICRQ with an unknown AVP, mandatory", TUNNEL, ICRQ SESSION_ID SERIAL UNKNOWN_M, .answer = CDN, CODES(2, 8) },
	{ "ICRQ with an unknown AVP", TUNNEL, ICRQ SESSION_ID SERIAL UNKNOWN, .answer = ACCEPT },
	{ "ICRQ with an AVP of a vendor, mandatory", TUNNEL, ICRQ VENDOR_M SESSION_ID SERIAL, .answer = CDN, CODES(2, 8) },
	{ "ICRQ with an AVP of a vendor", TUNNEL, ICRQ VENDOR SESSION_ID SERIAL, .answer = ACCEPT },
	{ "ICRQ with a reserved bit, mandatory", TUNNEL, ICRQ SESSION_ID BIT_M SERIAL, .answer = CDN, CODES(2, 8) },
	{ "ICRQ with an AVP that does not end", TUNNEL, ICRQ SESSION_ID SERIAL "83ff 0000 0016 31 ", .answer = CDN, CODES(2, 2) },
	{ "ICRQ with a bearer of 2 octets", TUNNEL, ICRQ SESSION_ID SERIAL "8008 0000 0012 0001 ", .answer = CDN, CODES(2, 2) },
	{ "ICRQ with a channel of 2 octets", TUNNEL, ICRQ SESSION_ID SERIAL "0008 0000 0019 0001 ", .answer = ACCEPT },
	{ "ICRQ with session ID twice", TUNNEL, ICRQ SESSION_ID SERIAL "8008 0000 000e 0064 ", .answer = ACCEPT },
	{ "ICRQ with a hidden AVP, no secret", TUNNEL, ICRQ SESSION_ID SERIAL VECTOR "c00a 0000 0016 0000 0000 ", .answer = CDN, CODES(2, 6) },
	{ "ICRQ for a call that is up", CALL, ICRQ SESSION_ID SERIAL, .answer = CDN, CODES(2, 6) },
	{ "OCRQ where none is taken", TUNNEL, OCRQ SESSION_ID SERIAL "800a 0000 0010 0000 0001 800a 0000 0011 0000 0001 "
	  "800a 0000 0012 0000 0001 " SYNC "8007 0000 0015 31 ", .answer = CDN, CODES(5, 0) },
	{ "ICRP for no call", TUNNEL, ICRP SESSION_ID, .answer = CDN, CODES(2, 5) },
	{ "OCRP for no call", TUNNEL, OCRP SESSION_ID, .answer = CDN, CODES(2, 5) },
	{ "ICCN for no call", TUNNEL, ICCN SPEED SYNC, .answer = ACK, .session = 1 },
	{ "OCCN for no call", TUNNEL, OCCN SPEED SYNC, .answer = ACK, .session = 1 },
	{ "CDN for no call", TUNNEL, CDN_ SESSION_ID RESULT, .answer = ACK, .session = 1 },
	{ "WEN for no call", TUNNEL, WEN UNKNOWN_M, .answer = ACK, .session = 1 },
	{ "SLI for no call", TUNNEL, SLI UNKNOWN_M, .answer = ACK, .session = 1 },
	{ "ICCN without a speed", RINGING, ICCN SYNC, .answer = CDN, CODES(2, 6) },
	{ "ICCN without framing", RINGING, ICCN SPEED, .answer = CDN, CODES(2, 6) },
	{ "ICCN with an unknown AVP, mandatory", RINGING, ICCN SPEED SYNC UNKNOWN_M, .answer = CDN, CODES(2, 8) },
	{ "ICCN with an unknown AVP", RINGING, ICCN SPEED SYNC UNKNOWN, .answer = ACK },
	{ "ICCN with a receive speed of 2 octets (7.1)", RINGING, ICCN SPEED SYNC "0008 0000 0026 0400 ", .answer = ACK },
	{ "ICCN with a proxy type of 4 octets", RINGING, ICCN SPEED SYNC "000a 0000 001d 0000 0001 ", .answer = ACK },
	{ "ICCN with a sequencing AVP of 2 octets", RINGING, ICCN SPEED SYNC "8008 0000 0027 0001 ", .answer = CDN, CODES(2, 2) },
	{ "ICRP to who answered", RINGING, ICRP SESSION_ID, .answer = CDN, CODES(2, 6) },
	{ "OCCN for an incoming call", RINGING, OCCN SPEED SYNC, .answer = CDN, CODES(2, 6) },
	{ "ICCN again", CALL, ICCN SPEED SYNC, .answer = CDN, CODES(2, 6) },
	{ "ICRP for a call that is up", CALL, ICRP SESSION_ID, .answer = CDN, CODES(2, 6) },
	{ "OCRQ for a call that is up", CALL, OCRQ, .answer = CDN, CODES(2, 6) },
	{ "WEN without the errors", CALL, WEN, .answer = CDN, CODES(2, 6) },
	{ "WEN with errors of 8 octets", CALL, WEN "800e 0000 0022 0000 0000 0000 0000 ", .answer = CDN, CODES(2, 2) },
	{ "SLI to the LNS", CALL, SLI "8010 0000 0023 0000 ffffffff ffffffff ", .answer = ACK },
	{ "SLI to the LNS, with an unknown AVP, mandatory", CALL, SLI "8010 0000 0023 0000 ffffffff ffffffff " UNKNOWN_M,
	  .answer = CDN, CODES(2, 8) },
	{ "CDN without a result", CALL, CDN_ SESSION_ID, .answer = CLEAR },
	{ "CDN with an unknown AVP, mandatory", CALL, CDN_ SESSION_ID RESULT UNKNOWN_M, .answer = CLEAR },
	{ "CDN that names another call", CALL, CDN_ SESSION_ID RESULT, .answer = CLEAR },
};

/* ---- the packet ------------------------------------------------------------- */

static size_t octets(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned octet;

	for (; *hex; hex += 2) {
		while (isspace((unsigned char)*hex))
			hex++;
		if (!*hex)
			break;
		ck_assert_int_eq(sscanf(hex, "%2x", &octet), 1);
		out[n++] = (uint8_t)octet;
	}
	return n;
}

static void say(const struct hostile *packet, uint16_t session)
{
	struct l2tp_endpoint local = box.local, peer = lac.addr;
	uint8_t data[512], *copy;
	size_t len = MESSAGE_HEADER + octets(packet->body, data + MESSAGE_HEADER);

	avp_set_u16(data, packet->flags ? packet->flags : 0xc802);
	avp_set_u16(data + 2, (uint16_t)((int)len + packet->length));
	avp_set_u16(data + 4, (uint16_t)(lac.peer_id + packet->tunnel));
	avp_set_u16(data + 6, (uint16_t)(session + packet->session));
	avp_set_u16(data + 8, (uint16_t)(lac.ns + packet->ns));
	avp_set_u16(data + 10, (uint16_t)(lac.nr + packet->nr));
	if (packet->cut)
		len = packet->cut < 0 ? 0 : (size_t)packet->cut;
	peer.port = (uint16_t)(peer.port + (packet->from == OTHER_PORT));
	peer.addr[3] = (uint8_t)(peer.addr[3] + (packet->from == OTHER_ADDRESS));
	local.addr[3] = (uint8_t)(local.addr[3] + (packet->from == OTHER_LOCAL));
	copy = malloc(len ? len : 1);	/* of its own size: a sanitizer sees who reads on */
	memcpy(copy, data, len);
	l2tp_input(box.l2tp, box.now, &local, &peer, copy, len);
	free(copy);
	box_drain(&box);
}

/* ---- the place ---------------------------------------------------------------- */

static uint16_t ring(uint16_t id)
{
	uint16_t session;

	lac_put_icrq(&lac, id);
	lac_end(&lac);
	ck_assert_ptr_nonnull(box_sent(&box, MESSAGE_ICRP, 0));
	session = message_u16(&box_sent(&box, MESSAGE_ICRP, 0)->message, AVP_ASSIGNED_SESSION_ID);
	lac.nr++;
	lac_zlb(&lac);
	return session;
}

/* The session ID that the packet is for. */
static uint16_t go_there(enum where where)
{
	uint16_t session = 0;

	switch (where) {
	case STRANGER:
		break;
	case SETUP:
		lac_put_sccrq(&lac);
		lac_end(&lac);
		lac.peer_id = message_u16(&box_sent(&box, MESSAGE_SCCRP, 0)->message, AVP_ASSIGNED_TUNNEL_ID);
		lac.nr = 1;
		break;
	case TUNNEL:
	case CALL:
	case RINGING:
		lac_connect(&lac);
		session = lac_call(&lac, CALL_ID);
		if (where == RINGING)
			session = ring(CALL_ID + 1);
		break;
	}
	box_forget_seen(&box);
	return where == TUNNEL ? 0 : session;
}

/* ---- the answer --------------------------------------------------------------- */

static size_t packets_sent(void)
{
	return box_count(&box, L2TP_ACTION_SEND);
}

static void expect_codes(uint16_t type, const struct hostile *packet)
{
	struct seen *seen = box_sent(&box, type, 0);
	struct l2tp_result got;

	ck_assert_msg(seen != NULL, "%s: no %s", packet->class, message_name(type));
	ck_assert_uint_eq(packets_sent(), 1);
	message_get_result(&seen->message, &got);
	ck_assert_msg(got.result == packet->result && got.error == packet->error, "%s: result %u error %u \"%s\"",
		      packet->class, got.result, got.error, got.text);
	/* An error says what it is about. */
	ck_assert(!got.error || got.text[0]);
	if (packet->result == 2 && packet->error == 8 && strstr(packet->body, UNKNOWN_M))
		ck_assert(strstr(got.text, "999"));
}

static void expect(const struct hostile *packet, const struct l2tp_counters *before)
{
	struct l2tp_counters after;
	struct seen *seen = box_sent(&box, 0, 0);
	bool here = packet->where != STRANGER;
	uint32_t calls = before->sessions, tunnels = before->tunnels;

	l2tp_counters(box.l2tp, &after);
	switch (packet->answer) {
	case SILENCE:
		ck_assert_msg(box.seen_count == 0, "%s: was answered", packet->class);
		ck_assert_uint_eq(box.dirty_count, 0);
		break;
	case ACK:
	case AGAIN:
	case CLEAR:
	case CLOSE:
		ck_assert_msg(seen && packets_sent() == 1, "%s: %zu packets", packet->class, packets_sent());
		ck_assert_uint_eq(seen->header.nr, (uint16_t)(lac.ns + (packet->answer != AGAIN)));
		break;
	case ACCEPT:
		ck_assert_msg(box_sent(&box, here ? MESSAGE_ICRP : MESSAGE_SCCRP, 0) != NULL, "%s: not accepted", packet->class);
		ck_assert_uint_eq(packets_sent(), 1);
		ck_assert_uint_eq(box_sent(&box, here ? MESSAGE_ICRP : MESSAGE_SCCRP, 0)->header.nr, lac.ns + 1);
		break;
	case STOP:
		expect_codes(MESSAGE_STOPCCN, packet);
		break;
	case CDN:
		expect_codes(MESSAGE_CDN, packet);
		break;
	}
	if (packet->answer == STOP || packet->answer == CLOSE)
		calls = tunnels = 0;
	else if (packet->answer == ACCEPT)
		*(here ? &calls : &tunnels) += 1;
	else if ((packet->answer == CDN && packet->where != TUNNEL) || packet->answer == CLEAR)
		calls--;
	ck_assert_msg(after.sessions == calls && after.tunnels == tunnels, "%s: %u sessions and %u tunnels", packet->class,
		      after.sessions, after.tunnels);
}

/* And it goes on. */
static void life_after(const struct hostile *packet)
{
	bool taken = packet->answer != SILENCE && packet->answer != AGAIN;

	if (packet->where == STRANGER || packet->answer == STOP || packet->answer == CLOSE) {
		box_forget_seen(&box);
		box.params.secret[0] = 0;
		box.params.authenticate = false;
		lac_init(&lac, &box, 78);
		lac_connect(&lac);
	} else {
		lac.ns = (uint16_t)(lac.ns + taken);
		lac.nr = (uint16_t)(lac.nr + (packet->answer == CDN || packet->answer == ACCEPT));
		lac_zlb(&lac);
		if (packet->where == SETUP || packet->ns == 1)
			return;
		box_at(&box, box.now + 1000);
		ck_assert_uint_eq(box_sent_count(&box, MESSAGE_CDN), packet->answer == CDN);
	}
	lac_call(&lac, 200);
}

START_TEST(prescribed_answer)
{
	const struct hostile *packet = &packets[_i];
	struct l2tp_counters before;
	uint16_t session;

	if (packet->secret) {
		strcpy(box.params.secret, "secret");
		box.params.authenticate = packet->where == SETUP;
	}
	session = go_there(packet->where);
	l2tp_counters(box.l2tp, &before);
	say(packet, session);
	expect(packet, &before);
	life_after(packet);
}
END_TEST

/* Each packet again and again: repeated, it is a duplicate at most, and nothing adds up. */
START_TEST(repeated)
{
	const struct hostile *packet = &packets[_i];
	struct l2tp_counters after;
	uint16_t session;
	int i;

	if (packet->secret)
		strcpy(box.params.secret, "secret");
	session = go_there(packet->where);
	for (i = 0; i < 200; i++)
		say(packet, session);
	l2tp_counters(box.l2tp, &after);
	ck_assert_uint_le(after.tunnels, 1);
	ck_assert_uint_le(after.sessions, 3);
	ck_assert_uint_le(box_sent_count(&box, MESSAGE_STOPCCN), packet->where == STRANGER ? 20 : 1);
	ck_assert_uint_le(box_sent_count(&box, MESSAGE_CDN), 1);
	box_at(&box, box.now + 3600000);
	l2tp_counters(box.l2tp, &after);
	ck_assert_uint_eq(after.tunnels, 0);
	ck_assert_uint_eq(l2tp_tunnel_next(box.l2tp, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostile");
	TCase *tcase = tcase_create("hostile");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, prescribed_answer, 0, COUNT(packets));
	tcase_add_loop_test(tcase, repeated, 0, COUNT(packets));
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
