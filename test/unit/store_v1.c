/**
 * @file store_v1.c  What is in the databases of test/data/store
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/store_unit.h"
#include "unit/store_v1.h"


#define ALICE "sip:alice@example.net"
#define WORK  "sip:a.liddell@work.example.org"
#define BOB   "sip:bob@example.net"
#define CAROL "sip:carol@example.net"
#define DAVE  "tel:+15550100"
#define DAY   86400000ULL
#define T0    1614834367089ULL  /* 2021-03-04T05:06:07.089Z */

#define BOTH  5u                /* delivery and display were asked for */
#define SENT  CPM_REPORT_SENT
#define DUE   CPM_REPORT_DUE

/* a chat with Bob */
#define CHAT \
	.account = ALICE, .key = "conv-bob", .peer = BOB, .conversation = 1, \
	.conversation_id = "conv-bob", .type = "text/plain;charset=UTF-8", \
	.mode = CPM_SESSION, .text = true
#define GROUP \
	.account = ALICE, .key = "group-1", .kind = CPM_GROUP, \
	.conversation = 2, .conversation_id = "group-1", .deferred = true, \
	.mode = CPM_SESSION
#define AT_WORK \
	.account = WORK, .key = "conv-bob", .peer = BOB, .conversation = 4, \
	.conversation_id = "conv-bob", .type = "text/plain", .text = true, \
	.mode = CPM_LARGE
#define WAS_DELETED \
	.account = ALICE, .key = "local:carol", .peer = CAROL, \
	.conversation = 5, .gone = true, .mode = CPM_PAGE


