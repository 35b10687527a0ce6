/**
 * @file store_v1.h  What is in the databases of test/data/store
 *
 * v1 was made by the code of 0.1.0, v2 by that of 0.3.0, v3 by that of 0.4.0,
 * each of these very rows; they are never made again.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef STORE_V1_H
#define STORE_V1_H

#include <cpm_store.h>

enum {
	V1_MSGS     = 15,
	V1_CONVS    = 6,
	V1_POLICIES = 4,
	V1_FILES    = 3,          /* bodies in the spool folder           */
};

/** A message: as it was put, and what became of it. Its id is its index
    plus 1 */
struct v1_msg {
	const char *account;
	const char *key;
	enum cpm_kind kind;
	enum cpm_dir direction;
	const char *peer;
	const char *name;
	const char *msgkey;       /* imdn_id, unless there is no peer     */
	const char *conversation_id;
	const char *contribution_id;
	const char *in_reply_to;
	const char *datetime;
	const char *route;
	uint64_t time;
	uint64_t received;
	bool deferred;
	enum cpm_mode mode;
	const char *type;
	unsigned notify;
	bool text;
	const char *body;         /* NULL: made of size, see v1_body()    */
	size_t size;
	bool due[2];              /* by enum cpm_report                   */

	uint64_t conversation;
	bool read;
	bool gone;
	bool file;
	enum cpm_report_state report[2];
};

struct v1_conv {
	uint64_t id;
	const char *account;
	enum cpm_kind kind;
	const char *peer;
	const char *name;
	const char *conversation_id;
	uint64_t messages;
	uint64_t unread;
	uint64_t last_id;
};

/** A report that is due, in the order of its turn */
struct v1_due {
	uint64_t msg;
	enum cpm_report kind;
	const char *imdn_id;      /* of the report                        */
	uint32_t tries;
	uint64_t next;
};

extern const struct v1_msg v1_msgv[V1_MSGS];
extern const struct v1_conv v1_convv[V1_CONVS];
extern const struct cpm_policy_row v1_policyv[V1_POLICIES];
extern const struct v1_due v1_duev[3];

/** Body of a message. mem_deref() it */
struct mbuf *v1_body(const struct v1_msg *row);

/** The message as it was put. mem_deref() it */
struct cpm_msg *v1_msg(const struct v1_msg *row);

/** A fresh copy of the database of that version at fx.path, instead of what
    is there */
void old_copy(int version);

#endif
