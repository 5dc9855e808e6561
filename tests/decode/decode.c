// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What our codec reads in a capture: one line for each L2TP control packet, one
 * for each AVP, in the words of another decoder (tests/decode/words.pl makes the
 * same lines of what tshark says), so that diff is the judge.
 *
 *   decode FILE.pcap [FRAMES]
 *
 * Values are those message_parse() found, not what is at that place in the
 * packet: an AVP that it missed, or took for another, has none.  A hidden one has
 * no value: neither decoder is told the secret.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "l2tp/message.h"

#define PACKET_MAX 65536

enum kind { U8, U16, U32, U64, HEX64, BIT, TEXT, OCTETS };

struct word {
	const char *name;
	enum kind kind;
	uint32_t at;		/* offset; of a BIT its mask in a number of 32 */
};
#define WORDS 8
static const struct {
	uint16_t vendor, attr;
	struct word words[WORDS];
} avps[] = {
	{ 0, 0, { { "avp.message_type", U16, 0 } } },
	{ 0, 1, { { "result_code", U16, 0 }, { "avp.error_code", U16, 2 }, { "avp.error_message", TEXT, 4 } } },
	{ 0, 2, { { "avp.protocol_version", U8, 0 }, { "avp.protocol_revision", U8, 1 } } },
	{ 0, 3, { { "avp.async_framing_supported", BIT, 2 }, { "avp.sync_framing_supported", BIT, 1 } } },
	{ 0, 4, { { "avp.analog_access_supported", BIT, 2 }, { "avp.digital_access_supported", BIT, 1 } } },
	{ 0, 5, { { "tie_breaker", HEX64, 0 } } },
	{ 0, 6, { { "avp.firmware_revision", U16, 0 } } },
	{ 0, 7, { { "avp.host_name", TEXT, 0 } } },
	{ 0, 8, { { "avp.vendor_name", TEXT, 0 } } },
	{ 0, 9, { { "avp.assigned_tunnel_id", U16, 0 } } },
	{ 0, 10, { { "avp.receive_window_size", U16, 0 } } },
	{ 0, 11, { { "avp.chap_challenge", OCTETS, 0 } } },
	{ 0, 12, { { "avp.cause_code", U16, 0 }, { "avp.cause_msg", U8, 2 }, { "avp.advisory_msg", TEXT, 3 } } },
	{ 0, 13, { { "avp.chap_challenge_response", OCTETS, 0 } } },
	{ 0, 14, { { "avp.assigned_session_id", U16, 0 } } },
	{ 0, 15, { { "avp.call_serial_number", U32, 0 } } },
	{ 0, 16, { { "avp.minimum_bps", U32, 0 } } },
	{ 0, 17, { { "avp.maximum_bps", U32, 0 } } },
	{ 0, 18, { { "avp.analog_bearer_type", BIT, 2 }, { "avp.digital_bearer_type", BIT, 1 } } },
	{ 0, 19, { { "avp.async_framing_type", BIT, 2 }, { "avp.sync_framing_type", BIT, 1 } } },
	{ 0, 21, { { "avp.called_number", TEXT, 0 } } },
	{ 0, 22, { { "avp.calling_number", TEXT, 0 } } },
	{ 0, 23, { { "avp.sub_address", TEXT, 0 } } },
	{ 0, 24, { { "avp.connect_speed", U32, 0 } } },
	{ 0, 25, { { "avp.physical_channel", U32, 0 } } },
	{ 0, 26, { { "avp.initial_received_lcp_confreq", OCTETS, 0 } } },
	{ 0, 27, { { "avp.last_sent_lcp_confreq", OCTETS, 0 } } },
	{ 0, 28, { { "avp.last_received_lcp_confreq", OCTETS, 0 } } },
	{ 0, 29, { { "avp.proxy_authen_type", U16, 0 } } },
	{ 0, 30, { { "avp.proxy_authen_name", TEXT, 0 } } },
	{ 0, 31, { { "avp.proxy_authen_challenge", OCTETS, 0 } } },
	{ 0, 32, { { "avp.proxy_authen_id", U8, 1 } } },
	{ 0, 33, { { "avp.proxy_authen_response", OCTETS, 0 } } },
	{ 0, 34, { { "avp.crc_errors", U32, 2 }, { "avp.framing_errors", U32, 6 }, { "avp.hardware_overruns", U32, 10 },
		   { "avp.buffer_overruns", U32, 14 }, { "avp.time_out_errors", U32, 18 }, { "avp.alignment_errors", U32, 22 } } },
	{ 0, 35, { { "avp.send_accm", U32, 2 }, { "avp.receive_accm", U32, 6 } } },
	{ 0, 36, { { "avp.random_vector", OCTETS, 0 } } },
	{ 0, 37, { { "avp.private_group_id", OCTETS, 0 } } },
	{ 0, 38, { { "avp.rx_connect_speed", U32, 0 } } },
	{ 0, 46, { { "avp.disconnect_code", U16, 0 }, { "avp.control_protocol_number", U16, 2 },
		   { "avp.cause_code_direction", U8, 4 }, { "avp.cause_code_message", TEXT, 5 } } },
	{ 0, 97, { { "avp.csu.res", U16, 0 }, { "avp.csu.remote_session_id", U16, 2 }, { "avp.csu.current_tx_speed", U32, 4 },
		   { "avp.csu.current_rx_speed", U32, 8 } } },
	{ 3561, 1, { { "broadband.agent_circuit_id", TEXT, 0 } } },
	{ 3561, 2, { { "broadband.agent_remote_id", TEXT, 0 } } },
	{ 3561, 129, { { "broadband.actual_dr_up", U64, 0 } } },
	{ 3561, 130, { { "broadband.actual_dr_down", U64, 0 } } },
	{ 3561, 131, { { "broadband.minimum_dr_up", U64, 0 } } },
	{ 3561, 132, { { "broadband.minimum_dr_down", U64, 0 } } },
	{ 3561, 133, { { "broadband.attainable_dr_up", U64, 0 } } },
	{ 3561, 134, { { "broadband.attainable_dr_down", U64, 0 } } },
	{ 3561, 135, { { "broadband.maximum_dr_up", U64, 0 } } },
	{ 3561, 136, { { "broadband.maximum_dr_down", U64, 0 } } },
	{ 3561, 137, { { "broadband.minimum_dr_up_low_power", U64, 0 } } },
	{ 3561, 138, { { "broadband.minimum_dr_down_low_power", U64, 0 } } },
	{ 3561, 139, { { "broadband.maximum_interleaving_delay_up", U32, 0 } } },
	{ 3561, 140, { { "broadband.actual_interleaving_delay_up", U32, 0 } } },
	{ 3561, 141, { { "broadband.maximum_interleaving_delay_down", U32, 0 } } },
	{ 3561, 142, { { "broadband.actual_interleaving_delay_down", U32, 0 } } },
	{ 3561, 144, { { "broadband.access_loop_encapsulation.data_link", U8, 0 },
		       { "broadband.access_loop_encapsulation.enc1", U8, 1 },
		       { "broadband.access_loop_encapsulation.enc2", U8, 2 } } },
	{ 3561, 145, { { "broadband.ancp_access_line_type", U32, 0 } } },
	{ 3561, 254, { { "broadband.iwf_session", U32, 0 } } },
};

