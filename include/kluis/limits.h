/*
 * Every bound of the project, with its unit and reason, related by static
 * assertions. Aimed at 100,000 stores, 500 million customers and 10 billion
 * entries; what fits a 2-core machine is what the tests run.
 */
#ifndef KLUIS_LIMITS_H
#define KLUIS_LIMITS_H

#include <assert.h>

/* sizes of things that never change, bytes */
#define KEY_SIZE 32			      /* Ed25519 public key, seed; XChaCha20 key; BLAKE2b key */
#define SIGNATURE_SIZE 64		      /* Ed25519 */
#define COSIGNATURE_SIZE (8 + SIGNATURE_SIZE) /* C2SP tlog-cosignature: seconds, Ed25519 */
#define HASH_SIZE 32			      /* SHA-256, BLAKE2b-256 */
#define PSEUDONYM_SIZE 16		      /* 128 random bits: no two of 500 million customers meet */
#define SALT_SIZE 32			      /* a commitment's key: as strong as the hash */

/* names, bytes */
#define ORIGIN_MAX 95	  /* C2SP origin; with "/auditor/<name>" behind it a name fits one ini line */
#define NAME_MAX_ 64	  /* field, purpose, role, grant, mask, auditor names: [a-z0-9-_] */
#define PRINCIPAL_MAX 255 /* C2SP cosigner names fit a u8 length */

/* the wire, bytes or counts */
#define MESSAGE_MAX (1024 * 1024)   /* one nng message either way: nng's receive maximum */
#define REQUEST_MAX 49152	    /* the signed request, embedded whole in its entry */
#define ENTRY_MAX 65535		    /* tlog-tiles: a u16 length before each entry */
#define OPERATIONS_MAX 256	    /* operations in one envelope */
#define DISCLOSURES_MAX 512	    /* customers in one sync page; their disclosures fit one entry */
#define DISCLOSURE_ENCODED_MAX 80   /* an encoded Disclosure, see FORMAT.md R43 */
#define CLAUSE_MAX 160		    /* "grant <name>: <reason>" in an entry */
#define LANE_MAX 63		    /* lanes 0..63 of a principal */
#define LOG_PAGE_BYTES (768 * 1024) /* entries in one answer to a mirror */
#define DATA_ITEMS_MAX 4096	    /* items of one reply's data */
#define JOURNAL_RECORDS_MAX 128	    /* records of a store's journal in one upload */
#define JOURNAL_COMMITMENTS_MAX 16  /* of a store to records that it has not uploaded: a lease an hour */
#define JOURNAL_RECORD_MAX 340	    /* one, encoded: six hashes and pseudonyms, numbers, a name */
#define INCIDENT_KIND_MAX 6	    /* FORMAT.md section 9, Incident */
#define ERASURE_GROUND_MAX 6	    /* GDPR art. 17(1)(a) to (f) */
#define SUPERSEDED_MAX 8	    /* values of one record that lost against a later change */
#define HANDLE_SIZE 16		    /* of a lookup value in a store's copy: no two of 500 million meet */

/* the charter and agreements, counts */
#define FIELDS_MAX 64 /* dictionary fields: a mask is one u64 */
#define PURPOSES_MAX 32
#define ROLES_MAX 32 /* roles of staff: a mask is one u32 */
#define MASKS_MAX 32
#define ZONES_MAX 64
#define CATEGORIES_MAX 64
#define GRANTS_MAX 32 /* of one agreement: a mask is one u32 */
#define TERRITORIES_MAX 64
#define PAPER_MAX (256 * 1024) /* bytes of a note: charter, agreement */
#define INI_LINE_MAX 180       /* bytes; inih 55 cuts lines at 200 and reads on as if nothing was */
#define INI_VALUE_MAX 16384    /* bytes of a value after its continued lines are joined */
#define INI_SECTIONS_MAX 512   /* sections of a text: fields, masks, purposes and room; bounds the search for doubles */
#define INI_KEYS_MAX 512       /* keys of a section, likewise */
#define NOTE_SIGNATURES_MAX 64 /* C2SP asks for at least 16 */
#define STORES_MAX 100000      /* store numbers are 0..99999 */

/* values */
#define VALUE_MAX 1024		    /* bytes of one field's value */
#define LINES_MAX 1000		    /* lines of one receipt */
#define AMOUNT_MAX 1000000000000000 /* units, amount, cost of a line, in 1/10000: 100 billion of the currency */
#define RECORD_MAX (64 * 1024)	    /* encoded record or receipt */
#define MATCHES_MAX 64 /* customers that share a lookup value (a family's phone) before it is just "many" */

