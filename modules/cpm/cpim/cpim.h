/**
 * @file cpim.h  CPIM: what its files share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPIM_PRIV_H
#define CPIM_PRIV_H

/* addr */
bool cpim_is_space(char c);
bool cpim_is_ctl(char c);
void cpim_trim(struct pl *pl);

#endif
