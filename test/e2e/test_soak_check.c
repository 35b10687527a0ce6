/**
 * @file test_soak_check.c  Rounds of kill -9: is all of it there, once?
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "soak.h"


enum {
	LINE  = 31,           /* octets of a generated line                */
	PIECE = 20000,        /* octets of a long text, looked at          */
	PAGE  = 50,           /* messages in one answer                    */
};


static bool is_text(const char *got, size_t off, size_t total)
{
	const size_t len = strlen(got);
	char *want = malloc(len + 1);
	bool same;

	ck_assert_ptr_nonnull(want);
	same = off + len <= total;
	if (same) {
		scene_text_fill(want, off, len, total);
		same = !memcmp(got, want, len);
	}
	free(want);

	return same;
}


/* A piece at the beginning of a line; want: octets that must be there */
static bool is_piece(struct soak *k, int64_t id, size_t off, size_t total)
{
	const size_t want = total - off < PIECE ? total - off : PIECE - 4;
	const struct odict *o;
	const char *text;

	o = ctrl_ask(k->s.c, "cpm_message",
		     "{\"id\":%d,\"offset\":%zu,\"length\":%d}", (int)id, off,
		     PIECE);
	text = j_str(o, "text");

	return strlen(text) >= want && is_text(text, off, total);
}


/* Each octet of a file */
static bool is_file(const char *path, size_t total)
{
	size_t size = 0;
	char *got = file_read(path, &size), *want = malloc(total + 1);
	bool same;

	ck_assert_ptr_nonnull(want);
	scene_text_fill(want, 0, total, total);
	same = got && size == total && !memcmp(got, want, total);
	mem_deref(got);
	free(want);

	return same;
}


/* A short text octet by octet; of a long one its beginning, its end, and a
   piece between them */
static bool is_whole(struct soak *k, const struct odict *m,
		     const struct soak_msg *msg)
{
	const size_t lines = (msg->size - 1) / LINE;
	const int64_t id = j_int(m, "id");
	size_t off;

	if (j_int(m, "size") != (int64_t)msg->size)
		return false;
	if (msg->file)
		return is_file(j_str(m, "file"), msg->size);

	if (!is_text(j_str(m, "text"), 0, msg->size))
		return false;
	for (off=0; off<msg->size && msg->size <= 2 * PIECE;
	     off += PIECE / LINE * LINE)
		if (!is_piece(k, id, off, msg->size))
			return false;
	if (msg->size <= 2 * PIECE)
		return true;

	return is_piece(k, id, LINE * (lines - PIECE / 2 / LINE),
			msg->size) &&
		is_piece(k, id, LINE * soak_random(k, (unsigned)lines),
			 msg->size);
}


/* "r17-3" */
static struct soak_msg *message_of(struct soak *k, const struct odict *m,
				   unsigned *roundp, unsigned *np)
{
	const unsigned rounds = k->rounds + SOAK_CALM;

	if (sscanf(j_str(m, "imdn_id"), "r%u-%u", roundp, np) != 2 ||
	    *roundp >= rounds || *np >= k->roundv[*roundp].n)
		return NULL;

	return &k->roundv[*roundp].msgv[*np];
}


void soak_check(struct soak *k, unsigned round)
{
	const struct soak_round *r = &k->roundv[round];
	unsigned seenv[SOAK_MESSAGES] = {0}, i, at, n;
	const struct odict *o;

	do {
		o = ctrl_ask(k->s.c, "cpm_messages",
			     "{\"after\":%d,\"limit\":%d}", (int)k->after,
			     PAGE);
		for (i=0; i<j_count(o, "messages"); i++) {
			const struct odict *m = j_at(o, "messages", i);
			const struct soak_msg *msg;

			if (j_int(m, "id") > k->after)
				k->after = j_int(m, "id");
			msg = message_of(k, m, &at, &n);
			if (!msg || at != round) {
				++k->doubled;  /* of a round before */
				continue;
			}
			++seenv[n];
			k->wrong += !is_whole(k, m, msg);
		}
	} while (j_bool(o, "more"));

	for (i=0; i<r->n; i++) {
		k->missing += !seenv[i] && !r->msgv[i].gone;
		k->doubled += seenv[i] && r->msgv[i].gone;
		k->doubled += seenv[i] > 1;
	}
}


/* Its content was looked at when it was new */
static bool is_there(const struct odict *m, const struct soak_msg *msg)
{
	struct stat st;

	return j_int(m, "size") == (int64_t)msg->size &&
		(!msg->file || (!stat(j_str(m, "file"), &st) &&
				st.st_size == (off_t)msg->size));
}


void soak_check_all(struct soak *k)
{
	const unsigned rounds = k->rounds + SOAK_CALM;
	unsigned *seenv = calloc(rounds * SOAK_MESSAGES, sizeof(*seenv));
	int64_t after = 0;
	const struct odict *o;
	unsigned i, at, n;

	ck_assert_ptr_nonnull(seenv);
	do {
		o = ctrl_ask(k->s.c, "cpm_messages",
			     "{\"after\":%d,\"limit\":%d}", (int)after,
			     PAGE);
		for (i=0; i<j_count(o, "messages"); i++) {
			const struct odict *m = j_at(o, "messages", i);
			const struct soak_msg *msg;

			/* in the order of time, not of ids */
			if (j_int(m, "id") > after)
				after = j_int(m, "id");
			msg = message_of(k, m, &at, &n);
			ck_assert_ptr_nonnull(msg);
			++seenv[at * SOAK_MESSAGES + n];
			k->wrong += !is_there(m, msg);
		}
	} while (j_bool(o, "more"));

	for (at=0; at<rounds; at++) {
		for (n=0; n<k->roundv[at].n; n++) {
			const unsigned seen = seenv[at * SOAK_MESSAGES + n];
			const bool gone = k->roundv[at].msgv[n].gone;

			k->missing += !gone && !seen;
			k->doubled += seen > (gone ? 0 : 1);
		}
	}
	free(seenv);
}


int64_t soak_conv(struct soak *k, const char *peer)
{
	const struct odict *o = ctrl_ask(k->s.c, "cpm_conversations", NULL);
	unsigned i;

	for (i=0; i<j_count(o, "conversations"); i++) {
		const struct odict *conv = j_at(o, "conversations", i);

		if (!strcmp(j_str(conv, "peer"), peer))
			return j_int(conv, "id");
	}

	return 0;
}


unsigned soak_count(struct soak *k, int64_t conv, bool unread)
{
	const struct odict *o;
	char prm[100];

	snprintf(prm, sizeof(prm), "{\"conversation\":%d%s,\"limit\":100}",
		 (int)conv, unread ? ",\"unread\":true" : "");

	/* one without messages is none */
	return ctrl_cmd(k->s.c, "cpm_messages", prm, &o) && o
		? j_count(o, "messages") : 0;
}


unsigned soak_files(struct soak *k)
{
	DIR *dir = opendir(scene_file(&k->s, "spool"));
	struct dirent *de;
	unsigned n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL)
		n += de->d_name[0] != '.';
	closedir(dir);

	return n;
}
