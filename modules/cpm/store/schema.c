/**
 * @file schema.c  Migrations, append-only; PRAGMA user_version counts them
 *
 * A message is known again by msg.hash, a keyed 64-bit hash of its identity
 * (account, peer, msgkey; for a group: account, conversation, msgkey). Equal
 * hashes are told apart by comparing the texts, which suffices because there
 * is one writer. Since version 2 the hashes are in a table of their own,
 * seen, into which they get many at a time and in order (seen.c): a random
 * key inserted with each message would dirty a page a message.
 *
 * Version 2 also dropped what cost a page a commit: sqlite_sequence (ids are
 * counted by the writer), the table of totals (summed up at start), one of
 * two indexes of conversations, and one of two indexes of conv in msg.
 *
 * Deleted messages move to their own table: so they are neither counted nor
 * listed nor skipped over, and their content is gone. What a report that is
 * still due needs stays with the key.
 *
 * report.held: a display report waits for the delivery report of its
 * message; kept as a column so that neither scan nor join is needed to find
 * the next one.
 *
 * sender: to whom reports go. The first one that is due (report_sender) goes
 * alone, and the later ones wait behind it, so the time of the next try is
 * the sender's (report.next is not used since version 2). sender.due says
 * that there is such a report: so one look into sender_next finds who is to
 * be told now, however much is due.
 *
 * Version 3 knows messages of ours. Where one stands is in a table of its own,
 * sent: it moves some times while its text stays as it is, and a message that
 * arrives has nothing to do with it. An outgoing message of an older version
 * has no row there: it counts as sent. Nothing that was there is rewritten.
 *
 * Version 4 sends them. sent.queue is the conversation in which a message
 * waits to be sent, or is on its way; NULL once that is over. conv.turn says
 * when the first of those may go (NULL: there is none), so that one look into
 * conv_queue finds who is next, however much waits: at once, below 0, in the
 * order of their ids (TURN_BASE + id); or, ms since 1970, after a try that
 * failed; conv.told: by the server's own word. What a try changes (mode,
 * contrib) is kept in sent, so that the text is not written again. A body that
 * is a file of the user's (source) has its size there too: in msg it is 0,
 * for it takes no room.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "db.h"


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

/* sender.next: ms since 1970, 0 at once */
#define V2_OUTBOX \
"CREATE TABLE sender (" \
"  id INTEGER PRIMARY KEY," \
"  account TEXT NOT NULL," \
"  peer TEXT NOT NULL," \
"  due INTEGER NOT NULL DEFAULT 0," \
"  next INTEGER NOT NULL DEFAULT 0," \
"  UNIQUE (account, peer));" \
"CREATE INDEX sender_next ON sender (account, next) WHERE due > 0;" \
"ALTER TABLE report ADD COLUMN sender INTEGER NOT NULL DEFAULT 0;" \
"DROP INDEX report_due;" \
"DROP INDEX report_next;" \
"INSERT OR IGNORE INTO sender (account, peer)" \
"  SELECT c.account, coalesce(m.peer, g.peer) FROM report r" \
"  LEFT JOIN msg m ON m.id = r.msg LEFT JOIN gone g ON g.id = r.msg" \
"  JOIN conv c ON c.id = coalesce(m.conv, g.conv)" \
"  WHERE r.state = 1 ORDER BY r.id;" \
"UPDATE report SET sender = ifnull((SELECT s.id FROM conv c" \
"  JOIN sender s ON s.account = c.account" \
"  LEFT JOIN msg m ON m.id = report.msg" \
"  LEFT JOIN gone g ON g.id = report.msg" \
"  WHERE c.id = coalesce(m.conv, g.conv)" \
"  AND s.peer = coalesce(m.peer, g.peer)), 0) WHERE state = 1;" \
"CREATE INDEX report_sender ON report (sender, id)" \
"  WHERE state = 1 AND held = 0;" \
"UPDATE sender SET due = 1, next = (SELECT r.next FROM report r" \
"  WHERE r.sender = sender.id AND r.state = 1 AND r.held = 0" \
"  ORDER BY r.id LIMIT 1)" \
"  WHERE EXISTS (SELECT 1 FROM report r WHERE r.sender = sender.id" \
"  AND r.state = 1 AND r.held = 0);"

#define V2_CONV \
"DROP INDEX conv_last;" \
"DROP INDEX conv_account;" \
"ALTER TABLE conv ADD COLUMN octets INTEGER NOT NULL DEFAULT 0;" \
"UPDATE conv SET octets =" \
"  (SELECT ifnull(sum(size), 0) FROM msg WHERE msg.conv = conv.id);" \
"CREATE INDEX conv_last ON conv (last, account);" \
"DROP TABLE total;"

#define MSG_COLS \
"id, hash, conv, read, dir, peer, msgkey, name, imdn_id, cid, contrib," \
" reply_to, datetime, route, time, received, deferred, mode, type, notify," \
" text, size, file, body"

