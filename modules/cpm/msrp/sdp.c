/**
 * @file sdp.c  The SDP of an MSRP session (RFC 4975, 8; RFC 4145; RFC 6135)
 *
 * libre decodes and encodes; this says what it means for MSRP.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


static const char proto_tcp[] = "TCP/MSRP";
static const char proto_tls[] = "TCP/TLS/MSRP";

struct msrp_sdp {
	struct sdp_session *sdp;
	struct sdp_media *m;          /* borrowed from sdp                  */
	struct sa laddr;
	bool settled;                 /* TLS or not: stays as it is now     */
	struct msrp_remote remote;
	const char *proto;            /* while sdp is NULL: what it had     */
	uint32_t id;                  /* of our o= line, RFC 3264, 5 and 8  */
	uint32_t ver;
};


static void strings_reset(struct msrp_remote *remote)
{
	remote->path = mem_deref(remote->path);
	remote->accept_types = mem_deref(remote->accept_types);
	remote->accept_wrapped_types = mem_deref(remote->accept_wrapped_types);
	remote->fingerprint = mem_deref(remote->fingerprint);
}


static void remote_reset(struct msrp_remote *remote)
{
	strings_reset(remote);
	memset(remote, 0, sizeof(*remote));
	sa_init(&remote->addr, AF_INET);
}


static void destructor(void *arg)
{
	struct msrp_sdp *sdp = arg;

	remote_reset(&sdp->remote);
	mem_deref(sdp->sdp);
}


/* libre's media lines cannot change their protocol by themselves */
static int media_make(struct msrp_sdp *sdp, const char *proto)
{
	struct sdp_session *sess = NULL;
	struct sdp_media *m;
	int err;

	err = sdp_session_alloc(&sess, &sdp->laddr);
	if (!err)
		err = sdp_media_add(&m, sess, "message", PORT_DISCARD, proto);
	if (!err)
		err = sdp_format_add(NULL, m, false, "*", NULL, 0, 0, NULL,
				     NULL, NULL, false, NULL);
	if (err) {
		mem_deref(sess);
		return err;
	}

	sdp_media_set_fmt_ignore(m, true);
	mem_deref(sdp->sdp);
	sdp->sdp = sess;
	sdp->m   = m;

	return 0;
}


int msrp_sdp_alloc(struct msrp_sdp **sdpp, const struct sa *laddr)
{
	struct msrp_sdp *sdp;
	int err;

	if (!sdpp || !sa_isset(laddr, SA_ADDR))
		return EINVAL;

	sdp = mem_zalloc(sizeof(*sdp), destructor);
	if (!sdp)
		return ENOMEM;

	sa_init(&sdp->remote.addr, AF_INET);
	sdp->laddr = *laddr;
	sdp->id  = rand_u32() & 0x7fffffff;
	sdp->ver = rand_u32() & 0x7fffffff;
	err = media_make(sdp, proto_tcp);
	if (err)
		mem_deref(sdp);
	else
		*sdpp = sdp;

	return err;
}


/**
 * Nothing is decoded or encoded for a long time: what libre keeps for it
 * costs more than all the rest of an idle session
 */
void msrp_sdp_rest(struct msrp_sdp *sdp)
{
	if (!sdp || !sdp->sdp)
		return;

	sdp->proto = str_cmp(sdp_media_proto(sdp->m), proto_tls) ? proto_tcp
		: proto_tls;
	sdp->m = NULL;
	sdp->sdp = mem_deref(sdp->sdp);
	strings_reset(&sdp->remote);
}


static int wake(struct msrp_sdp *sdp)
{
	return sdp->sdp ? 0 : media_make(sdp, sdp->proto);
}


/* libre turns the direction round to our view of it */
static enum sdp_dir dir_theirs(enum sdp_dir ours)
{
	switch (ours) {

	case SDP_SENDONLY: return SDP_RECVONLY;
	case SDP_RECVONLY: return SDP_SENDONLY;
	default:           return ours;
	}
}


