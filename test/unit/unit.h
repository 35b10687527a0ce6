/**
 * @file unit.h  What the unit tests share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <cpm_re.h>

/* one suite a noun; main.c runs them all */
Suite *codec_suite(void);      /* msrp: head, body, uri              */
Suite *chunk_suite(void);      /* msrp: reassembly                   */
Suite *sess_suite(void);       /* msrp: sessions over loopback       */
Suite *relay_suite(void);      /* msrp: relays, AUTH                 */
Suite *send_suite(void);      /* msrp: sending                      */
Suite *sdp_suite(void);
Suite *cpim_suite(void);
Suite *xml_suite(void);
Suite *mime_suite(void);
Suite *fthttp_suite(void);
Suite *filename_suite(void); /* engine: names of files, types */
Suite *imdn_suite(void);
Suite *iscomp_suite(void);
Suite *announce_suite(void);   /* what is to be fetched             */
Suite *store_suite(void);
Suite *tag_suite(void);
Suite *content_suite(void);     /* engine: what a MESSAGE carries   */
TCase *contact_case(void);     /* of tag: the Contact of REGISTER    */
Suite *policy_suite(void);
Suite *retry_suite(void);
Suite *invited_suite(void);    /* engine: our INVITE is refused      */
Suite *leg_suite(void);
Suite *composing_suite(void);  /* engine: states of isComposing    */
Suite *chat_suite(void);       /* engine: two that talk over MSRP   */
Suite *compose_suite(void);    /* engine: the CPIM of ours           */
Suite *sendq_suite(void);      /* engine: what is to be sent         */
Suite *outbox_suite(void);     /* engine: with a server on loopback  */
Suite *text_suite(void);
Suite *command_suite(void);    /* glue: what commands are given      */
Suite *trust_suite(void);      /* engine: from where requests come  */
Suite *oom_suite(void);        /* memory runs out                   */

/**
 * Read a file of test/data
 *
 * @param name e.g. "vectors/10-cpim-text-rcsjta.txt"
 *
 * @return New buffer with pos 0, mem_deref() it; the test fails if absent
 */
struct mbuf *unit_file(const char *name);

/**
 * Make a temporary folder, mode 0700; unit_rmdir() it
 *
 * @param path At least 256 octets, filled with its path
 */
void unit_mkdir(char *path, size_t size);

/** Remove a folder of unit_mkdir() with all that is in it */
void unit_rmdir(const char *path);

#endif
