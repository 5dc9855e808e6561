/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the main() of every unit test ends.  CK_VERBOSITY and CK_FORK are heard. */
#ifndef L2TPHA_TESTS_UNIT_CHECK_MAIN_H
#define L2TPHA_TESTS_UNIT_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

/* Takes the suite; returns the exit status. */
static inline int check_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
