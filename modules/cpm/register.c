/**
 * @file register.c  The CPM feature tags on the account's registration
 *
 * RFC 3840, 3261 (10, 16), 5626; wire.md 1.2.
 *
 * Baresip has room for three of the five tags that we need (256 octets of
 * Contact parameters), and no other way to add any. So its REGISTERs go
 * through us: when it is about to register an account it sends an event, and
 * reads the outbound proxies right after that. For this moment the account's
 * outbound proxy is a SIP stack of ours on the loopback, with a key as user
 * part. Each REGISTER, refresh and de-registration of that register client
 * then comes in here, and goes on to where it was meant to go, on baresip's
 * own stack, with the tags (pass.c). Baresip keeps all it does by itself:
 * digest, refresh, retry, events, what reginfo shows. There is one binding,
 * never without the tags, and nobody but baresip knows the key.
 *
 * What else was tried with baresip 1.0.0 and Kamailio 5.6: the account's
 * regq (no more than 256 octets: ENOMEM, no registration at all with four
 * services); a REGISTER of our own after each of baresip's (the tags gone from
 * the first to the second at each refresh, two bindings where the registrar
 * goes by +sip.instance); regint=0 and a register client of our own (works on
 * the wire, but reginfo and ua_isregistered() say that there is none).
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "register.h"


enum {
	FLOW_WAIT = 30000,   /* ms: RFC 5626, 4.5, base time                 */
	COME_WAIT = 40000,   /* ms: longer than the softphone waits for an
				answer (RFC 3261, 64 T1)                    */
	GONE_WAIT = 64000,   /* ms: when the last transactions of an account
				are over                                    */
	URI_SIZE  = 256,
	HASH_SIZE = 16,      /* some accounts, each with one transaction     */
};

struct registrar {
	struct sip *sip;         /* on the loopback                          */
	struct sip_lsnr *lsnr;
	struct list clientl;
	struct tmr tmr;          /* the end of a moment                      */
	char uuid[UUID_SIZE];
};

static struct registrar *reg;   /* the host's handlers have no argument */


static void restore(struct client *cl)
{
	unsigned i;

	if (!cl->diverted)
		return;

	cl->diverted = false;
	for (i=0; i<LEGS; i++) {
		if (account_set_outbound(cl->acc, cl->legv[i].route, i))
			warning("cpm: %s: no memory: outbound proxy %u is "
				"lost\n", account_aor(cl->acc), i + 1);
	}
}


static void client_destructor(void *arg)
{
	struct client *cl = arg;
	unsigned i;

	restore(cl);
	tmr_cancel(&cl->tmr);
	list_unlink(&cl->le);
	list_flush(&cl->passl);
	for (i=0; i<LEGS; i++) {
		mem_deref(cl->legv[i].ka);
		mem_deref(cl->legv[i].route);
		mem_deref(cl->legv[i].contact);
		mem_deref(cl->legv[i].callid);
	}
	mem_deref(cl->acc);
}


static void destructor(void *arg)
{
	struct registrar *r = arg;

	tmr_cancel(&r->tmr);
	list_flush(&r->clientl);
	mem_deref(r->lsnr);
	sip_close(r->sip, true);
	mem_deref(r->sip);
}


static struct client *client_find(const struct account *acc)
{
	struct le *le;

	for (le = reg->clientl.head; le; le = le->next) {
		struct client *cl = le->data;

		if (cl->acc == acc)
			return cl;
	}

	return NULL;
}


static struct client *client_alloc(struct account *acc)
{
	struct client *cl;
	unsigned i;

	cl = mem_zalloc(sizeof(*cl), client_destructor);
	if (!cl)
		return NULL;

	cl->acc = mem_ref(acc);
	cl->key = rand_u64();
	tmr_init(&cl->tmr);
	for (i=0; i<LEGS; i++) {
		cl->legv[i].client = cl;
		cl->legv[i].af = AF_UNSPEC;
	}
	list_append(&reg->clientl, &cl->le, cl);

	return cl;
}


static struct ua *client_ua(const struct client *cl)
{
	struct le *le;

	for (le = list_head(uag_list()); le; le = le->next)
		if (ua_account(le->data) == cl->acc)
			return le->data;

	return NULL;
}


/*
 * The way through us
 */

static bool host_sends(enum sip_transp tp, int af)
{
	struct sa dst, laddr;

	sa_init(&dst, af);

	return !sip_transp_laddr(uag_sip(), &laddr, tp, &dst);
}


/* Where we listen, from now on if not yet */
static int own_addr(struct sa *addr, enum sip_transp tp, int af)
{
	struct sa any;
	int err;

	err = sa_set_str(&any, af == AF_INET6 ? "::1" : "127.0.0.1", 0);
	if (err || !sip_transp_laddr(reg->sip, addr, tp, &any))
		return err;

	err = sip_transp_add(reg->sip, tp, &any);

	return err ? err : sip_transp_laddr(reg->sip, addr, tp, &any);
}


