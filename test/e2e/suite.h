/**
 * @file suite.h  The end-to-end suites, one a file test_*.c
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SUITE_H
#define SUITE_H

#include <check.h>
#include "e2e.h"

/**
 * Make a test case whose time is that of env_limit(), and a little more
 *
 * @param seconds As the tests in it give to env_limit(); 60 by default there
 */
TCase *suite_case(Suite *suite, const char *name, unsigned seconds);

/* Check ends a failed test with _exit(): nothing of ours would run, no log be
   shown, no process ended. So assertions fail the way the harness does */
#define _ck_assert_failed suite_failed
_Noreturn void suite_failed(const char *file, int line, const char *expr,
			   const char *msg, ...) E2E_FMT(4, 5);

Suite *pf_suite(void);        /* the Participating Function itself    */
void pf_net_cases(Suite *suite);  /* of pf: the network between two   */
Suite *host_suite(void);      /* what is not ours goes on untouched  */
Suite *bus_suite(void);       /* what programs and people see        */
void refuse_cases(Suite *suite);  /* of bus: what is wrong, and says so */
void command_cases(Suite *suite); /* bus: commands that send */
void body_cases(Suite *suite);    /* of bus: texts and files         */
void event_cases(Suite *suite);   /* of bus: events, sessions        */
void room_cases(Suite *suite);    /* of bus: quota, reserve          */
void export_cases(Suite *suite);  /* of bus: taken along, gone */
Suite *session_suite(void);   /* from INVITE to BYE                  */
Suite *invite_suite(void);    /* INVITEs of ours                      */
void glare_cases(Suite *suite);   /* of invite: from both sides      */
void answer_cases(Suite *suite);  /* of session: 480, 487, 488, ...   */
void token_cases(Suite *suite);   /* of session: who is it for us     */
void bind_cases(Suite *suite);    /* of session: the MSRP connection  */
void conv_cases(Suite *suite);    /* of session: conversations        */
void break_cases(Suite *suite);   /* of session: what breaks          */
void core_cases(Suite *suite);    /* of session: through Kamailio     */
void timer_cases(Suite *suite);   /* of session: the slow ones        */
Suite *msrp_suite(void);      /* messages over the real thing        */
void held_cases(Suite *suite);    /* of msrp: while the disk waits    */
Suite *tls_suite(void);       /* MSRP over TLS                       */
void large_cases(Suite *suite);   /* of msrp: more than memory holds  */
Suite *inline_suite(void);    /* a message inside of the INVITE */
Suite *file_suite(void);      /* what is no text                     */
Suite *relay_suite(void);     /* through an MSRP relay               */
Suite *chat_suite(void);      /* sending over MSRP                   */
Suite *composing_suite(void); /* who is writing                      */
Suite *model_suite(void);     /* the connection model, limits        */
Suite *page_suite(void);      /* messages in SIP MESSAGEs            */
Suite *pull_suite(void);      /* announced, then fetched             */
void pull_pf_cases(Suite *suite); /* of pull: from the PF            */
void page_many_cases(Suite *suite); /* of page: bursts, loss, no store */
void page_pf_cases(Suite *suite); /* of page: from the PF             */
void page_ways_cases(Suite *suite); /* of page: one message, all ways  */
Suite *edge_suite(void);      /* each way behind an edge proxy       */
Suite *send_suite(void);      /* messages of ours, in page mode       */
Suite *duo_suite(void);       /* two softphones                       */
Suite *report_suite(void);    /* notifications                       */
Suite *status_suite(void);    /* those for messages of ours          */
void group_cases(Suite *suite);   /* of status: groups, kept ones     */
void retry_cases(Suite *suite);   /* of report: refused, away         */
Suite *register_suite(void);  /* tags on the registration            */
Suite *available_suite(void); /* who is there gets what is kept       */
Suite *config_suite(void);    /* keys of the configuration           */
void fault_cases(Suite *suite);   /* of config: a store that fails */
void load_cases(Suite *suite);    /* of config: files, loading     */
Suite *backlog_suite(void);   /* much of it at once                  */
Suite *power_suite(void);     /* the power-cut layer itself          */
void power_queue_add(Suite *suite);  /* of power: what is to be sent  */
Suite *soak_suite(void);      /* kill -9 during deliveries           */
Suite *restart_suite(void);   /* each way cut off by a restart       */
Suite *kill_suite(void);      /* the sender killed while it sends    */
Suite *call_suite(void);      /* what a call notices of it           */
Suite *oom_suite(void);       /* memory runs out                      */
Suite *server_suite(void);    /* the PF: fetched from, notifications */
Suite *trust_suite(void);     /* from where requests may come       */
Suite *linphone_suite(void);  /* linphone-cli                        */
Suite *silo_suite(void);      /* Kamailio's own store                */
Suite *alone_suite(void);     /* the library without a softphone      */

#endif
