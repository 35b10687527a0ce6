/**
 * @file fill.c  Fill a store, through its public interface
 *
 * fill DATABASE MESSAGES CONVERSATIONS: messages of 400 octets, ten in one
 * conversation, then ten in the next; the first nine tenths of the
 * conversations are read.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <stdlib.h>
#include <cpm_store.h>


enum {
	BODY  = 400,
	BURST = 10,
	WAY   = 4096,  /* messages in the store's queue at once */
	MARKS = 32,    /* conversations in it                   */
};

struct fill {
	struct cpm_store *st;
	struct mbuf *body;
	uint64_t count;
	uint64_t convs;
	uint64_t next;   /* message to be put                  */
	uint64_t done;
	uint64_t conv;   /* the last one to be marked as read  */
	uint64_t marked;
	int err;
};


static void more(struct fill *f);


static void stop(struct fill *f, int err)
{
	f->err = err;
	re_cancel();
}


static void put_handler(int err, const struct cpm_put_result *res, void *arg)
{
	struct fill *f = arg;

	if (err || res->duplicate) {
		stop(f, err ? err : EALREADY);
		return;
	}
	++f->done;
	more(f);
}


static void display_handler(int err, void *arg)
{
	struct fill *f = arg;

	++f->marked;
	if (err)
		stop(f, err);
	else
		more(f);
}


static int put(struct fill *f, uint64_t i)
{
	const unsigned long long time = 1700000000000ULL + i * 1000;
	const unsigned conv = (unsigned)(i / BURST % f->convs);
	struct cpm_msg *msg;
	int err;

	err = cpm_msg_alloc(&msg);
	if (err)
		return err;

	msg->direction = CPM_IN;
	msg->mode      = CPM_SESSION;
	msg->time      = msg->received = time;
	msg->deferred  = true;
	msg->text      = true;
	msg->body      = mem_ref(f->body);
	err |= re_sdprintf(&msg->account, "sip:alice@bench.test");
	err |= re_sdprintf(&msg->key, "history-%u", conv);
	err |= re_sdprintf(&msg->conversation_id, "history-%u", conv);
	err |= re_sdprintf(&msg->peer, "sip:peer%u@bench.test", conv);
	err |= re_sdprintf(&msg->msgkey, "h%016llx-%08llx",
			   i * 0x9e3779b97f4a7c15ULL, i);
	err |= re_sdprintf(&msg->imdn_id, "%s", msg->msgkey);
	err |= re_sdprintf(&msg->contribution_id, "c%u", conv);
	err |= re_sdprintf(&msg->datetime, "2026-11-21T03:11:00Z");
	err |= re_sdprintf(&msg->type, "text/plain;charset=UTF-8");
	if (!err)
		err = cpm_store_put(f->st, msg, put_handler, f);
	mem_deref(msg);

	return err;
}


static void more(struct fill *f)
{
	const uint64_t readc = f->convs - f->convs / 10;
	int err = 0;

	while (!err && f->next < f->count && f->next - f->done < WAY)
		err = put(f, f->next++);

	while (!err && f->done == f->count && f->conv < readc &&
	       f->conv - f->marked < MARKS)
		err = cpm_store_display_conv(f->st, ++f->conv, f->count,
					     false, display_handler, f);

	if (!err && f->done == f->count && f->marked == readc)
		re_cancel();
	if (err)
		stop(f, err);
}


static int fill(struct fill *f, const char *path)
{
	char *text = NULL;
	size_t i;
	int err;

	f->body = mbuf_alloc(BODY);
	if (!f->body)
		return ENOMEM;
	for (i=0; i<BODY; i++)
		(void)mbuf_write_u8(f->body, (uint8_t)('a' + i % 26));
	f->body->pos = 0;

	err = cpm_store_open(&f->st, path, NULL, NULL, NULL, &text);
	if (err) {
		fprintf(stderr, "fill: %s\n", text ? text : "cannot open");
		mem_deref(text);
		return err;
	}
	more(f);
	if (!f->err)
		err = re_main(NULL);
	cpm_store_close(&f->st);

	return err ? err : f->err;
}


int main(int argc, char **argv)
{
	struct fill f = {.count = 0};
	int err;

	if (argc != 4) {
		fprintf(stderr,
			"usage: fill DATABASE MESSAGES CONVERSATIONS\n");
		return 2;
	}
	f.count = strtoull(argv[2], NULL, 10);
	f.convs = strtoull(argv[3], NULL, 10);
	if (!f.count || !f.convs)
		return 2;

	err = libre_init();
	if (!err)
		err = fill(&f, argv[1]);
	if (err)
		fprintf(stderr, "fill: %s\n", strerror(err));
	mem_deref(f.body);
	libre_close();

	return err ? 1 : 0;
}