/* memory, bytes */
#define REQUEST_ARENA_MAX (8 * 1024 * 1024) /* all that one request may unpack and build */
#define CSV_LINE_MAX (64 * 1024)

/* time */
#define CHECKPOINT_INTERVAL_MS 100
#define CLOCK_TOLERANCE_MS 5000 /* a clock this far behind the log is still trusted (NTP steps) */
#define INVITATION_DAYS_MAX 90	/* a code that lies about for longer is forgotten, not wanted */
#define INVITATION_S_MAX (INVITATION_DAYS_MAX * 86400ull)
#define WATCH_WAIT_MS_MAX 60000	   /* a store's long poll: shorter than what middleboxes forget a connection after */
#define JOURNAL_TOLERANCE_MS 60000 /* between a store's estimate of the broker's clock and the clock */
#define STORE_OFFICE 100000	   /* stands for head office where a store is named (R131) */

/* witnesses */
#define WITNESS_INTERVAL_MS 60000 /* a round of cosigning: a forked log is seen a minute later */
#define WITNESS_INTERVAL_S_MAX 3600
#define OUTSIDE_WITNESSES_MAX 16 /* that are no stores: each has a thread of the broker's */

/* the server's defence, counts */
#define BAD_MESSAGES_PER_PIPE 8 /* then the connection is closed */
#define UNKNOWN_VERIFICATIONS_PER_SECOND                                                                               \
	500			      /* signature checks for connections that never proved themselves: 5 % of a core */
#define FREE_VERIFICATIONS_PER_PIPE 2 /* a TLS handshake cost the server ten times as much */
#define CONNECTIONS_MAX 4096	      /* some 64 KiB of TLS buffers each: 256 MiB */
#define UNKNOWN_CONNECTIONS_MAX 1024  /* that never proved themselves; then the oldest one goes */
#define UNKNOWN_REQUESTS_PER_PIPE 4   /* unanswered at a time; a REQ socket has one */
#define REQUESTS_PER_PIPE 64	      /* the same for a connection that has proved itself */
#define REQUESTS_IN_SERVER 512	      /* at a time: one REP context each; what can share one commit */
#define PARKED_MAX 4096		      /* stores that wait for news at a time: one a connection, some 2 KiB each */
#define PARKED_PER_PIPE 2      /* of one connection: the one that waits, and one that came while it was given up */
#define REPLY_TIMEOUT_MS 10000 /* for a peer that does not read its answers: a page takes seconds on a slow line */
#define UNKNOWN_REPLY_TIMEOUT_MS 250 /* the same before it has proved itself */

static_assert(REQUEST_MAX + 16000 <= ENTRY_MAX, "an entry holds a whole request and its results");
static_assert(DISCLOSURES_MAX * DISCLOSURE_ENCODED_MAX + 8192 <= ENTRY_MAX, "an entry holds a whole sync page");
static_assert(LOG_PAGE_BYTES + 2 * ENTRY_MAX < MESSAGE_MAX, "a page of the log fits a message");
static_assert(PAPER_MAX < MESSAGE_MAX / 2, "a paper fits a message");
static_assert(sizeof("principal = ") - 1 + ORIGIN_MAX + sizeof("/auditor/") - 1 + NAME_MAX_ <= INI_LINE_MAX,
	      "an invitation holds every principal's name on one line");
static_assert(sizeof("controller = ") - 1 + ORIGIN_MAX + sizeof("/controller") - 1 + 54 <= INI_LINE_MAX,
	      "and every vkey: '+', 8 digits, '+', base64 of 33 bytes");
static_assert(ORIGIN_MAX + sizeof("/auditor/") - 1 + NAME_MAX_ <= PRINCIPAL_MAX, "every name of ours is a key name");
static_assert(UNKNOWN_CONNECTIONS_MAX < CONNECTIONS_MAX, "strangers leave room for stores");
static_assert(PARKED_MAX >= CONNECTIONS_MAX && PARKED_PER_PIPE < REQUESTS_PER_PIPE, "each store may wait for news");
static_assert(REQUESTS_PER_PIPE * 4 <= REQUESTS_IN_SERVER, "no connection takes the server for itself");
static_assert(JOURNAL_RECORDS_MAX * (JOURNAL_RECORD_MAX + 4) + 1024 <= REQUEST_MAX, "an upload fits a request");
static_assert(STORE_OFFICE >= STORES_MAX, "no store's number");
static_assert(INI_LINE_MAX < 199, "inih's line limit is never reached");

#endif
