/**
 * @file bench/record.c  Each measurement: a line of CSV, kept for the tables
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"


enum { REPS = 100 };

struct entry {
	struct key key;       /* its strings are constants */
	unsigned rep;
	const char *unit;
	double value;
};

static struct entry *entryv;
static size_t entryc;
static FILE *csv;


void record_open(const char *path)
{
	csv = fopen(path, "w");
	if (!csv)
		die("%s: %s", path, strerror(errno));
	fprintf(csv, "what,variant,window,placement,repetition,value,unit\n");
}


void record_close(void)
{
	if (csv && fclose(csv))
		die("the CSV file: %s", strerror(errno));
	free(entryv);
}


void record(const struct key *key, unsigned rep, const char *unit,
	    double value)
{
	static const char *const placev[] = {"fixed", "free", "", "-"};
	struct entry *v = realloc(entryv, (entryc + 1) * sizeof(*v));

	if (!v)
		die("no memory");
	entryv = v;
	entryv[entryc++] = (struct entry){*key, rep, unit, value};
	fprintf(csv, "%s,%s,%u,%s,%u,%.3f,%s\n", key->what, key->variant,
		key->window, placev[key->place], rep, value, unit);
	fflush(csv);
}


static size_t find(double v[REPS], const struct key *key, const char *unit)
{
	size_t i, n = 0;

	for (i=0; i<entryc && n < REPS; i++) {
		const struct entry *e = &entryv[i];

		if (strcmp(e->key.what, key->what) ||
		    strcmp(e->key.variant, key->variant) ||
		    strcmp(e->unit, unit) || e->key.window != key->window ||
		    e->key.place != key->place)
			continue;
		v[n++] = e->value;
	}
	qsort(v, n, sizeof(v[0]), by_value);

	return n;
}


double record_median(const struct key *key, const char *unit)
{
	double v[REPS];
	const size_t n = find(v, key, unit);

	if (!n)
		return NAN;

	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}


double record_max(const struct key *key, const char *unit)
{
	double v[REPS];
	const size_t n = find(v, key, unit);

	return n ? v[n - 1] : NAN;
}