const struct v1_msg v1_msgv[V1_MSGS] = {
	{CHAT, .name = "Bob", .msgkey = "id-1", .contribution_id = "ct-1",
	 .datetime = "2021-03-04T06:06:07.089+01:00",
	 .route = "<sip:imdn1.example.net;lr>\n<sip:imdn2.example.net>",
	 .time = T0, .received = T0 + DAY, .deferred = true, .notify = BOTH,
	 .body = "Are you back, Alice?", .due = {true, false},
	 .read = true, .report = {SENT, SENT}},
	{CHAT, .name = "Robert", .msgkey = "id-2", .contribution_id = "ct-2",
	 .datetime = "2021-03-04T05:07:07Z", .time = T0 + 60000,
	 .received = T0 + DAY + 1, .deferred = true, .notify = BOTH,
	 .body = "Hello?", .due = {true, false}, .report = {DUE}},
	{CHAT, .direction = CPM_OUT, .name = "Alice", .msgkey = "id-3",
	 .contribution_id = "ct-3", .in_reply_to = "ct-1",
	 .datetime = "2021-03-05T05:06:08Z", .time = T0 + DAY + 1000,
	 .received = T0 + DAY + 1000, .notify = 1,
	 .body = "Yes.\r\nJust now", .read = true},
	{CHAT, .msgkey = "id-4", .time = T0 + 2 * DAY,
	 .received = T0 + 2 * DAY, .notify = BOTH, .body = "Good!",
	 .due = {true, false}, .read = true, .report = {DUE, DUE}},

	{GROUP, .peer = CAROL, .name = "Zo\xc3\xab \xf0\x9f\x98\x80 \"C\\\"",
	 .msgkey = "id-5", .time = T0 + 3 * DAY, .received = T0 + 3 * DAY,
	 .type = "text/plain;charset=UTF-8", .notify = BOTH, .text = true,
	 .body = "\xe4\xbd\xa0\xe5\xa5\xbd \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"
		 " e\xcc\x81 \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
	 .due = {true, false}, .report = {CPM_REPORT_FAILED}},
	{GROUP, .peer = DAVE, .name = "Dave", .msgkey = "id-6",
	 .time = T0 + 3 * DAY + 5, .received = T0 + 3 * DAY + 6,
	 .type = "image/png", .notify = 1, .size = 300, .file = true,
	 .due = {true, false}, .read = true, .report = {SENT}},

	/* nobody knows who */
	{.account = ALICE, .key = "local:?", .msgkey = "call-1;1",
	 .conversation = 3, .time = T0 + 4 * DAY, .received = T0 + 4 * DAY,
	 .mode = CPM_PAGE, .type = "text/plain", .text = true, .body = ""},

	{AT_WORK, .name = "Bob", .msgkey = "id-1", .time = T0 + 5 * DAY,
	 .received = T0 + 5 * DAY, .notify = 1, .size = 70001,
	 .file = true, .due = {true, false}, .report = {SENT}},
	{AT_WORK, .name = "Bob", .msgkey = "id-9", .time = T0 + 5 * DAY + 1,
	 .received = T0 + 5 * DAY + 1, .size = 9001, .read = true},

	/* gone, and its sender is still to be told that it was delivered */
	{CHAT, .msgkey = "id-10", .time = T0 + 6 * DAY,
	 .received = T0 + 6 * DAY, .datetime = "2021-03-10T05:06:07.089Z",
	 .route = "<sip:imdn.example.net>", .contribution_id = "ct-10",
	 .notify = 1, .body = "secret", .due = {true, false}, .gone = true,
	 .report = {DUE}},
	{WAS_DELETED, .name = "Carol", .msgkey = "id-11", .time = T0 + 7 * DAY,
	 .received = T0 + 7 * DAY, .type = "text/plain", .text = true,
	 .body = "forget this"},
	{WAS_DELETED, .msgkey = "id-12", .time = T0 + 7 * DAY,
	 .received = T0 + 7 * DAY, .type = "application/pdf", .size = 1000,
	 .file = true},

	/* it said that it is text */
	{CHAT, .msgkey = "id-13", .time = T0 + 8 * DAY,
	 .received = T0 + 8 * DAY, .notify = 4, .size = 17,
	 .body = "\xff\xfe \xc3( \xed\xa0\x80 \0\x1b[2J\r\n",
	 .read = true, .report = {CPM_REPORT_NONE, CPM_REPORT_FAILED}},
	{.account = WORK, .key = "local:dave", .peer = DAVE,
	 .direction = CPM_OUT, .conversation = 6, .msgkey = "local-14",
	 .time = T0 + 8 * DAY + 1, .received = T0 + 8 * DAY + 1,
	 .mode = CPM_PAGE, .type = "text/plain", .text = true,
	 .body = "Call me", .read = true},
	{GROUP, .peer = BOB, .msgkey = "id-15", .time = T0 - 1,
	 .received = T0 + 9 * DAY, .size = 12345, .file = true},
};

const struct v1_conv v1_convv[V1_CONVS] = {
	{1, ALICE, CPM_CHAT, BOB, "Robert", "conv-bob", 5, 1, 13},
	{2, ALICE, CPM_GROUP, NULL, NULL, "group-1", 3, 2, 15},
	{3, ALICE, CPM_CHAT, NULL, NULL, NULL, 1, 1, 7},
	{4, WORK, CPM_CHAT, BOB, "Bob", "conv-bob", 2, 1, 9},
	{5, ALICE, CPM_CHAT, CAROL, "Carol", NULL, 0, 0, 0},
	{6, WORK, CPM_CHAT, DAVE, NULL, NULL, 1, 0, 14},
};

const struct cpm_policy_row v1_policyv[V1_POLICIES] = {
	{"", "", CPM_ANSWER_DEFAULT, CPM_TRI_YES, CPM_TRI_NO,
	 CPM_ANSWER_DEFAULT},
	{"", BOB, CPM_ANSWER_ASK, CPM_TRI_DEFAULT, CPM_TRI_YES,
	 CPM_ANSWER_DEFAULT},
	{ALICE, "", CPM_ANSWER_ACCEPT, CPM_TRI_NO, CPM_TRI_DEFAULT,
	 CPM_ANSWER_DEFAULT},
	{ALICE, DAVE, CPM_ANSWER_DECLINE, CPM_TRI_DEFAULT, CPM_TRI_DEFAULT,
	 CPM_ANSWER_DEFAULT},
};

