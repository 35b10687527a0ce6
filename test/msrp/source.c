/**
 * @file source.c  What is sent: a file, or standard input as it comes
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "prog.h"


enum {
	STDIN_MAX = 100000000,   /* octets taken from standard input whose
				    size nobody says: they are held in
				    memory                                  */
};

struct source {
	struct mbuf *mb;         /* all of it, or                           */
	struct msrp_tx *tx;      /* borrowed; waits for more                */
	uint64_t size;
	int fd;
	bool stream;             /* cannot be read at any place             */
	bool listens;
};


static void destructor(void *arg)
{
	struct source *s = arg;

	if (s->listens)
		fd_close(s->fd);
	if (s->fd > STDIN_FILENO)
		close(s->fd);
	mem_deref(s->mb);
}


/* Standard input whose size nobody says */
static int stdin_read(struct source *s)
{
	uint8_t buf[65536];
	ssize_t n;
	int err = 0;

	s->mb = mbuf_alloc(sizeof(buf));
	if (!s->mb)
		return ENOMEM;

	while (!err && (n = read(STDIN_FILENO, buf, sizeof(buf))) != 0) {
		if (n < 0)
			err = errno == EINTR ? 0 : errno;
		else if (s->mb->end + (size_t)n > STDIN_MAX)
			err = EFBIG;
		else
			err = mbuf_write_mem(s->mb, buf, (size_t)n);
	}
	s->mb->pos = 0;
	s->size = s->mb->end;

	return err;
}


static int stream_open(struct source *s)
{
	const int flags = fcntl(STDIN_FILENO, F_GETFL);

	s->fd = STDIN_FILENO;
	s->stream = true;

	return fcntl(s->fd, F_SETFL, flags | O_NONBLOCK) ? errno : 0;
}


static int file_open(struct source *s, const char *file)
{
	struct stat st;

	s->fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0 || fstat(s->fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;

	s->size = (uint64_t)st.st_size;

	return 0;
}


/**
 * Open what is to be sent
 *
 * @param file Name, or "-"
 * @param size Octets of "-"; 0 if it is not known
 * @param from First octet to send. A stream begins there
 *
 * @return 0; ERANGE if there is nothing behind from; EINVAL if it is no
 *         regular file; errno
 */
int source_open(struct source **sp, const char *file, uint64_t size,
		uint64_t from)
{
	struct source *s = mem_zalloc(sizeof(*s), destructor);
	int err;

	if (!s)
		return ENOMEM;

	s->fd = -1;
	s->size = size;
	if (strcmp(file, "-"))
		err = file_open(s, file);
	else if (size)
		err = stream_open(s);
	else
		err = stdin_read(s);
	if (!err && from && from >= s->size)
		err = ERANGE;
	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}


static void more_handler(int flags, void *arg)
{
	struct source *s = arg;
	(void)flags;

	fd_close(s->fd);
	s->listens = false;
	msrp_tx_wake(s->tx);
}


/** Octets for msrp_read_h, from whatever message source_start() named */
int source_read(struct source *s, uint64_t off, uint8_t *buf, size_t *len)
{
	ssize_t n;

	do {
		n = s->stream ? read(s->fd, buf, *len) :
			pread(s->fd, buf, *len, (off_t)off);
	} while (n < 0 && errno == EINTR);

	if (n < 0 && errno == EAGAIN && s->stream) {
		*len = 0;
		s->listens = true;
		return fd_listen(s->fd, FD_READ, more_handler, s);
	}
	if (n < 0)
		return errno;
	/* shorter than it was said to be: there is never more */
	if (!n)
		return ENODATA;

	*len = (size_t)n;

	return 0;
}


/** Its octets in memory, or NULL: source_read() gives them */
struct mbuf *source_mbuf(const struct source *s)
{
	return s->mb;
}


/** Octets in all */
uint64_t source_size(const struct source *s)
{
	return s->size;
}


/** The message that waits when there is nothing now. It is let go with NULL */
void source_start(struct source *s, struct msrp_tx *tx)
{
	s->tx = tx;
	if (!tx && s->listens) {
		fd_close(s->fd);
		s->listens = false;
	}
}
