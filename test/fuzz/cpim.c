/**
 * @file cpim.c  Fuzz: CPIM heads, addresses, times; what is written is read
 * back
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_cpim.h>
#include "fuzz.h"


enum {
	EACH_MAX = 256,  /* up to here each prefix is tried                 */
	CUTS     = 16,
	BODY_MAX = 512,
};


static void addr_check(const struct pl *pl)
{
	struct cpim_addr addr;
	int err;

	err = cpim_addr_decode(&addr, pl);
	CHECK(err == 0 || err == EBADMSG || err == EINVAL);
	if (err) {
		CHECK(!pl_isset(&addr.uri) && !pl_isset(&addr.dname));
		return;
	}

	fuzz_inside(&addr.dname, pl->p, pl->l);
	fuzz_inside(&addr.uri, pl->p, pl->l);
	(void)cpim_uri_isreal(&addr.uri);
}


static void text_check(const struct pl *pl)
{
	char *str;
	size_t i;

	if (!pl_isset(pl))
		return;

	CHECK(!re_sdprintf(&str, "%H", cpim_text_print, pl));
	for (i=0; str[i]; i++)
		CHECK((uint8_t)str[i] >= 0x20 && str[i] != 0x7f);
	mem_deref(str);
}


static void time_check(const struct pl *pl)
{
	uint64_t ms, again;
	struct pl out;
	char *str;

	if (cpim_time_decode(&ms, pl))
		return;

	if (re_sdprintf(&str, "%H", cpim_time_print, &ms))
		return;

	pl_set_str(&out, str);
	CHECK(!cpim_time_decode(&again, &out));
	CHECK(again == ms);
	mem_deref(str);
}


static void views_check(const struct cpim_msg *msg, size_t len)
{
	const void *p = msg->mb->buf;
	size_t i;

	fuzz_inside(&msg->from.dname, p, msg->body);
	fuzz_inside(&msg->from.uri, p, msg->body);
	fuzz_inside(&msg->to.dname, p, msg->body);
	fuzz_inside(&msg->to.uri, p, msg->body);
	fuzz_inside(&msg->datetime, p, msg->body);
	fuzz_inside(&msg->subject, p, msg->body);
	fuzz_inside(&msg->imdn_msgid, p, msg->body);
	fuzz_inside(&msg->orig_to, p, msg->body);
	fuzz_inside(&msg->ctype, p, msg->body);
	fuzz_inside(&msg->cdisp, p, msg->body);
	fuzz_inside(&msg->cte, p, msg->body);
	fuzz_inside(&msg->clen, p, msg->body);
	CHECK(msg->routec <= CPIM_ROUTE_MAX);
	for (i=0; i<msg->routec; i++)
		fuzz_inside(&msg->routev[i], p, msg->body);
	CHECK(msg->body <= len);
}


static char *dup_pl(const struct pl *pl)
{
	char *str = NULL;

	if (pl_isset(pl))
		CHECK(!pl_strdup(&str, pl));

	return str;
}


static bool pl_is(const struct pl *pl, const char *str)
{
	return str ? !pl_strcmp(pl, str) : !pl_isset(pl);
}