/* An attribute without surrounding blanks; media level wins */
static bool attr_get(struct pl *pl, const struct msrp_sdp *sdp,
		     const char *name)
{
	const char *val = sdp_media_rattr(sdp->m, name);

	if (!val)
		val = sdp_session_rattr(sdp->sdp, name);
	if (!val)
		return false;

	pl_set_str(pl, val);
	while (pl->l && pl->p[0] == ' ')
		pl_advance(pl, 1);
	while (pl->l && pl->p[pl->l-1] == ' ')
		--pl->l;

	return pl->l > 0;
}


static int attr_dup(char **strp, const struct msrp_sdp *sdp,
		    const char *name)
{
	struct pl pl;

	if (!attr_get(&pl, sdp, name))
		return 0;

	return pl_strdup(strp, &pl);
}


/* RFC 4145, 4 */
static enum msrp_setup setup_decode(const struct msrp_sdp *sdp)
{
	struct pl pl;

	if (!attr_get(&pl, sdp, "setup"))
		return MSRP_SETUP_NONE;
	if (!pl_strcasecmp(&pl, "actpass"))
		return MSRP_SETUP_ACTPASS;
	if (!pl_strcasecmp(&pl, "active"))
		return MSRP_SETUP_ACTIVE;
	if (!pl_strcasecmp(&pl, "passive"))
		return MSRP_SETUP_PASSIVE;
	if (!pl_strcasecmp(&pl, "holdconn"))
		return MSRP_SETUP_HOLDCONN;

	return MSRP_SETUP_NONE;
}


/* One octet string is the first n octets of the other, in any case */
static bool begins(const struct pl *pl, const char *str, size_t n)
{
	const struct pl a = {pl->p, min(pl->l, n)}, b = {str, n};

	return !pl_casecmp(&a, &b);
}


/* format-entry = (type "/" (subtype / "*") *(";" type-param)) / "*" */
bool msrp_types_accept(const char *types, const char *type)
{
	const size_t n = type ? strcspn(type, "; ") : 0;
	const size_t slash = type ? strcspn(type, "/") : 0;
	struct pl list, entry;

	if (!types || slash >= n)
		return false;

	pl_set_str(&list, types);
	while (msrp_path_next(&list, &entry)) {
		const char *param = pl_strchr(&entry, ';');

		if (param)
			entry.l = (size_t)(param - entry.p);
		if (!pl_strcmp(&entry, "*"))
			return true;
		if (entry.l == n && begins(&entry, type, n))
			return true;
		if (entry.l == slash + 2 && entry.p[slash + 1] == '*' &&
		    begins(&entry, type, slash + 1))
			return true;
	}

	return false;
}


/* The first hop's URI, if the path is one */
static int path_decode(struct msrp_uri *first, const char *path)
{
	struct msrp_uri uri;
	struct pl list, pl;
	bool any = false;

	pl_set_str(&list, path);
	while (msrp_path_next(&list, &pl)) {
		if (msrp_uri_decode(&uri, &pl))
			return EPROTO;
		if (!any)
			*first = uri;
		any = true;
	}

	return any ? 0 : EPROTO;
}


/* c= and m=; where c= has a name, the path's host if that is an address */
static int addr_decode(struct sa *addr, const struct msrp_sdp *sdp,
		       const struct msrp_uri *uri)
{
	const uint16_t port = sdp_media_rport(sdp->m);

	*addr = *sdp_media_raddr(sdp->m);
	if (sa_isset(addr, SA_ADDR) && !sa_is_any(addr))
		return 0;

	if (uri->host.l >= 64 || sa_set(addr, &uri->host, port) ||
	    sa_is_any(addr))
		return EPROTO;

	return 0;
}


static bool fingerprint_handler(const char *name, const char *val, void *arg)
{
	struct mbuf *mb = arg;
	(void)name;

	return mbuf_printf(mb, "%s%s", mb->end ? "," : "", val) != 0;
}


