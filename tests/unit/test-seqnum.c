// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps that bring a receiver near its peer's numbers, against a receiver as
 * facts 10.8 describe it and the lab measures it (dp-driver sequenced).
 */
#include <stdbool.h>

#include "netlink/seqnum.h"
#include "tests/unit/check_main.h"

struct receiver {
	uint16_t expected, odd;
	unsigned in_a_row;
	bool any;		/* of the next it takes the number */
};

static bool takes(struct receiver *r, uint16_t number)
{
	if ((uint16_t)(number - r->expected) >= 32767)
		return false;
	if (number != r->expected && !r->any) {
		r->in_a_row = number == (uint16_t)(r->odd + 1) ? r->in_a_row + 1 : 0;
		r->odd = number;
		if (r->in_a_row <= 4)
			return false;
	}
	r->any = false;
	r->expected = (uint16_t)(number + 1);
	return true;
}

/* For every number the peer may be at: it is deaf without, and with them hears what comes next. */
START_TEST(every_number)
{
	uint16_t steps[SEQ_STEPS];

	for (unsigned peer = 0; peer < 65536; peer++) {
		struct receiver r = { .any = true };
		size_t n = seq_steps((uint16_t)peer, steps);

		ck_assert_uint_le(n, SEQ_STEPS);
		ck_assert_int_eq(n == 0, peer >= 65534 || takes(&(struct receiver){ .any = true }, (uint16_t)peer));
		for (size_t i = 0; i < n; i++)
			takes(&r, steps[i]);
		if (!n)
			takes(&r, (uint16_t)peer);
		/* it was under way meanwhile */
		for (unsigned later = peer < 65534 ? 1 : 65536 - peer; later < 2000; later += 37)
			ck_assert_msg((uint16_t)(peer + later - r.expected) < 32767, "%u + %u: %u expected", peer, later, r.expected);
		if (n == SEQ_STEPS)
			ck_assert_uint_eq(r.expected, (uint16_t)(peer + 1));
	}
}
END_TEST

START_TEST(what_bears_a_number)
{
	static const uint8_t plain[] = { 0x08, 2, 0x12, 0x34, 0x56, 0x78, 0x80, 0x01, 0, 0, 0xff };
	static const uint8_t length[] = { 0x48, 2, 0, 13, 0x12, 0x34, 0x56, 0x78, 0x80, 0x01, 0, 0, 0xff };
	static const uint8_t none[] = { 0x40, 2, 0, 9, 0x12, 0x34, 0x56, 0x78, 0xff };
	static const uint8_t control[] = { 0xc8, 2, 0, 12, 0x12, 0x34, 0, 0, 0, 1, 0, 1 };
	static const uint8_t v3[] = { 0x08, 3, 0x12, 0x34, 0x56, 0x78, 0x80, 0x01, 0, 0 };
	uint16_t tunnel, session;

	ck_assert_int_eq(seq_of(plain, sizeof(plain), &tunnel, &session), 0x8001);
	ck_assert_uint_eq(tunnel, 0x1234);
	ck_assert_uint_eq(session, 0x5678);
	tunnel = session = 0;
	ck_assert_int_eq(seq_of(length, sizeof(length), &tunnel, &session), 0x8001);
	ck_assert_uint_eq(tunnel, 0x1234);
	ck_assert_uint_eq(session, 0x5678);
	ck_assert_int_eq(seq_of(none, sizeof(none), &tunnel, &session), -1);
	ck_assert_int_eq(seq_of(control, sizeof(control), &tunnel, &session), -1);
	ck_assert_int_eq(seq_of(v3, sizeof(v3), &tunnel, &session), -1);
	for (size_t len = 0; len < 10; len++)
		ck_assert_int_eq(seq_of(plain, len, &tunnel, &session), -1);
	for (size_t len = 0; len < 12; len++)
		ck_assert_int_eq(seq_of(length, len, &tunnel, &session), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seqnum");
	TCase *tcase = tcase_create("seqnum");

	tcase_add_test(tcase, every_number);
	tcase_add_test(tcase, what_bears_a_number);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
