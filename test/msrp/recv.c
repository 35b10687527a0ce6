/**
 * @file recv.c  msrp recv: sessions that wait, and what comes on them
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>
#include "prog.h"


struct recv {
	struct msrp *msrp;
	const struct opts *o;
	struct list slotl;
	int dirfd;
	int status;
};

/* one session, from its path on the terminal to its end */
struct slot {
	struct le le;
	struct recv *r;      /* borrowed                                    */
	struct msrp_sess *sess;
};

/* one message */
struct in {
	struct infile *file; /* into a folder                               */
	struct mbuf *text;   /* or shown, when it is a short text           */
	uint64_t size;       /* octets that came in this session            */
	uint64_t total;      /* of the message; 0: not known                */
	uint64_t begun;      /* octets of the file, from the beginning on   */
	char *msgid;         /* while it is to be kept if it ends early     */
};


static int slot_open(struct recv *r);


/* The session ended in the middle: what to type in order to go on */
static void kept_print(const struct in *in)
{
	printf("kept %llu of %llu octets", (unsigned long long)in->begun,
	       (unsigned long long)in->total);
	if (text_is_id(in->msgid))
		printf("; to go on: --msgid %s --from %llu", in->msgid,
		       (unsigned long long)in->begun);
	putchar('\n');
}


static void in_destructor(void *arg)
{
	struct in *in = arg;

	if (in->file && in->msgid && in->begun)
		kept_print(in);
	mem_deref(in->msgid);
	mem_deref(in->file);
	mem_deref(in->text);
}


static void slot_destructor(void *arg)
{
	struct slot *slot = arg;

	list_unlink(&slot->le);
	mem_deref(slot->sess);
}


static bool is_text(const char *ctype)
{
	return !strncasecmp(ctype, "text/plain", 10) &&
		(!ctype[10] || ctype[10] == ';' || ctype[10] == ' ');
}


/* Go on with what an earlier session left, if it fits this message */
static int file_begin(struct in *in, struct msrp_rx *rx, int dirfd)
{
	uint64_t have;
	int err;

	err = str_dup(&in->msgid, msrp_rx_msgid(rx));
	if (err)
		return err;
	err = infile_open(&in->file, dirfd, in->msgid, &have);
	if (err || !have)
		return err;

	err = msrp_rx_set_begun(rx, have);
	if (err == EOVERFLOW) {
		infile_begun(in->file, 0);
		return 0;
	}
	if (!err)
		printf("goes on behind %llu octets\n",
		       (unsigned long long)have);

	return err;
}


static uint16_t open_handler(struct msrp_rx *rx, void *arg)
{
	struct slot *slot = arg;
	struct in *in = mem_zalloc(sizeof(*in), in_destructor);
	int err = 0;

	if (!in)
		return 413;

	/* rx derefs it, whatever comes */
	msrp_rx_set_arg(rx, in);
	if (slot->r->dirfd >= 0)
		err = file_begin(in, rx, slot->r->dirfd);
	else if (is_text(msrp_rx_ctype(rx)))
		in->text = mbuf_alloc(256);

	switch (err) {

	case 0:            return 0;
	case ENAMETOOLONG: return 400;
	case EWOULDBLOCK:  return 403;
	default:
		fprintf(stderr, "msrp: %s: %s\n", slot->r->o->out,
			strerror(err));
		return 413;
	}
}


static uint16_t data_handler(struct msrp_rx *rx, uint64_t off,
			     const uint8_t *buf, size_t len, void *arg)
{
	struct slot *slot = arg;
	struct in *in = msrp_rx_arg(rx);
	int err = 0;

	in->size += len;
	if (in->file) {
		err = infile_write(in->file, off, buf, len);
		in->begun = msrp_rx_begun(rx);
		in->total = msrp_rx_total(rx);
		infile_begun(in->file, in->begun);
	}
	else if (in->text && off + len <= TEXT_MAX) {
		in->text->pos = (size_t)off;
		err = mbuf_write_mem(in->text, buf, len);
	}
	else {
		in->text = mem_deref(in->text);
	}

	if (err)
		fprintf(stderr, "msrp: %s: %s\n",
			slot->r->o->out ? slot->r->o->out : "text",
			strerror(err));

	return err ? 413 : 0;
}