static void print_octets(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%s%02x", i ? ":" : "", data[i]);
}

static void print_text(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		putchar(data[i] < 0x20 || data[i] > 0x7e ? '?' : data[i]);
}

static void print_word(const struct word *word, const uint8_t *data, size_t len)
{
	static const size_t sizes[] = { [U8] = 1, [U16] = 2, [U32] = 4, [U64] = 8, [HEX64] = 8, [BIT] = 4,
					[TEXT] = 1, [OCTETS] = 1 };
	size_t at = word->kind == BIT ? 0 : word->at;

	if (len < at + sizes[word->kind])
		return;
	printf(" %s=", word->name);
	data += at;
	len -= at;
	switch (word->kind) {
	case U8: printf("%u", data[0]); break;
	case U16: printf("%u", avp_get_u16(data)); break;
	case U32: printf("%" PRIu32, avp_get_u32(data)); break;
	case U64: printf("%" PRIu64, (uint64_t)avp_get_u32(data) << 32 | avp_get_u32(data + 4)); break;
	case HEX64: printf("0x%08" PRIx32 "%08" PRIx32, avp_get_u32(data), avp_get_u32(data + 4)); break;
	case BIT: printf("%d", !!(avp_get_u32(data) & word->at)); break;
	case TEXT: print_text(data, len); break;
	case OCTETS: print_octets(data, len); break;
	}
}

/* What message_parse() has of it. */
static struct message_slice found(const struct message *message, const struct avp *avp, size_t *item)
{
	struct message_slice none = { NULL, 0 };
	size_t i;

