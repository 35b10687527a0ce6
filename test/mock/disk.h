/**
 * @file disk.h  The calls with which large bodies get to the disk, made to
 *               wait
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef DISK_H
#define DISK_H

enum disk_call {
	DISK_WRITE = 1,  /* pwrite()    */
	DISK_SYNC  = 2,  /* fdatasync() */
};

/** From now on these calls wait until they are let go; 0: go on.
    @param calls Set of enum disk_call */
void disk_hold(unsigned calls);

/** Calls that wait now */
unsigned disk_waiting(void);

#endif
