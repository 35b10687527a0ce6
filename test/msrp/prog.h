/**
 * @file prog.h  msrp: a program that sends and receives over MSRP with the
 * library alone
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PROG_H
#define PROG_H

#include <errno.h>
#include <stdio.h>
#include <cpm_msrp.h>

enum {
	TEXT_MAX = 4096,     /* octets of a text that is shown              */
	ID_MAX   = 100,      /* octets of a Message-ID that becomes a name:
				its hex has to fit one. RFC 4975: 32        */
};

/* What the command line says */
struct opts {
	struct sa laddr;
	const char *out;     /* folder, or NULL                             */
	const char *path;    /* send: the other side, or a file with SDP     */
	const char *file;    /* send: "-" is standard input                 */
	const char *type;
	const char *msgid;
	uint64_t from;       /* send: octets that are there already         */
	uint64_t size;       /* send: of what comes from standard input     */
	const char *cert;    /* PEM, or NULL: a fresh one                   */
	const char *ca;      /* PEM, or NULL                                */
	const char *peer;    /* fingerprint of the other side's certificate */
	unsigned sessions;   /* recv: how many wait at a time               */
	bool once;
	bool tls;            /* recv                                        */
	bool sdp;
	bool quiet;
};


/* file.c: a message on its way into a folder */

struct infile;

int  infile_open(struct infile **fp, int dirfd, const char *msgid,
		 uint64_t *have);
int  infile_write(struct infile *f, uint64_t off, const uint8_t *buf,
		  size_t len);
void infile_begun(struct infile *f, uint64_t begun);
int  infile_done(struct infile *f, const char *ctype, char *name,
		 size_t size);
void infile_drop(struct infile *f);


/* text.c: what the network says, made fit for a terminal */

void text_print(const char *what, const uint8_t *buf, size_t len);
bool text_is_id(const char *str);


/* sdp.c */

int sdp_offer_print(const struct msrp *msrp, const struct opts *o,
		    const struct msrp_sess *sess);
int sdp_offer_read(struct msrp_sdp **sdpp, const char *file,
		   const struct sa *laddr);
int sdp_answer_print(struct msrp_sdp *sdp, const struct msrp *msrp,
		     const struct msrp_sess *sess);


/* source.c: what is sent */

struct source;

int  source_open(struct source **sp, const char *file, uint64_t size,
		 uint64_t from);
int  source_read(struct source *s, uint64_t off, uint8_t *buf, size_t *len);
struct mbuf *source_mbuf(const struct source *s);
void source_start(struct source *s, struct msrp_tx *tx);
uint64_t source_size(const struct source *s);


/* main.c */

void signal_handler(int sig);


/* recv.c, send.c: run until the main loop is cancelled. @return exit status */

int recv_run(struct msrp *msrp, const struct opts *o);
int send_run(struct msrp *msrp, const struct opts *o);

#endif
