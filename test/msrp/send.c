/**
 * @file send.c  msrp send: one file to the end of a path
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "prog.h"


enum {
	PROGRESS = 1000,         /* ms between two lines of it              */
	LAST     = 2000,         /* ms for the other side to see the end     */
};

struct send {
	const struct opts *o;
	struct msrp_sess *sess;
	struct msrp_sdp *sdp;
	struct msrp_tx *tx;
	struct source *source;
	struct tmr tmr;
	int status;              /* < 0: it goes on                         */
};


static void send_end(struct send *s, int status)
{
	if (s->status < 0)
		s->status = status;
	re_cancel();
}


static void progress_print(const struct send *s)
{
	if (s->o->quiet || !s->tx)
		return;

	printf("sent %llu of %llu octets, %llu answered\n",
	       (unsigned long long)msrp_tx_sent(s->tx),
	       (unsigned long long)source_size(s->source),
	       (unsigned long long)msrp_tx_acked(s->tx));
}


static void tmr_handler(void *arg)
{
	struct send *s = arg;

	progress_print(s);
	tmr_start(&s->tmr, PROGRESS, tmr_handler, s);
}


static int read_handler(uint64_t off, uint8_t *buf, size_t *len, void *arg)
{
	const struct send *s = arg;

	return source_read(s->source, off, buf, len);
}


static void late_handler(void *arg)
{
	send_end(arg, 1);
}


static void last_handler(int err, uint16_t scode, void *arg)
{
	(void)err;
	(void)scode;
	send_end(arg, 1);
}


/* A process that ends takes along what the other side has not read yet, so
   wait until it has seen the end of the message: a SEND without body is
   answered after that. Not for ever: it may have stopped reading. */
static void send_failed(struct send *s)
{
	const struct msrp_send args = {.senth = last_handler, .arg = s};

	tmr_start(&s->tmr, LAST, late_handler, s);
	if (msrp_send(NULL, s->sess, &args))
		send_end(s, 1);
}


static void sent_handler(int err, uint16_t scode, void *arg)
{
	struct send *s = arg;

	progress_print(s);
	if (!err)
		printf("done\n");
	else if (err == EPROTO)
		printf("refused: %u\n", scode);
	else if (err != ENOTCONN)  /* close_handler() says why */
		printf("failed: %s\n", err == ETIMEDOUT ? msrp_strerror(err) :
		       strerror(err));
	if (err && msrp_tx_acked(s->tx))
		printf("to go on: --msgid %s --from %llu\n",
		       msrp_tx_msgid(s->tx),
		       (unsigned long long)msrp_tx_acked(s->tx));

	if (err)
		send_failed(s);
	else
		send_end(s, 0);
}


static void estab_handler(void *arg)
{
	(void)arg;
	printf("connected\n");
}


static void close_handler(int err, void *arg)
{
	printf("closed: %s\n", msrp_strerror(err));
	send_end(arg, 1);
}


/* The first hop's address, which has to be a number */
static int addr_decode(struct sa *addr, const char *path)
{
	struct msrp_uri uri;
	struct pl pl;
	int err;

	pl.p = path;
	pl.l = strcspn(path, " ");
	err = msrp_uri_decode(&uri, &pl);
	if (err)
		return err;
	if (!uri.port || uri.host.l >= 64)
		return EBADMSG;

	return sa_set(addr, &uri.host, uri.port);
}


/* An address of ours from which that one can be reached */
static int laddr_get(struct sa *laddr, const struct opts *o,
		     const struct sa *addr)
{
	if (sa_isset(&o->laddr, SA_ADDR)) {
		*laddr = o->laddr;
		return 0;
	}
	if (!sa_is_loopback(addr))
		return net_default_source_addr_get(sa_af(addr), laddr);

	return sa_set_str(laddr, sa_af(addr) == AF_INET6 ? "::1" :
			  "127.0.0.1", 0);
}


