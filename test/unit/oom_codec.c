/**
 * @file unit/oom_codec.c  Memory runs out in the codecs and while an MSRP
 * session is made
 *
 * The right result or ENOMEM, nothing between, and nothing left behind.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <cpm_cpim.h>
#include <cpm_imdn.h>
#include <cpm_fthttp.h>
#include <cpm_iscomp.h>
#include <cpm_mime.h>
#include <cpm_announce.h>
#include <cpm_msrp.h>
#include "unit/oom_unit.h"


struct codec_op {
	const char *name;
	/* Writes what it found to out, which has room. It arms; the caller
	   ends it. */
	int (*run)(struct mbuf *out, const char *arg);
	const char *arg;
};

static struct mbuf *input;    /* file of an operation, from pos 0 */


static int cpim_head(struct mbuf *out, const char *arg)
{
	struct cpim_msg *msg = NULL;
	int err;
	(void)arg;

	oo_arm();
	err = cpim_decode_all(&msg, input);
	(void)oo_end(0);
	if (err) {
		ck_assert_ptr_null(msg);
		return err;
	}

	ck_assert_int_eq(0, mbuf_printf(out, "%r %r %r %r %u %r %zu",
					&msg->from.uri, &msg->to.uri,
					&msg->datetime, &msg->imdn_msgid,
					msg->notify, &msg->ctype, msg->body));
	mem_deref(msg);

	return 0;
}


static int cpim_body(struct mbuf *out, const char *arg)
{
	static const uint8_t body[] = "SGVsbG8=3D";
	struct mbuf *mb = NULL;
	struct pl cte;
	int err;

	pl_set_str(&cte, arg);
	oo_arm();
	err = cpim_body_decode(&mb, &cte, body, 8);
	(void)oo_end(0);
	if (err)
		ck_assert_ptr_null(mb);
	else
		ck_assert_int_eq(0, mbuf_write_mem(out, mb->buf, mb->end));
	mem_deref(mb);

	return err;
}


/* Into a buffer that has to grow */
static int encode(struct mbuf *out, int (*h)(struct mbuf *mb))
{
	struct mbuf *mb = mbuf_alloc(1);
	int err;

	ck_assert_ptr_nonnull(mb);
	oo_arm();
	err = h(mb);
	(void)oo_end(0);
	if (err) {
		ck_assert_uint_eq(0, mb->pos);
		ck_assert_uint_eq(0, mb->end);
	}
	ck_assert_int_eq(0, mbuf_write_mem(out, mb->buf, mb->end));
	mem_deref(mb);

	return err;
}


static int cpim_make(struct mbuf *mb)
{
	static const char *const routev[] = {"sip:r1", "sip:r2"};
	static const uint8_t body[3000];

	return cpim_encode(mb, &(struct cpim_out){
		.from = "sip:a@example.net", .to = "sip:b@example.net",
		.time = 1000, .imdn_msgid = "id", .notify = 5,
		.routev = routev, .routec = 2, .ctype = "text/plain",
		.cdisp = "notification", .body = body, .len = sizeof(body)});
}


static int cpim_write(struct mbuf *out, const char *arg)
{
	(void)arg;

	return encode(out, cpim_make);
}


static int imdn_make(struct mbuf *mb)
{
	return imdn_encode(mb, &(struct imdn_out){
		.message_id = "<&>", .datetime = "2026-11-21T03:11:00Z",
		.recipient_uri = "sip:a@example.net",
		.original_recipient_uri = "sip:b@example.net",
		.kind = IMDN_DISPLAY, .status = IMDN_DISPLAYED});
}


static int imdn_write(struct mbuf *out, const char *arg)
{
	(void)arg;

	return encode(out, imdn_make);
}


static int imdn_read(struct mbuf *out, const char *arg)
{
	struct imdn_doc *doc = NULL;
	int err;
	(void)arg;

	oo_arm();
	err = imdn_decode(&doc, input->buf, input->end);
	(void)oo_end(0);
	if (err) {
		ck_assert_ptr_null(doc);
		return err;
	}

	ck_assert_int_eq(0, mbuf_printf(out, "%s %s %s %s %d %d",
					doc->message_id, doc->datetime,
					doc->recipient_uri,
					doc->original_recipient_uri,
					doc->kind, doc->status));
	mem_deref(doc);

	return 0;
}


static int iscomp_make(struct mbuf *mb)
{
	return iscomp_encode(mb, &(struct iscomp_doc){
		ISCOMP_ACTIVE, "text/plain", "2026-11-21T03:11:00Z", 90});
}