	if (!avp->vendor && (avp->attr == AVP_MESSAGE_TYPE || avp->attr == AVP_RANDOM_VECTOR))
		return (struct message_slice){ avp->value, avp->len };	/* it keeps neither */
	if (message->def && message->def->item && !avp->vendor && avp->attr == message->def->item) {
		size_t len = avp_def(avp->attr)->max;

		return *item < message->item_count ? (struct message_slice){ message->items + len * (*item)++, len } : none;
	}
	if (!avp->vendor)
		return avp->attr < AVP_ATTRS && message_has(message, avp->attr) ? message->avp[avp->attr] : none;
	for (i = 0; i < message->line_count; i++)
		if (avp->vendor == AVP_VENDOR_ADSL_FORUM && message->line[i].attr == avp->attr)
			return message->line[i].slice;
	return none;
}

static void print_avp(const struct message *message, const struct avp *avp, size_t *item)
{
	struct message_slice slice = found(message, avp, item);

	printf("A m=%d h=%d length=%zu", avp->mandatory, avp->hidden, avp->len + AVP_HEADER);
	if (!avp->hidden)	/* of such the other decoder says no more */
		printf(" vendor=%u type=%u", avp->vendor, avp->attr);
	for (size_t i = 0; i < sizeof(avps) / sizeof(avps[0]) && !avp->hidden && slice.data; i++)
		if (avps[i].vendor == avp->vendor && avps[i].attr == avp->attr)
			for (size_t w = 0; w < WORDS && avps[i].words[w].name; w++)
				print_word(&avps[i].words[w], slice.data, slice.len);
	putchar('\n');
}

static void print_control(const uint8_t *data, size_t len)
{
	static uint8_t room[PACKET_MAX];
	static struct message message;
	struct message_header header;
	struct avp_iter iter;
	struct avp avp;
	size_t item = 0;

	if (message_header_parse(data, len, &header) != MESSAGE_KIND_CONTROL)
		return;
	printf("P length=%zu tunnel=%u session=%u Ns=%u Nr=%u\n", header.body_len + MESSAGE_HEADER, header.tunnel_id,
	       header.session_id, header.ns, header.nr);
	if (!header.body_len)
		return;
	if (message_parse(header.body, header.body_len, NULL, room, &message)) {
		printf("no message\n");
		return;
	}
	avp_iter_init(&iter, header.body, header.body_len);
	while (avp_iter_next(&iter, &avp) == AVP_STEP_AVP)
		print_avp(&message, &avp, &item);
}

/* The UDP payload of a packet from or to port 1701, or nothing. */
static void print_ip(const uint8_t *ip, size_t len)
{
	size_t header;

	if (len < 40)
		return;
	if (ip[0] >> 4 == 4) {
		header = (ip[0] & 15u) * 4;
		if (ip[9] != 17 || (size_t)avp_get_u16(ip + 2) > len || (avp_get_u16(ip + 6) & 0x3fff))
			return;
		len = avp_get_u16(ip + 2);
	} else {
		header = 40;
		if (ip[0] >> 4 != 6 || ip[6] != 17)
			return;
		len = avp_get_u16(ip + 4) + 40u < len ? avp_get_u16(ip + 4) + 40u : len;
	}
	if (len < header + 8 || (avp_get_u16(ip + header) != L2TP_PORT && avp_get_u16(ip + header + 2) != L2TP_PORT))
		return;
	print_control(ip + header + 8, len - header - 8);
}

static size_t link_header(uint32_t type)
{
	switch (type) {
	case 1: return 14;	/* Ethernet */
	case 101: return 0;	/* IP */
	case 113: return 16;	/* "any", old */
	case 276: return 20;	/* "any" */
	}
	return PACKET_MAX;
}

int main(int argc, char **argv)
{
	static uint8_t packet[PACKET_MAX];
	uint32_t head[6], record[4];
	FILE *f = argc == 2 || argc == 3 ? fopen(argv[1], "re") : NULL;
	long frames = argc == 3 ? strtol(argv[2], NULL, 10) : LONG_MAX;
	size_t skip;

	if (!f || fread(head, sizeof(head), 1, f) != 1 || (head[0] != 0xa1b2c3d4 && head[0] != 0xa1b23c4d)) {
		fprintf(stderr, "usage: decode FILE.pcap [FRAMES]\n");
		return 2;
	}
	skip = link_header(head[5]);
	while (frames-- > 0 && fread(record, sizeof(record), 1, f) == 1) {
		if (record[2] > sizeof(packet) || fread(packet, record[2], 1, f) != 1)
			break;
		if (record[2] > skip)
			print_ip(packet + skip, record[2] - skip);
	}
	fclose(f);
	return 0;
}
