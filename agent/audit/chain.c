#include "chain.h"

#include <string.h>
#include <unistd.h>

#define NOTES_MAX 4096 /* versions: more than one a day for ten years */
#define NOTE_MARK "[trust]"

static bool is_believed(const struct chain *chain, const struct trust *next)
{
	const struct trust *last = chain_trust(chain);

	if (last == NULL)
		return trust_is_signed_by(next, &chain->given);
	for (size_t i = 0; i < last->log_count; i++)
		if (trust_is_signed_by(next, &last->logs[i]))
			return next->version > last->version;
	return false;
}

static const struct trust *find_version(const struct trust *const *notes, size_t count, uint32_t version)
{
	for (size_t i = 0; i < count; i++)
		if (notes[i]->version == version)
			return notes[i];
	return NULL;
}

static void extend(struct chain *chain, const struct trust *const *notes, size_t count)
{
	uint32_t last = 0;

	for (size_t i = 0; i < count; i++)
		last = notes[i]->version > last ? notes[i]->version : last;
	for (uint32_t version = 1; version <= last; version++) {
		const struct trust *next = find_version(notes, count, version);
		if (next != NULL && is_believed(chain, next))
			chain->versions[chain->count++] = next;
	}
}

enum err chain_follow(const struct public_key *given, const struct trust *const *notes, size_t count,
		      struct arena *arena, struct chain *ret_chain)
{
	struct chain chain = {.given = *given, .versions = arena_array(arena, count + 1, sizeof(struct trust *))};

	if (chain.versions == NULL)
		return ERR_MEMORY;
	extend(&chain, notes, count);
	*ret_chain = chain;
	return ERR_OK;
}

const struct trust *chain_trust(const struct chain *chain)
{
	return chain->count == 0 ? NULL : chain->versions[chain->count - 1];
}

/* ---- from a mirror ---- */

struct reading {
	const char *folder;
	const struct public_key *controller;
	struct arena *arena;
	struct bytes bytes;
	const struct trust **notes;
	size_t count;
};

/* NULL if it is none of the controller's. */
static enum err open_note(struct slice paper, const struct public_key *controller, struct arena *arena,
			  const struct trust **ret_trust)
{
	*ret_trust = NULL;
	if (memmem(paper.data, paper.length, NOTE_MARK, strlen(NOTE_MARK)) == NULL)
		return ERR_OK;
	struct trust *trust = arena_alloc(arena, sizeof *trust);
	const uint8_t *copy = arena_copy(arena, paper);
	struct fault ignored = {""};
	if (trust == NULL || copy == NULL)
		return ERR_MEMORY;
	enum err err = trust_open(SLICE(copy, paper.length), controller, "trust", arena, trust, &ignored);
	if (err == ERR_OK)
		*ret_trust = trust;
	return err == ERR_MEMORY ? err : ERR_OK;
}

static enum err take_file(void *context, const char *name, struct fault *fault)
{
	struct reading *reading = context;
	const struct mirror mirror_of_papers = {.note = {0}};
	struct mirror mirror = mirror_of_papers;
	const struct trust *trust;

	memcpy(mirror.folder, reading->folder, strlen(reading->folder) + 1);
	enum err err = mirror_read(&mirror, name, &reading->bytes, NULL);
	if (err != ERR_OK)
		return err == ERR_MEMORY ? fault_set(fault, err, "no memory to read the papers") : ERR_OK;
	TRY(open_note(bytes_slice(&reading->bytes), reading->controller, reading->arena, &trust));
	if (trust != NULL && reading->count < NOTES_MAX)
		reading->notes[reading->count++] = trust;
	return ERR_OK;
}

enum err chain_read(const char *folder, const struct public_key *given, const struct public_key *controller,
		    struct arena *arena, struct chain *ret_chain, struct fault *fault)
{
	char papers[MIRROR_PATH_MAX];
	struct reading reading = {.folder = papers, .controller = controller, .arena = arena};

