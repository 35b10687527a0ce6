/**
 * @file wal.c  Has a write-ahead log lost what was committed?
 *
 * SQLite takes a log up to the first frame that does not check, and says
 * nothing: after a loss of power that is right, for what is behind was never
 * acknowledged. After damage it is not. The two are told apart by what comes
 * behind. Each frame carries the checksum of all frames so far, so a chain
 * can be taken up after a bad one; and with synchronous=FULL the frames of a
 * commit are written only after the commit before was synced. So a chain
 * that goes on past a commit proves that all before it was on the disk once.
 *
 * Format: sqlite.org/fileformat2.html, 4. Pure parsing; needs no SQLite.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store.h"


enum {
	MAGIC      = 0x377f0682,  /* its last bit: checksums of big-endian
				     words                               */
	HEAD_SIZE  = 32,
	FRAME_HEAD = 24,
	PAGE_MIN   = 512,
	PAGE_MAX   = 65536,
};

struct sum {
	uint32_t a;
	uint32_t b;
};

struct walk {
	int fd;
	uint8_t *buf;       /* one frame                                  */
	size_t page;        /* octets of a page                           */
	bool big;
	uint8_t salt[8];
	struct sum stored;  /* checksum as written in the frame before    */
	bool commit;        /* past a commit, in the chain that ends there;
			       or that frame says it is one               */
};


static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}


static uint32_t word(const uint8_t *p, bool big)
{
	const uint32_t x = get32(p);

	return big ? x : __builtin_bswap32(x);
}


/* len is a multiple of 8 */
static void sum_add(struct sum *s, const uint8_t *p, size_t len, bool big)
{
	const uint8_t *end = p + len;

	for (; p < end; p += 8) {
		s->a += word(p, big) + s->b;
		s->b += word(p + 4, big) + s->a;
	}
}


static bool sum_is(const struct sum *s, const uint8_t *p)
{
	return s->a == get32(p) && s->b == get32(p + 4);
}


/* @return 0; ENODATA: the file ends before; EIO */
static int read_at(int fd, uint8_t *p, size_t len, off_t off)
{
	size_t n = 0;

	while (n < len) {
		const ssize_t got = pread(fd, p + n, len - n,
					  off + (off_t)n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return EIO;
		if (!got)
			return ENODATA;

		n += (size_t)got;
	}

	return 0;
}


static int head_decode(struct walk *w, const uint8_t head[HEAD_SIZE])
{
	const uint32_t magic = get32(head), page = get32(head + 8);
	struct sum s = {0, 0};

	if ((magic & ~1u) != MAGIC || page < PAGE_MIN || page > PAGE_MAX ||
	    (page & (page - 1)))
		return EBADMSG;

	w->big  = magic & 1;
	w->page = page;
	memcpy(w->salt, head + 16, sizeof(w->salt));
	sum_add(&s, head, 24, w->big);
	if (!sum_is(&s, head + 24))
		return EBADMSG;

	w->stored = s;

	return 0;
}


/* @return true if it goes on from the frame before */
static bool frame_check(struct walk *w)
{
	const uint8_t *p = w->buf;
	const bool salt = !memcmp(p + 8, w->salt, sizeof(w->salt));
	struct sum s = w->stored;
	bool ok = false;

	if (salt) {
		sum_add(&s, p, 8, w->big);
		sum_add(&s, p + FRAME_HEAD, w->page, w->big);
		ok = sum_is(&s, p + 16);
	}

	w->stored.a = get32(p + 16);
	w->stored.b = get32(p + 20);
	if (!ok)
		w->commit = false;
	if (salt && get32(p + 4))
		w->commit = true;

	return ok;
}


static int frames_check(struct walk *w)
{
	const size_t size = FRAME_HEAD + w->page;
	off_t off = HEAD_SIZE;
	bool broken = false;
	int err;

	while (!(err = read_at(w->fd, w->buf, size, off))) {
		const bool past = w->commit;
		const bool ok = frame_check(w);

		if (ok && broken && past)
			return EBADMSG;
		if (!ok)
			broken = true;
		off += (off_t)size;
	}

	return err == ENODATA ? 0 : err;
}


static int check(int fd)
{
	struct walk w = {.fd = fd, .commit = false};
	uint8_t head[HEAD_SIZE];
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return EIO;

	/* its header is synced before the first frame is written */
	if (st.st_size < HEAD_SIZE + FRAME_HEAD + PAGE_MIN)
		return 0;

	err = read_at(fd, head, sizeof(head), 0);
	if (!err)
		err = head_decode(&w, head);
	if (err)
		return err == ENODATA ? 0 : err;

	w.buf = malloc(FRAME_HEAD + w.page);
	if (!w.buf)
		return ENOMEM;

	err = frames_check(&w);
	free(w.buf);

	return err;
}


int wal_check(const char *path)
{
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : EIO;

	/* one that another program begins anew right now looks like a bad
	   one, once */
	err = check(fd);
	if (err == EBADMSG)
		err = check(fd);

	(void)close(fd);

	return err;
}
