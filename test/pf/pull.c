/**
 * @file pull.c  The client fetches: its INVITE, and our answer
 *
 * The user was told that messages wait (announce.c) and calls us with an
 * offer of recvonly, tagged "deferred"; a document in its INVITE may name
 * some of them. What is sent then, and how it ends, is as in a delivery. The
 * formats are assumptions: the published documents leave them open.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "pf.h"
#include "net.h"


enum {
	REFS_MAX  = 1000,        /* references named: bounds our memory     */
};

#define DEFERRED  "oma.cpm.deferred"
#define LIST_TYPE "application/vnd.oma.im.deferred-list+xml"
#define LIST_NS   "urn:oma:xml:im:history-list"

struct ref {
	struct le le;
	char *id;
};

/* What a session has besides when the client fetches */
struct pull {
	struct list refl;        /* asked for                               */
	bool some;               /* these and no others                     */
};

/* A decoded INVITE. Views */
struct invite {
	struct pl sdp;
	struct pl list;          /* of references, or not set               */
};


static void ref_destructor(void *arg)
{
	struct ref *ref = arg;

	list_unlink(&ref->le);
	mem_deref(ref->id);
}


static void destructor(void *arg)
{
	struct pull *pull = arg;

	list_flush(&pull->refl);
}


/* Has the client asked for that one? */
static bool wanted(const struct pull *pull, const char *id)
{
	struct le *le;

	for (le = list_head(&pull->refl); le; le = le->next) {
		const struct ref *ref = le->data;

		if (!strcmp(ref->id, id))
			return true;
	}

	return !pull->some;
}


/** The next message for a pull. @return 0; ENOENT; EIO; ENOMEM */
int pull_next(struct kept **mp, const struct session *sess, uint64_t after)
{
	const struct user *user = sess->user;
	struct pick pick = {
		.user = user->name, .after = after, .upto = UINT64_MAX,
	};
	int err;

	for (;;) {
		err = expire_next(mp, sess->pf, &pick);
		if (err)
			return err;
		if (way_of(user, *mp) == WAY_PULL &&
		    wanted(sess->pull, (*mp)->id))
			return 0;

		pick.after = (*mp)->seq;
		*mp = mem_deref(*mp);
	}
}


static int ref_add(struct pull *pull, const struct pl *val)
{
	struct ref *ref;
	int err;

	if (list_count(&pull->refl) == REFS_MAX)
		return EOVERFLOW;

	ref = mem_zalloc(sizeof(*ref), ref_destructor);
	if (!ref)
		return ENOMEM;

	list_append(&pull->refl, &ref->le, ref);
	err = pl_strdup(&ref->id, val);
	if (!err)
		entities_undo(ref->id);

	return err;
}


static const char *find(const struct pl *src, const char *str, size_t n)
{
	size_t i;

	for (i = 0; i + n <= src->l; i++) {
		if (!memcmp(src->p + i, str, n))
			return src->p + i;
	}

	return NULL;
}


/* Behind the next such text; false: there is none */
static bool skip(struct pl *src, const char *str)
{
	const char *p = find(src, str, strlen(str));

	if (p)
		pl_advance(src, p + (ssize_t)strlen(str) - src->p);

	return p != NULL;
}


/* reference="ID" of the next entry. @return 0; ENOENT; EBADMSG */
static int entry_next(struct pl *val, struct pl *src)
{
	struct pl tag;
	const char *p;
	char quote;

	if (!skip(src, "<entry"))
		return ENOENT;

	p = memchr(src->p, '>', src->l);
	tag.p = src->p;
	tag.l = p ? (size_t)(p - src->p) : 0;
	if (!skip(&tag, " reference=") || tag.l < 3)
		return EBADMSG;

	quote = *tag.p;
	val->p = tag.p + 1;
	p = memchr(val->p, quote, tag.l - 1);
	if ((quote != '"' && quote != '\'') || !p || p == val->p)
		return EBADMSG;

	val->l = (size_t)(p - val->p);
	return 0;
}


/* <entry reference="ID"> of a deferred-list.
   @return 0; EBADMSG; EOVERFLOW; ENOMEM */
static int refs_decode(struct pull *pull, const struct pl *xml)
{
	struct pl src = *xml, val;
	int err;

	if (!pl_has(xml, "<deferred-list") || !pl_has(xml, LIST_NS))
		return EBADMSG;

	while (!(err = entry_next(&val, &src))) {
		err = ref_add(pull, &val);
		if (err)
			break;
	}

	pull->some = true;
	if (err == ENOENT)
		err = list_isempty(&pull->refl) ? EBADMSG : 0;

	return err;
}


/* Headers and body of one part */
static void part_decode(struct invite *inv, const struct pl *part)
{
	struct pl head = *part, body = PL_INIT;
	size_t i;

	for (i = 0; i + 4 <= part->l; i++) {
		if (memcmp(part->p + i, "\r\n\r\n", 4))
			continue;
		head.l = i;
		body.p = part->p + i + 4;
		body.l = part->l - i - 4;
		break;
	}

	if (pl_has(&head, "application/sdp"))
		inv->sdp = body;
	else if (pl_has(&head, LIST_TYPE))
		inv->list = body;
}


/* RFC 2046, 5.1: what lies between two delimiters is a part */
static int multipart_decode(struct invite *inv, const struct sip_msg *msg,
			    struct pl src)
{
	struct pl bound;
	char delim[80];
	const char *p;
	int n;

