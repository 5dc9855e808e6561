// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration from files: the text, and the keys kept in files of their
 * own.  Everything that can be wrong is said in one line that names the file.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/grammar.h"
#include "daemon/log.h"

/* The text of a file, NUL-terminated. */
static char *file_read(const char *path, char error[256])
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	struct stat st;
	size_t size = 0;
	ssize_t len;

	if (!file) {
		snprintf(error, 256, "%.160s: %s", path, strerror(errno));
		return NULL;
	}
	if (!fstat(fileno(file), &st) && S_ISREG(st.st_mode) && (st.st_mode & 07))
		log_warnx("%s: holds secrets and everybody may read it: chmod o-rwx", path);
	errno = 0;
	len = getdelim(&text, &size, '\0', file);
	if (len > 0 && text[len - 1] == '\0') {
		snprintf(error, 256, "%.160s: not a text", path);
		free(text);
		text = NULL;
	} else if (len < 0 && (ferror(file) || errno)) {
		snprintf(error, 256, "%.160s: %s", path, strerror(errno));
		free(text);
		text = NULL;
	} else if (len < 0) {	/* empty */
		free(text);
		text = calloc(1, 1);
	}
	fclose(file);
	return text;
}

static int key_load(struct config_redundancy_group *g, char error[256])
{
	char *text = file_read(g->key_file, error), *p = text;
	size_t len = 0;

	if (!text)
		return -EINVAL;
	while (isspace((unsigned char)*p))
		p++;
	while (isxdigit((unsigned char)p[len]))
		len++;
	if (len < 32 || len > 2 * sizeof(g->key) || len % 2 || p[len + strspn(p + len, " \t\r\n")]) {
		snprintf(error, 256, "%.160s: expected a key of 16-%zu octets in hexadecimal", g->key_file, sizeof(g->key));
		len = 0;
	}
	p[len] = '\0';
	g->key_len = grammar_hex(p, g->key, sizeof(g->key));
	explicit_bzero(text, strlen(text));
	free(text);
	return g->key_len ? 0 : -EINVAL;
}

/* Where the section begins that a check complains of ("vpdn-group NAME: ..."); 0: nowhere. */
static unsigned line_of(const char *text, const char *why)
{
	size_t len = strcspn(why, ":");
	unsigned number = 0;

	if (!strncmp(why, "redundancy group ", 17)) {
		why += 11;
		len -= 11;
	}
	while (*text) {
		size_t line = strcspn(text, "\n"), blank = strspn(text, " \t"), end = line;

		number++;
		while (end > blank && strchr(" \t\r", text[end - 1]))
			end--;
		if (end >= blank && end - blank == len && !memcmp(text + blank, why, len))
			return number;
		text += line + (text[line] == '\n');
	}
	return 0;
}

struct config *config_load(const char *path, char error[256])
{
	char *text = file_read(path, error), why[256];
	struct config *config;

	if (!text)
		return NULL;
	config = config_parse(path, text, error);
	if (!config) {
		explicit_bzero(text, strlen(text));
		free(text);
		return NULL;
	}
	if (!config->hostname[0] && gethostname(config->hostname, sizeof(config->hostname) - 1))
		snprintf(config->hostname, sizeof(config->hostname), "localhost");
	if (config_check(config, why)) {
		unsigned line = line_of(text, why);

		if (line)
			snprintf(error, 256, "%.80s:%u: %.160s", path, line, why);
		else
			snprintf(error, 256, "%.80s: %.170s", path, why);
		explicit_bzero(text, strlen(text));
		free(text);
		goto fail;
	}
	explicit_bzero(text, strlen(text));
	free(text);
	for (struct config_redundancy_group *g = config->redundancy_groups; g; g = g->next)
		if (g->key_file[0] && key_load(g, error))
			goto fail;
	return config;
fail:
	config_free(config);
	return NULL;
}

static int text_write(int fd, const char *text)
{
	for (size_t len = strlen(text); len;) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

int config_save(const char *path, const char *text, char error[256])
{
	char temp[PATH_MAX], old[PATH_MAX], dir[PATH_MAX];
	struct stat st = { .st_mode = 0640 };
	bool exists = !stat(path, &st);
	char *slash;
	int fd, err;

	snprintf(temp, sizeof(temp), "%s.new", path);
	snprintf(old, sizeof(old), "%s.old", path);
	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0770);
	if (fd < 0) {
		err = -errno;
		goto fail;
	}
	if (exists && fchown(fd, st.st_uid, st.st_gid))
		fchmod(fd, st.st_mode & 0700);		/* its group would be another one */
	err = text_write(fd, text);
	close(fd);
	if (!err && exists && unlink(old) && errno != ENOENT)
		err = -errno;
	if (!err && exists && link(path, old))
		err = -errno;
	if (!err && rename(temp, path))
		err = -errno;
	if (err) {
		unlink(temp);
		goto fail;
	}
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return 0;
fail:
	snprintf(error, 256, "%.160s: %s", path, strerror(-err));
	return err;
}
