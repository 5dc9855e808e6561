// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket and l2tpctl as they are: a process serves the socket of
 * a node, the real program talks to it, from a pipe and from a terminal.
 */
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/debug.h"
#include "daemon/io_ctl.h"
#include "tests/unit/check_main.h"
#include "tests/unit/group_rig.h"

static char dir[] = "/tmp/l2tpha-ctl-XXXXXX", sock[64], conf[64], gate[64], program[512];
static pid_t server;
static bool silent_plane;	/* the data plane never answers */
static enum { LOOK_FAST, LOOK_GATED, LOOK_FATAL } look;	/* what a look at a session meets */

static uint64_t clock_now(void)
{
	return now;
}

static void on_second(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	now += 100;
	if (!silent_plane)
		dp_null_run(nodes[0]->dp, now);
	debug_line(((struct show_context *)timer->data)->debug, DEBUG_EVENT, "one: tick");
}

/* Asked for the age of each session. */
static uint64_t wall_clock(void)
{
	while (look == LOOK_GATED && access(gate, F_OK))
		usleep(10000);
	if (look == LOOK_FATAL)
		raise(SIGKILL);
	return 0;
}

/* Serves until it is killed. */
static void serve(void)
{
	struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
	struct show_context context = { .group_count = 1, .now_ms = clock_now, .path = conf, .load = config_load, .save = config_save,
					.unix_ms = look == LOOK_FAST ? NULL : wall_clock };
	ev_timer timer;

	if (!freopen("/dev/null", "w", stderr))
		_exit(2);
	setup();
	if (look != LOOK_FAST)
		pair_up(1);
	context.groups = &nodes[0]->group;
	context.config = nodes[0]->config;
	context.pools = nodes[0]->pools;
	snprintf(context.config->enable_secret, sizeof(context.config->enable_secret), "open sesame");
	if (!io_ctl_new(loop, sock, &context))
		_exit(3);
	ev_timer_init(&timer, on_second, 0.1, 0.1);
	timer.data = &context;
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
	_exit(0);
}

static int dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, sock);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

static void server_up(void)
{
	int fd;

	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 32);
	char *slash;

	ck_assert_int_gt(n, 0);
	program[n] = '\0';
	slash = strstr(program, "/unit/");
	ck_assert_ptr_nonnull(slash);
	strcpy(slash, "/l2tpctl");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sock, sizeof(sock), "%s/s", dir);
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	snprintf(gate, sizeof(gate), "%s/open", dir);
	server = fork();
	if (!server)
		serve();
	while ((fd = dial()) < 0)	/* the test has a time limit */
		usleep(10000);
	close(fd);
}

static void server_of_many_sessions(void)
{
	look = LOOK_GATED;
	server_up();
}

static void server_of_fatal_sessions(void)
{
	look = LOOK_FATAL;
	server_up();
}

static void server_of_a_silent_plane(void)
{
	silent_plane = true;
	server_up();
}

static void server_down(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(sock);
	unlink(conf);
	strcat(conf, ".old");
	unlink(conf);
	ck_assert_int_eq(rmdir(dir), 0);	/* nothing else was left there */
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
}

/* What the program prints, its errors too, when it is run by a shell with these words and this input. */
static int run_ctl(const char *words, const char *input, char *out, size_t size)
{
	char command[1024];
	FILE *pipe;
	size_t n;
	int status;

	snprintf(command, sizeof(command), "printf '%%b' '%s' | %s -s %s %s 2>&1", input, program, sock, words);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	n = fread(out, 1, size - 1, pipe);
	out[n] = '\0';
	status = pclose(pipe);
	return WEXITSTATUS(status);
}

static void ctl(const char *words, const char *input, int status, const char *part)
{
	char out[8192];
	int got = run_ctl(words, input, out, sizeof(out));

	ck_assert_msg(got == status, "%s: status %d: %s", words, got, out);
	ck_assert_msg(strstr(out, part) != NULL, "%s: no \"%s\" in\n%s", words, part, out);
}

