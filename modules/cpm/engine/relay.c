/**
 * @file relay.c  Our MSRP relay (cpm_relay): found, authenticated, kept
 * (RFC 4976); sessions that are to be answered wait for it
 *
 * One for all accounts. Its user is the configured one, else that of the
 * first account that is used.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"
#include "session.h"
#include "relay.h"


enum {
	KICK_RETRY = 500,    /* ms until it is tried again while a session
				waits for it: that has little time          */
	SAY_AGAIN  = 60000,  /* ms: a relay that comes and goes is told of no
				more often                                  */
	NAME_RETRY = 30000,  /* ms until a name without address is looked for
				again: as long as a resolver may take to
				forget that there was none                  */
};

struct relay {
	struct cpm *cpm;         /* borrowed                                */
	struct msrp_relay *mr;   /* NULL: nobody to be yet                  */
	struct dns_query *query;
	struct tmr tmr;          /* ask for the name again                  */
	struct tmr tmr_kick;
	char *uri;
	char *user;              /* NULL: of the first account              */
	char *pass;
	char *host;              /* of the first relay: a name; or NULL     */
	struct sa addr;          /* unset until the name is known           */
	uint16_t port;
	uint16_t dns_type;       /* of query                                */
	bool refused;            /* and will be, until somebody mends it    */
	const char *what;        /* what is wrong; NULL: nothing            */
	const char *said;        /* the last event that told of it          */
	uint64_t said_at;        /* jiffies                                 */
	char text[256];
};


static void destructor(void *arg)
{
	struct relay *r = arg;

	tmr_cancel(&r->tmr);
	tmr_cancel(&r->tmr_kick);
	mem_deref(r->query);
	mem_deref(r->mr);
	mem_deref(r->uri);
	mem_deref(r->user);
	mem_deref(r->pass);
	mem_deref(r->host);
}


/* Once for each thing that is wrong, not at each try */
static void fault(struct relay *r, const char *what, const char *text)
{
	struct cpm_event ev = {.id = CPM_EV_ERROR};
	const bool known = r->said && !strcmp(r->said, what) &&
		(r->what || tmr_jiffies() < r->said_at + SAY_AGAIN);

	r->what = what;
	str_ncpy(r->text, text, sizeof(r->text));
	if (known)
		return;

	r->said = what;
	r->said_at = tmr_jiffies();
	ev.u.error.what = what;
	ev.u.error.text = r->text;
	engine_event(r->cpm, &ev);
}


static void resolve(struct relay *r);

static void name_handler(void *arg)
{
	resolve(arg);
}


static void name_failed(struct relay *r, const char *why)
{
	char text[256];

	/* an old address is better than none */
	if (!sa_isset(&r->addr, SA_ALL)) {
		(void)re_snprintf(text, sizeof(text), "%s: %s", r->host, why);
		fault(r, "relay-name", text);
	}
	tmr_start(&r->tmr, NAME_RETRY, name_handler, r);
}


static void addr_set(struct relay *r, const struct dnsrr *rr)
{
	if (rr->type == DNS_TYPE_A)
		sa_set_in(&r->addr, rr->rdata.a.addr, r->port);
	else
		sa_set_in6(&r->addr, rr->rdata.aaaa.addr, r->port);

	tmr_cancel(&r->tmr);
	msrp_relay_set_addr(r->mr, &r->addr);
}


static int query(struct relay *r, uint16_t type);

static void dns_handler(int err, const struct dnshdr *hdr, struct list *ansl,
			struct list *authl, struct list *addl, void *arg)
{
	struct relay *r = arg;
	const struct dnsrr *rr;
	(void)hdr;
	(void)authl;
	(void)addl;

	r->query = mem_deref(r->query);
	rr = err ? NULL : dns_rrlist_find(ansl, NULL, r->dns_type,
					  DNS_CLASS_IN, true);
	if (rr) {
		addr_set(r, rr);
		return;
	}
	if (!err && r->dns_type == DNS_TYPE_A &&
	    !query(r, DNS_TYPE_AAAA))
		return;

	name_failed(r, err == ETIMEDOUT ? "no answer about this name"
		    : "this name has no address");
}


static int query(struct relay *r, uint16_t type)
{
	const struct cpm_host *host = &r->cpm->host;
	struct dnsc *dnsc = host->dnsch ? host->dnsch(host->arg) : NULL;

	r->dns_type = type;
	r->query = mem_deref(r->query);

	return dnsc ? dnsc_query(&r->query, dnsc, r->host, type, DNS_CLASS_IN,
				 true, dns_handler, r) : ENOTSUP;
}


/* A name: its address may have changed whenever it is needed again */
static void resolve(struct relay *r)
{
	if (!r->host || !r->mr || r->query || r->cpm->down)
		return;

	if (query(r, DNS_TYPE_A))
		name_failed(r, "names cannot be asked for, give an address");
}


/* Sessions that wait: they have it, or will not */
static void sessions_tell(struct cpm *cpm)
{
	struct le *le = cpm->sessl.head;

	while (le) {
		struct session *s = le->data;

		le = le->next;
		session_relay(s);
	}
}