#define V2_MSG \
"ALTER TABLE msg RENAME TO old;" \
"DROP INDEX msg_hash;" \
"DROP INDEX msg_conv;" \
"DROP INDEX msg_peer;" \
"DROP INDEX msg_new;" \
"DROP INDEX msg_new_conv;" \
"DROP INDEX msg_file;" \
"CREATE TABLE msg (" \
"  id INTEGER PRIMARY KEY," \
"  hash INTEGER NOT NULL," \
"  conv INTEGER NOT NULL," \
"  read INTEGER NOT NULL," \
"  dir INTEGER NOT NULL," \
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
"  body BLOB);" \
"INSERT INTO msg SELECT " MSG_COLS " FROM old ORDER BY id;" \
"CREATE INDEX msg_conv ON msg (conv, read, id);" \
"CREATE INDEX msg_peer ON msg (peer, read, id);" \
"CREATE INDEX msg_new ON msg (id) WHERE read = 0;" \
"CREATE INDEX msg_old ON msg (received) WHERE read = 1;" \
"CREATE INDEX msg_file ON msg (file) WHERE file IS NOT NULL;" \
"DROP TABLE old;"

#define V2_SEEN \
"CREATE TABLE seen (" \
"  hash INTEGER NOT NULL," \
"  id INTEGER NOT NULL," \
"  PRIMARY KEY (hash, id)) WITHOUT ROWID;" \
"INSERT INTO seen SELECT hash >> 32, id FROM msg" \
"  UNION ALL SELECT hash >> 32, id FROM gone ORDER BY 1;" \
"DROP INDEX gone_hash;" \
"CREATE TABLE taken (slice INTEGER PRIMARY KEY, upto INTEGER NOT NULL);" \
"WITH RECURSIVE s(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s" \
"  WHERE i < 7) INSERT INTO taken SELECT i, ifnull((SELECT max(id)" \
"  FROM seen), 0) FROM s;"

#define V2_REPORT \
"CREATE INDEX report_held ON report (id) WHERE held = 1;" \
"CREATE INDEX report_failed ON report (id) WHERE state = 3;"

#define VERSION_2 V2_CONV V2_MSG V2_SEEN V2_OUTBOX V2_REPORT

#define VERSION_3 \
"ALTER TABLE msg ADD COLUMN filename TEXT;" \
"CREATE TABLE sent (" \
"  id INTEGER PRIMARY KEY,"  /* of the message */ \
"  imdn_id TEXT," \
"  status INTEGER NOT NULL," \
"  code INTEGER NOT NULL," \
"  reason TEXT);" \
"CREATE INDEX sent_imdn ON sent (imdn_id) WHERE imdn_id IS NOT NULL;" \
"CREATE TABLE announced (" \
"  id INTEGER PRIMARY KEY," \
"  account TEXT NOT NULL," \
"  reference TEXT NOT NULL," \
"  sender TEXT," \
"  subject TEXT," \
"  size INTEGER NOT NULL," \
"  time INTEGER NOT NULL," \
"  expires INTEGER NOT NULL," \
"  mode INTEGER NOT NULL," \
"  UNIQUE (account, reference));"

/* chat: see cpm_policy_row */
#define VERSION_4 \
"ALTER TABLE policy ADD COLUMN chat INTEGER NOT NULL DEFAULT 0;" \
"ALTER TABLE conv ADD COLUMN turn INTEGER;" \
"ALTER TABLE conv ADD COLUMN told INTEGER NOT NULL DEFAULT 0;" \
"CREATE INDEX conv_queue ON conv (account, turn) WHERE turn IS NOT NULL;" \
"CREATE INDEX conv_peer ON conv (account, peer) WHERE kind = 0;" \
"ALTER TABLE sent ADD COLUMN queue INTEGER;" \
"ALTER TABLE sent ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;" \
"ALTER TABLE sent ADD COLUMN wish INTEGER NOT NULL DEFAULT 0;" \
"ALTER TABLE sent ADD COLUMN fixed INTEGER NOT NULL DEFAULT 0;" \
"ALTER TABLE sent ADD COLUMN mode INTEGER;" \
"ALTER TABLE sent ADD COLUMN contrib TEXT;" \
"ALTER TABLE sent ADD COLUMN source TEXT;" \
"ALTER TABLE sent ADD COLUMN mtime INTEGER NOT NULL DEFAULT 0;" \
"ALTER TABLE sent ADD COLUMN size INTEGER;" \
"CREATE INDEX sent_queue ON sent (queue) WHERE queue IS NOT NULL;"


const char *const schema_sql[] = {
	VERSION_1,
	VERSION_2,
	VERSION_3,
	VERSION_4,
};

const int schema_version = sizeof(schema_sql) / sizeof(schema_sql[0]);