/* @return what a message that is complete is answered with */
static uint16_t message_take(struct slot *slot, struct msrp_rx *rx)
{
	const unsigned long long total = msrp_rx_total(rx);
	const char *ctype = msrp_rx_ctype(rx);
	struct in *in = msrp_rx_arg(rx);
	char name[64];
	int err;

	if (in->file) {
		in->msgid = mem_deref(in->msgid);
		err = infile_done(in->file, ctype, name, sizeof(name));
		if (err) {
			fprintf(stderr, "msrp: %s: %s\n", slot->r->o->out,
				strerror(err));
			return 413;
		}
		printf("message %llu octets, file %s/%s\n", total,
		       slot->r->o->out, name);
	}
	else {
		printf("message %llu octets, ", total);
		text_print("", (const uint8_t *)ctype, strlen(ctype));
		if (in->text)
			text_print("text: ", in->text->buf, in->text->end);
	}

	return 200;
}


static void done_handler(struct msrp_rx *rx, void *arg)
{
	(void)msrp_rx_answer(rx, message_take(arg, rx), NULL);
}


static void drop_handler(struct msrp_rx *rx, void *arg)
{
	struct in *in = msrp_rx_arg(rx);
	(void)arg;

	in->msgid = mem_deref(in->msgid);
	if (in->file)
		infile_drop(in->file);
	printf("given up after %llu octets\n", (unsigned long long)in->size);
}


static void estab_handler(void *arg)
{
	(void)arg;
	printf("connected\n");
}


static void close_handler(int err, void *arg)
{
	struct slot *slot = arg;
	struct recv *r = slot->r;

	if (err)
		printf("closed: %s\n", msrp_strerror(err));
	else
		printf("closed\n");

	mem_deref(slot);
	if (!r->o->once)
		err = slot_open(r);
	if (list_isempty(&r->slotl)) {
		r->status = err ? 1 : 0;
		re_cancel();
	}
}


/* A session that waits: whoever has its path may connect */
static int slot_open(struct recv *r)
{
	static const struct msrp_sess_h h = {
		open_handler, data_handler, done_handler, drop_handler,
		estab_handler, close_handler,
	};
	struct slot *slot = mem_zalloc(sizeof(*slot), slot_destructor);
	int err;

	if (!slot)
		return ENOMEM;

	slot->r = r;
	err = msrp_sess_alloc(&slot->sess, r->msrp, &r->o->laddr, r->o->tls,
			      &h, slot);
	if (!err && r->o->peer)
		err = msrp_sess_set_fingerprint(slot->sess, r->o->peer);
	if (!err)
		err = msrp_sess_listen(slot->sess);
	if (!err && r->o->sdp)
		err = sdp_offer_print(r->msrp, r->o, slot->sess);
	if (err) {
		fprintf(stderr, "msrp: cannot listen: %s\n", strerror(err));
		mem_deref(slot);
		return err;
	}

	list_append(&r->slotl, &slot->le, slot);
	printf("path %s\n", msrp_sess_path(slot->sess));
	msrp_sess_start(slot->sess);

	return 0;
}


int recv_run(struct msrp *msrp, const struct opts *o)
{
	struct recv r = {.msrp = msrp, .o = o, .dirfd = -1};
	unsigned i;
	int err = 0;

	if (o->out) {
		r.dirfd = open(o->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (r.dirfd < 0) {
			fprintf(stderr, "msrp: %s: %s\n", o->out,
				strerror(errno));
			return 1;
		}
	}

	for (i=0; i<o->sessions && !err; i++)
		err = slot_open(&r);
	if (!err)
		err = re_main(signal_handler);

	list_flush(&r.slotl);
	if (r.dirfd >= 0)
		close(r.dirfd);

	return err ? 1 : r.status;
}
