/**
 * @file read.c  Reading: on the main loop's own connection
 *
 * Each call sees the last commit. A handler may read in turn, and close the
 * store: it stays until the outermost read is done.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include "store.h"


/* Errors that a caller knows; the reason goes to the fault handler */
int read_end(struct cpm_store *st, struct dbq *q, int err)
{
	if (err == EBADMSG)
		store_damaged(st, db_why(st->rdb));
	else if (err && err != ENOENT && err != ENODATA &&
		 str_isset(db_why(st->rdb)))
		store_fault(st, true, err, db_why(st->rdb));

	if (err && err != ENOENT && err != ENODATA && err != ENOMEM)
		err = EIO;

	dbq_end(q);
	mem_deref(st);

	return err;
}


int read_start(struct cpm_store *st, struct dbq *q, enum sql id)
{
	int err = store_enter(st);

	if (err)
		return err;

	mem_ref(st);
	db_forget(st->rdb);
	dbq_start(q, st->rdb, id);

	return 0;
}


/* Without the beginning of a character that the end cuts (RFC 3629, 3) */
static size_t utf8_whole(const char *str, size_t len)
{
	size_t i = len, need;
	uint8_t c;

	while (i && len - i < 4 && ((uint8_t)str[i - 1] & 0xc0) == 0x80)
		--i;
	if (!i)
		return len;

	c = (uint8_t)str[i - 1];
	need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

	return len - (i - 1) < need ? i - 1 : len;
}


static void conv_get(struct cpm_conv *conv, struct dbq *q,
		     char text[STORE_TEXT_MAX + 1])
{
	const char *body;
	size_t len = 0;

	memset(conv, 0, sizeof(*conv));
	conv->id              = dbq_get(q, 0);
	conv->account         = dbq_str(q, 1);
	conv->kind            = dbq_get(q, 2) ? CPM_GROUP : CPM_CHAT;
	conv->peer            = dbq_str(q, 3);
	conv->name            = dbq_str(q, 4);
	conv->conversation_id = dbq_str(q, 5);
	conv->messages        = dbq_get(q, 6);
	conv->unread          = dbq_get(q, 7);
	conv->last_id         = dbq_get(q, 8);
	conv->last_time       = dbq_get(q, 9);
	if (!dbq_get(q, 10))
		return;

	body = dbq_mem(q, 12, &len);
	if (len > STORE_TEXT_MAX)
		len = STORE_TEXT_MAX;
	if (len < dbq_get(q, 11))
		len = utf8_whole(body, len);
	if (len)
		memcpy(text, body, len);
	text[len] = '\0';
	conv->last_text = text;
}


static int conv_read(struct cpm_store *st, struct dbq *q, cpm_conv_h *h,
		     void *arg, bool *anyp)
{
	char text[STORE_TEXT_MAX + 1];
	struct cpm_conv conv;
	int err;

	*anyp = false;
	while (!(err = dbq_step(q))) {
		*anyp = true;
		conv_get(&conv, q, text);
		if (h(&conv, arg))
			break;
	}

	return read_end(st, q, err == ENOENT ? 0 : err);
}


int cpm_store_convs(struct cpm_store *st, const char *account,
		    uint64_t before, uint32_t limit, cpm_conv_h *h, void *arg)
{
	struct dbq q;
	bool any;
	int err;

	if (!st || !limit || !h)
		return EINVAL;

	err = read_start(st, &q, account ? SQL_CONVS_ACCOUNT : SQL_CONVS);
	if (err)
		return err;

	if (account)
		dbq_text(&q, 1, account);
	dbq_int(&q, 2, before ? before : INT64_MAX);
	dbq_int(&q, 3, limit);

	return conv_read(st, &q, h, arg, &any);
}


int cpm_store_conv(struct cpm_store *st, uint64_t id, cpm_conv_h *h,
		   void *arg)
{
	struct dbq q;
	bool any;
	int err;

	if (!st || !h)
		return EINVAL;

	err = read_start(st, &q, SQL_CONV);
	if (err)
		return err;

	dbq_int(&q, 1, id);
	err = conv_read(st, &q, h, arg, &any);

	return err ? err : (any ? 0 : ENOENT);
}


