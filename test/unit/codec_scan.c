/**
 * @file codec_scan.c  The search for an end-line, against one that looks at
 * every octet
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "codec_unit.h"


enum {
	ROUNDS = 25,    /* bodies a test: each is cut everywhere */
	TESTS  = 8,
	PARTS  = 40,    /* of one body */
};

#define TID "abcd"
#define LINE "\r\n-------" TID

/* What an end-line is made of, and what almost is one */
static const char *const partv[] = {
	"\r", "\n", "\r\n", "-", "--", "------", "-------", "--------",
	"a", TID, "$", "\r\n-", "\r\n------", "\r\n-------", "\r\n--------",
	"\n-------" TID "$\r\n", "\r\n-------abce$\r\n", "\r\n-------abc$\r\n",
	LINE, LINE "$", LINE "$\r", LINE "x\r\n", LINE "$\n", LINE "\r\n",
	LINE "+\r\r\n", "a text that is longer than a row of dashes ",
};

static uint64_t seed;


static size_t random_below(size_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;

	return (size_t)(seed >> 33) % n;
}


/* Is it a whole end-line, or (whole false) the beginning of one? */
static bool matches(const char *p, size_t len, const char *line, bool whole)
{
	static const char flagv[] = "$+#";
	const size_t n = strlen(line);
	char want[64];
	size_t i;

	for (i=0; i<3; i++) {
		memcpy(want, line, n);
		want[n] = flagv[i];
		memcpy(want + n + 1, "\r\n", 2);
		if (whole ? len >= n + 3 && !memcmp(p, want, n + 3)
			  : len < n + 3 && !memcmp(p, want, len))
			return true;
	}

	return false;
}


/* Octets of the body that is, or begins, at p, by looking at every octet.
   *endp: octets up to behind its end-line, or 0. */
static size_t body_len(const char *p, size_t len, size_t *endp)
{
	static const char line[] = LINE;
	size_t i;

	*endp = 0;
	if (matches(p, len, line + 2, true)) {
		*endp = strlen(LINE) + 1;
		return 0;
	}
	if (matches(p, len, line + 2, false))
		return 0;

	for (i=0; i<len; i++) {
		if (matches(p + i, len - i, LINE, true)) {
			*endp = i + strlen(LINE) + 3;
			return i;
		}
		if (matches(p + i, len - i, LINE, false))
			return i;
	}

	return len;
}


/* In two buffers, cut at this octet: the first gives all that cannot belong
   to an end-line, both together all of the body */
static void check_cut(const struct mbuf *all, size_t cut)
{
	struct msrp_body body = {.tid = TID};
	struct mbuf mb = *all;
	size_t end, want;
	struct pl data;
	uint64_t n = 0;
	int err;

	mb.end = cut;
	want = body_len((char *)all->buf, cut, &end);
	err = msrp_body_decode(&body, &mb, &data);
	ck_assert_int_eq(end ? 0 : ENODATA, err);
	ck_assert_uint_eq(want, data.l);
	ck_assert_uint_eq(end ? end : want, mb.pos);
	n = data.l;

	if (err) {
		mb.end = all->end;
		want = body_len((char *)all->buf, all->end, &end);
		err = msrp_body_decode(&body, &mb, &data);
		ck_assert_int_eq(end ? 0 : ENODATA, err);
		ck_assert_ptr_eq(all->buf + n, data.p);
		ck_assert_uint_eq(want, n + data.l);
		ck_assert_uint_eq(end ? end : want, mb.pos);
	}
	if (!err)
		ck_assert_int_eq(all->buf[end - 3], body.flag);
}


START_TEST(test_scan)
{
	struct mbuf *mb = mbuf_alloc(4096);
	unsigned round;
	size_t i, n;

	seed = (uint64_t)_i;
	for (round=0; round<ROUNDS; round++) {
		mb->pos = mb->end = 0;
		n = random_below(PARTS);
		for (i=0; i<n; i++)
			ck_assert_int_eq(0, mbuf_write_str(mb,
				partv[random_below(N(partv))]));
		if (random_below(2))
			ck_assert_int_eq(0, mbuf_write_str(mb, LINE "#\r\n"));
		mb->pos = 0;
		for (i=1; i<=mb->end; i++)
			check_cut(mb, i);
	}
	mem_deref(mb);
}
END_TEST


/* Ids of each length, behind bodies of each length: the row of dashes is
   found wherever it lies, in a buffer that ends with it */
