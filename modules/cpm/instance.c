/**
 * @file instance.c  Which softphone this is: a UUID that stays
 *
 * RFC 5626, 4.1: the same at each start. It is in the file that baresip's
 * uuid.so has, in its form, so both say the same whichever comes first.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "register.h"


enum {
	PATH_SIZE = 1024,
};


/* RFC 4122, 4.4: random, in lower case */
static void make(char *uuid)
{
	uint8_t v[16];

	rand_bytes(v, sizeof(v));
	v[6] = (uint8_t)(0x40 | (v[6] & 0x0f));
	v[8] = (uint8_t)(0x80 | (v[8] & 0x3f));

	(void)re_snprintf(uuid, UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-"
			  "%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			  v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7],
			  v[8], v[9], v[10], v[11], v[12], v[13], v[14],
			  v[15]);
}


static bool isuuid(const char *uuid)
{
	size_t i;

	for (i=0; i<UUID_SIZE - 1; i++) {
		const bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? uuid[i] != '-'
		    : !uuid[i] || !strchr("0123456789abcdefABCDEF", uuid[i]))
			return false;
	}

	return true;
}


static bool load(char *uuid, const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;

	n = read(fd, uuid, UUID_SIZE - 1);
	(void)close(fd);

	return n == UUID_SIZE - 1 && isuuid(uuid);
}


static int save(const char *uuid, const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			    0600);
	ssize_t n;

	if (fd < 0)
		return errno;

	n = write(fd, uuid, UUID_SIZE - 1);
	(void)close(fd);
	if (n != UUID_SIZE - 1)
		(void)unlink(path);

	return n == UUID_SIZE - 1 ? 0 : EIO;
}


void instance_read(char *uuid)
{
	char path[PATH_SIZE];
	size_t n;
	int err;

	err = conf_path_get(path, sizeof(path));
	n = err ? 0 : strlen(path);
	if (!err && re_snprintf(path + n, sizeof(path) - n, "/uuid") < 0)
		err = ENAMETOOLONG;
	if (!err && load(uuid, path))
		return;

	make(uuid);
	if (!err)
		err = save(uuid, path);
	/* what is no UUID is not ours to overwrite */
	if (err)
		info("cpm: %s is new at each start: %m\n", "+sip.instance",
		     err);
}
