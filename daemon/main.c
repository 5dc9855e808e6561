// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * l2tphad(8): options, configuration, one libev loop.  Stays in the
 * foreground: systemd or the caller supervises it.  SIGTERM and SIGINT end
 * the daemon without a packet: kernel sessions and pppds go on until the next
 * daemon or the peer takes them over.
 */
#include <errno.h>
#include <ev.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "daemon/config.h"
#include "daemon/io_ctl.h"
#include "daemon/io_log.h"
#include "daemon/io_node.h"
#include "daemon/io_outside.h"

#define RUN_DIR "/run/l2tpha"
#define STATE_DIR "/var/lib/l2tpha"
#define CONFIG_FILE "/etc/l2tpha/l2tpha.conf"

static void usage(FILE *to)
{
	fprintf(to, "usage: l2tphad [-ntvV] [-f file] [-r run-dir] [-S state-dir] [-P plugin] [-L pppd-log]\n"
		    "  -f file       configuration (" CONFIG_FILE ")\n"
		    "  -r run-dir    sockets (" RUN_DIR ")\n"
		    "  -S state-dir  the epoch (" STATE_DIR ", or run-dir if -r is given)\n"
		    "  -P plugin     l2tpha.so (beside this program, or the installed one)\n"
		    "  -L file       pppd's own log\n"
		    "  -t            check the configuration and exit\n"
		    "  -n            stay in the foreground (always so; accepted for scripts)\n"
		    "  -v            debug log; -V version\n");
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)revents;
	log_info("signal %d: leaving; sessions and what is open for their addresses stay", w->signum);
	ev_break(loop, EVBREAK_ALL);
}

#ifdef HAVE_SYSTEMD
static void on_watchdog(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
	sd_notify(0, "WATCHDOG=1");
}
#endif

/* The plugin of a build tree lies beside the daemon. */
static void find_plugin(char path[PATH_MAX])
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n > 0) {
		exe[n] = '\0';
		slash = strrchr(exe, '/');
		if (slash) {
			snprintf(path, PATH_MAX, "%.*s/l2tpha.so", (int)(slash - exe), exe);
			if (!access(path, R_OK))
				return;
		}
	}
	snprintf(path, PATH_MAX, "/usr/lib/l2tpha/l2tpha.so");
}

static void raise_fd_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return;
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

static int make_dir(const char *path)
{
	if (mkdir(path, 0750) && errno != EEXIST) {
		log_warn("%s cannot be made", path);
		return -1;
	}
	return 0;
}

static int serve(struct config *config, const char *file, const char *run_dir, const char *state_dir, const char *plugin,
		 const char *pppd_log)
{
	struct ev_loop *loop = ev_default_loop(EVFLAG_AUTO);
	struct io_node_config nc = { .config = config, .run_dir = run_dir, .state_dir = state_dir,
				     .plugin_path = plugin, .pppd_log = pppd_log };
	struct show_context show = { .config = config, .now_ms = io_now_ms,
				     .path = file, .load = config_load, .save = config_save };
	char why[256] = "", path[PATH_MAX];
	struct io_outside *outside;
	struct io_node *node;
	struct io_ctl *ctl;
	ev_signal term, intr;

	raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	if (make_dir(run_dir) || make_dir(state_dir))
		return 1;
	node = io_node_new(loop, &nc, why);
	if (!node) {
		log_errorx("%s", why);
		return 1;
	}
	show.groups = io_node_groups(node, &show.group_count);
	show.pools = io_node_pools(node);
	outside = io_outside_new(loop, show.groups, show.group_count, run_dir);
	if (!outside) {
		log_errorx("out of memory");
		io_node_free(node);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/l2tphad.sock", run_dir);
	ctl = io_ctl_new(loop, path, &show);
	if (!ctl) {
		log_errorx("%s: the control socket cannot be made: %s", path, strerror(errno));
		io_outside_free(outside);
		io_node_free(node);
		return 1;
	}
	ev_signal_init(&term, on_signal, SIGTERM);
	ev_signal_start(loop, &term);
	ev_signal_init(&intr, on_signal, SIGINT);
	ev_signal_start(loop, &intr);
	log_info("l2tphad " L2TPHA_VERSION " runs as %s", config->hostname);
#ifdef HAVE_SYSTEMD
	uint64_t watchdog_us = 0;
	ev_timer watchdog;

	sd_notify(0, "READY=1");
	ev_timer_init(&watchdog, on_watchdog, 0., 0.);
	if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
		ev_timer_set(&watchdog, 0., (double)watchdog_us / 3e6);
		ev_timer_start(loop, &watchdog);
	}
#endif
	ev_run(loop, 0);
	io_ctl_free(ctl);
	io_outside_free(outside);
	io_node_free(node);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = CONFIG_FILE, *run_dir = RUN_DIR, *state_dir = NULL, *pppd_log = NULL;
	char plugin[PATH_MAX] = "", error[256] = "";
	enum log_level level = LOG_LEVEL_INFO;
	bool check_only = false;
	struct config *config;
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "f:r:S:P:L:ntvVh", longs, NULL)) != -1) {
		switch (opt) {
		case 'f':
			file = optarg;
			break;
		case 'r':
			run_dir = optarg ? optarg : run_dir;
			state_dir = state_dir ? state_dir : run_dir;
			break;
		case 'S':
			state_dir = optarg;
			break;
		case 'P':
			snprintf(plugin, sizeof(plugin), "%s", optarg);
			break;
		case 'L':
			pppd_log = optarg;
			break;
		case 'n':
			break;
		case 't':
			check_only = true;
			break;
		case 'v':
			level = LOG_LEVEL_DEBUG;
			break;
		case 'V':
			puts("l2tphad " L2TPHA_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "l2tphad: unexpected argument '%s'\n", argv[optind]);
		usage(stderr);
		return 2;
	}
	io_log_start(level);
	config = config_load(file, error);
	if (!config) {
		log_errorx("%s", error);
		return 1;
	}
	if (check_only) {
		config_free(config);
		return 0;
	}
	if (!plugin[0])
		find_plugin(plugin);
	rc = serve(config, file, run_dir, state_dir ? state_dir : STATE_DIR, plugin, pppd_log);
	config_free(config);
	return rc;
}