/* Where to: the path of the command line, or what an offer says */
static int target_get(struct send *s, struct sa *addr, struct sa *laddr,
		      const char **pathp)
{
	const struct msrp_remote *remote;
	struct sa any;
	int err;

	if (!s->o->sdp) {
		*pathp = s->o->path;
		err = addr_decode(addr, s->o->path);
		return err ? err : laddr_get(laddr, s->o, addr);
	}

	/* what is ours in it is known only when it has been read */
	(void)sa_set_str(&any, "127.0.0.1", 0);
	err = sdp_offer_read(&s->sdp, s->o->path, &any);
	if (err)
		return err;

	remote = msrp_sdp_remote(s->sdp);
	*pathp = remote->path;
	*addr = remote->addr;
	err = laddr_get(laddr, s->o, addr);
	s->sdp = mem_deref(s->sdp);
	if (!err)
		err = sdp_offer_read(&s->sdp, s->o->path, laddr);
	if (!err)
		*pathp = msrp_sdp_remote(s->sdp)->path;

	return err;
}


/* Whose certificate it has to be */
static const char *peer_get(const struct send *s)
{
	return s->sdp && !s->o->peer ? msrp_sdp_remote(s->sdp)->fingerprint
		: s->o->peer;
}


static int message_start(struct send *s)
{
	const struct msrp_send args = {
		.msgid = s->o->msgid,
		.ctype = s->o->type,
		.mb    = source_mbuf(s->source),
		.readh = source_mbuf(s->source) ? NULL : read_handler,
		.size  = source_size(s->source),
		.start = s->o->from,
		.senth = sent_handler,
		.arg   = s,
	};
	int err;

	err = msrp_send(&s->tx, s->sess, &args);
	if (err)
		return err;

	source_start(s->source, s->tx);
	tmr_start(&s->tmr, PROGRESS, tmr_handler, s);

	return 0;
}


static int send_start(struct send *s, struct msrp *msrp)
{
	static const struct msrp_sess_h h = {
		.estabh = estab_handler,
		.closeh = close_handler,
	};
	struct sa addr, laddr;
	const char *path;
	int err;

	err = target_get(s, &addr, &laddr, &path);
	if (err) {
		fprintf(stderr, "msrp: %s: %s\n", s->o->path, s->o->sdp ?
			"no offer of MSRP by which we can connect" :
			"no path that begins with an address and a port");
		return err;
	}

	err = msrp_sess_alloc(&s->sess, msrp, &laddr,
			      !strncasecmp(path, "msrps:", 6), &h, s);
	if (!err)
		err = msrp_sess_set_peer(s->sess, path);
	if (!err && peer_get(s))
		err = msrp_sess_set_fingerprint(s->sess, peer_get(s));
	if (!err && s->sdp)
		err = sdp_answer_print(s->sdp, msrp, s->sess);
	if (!err)
		err = message_start(s);
	if (!err)
		err = msrp_sess_connect(s->sess, &addr);
	if (err)
		fprintf(stderr, "msrp: cannot send: %s\n", err == ENOKEY ?
			msrp_strerror(err) : strerror(err));

	return err;
}


int send_run(struct msrp *msrp, const struct opts *o)
{
	struct send s = {.o = o, .status = -1};
	int err;

	tmr_init(&s.tmr);
	err = source_open(&s.source, o->file, o->size, o->from);
	if (err)
		fprintf(stderr, "msrp: %s: %s\n", o->file,
			err == ERANGE ? "nothing is left to send" :
			err == EINVAL ? "no file" : strerror(err));
	else
		err = send_start(&s, msrp);
	if (!err && s.status < 0)
		err = re_main(signal_handler);

	tmr_cancel(&s.tmr);
	if (s.source)
		source_start(s.source, NULL);
	mem_deref(s.tx);
	mem_deref(s.sess);
	mem_deref(s.sdp);
	mem_deref(s.source);

	return (err || s.status) ? 1 : 0;
}