START_TEST(commands)
{
	ctl("show version", "", 0, "l2tphad ");
	ctl("show l2tp tunnel id 5", "", 1, "%No tunnel of that ID");
	ctl("bogus", "", 2, "refused 'bogus'");
	ctl("redundancy switchover dry-run", "", 4, "one: refused: ");
	ctl("exit", "", 0, "");
	ctl("-j show version", "", 0, "\"schema_version\": 1");
	ctl("complete show red", "", 0, "redundancy\n");
}
END_TEST

/* With -j every answer is an object, and no line is another because of it. */
START_TEST(all_is_json)
{
	char out[8192], *object = out;
	json_error_t error;
	json_t *tree;

	ctl("-j bogus", "", 2, "\"error\": \"refused 'bogus': expected one of show, ");
	ctl("-j exit", "", 0, "\"code\": 205\n");
	ctl("-j write memory", "", 0, "Building configuration...");
	ck_assert_int_eq(run_ctl("-j", "show l2tp\\nconfigure terminal\\nvpdn-group J\\ndescription of j\\nabort\\nexit\\nshow version\\n",
				 out, sizeof(out)), 0);
	for (unsigned i = 0; i < 6; i++) {
		tree = json_loads(object, JSON_DISABLE_EOF_CHECK, &error);
		ck_assert_msg(tree != NULL, "%u: %s in %s", i, error.text, object);
		ck_assert_int_eq(json_integer_value(json_object_get(tree, "code")), i < 5 ? 200 : 205);
		json_decref(tree);
		object += error.position;
	}
	ck_assert_str_eq(object, "\n");	/* exit ended it */
	ctl("-j", "configure terminal\\nvpdn-group J\\nbogus\\n", 2, "\"error\": \"refused 'bogus'");
}
END_TEST

/* As IOS has them: what is printed of an answer; `?` as a command. */
START_TEST(filters)
{
	char out[8192];

	ctl("show version '|' include Uptime", "", 0, "Uptime is ");
	ck_assert_int_eq(run_ctl("show version '|' include Uptime", "", out, sizeof(out)), 0);
	ck_assert_ptr_null(strstr(out, "l2tphad "));
	ck_assert_int_eq(run_ctl("'sh ver|exc ^l2tphad|^Uptime'", "", out, sizeof(out)), 0);
	ck_assert(!strncmp(out, "Configuration digest", 20));
	ck_assert_int_eq(run_ctl("", "show version | begin Upt\n", out, sizeof(out)), 0);
	ck_assert(!strncmp(out, "Uptime", 6) && strstr(out, "\nConfiguration digest"));
	ctl("show version '|' count is", "", 0, "2\n");
	ctl("show version '|' json", "", 0, "\"schema_version\": 1");
	ctl("show version '|' include", "", 2, "expected | {include|exclude|begin|count} TEXT, or | json\n");
	ctl("show version '|' grep x", "", 2, "refused '| grep x'");
	ctl("show version '|' include '('", "", 2, "refused '('");
	ctl("", "configure terminal\nvpdn-group G\ndescription a | b\nabort\n", 0, "");	/* not a filter */
	ctl("bogus '|' include x", "", 2, "refused 'bogus'");
	ctl("'?'", "", 0, "  show               look at something\n");
	ctl("show redundancy '?'", "", 0, "  fitness ");
	ck_assert_int_eq(run_ctl("help", "", out, sizeof(out)), 0);
	ck_assert_ptr_null(strchr(out, '~'));
	ck_assert_ptr_nonnull(strstr(out, "\n[no] debug all\n"));
}
END_TEST

/* Counters are asked for first; the commands after it wait, others do not. */
START_TEST(counters_are_waited_for)
{
	char out[8192];

	ctl("show l2tp session json", "", 0, "\"sessions\": []");
	ctl("", "show l2tp session all\nshow l2tp session detail json\nshow version\n", 0, "l2tphad ");
	ck_assert_int_eq(run_ctl("", "show l2tp session all\nshow version\n", out, sizeof(out)), 0);
	ck_assert_ptr_nonnull(strstr(out, "%No active L2TP sessions\nl2tphad "));
}
END_TEST

START_TEST(counters_are_not_waited_for_for_ever)
{
	ctl("show l2tp session json", "", 0, "\"sessions\": []");
	ctl("show version", "", 0, "l2tphad ");
	ctl("show l2tp session all", "", 0, "%No active L2TP sessions\n");
}
END_TEST

