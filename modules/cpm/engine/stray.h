/**
 * @file stray.h  Answers to our INVITEs that nobody waits for
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef STRAY_H
#define STRAY_H

/** An INVITE of ours leaves. Without memory it is not known later: that is no
    error */
void stray_add(struct cpm *cpm, struct sip_dialog *dlg);

/** libre has done with it: it had a final answer, or none in time */
void stray_over(struct cpm *cpm, const struct sip_dialog *dlg);

/** A 2xx to some INVITE, before libre sees it: if it is one that libre leaves
    without an ACK, acknowledge it and end its dialog with BYE */
void stray_answer(struct cpm *cpm, const struct sip_msg *msg);

/** SIP is not to be used any more */
void stray_flush(struct cpm *cpm);

#endif