static void kick_handler(void *arg)
{
	struct relay *r = arg;
	struct le *le;

	for (le = r->cpm->sessl.head; le; le = le->next) {
		const struct session *s = le->data;

		if (s->state == SESS_WAITING) {
			msrp_relay_kick(r->mr);
			return;
		}
	}
}


static void text_of(char *text, size_t size, const struct relay *r, int err,
		    uint16_t scode)
{
	const char *why = msrp_strerror(err);

	switch (err) {

	case EACCES:
		if (scode)
			why = "wrong user or password, or not allowed";
		break;
	case EKEYREJECTED:
		why = "it cannot show that it knows the password";
		break;
	case ENOTSUP:
		why = "it asks for another digest than MD5";
		break;
	case EBADMSG:
		why = "its answer cannot be used";
		break;
	default:
		break;
	}

	if (scode < 300)
		(void)re_snprintf(text, size, "%s: %s", r->uri, why);
	else
		(void)re_snprintf(text, size, "%s: %s (%u)", r->uri, why,
				  (uint32_t)scode);
}


static void relay_handler(int err, uint16_t scode, void *arg)
{
	struct relay *r = arg;
	char text[sizeof(r->text)];

	r->refused = scode != 0;
	if (err) {
		text_of(text, sizeof(text), r, err, scode);
		fault(r, r->refused ? "relay-refused" : "relay-down", text);
		resolve(r);
		tmr_start(&r->tmr_kick, KICK_RETRY, kick_handler, r);
	}
	else {
		r->what = NULL;
		r->text[0] = '\0';
	}

	if (!err || r->refused)
		sessions_tell(r->cpm);
}


/* Who we are to it. @return 0; ENOENT: nobody yet */
static int begin(struct relay *r, const char *user, const char *pass)
{
	const struct msrp_relay_conf conf = {
		.uri = r->uri, .addr = r->addr, .user = user, .pass = pass,
	};
	int err;

	err = msrp_relay_alloc(&r->mr, r->cpm->msrp, &conf, relay_handler, r);
	if (!err && r->host)
		resolve(r);

	return err;
}


static int uri_set(struct relay *r, const char *uri)
{
	struct msrp_uri u;
	struct pl pl, first = {uri, strcspn(uri, " ")};
	int err;

	err = msrp_uri_decode(&u, &first);
	if (err)
		return err;

	pl = u.host;
	r->port = u.port ? u.port : MSRP_RELAY_PORT;
	err = str_dup(&r->uri, uri);
	if (!err && (pl.l >= 64 || sa_set(&r->addr, &pl, r->port))) {
		sa_init(&r->addr, AF_UNSPEC);
		err = pl_strdup(&r->host, &pl);
	}

	return err;
}


int relay_alloc(struct relay **rp, struct cpm *cpm)
{
	const struct cpm_conf *conf = &cpm->conf;
	struct relay *r;
	int err;

	if (!conf->relay)
		return 0;

	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;

	tmr_init(&r->tmr);
	tmr_init(&r->tmr_kick);
	r->cpm = cpm;
	err = uri_set(r, conf->relay);
	if (!err && conf->relay_user)
		err = str_dup(&r->user, conf->relay_user);
	if (!err && conf->relay_pass)
		err = str_dup(&r->pass, conf->relay_pass);
	if (!err && r->user)
		err = begin(r, r->user, r->pass ? r->pass : "");
	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}


void relay_account(struct relay *r, const char *aor)
{
	char *user = NULL, *pass = NULL;
	struct cpm_host *host;
	struct msrp_uri u;
	struct pl pl;
	char realm[256];

	if (!r || r->mr || !aor)
		return;

	host = &r->cpm->host;
	pl_set_str(&pl, r->uri);
	pl.l = strcspn(r->uri, " ");
	if (msrp_uri_decode(&u, &pl) ||
	    pl_strcpy(&u.host, realm, sizeof(realm)) ||
	    host->authh(&user, &pass, realm, aor, host->arg))
		return;

	if (!user || begin(r, user, pass ? pass : ""))
		fault(r, "relay-refused", "the account has no user name that "
		      "can be used for it");
	mem_deref(user);
	mem_deref(pass);
}


int relay_use(struct relay *r, struct msrp_sess *sess)
{
	int err = r ? msrp_sess_use_relay(sess, r->mr) : 0;

	/* nobody has registered yet */
	if (r && !r->mr)
		return EAGAIN;
	if (err == EAGAIN)
		msrp_relay_kick(r->mr);

	return err;
}


bool relay_hopeless(const struct relay *r)
{
	return r && r->refused;
}


bool relay_fits(const struct relay *r, bool tls, bool passive)
{
	const bool ours = !strncmp(r->uri, "msrps:", 6);

	return ours ? tls || !passive : !tls;
}


void relay_status(const struct relay *r, struct cpm_status *status)
{
	status->relay.uri   = r ? r->uri : NULL;
	status->relay.up    = r && msrp_relay_isup(r->mr);
	status->relay.state = !r ? NULL : status->relay.up ? "up"
		: r->what ? "down" : "connecting";
	status->relay.text  = r && r->what ? r->text : NULL;
}
