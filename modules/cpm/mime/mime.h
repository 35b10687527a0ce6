/**
 * @file mime.h  What the files of the MIME reader share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef MIME_H
#define MIME_H

/* param.c */

bool mime_is_space(char c);
void mime_trim(struct pl *pl);

/** Find a parameter. @param raw Its value as written, quotes included */
bool mime_param_find(struct pl *raw, const struct pl *val, const char *name);

/** Without quotes and escapes. @return Octets written, at most raw->l */
size_t mime_unquote(char *buf, const struct pl *raw);

#endif
