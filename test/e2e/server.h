/**
 * @file server.h  A server that is asked for what it keeps, by hand: SIP over
 * UDP and MSRP over TCP, as odd as a test likes
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SERVER_H
#define SERVER_H

#include "caller.h"

#define DEFERRED "Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A" \
	"3gpp-service.ims.icsi.oma.cpm.deferred\"\r\n"
#define LIST_TYPE "application/vnd.oma.im.deferred-list+xml"
#define LIST_NS "urn:oma:xml:im:history-list"

struct server {
	struct env *env;
	struct baresip *b;
	int udp;
	uint16_t port;        /* SIP                                        */
	struct caller msrp;   /* its MSRP side                              */
	unsigned invites;     /* answered                                   */
	unsigned acks;        /* that came besides what was waited for      */
	const char *req;      /* the last request that came                 */
	const char *invite;   /* the last INVITE                            */
	const char *tag;      /* of its To                                  */
	bool chat;            /* server_sdp(): it receives as well          */
};

/** A softphone with the account of Alice, who registers nowhere and sends all
    to this server */
void server_open(struct server *s, struct env *env, const char *config);
void server_close(struct server *s);

/** A request outside of a dialog. from NULL: the server's own.
    @return the code of the answer */
unsigned server_say(struct server *s, const char *met, const char *from,
		    const char *head, const char *type, const char *body);

/** The same octets once more. @return likewise */
unsigned server_again(struct server *s);

/** What the last answer to server_say() was */
const char *server_heard(void);

/** Wait for a request of that method. BYE and CANCEL are answered */
void server_wait(struct server *s, const char *met);

/** None comes in that time */
void server_quiet(struct server *s, const char *met, unsigned ms);

/** Answer the INVITE. head: more lines; sdp NULL: none */
void server_answer(struct server *s, const char *code, const char *head,
		   const char *sdp);

/** Answer any request. head: more lines, each with \r\n; or NULL */
void server_reply(struct server *s, const char *req, const char *code,
		  const char *head);

/** A good answer, after which the softphone connects (passive) or we do */
const char *server_sdp(struct server *s, const char *setup);

/** INVITE comes, 200, ACK, and MSRP is bound; we listen */
void server_take(struct server *s);

/** A message on the session; from NULL: anonymous. Waits for its 200 */
void server_message(struct server *s, const char *id, const char *from,
		    const char *text);

/** End it, and wait for the 200 */
void server_bye(struct server *s);

/** Text of a request: the value of a header, or of an SDP line.
    @return NULL if it is not there */
const char *server_field(struct server *s, const char *text,
			 const char *name);

#endif
