/**
 * @file sendq_unit.c  What the suites of the queue share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "unit/sendq_unit.h"


struct mbuf *sq_text(const char *text)
{
	struct mbuf *mb = mbuf_alloc(32);

	ck_assert_int_eq(0, mbuf_write_str(mb, text));
	mb->pos = 0;

	return mb;
}


int sq_send(struct cpm_send *snd, const char *text, uint64_t *idp)
{
	int err;

	snd->body = text ? sq_text(text) : NULL;
	err = cpm_send(t.cpm, snd, idp, NULL);
	mem_deref(snd->body);

	return err;
}


uint64_t sq_put(const char *peer, const char *text)
{
	struct cpm_send snd = {.account = ALICE};
	char uri[80];
	uint64_t id = 0;

	snprintf(uri, sizeof(uri), "sip:%s@example.net", peer);
	snd.to = uri;
	ck_assert_int_eq(0, sq_send(&snd, text, &id));
	ck_assert_uint_gt(id, 0);

	return id;
}


bool sq_has(const struct req *req, const char *text)
{
	const struct mbuf *mb = req->msg->mb;

	return memmem(mb->buf, mb->end, text, strlen(text)) != NULL;
}


static struct mbuf *kept[REQS];

/* What a request says behind a name, e.g. "imdn.Message-ID: " */
void sq_field(char *buf, size_t size, unsigned i, const char *name)
{
	const struct mbuf *mb = kept[i];
	const char *p = memmem(mb->buf, mb->end, name, strlen(name));

	ck_assert_ptr_nonnull(p);
	p += strlen(name);
	snprintf(buf, size, "%.*s", (int)strcspn(p, "\r"), p);
}


/* What was answered has no octets any more */
static void keep_all(void)
{
	unsigned i;

	for (i=0; i<t.reqc; i++) {
		if (!kept[i] && t.reqv[i].msg)
			kept[i] = mem_ref(t.reqv[i].msg->mb);
	}
}


static void kept_reset(void)
{
	size_t i;

	for (i=0; i<REQS; i++)
		kept[i] = mem_deref(kept[i]);
}


void sq_setup(void)
{
	ob_setup();
	t.hold = true;
}


void sq_teardown(void)
{
	kept_reset();
	ob_teardown();
}


static unsigned want;

static bool asked(void)
{
	return t.reqc >= want;
}


static bool sent(void)
{
	return t.out.sent >= want;
}


static bool failed(void)
{
	return t.out.failed >= want;
}


void sq_wait_asked(unsigned n)
{
	want = n;
	ob_wait(asked);
	keep_all();
	ck_assert_uint_eq(n, t.reqc);
}


void sq_wait_sent(unsigned n)
{
	want = n;
	ob_wait(sent);
}


void sq_wait_failed(unsigned n)
{
	want = n;
	ob_wait(failed);
}


static bool msg_handler(const struct cpm_msg *msg, void *arg)
{
	*(struct cpm_msg *)arg = *msg;

	return true;
}


struct cpm_msg sq_msg(uint64_t id)
{
	struct cpm_msg msg;

	ck_assert_int_eq(0, cpm_store_msg(cpm_reader(t.cpm), id,
					  msg_handler, &msg));

	return msg;
}


int sq_queued(void)
{
	struct cpm_counts counts;

	ck_assert_int_eq(0, cpm_store_counts(cpm_reader(t.cpm), &counts));

	return (int)counts.queued;
}
