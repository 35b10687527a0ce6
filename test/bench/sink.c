/**
 * @file sink.c  What the module is compared with: as little as answers 200
 *
 * The SQLite sink does what storing at all costs: one row with the unique id
 * of the message, WAL and synchronous=FULL, one commit for all that one read
 * brought, then the answers of all of them in one write.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bench.h"


enum { BUF = 1 << 16 };

struct sink {
	enum sink_kind kind;
	struct wire wire;
	sqlite3 *db;
	sqlite3_stmt *add;
	char in[4 * BUF];
	size_t inn;
	uint32_t count;    /* messages                                   */
	uint32_t expect;
	size_t scan;       /* octets of the first request without its end */
	char out[BUF * 4];
	size_t outn;
};


static void sql(struct sink *s, const char *text)
{
	char *err = NULL;

	if (sqlite3_exec(s->db, text, NULL, NULL, &err))
		die("sqlite: %s: %s", text, err);
}


static void db_open(struct sink *s, const char *folder)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/sink.db", folder);
	if (sqlite3_open(path, &s->db))
		die("sqlite: %s", sqlite3_errmsg(s->db));
	sql(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	    "CREATE TABLE msg (id INTEGER PRIMARY KEY, key TEXT UNIQUE,"
	    " body BLOB)");
	if (sqlite3_prepare_v2(s->db, "INSERT INTO msg (key, body) "
			       "VALUES (?1, ?2)", -1, &s->add, NULL))
		die("sqlite: %s", sqlite3_errmsg(s->db));
}


static void store(struct sink *s, const char *p, size_t len)
{
	const char *id = memmem(p, len, "imdn.Message-ID: ", 17), *eol;
	const char *body;

	if (!id)
		die("no id in %.*s", (int)len, p);
	id += 17;
	eol = memchr(id, '\r', len - (size_t)(id - p));
	body = memmem(p, len, "\r\n\r\nContent-Type", 16);

	sqlite3_bind_text(s->add, 1, id, (int)(eol - id), SQLITE_STATIC);
	sqlite3_bind_blob(s->add, 2, body, (int)(len - (size_t)(body - p)),
			  SQLITE_STATIC);
	if (sqlite3_step(s->add) != SQLITE_DONE)
		die("sqlite: %s", sqlite3_errmsg(s->db));
	sqlite3_reset(s->add);
}


/* @return octets of the whole request at p, 0 if it is not whole */
static size_t request(struct sink *s, const char *p, size_t len)
{
	const char *tail = memmem(p + s->scan, len - s->scan, "\r\n-------",
				  9), *eol;
	const char *to, *from, *toe, *frome, *tide;
	size_t n;

	if (!tail) {
		s->scan = len > 8 ? len - 8 : 0;
		return 0;
	}
	s->scan = (size_t)(tail - p);
	eol = memmem(tail + 9, len - (size_t)(tail + 9 - p), "\r\n", 2);
	if (!eol)
		return 0;

	s->scan = 0;
	n = (size_t)(eol + 2 - p);
	to = (const char *)memmem(p, n, "To-Path: ", 9) + 9;
	toe = memchr(to, '\r', n);
	from = (const char *)memmem(toe, n, "From-Path: ", 11) + 11;
	frome = memchr(from, '\r', n);
	/* to the hop before only */
	if (memchr(from, ' ', (size_t)(frome - from)))
		frome = memchr(from, ' ', n);
	tide = memchr(p + 5, ' ', n);

	if (s->kind == SINK_SQLITE)
		store(s, p, (size_t)(tail - p));

	s->outn += (size_t)snprintf(s->out + s->outn,
		sizeof(s->out) - s->outn,
		"MSRP %.*s 200 OK\r\nTo-Path: %.*s\r\nFrom-Path: %.*s\r\n"
		"-------%.*s$\r\n",
		(int)(tide - p - 5), p + 5, (int)(frome - from), from,
		(int)(toe - to), to, (int)(tide - p - 5), p + 5);

	return n;
}


static void batch(struct sink *s)
{
	size_t pos = 0, n;

	if (s->kind == SINK_SQLITE)
		sql(s, "BEGIN");
	while ((n = request(s, s->in + pos, s->inn - pos)) > 0) {
		/* only the last chunk of a message has this flag */
		if (s->in[pos + n - 3] == '$')
			++s->count;
		pos += n;
	}
	if (s->kind == SINK_SQLITE)
		sql(s, "COMMIT");

	s->inn -= pos;
	memmove(s->in, s->in + pos, s->inn);
	if (s->outn && wire_write(&s->wire, s->out, s->outn) !=
	    (ssize_t)s->outn)
		die("sink: write: %s", strerror(errno));
	s->outn = 0;

	if (s->expect && s->count >= s->expect) {
		printf("%.9f\n", now());
		(void)fflush(stdout);
		s->expect = 0;
	}
}


static void say(const struct sink *s, uint64_t octets, double seconds)
{
	printf("%u whole messages, %.1f MB in %.3f s; %.0f/s, %.0f MB/s\n",
	       s->count, (double)octets / 1e6, seconds, s->count / seconds,
	       (double)octets / 1e6 / seconds);
	(void)fflush(stdout);
}


void sink_serve(const struct sink_args *args, int fd)
{
	struct sink *s = calloc(1, sizeof(*s));
	uint64_t octets = 0;
	double first = 0, last = 0;
	int on = 1;

	if (!s)
		die("no memory");
	s->kind = args->kind;
	s->expect = args->expect;
	if (s->kind == SINK_SQLITE)
		db_open(s, args->folder);
	s->wire.fd = fd;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (args->pem)
		wire_tls(&s->wire, args->pem, true);

	for (;;) {
		ssize_t n;

		if (s->inn + BUF > sizeof(s->in))
			die("sink: a request of more than %d octets", 3 * BUF);
		n = wire_read(&s->wire, s->in + s->inn, BUF);
		if (n <= 0)
			break;
		if (args->say) {
			last = now();
			first = octets ? first : last;
			octets += (uint64_t)n;
		}
		s->inn += (size_t)n;
		batch(s);
	}
	if (args->say)
		say(s, octets, last - first);

	sqlite3_finalize(s->add);
	sqlite3_close(s->db);
	_exit(0);
}


void sink_run(const struct sink_args *args, int lfd)
{
	sink_serve(args, accept(lfd, NULL, NULL));
}
