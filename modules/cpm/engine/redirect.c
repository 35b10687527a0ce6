/**
 * @file redirect.c  Where a redirection of our INVITE leads
 *
 * RFC 3261, 8.1.3.4 and 21.3. Nothing is tried twice, so there are no loops.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "redirect.h"


enum {
	Q_ONE = 1000,
};


/* qvalue = "0" ["." 0*3DIGIT] / "1" ["." 0*3("0")]; none is 1 */
static unsigned q_decode(const struct pl *params)
{
	unsigned q = 0, unit = Q_ONE;
	struct pl val;
	size_t i;

	if (msg_param_decode(params, "q", &val) || !val.l)
		return Q_ONE;
	if (val.p[0] == '1')
		return Q_ONE;

	for (i=2; i<val.l && val.p[i] >= '0' && val.p[i] <= '9'; i++) {
		unit /= 10;
		q += (unsigned)(val.p[i] - '0') * unit;
	}

	return q;
}


/* It goes into a request of ours as it is: without headers, and whole */
static bool uri_take(struct pl *uri, const struct sip_addr *addr)
{
	const char *p;
	size_t i;

	*uri = addr->auri;
	p = pl_strchr(uri, '?');
	if (p)
		uri->l = (size_t)(p - uri->p);

	for (i=0; i<uri->l; i++) {
		const unsigned char c = (unsigned char)uri->p[i];

		if (c <= ' ' || c >= 0x7f || strchr("<>\"", c))
			return false;
	}

	return !pl_strcasecmp(&addr->uri.scheme, "sip") &&
		pl_isset(&addr->uri.host) && uri->l <= CPM_URI_MAX;
}


static bool isknown(const struct targets *t, const struct pl *uri)
{
	size_t i;

	for (i=0; i<t->n; i++) {
		if (!pl_strcasecmp(uri, t->v[i].uri))
			return true;
	}

	return false;
}


static int insert(struct targets *t, const struct pl *uri, unsigned q)
{
	size_t i = t->n;
	char *copy;
	int err;

	err = pl_strdup(&copy, uri);
	if (err)
		return err;

	for (; i > t->next && t->v[i-1].q < q; i--)
		t->v[i] = t->v[i-1];
	t->v[i].uri = copy;
	t->v[i].q   = q;
	++t->n;

	return 0;
}


struct add {
	struct targets *t;
	const char *first;
	int err;
};

static bool contact_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	struct add *add = arg;
	struct sip_addr addr;
	struct pl uri;
	(void)msg;

	if (sip_addr_decode(&addr, &hdr->val) || !uri_take(&uri, &addr) ||
	    !pl_strcasecmp(&uri, add->first) || isknown(add->t, &uri))
		return false;

	add->err = insert(add->t, &uri, q_decode(&addr.params));

	return add->err || add->t->n >= CPM_CALLS;
}


int targets_add(struct targets *t, const struct sip_msg *msg,
		const char *first)
{
	struct add add = {t, first, 0};

	if (t->n < CPM_CALLS)
		(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT,
					contact_handler, &add);

	return add.err;
}


const char *targets_next(struct targets *t)
{
	return t->next < t->n ? t->v[t->next++].uri : NULL;
}


void targets_reset(struct targets *t)
{
	while (t->n)
		mem_deref(t->v[--t->n].uri);
	t->next = 0;
}