/* The family of its proxy: that which it was reached by, else that of its
   address */
static bool wants_v6(const struct leg *leg, const char *uri)
{
	return leg->af == AF_UNSPEC ? strchr(uri, '[') != NULL
		: leg->af == AF_INET6;
}


/* What the softphone can reach us with, in the family that is wanted if that
   can be: baresip takes from it which one a call has */
static int own_find(struct sa *addr, enum sip_transp *tp, bool v6)
{
	static const enum sip_transp tpv[] = {SIP_TRANSP_UDP, SIP_TRANSP_TCP};
	size_t i, j;

	for (i=0; i<2; i++) {
		const int af = !i == v6 ? AF_INET6 : AF_INET;

		for (j=0; j<ARRAY_SIZE(tpv); j++) {
			*tp = tpv[j];
			if (host_sends(*tp, af) && !own_addr(addr, *tp, af))
				return 0;
		}
	}

	return EPROTONOSUPPORT;
}


static int divert_leg(struct client *cl, unsigned i)
{
	struct leg *leg = &cl->legv[i];
	char uri[URI_SIZE];
	enum sip_transp tp;
	struct sa addr;
	int err;

	err = own_find(&addr, &tp, wants_v6(leg, leg->route ? leg->route
					    : account_aor(cl->acc)));
	if (err)
		return err;

	if (re_snprintf(uri, sizeof(uri), "sip:%016llx-%u-%u@%J;transport=%s",
			cl->key, cl->turn, i, &addr,
			tp == SIP_TRANSP_UDP ? "udp" : "tcp") < 0)
		return ENOMEM;

	return account_set_outbound(cl->acc, uri, i);
}


/* The account's outbound proxies are ours until restore() */
static int divert(struct client *cl)
{
	unsigned i;
	int err = 0;

	restore(cl);
	/* a flow that was lost is set up by this */
	tmr_cancel(&cl->tmr);
	for (i=0; i<LEGS && !err; i++) {
		struct leg *leg = &cl->legv[i];
		const char *out = account_outbound(cl->acc, i);

		leg->route = mem_deref(leg->route);
		leg->ka = mem_deref(leg->ka);
		memset(leg->deadv, 0, sizeof(leg->deadv));
		if (out)
			err = str_dup(&leg->route, out);
	}
	if (err)
		return err;

	++cl->turn;
	cl->diverted = true;
	for (i=0; i<LEGS && !err; i++)
		/* where there is none, baresip has no register client */
		if (!i || cl->legv[i].route)
			err = divert_leg(cl, i);
	if (err)
		restore(cl);

	return err;
}


static void restore_all(void)
{
	struct le *le;

	for (le = reg->clientl.head; le; le = le->next)
		restore(le->data);
}


static void tmr_handler(void *arg)
{
	(void)arg;

	restore_all();
}


static void registering(struct ua *ua)
{
	struct account *acc = ua_account(ua);
	struct client *cl = client_find(acc);
	int err;

	if (!cl)
		cl = client_alloc(acc);
	if (cl && cl->shut) {
		cl->shut = false;
		cl->direct = true;
		/* what is still on its way through us is former */
		++cl->turn;
		return;
	}

	err = cl ? divert(cl) : ENOMEM;
	if (cl) {
		cl->came = 0;
		cl->direct = err != 0;
	}
	if (err) {
		warning("cpm: %s: its registration gets no CPM tags: %m\n",
			account_aor(acc), err);
		return;
	}

	tmr_start(&reg->tmr, 0, tmr_handler, NULL);
}


/*
 * Once more
 */

static void again_handler(void *arg)
{
	struct client *cl = arg;
	struct ua *ua = client_ua(cl);

	if (ua)
		(void)ua_register(ua);
}


void register_flow_lost(struct client *cl)
{
	if (!cl->gone)
		tmr_start(&cl->tmr, FLOW_WAIT / 2 + rand_u32() %
			  (FLOW_WAIT / 2), again_handler, cl);
}


void register_family(struct leg *leg, int af)
{
	struct client *cl = leg->client;
	const bool first = leg->af == AF_UNSPEC;

	leg->af = af;
	/* once: who is now here, now there, must not have it do so for ever */
	if (first && !cl->gone)
		tmr_start(&cl->tmr, 0, again_handler, cl);
}


/* A registration without tags is better than none: a machine may let nothing
   pass on its loopback. Which of two proxies has failed is not told, so the
   time counts in which the softphone gives up */
static void failed(struct ua *ua)
{
	struct client *cl = client_find(ua_account(ua));

	if (!cl || cl->gone || cl->direct ||
	    (cl->came && tmr_jiffies() - cl->came < COME_WAIT))
		return;

	warning("cpm: %s: its REGISTER does not reach us on the loopback: it "
		"registers without the CPM tags\n", account_aor(cl->acc));
	cl->shut = true;
	/* the softphone is in the middle of it */
	tmr_start(&cl->tmr, 0, again_handler, cl);
}


/*
 * The end of an account
 */

