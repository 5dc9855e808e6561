// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Address pools: least recently used first, nothing given twice, leases of
 * the other node, fixed addresses inside and outside of pools.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/config.h"
#include "daemon/pool.h"
#include "tests/unit/check_main.h"

static struct config *config;
static struct pool_set *set;

static uint32_t ip(const char *text)
{
	uint32_t addr;

	ck_assert_int_eq(inet_pton(AF_INET, text, &addr), 1);
	return addr;
}

static void setup(void)
{
	char error[256];

	config = config_parse("t", "ip local pool P 10.0.0.1 10.0.0.4\nip local pool Q 10.0.1.1\n"
				   "username fixed password x address 10.0.0.3\n"
				   "username away password x address 172.16.0.1\n", error);
	ck_assert_ptr_nonnull(config);
	set = pool_set_new(config);
	ck_assert_ptr_nonnull(set);
}

static void teardown(void)
{
	pool_set_free(set);
	config_free(config);
}

static uint32_t alloc(const char *pool, const char *user)
{
	uint32_t addr = 0;

	ck_assert_int_eq(pool_alloc(set, pool, user, &addr), 0);
	return addr;
}

START_TEST(least_recently_used_first)
{
	uint32_t addr;

	ck_assert_uint_eq(alloc("P", "a"), ip("10.0.0.1"));
	ck_assert_uint_eq(alloc("P", "b"), ip("10.0.0.2"));
	ck_assert_int_eq(pool_release(set, ip("10.0.0.1")), 0);
	ck_assert_uint_eq(alloc("P", "c"), ip("10.0.0.4"));	/* .3 is fixed's, .1 was used last */
	ck_assert_uint_eq(alloc("P", "d"), ip("10.0.0.1"));
	ck_assert_int_eq(pool_alloc(set, "P", "e", &addr), -ENOSPC);
	ck_assert_int_eq(pool_release(set, ip("10.0.0.2")), 0);
	ck_assert_int_eq(pool_release(set, ip("10.0.0.2")), -ENOENT);
	ck_assert_uint_eq(alloc("P", "e"), ip("10.0.0.2"));
	ck_assert_int_eq(pool_alloc(set, "none", "f", &addr), -ENOENT);
}
END_TEST

START_TEST(fixed_addresses)
{
	uint32_t addr;

	ck_assert_uint_eq(alloc("P", "fixed"), ip("10.0.0.3"));
	ck_assert_int_eq(pool_alloc(set, "P", "fixed", &addr), -EADDRINUSE);
	ck_assert_uint_eq(alloc("", "away"), ip("172.16.0.1"));
	ck_assert_int_eq(pool_alloc(set, "", "away", &addr), -EADDRINUSE);
	ck_assert_uint_eq(pool_outside(set), 1);
	ck_assert_int_eq(pool_release(set, ip("172.16.0.1")), 0);
	ck_assert_int_eq(pool_release(set, ip("10.0.0.3")), 0);
	ck_assert_uint_eq(pool_outside(set), 0);
	/* given back, it is still nobody else's */
	for (int i = 0; i < 3; i++)
		ck_assert_uint_ne(alloc("P", "x"), ip("10.0.0.3"));
	ck_assert_uint_eq(alloc("P", "fixed"), ip("10.0.0.3"));
}
END_TEST

START_TEST(replicated_leases)
{
	ck_assert_int_eq(pool_take(set, ip("10.0.0.1")), 0);
	ck_assert_int_eq(pool_take(set, ip("10.0.0.1")), -EADDRINUSE);
	ck_assert_int_eq(pool_take(set, ip("198.51.100.1")), 0);
	ck_assert_int_eq(pool_take(set, ip("198.51.100.1")), -EADDRINUSE);
	ck_assert(pool_taken(set, ip("10.0.0.1")) && pool_taken(set, ip("198.51.100.1")));
	ck_assert(!pool_taken(set, ip("10.0.0.2")) && !pool_taken(set, ip("198.51.100.2")));
	ck_assert_uint_eq(alloc("P", "a"), ip("10.0.0.2"));
	ck_assert_int_eq(pool_release(set, ip("10.0.0.1")), 0);
	ck_assert(!pool_taken(set, ip("10.0.0.1")));
}
END_TEST

