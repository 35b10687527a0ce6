/**
 * @file sql.c  The statements of the store: one const table
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "db.h"


/* a random UUID (RFC 4122, 4.4) */
#define UUID \
	"lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' ||" \
	" substr(hex(randomblob(2)), 2) || '-' ||" \
	" substr('89AB', 1 + (random() & 3), 1) ||" \
	" substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"

/* the delivery report of message m is still due */
#define DELIVERY_DUE \
	"EXISTS (SELECT 1 FROM report r WHERE r.msg = m.id AND r.kind = 0" \
	" AND r.state = 1)"

/* ?2 kind, ?3 bit of notify */
#define REPORTABLE \
	"m.dir = 0 AND m.notify & ?3 AND m.peer IS NOT NULL" \
	" AND m.imdn_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM report r" \
	" WHERE r.msg = m.id AND r.kind = ?2)"

#define REPORT_SELECT \
	"SELECT m.id, c.account, m.peer, ?2 = 1 AND " DELIVERY_DUE \
	" FROM msg m JOIN conv c ON c.id = m.conv "

#define GONE_SELECT \
	"INSERT INTO gone (id, hash, conv, peer, msgkey, imdn_id, cid," \
	" contrib, datetime, route) SELECT id, hash, conv, peer, msgkey," \
	" imdn_id, cid, contrib, datetime, route FROM msg "

/* live or deleted; ?1 id, ?2 msgkey */
#define KNOWN(which) \
	"SELECT m.id, m.conv FROM msg m JOIN conv c ON c.id = m.conv" \
	" WHERE m.id = ?1 AND m.msgkey = ?2 AND " which \
	" UNION ALL " \
	"SELECT m.id, m.conv FROM gone m JOIN conv c ON c.id = m.conv" \
	" WHERE m.id = ?1 AND m.msgkey = ?2 AND " which

#define CONV_COLS \
	"SELECT c.id, c.account, c.kind, c.peer, c.name, c.cid, c.messages," \
	" c.unread, c.last, m.time, m.text, m.size," \
	" CASE WHEN m.text THEN substr(m.body, 1, 2048) END" \
	" FROM conv c "

#define CONV_LAST \
	" LEFT JOIN msg m ON m.id = c.last "

#define MSG_COLS \
	"SELECT m.id, m.conv, c.account, m.dir, c.kind, c.key, m.peer," \
	" m.name, m.msgkey, m.imdn_id, m.cid, ifnull(s.contrib, m.contrib)," \
	" m.reply_to," \
	" m.datetime, m.route, m.time, m.received, m.deferred," \
	" ifnull(s.mode, m.mode)," \
	" m.type, m.notify, m.text, ifnull(s.size, m.size), m.read, m.file," \
	" (SELECT state FROM report r WHERE r.msg = m.id AND r.kind = 0)," \
	" (SELECT state FROM report r WHERE r.msg = m.id AND r.kind = 1)," \
	" CASE WHEN m.text AND m.size <= 2048 THEN m.body END," \
	" m.filename, s.status, s.code, s.reason, s.wish, s.fixed, s.tries," \
	" s.source, s.mtime"

/* a message of ours has one, unless an older version has kept it */
#define MSG_SENT \
	" LEFT JOIN sent s ON s.id = m.id AND m.dir = 1"

/* of the first message of conversation c that is to be sent */
#define HEAD(what) \
	"(SELECT " what " FROM sent f INDEXED BY sent_queue" \
	" WHERE f.queue = c.id ORDER BY f.id LIMIT 1)"

/* conv.turn of one that does not wait */
#define TURN_BASE "-4611686018427387904"

#define QUEUED_COLS \
	"SELECT s.id, m.conv, s.tries, max(c.turn, 0), s.wish," \
	" ifnull(s.mode, m.mode), c.account, m.peer, m.imdn_id, m.cid," \
	" ifnull(s.contrib, m.contrib), m.reply_to, m.type, m.filename," \
	" m.datetime, s.source, m.text, s.fixed, ifnull(s.size, m.size)," \
	" m.time, s.mtime, m.notify"