/* RFC 8122, 5: one for each hash, and for each certificate */
static int fingerprint_dup(char **strp, const struct msrp_sdp *sdp)
{
	struct mbuf *mb = mbuf_alloc(128);
	bool fail;
	int err = 0;

	if (!mb)
		return ENOMEM;

	fail = sdp_media_rattr_apply(sdp->m, "fingerprint",
				     fingerprint_handler, mb) != NULL;
	if (!fail && !mb->end)
		fail = sdp_session_rattr_apply(sdp->sdp, "fingerprint",
					       fingerprint_handler,
					       mb) != NULL;
	if (fail)
		err = ENOMEM;
	else if (mb->end) {
		mb->pos = 0;
		err = mbuf_strdup(mb, strp, mb->end);
	}
	mem_deref(mb);

	return err;
}


static int strings_decode(struct msrp_remote *remote,
			  const struct msrp_sdp *sdp)
{
	struct pl pl;
	int err;

	err = attr_dup(&remote->path, sdp, "path");
	if (err)
		return err;
	err = attr_dup(&remote->accept_types, sdp, "accept-types");
	if (err)
		return err;
	err = attr_dup(&remote->accept_wrapped_types, sdp,
		       "accept-wrapped-types");
	if (err)
		return err;
	err = fingerprint_dup(&remote->fingerprint, sdp);
	if (err)
		return err;

	if (attr_get(&pl, sdp, "max-size"))
		remote->max_size = pl_u64(&pl);

	return 0;
}


static bool is_tls(const struct msrp_sdp *sdp)
{
	return !str_cmp(sdp_media_proto(sdp->m), proto_tls);
}


static int remote_decode(struct msrp_sdp *sdp)
{
	struct msrp_remote *remote = &sdp->remote;
	struct msrp_uri uri;
	int err;

	if (!sdp_media_rport(sdp->m))
		return ENOENT;

	err = strings_decode(remote, sdp);
	if (err)
		return err;

	if (!remote->path || !remote->accept_types)
		return EPROTO;

	err = path_decode(&uri, remote->path);
	if (err)
		return err;

	remote->tls   = is_tls(sdp);
	if (remote->tls != uri.tls)
		return EPROTO;

	remote->dir   = dir_theirs(sdp_media_rdir(sdp->m));
	remote->setup = setup_decode(sdp);
	remote->cema  = sdp_media_rattr(sdp->m, "msrp-cema") != NULL;

	return addr_decode(&remote->addr, sdp, &uri);
}


/* In a multipart the last line end may belong to the boundary */
static int line_complete(struct mbuf **mbp, struct mbuf *mb)
{
	const size_t left = mbuf_get_left(mb);
	struct mbuf *copy;
	int err;

	if (!left || mbuf_buf(mb)[left-1] == '\n') {
		*mbp = mem_ref(mb);
		return 0;
	}

	copy = mbuf_alloc(left + 2);
	if (!copy)
		return ENOMEM;

	err = mbuf_write_mem(copy, mbuf_buf(mb), left);
	if (!err)
		err = mbuf_write_str(copy, "\r\n");
	copy->pos = 0;
	if (err)
		mem_deref(copy);
	else
		*mbp = copy;

	return err;
}


int msrp_sdp_decode(struct msrp_sdp *sdp, struct mbuf *mb, bool offer)
{
	struct mbuf *text;
	int err;

	if (!sdp || !mb)
		return EINVAL;

	err = wake(sdp);
	if (err)
		return err;

	remote_reset(&sdp->remote);

	/* an answer has to keep to the protocol of our offer, and what comes
	   later to that of the first exchange */
	err = sdp_media_set_alt_protos(sdp->m, offer && !sdp->settled ? 1 : 0,
				       is_tls(sdp) ? proto_tcp : proto_tls);
	if (err)
		return err;
	err = line_complete(&text, mb);
	if (err)
		return err;

	err = sdp_decode(sdp->sdp, text, offer);
	mem_deref(text);
	if (err)
		return err == ENOMEM ? err : EBADMSG;

	err = remote_decode(sdp);
	if (err)
		remote_reset(&sdp->remote);
	else
		sdp->settled = true;

	return err;
}