	TRY(mirror_path(folder, "papers", papers, fault));
	reading.notes = arena_array(arena, NOTES_MAX, sizeof(struct trust *));
	if (reading.notes == NULL || strlen(papers) >= MIRROR_FOLDER_MAX)
		return fault_set(fault, ERR_MEMORY, "no memory to read the papers");
	bytes_init(&reading.bytes, PAPER_MAX);
	enum err err = access(papers, F_OK) == 0 ? mirror_each_file(papers, take_file, &reading, fault) : ERR_OK;
	bytes_fini(&reading.bytes);
	TRY(err);
	return chain_follow(given, reading.notes, reading.count, arena, ret_chain);
}

/* ---- from a broker ---- */

static enum err fetch_one(chain_ask *ask, void *context, struct slice hash, const struct public_key *controller,
			  struct arena *arena, const struct trust **ret_trust, struct fault *fault)
{
	struct bytes paper CLEANUP(bytes_fini) = {0};

	bytes_init(&paper, PAPER_MAX);
	*ret_trust = NULL;
	TRY(ask(context, hash, &paper, fault));
	TRY(open_note(bytes_slice(&paper), controller, arena, ret_trust));
	if (*ret_trust == NULL)
		return fault_set(fault, ERR_PAPER, "the broker's trust note is not one that head office signed");
	return ERR_OK;
}

static bool is_new(const struct chain *chain, const struct trust *trust)
{
	const struct trust *last = chain_trust(chain);

	return last == NULL || trust->version > last->version;
}

enum err chain_fetch(struct chain *chain, chain_ask *ask, void *context, const struct public_key *controller,
		     struct arena *arena, struct fault *fault)
{
	static const uint8_t zeros[HASH_SIZE];
	const struct trust **notes = arena_array(arena, NOTES_MAX, sizeof(struct trust *)), *trust;
	const struct trust **versions = arena_array(arena, chain->count + NOTES_MAX, sizeof(struct trust *));
	struct slice hash = SLICE_ARRAY(zeros);
	size_t count = 0;

	if (notes == NULL || versions == NULL)
		return ERR_MEMORY;
	do {
		enum err err = fetch_one(ask, context, hash, controller, arena, &trust, fault);
		if (err == ERR_NOT_FOUND && count == 0) {
			*fault = (struct fault){""};
			return ERR_OK;
		}
		TRY(err);
		notes[count++] = trust;
		hash = SLICE_ARRAY(trust->before);
	} while (trust->version > 1 && is_new(chain, trust) && count < NOTES_MAX);
	if (chain->count > 0)
		memcpy(versions, chain->versions, chain->count * sizeof *versions);
	chain->versions = versions;
	extend(chain, notes, count);
	return ERR_OK;
}

/* ---- checkpoints ---- */

static enum err open_by(const struct public_key *logs, size_t count, struct slice note,
			struct checkpoint *ret_checkpoint, struct fault *fault)
{
	enum err err = ERR_SIGNATURE;
	struct fault cause = {""};

	for (size_t i = 0; i < count && err == ERR_SIGNATURE; i++) {
		cause = (struct fault){""};
		err = checkpoint_open(note, &logs[i], ret_checkpoint, &cause);
	}
	return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s", cause.text);
}

enum err chain_open(const struct chain *chain, bool is_older, struct slice note, struct checkpoint *ret_checkpoint,
		    struct fault *fault)
{
	enum err err;
	const struct trust *last = chain_trust(chain);

	if (last == NULL)
		return open_by(&chain->given, 1, note, ret_checkpoint, fault);
	err = open_by(last->logs, last->log_count, note, ret_checkpoint, is_older ? NULL : fault);
	if (!is_older || err != ERR_SIGNATURE)
		return err;
	for (size_t i = chain->count - 1; i-- > 0 && err == ERR_SIGNATURE;)
		err = open_by(chain->versions[i]->logs, chain->versions[i]->log_count, note, ret_checkpoint, NULL);
	return err == ERR_SIGNATURE ? open_by(&chain->given, 1, note, ret_checkpoint, fault) : err;
}
