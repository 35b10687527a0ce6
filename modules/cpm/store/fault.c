/**
 * @file fault.c  What is wrong, in one word and one line
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include "store.h"


enum {
	FAULT_PAUSE = 60000,  /* ms between two of the same word: they are
				 for a person                              */
};

/* The word, and what it means to a person; the reason follows */
static const struct {
	const char *word;
	const char *text;
} wordv[FAULT_WORDS] = {
	{"disk-full",        "no room to keep messages"},
	{"store-locked",     "another program holds the message store"},
	{"store-readonly",   "the message store cannot be written to"},
	{"store-unwritable", "messages cannot be kept"},
	{"store-unreadable", "messages cannot be read"},
	{"file-missing",     "the file of a message is missing"},
	{"quota",            "no more messages are kept"},
	{"store-corrupt",    "the message store is damaged"},
	{"store-newer",      "the message store is of a newer version"},
	{"store-foreign",    "it is not a message store"},
};


static size_t word_index(const char *word)
{
	size_t i;

	for (i=0; i<FAULT_WORDS - 1; i++) {
		if (!str_cmp(wordv[i].word, word))
			break;
	}

	return i;
}


void fault_say(struct cpm_store *st, const char *word, const char *text,
	       bool news)
{
	uint64_t *last = &st->faultv[word_index(word)];
	const uint64_t now = tmr_jiffies();

	if (!st->faulth || (!news && *last && now < *last + FAULT_PAUSE))
		return;

	*last = now ? now : 1;
	st->faulth(word, text, st->arg);
}


void fault_forget(struct cpm_store *st)
{
	memset(st->faultv, 0, sizeof(st->faultv));
}


const char *fault_write_word(int err)
{
	switch (err) {

	case ENOSPC: return "disk-full";
	case EDQUOT: return "quota";
	case EBUSY:  return "store-locked";
	case EACCES:
	case EROFS:  return "store-readonly";
	default:     return "store-unwritable";
	}
}


void store_fault(struct cpm_store *st, bool reading, int err,
		 const char *text)
{
	const char *word = fault_write_word(err);
	char line[2 * STORE_WHY_MAX];

	if (reading && err != EBUSY)
		word = "store-unreadable";

	snprintf(line, sizeof(line), "%s: %s",
		 wordv[word_index(word)].text, text);
	fault_say(st, word, line, false);
}


/* Who may not even look */
static bool unreadable(const char *path)
{
	return path && access(path, R_OK) < 0 && errno != ENOENT;
}


enum cpm_store_state fault_state(const struct cpm_store *st, int err)
{
	if (st->damaged)
		return CPM_STORE_CORRUPT;

	switch (err) {

	case EBUSY:       return CPM_STORE_LOCKED;
	case EROFS:       return CPM_STORE_READONLY;
	case EACCES:      return unreadable(st->folder) ||
				unreadable(st->path) ? CPM_STORE_UNREADABLE
				: CPM_STORE_READONLY;
	case ENOSPC:      return CPM_STORE_FULL;
	case ENOTSUP:     return CPM_STORE_NEWER;
	case EMEDIUMTYPE: return CPM_STORE_FOREIGN;
	default:          return CPM_STORE_UNREADABLE;
	}
}


const char *fault_word(enum cpm_store_state state)
{
	switch (state) {

	case CPM_STORE_LOCKED:   return "store-locked";
	case CPM_STORE_READONLY: return "store-readonly";
	case CPM_STORE_FULL:     return "disk-full";
	case CPM_STORE_NEWER:    return "store-newer";
	case CPM_STORE_FOREIGN:  return "store-foreign";
	case CPM_STORE_CORRUPT:  return "store-corrupt";
	default:                 return "store-unreadable";
	}
}


/* Said from the main loop: a file may be gone because its row was deleted
   since, which only a look without a statement at work can tell */
void store_missing(struct cpm_store *st, uint64_t id)
{
	if (st->missing)
		return;

	st->missing = id;
	writer_tell(&st->writer);
}


static bool missing_handler(const struct cpm_msg *msg, void *arg)
{
	struct cpm_store *st = arg;
	char line[2 * STORE_WHY_MAX];

	if (!msg->missing)
		return true;

	snprintf(line, sizeof(line), "the file of message %llu is missing "
		 "or cut short: "
		 "%s", (unsigned long long)msg->id, msg->file);
	fault_say(st, "file-missing", line, false);

	return true;
}


void fault_missing(struct cpm_store *st)
{
	const uint64_t id = st->missing;

	/* st->missing is still set: this look does not ask for another */
	(void)cpm_store_msg(st, id, missing_handler, st);
	st->missing = 0;
}
