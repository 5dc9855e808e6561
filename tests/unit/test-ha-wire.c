// SPDX-License-Identifier: GPL-2.0-or-later
/* Records packed by hand are octet for octet what protobuf-c packs, and read back; what is cut off is refused. */
#include <stdlib.h>
#include <string.h>

#include "ha/ha.pb-c.h"
#include "ha/wire.h"
#include "tests/unit/check_main.h"

#define RECORDS 40

static uint32_t seed;

static uint32_t some(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static uint16_t number(void)
{
	static const uint16_t edges[] = { 0, 1, 127, 128, 16383, 16384, 65535 };

	return some() % 2 ? edges[some() % 7] : (uint16_t)some();
}

static size_t by_hand(uint8_t *to, const L2tpha__Commit *commit)
{
	uint8_t *p = to;
	size_t size = 0;

	for (size_t i = 0; i < commit->n_records; i++) {
		const L2tpha__Record *r = commit->records[i];
		struct ha_key key = { (uint8_t)r->type, (uint16_t)r->a, (uint16_t)r->b, (uint16_t)r->c };

		size += ha_wire_record_size(key, r->flags, r->body.len);
		p = ha_wire_put_record(p, 1, key, r->flags, r->body.data, r->body.len);
		ck_assert_uint_eq((size_t)(p - to), size);
	}
	p = ha_wire_put_varint(p, 2, commit->barrier);
	p = ha_wire_put_fixed64(p, 3, commit->digest);
	p = ha_wire_put_varint(p, 4, commit->count);
	p = ha_wire_put_varint(p, 5, commit->more);
	return (size_t)(p - to);
}

/* How many records; -1: refused. */
static int read_back(const uint8_t *data, size_t len, const L2tpha__Commit *commit)
{
	struct ha_wire wire = { data, data + len };
	struct ha_wire_record r;
	struct ha_wire_field f;
	int ret, n = 0;

	while ((ret = ha_wire_next(&wire, &f)) > 0) {
		if (f.number != 1)
			continue;
		if (ha_wire_get_record(&f, &r))
			return -1;
		if (commit) {
			const L2tpha__Record *want = commit->records[n];

			ck_assert(r.type == want->type && r.a == want->a && r.b == want->b && r.c == want->c);
			ck_assert_uint_eq(r.flags, want->flags);
			ck_assert_uint_eq(r.len, want->body.len);
			ck_assert(!r.len || !memcmp(r.body, want->body.data, r.len));
		}
		n++;
	}
	return ret ? -1 : n;
}

START_TEST(same_octets)
{
	static uint8_t body[300], packed[65536], ours[65536], *exact;
	L2tpha__Record records[RECORDS], *pointers[RECORDS];
	L2tpha__Commit commit = L2TPHA__COMMIT__INIT;
	size_t len, i;

	seed = (uint32_t)_i + 1;
	for (i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)some();
	for (i = 0; i < RECORDS; i++) {
		l2tpha__record__init(&records[i]);
		records[i].type = 1 + some() % 255;
		records[i].a = number();
		records[i].b = number();
		records[i].c = number();
		records[i].flags = some() % 4;
		records[i].body.data = body;
		records[i].body.len = some() % 3 ? some() % sizeof(body) : 0;
		pointers[i] = &records[i];
	}
	commit.records = pointers;
	commit.n_records = some() % (RECORDS + 1);
	commit.barrier = some() % 2;
	commit.more = some() % 2;
	commit.digest = some() % 2 ? (uint64_t)some() << 40 | some() : 0;
	commit.count = number();
	len = l2tpha__commit__pack(&commit, packed);
	ck_assert_uint_eq(by_hand(ours, &commit), len);
	ck_assert(!memcmp(packed, ours, len));
	ck_assert_int_eq(read_back(packed, len, &commit), (int)commit.n_records);
	/* a piece of it is refused, or is a commit of fewer; memory behind it is not looked at */
	for (i = 0; i < len; i += 1 + some() % 7) {
		exact = malloc(i + 1);
		memcpy(exact, packed, i);
		ck_assert_int_le(read_back(exact, i, NULL), (int)commit.n_records);
		free(exact);
	}
	/* nor does anything happen when an octet is another */
	for (i = 0; i < 200 && len; i++) {
		memcpy(ours, packed, len);
		ours[some() % len] = (uint8_t)some();
		read_back(ours, len, NULL);
	}
}
END_TEST

START_TEST(of_a_newer_release)
{
	static const uint8_t record[] = {
		0x0a, 0x0f, 0x08, 0x04, 0x10, 0x01, 0x3a, 0x02, 'n', 'w', 0x45, 1, 2, 3, 4, 0x32, 0x00,
	};
	static const uint8_t body_as_number[] = { 0x0a, 0x02, 0x30, 0x01 }, no_field[] = { 0x00, 0x01 };
	static const uint8_t endless[] = { 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
	struct ha_wire wire = { record, record + sizeof(record) };
	struct ha_wire_record r;
	struct ha_wire_field f;

	ck_assert_int_eq(ha_wire_next(&wire, &f), 1);
	ck_assert_int_eq(ha_wire_get_record(&f, &r), 0);	/* fields 7 and 8 are passed over */
	ck_assert_uint_eq(r.type, 4);
	ck_assert_uint_eq(r.a, 1);
	ck_assert_uint_eq(r.len, 0);
	ck_assert_int_eq(read_back(body_as_number, sizeof(body_as_number), NULL), -1);
	ck_assert_int_eq(read_back(no_field, sizeof(no_field), NULL), -1);
	ck_assert_int_eq(read_back(endless, sizeof(endless), NULL), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ha-wire");
	TCase *tcase = tcase_create("ha-wire");

	tcase_add_loop_test(tcase, same_octets, 0, 200);
	tcase_add_test(tcase, of_a_newer_release);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
