/*
 * A store that holds a copy and whose staff read it, as a broker logs it: the story of a log to audit.
 *
 * Store 12 has a grant "till" for service (lookup and sync of card, name and phone; Monday to Saturday 08:00 to 20:00
 * in Amsterdam; cashiers; lease 72 h). Two customers are in its copy, received by one entry.
 */
#ifndef TEST_CUSTODY_STORY_H
#define TEST_CUSTODY_STORY_H

#include "audit_log.h"
#include "journal_book.h"

struct custody_story {
	struct franchise *formula;
	struct party *store;
	struct slice anna, bert; /* pseudonyms */
	uint64_t copied;	 /* entry that brought both */
	struct book book;
};

void custody_begin(struct custody_story *custody);
void custody_end(struct custody_story *custody);
/* The next record as it should be: Anna's card, shown now. */
Kluis__JournalRecord custody_record(struct custody_story *custody);
/* Makes a record say that the store has seen the log as it is now. */
void custody_see(struct custody_story *custody, Kluis__JournalRecord *record);
/* Writes and uploads one record; the answer. */
struct answer custody_upload(struct custody_story *custody, const Kluis__JournalRecord *record);
/* Audits all that was logged so far. */
void custody_audit(struct custody_story *custody, struct finding_lines *ret_lines);
/* The text of an agreement like the one in force, with these lines more in its grant. */
#define CUSTODY_GRANT                                                                                                  \
	"[grant till]\npurpose = service\noperations = lookup, sync\ncustomers = all\nfields = card, name\n"           \
	"staff = cashier\nhours = mon-sat 08:00-20:00 Europe/Amsterdam\nlease = 72h\nterritory = EEA\n"

#endif
