// SPDX-License-Identifier: GPL-2.0-or-later
/* A LAC that asked for LCP options hears what became of them; another one does not. */
#include <arpa/inet.h>

#include "l2tp/engine.h"
#include "pppd-plugin/proto.h"
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

static uint8_t sli[1500];
static size_t sli_len;

static void listen_for_sli(const uint8_t *data, size_t len)
{
	if (len > MESSAGE_HEADER + 8 && avp_get_u16(data + MESSAGE_HEADER + AVP_HEADER) == MESSAGE_SLI) {
		memcpy(sli, data, len);
		sli_len = len;
	}
	lac_input(lac, now, data, len);
}

/* The subscriber's PPP is open, with these options. */
static void open_with_state(void)
{
	struct ppp_state s = { .version = PPP_STATE_VERSION, .got = { LCP_MRU | LCP_MAGIC | LCP_PAP, 1460, 0, 0x01020304 },
			       .his = { LCP_MRU | LCP_ASYNCMAP | LCP_ACCOMP, 1492, 0xa0000, 0 },
			       .local_addr = 1, .peer_addr = 2 };
	struct ppp_up up = { .auth = PPP_AUTH_PAP, .mru = 1460 };
	uint8_t state[PPP_STATE_MAX];
	int len = proto_encode_state(state, sizeof(state), &s);

	ck_assert_int_gt(len, 0);
	up.state = state;
	up.state_len = (size_t)len;
	up.peer_addr = nodes[0]->ends[0].address;
	snprintf(up.user, sizeof(up.user), "alice");
	group_ppp_events()->changed(nodes[0]->group, nodes[0]->ends[0].key, &up);
	run(100);
}

START_TEST(asked_and_not_asked)
{
	static const uint8_t sent[] = { 1, 4, 5, 0xb4, 3, 4, 0xc0, 0x23, 5, 6, 1, 2, 3, 4 };
	static const uint8_t received[] = { 1, 4, 5, 0xd4, 2, 6, 0, 0x0a, 0, 0, 8, 2 };
	static const uint8_t wants[] = { 0, 10, 0, 0, 0, 49, 1, 4, 5, 0xd4 };
	struct l2tp *l2tp = group_l2tp(nodes[0]->group);
	static uint8_t room[1500];
	static struct message message;
	struct message_header header;
	struct l2tp_session *session;
	uint16_t tunnel;

	lac_open(lac, now);
	lac_call(lac, now, NULL, NULL);
	run(3000);
	net_peer = listen_for_sli;
	open_with_state();
	ck_assert_uint_eq(sli_len, 0);
	tunnel = l2tp_tunnel_next(l2tp, 0);
	session = l2tp_session_find(l2tp, tunnel, l2tp_session_next(l2tp, tunnel, 0));
	ck_assert_ptr_nonnull(session);
	ck_assert_int_eq(session_set_attrs(session, wants, sizeof(wants)), 0);
	open_with_state();
	ck_assert_uint_gt(sli_len, 0);
	ck_assert_int_eq(message_header_parse(sli, sli_len, &header), MESSAGE_KIND_CONTROL);
	ck_assert_int_eq(message_parse(header.body, header.body_len, "", room, &message), 0);
	ck_assert_uint_eq(message.fault, 0);
	ck_assert_uint_eq(message.avp[AVP_LNS_LAST_TX_LCP_CONFREQ].len, sizeof(sent));
	ck_assert_mem_eq(message.avp[AVP_LNS_LAST_TX_LCP_CONFREQ].data, sent, sizeof(sent));
	ck_assert_uint_eq(message.avp[AVP_LNS_LAST_RX_LCP_CONFREQ].len, sizeof(received));
	ck_assert_mem_eq(message.avp[AVP_LNS_LAST_RX_LCP_CONFREQ].data, received, sizeof(received));
	ck_assert_uint_eq(avp_get_u32(message.avp[AVP_ACCM].data + 2), 0xa0000);
	ck_assert_uint_eq(avp_get_u32(message.avp[AVP_ACCM].data + 6), 0xffffffff);
	net_peer = NULL;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lcp-told");
	TCase *tcase = tcase_create("lcp");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, asked_and_not_asked);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
