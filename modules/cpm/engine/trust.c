/**
 * @file trust.c  From where requests may come: cpm_trust
 *
 * RFC 3325, 8 (asserted identity counts from trusted nodes only); RFC 3263.
 * What a softphone trusts is what it registers with: the addresses of the
 * account's outbound proxies and of its domain, and those that the answers to
 * its REGISTERs came from. Ports do not matter: a proxy sends from where it
 * likes. A connection that we opened to it has its address as the source.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "trust.h"


enum {
	HOPS      = CPM_PROXIES + 1,  /* and the domain                     */
	HEARD     = 4,       /* servers whose answers to REGISTER count: two
				proxies, and each of them before it moved   */
	HEARD_MIN = 120,     /* s that they count at least: the shortest
				registrations are refreshed within that     */
};

/* A server of an account */
struct hop {
	char *uri;
	struct name *name;   /* NULL: addr                                  */
	struct sa addr;
};

struct heard {
	struct sa addr;
	uint64_t until;      /* jiffies                                     */
};

struct client {
	struct le le;
	char *aor;
	struct hop hopv[HOPS];
	struct heard heardv[HEARD];
};

struct trust {
	struct cpm *cpm;     /* borrowed                                    */
	struct list clientl;
	struct list namel;   /* struct name: accounts share them            */
	struct tmr tmr;
	struct sa last;      /* 2xx to a REGISTER came from there; unset: the
				last response was another one               */
	bool stopped;
};


static void hop_reset(struct hop *hop)
{
	hop->uri  = mem_deref(hop->uri);
	hop->name = mem_deref(hop->name);
	sa_init(&hop->addr, AF_UNSPEC);
}


static void client_destructor(void *arg)
{
	struct client *cl = arg;
	size_t i;

	list_unlink(&cl->le);
	mem_deref(cl->aor);
	for (i=0; i<HOPS; i++)
		hop_reset(&cl->hopv[i]);
}


static void destructor(void *arg)
{
	struct trust *t = arg;

	tmr_cancel(&t->tmr);
	list_flush(&t->clientl);
}


static struct dnsc *dnsc_handler(void *arg)
{
	const struct cpm_host *host = &((struct trust *)arg)->cpm->host;

	return host->dnsch ? host->dnsch(host->arg) : NULL;
}


/* ::ffff:192.0.2.1 is 192.0.2.1, seen by a socket for both */
static void plain_addr(struct sa *dst, const struct sa *src)
{
	static const uint8_t mapped[12] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff,
	};
	uint8_t a[16];

	*dst = *src;
	if (sa_af(src) != AF_INET6)
		return;

	sa_in6(src, a);
	if (!memcmp(a, mapped, sizeof(mapped)))
		sa_set_in(dst, (uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 |
			  (uint32_t)a[14] << 8 | a[15], 0);
}


static int hop_set(struct trust *t, struct hop *hop, const char *str)
{
	struct uri uri;
	struct pl pl, host;
	int err;

	hop_reset(hop);
	pl_set_str(&pl, str);
	/* the softphone cannot send to it either */
	if (uri_decode(&uri, &pl))
		return str_dup(&hop->uri, str);

	/* the softphone's libre goes there */
	if (msg_param_decode(&uri.params, "maddr", &host))
		host = uri.host;

	if (host.l < 64 && !sa_set(&hop->addr, &host, 0))
		return str_dup(&hop->uri, str);

	sa_init(&hop->addr, AF_UNSPEC);
	hop->name = mem_ref(name_find(&t->namel, &host, uri.port != 0));
	err = hop->name ? 0 : name_alloc(&hop->name, &t->namel, &host,
					 uri.port != 0, dnsc_handler, t);
	if (!err)
		err = str_dup(&hop->uri, str);

	return err;
}


/* Accounts that the softphone has no more */
static void prune(struct trust *t)
{
	const struct cpm_host *host = &t->cpm->host;
	struct le *le = t->clientl.head;

	while (le) {
		struct client *cl = le->data;
		struct cpm_account acc;

		le = le->next;
		memset(&acc, 0, sizeof(acc));
		if (!host->accounth(&acc, cl->aor, host->arg))
			mem_deref(cl);
	}
}


static struct client *find(const struct trust *t, const char *aor)
{
	struct le *le;

	for (le = t->clientl.head; le; le = le->next) {
		struct client *cl = le->data;

		if (!str_cmp(cl->aor, aor))
			return cl;
	}

	return NULL;
}


static struct client *add(struct trust *t, const char *aor)
{
	struct client *cl;

	prune(t);
	cl = mem_zalloc(sizeof(*cl), client_destructor);
	if (!cl)
		return NULL;

	if (str_dup(&cl->aor, aor))
		return mem_deref(cl);

	list_append(&t->clientl, &cl->le, cl);

	return cl;
}


/* The account as it is now, its names on their way. NULL: no memory */
static struct client *update(struct trust *t, const struct cpm_account *acc)
{
	const char *uriv[HOPS] = {acc->aor};
	struct client *cl = find(t, acc->aor);
	size_t i;

