/**
 * @file imdn.h  IMDN: what its files share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef IMDN_PRIV_H
#define IMDN_PRIV_H

/* names in the document (encode) */
enum imdn_kind imdn_kind_find(const char *name);
enum imdn_status imdn_status_find(const char *name);
bool imdn_is_legal(enum imdn_kind kind, enum imdn_status status);

#endif
