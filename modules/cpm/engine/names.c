/**
 * @file names.c  Every address behind the name of a SIP server
 *
 * RFC 3263, but backwards: not the one server that a request would go to, but
 * all that one may come from. So preferences and transports do not matter:
 * the targets of all SRV names that NAPTR gives, else of the three usual ones,
 * else the addresses of the name itself. As the softphone itself, whose
 * resolver this is, it asks DNS only: no hosts file.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "trust.h"


struct name {
	struct le le;
	struct list askl;        /* struct ask: not answered yet            */
	struct sa addrv[NAME_ADDRS];
	size_t addrc;
	struct sa newv[NAME_ADDRS];  /* of the answers so far               */
	size_t newc;
	uint64_t until;          /* jiffies: when to ask again              */
	uint32_t ttl;            /* s, least of the answers so far          */
	unsigned askc;           /* questions of this round                 */
	char *host;
	name_dnsc_h *dnsch;
	void *arg;
	bool plain;
	bool naptr;              /* there are such records for SIP          */
	bool targets;            /* SRV or NAPTR named some                 */
	bool own;                /* its own addresses have been asked for   */
	bool failed;             /* not all has been answered               */
	bool whole;              /* the last round was                      */
};

/* A question on its way */
struct ask {
	struct le le;
	struct name *n;
	struct dns_query *query;
	uint16_t type;
};

static const char *const srvv[] = {"_sip._udp", "_sip._tcp", "_sips._tcp"};


static void ask_destructor(void *arg)
{
	struct ask *ask = arg;

	list_unlink(&ask->le);
	mem_deref(ask->query);
}


static void destructor(void *arg)
{
	struct name *n = arg;

	list_unlink(&n->le);
	list_flush(&n->askl);
	mem_deref(n->host);
}


static void add(struct name *n, const struct sa *addr)
{
	size_t i;

	for (i=0; i<n->newc; i++) {
		if (sa_cmp(&n->newv[i], addr, SA_ADDR))
			return;
	}
	if (n->newc < NAME_ADDRS)
		n->newv[n->newc++] = *addr;
}


static void answer_handler(int err, const struct dnshdr *hdr,
			   struct list *ansl, struct list *authl,
			   struct list *addl, void *arg);

static void ask(struct name *n, const char *host, uint16_t type)
{
	struct dnsc *dnsc = n->dnsch(n->arg);
	struct ask *a;

	if (n->askc++ >= NAME_ASKS)
		return;

	a = dnsc ? mem_zalloc(sizeof(*a), ask_destructor) : NULL;
	if (a) {
		a->n = n;
		a->type = type;
		list_append(&n->askl, &a->le, a);
	}
	if (!a || dnsc_query(&a->query, dnsc, host, type, DNS_CLASS_IN, true,
			     answer_handler, a)) {
		n->failed = true;
		mem_deref(a);
	}
}


static void ask_addr(struct name *n, const char *host)
{
	ask(n, host, DNS_TYPE_A);
	ask(n, host, DNS_TYPE_AAAA);
}


/* "." is no host: the service is not there (RFC 2782) */
static bool ishost(const char *host)
{
	return str_isset(host) && strcmp(host, ".") != 0;
}


/* Services are those of RFC 3263, 4.1, and RFC 7118: "SIP+D2U" */
static void take_naptr(struct name *n, const struct dnsrr *rr)
{
	const char *to = rr->rdata.naptr.replace;
	const char *flags = rr->rdata.naptr.flags;
	const char *service = rr->rdata.naptr.services;

	if (!service || !ishost(to) || (strncasecmp(service, "SIP+D2", 6) &&
					strncasecmp(service, "SIPS+D2", 7)))
		return;

	n->naptr = true;
	if (!str_casecmp(flags, "s"))
		ask(n, to, DNS_TYPE_SRV);
	else if (!str_casecmp(flags, "a")) {
		n->targets = true;
		ask_addr(n, to);
	}
}


