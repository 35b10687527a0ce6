/**
 * @file register.h  What the files of the registration share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef REGISTER_H
#define REGISTER_H

#include "glue.h"

enum {
	LEGS      = 2,   /* outbound proxies of an account, as the host has  */
	UUID_SIZE = 37,
	DEAD      = 4,   /* servers that say nothing, of a name's addresses   */
};

struct client;

/** One register client of the softphone. Baresip has one for each outbound
    proxy with ;sipnat=outbound, else one */
struct leg {
	struct client *client;       /* borrowed                             */
	char *route;                 /* outbound proxy; NULL: none           */
	char *contact;               /* URI bound at the registrar, or NULL  */
	char *callid;                /* of the last answer, or NULL          */
	struct sa src;               /* who gave it                          */
	struct sip_keepalive *ka;    /* of its flow (RFC 5626), or NULL      */
	bool tagged;                 /* with our tags                        */
	int af;                      /* of the way to the registrar;
					AF_UNSPEC: not known yet             */
	struct {
		struct sa addr;
		uint64_t until;      /* jiffies                              */
	} deadv[DEAD];               /* not asked while there are others     */
	unsigned dead_next;
};

/** An account that registers */
struct client {
	struct le le;
	struct account *acc;         /* shared                               */
	struct leg legv[LEGS];
	struct list passl;           /* struct pass: on their way            */
	struct tmr tmr;              /* it registers again; or, when it is
					gone, the end of this                */
	uint64_t key;                /* names it on the way through here; the
					softphone and we know it             */
	uint32_t turn;               /* what it began last: former ones are
					superseded                           */
	bool diverted;               /* legv[].route is not in the account    */
	uint64_t came;               /* jiffies: the last REGISTER; 0: none
					since it was set up                  */
	bool shut;                   /* none comes: the next goes without us  */
	bool direct;                 /* it went without us                    */
	bool gone;                   /* the account was deleted              */
};

/* register.c */

/** A flow is lost: register again, in a while */
void register_flow_lost(struct client *cl);

/** Who answered is known: the softphone is to believe that it registers over
    the family that its REGISTER really goes over, for its calls are of that
    one. It registers again if it does not */
void register_family(struct leg *leg, int af);

/** Names this softphone */
const char *register_uuid(void);

/** Our SIP stack on the loopback, borrowed */
struct sip *register_sip(void);

/* instance.c */

/** The UUID of this softphone, a fresh one if it cannot be kept.
    @param uuid UUID_SIZE octets */
void instance_read(char *uuid);

/* pass.c: one REGISTER through us */

/** @return 0: it will be answered, or is given up with the client; errno: it
    is not */
int pass_start(struct leg *leg, const struct sip_msg *msg);

#endif
