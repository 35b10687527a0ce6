/**
 * @file schema.c  Migrations, append-only; PRAGMA user_version counts them
 *
 * A message is known again by msg.hash, a keyed 64-bit hash of its identity
 * (account, peer, msgkey; for a group: account, conversation, msgkey). An
 * index over those texts would be several times larger and is hit in no
 * order, which is what makes a random key expensive. The index is not
 * unique: equal hashes are told apart by comparing the texts, which suffices
 * because there is one writer.
 *
 * Deleted messages move to their own table: so they are neither counted nor
 * listed nor skipped over, and their content is gone. What a report that is
 * still due needs stays with the key.
 *
 * report.held: a display report waits for the delivery report of its
 * message; kept as a column so that neither scan nor join is needed to find
 * the next one.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "store.h"


#define VERSION_1 \
"CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;" \
"INSERT INTO meta VALUES ('salt', randomblob(16));" \
"CREATE TABLE total (" \
"  id INTEGER PRIMARY KEY CHECK (id = 0)," \
"  conversations INTEGER NOT NULL DEFAULT 0," \
"  messages INTEGER NOT NULL DEFAULT 0," \
"  unread INTEGER NOT NULL DEFAULT 0," \
"  pending INTEGER NOT NULL DEFAULT 0," \
"  failed INTEGER NOT NULL DEFAULT 0);" \
"INSERT INTO total (id) VALUES (0);" \
"CREATE TABLE conv (" \
"  id INTEGER PRIMARY KEY AUTOINCREMENT," \
"  account TEXT NOT NULL," \
"  key TEXT NOT NULL," \
"  kind INTEGER NOT NULL," \
"  peer TEXT," \
"  name TEXT," \
"  cid TEXT," \
"  messages INTEGER NOT NULL DEFAULT 0," \
"  unread INTEGER NOT NULL DEFAULT 0," \
"  last INTEGER NOT NULL DEFAULT 0," \
"  UNIQUE (account, key));" \
"CREATE INDEX conv_last ON conv (last);" \
"CREATE INDEX conv_account ON conv (account, last);" \
"CREATE TABLE msg (" \
"  id INTEGER PRIMARY KEY AUTOINCREMENT," \
"  hash INTEGER NOT NULL," \
"  conv INTEGER NOT NULL REFERENCES conv (id)," \
"  dir INTEGER NOT NULL," \
"  read INTEGER NOT NULL," \
"  peer TEXT," \
"  msgkey TEXT NOT NULL," \
"  name TEXT," \
"  imdn_id TEXT," \
"  cid TEXT," \
"  contrib TEXT," \
"  reply_to TEXT," \
"  datetime TEXT," \
"  route TEXT," \
"  time INTEGER NOT NULL," \
"  received INTEGER NOT NULL," \
"  deferred INTEGER NOT NULL," \
"  mode INTEGER NOT NULL," \
"  type TEXT," \
"  notify INTEGER NOT NULL," \
"  text INTEGER NOT NULL," \
"  size INTEGER NOT NULL," \
"  file TEXT," \
"  body BLOB);"  /* if there is a file: the first octets of a text */ \
"CREATE INDEX msg_hash ON msg (hash);" \
"CREATE INDEX msg_conv ON msg (conv, id);" \
"CREATE INDEX msg_peer ON msg (peer, id);" \
"CREATE INDEX msg_new ON msg (id) WHERE dir = 0 AND read = 0;" \
"CREATE INDEX msg_new_conv ON msg (conv, id) WHERE dir = 0 AND read = 0;" \
"CREATE INDEX msg_file ON msg (file) WHERE file IS NOT NULL;" \
"CREATE TABLE gone (" \
"  id INTEGER PRIMARY KEY," \
"  hash INTEGER NOT NULL," \
"  conv INTEGER NOT NULL REFERENCES conv (id)," \
"  peer TEXT," \
"  msgkey TEXT NOT NULL," \
"  imdn_id TEXT," \
"  cid TEXT," \
"  contrib TEXT," \
"  datetime TEXT," \
"  route TEXT);" \
"CREATE INDEX gone_hash ON gone (hash);" \
"CREATE TABLE report (" \
"  id INTEGER PRIMARY KEY AUTOINCREMENT," \
"  msg INTEGER NOT NULL," \
"  kind INTEGER NOT NULL," \
"  state INTEGER NOT NULL DEFAULT 1," \
"  held INTEGER NOT NULL DEFAULT 0," \
"  tries INTEGER NOT NULL DEFAULT 0," \
"  next INTEGER NOT NULL DEFAULT 0," \
"  imdn_id TEXT NOT NULL," \
"  UNIQUE (msg, kind));" \
"CREATE INDEX report_due ON report (id, next)" \
"  WHERE state = 1 AND held = 0;" \
"CREATE INDEX report_next ON report (next)" \
"  WHERE state = 1 AND held = 0;" \
"CREATE TABLE policy (" \
"  account TEXT NOT NULL," \
"  peer TEXT NOT NULL," \
"  deferred INTEGER NOT NULL," \
"  delivery INTEGER NOT NULL," \
"  display INTEGER NOT NULL," \
"  PRIMARY KEY (account, peer)) WITHOUT ROWID;"

/* for the sweep of old messages: only what may go is in it, so arriving
   messages do not pay for it */
#define VERSION_2 \
"CREATE INDEX msg_old ON msg (received) WHERE read = 1;"


const char *const schema_sql[] = {
	VERSION_1,
	VERSION_2,
};

const int schema_version = sizeof(schema_sql) / sizeof(schema_sql[0]);