	if (msg_param_decode(&msg->ctyp.params, "boundary", &bound))
		return EBADMSG;
	if (bound.l > 2 && *bound.p == '"') {
		++bound.p;
		bound.l -= 2;
	}
	n = re_snprintf(delim, sizeof(delim), "--%r", &bound);
	if (n < 0)
		return EBADMSG;

	p = find(&src, delim, (size_t)n);
	while (p) {
		struct pl part;

		pl_advance(&src, p + n - src.p);
		if (src.l >= 2 && !memcmp(src.p, "--", 2))
			return 0;
		p = find(&src, delim, (size_t)n);
		if (!p)
			return EBADMSG;
		part.p = src.p;
		part.l = (size_t)(p - src.p);
		if (part.l >= 2 && !memcmp(p - 2, "\r\n", 2))
			part.l -= 2;
		part_decode(inv, &part);
	}

	return EBADMSG;
}


static int invite_decode(struct invite *inv, const struct sip_msg *msg)
{
	struct pl src;

	memset(inv, 0, sizeof(*inv));
	pl_set_mbuf(&src, msg->mb);

	if (!pl_strcasecmp(&msg->ctyp.type, "multipart"))
		return multipart_decode(inv, msg, src);
	if (!pl_strcasecmp(&msg->ctyp.type, "application") &&
	    !pl_strcasecmp(&msg->ctyp.subtype, "sdp"))
		inv->sdp = src;

	return 0;
}


static bool tag_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			void *arg)
{
	(void)msg;
	(void)arg;

	return pl_has(&hdr->val, DEFERRED);
}


/** Is this INVITE for us? */
bool pull_is(const struct sip_msg *msg)
{
	return !pl_isset(&msg->to.tag) && !pl_strcmp(&msg->met, "INVITE") &&
		sip_msg_hdr_apply(msg, true, SIP_HDR_ACCEPT_CONTACT,
				  tag_handler, NULL);
}


/** Say what a pull was answered with */
void pull_event(const struct session *sess, const struct sip_msg *msg,
		uint16_t code)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(msg, "P-Preferred-Service");
	char call[257] = "", uri[257] = "", service[257] = "";

	if (hdr)
		(void)pl_strcpy(&hdr->val, service, sizeof(service));
	(void)pl_strcpy(&msg->callid, call, sizeof(call));
	(void)pl_strcpy(&msg->ruri, uri, sizeof(uri));

	event("pull to=%s call=%s code=%u uri=%s service=%s refs=%u "
	      "setup=%s dir=%s tls=%u", sess->user->aor, call, code, uri,
	      service, list_count(&sess->pull->refl), sess->ans.setup,
	      sess->ans.dir, (unsigned)sess->ans.tls);
}


/* @return 0, or the code that refuses */
static uint16_t offer_check(struct session *sess, const struct sip_msg *msg)
{
	struct invite inv;
	const char *why = NULL;

	if (invite_decode(&inv, msg))
		return 400;
	if (pl_isset(&inv.list) && refs_decode(sess->pull, &inv.list))
		return 400;
	if (!pl_isset(&inv.sdp))
		return 488;

	(void)sdp_answer_decode(&sess->ans, &inv.sdp, &why);
	if (!why && strcmp(sess->ans.dir, "recvonly"))
		why = "offer of a pull is not recvonly";
	if (!why && sess->ans.tls != secure_wanted(sess->pf))
		why = "transport of the offer is not ours";
	if (why)
		event("error text=%s", why);

	uas_setup(sess);
	return why ? 488 : 0;
}


static bool anything(const struct session *sess)
{
	struct kept *m = NULL;
	const int err = pull_next(&m, sess, 0);

	mem_deref(m);
	return !err;
}


static int pull_alloc(struct session *sess, const struct sip_msg *msg)
{
	sess->pull = mem_zalloc(sizeof(*sess->pull), destructor);
	if (!sess->pull)
		return ENOMEM;

	sess->way = WAY_PULL;
	sess->many = true;

	return uas_alloc(sess, msg);
}


/* Go on with an INVITE whose transaction is ours */
static int pull_start(struct session *sess, const struct sip_msg *msg)
{
	const struct faults *faults = &sess->pf->faults;
	uint16_t code = offer_check(sess, msg);
	int err;

	if (faults->on[FAULT_PULLREFUSE])
		code = (uint16_t)faults->arg[FAULT_PULLREFUSE];
	if (!code && !anything(sess))
		code = 480;
	if (code) {
		uas_refuse(sess, code);
		return EACCES;
	}
	if (faults->on[FAULT_PULLSILENT]) {
		sess->state = SESS_INVITING;
		event("pull to=%s code=0", sess->user->aor);
		return 0;
	}

	err = uas_start(sess, msg);
	if (err)
		uas_refuse(sess, 500);
	return err;
}


/** Handle the INVITE of a client that fetches */
void pull_recv(struct pf *pf, const struct sip_msg *msg)
{
	struct session *sess;
	struct user *user;
	int err;

	if (!sender_check(pf, msg))
		return;

	user = user_find_uri(pf, &msg->from.auri);
	if (!user) {
		(void)sip_treply(NULL, pf->sip, msg, 404, "Not Found");
		return;
	}

	/* who calls again has forgotten what he called for before */
	sess = session_pull(user);
	if (sess)
		session_end(sess, BY_ERROR, "pulled anew");

	err = session_alloc(&sess, user);
	if (err)
		goto out;
	err = pull_alloc(sess, msg);
	if (!err)
		err = pull_start(sess, msg);
	if (err)
		mem_deref(sess);

 out:
	if (err == ENOMEM)
		event("error text=%s", "no memory");
}