#define MSG_BODY_COLS \
	MSG_COLS ", CASE WHEN m.file IS NULL THEN m.body END"

/* the page is cut by id and handed out by time */
#define PAGE(from, order) \
	"SELECT id AS i FROM msg " from " AND id > ?3 AND id < ?4" \
	" ORDER BY id " order " LIMIT ?5"

#define PAGED(page) \
	MSG_COLS " FROM (" page ") p" \
	" CROSS JOIN msg m ON m.id = p.i JOIN conv c ON c.id = m.conv" \
	MSG_SENT \
	" ORDER BY m.time, m.id"

/* the index has what is not read and what is one after the other */
#define PAGE_BOTH(from, order) \
	"SELECT i FROM (" PAGE(from " AND read = 0", order) ")" \
	" UNION ALL " \
	"SELECT i FROM (" PAGE(from " AND read = 1", order) ")" \
	" ORDER BY i " order " LIMIT ?5"

#define MSGS(set, from) \
	[SQL_MSGS + (set)] = PAGED(PAGE(from, "DESC")), \
	[SQL_MSGS + (set) + QUERY_AFTER] = PAGED(PAGE(from, "ASC"))

#define MSGS_BOTH(set, from) \
	[SQL_MSGS + (set)] = PAGED(PAGE_BOTH(from, "DESC")), \
	[SQL_MSGS + (set) + QUERY_AFTER] = PAGED(PAGE_BOTH(from, "ASC"))