/* A look at all sessions takes until the gate is open: others are served meanwhile, more of them than there are processes. */
START_TEST(long_answers_hold_up_nobody)
{
	char out[8192], command[1024];
	FILE *pipes[6];
	struct pollfd wait = { .events = POLLIN };

	for (size_t i = 0; i < sizeof(pipes) / sizeof(pipes[0]); i++) {
		snprintf(command, sizeof(command), "printf 'show l2tp session\nshow version\n' | %s -s %s", program, sock);
		pipes[i] = popen(command, "re");
		ck_assert_ptr_nonnull(pipes[i]);
	}
	usleep(500000);		/* they have asked */
	wait.fd = fileno(pipes[0]);
	ctl("show version", "", 0, "l2tphad ");
	ck_assert_int_eq(poll(&wait, 1, 0), 0);		/* and the first is not answered */
	ck_assert_int_eq(mkdir(gate, 0700), 0);
	for (size_t i = 0; i < sizeof(pipes) / sizeof(pipes[0]); i++) {
		out[fread(out, 1, sizeof(out) - 1, pipes[i])] = '\0';
		ck_assert_msg(!strncmp(out, "L2TP Session Information Total tunnels 1 sessions 1\n", 51), "%s", out);
		ck_assert_msg(strstr(out, "\nl2tphad ") != NULL, "%s", out);	/* in order */
		ck_assert_int_eq(pclose(pipes[i]), 0);
	}
	ck_assert_int_eq(rmdir(gate), 0);
}
END_TEST

START_TEST(what_dies_of_an_answer_is_not_the_daemon)
{
	ctl("show l2tp session", "", 3, "no answer");
	ctl("show version", "", 0, "l2tphad ");
}
END_TEST

START_TEST(lines_from_a_pipe)
{
	ctl("", "configure terminal\\nusername x password y\\nend\\nshow running-config\\n", 0, "username x password 0 <hidden>\n");
	ctl("", "configure terminal\\nbogus\\nhostname never\\n", 2, "refused 'bogus'");
	ctl("show running-config", "", 0, "hostname lns-a\n");
	ctl("", "configure terminal\\nvpdn-group N\\naccept-dialin\\nend\\n", 4, "%Refused: not in force");
	ctl("", "configure terminal\\nend\\n", 0, "");	/* who hung up does not configure any longer */
}
END_TEST

static char unread[65536];