/* What was read is written, and read again */
static void again(const struct cpim_msg *msg)
{
	char *from = dup_pl(&msg->from.uri), *to = dup_pl(&msg->to.uri);
	char *id = dup_pl(&msg->imdn_msgid), *ctype = dup_pl(&msg->ctype);
	char *cdisp = dup_pl(&msg->cdisp);
	char *routev[CPIM_ROUTE_MAX] = {NULL};
	struct cpim_out out;
	struct cpim_msg *copy;
	struct mbuf *mb = mbuf_alloc(64);
	size_t i, left;

	memset(&out, 0, sizeof(out));
	out.from = from;
	out.to = to;
	out.imdn_msgid = id;
	out.notify = msg->notify & ~(unsigned)CPIM_INTERWORKING;
	out.ctype = ctype;
	out.cdisp = cdisp;
	out.body = msg->mb->buf + msg->body;
	out.len = min(msg->mb->end - msg->body, (size_t)BODY_MAX);
	for (i=0; i<msg->routec; i++)
		routev[i] = dup_pl(&msg->routev[i]);
	out.routev = (const char *const *)routev;
	out.routec = msg->routec;
	if (cpim_time_decode(&out.time, &msg->datetime))
		out.time = 0;

	if (cpim_encode(mb, &out)) {
		CHECK(!mb->end && !mb->pos);
		goto out;
	}

	mb->pos = 0;
	left = mb->end;
	CHECK(!cpim_decode(&copy, mb));
	CHECK(left - copy->body == out.len);
	CHECK(!memcmp(mb->buf + copy->body, out.body, out.len));
	CHECK(pl_is(&copy->from.uri, from) && pl_is(&copy->to.uri, to));
	CHECK(pl_is(&copy->imdn_msgid, id));
	CHECK(pl_is(&copy->ctype, ctype) && pl_is(&copy->cdisp, cdisp));
	CHECK(copy->notify == out.notify);
	mem_deref(copy);
 out:
	for (i=0; i<msg->routec; i++)
		mem_deref(routev[i]);
	mem_deref(mb);
	mem_deref(from);
	mem_deref(to);
	mem_deref(id);
	mem_deref(ctype);
	mem_deref(cdisp);
}


/* @return err; *body where it begins */
static int decode(const uint8_t *data, size_t len, size_t *body)
{
	struct mbuf *mb = fuzz_mbuf(data, len);
	struct cpim_msg *msg;
	int err;

	err = cpim_decode(&msg, mb);
	CHECK(err == 0 || err == ENODATA || err == EBADMSG ||
	      err == EOVERFLOW);
	if (err) {
		CHECK(mb->pos == 0);
	}
	else {
		CHECK(mb->pos == msg->body);
		views_check(msg, len);
		*body = msg->body;
		mem_deref(msg);
	}
	mem_deref(mb);

	return err;
}


static void prefix_check(const uint8_t *data, size_t len, int whole,
			 size_t body)
{
	size_t b = 0;
	int err;

	err = decode(data, len, &b);
	if (!whole)
		CHECK(len < body ? err == ENODATA : (!err && b == body));
	else if (whole == ENODATA)
		CHECK(err == ENODATA);
	else
		CHECK(err == ENODATA || err == whole);
}


static void all_check(const uint8_t *data, size_t size, int whole,
		      size_t body)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct cpim_msg *msg;
	int err;

	err = cpim_decode_all(&msg, mb);
	CHECK(err == 0 || err == EBADMSG || err == EOVERFLOW);
	if (whole != ENODATA)
		CHECK(err == whole);
	if (!whole)
		CHECK(msg->body == body);
	if (!err) {
		views_check(msg, size);
		addr_check(&msg->from.uri);
		text_check(&msg->from.dname);
		text_check(&msg->to.dname);
		text_check(&msg->subject);
		time_check(&msg->datetime);
		again(msg);
		mem_deref(msg);
	}
	mem_deref(mb);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *copy = fuzz_mbuf(data, size);
	struct fuzz_in in = {copy->buf, size};
	struct fuzz_rnd rnd;
	size_t i, body = 0;
	struct pl line;
	int err;

	err = decode(data, size, &body);
	fuzz_rnd_init(&rnd, data, size);
	if (size <= EACH_MAX) {
		for (i=0; i<size; i++)
			prefix_check(data, i, err, body);
	}
	else {
		for (i=0; i<CUTS; i++)
			prefix_check(data, fuzz_rnd_next(&rnd,
							 (uint32_t)size),
				     err, body);
	}
	all_check(data, size, err, body);

	/* its parts by themselves */
	line = fuzz_line(&in);
	addr_check(&line);
	text_check(&line);
	time_check(&line);
	mem_deref(copy);

	return 0;
}