const struct msrp_remote *msrp_sdp_remote(const struct msrp_sdp *sdp)
{
	return sdp ? &sdp->remote : NULL;
}


static const char *setup_name(enum msrp_setup setup)
{
	switch (setup) {

	case MSRP_SETUP_ACTPASS: return "actpass";
	case MSRP_SETUP_ACTIVE:  return "active";
	case MSRP_SETUP_PASSIVE: return "passive";
	case MSRP_SETUP_HOLDCONN: return "holdconn";
	default:                 return NULL;
	}
}


/* One without a value */
static int flag_set(struct msrp_sdp *sdp, const char *name, bool on)
{
	sdp_media_del_lattr(sdp->m, name);

	return on ? sdp_media_set_lattr(sdp->m, true, name, "") : 0;
}


/* Set an attribute, or remove it where there is no value */
static int attr_set(struct msrp_sdp *sdp, const char *name, const char *val)
{
	if (!str_isset(val)) {
		sdp_media_del_lattr(sdp->m, name);
		return 0;
	}

	return sdp_media_set_lattr(sdp->m, true, name, "%s", val);
}


/* The same session in all descriptions, each newer than the one before;
   libre's numbers go with its objects */
static int origin_set(struct mbuf **mbp, struct msrp_sdp *sdp,
		      struct mbuf *text)
{
	struct pl tail;
	struct mbuf *mb;
	int err;

	if (!text || re_regex((char *)mbuf_buf(text), mbuf_get_left(text),
		     "v=0\r\no=- [0-9]+ [0-9]+[^]+", NULL, NULL, &tail))
		return EPROTO;

	mb = mbuf_alloc(text->end + 16);
	if (!mb)
		return ENOMEM;

	err = mbuf_printf(mb, "v=0\r\no=- %u %u%r", sdp->id, sdp->ver++,
			  &tail);
	mb->pos = 0;
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}


int msrp_sdp_encode(struct mbuf **mbp, struct msrp_sdp *sdp,
		    const struct msrp_local *local, bool offer)
{
	struct mbuf *text = NULL;
	char size[24] = "";
	int err;

	if (!mbp || !sdp || !local || !str_isset(local->path))
		return EINVAL;

	err = wake(sdp);
	if (err)
		return err;

	if (offer && !sdp->settled && local->tls != is_tls(sdp)) {
		err = media_make(sdp, local->tls ? proto_tls : proto_tcp);
		if (err)
			return err;
	}

	if (local->max_size)
		(void)re_snprintf(size, sizeof(size), "%llu",
				  (unsigned long long)local->max_size);

	err = attr_set(sdp, "accept-types", local->accept_types);
	if (!err)
		err = attr_set(sdp, "accept-wrapped-types",
			       local->accept_wrapped_types);
	if (!err)
		err = attr_set(sdp, "setup", setup_name(local->setup));
	if (!err)
		err = attr_set(sdp, "path", local->path);
	if (!err)
		err = attr_set(sdp, "fingerprint", is_tls(sdp)
			       ? local->fingerprint : NULL);
	if (!err)
		err = attr_set(sdp, "max-size", size);
	if (!err)
		err = flag_set(sdp, "msrp-cema", local->cema);
	if (err)
		return err;

	sdp_media_set_laddr(sdp->m, local->addr);
	sdp_media_set_lport(sdp->m, local->port);
	sdp_media_set_ldir(sdp->m, local->dir);

	err = sdp_encode(&text, sdp->sdp, offer);
	if (!err)
		err = origin_set(mbp, sdp, text);
	mem_deref(text);

	return err;
}
