/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs build/l2tphad-null for a test or a benchmark: in a network of their own
 * where loopback is all there is, with a directory that goes with it.
 */
#ifndef TESTS_NULL_DAEMON_H
#define TESTS_NULL_DAEMON_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#define DAEMON_UNUSED __attribute__((unused))
#define DAEMON_ADDRESS "127.9.0.1"

struct daemon_run {
	pid_t pid;
	char dir[64];
};

/* This process and those it starts have a loopback of their own; -errno. */
static DAEMON_UNUSED int daemon_network(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int fd, error = 0;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	lo.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		error = -errno;
	close(fd);
	return error;
}

/* The program beside the one that runs, or one directory further up. */
static DAEMON_UNUSED bool daemon_program(char path[PATH_MAX], const char *name)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX / 2);
	int up;

	if (n < 0)
		return false;
	path[n] = '\0';
	for (up = 0; up < 2; up++) {
		char *slash = strrchr(path, '/');

		if (!slash)
			return false;
		snprintf(slash, PATH_MAX / 2, "/%s", name);
		if (!access(path, X_OK))
			return true;
		*slash = '\0';
	}
	return false;
}

/* Again in its directory, after one that is gone. */
static DAEMON_UNUSED bool daemon_again(struct daemon_run *run, const char *config, bool deaf, int cpu)
{
	char program[PATH_MAX], file[128], log[128];
	cpu_set_t set;
	FILE *f;
	int fd;

	if (!daemon_program(program, "l2tphad-null"))
		return false;
	snprintf(file, sizeof(file), "%s/l2tpha.conf", run->dir);
	snprintf(log, sizeof(log), "%s/log", run->dir);
	f = fopen(file, "we");
	if (!f)
		return false;
	fchmod(fileno(f), 0600);
	fputs(config, f);
	fclose(f);
	run->pid = fork();
	if (run->pid)
		return run->pid > 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	if (deaf)
		setenv("L2TPHA_NULL", "deaf", 1);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(fd, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	execl(program, program, "-f", file, "-r", run->dir, (char *)NULL);
	_exit(127);
}

/* `deaf`: the standby of a pair on this box.  Its log is dir/log. */
static DAEMON_UNUSED bool daemon_start(struct daemon_run *run, const char *config, bool deaf, int cpu)
{
	snprintf(run->dir, sizeof(run->dir), "/tmp/l2tphad-null.XXXXXX");
	return mkdtemp(run->dir) && daemon_again(run, config, deaf, cpu);
}

static DAEMON_UNUSED void daemon_end(struct daemon_run *run)
{
	static const char *const files[] = { "l2tpha.conf", "log", "l2tphad.sock", "l2tphad.lock", "ppp.sock", "epoch.none",
					     "epoch.1", "epoch.2", "none.log", "1.log", "2.log" };
	char path[128];
	size_t i;

	if (run->pid > 0) {
		kill(run->pid, SIGKILL);
		waitpid(run->pid, NULL, 0);
	}
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", run->dir, files[i]);
		unlink(path);
	}
	rmdir(run->dir);
}

static DAEMON_UNUSED uint64_t daemon_cpu_us(const struct daemon_run *run)
{
	char path[64];
	uint64_t ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)run->pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(f);
	return ns / 1000;
}

static DAEMON_UNUSED long daemon_rss_kib(const struct daemon_run *run)
{
	char path[64];
	long total, resident = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)run->pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%ld %ld", &total, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static DAEMON_UNUSED bool daemon_alive(const struct daemon_run *run)
{
	return waitpid(run->pid, NULL, WNOHANG) == 0;
}

/* A LAC's socket, of an address of its own for each number, connected to the daemon; -1. */
static DAEMON_UNUSED int daemon_lac_socket(unsigned number)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010000 + number + 1) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1701) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, DAEMON_ADDRESS, &to.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

#endif