/* The file: written whole, the old one kept beside it, permissions and all; read back, or refused with its line. */
START_TEST(file)
{
	char old[80], name[sizeof(conf)];
	struct stat st;
	FILE *f;

	snprintf(old, sizeof(old), "%s.old", conf);
	ctl("copy startup-config running-config", "", 3, "conf: No such file or directory");
	ctl("write memory", "", 0, "Building configuration...\n[OK]\n");
	ck_assert_int_eq(stat(conf, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640 & ~022);
	ck_assert_int_eq(access(old, F_OK), -1);
	ck_assert_int_eq(chmod(conf, 0600), 0);
	ctl("copy startup-config running-config", "", 0, "%Nothing to change\n");
	ctl("", "configure terminal\nusername x password y\ndo write memory\nend\n", 0, "[OK]");
	ck_assert_int_eq(stat(conf, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ctl("show startup-config", "", 0, "username x password 0 <hidden>\n");
	ck_assert_int_eq(rename(old, conf), 0);
	ctl("copy startup-config running-config", "", 0, "%username: 0 added, 1 removed, 0 changed: changed");
	f = fopen(conf, "ae");
	ck_assert_ptr_nonnull(f);
	fputs("bogus\n", f);
	fclose(f);
	ctl("copy startup-config running-config", "", 3, "refused 'bogus'");
	ctl("show running-config", "", 0, "hostname lns-a\n");
	memcpy(name, conf, sizeof(name));
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(mkdir(name, 0700), 0);		/* in the way */
	ctl("write memory", "", 3, "%Not written: ");
	ck_assert_int_eq(rmdir(name), 0);
}
END_TEST

/* Reads until `text` came; what came behind it is for the next call. */
static void expect(int fd, const char *text)
{
	size_t n = strlen(unread);
	char *found;

	while (!(found = strstr(unread, text))) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		ssize_t got;

		ck_assert_msg(poll(&wait, 1, 10000) == 1, "no \"%s\" in \"%s\"", text, unread);
		got = read(fd, unread + n, sizeof(unread) - 1 - n);
		ck_assert_msg(got > 0, "no \"%s\" in \"%s\"", text, unread);
		n += (size_t)got;
		unread[n] = '\0';
	}
	found += strlen(text);
	memmove(unread, found, strlen(found) + 1);
}

static void type(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(terminal)
{
	int fd, status;
	pid_t pid = forkpty(&fd, NULL, NULL, NULL);

	if (!pid) {
		setenv("TERM", "xterm", 1);	/* not one that is padded with NULs */
		setenv("LSAN_OPTIONS", "detect_leaks=0", 1);	/* libedit keeps the names of functions */
		execl(program, program, "-s", sock, (char *)NULL);
		_exit(127);
	}
	expect(fd, "lns-a> ");
	type(fd, "configure terminal\n");
	expect(fd, "needs the privileged mode: enable");
	expect(fd, "lns-a> ");
	type(fd, "ena\t\n");
	/* the superuser is not asked; another would be (test-cli.c) */
	if (geteuid()) {
		expect(fd, "Password: ");
		type(fd, "open sesame\n");
	}
	expect(fd, "lns-a# ");
	type(fd, "conf");
	type(fd, "\tt\n");
	expect(fd, "lns-a(config)# ");
	type(fd, "vpdn-group G\n");
	expect(fd, "lns-a(config-vpdn)# ");
	type(fd, "l2tp tunnel ?");
	expect(fd, "receive-window");
	type(fd, "resync 4\n");
	expect(fd, "lns-a(config-vpdn)# ");
	type(fd, "end\n");
	expect(fd, "lns-a# ");
	type(fd, "debug l2tp redundancy event\n");
	expect(fd, "L2TP redundancy events debugging is on");
	expect(fd, "lns-a# ");
	type(fd, "terminal monitor\n");
	expect(fd, "L2TP redundancy event: one: tick");	/* while nothing is typed */
	type(fd, "undebug all\n");
	expect(fd, "All possible debugging has been turned off");
	type(fd, "exit\n");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(fd);
}
END_TEST

/* Requests that are none, and one that never ends. */
START_TEST(nonsense)
{
	static const char *const lines[] = { "\n", "exec\n", "bogus\n", "exec show\001\n", "password x\n", "exec configure terminal\nshell\n" };
	char buf[2048];

	for (size_t i = 0; i <= sizeof(lines) / sizeof(lines[0]); i++) {
		int fd = dial();

		ck_assert_int_ge(fd, 0);
		memset(buf, 'x', sizeof(buf));
		if (i < sizeof(lines) / sizeof(lines[0]))
			type(fd, lines[i]);
		else
			ck_assert_int_gt(send(fd, buf, sizeof(buf), MSG_NOSIGNAL), 0);
		ck_assert_int_gt(read(fd, buf, sizeof(buf)), 0);
		close(fd);
	}
	ctl("show version", "", 0, "l2tphad ");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ctl");
	TCase *tc = tcase_create("ctl");

	tcase_add_checked_fixture(tc, server_up, server_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, commands);
	tcase_add_test(tc, filters);
	tcase_add_test(tc, all_is_json);
	tcase_add_test(tc, counters_are_waited_for);
	tcase_add_test(tc, lines_from_a_pipe);
	tcase_add_test(tc, file);
	tcase_add_test(tc, terminal);
	tcase_add_test(tc, nonsense);
	suite_add_tcase(suite, tc);
	tc = tcase_create("silent data plane");
	tcase_add_checked_fixture(tc, server_of_a_silent_plane, server_down);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, counters_are_not_waited_for_for_ever);
	suite_add_tcase(suite, tc);
	tc = tcase_create("many sessions");
	tcase_add_checked_fixture(tc, server_of_many_sessions, server_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, long_answers_hold_up_nobody);
	suite_add_tcase(suite, tc);
	tc = tcase_create("fatal sessions");
	tcase_add_checked_fixture(tc, server_of_fatal_sessions, server_down);
	tcase_add_test(tc, what_dies_of_an_answer_is_not_the_daemon);
	suite_add_tcase(suite, tc);
	return check_main(suite);
}