/* the display report of message 4 is held behind its delivery report */
const struct v1_due v1_duev[3] = {
	{2, CPM_DELIVERED, "d3d9ef12-5784-4371-a79f-c43e5a180a92", 2,
	 T0 + 10 * DAY},
	{4, CPM_DELIVERED, "fea3caa7-b571-4a08-b7be-35ab173e76ef", 0, 0},
	{10, CPM_DELIVERED, "4ceedece-74f0-42f5-8fcd-645626de388b", 1,
	 T0 + 11 * DAY},
};


struct mbuf *v1_body(const struct v1_msg *row)
{
	const size_t len = row->size ? row->size : strlen(row->body);
	struct mbuf *mb = mbuf_alloc(len + 1);
	size_t i;

	ck_assert_ptr_nonnull(mb);
	for (i=0; i<len; i++) {
		/* text of characters with one and with two octets */
		static const char text[] = "abc \xc3\xbc\n";
		const uint8_t c = row->body ? (uint8_t)row->body[i]
			: row->text ? (uint8_t)text[i % 7]
			: (uint8_t)(i * 31 + i / 251);

		ck_assert_int_eq(0, mbuf_write_u8(mb, c));
	}
	mb->pos = 0;

	return mb;
}


struct cpm_msg *v1_msg(const struct v1_msg *row)
{
	struct cpm_msg *msg = NULL;
	int i;

	ck_assert_int_eq(0, cpm_msg_alloc(&msg));
	fx_set(&msg->account, row->account);
	fx_set(&msg->key, row->key);
	fx_set(&msg->peer, row->peer);
	fx_set(&msg->name, row->name);
	fx_set(&msg->msgkey, row->msgkey);
	fx_set(&msg->imdn_id, row->peer ? row->msgkey : NULL);
	fx_set(&msg->conversation_id, row->conversation_id);
	fx_set(&msg->contribution_id, row->contribution_id);
	fx_set(&msg->in_reply_to, row->in_reply_to);
	fx_set(&msg->datetime, row->datetime);
	fx_set(&msg->route, row->route);
	fx_set(&msg->type, row->type);
	msg->kind      = row->kind;
	msg->direction = row->direction;
	msg->time      = row->time;
	msg->received  = row->received;
	msg->deferred  = row->deferred;
	msg->mode      = row->mode;
	msg->notify    = row->notify;
	msg->text      = row->text;
	for (i=0; i<2; i++)
		msg->report[i] = row->due[i] ? CPM_REPORT_DUE
			: CPM_REPORT_NONE;
	msg->body = v1_body(row);

	return msg;
}


static void file_copy(const char *from, const char *to)
{
	struct mbuf *mb = unit_file(from);
	FILE *f = fopen(to, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(mb->end, fwrite(mb->buf, 1, mb->end, f));
	ck_assert_int_eq(0, fclose(f));
	ck_assert_int_eq(0, chmod(to, 0600));
	mem_deref(mb);
}


void old_copy(int version)
{
	char from[600], to[600], name[64];
	struct dirent *de;
	DIR *dir;

	ck_assert_ptr_nonnull(getenv("CPM_TEST_DATA"));
	snprintf(to, sizeof(to), "%s/cpm", fx.dir);
	if (!access(to, F_OK))
		unit_rmdir(to);
	ck_assert_int_eq(0, mkdir(to, 0700));
	snprintf(name, sizeof(name), "store/v%d/cpm.db", version);
	file_copy(name, fx.path);
	snprintf(to, sizeof(to), "%s/cpm/spool", fx.dir);
	ck_assert_int_eq(0, mkdir(to, 0700));

	snprintf(from, sizeof(from), "%s/store/v%d/spool",
		 getenv("CPM_TEST_DATA"), version);
	dir = opendir(from);
	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "store/v%d/spool/%s", version,
			 de->d_name);
		snprintf(to, sizeof(to), "%s/cpm/spool/%s", fx.dir,
			 de->d_name);
		file_copy(from, to);
	}
	closedir(dir);
}