int cpm_store_conv_find(struct cpm_store *st, const char *account,
			const char *key, uint64_t *idp)
{
	struct dbq q;
	int err;

	if (!st || !account || !key || !idp)
		return EINVAL;

	err = read_start(st, &q, SQL_CONV_KEY);
	if (err)
		return err;

	dbq_text(&q, 1, account);
	dbq_text(&q, 2, key);
	err = dbq_step(&q);
	if (!err)
		*idp = dbq_get(&q, 0);

	return read_end(st, &q, err);
}


/* The contract's strings are not const, but borrowed here */
static char *str(struct dbq *q, int col)
{
	return (char *)dbq_str(q, col);
}


void read_msg(struct cpm_msg *msg, struct dbq *q)
{
	memset(msg, 0, sizeof(*msg));
	msg->id              = dbq_get(q, 0);
	msg->conversation    = dbq_get(q, 1);
	msg->account         = str(q, 2);
	msg->direction       = dbq_get(q, 3) ? CPM_OUT : CPM_IN;
	msg->kind            = dbq_get(q, 4) ? CPM_GROUP : CPM_CHAT;
	msg->key             = str(q, 5);
	msg->peer            = str(q, 6);
	msg->name            = str(q, 7);
	msg->msgkey          = str(q, 8);
	msg->imdn_id         = str(q, 9);
	msg->conversation_id = str(q, 10);
	msg->contribution_id = str(q, 11);
	msg->in_reply_to     = str(q, 12);
	msg->datetime        = str(q, 13);
	msg->route           = str(q, 14);
	msg->time            = dbq_get(q, 15);
	msg->received        = dbq_get(q, 16);
	msg->deferred        = dbq_get(q, 17);
	msg->mode            = (enum cpm_mode)dbq_get(q, 18);
	msg->type            = str(q, 19);
	msg->notify          = (unsigned)dbq_get(q, 20);
	msg->text            = dbq_get(q, 21);
	msg->size            = dbq_get(q, 22);
	msg->read            = dbq_get(q, 23);
	msg->report[CPM_DELIVERED] = (enum cpm_report_state)dbq_get(q, 25);
	msg->report[CPM_DISPLAYED] = (enum cpm_report_state)dbq_get(q, 26);
	msg->text_whole.p    = dbq_mem(q, 27, &msg->text_whole.l);
	msg->filename        = str(q, 28);
	if (msg->direction == CPM_IN)
		return;

	msg->status = (enum cpm_out)dbq_get(q, 29);
	msg->code   = (uint16_t)dbq_get(q, 30);
	msg->reason = str(q, 31);
	msg->wish   = (uint8_t)dbq_get(q, 32);
	msg->fixed  = dbq_get(q, 33);
	msg->tries  = (uint32_t)dbq_get(q, 34);
	msg->source = str(q, 35);
	msg->source_mtime = dbq_get(q, 36);
	if (msg->status == CPM_OUT_NONE)
		msg->status = CPM_OUT_SENT;
}


/* One that cannot be looked at may still be whole */
static bool file_whole(const char *path, uint64_t size)
{
	struct stat st;

	return stat(path, &st) < 0 ? errno != ENOENT
		: (uint64_t)st.st_size >= size;
}


static int msg_read(struct cpm_store *st, struct dbq *q, cpm_msg_h *h,
		    void *arg, bool *anyp)
{
	struct cpm_msg msg;
	char file[PATH_MAX];
	int err;

	*anyp = false;
	while (!(err = dbq_step(q))) {
		const char *name = dbq_str(q, READ_MSG_FILE);

		*anyp = true;
		read_msg(&msg, q);
		if (name) {
			err = spool_path(st->spool, file, sizeof(file), name);
			if (err)
				break;
			msg.file = file;
			msg.missing = !file_whole(file, msg.size);
			if (msg.missing)
				store_missing(st, msg.id);
		}
		else if (msg.source) {
			msg.file = msg.source;
			msg.missing = !source_there(&msg);
		}
		if (h(&msg, arg))
			break;
	}

	return read_end(st, q, err == ENOENT ? 0 : err);
}