START_TEST(statistics)
{
	struct pool_info info;
	uint32_t addr;

	alloc("Q", "a");
	ck_assert_int_eq(pool_alloc(set, "Q", "b", &addr), -ENOSPC);
	pool_release(set, ip("10.0.1.1"));
	ck_assert(pool_info(set, 0, &info));
	ck_assert_uint_eq(info.size, 4);
	ck_assert_uint_eq(info.reserved, 1);
	ck_assert(pool_info(set, 1, &info));
	ck_assert_str_eq(info.name, "Q");
	ck_assert_uint_eq(info.used, 0);
	ck_assert_uint_eq(info.used_max, 1);
	ck_assert_uint_eq(info.exhausted, 1);
	ck_assert(!pool_info(set, 2, &info));
}
END_TEST

/* Any order of calls: an address has one owner, and none is lost. */
START_TEST(random_walk)
{
	uint32_t held[4], addr, n = 0;

	srand((unsigned)_i);
	for (int step = 0; step < 10000; step++) {
		if (rand() % 2) {
			int err = pool_alloc(set, "P", "u", &addr);

			ck_assert_int_eq(err, n == 3 ? -ENOSPC : 0);
			if (err)
				continue;
			for (uint32_t i = 0; i < n; i++)
				ck_assert_uint_ne(held[i], addr);
			held[n++] = addr;
		} else if (n) {
			uint32_t i = (uint32_t)rand() % n;

			ck_assert_int_eq(pool_release(set, held[i]), 0);
			held[i] = held[--n];
		}
	}
}
END_TEST

/* Another configuration: what is taken stays taken, wherever it lies now; the order is kept. */
START_TEST(reload)
{
	struct pool_info info;
	struct config *next;
	char error[256];
	uint32_t addr;

	ck_assert_uint_eq(alloc("P", "a"), ip("10.0.0.1"));
	ck_assert_uint_eq(alloc("P", "b"), ip("10.0.0.2"));
	ck_assert_uint_eq(alloc("Q", "c"), ip("10.0.1.1"));
	ck_assert_uint_eq(alloc("", "away"), ip("172.16.0.1"));
	ck_assert_int_eq(pool_alloc(set, "Q", "d", &addr), -ENOSPC);
	ck_assert_int_eq(pool_release(set, ip("10.0.0.1")), 0);
	next = config_parse("t", "ip local pool P 10.0.0.1 10.0.0.4\nip local pool R 172.16.0.1 172.16.0.2\n"
				 "username fixed password x address 10.0.0.3\n", error);
	ck_assert_int_eq(pool_set_reload(set, next), 0);
	config_free(config);
	config = next;
	ck_assert(pool_taken(set, ip("10.0.0.2")) && pool_taken(set, ip("10.0.1.1")) && pool_taken(set, ip("172.16.0.1")));
	ck_assert_uint_eq(pool_outside(set), 1);		/* Q is gone, its address is still in use */
	ck_assert_uint_eq(alloc("P", "e"), ip("10.0.0.4"));	/* free longer than .1 */
	ck_assert_uint_eq(alloc("R", "f"), ip("172.16.0.2"));
	ck_assert(pool_info(set, 0, &info) && info.used == 2 && info.used_max == 2 && info.reserved == 1);
	ck_assert_int_eq(pool_release(set, ip("10.0.1.1")), 0);
	ck_assert_int_eq(pool_release(set, ip("172.16.0.1")), 0);
	ck_assert_uint_eq(alloc("R", "g"), ip("172.16.0.1"));
	ck_assert_uint_eq(pool_outside(set), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pool");
	TCase *tc = tcase_create("pool");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, least_recently_used_first);
	tcase_add_test(tc, fixed_addresses);
	tcase_add_test(tc, replicated_leases);
	tcase_add_test(tc, statistics);
	tcase_add_loop_test(tc, random_walk, 1, 4);
	tcase_add_test(tc, reload);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
