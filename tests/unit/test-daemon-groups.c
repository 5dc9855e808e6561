// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon itself (build/l2tphad-null) restarted in place with other tunnel-ids:
 * a tunnel that is up keeps its number, and where another group would have it the
 * daemon does not start, so that the file as it was keeps everything.
 */
#include "tests/null/tunnel.h"
#include "tests/unit/check_main.h"

static const char common[] =
	"hostname lns\n"
	"vpdn enable\n"
	"interface virtual-template 1\n"
	" ip address 10.64.0.1\n"
	"vpdn-group WHOLESALE\n"
	" accept-dialin\n"
	"  protocol l2tp\n"
	"  virtual-template 1\n"
	" no l2tp tunnel authentication\n"
	"redundancy\n"
	" group 1\n"
	"  virtual-address " DAEMON_ADDRESS "/8 interface lo\n";

static struct daemon_run run;

static void killed(void)
{
	kill(run.pid, SIGKILL);
	waitpid(run.pid, NULL, 0);
	run.pid = 0;
}

static bool log_has(const char *part)
{
	char path[128], text[16384];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", run.dir);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return strstr(text, part) != NULL;
}

/* The one after the restart knows the tunnel, and how far it was. */
static bool hello_is_acked(struct tunnel *t)
{
	uint8_t buf[L2TP_MSG_MAX];
	struct message_header header;
	struct avp_builder out;

	message_begin(&out, buf, sizeof(buf), MESSAGE_HELLO, t->id, 0);
	message_end(&out);
	message_set_ns(buf, t->ns);
	message_set_nr(buf, 1);
	for (int try = 0; try < 100; try++) {
		send(t->fd, buf, out.len, 0);
		if (next(t->fd, 100, buf, &header) && header.nr == (uint16_t)(t->ns + 1)) {
			t->ns++;
			return true;
		}
		message_begin(&out, buf, sizeof(buf), MESSAGE_HELLO, t->id, 0);
		message_end(&out);
		message_set_ns(buf, t->ns);
		message_set_nr(buf, 1);
	}
	return false;
}

START_TEST(other_tunnel_ids)
{
	char text[2048];
	struct tunnel t;
	int status;
	bool low;

	ck_assert(daemon_start(&run, common, false, -1));
	ck_assert_msg(tunnel_open(&t, 0), "no tunnel");
	low = t.id < 30000;

	/* another group would have it: not started, nothing touched */
	killed();
	snprintf(text, sizeof(text), "%s  tunnel-ids %s\n group 2\n  virtual-address 127.9.0.2/8 interface lo\n"
		 "  tunnel-ids %s\n", common, low ? "30000 60000" : "1 29999", low ? "1 29999" : "30000 65535");
	ck_assert(daemon_again(&run, text, false, -1));
	ck_assert_int_eq(waitpid(run.pid, &status, 0), run.pid);
	run.pid = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert(log_has(" of another group here: "));
	ck_assert(log_has("start with the groups as they were, or remove "));

	/* a smaller range of its own: new tunnels only */
	snprintf(text, sizeof(text), "%s  tunnel-ids %s\n", common, low ? "30000 60000" : "1 29999");
	ck_assert(daemon_again(&run, text, false, -1));
	ck_assert_msg(hello_is_acked(&t), "the tunnel is gone");
	killed();
	ck_assert(daemon_again(&run, common, false, -1));
	ck_assert_msg(hello_is_acked(&t), "the tunnel is gone with the file as it was");
	daemon_end(&run);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon-groups");
	TCase *tcase = tcase_create("groups");

	tcase_set_timeout(tcase, 60);
	if (daemon_network())
		printf("not run: no network of our own, that needs root or user namespaces\n");
	else
		tcase_add_test(tcase, other_tunnel_ids);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