static bool rr_handler(struct dnsrr *rr, void *arg)
{
	struct name *n = arg;
	struct sa addr;

	n->ttl = rr->ttl < 0 ? 0 : min(n->ttl, (uint64_t)rr->ttl);

	switch (rr->type) {

	case DNS_TYPE_A:
		sa_set_in(&addr, rr->rdata.a.addr, 0);
		add(n, &addr);
		break;

	case DNS_TYPE_AAAA:
		sa_set_in6(&addr, rr->rdata.aaaa.addr, 0);
		add(n, &addr);
		break;

	case DNS_TYPE_SRV:
		if (!ishost(rr->rdata.srv.target))
			break;
		n->targets = true;
		ask_addr(n, rr->rdata.srv.target);
		break;

	case DNS_TYPE_NAPTR:
		take_naptr(n, rr);
		break;

	default:
		break;
	}

	return false;
}


static void ask_srv(struct name *n)
{
	char host[256];
	size_t i;

	for (i=0; i<ARRAY_SIZE(srvv); i++) {
		if (re_snprintf(host, sizeof(host), "%s.%s", srvv[i],
				n->host) > 0)
			ask(n, host, DNS_TYPE_SRV);
	}
}


/* The round is over when nothing more is to be asked */
static void step(struct name *n)
{
	uint32_t secs;

	if (!n->askl.head && !n->own && !n->targets) {
		n->own = true;
		ask_addr(n, n->host);
	}
	if (n->askl.head)
		return;

	n->whole = !n->failed;
	secs = n->failed ? NAME_RETRY
		: max(NAME_FRESH, min(n->ttl, NAME_OLD));
	n->until = tmr_jiffies() + secs * 1000ULL;

	/* an address that was right is better than none, and part of an
	   answer does not make the rest wrong */
	if (!n->newc)
		return;
	if (n->failed) {
		size_t i;

		for (i=0; i<n->addrc; i++)
			add(n, &n->addrv[i]);
	}
	memcpy(n->addrv, n->newv, n->newc * sizeof(n->newv[0]));
	n->addrc = n->newc;
}


static void answer_handler(int err, const struct dnshdr *hdr,
			   struct list *ansl, struct list *authl,
			   struct list *addl, void *arg)
{
	struct ask *a = arg;
	struct name *n = a->n;
	(void)authl;
	(void)addl;

	/* a server that does not know the type has none of it */
	if (err || hdr->rcode == DNS_RCODE_SRV_FAIL ||
	    hdr->rcode == DNS_RCODE_REFUSED)
		n->failed = true;
	else
		(void)dns_rrlist_apply(ansl, NULL, a->type, DNS_CLASS_IN,
				       false, rr_handler, n);

	if (a->type == DNS_TYPE_NAPTR && !n->naptr)
		ask_srv(n);

	mem_deref(a);
	step(n);
}


int name_alloc(struct name **np, struct list *list, const struct pl *host,
	       bool plain, name_dnsc_h *dnsch, void *arg)
{
	struct name *n;
	int err;

	n = mem_zalloc(sizeof(*n), destructor);
	if (!n)
		return ENOMEM;

	n->plain = plain;
	n->dnsch = dnsch;
	n->arg   = arg;
	err = pl_strdup(&n->host, host);
	if (err) {
		mem_deref(n);
		return err;
	}

	list_append(list, &n->le, n);
	*np = n;

	return 0;
}


struct name *name_find(const struct list *list, const struct pl *host,
		       bool plain)
{
	struct le *le;

	for (le = list_head(list); le; le = le->next) {
		struct name *n = le->data;

		if (n->plain == plain && !pl_strcasecmp(host, n->host))
			return n;
	}

	return NULL;
}


void name_ask(struct name *n)
{
	if (n->askl.head || tmr_jiffies() < n->until)
		return;

	n->newc  = 0;
	n->askc  = 0;
	n->ttl   = NAME_OLD;
	n->naptr = n->targets = n->failed = false;
	n->own   = n->plain;
	if (n->plain)
		ask_addr(n, n->host);
	else
		ask(n, n->host, DNS_TYPE_NAPTR);
	step(n);
}


void name_stop(struct name *n)
{
	list_flush(&n->askl);
	n->until = UINT64_MAX;
	n->whole = false;
}


bool name_has(const struct name *n, const struct sa *addr)
{
	size_t i;

	for (i=0; i<n->addrc; i++) {
		if (sa_cmp(&n->addrv[i], addr, SA_ADDR))
			return true;
	}

	return false;
}


bool name_isfresh(const struct name *n)
{
	return n->whole && !n->askl.head && tmr_jiffies() < n->until;
}