int cpm_store_msgs(struct cpm_store *st, const struct cpm_query *query,
		   cpm_msg_h *h, void *arg)
{
	struct dbq q;
	bool any;
	int set, err;

	if (!st || !query || !query->limit || !h)
		return EINVAL;

	set = (query->conversation ? QUERY_CONV : 0) |
		(query->peer ? QUERY_PEER : 0) |
		(query->unread ? QUERY_UNREAD : 0) |
		(query->after || query->first ? QUERY_AFTER : 0);

	err = read_start(st, &q, (enum sql)(SQL_MSGS + set));
	if (err)
		return err;

	if (query->conversation)
		dbq_int(&q, 1, query->conversation);
	if (query->peer)
		dbq_text(&q, 2, query->peer);
	dbq_int(&q, 3, query->after);
	dbq_int(&q, 4, query->before ? query->before : INT64_MAX);
	dbq_int(&q, 5, query->limit);

	return msg_read(st, &q, h, arg, &any);
}


int cpm_store_msg(struct cpm_store *st, uint64_t id, cpm_msg_h *h, void *arg)
{
	struct dbq q;
	bool any;
	int err;

	if (!st || !h)
		return EINVAL;

	err = read_start(st, &q, SQL_MSG);
	if (err)
		return err;

	dbq_int(&q, 1, id);
	err = msg_read(st, &q, h, arg, &any);

	return err ? err : (any ? 0 : ENOENT);
}


static int body_get(struct cpm_store *st, struct dbq *q, uint64_t off,
		    size_t len, struct mbuf *mb)
{
	const char *file = dbq_str(q, 1), *source = dbq_str(q, 3);
	const uint64_t size = dbq_get(q, 0);
	const void *p;
	size_t n = 0;

	if (off >= size || !len)
		return 0;
	if (len > size - off)
		len = (size_t)(size - off);

	if (file)
		return spool_read(st->spool, file, off, len, mb);
	if (source)
		return source_read(source, size, dbq_get(q, 4), off, len, mb);

	p = dbq_mem(q, 2, &n);
	if (!p || n < len)
		return EIO;

	mb->pos = mb->end;

	return mbuf_write_mem(mb, p, n);
}


static int body_read(struct cpm_store *st, uint64_t id, uint64_t off,
		     size_t len, struct mbuf *mb, bool again)
{
	bool ours;
	struct dbq q;
	int err, row;

	err = read_start(st, &q, SQL_BODY);
	if (err)
		return err;

	dbq_int(&q, 1, id);
	dbq_int(&q, 2, off < INT64_MAX ? off : INT64_MAX - 1);
	dbq_int(&q, 3, len);
	row = dbq_step(&q);
	err = row ? row : body_get(st, &q, off, len, mb);
	ours = !row && !dbq_str(&q, 3);

	/* deleted by the writer between row and file? the next look tells */
	if (ours && err == ENODATA && again) {
		(void)read_end(st, &q, 0);
		return body_read(st, id, off, len, mb, false);
	}
	if (ours && err == ENODATA)
		store_missing(st, id);
	else if (ours && err == EIO)
		store_fault(st, true, err, "a body, from its file");

	return read_end(st, &q, err);
}


int cpm_store_body(struct cpm_store *st, uint64_t id, uint64_t off,
		   size_t len, struct mbuf *mb)
{
	if (!st || !mb)
		return EINVAL;

	return body_read(st, id, off, len, mb, true);
}


static void due_get(struct cpm_due *due, struct dbq *q)
{
	memset(due, 0, sizeof(*due));
	due->id              = dbq_get(q, 0);
	due->msg             = dbq_get(q, 1);
	due->kind            = dbq_get(q, 2) ? CPM_DISPLAYED : CPM_DELIVERED;
	due->imdn_id         = str(q, 3);
	due->tries           = (uint32_t)dbq_get(q, 4);
	due->sender          = dbq_get(q, 5);
	due->account         = str(q, 6);
	due->peer            = str(q, 7);
	due->orig_id         = str(q, 8);
	due->datetime        = str(q, 9);
	due->route           = str(q, 10);
	due->conversation_id = str(q, 11);
	due->contribution_id = str(q, 12);
}


