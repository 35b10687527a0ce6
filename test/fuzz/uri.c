/**
 * @file uri.c  Fuzz: MSRP URIs and paths
 *
 * Each line is a path; two that follow each other are compared, and told to a
 * session as its peer's.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_msrp.h>
#include "fuzz.h"


enum { LINES = 16 };

static struct msrp *stack;


static void uri_check(const struct pl *pl)
{
	struct msrp_uri uri, copy;
	struct pl own;
	char *str;
	int err;

	err = msrp_uri_decode(&uri, pl);
	CHECK(err == 0 || err == EBADMSG);
	if (err)
		return;

	CHECK(pl->l <= MSRP_URI_MAX);
	fuzz_inside(&uri.user, pl->p, pl->l);
	fuzz_inside(&uri.host, pl->p, pl->l);
	fuzz_inside(&uri.sid, pl->p, pl->l);
	fuzz_inside(&uri.transport, pl->p, pl->l);
	CHECK(uri.host.l && uri.transport.l);

	/* what it says is what another reader would be told */
	CHECK(re_sdprintf(&str, "msrp%s://%s%r%s%s:%u%s%r;%r",
			  uri.tls ? "s" : "",
			  memchr(uri.host.p, ':', uri.host.l) ? "[" : "",
			  &uri.host,
			  memchr(uri.host.p, ':', uri.host.l) ? "]" : "",
			  "", (uint32_t)uri.port, uri.sid.l ? "/" : "",
			  &uri.sid, &uri.transport) == 0);
	pl_set_str(&own, str);
	CHECK(msrp_uri_cmp(&uri, &uri));
	if (uri.port && own.l <= MSRP_URI_MAX &&
	    !msrp_uri_decode(&copy, &own)) {
		CHECK(msrp_uri_cmp(&uri, &copy));
		CHECK(msrp_uri_cmp(&copy, &uri));
	}
	mem_deref(str);
}


static void pair_check(const struct pl *a, const struct pl *b)
{
	struct msrp_uri ua, ub;

	if (msrp_uri_decode(&ua, a) || msrp_uri_decode(&ub, b))
		return;

	CHECK(msrp_uri_cmp(&ua, &ub) == msrp_uri_cmp(&ub, &ua));
}


static void peer_check(const struct pl *line)
{
	char *str = fuzz_str(line->p, line->l);
	struct msrp_sess_h h;
	struct msrp_sess *sess;
	struct sa laddr;
	int err;

	memset(&h, 0, sizeof(h));
	CHECK(!sa_set_str(&laddr, "127.0.0.1", 0));
	CHECK(!msrp_sess_alloc(&sess, stack, &laddr, false, &h, NULL));
	err = msrp_sess_set_peer(sess, str);
	CHECK(err == 0 || err == EBADMSG);
	mem_deref(sess);
	mem_deref(str);
}


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = fuzz_mbuf(data, size);
	struct fuzz_in in = {mb->buf, size};
	struct pl last = PL_INIT;
	unsigned n;

	if (!stack)
		CHECK(!msrp_alloc(&stack, NULL));

	for (n=0; in.l && n<LINES; n++) {
		struct pl line = fuzz_line(&in);

		uri_check(&line);
		if (pl_isset(&last))
			pair_check(&last, &line);
		peer_check(&line);
		last = line;
	}
	mem_deref(mb);

	return 0;
}