	memcpy(uriv + 1, acc->proxyv, sizeof(acc->proxyv));
	if (!cl)
		cl = add(t, acc->aor);

	for (i=0; cl && i<HOPS; i++) {
		struct hop *hop = &cl->hopv[i];
		int err = 0;

		if (!uriv[i])
			hop_reset(hop);
		else if (str_cmp(hop->uri, uriv[i]))
			err = hop_set(t, hop, uriv[i]);
		if (err) {
			hop_reset(hop);
			return NULL;
		}
		if (hop->name && !t->stopped)
			name_ask(hop->name);
	}

	return cl;
}


static bool heard(const struct client *cl, const struct sa *addr)
{
	const uint64_t now = tmr_jiffies();
	size_t i;

	for (i=0; i<HEARD; i++) {
		if (now < cl->heardv[i].until &&
		    sa_cmp(&cl->heardv[i].addr, addr, SA_ADDR))
			return true;
	}

	return false;
}


static enum trust_verdict verdict(const struct client *cl,
				  const struct sa *src)
{
	bool fresh = true;
	struct sa addr;
	size_t i;

	plain_addr(&addr, src);
	if (heard(cl, &addr))
		return TRUST_YES;

	for (i=0; i<HOPS; i++) {
		const struct hop *hop = &cl->hopv[i];

		if (hop->name ? name_has(hop->name, &addr)
		    : sa_cmp(&hop->addr, &addr, SA_ADDR))
			return TRUST_YES;
		if (hop->name && !name_isfresh(hop->name))
			fresh = false;
	}

	return fresh ? TRUST_NO : TRUST_LATER;
}


static void each_handler(const struct cpm_account *acc, void *arg)
{
	(void)update(arg, acc);
}


/* The softphone reads its accounts after us, and before its main loop */
static void start_handler(void *arg)
{
	struct trust *t = arg;
	const struct cpm_host *host = &t->cpm->host;

	if (host->eachh)
		host->eachh(each_handler, t, host->arg);
}


int trust_alloc(struct trust **tp, struct cpm *cpm)
{
	struct trust *t;

	t = mem_zalloc(sizeof(*t), destructor);
	if (!t)
		return ENOMEM;

	t->cpm = cpm;
	tmr_init(&t->tmr);
	tmr_start(&t->tmr, 0, start_handler, t);
	*tp = t;

	return 0;
}


enum trust_verdict trust_check(struct trust *t, const struct cpm_account *acc,
			       const struct sa *src)
{
	const struct client *cl = update(t, acc);

	return cl ? verdict(cl, src) : TRUST_LATER;
}


bool trust_asserts(const struct trust *t, const char *aor,
		   const struct sip_msg *msg)
{
	const struct client *cl = find(t, aor);

	return cl && verdict(cl, &msg->src) == TRUST_YES;
}


/*
 * Anybody can send a response, and here they are seen before libre looks for
 * the request that they are for. But an account has registered only while the
 * response that says so is being handled: then this is the last one.
 */
void trust_response(struct trust *t, const struct sip_msg *msg)
{
	if (msg->scode >= 200 && msg->scode < 300 &&
	    !pl_strcmp(&msg->cseq.met, "REGISTER"))
		plain_addr(&t->last, &msg->src);
	else
		sa_init(&t->last, AF_UNSPEC);
}


static void hear(struct client *cl, const struct sa *addr, uint32_t regint)
{
	const uint32_t secs = max(regint, HEARD_MIN / 2) * 2;
	struct heard *h, *oldest;
	size_t i;

	for (i=0, h=NULL, oldest=cl->heardv; i<HEARD; i++) {
		if (sa_cmp(&cl->heardv[i].addr, addr, SA_ADDR))
			h = &cl->heardv[i];
		if (cl->heardv[i].until < oldest->until)
			oldest = &cl->heardv[i];
	}
	if (!h)
		h = oldest;

	h->addr  = *addr;
	h->until = tmr_jiffies() + secs * 1000ULL;
}


void trust_registered(struct trust *t, const char *aor)
{
	const struct cpm_host *host = &t->cpm->host;
	struct cpm_account acc;
	struct client *cl;

	if (!sa_isset(&t->last, SA_ADDR))
		return;

	memset(&acc, 0, sizeof(acc));
	cl = host->accounth(&acc, aor, host->arg) ? update(t, &acc) : NULL;
	if (cl)
		hear(cl, &t->last, acc.regint);

	sa_init(&t->last, AF_UNSPEC);
}


bool trust_server(const struct trust *t, const char *aor, struct sa *addr)
{
	const struct client *cl = t ? find(t, aor) : NULL;
	uint64_t last = tmr_jiffies();
	bool any = false;
	size_t i;

	for (i=0; cl && i<HEARD; i++) {
		if (cl->heardv[i].until <= last)
			continue;
		last  = cl->heardv[i].until;
		*addr = cl->heardv[i].addr;
		any   = true;
	}

	return any;
}


void trust_stop(struct trust *t)
{
	struct le *le;

	if (!t)
		return;

	t->stopped = true;
	tmr_cancel(&t->tmr);
	for (le = t->namel.head; le; le = le->next)
		name_stop(le->data);
}