static void gone_handler(void *arg)
{
	mem_deref(arg);
}


/* What unbinds it is still to come */
static void gone(struct ua *ua)
{
	struct client *cl = client_find(ua_account(ua));

	if (!cl)
		return;

	restore(cl);
	cl->gone = true;
	tmr_start(&cl->tmr, GONE_WAIT, gone_handler, cl);
}


void register_event(struct ua *ua, const char *name)
{
	if (!reg || !ua)
		return;

	if (!str_cmp(name, "REGISTERING"))
		registering(ua);
	else if (!str_cmp(name, "REGISTER_FAIL"))
		failed(ua);
	else if (!str_cmp(name, "SHUTDOWN"))
		gone(ua);
}


/*
 * What comes in
 */

/* user = key "-" turn "-" number of the leg */
static struct leg *leg_find(const struct sip_msg *msg, uint32_t *turn)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_ROUTE);
	struct pl key, num, ix;
	struct sip_addr addr;
	struct le *le;

	if (!hdr || sip_addr_decode(&addr, &hdr->val) ||
	    addr.uri.user.l > 40 ||
	    re_regex(addr.uri.user.p, addr.uri.user.l,
		     "[0-9a-f]+-[0-9]+-[0-9]+", &key, &num, &ix))
		return NULL;

	for (le = reg->clientl.head; le; le = le->next) {
		struct client *cl = le->data;

		if (cl->key == pl_x64(&key) && pl_u32(&ix) < LEGS) {
			*turn = pl_u32(&num);
			return &cl->legv[pl_u32(&ix)];
		}
	}

	return NULL;
}


/* A register client that baresip has replaced unbinds what the new one binds:
   it is told that this is done, and the binding stays */
static void superseded(const struct sip_msg *msg)
{
	(void)sip_treply(NULL, reg->sip, msg, 200, "OK");
}


static bool request_handler(const struct sip_msg *msg, void *arg)
{
	struct leg *leg;
	uint32_t turn;
	(void)arg;

	restore_all();
	leg = leg_find(msg, &turn);
	if (leg && turn == leg->client->turn)
		leg->client->came = tmr_jiffies();
	if (!pl_strcmp(&msg->met, "ACK"))
		return true;

	/* whoever is on this machine: nothing is kept of him */
	if (!leg)
		(void)sip_reply(reg->sip, msg, 403, "Forbidden");
	/* sent in the very moment: it was not meant to come here */
	else if (pl_strcmp(&msg->met, "REGISTER"))
		(void)sip_treply(NULL, reg->sip, msg, 503, "Try Again");
	else if (turn != leg->client->turn)
		superseded(msg);
	else if (pass_start(leg, msg))
		(void)sip_treply(NULL, reg->sip, msg, 500, "No Memory");

	return true;
}


void register_settle(void)
{
	if (reg)
		restore_all();
}


bool register_source(struct sa *src, const struct sip_msg *msg)
{
	struct le *le;
	unsigned i;

	if (!reg || !sip_transp_isladdr(reg->sip, msg->tp, &msg->src))
		return false;

	sa_init(src, AF_UNSPEC);
	for (le = reg->clientl.head; le; le = le->next) {
		const struct client *cl = le->data;

		for (i=0; i<LEGS; i++)
			if (cl->legv[i].callid &&
			    !pl_strcmp(&msg->callid, cl->legv[i].callid))
				*src = cl->legv[i].src;
	}

	return true;
}


bool register_istagged(const struct ua *ua)
{
	const struct client *cl;
	unsigned i;

	cl = reg && ua_isregistered(ua) ? client_find(ua_account(ua)) : NULL;
	for (i=0; cl && i<LEGS; i++)
		if (cl->legv[i].tagged)
			return true;

	return false;
}


const char *register_uuid(void)
{
	return reg->uuid;
}


struct sip *register_sip(void)
{
	return reg->sip;
}


/*
 * Begin and end
 */

/* Those that registered before us do it again */
static void register_all(void)
{
	struct le *le;

	for (le = list_head(uag_list()); le; le = le->next) {
		struct ua *ua = le->data;

		if (account_regint(ua_account(ua)))
			(void)ua_register(ua);
	}
}


int register_open(void)
{
	int err;

	reg = mem_zalloc(sizeof(*reg), destructor);
	if (!reg)
		return ENOMEM;

	tmr_init(&reg->tmr);
	instance_read(reg->uuid);
	err = sip_alloc(&reg->sip, NULL, HASH_SIZE, HASH_SIZE, HASH_SIZE, NULL,
			NULL, NULL);
	if (!err)
		err = sip_listen(&reg->lsnr, reg->sip, true, request_handler,
				 NULL);
	if (err) {
		reg = mem_deref(reg);
		return err;
	}

	register_all();

	return 0;
}


void register_close(void)
{
	const bool running = reg && uag_sip();

	reg = mem_deref(reg);
	/* nobody is there any more for what went through us */
	if (running)
		register_all();
}