static int iscomp_write(struct mbuf *out, const char *arg)
{
	(void)arg;

	return encode(out, iscomp_make);
}


static int iscomp_read(struct mbuf *out, const char *arg)
{
	struct iscomp_doc doc;
	int err;
	(void)arg;

	oo_arm();
	err = iscomp_decode(&doc, input->buf, input->end);
	(void)oo_end(0);
	if (!err)
		ck_assert_int_eq(0, mbuf_printf(out, "%d %s %s %u", doc.state,
						doc.contenttype,
						doc.lastactive,
						doc.refresh));

	return err;
}


static int announce_make(struct mbuf *mb)
{
	static const char *const refv[] = {"m-1", "<&>"};

	return announce_encode(mb, refv, 2);
}


static int announce_write(struct mbuf *out, const char *arg)
{
	(void)arg;

	return encode(out, announce_make);
}


static int announce_read(struct mbuf *out, const char *arg)
{
	struct announce_list *list = NULL;
	int err;
	(void)arg;

	oo_arm();
	err = announce_decode(&list, input->buf, input->end);
	(void)oo_end(0);
	if (err) {
		ck_assert_ptr_null(list);
		return err;
	}

	ck_assert_int_eq(0, mbuf_printf(out, "%zu %s %s %s %s %s",
					list->entryc, list->entryv->reference,
					list->entryv->from,
					list->entryv->subject,
					list->entryv->date,
					list->entryv->expiry));
	mem_deref(list);

	return 0;
}


static const struct msrp_local local = {
	.port = 9, .dir = SDP_RECVONLY, .setup = MSRP_SETUP_ACTIVE,
	.path = "msrp://192.0.2.9:9/own;tcp",
	.accept_types = "message/cpim", .accept_wrapped_types = "*",
	.max_size = 100000000,
};


static int sdp(struct mbuf *out, const char *arg)
{
	struct msrp_sdp *s = NULL;
	struct mbuf *in = mbuf_alloc(1024), *mb = NULL;
	struct sa laddr;
	int err;

	ck_assert_int_eq(0, mbuf_write_str(in, arg));
	in->pos = 0;
	ck_assert_int_eq(0, sa_set_str(&laddr, "192.0.2.9", 0));
	oo_arm();
	err = msrp_sdp_alloc(&s, &laddr);
	if (!err)
		err = msrp_sdp_decode(s, in, true);
	if (!err)
		err = msrp_sdp_encode(&mb, s, &local, false);
	(void)oo_end(0);
	if (!err) {
		const struct msrp_remote *rem = msrp_sdp_remote(s);
		char *o = memmem(mb->buf, mb->end, "\r\ns=", 4);

		/* the line before has a random number */
		ck_assert_ptr_nonnull(o);
		ck_assert_int_eq(0, mbuf_printf(out, "%s %s %s %d %.*s",
			rem->path, rem->accept_types,
			rem->accept_wrapped_types, rem->setup,
			(int)((char *)mb->buf + mb->end - o), o));
	}
	mem_deref(mb);
	mem_deref(s);
	mem_deref(in);

	return err;
}


static int session(struct mbuf *out, const char *arg)
{
	static const struct msrp_sess_h h;
	struct msrp_sess *sess = NULL;
	struct msrp_conf conf;
	struct msrp *msrp = NULL;
	struct sa laddr;
	int err;

	memset(&conf, 0, sizeof(conf));
	ck_assert_int_eq(0, sa_set_str(&conf.laddr, "127.0.0.1", 0));
	laddr = conf.laddr;
	oo_arm();
	err = msrp_alloc(&msrp, &conf);
	if (!err)
		err = msrp_sess_alloc(&sess, msrp, &laddr, false, &h, NULL);
	if (!err)
		err = msrp_sess_set_peer(sess, arg);
	if (!err)
		err = msrp_sess_listen(sess);
	(void)oo_end(0);
	if (!err)
		ck_assert_int_eq(0, mbuf_printf(out, "%d",
					msrp_sess_lport(sess) != 9));
	mem_deref(sess);
	mem_deref(msrp);

	return err;
}


static int fthttp_read(struct mbuf *out, const char *arg)
{
	struct fthttp_doc doc;
	int err;

	oo_arm();
	err = fthttp_decode(&doc, (const uint8_t *)arg, strlen(arg));
	(void)oo_end(0);
	if (!err)
		ck_assert_int_eq(0, mbuf_printf(out, "%s %s %llu",
						doc.file.url, doc.file.name,
						doc.file.size));

	return err;
}