START_TEST(test_scan_place)
{
	static const char id[] = "abcdefghijklmnopqrstuvwxyz012345";
	struct msrp_body body;
	struct mbuf *mb = mbuf_alloc(256);
	struct pl data;
	size_t n, l;

	for (l=MSRP_TID_MIN; l<=MSRP_TID_MAX; l++) {
		for (n=0; n<100; n++) {
			memset(&body, 0, sizeof(body));
			memcpy(body.tid, id, l);
			mb->pos = mb->end = 0;
			if (n)
				ck_assert_int_eq(0, mbuf_fill(mb, 'x', n));
			ck_assert_int_eq(0, mbuf_printf(mb, "\r\n-------%s+"
							"\r\n", body.tid));
			mbuf_trim(mb);
			mb->pos = 0;
			ck_assert_int_eq(0, msrp_body_decode(&body, mb,
							     &data));
			ck_assert_uint_eq(n, data.l);
			ck_assert_uint_eq(mb->end, mb->pos);
			ck_assert_int_eq(MSRP_CONTINUE, body.flag);
		}
	}
	mem_deref(mb);
}
END_TEST


/* Control characters are seen wherever they stand in a value, tabs and octets
   above ASCII are none */
START_TEST(test_head_octets)
{
	unsigned c;
	size_t i, l;

	for (c=0; c<256; c++) {
		const bool bad = (c < 0x20 && c != '\t') || c == 0x7f;

		if (c == '\n' || c == '\r')
			continue;
		for (l=1; l<=20; l++) {
			for (i=0; i<l; i++) {
				struct mbuf *mb = codec_buf(
					"MSRP abcd SEND\r\n" PATHS
					"X-Y:aaaaaaaaaaaaaaaaaaaa");
				struct msrp_head head;

				mb->buf[mb->end - 20 + i] = (uint8_t)c;
				mb->pos = mb->end - 20 + l;
				mb->end = mb->pos;
				ck_assert_int_eq(0, mbuf_write_str(mb,
					"\r\n-------abcd$\r\n"));
				mb->pos = 0;
				ck_assert_int_eq(bad ? EBADMSG : 0,
						 msrp_head_decode(&head, mb));
				mem_deref(mb);
			}
		}
	}
}
END_TEST


/* Names are read without case, and only whole */
/* RFC 4975, 9: what a transaction id is made of, at its first place and at
   each later one */
START_TEST(test_head_ident)
{
	unsigned c;
	size_t i;

	for (c=0; c<256; c++) {
		const bool alnum = (c >= '0' && c <= '9') ||
			(c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		const bool other = c && strchr(".-+%=", (int)c) != NULL;

		if (c == '\n' || c == '\r' || c == ' ')
			continue;
		for (i=0; i<5; i++) {
			char text[] = "MSRP abcde 200 OK\r\n" PATHS
				"-------abcde$\r\n";
			struct msrp_head head;
			struct mbuf *mb;

			text[5 + i] = (char)c;
			text[sizeof(text) - 9 + i] = (char)c;
			mb = mbuf_alloc(sizeof(text));
			ck_assert_ptr_nonnull(mb);
			ck_assert_int_eq(0, mbuf_write_mem(mb,
				(uint8_t *)text, sizeof(text) - 1));
			mb->pos = 0;
			ck_assert_int_eq(alnum || (other && i) ? 0 : EBADMSG,
					 msrp_head_decode(&head, mb));
			mem_deref(mb);
		}
	}
}
END_TEST


START_TEST(test_head_names)
{
	static const struct {
		const char *line;
		bool known;
		int err;
	} namev[] = {
		{"Message-ID: m1", true, 0},
		{"message-id: m1", true, 0},
		{"MESSAGE-ID: m1", true, 0},
		{"mESSAGE-iD:m1", true, 0},
		{"Message-IE: m1", false, 0},
		{"Nessage-ID: m1", false, 0},
		{"Message-I: m1", false, 0},
		{"Message-IDs: m1", false, 0},
		{"Message ID: m1", false, EBADMSG},
		{"Message-ID : m1", false, EBADMSG},
		{"X\tY: m1", false, EBADMSG},
		{": m1", false, EBADMSG},
		{"Message-ID", false, EBADMSG},
	};
	int i;

	for (i=0; i<N(namev); i++) {
		struct mbuf *mb = codec_buf("MSRP abcd SEND\r\n" PATHS);
		struct msrp_head head;

		mb->pos = mb->end;
		ck_assert_int_eq(0, mbuf_write_str(mb, namev[i].line));
		ck_assert_int_eq(0, mbuf_write_str(mb, "\r\n-------abcd$"
						   "\r\n"));
		mb->pos = 0;
		ck_assert_int_eq(namev[i].err, msrp_head_decode(&head, mb));
		if (!namev[i].err)
			ck_assert_int_eq(namev[i].known,
					 pl_isset(&head.msgid));
		mem_deref(mb);
	}
}
END_TEST


void codec_scan_tests(TCase *tc)
{
	tcase_add_loop_test(tc, test_scan, 0, TESTS);
	tcase_add_test(tc, test_scan_place);
	tcase_add_test(tc, test_head_octets);
	tcase_add_test(tc, test_head_ident);
	tcase_add_test(tc, test_head_names);
}