int cpm_store_due(struct cpm_store *st, const char *account, uint64_t from,
		  uint64_t to, uint32_t limit, cpm_due_h *h, void *arg)
{
	struct cpm_due due;
	struct dbq q;
	int err;

	if (!st || !account || !limit || !h)
		return EINVAL;

	err = read_start(st, &q, SQL_DUE);
	if (err)
		return err;

	dbq_text(&q, 1, account);
	dbq_int(&q, 2, from);
	dbq_int(&q, 3, to);
	dbq_int(&q, 4, limit);
	while (!(err = dbq_step(&q))) {
		due_get(&due, &q);
		if (h(&due, arg))
			break;
	}

	return read_end(st, &q, err == ENOENT ? 0 : err);
}


int cpm_store_due_next(struct cpm_store *st, const char *account,
		       uint64_t now, uint64_t *nextp)
{
	struct dbq q;
	int err;

	if (!st || !account || !nextp)
		return EINVAL;

	*nextp = 0;
	err = read_start(st, &q, SQL_DUE_NEXT);
	if (err)
		return err;

	dbq_text(&q, 1, account);
	dbq_int(&q, 2, now);
	err = dbq_step(&q);
	if (!err)
		*nextp = dbq_get(&q, 0);

	return read_end(st, &q, err == ENOENT ? 0 : err);
}


/* The one behind it. @param accountp mem_deref() it; NULL: no more */
static int account_next(struct cpm_store *st, enum sql id, char **accountp,
			const char *account)
{
	struct dbq q;
	int err;

	*accountp = NULL;
	err = read_start(st, &q, id);
	if (err)
		return err;

	dbq_text(&q, 1, account);
	err = dbq_step(&q);
	if (!err)
		err = str_dup(accountp, str(&q, 0));

	return read_end(st, &q, err == ENOENT ? 0 : err);
}


int read_aors(struct cpm_store *st, enum sql id, cpm_account_h *h,
		  void *arg)
{
	char *account = NULL, *next;
	int err;

	if (!st || !h)
		return EINVAL;

	mem_ref(st);
	for (;;) {
		err = account_next(st, id, &next, account ? account : "");
		mem_deref(account);
		account = next;
		if (!account || h(account, arg))
			break;
	}
	mem_deref(account);
	mem_deref(st);

	return err;
}


int cpm_store_due_accounts(struct cpm_store *st, cpm_account_h *h, void *arg)
{
	return read_aors(st, SQL_DUE_ACCOUNT, h, arg);
}


int cpm_store_policies(struct cpm_store *st, cpm_policy_h *h, void *arg)
{
	struct cpm_policy_row row;
	struct dbq q;
	int err;

	if (!st || !h)
		return EINVAL;

	err = read_start(st, &q, SQL_POLICIES);
	if (err)
		return err;

	while (!(err = dbq_step(&q))) {
		row.account       = dbq_str(&q, 0);
		row.peer          = dbq_str(&q, 1);
		row.deferred      = (enum cpm_answer)dbq_get(&q, 2);
		row.delivery_imdn = (enum cpm_tri)dbq_get(&q, 3);
		row.display_imdn  = (enum cpm_tri)dbq_get(&q, 4);
		row.chat          = (enum cpm_answer)dbq_get(&q, 5);
		if (h(&row, arg))
			break;
	}

	return read_end(st, &q, err == ENOENT ? 0 : err);
}


int cpm_store_counts(struct cpm_store *st, struct cpm_counts *counts)
{
	struct totals total;
	int err;

	if (!st || !counts)
		return EINVAL;

	err = store_enter(st);
	if (err)
		return err;

	usage_read(st->writer.write.usage, &total);
	counts->conversations = (uint64_t)total.conversations;
	counts->messages      = (uint64_t)total.messages;
	counts->unread        = (uint64_t)total.unread;
	counts->imdn_pending  = (uint64_t)total.pending;
	counts->imdn_failed   = (uint64_t)total.failed;
	counts->queued        = (uint64_t)total.queued;

	return announced_count(st, &counts->deferred);
}