static int mime_read(struct mbuf *out, const char *arg)
{
	char *str = NULL;
	struct pl val;
	int err;

	pl_set_str(&val, arg);
	oo_arm();
	err = mime_param(&str, &val, "filename");
	(void)oo_end(0);
	if (!err)
		ck_assert_int_eq(0, mbuf_write_str(out, str));
	else
		ck_assert_ptr_null(str);
	mem_deref(str);

	return err;
}


static const struct codec_op opv[] = {
	{"cpim: decode", cpim_head, "cpim/rfc3862-5.1.txt"},
	{"cpim: decode imdn", cpim_head, "cpim/rfc5438-delivery.txt"},
	{"cpim: body", cpim_body, ""},
	{"cpim: body base64", cpim_body, "base64"},
	{"cpim: body quoted", cpim_body, "quoted-printable"},
	{"cpim: encode", cpim_write, NULL},
	{"imdn: decode", imdn_read, "imdn/rfc5438-delivery.xml"},
	{"imdn: decode rcs", imdn_read, "vectors/13-imdn-display-rcsjta.xml"},
	{"imdn: encode", imdn_write, NULL},
	/* without attributes of another namespace: where Expat has no memory
	   for such a prefix it says that nobody declared it */
	{"iscomp: decode", iscomp_read, "iscomp/plain.xml"},
	{"iscomp: encode", iscomp_write, NULL},
	{"fthttp: decode", fthttp_read, "<file><file-info><file-name>a&amp;b"
	 "</file-name><file-size>7</file-size><data url='https://h/x'/>"
	 "</file-info></file>"},
	{"mime: param", mime_read, "attachment; filename=\"a\\b\""},
	{"mime: param, charset", mime_read, "a; filename*=UTF-8''a%20b"},
	{"announce: decode", announce_read, "announce/list.xml"},
	{"announce: encode", announce_write, NULL},
	{"sdp", sdp, "v=0\r\no=- 0 0 IN IP4 host.example\r\ns= \r\n"
	 "c=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	 "m=message 2855 TCP/MSRP *\r\na=accept-types:message/cpim\r\n"
	 "a=accept-wrapped-types:*\r\na=setup:actpass\r\na=sendonly\r\n"
	 "a=path:msrp://192.0.2.7:2855/pf1;tcp\r\n"},
	{"msrp: session", session, "msrp://192.0.2.7:2855/pf1;tcp"},
};


static int once(const struct codec_op *op, struct mbuf *out, unsigned at,
		bool on)
{
	memset(&oo, 0, sizeof(oo));
	oo.at = at;
	oo.on = on;
	out->pos = out->end = 0;
	if (input)
		input->pos = 0;

	return op->run(out, op->arg);
}


static bool is_file(const char *arg)
{
	return arg && (strstr(arg, ".txt") || strstr(arg, ".xml"));
}


START_TEST(test_codec)
{
	const struct codec_op *op = &opv[_i];
	struct mbuf *want = mbuf_alloc(8192), *out = mbuf_alloc(8192);
	unsigned at, n = 0, files;
	struct oom_live live;
	int err, on;

	input = is_file(op->arg) ? unit_file(op->arg) : NULL;
	ck_assert_int_eq(0, once(op, want, 0, false));
	live = oom_live();
	files = oo_files();
	for (on=0; on<2; on++) {
		for (at=1; ; at++) {
			err = once(op, out, at, on);
			ck_assert_uint_eq(live.re, oom_live().re);
			ck_assert_uint_eq(live.xml, oom_live().xml);
			if (!oo.failed)
				break;
			++n;
			ck_assert_msg(!err || err == ENOMEM, "%s %u: %d",
				      op->name, at, err);
			if (!err)
				ck_assert_mem_eq(want->buf, out->buf,
						 want->end);
		}
		ck_assert_int_eq(0, err);
		ck_assert_uint_eq(want->end, out->end);
		ck_assert_mem_eq(want->buf, out->buf, want->end);
	}
	ck_assert_uint_eq(files, oo_files());
	mem_deref(input);
	mem_deref(want);
	mem_deref(out);
	printf("oom: %-24s %5u failures\n", op->name, n);
	ck_assert_uint_gt(n, 0);
}
END_TEST


static void setup(void)
{
	ck_assert_int_eq(0, libre_init());
}


static void teardown(void)
{
	libre_close();
}


TCase *oom_codec_case(void)
{
	TCase *tc = tcase_create("codec");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_codec, 0, ARRAY_SIZE(opv));

	return tc;
}