const char *const sql_text[SQL_MAX] = {

	[SQL_BEGIN]    = "BEGIN IMMEDIATE",
	[SQL_COMMIT]   = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",

	[SQL_CONV_FIND] =
	"SELECT id, kind, messages FROM conv WHERE account = ?1 AND key = ?2",

	[SQL_CONV_ADD] =
	"INSERT INTO conv (account, key, kind) VALUES (?1, ?2, ?3)",

	/* what is unknown does not replace what is known, nor does the name
	   of somebody else (?8) that of its peer */
	[SQL_CONV_PUT] =
	"UPDATE conv SET messages = messages + ?2, unread = unread + ?3,"
	" octets = octets + ?4, last = ?5,"
	" name = CASE WHEN peer IS ?8 THEN coalesce(?6, name) ELSE name END,"
	" cid = coalesce(?7, cid) WHERE id = ?1",

	/* once: whoever comes to know its Conversation-ID does not get what
	   is sent to it from then on */
	[SQL_CONV_SET_PEER] =
	"UPDATE conv SET peer = ?2 WHERE id = ?1 AND peer IS NULL",

	[SQL_CONV_UNREAD] =
	"UPDATE conv SET unread = unread - ?2 WHERE id = ?1",

	[SQL_CONV_DROP] =
	"UPDATE conv SET messages = messages - 1, unread = unread - ?2,"
	" octets = octets - ?3, last = max("
	"ifnull((SELECT max(id) FROM msg WHERE conv = ?1 AND read = 0), 0),"
	" ifnull((SELECT max(id) FROM msg WHERE conv = ?1 AND read = 1), 0))"
	" WHERE id = ?1 RETURNING messages",

	[SQL_CONV_EMPTY] =
	"UPDATE conv SET messages = 0, unread = 0, octets = 0, last = 0,"
	" turn = NULL WHERE id = ?1",

	[SQL_CONV_IS] =
	"SELECT account FROM conv WHERE id = ?1",

	[SQL_KNOWN_CHAT] =
	KNOWN("c.kind = 0 AND c.account = ?3"
	      " AND ifnull(m.peer, '') = ifnull(?4, '')"),

	[SQL_KNOWN_GROUP] =
	KNOWN("m.conv = ?3"),

	[SQL_MSG_ADD] =
	"INSERT INTO msg (hash, conv, dir, read, peer, msgkey, name, imdn_id,"
	" cid, contrib, reply_to, datetime, route, time, received, deferred,"
	" mode, type, notify, text, size, file, body, id, filename)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
	" ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)",

	[SQL_MSG_READ] =
	"UPDATE msg SET read = 1 WHERE id = ?1 AND read = 0",

	[SQL_MSG_READ_CONV] =
	"UPDATE msg SET read = 1 WHERE conv = ?1 AND id <= ?2 AND read = 0",

	[SQL_MSG_STATE] =
	"SELECT conv, dir, read, size FROM msg WHERE id = ?1",

	[SQL_GONE_ADD]      = GONE_SELECT "WHERE id = ?1",
	[SQL_GONE_ADD_CONV] = GONE_SELECT "WHERE conv = ?1",
	[SQL_MSG_DEL]       = "DELETE FROM msg WHERE id = ?1",
	[SQL_MSG_DEL_CONV]  = "DELETE FROM msg WHERE conv = ?1",

	[SQL_SWEEP] =
	"SELECT id FROM msg INDEXED BY msg_old WHERE read = 1"
	" AND received < ?1 AND NOT EXISTS (SELECT 1 FROM sent s"
	" WHERE s.id = msg.id AND s.status IN (1, 2))"
	" ORDER BY received LIMIT ?2",

	[SQL_FILE]       = "SELECT read, size, file FROM msg WHERE id = ?1",
	[SQL_FILES_CONV] = "SELECT read, size, file FROM msg WHERE conv = ?1",

	[SQL_FILE_USED] =
	"SELECT 1 FROM msg WHERE file = ?1 AND file IS NOT NULL",

	[SQL_REPORT_PUT] =
	"INSERT INTO report (msg, kind, held, sender, imdn_id)"
	" VALUES (?1, ?2, ?3, ?4, " UUID ")",

	[SQL_REPORTABLE] =
	REPORT_SELECT "WHERE m.id = ?1 AND " REPORTABLE,

	[SQL_REPORTABLE_CONV] =
	REPORT_SELECT "WHERE m.conv = ?1 AND m.id <= ?4 AND m.read = 0 AND "
	REPORTABLE " ORDER BY m.id",

	[SQL_REPORT_HOLD] =
	"UPDATE report SET held = 1 WHERE msg = ?1 AND kind = 1 AND state = 1",

	[SQL_REPORT_MOVE] =
	"UPDATE report SET state = ?2, held = 0 WHERE id = ?1 AND state = 1"
	" RETURNING sender, msg, kind",

	[SQL_REPORT_RETRY] =
	"UPDATE report SET tries = tries + 1 WHERE id = ?1 AND state = 1"
	" RETURNING sender, msg, kind",

	[SQL_REPORT_RELEASE] =
	"UPDATE report SET held = 0 WHERE msg = ?1 AND kind = 1 AND held = 1",

	[SQL_SENDER_FIND] =
	"SELECT id, due FROM sender WHERE account = ?1 AND peer = ?2",

	[SQL_SENDER_ADD] =
	"INSERT INTO sender (account, peer) VALUES (?1, ?2)",

	/* what is due is looked up, not counted: it cannot go wrong */
	[SQL_SENDER_SET] =
	"UPDATE sender SET next = ?2, due = EXISTS (SELECT 1 FROM report r"
	" INDEXED BY report_sender WHERE r.sender = ?1 AND r.state = 1"
	" AND r.held = 0) WHERE id = ?1 RETURNING due",

	[SQL_POLICY_SET] =
	"INSERT OR REPLACE INTO policy (account, peer, deferred, delivery,"
	" display, chat) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",

	[SQL_POLICY_DEL] =
	"DELETE FROM policy WHERE account = ?1 AND peer = ?2",

	[SQL_SEEN_FIND] =
	"SELECT id FROM seen WHERE hash = ?1",

	[SQL_SEEN_ADD] =
	"INSERT OR IGNORE INTO seen (hash, id) VALUES (?1, ?2)",

	[SQL_SEEN_UPTO] =
	"SELECT slice, upto FROM taken",

	[SQL_SEEN_SET_UPTO] =
	"UPDATE taken SET upto = ?2 WHERE slice = ?1",

	[SQL_SEEN_REST] =
	"SELECT id, hash FROM msg WHERE id > ?1 UNION ALL "
	"SELECT id, hash FROM gone WHERE id > ?1 ORDER BY 1",

	[SQL_LAST_ID] =
	"SELECT max(ifnull((SELECT max(id) FROM msg), 0),"
	" ifnull((SELECT max(id) FROM gone), 0),"
	/* where a database began that took the place of a damaged one */
	" ifnull((SELECT value FROM meta WHERE name = 'last'), 0))",

	/* once, at start: conversations are few beside messages */
	[SQL_USAGE] =
	"SELECT account, count(*), sum(messages), sum(unread), sum(octets)"
	" FROM conv WHERE messages > 0 GROUP BY account",

	[SQL_REPORTS] =
	"SELECT (SELECT count(*) FROM report INDEXED BY report_sender"
	" WHERE state = 1 AND held = 0),"
	" (SELECT count(*) FROM report INDEXED BY report_held WHERE held = 1),"
	" (SELECT count(*) FROM report INDEXED BY report_failed"
	" WHERE state = 3)",

	[SQL_SALT] =
	"SELECT value FROM meta WHERE name = 'salt'",

	[SQL_SENT_ADD] =
	"INSERT INTO sent (id, imdn_id, status, code, reason, queue, wish,"
	" fixed, source, mtime, size)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",

	[SQL_SENT_FIND] =
	"SELECT s.id, s.status, c.kind, m.peer, s.queue FROM sent s"
	" CROSS JOIN msg m ON m.id = s.id CROSS JOIN conv c ON c.id = m.conv"
	" WHERE s.imdn_id = ?1 AND c.account = ?2 ORDER BY s.id",

	[SQL_SENT_MOVE] =
	"UPDATE sent SET status = ?2, code = ?3, reason = ?4,"
	" queue = CASE WHEN ?2 IN (1, 2) THEN queue END WHERE id = ?1",

	[SQL_SENT_STATE] =
	"SELECT status, queue FROM sent WHERE id = ?1",

	[SQL_OUT_SENDING] =
	"UPDATE sent SET status = 2, code = 0, reason = NULL, mode = ?2,"
	" contrib = ifnull(?3, contrib) WHERE id = ?1",

	[SQL_OUT_AGAIN] =
	"UPDATE sent SET status = 1, tries = tries + 1, code = ?2,"
	" reason = ?3 WHERE id = ?1",

	[SQL_QUEUED_SUM] =
	"SELECT count(*) FROM sent INDEXED BY sent_queue"
	" WHERE queue IS NOT NULL",

	[SQL_QUEUED_SUM_CONV] =
	"SELECT count(*) FROM sent INDEXED BY sent_queue WHERE queue = ?1",

	/* the first one: others come behind it */
	[SQL_TURN_BEGIN] =
	"UPDATE conv SET turn = " TURN_BASE " + ?2 WHERE id = ?1"
	" AND turn IS NULL",

	/* message ?2 has left: who waits goes on to wait if that was not the
	   first one, or (?3) if nobody tried it since the server told when */
	[SQL_TURN_LEFT] =
	"UPDATE conv AS c SET turn = " HEAD("CASE WHEN c.turn >= 0 AND"
	" (f.id < ?2 OR ?3 AND c.told) THEN c.turn ELSE " TURN_BASE " + f.id"
	" END") " WHERE id = ?1",

	[SQL_TURN_WAIT] =
	"UPDATE conv SET turn = ?2, told = ?3 WHERE id = ?1",

	[SQL_TURN_WAKE] =
	"UPDATE conv AS c INDEXED BY conv_queue SET turn = "
	HEAD(TURN_BASE " + f.id")
	" WHERE account = ?1 AND turn >= 0 AND told = 0",

	[SQL_SENT_DEL] = "DELETE FROM sent WHERE id = ?1",
	[SQL_SENT_DEL_CONV] =
	"DELETE FROM sent WHERE id IN (SELECT id FROM msg WHERE conv = ?1"
	" AND dir = 1)",

	[SQL_ANNOUNCE] =
	"INSERT INTO announced (account, reference, sender, subject, size,"
	" time, expires, mode) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
	" ON CONFLICT (account, reference) DO UPDATE SET"
	" sender = excluded.sender, subject = excluded.subject,"
	" size = excluded.size, time = excluded.time,"
	" expires = excluded.expires, mode = excluded.mode",

	[SQL_ANNOUNCED_EXPIRE] =
	"DELETE FROM announced WHERE expires > 0 AND expires <= ?1",

	[SQL_ANNOUNCED_LIMIT] =
	"DELETE FROM announced WHERE account = ?1 AND id NOT IN"
	" (SELECT id FROM announced NOT INDEXED WHERE account = ?1"
	" ORDER BY id DESC LIMIT ?2)",

	[SQL_ANNOUNCED_DEL] =
	"DELETE FROM announced WHERE account = ?1 AND reference = ?2",

	[SQL_ANNOUNCED_DEL_ALL] =
	"DELETE FROM announced WHERE account = ?1",

	[SQL_ANNOUNCED_ANY] =
	"SELECT max(id) FROM announced",

	[SQL_CONVS] =
	CONV_COLS CONV_LAST
	"WHERE c.last > 0 AND c.last < ?2 ORDER BY c.last DESC"
	" LIMIT ?3",

	[SQL_CONVS_ACCOUNT] =
	CONV_COLS "INDEXED BY conv_last" CONV_LAST
	"WHERE c.account = ?1 AND c.last > 0 AND c.last < ?2"
	" ORDER BY c.last DESC LIMIT ?3",

	[SQL_CONV] =
	CONV_COLS CONV_LAST "WHERE c.id = ?1",

	[SQL_CONV_KEY] =
	"SELECT id FROM conv WHERE account = ?1 AND key = ?2",

	[SQL_CONV_PEER] =
	/* of the hundred that began last: a stranger may have begun a million
	   of them */
	"SELECT id, max(last) FROM (SELECT id, last FROM conv"
	" INDEXED BY conv_peer WHERE account = ?1 AND peer = ?2 AND kind = 0"
	" ORDER BY id DESC LIMIT 100)",

	[SQL_MSG] =
	MSG_COLS " FROM msg m JOIN conv c ON c.id = m.conv" MSG_SENT
	" WHERE m.id = ?1",

	[SQL_BODY] =
	"SELECT ifnull(s.size, m.size), m.file, CASE WHEN m.file IS NULL"
	" THEN substr(m.body, ?2 + 1, ?3) END, s.source, s.mtime"
	" FROM msg m" MSG_SENT " WHERE m.id = ?1",

	[SQL_DUE_ACCOUNT] =
	"SELECT account FROM sender INDEXED BY sender_next"
	" WHERE due > 0 AND account > ?1 ORDER BY account LIMIT 1",

	/* a page of an export, of all or of one conversation: goes through
	   the table in its own order, so that no page is ever sorted, with
	   all the texts in it */
	[SQL_EXPORT] =
	MSG_BODY_COLS " FROM msg m NOT INDEXED"
	" CROSS JOIN conv c ON c.id = m.conv" MSG_SENT " WHERE m.id > ?1"
	" AND m.id <= ?2 AND ?3 IN (0, m.conv) ORDER BY m.id LIMIT ?4",

	[SQL_LAST] =
	"SELECT ifnull(max(id), 0) FROM msg",


	/* the first report of each; its message is in one of two tables */
	[SQL_DUE] =
	"SELECT r.id, r.msg, r.kind, r.imdn_id, r.tries, s.id, s.account,"
	" s.peer, coalesce(m.imdn_id, g.imdn_id),"
	" coalesce(m.datetime, g.datetime), coalesce(m.route, g.route),"
	" coalesce(m.cid, g.cid), coalesce(m.contrib, g.contrib)"
	" FROM sender s INDEXED BY sender_next CROSS JOIN report r ON r.id ="
	" (SELECT f.id FROM report f INDEXED BY report_sender"
	" WHERE f.sender = s.id AND f.state = 1 AND f.held = 0"
	" ORDER BY f.id LIMIT 1)"
	" LEFT JOIN msg m ON m.id = r.msg LEFT JOIN gone g ON g.id = r.msg"
	" WHERE s.account = ?1 AND s.due > 0 AND s.next >= ?2"
	" AND s.next <= ?3 ORDER BY s.next LIMIT ?4",

	[SQL_DUE_NEXT] =
	"SELECT min(next) FROM sender INDEXED BY sender_next"
	" WHERE account = ?1 AND due > 0 AND next > ?2",

	[SQL_QUEUED_ACCOUNT] =
	"SELECT account FROM conv INDEXED BY conv_queue"
	" WHERE turn IS NOT NULL AND account > ?1 ORDER BY account LIMIT 1",

	[SQL_QUEUED] =
	QUEUED_COLS " FROM conv c INDEXED BY conv_queue"
	" CROSS JOIN sent s ON s.id = " HEAD("f.id")
	" CROSS JOIN msg m ON m.id = s.id"
	" WHERE c.account = ?1 AND c.turn <= ?2 ORDER BY c.turn LIMIT ?3",

	[SQL_QUEUED_CONV] =
	QUEUED_COLS " FROM sent s INDEXED BY sent_queue"
	" CROSS JOIN msg m ON m.id = s.id CROSS JOIN conv c ON c.id = s.queue"
	" WHERE s.queue = ?1 AND s.id > ?2 ORDER BY s.id LIMIT ?3",

	[SQL_QUEUED_NEXT] =
	"SELECT min(turn) FROM conv INDEXED BY conv_queue"
	" WHERE account = ?1 AND turn > ?2",

	[SQL_POLICIES] =
	"SELECT account, peer, deferred, delivery, display, chat FROM policy",

	[SQL_ANNOUNCED] =
	"SELECT id, account, reference, sender, subject, size, time, expires,"
	" mode FROM announced WHERE (?1 IS NULL OR account = ?1)"
	" AND (expires = 0 OR expires > ?2) ORDER BY id",

	[SQL_ANNOUNCED_COUNT] =
	"SELECT count(*), min(nullif(expires, 0)) FROM announced"
	" WHERE expires = 0 OR expires > ?1",

	MSGS(0, "WHERE 1"),
	MSGS_BOTH(QUERY_CONV,
		  "INDEXED BY msg_conv WHERE conv = ?1"),
	MSGS_BOTH(QUERY_PEER,
		  "INDEXED BY msg_peer WHERE peer = ?2"),
	MSGS_BOTH(QUERY_CONV | QUERY_PEER,
		  "INDEXED BY msg_peer WHERE conv = ?1 AND peer = ?2"),
	MSGS(QUERY_UNREAD,
	     "INDEXED BY msg_new WHERE read = 0"),
	MSGS(QUERY_UNREAD | QUERY_CONV,
	     "INDEXED BY msg_conv WHERE conv = ?1 AND read = 0"),
	MSGS(QUERY_UNREAD | QUERY_PEER,
	     "INDEXED BY msg_peer WHERE peer = ?2 AND read = 0"),
	MSGS(QUERY_UNREAD | QUERY_CONV | QUERY_PEER,
	     "INDEXED BY msg_conv WHERE conv = ?1 AND read = 0"
	     " AND peer = ?2"),
};
