/**
 * @file pump.c  Whose turn it is on a connection, and how much of it
 *
 * Sessions take turns, and within a session its messages, a chunk each. What
 * has been handed on cannot be overtaken, so little is: nothing while libre
 * still has octets queued, and in the kernel no more unsent ones than a chunk
 * (TCP_NOTSENT_LOWAT). A chunk is as large as what the link takes in some
 * 20 ms; so a short message leaves soon on a slow link, and a fast one is not
 * kept busy with heads.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


enum {
	CHUNK_FIRST  = 16384,  /* about TCP's first window                  */
	CHUNK_SHARED = 8192,   /* while another message waits, and through a
				  relay: there are some that lose longer
				  ones                                      */
	CHUNK_MAX    = 65536,  /* more gains nothing                        */
	TURN_MAX     = 262144, /* octets in one turn of the main loop       */
	FAST         = 5,      /* ms in which a chunk may leave to be doubled,*/
	SLOW         = 20,     /* and after which it is halved              */
};


static void send_handler(void *arg)
{
	msrp_pump(arg);
}


static void chunk_set(struct msrp_conn *conn, size_t size)
{
	if (size == conn->chunk)
		return;

	conn->chunk = size;
	msrp_transport_lowat(conn, size);
}


/**
 * How large chunks shall be
 *
 * @param size What they are now
 * @param ms   How long it took until TCP had taken the last one
 */
size_t msrp_pump_size(size_t size, uint64_t ms)
{
	if (ms <= FAST)
		return min(size * 2, (size_t)CHUNK_MAX);
	if (ms >= SLOW)
		return max(size / 2, (size_t)CHUNK_MIN);

	return size;
}


static void chunk_adapt(struct msrp_conn *conn, uint64_t ms)
{
	chunk_set(conn, msrp_pump_size(conn->chunk, ms));
}


static void poll_set(struct msrp_conn *conn, bool on)
{
	if (conn->polling == on)
		return;

	conn->polling = on;
	if (!on)
		conn->full = 0;
	msrp_transport_poll(conn, on ? send_handler : NULL);
}


/* One chunk of the message whose turn it is; those that have left as a whole
   and wait for nothing go to endl. @return Whether there was one */
static bool chunk_next(struct msrp_conn *conn, struct mbuf *mb,
		       struct list *endl)
{
	struct msrp_sess *sess = list_ledata(conn->pumpl.head);
	struct msrp_tx *tx = list_ledata(sess->outl.head);
	const size_t end = mb->end;
	size_t max = conn->chunk;

	/* out of the lists first: readh may do anything to them */
	list_unlink(&sess->ple);
	if (!tx)
		return true;

	list_unlink(&tx->ole);
	if (conn->pumpl.head || sess->outl.head ||
	    sess->route || strchr(sess->peer, ' '))
		max = min(max, (size_t)CHUNK_SHARED);
	msrp_pump_add(sess);

	msrp_out_chunk(tx, mb, max, endl);

	return mb->end > end;
}


/* @return Octets that were handed to TCP */
static size_t batch(struct msrp_conn *conn)
{
	struct list endl = LIST_INIT;
	struct mbuf *mb = mbuf_alloc(max(conn->batch, (size_t)1024));
	struct msrp_tx *tx;
	size_t n;
	int err = 0;

	if (!mb) {
		msrp_conn_fail(conn, ENOMEM);
		return 0;
	}

	/* one that says "nothing now" and wakes itself has the next turn */
	while (conn->tc && !conn->err && conn->pumpl.head &&
	       mb->end < conn->chunk && chunk_next(conn, mb, &endl))
		;

	n = conn->batch = mb->end;
	if (n && conn->tc && !conn->err)
		err = msrp_transport_send(conn, mb);
	mem_deref(mb);
	if (err)
		msrp_conn_fail(conn, err);

	while ((tx = list_ledata(endl.head)))
		msrp_out_end(tx, 0, 200);

	return n;
}


/* @return Whether there may be more */
static bool batches(struct msrp_conn *conn)
{
	size_t sum = 0;

	while (conn->pumpl.head && sum < TURN_MAX) {
		const size_t chunk = conn->chunk, n = batch(conn);

		if (!conn->tc || conn->err)
			return false;

		if (msrp_transport_queued(conn)) {
			conn->full = tmr_jiffies();
			break;
		}
		if (!n)
			break;
		if (n >= chunk)
			chunk_adapt(conn, 0);
		sum += n;
	}

	return conn->pumpl.head != NULL;
}


/**
 * Send what is there, as much as TCP takes
 */
void msrp_pump(struct msrp_conn *conn)
{
	bool more;

	/* while we do not read no answers come either */
	if (!conn->pumpl.head || conn->paused) {
		poll_set(conn, false);
		return;
	}
	if (msrp_transport_queued(conn)) {
		poll_set(conn, true);
		return;
	}

	if (!conn->chunk)
		chunk_set(conn, CHUNK_FIRST);
	if (conn->full)
		chunk_adapt(conn, tmr_jiffies() - conn->full);
	conn->full = 0;

	mem_ref(conn);
	more = batches(conn);
	if (conn->tc)
		poll_set(conn, more);
	mem_deref(conn);
}


/**
 * Do not wait for TCP: nothing is to be sent for now
 */
void msrp_pump_stop(struct msrp_conn *conn)
{
	poll_set(conn, false);
}


/**
 * A session has something to send: it takes turns from now on
 */
void msrp_pump_add(struct msrp_sess *sess)
{
	if (sess->ple.list || !sess->outl.head || sess->state != SESS_ESTAB ||
	    !sess->conn)
		return;

	list_append(&sess->conn->pumpl, &sess->ple, sess);
}
