#include <string.h>

#include "keeper_internal.h"
#include "papers_hint.h"

static bool is_same(const struct hash *a, bool has_a, const struct hash *b, bool has_b)
{
	return has_a == has_b && (!has_a || slice_equal(SLICE_ARRAY(a->bytes), SLICE_ARRAY(b->bytes)));
}

static enum err get_paper(struct keeper *keeper, struct slice hash, struct slice *ret_note, struct fault *fault)
{
	Kluis__Operation operation = KLUIS__OPERATION__INIT;
	Kluis__GetPaper get = KLUIS__GET_PAPER__INIT;
	struct session_answer answer;

	get.hash = wire_data(hash);
	operation.kind_case = KLUIS__OPERATION__KIND_GET_PAPER;
	operation.get_paper = &get;
	TRY(keeper_call(keeper, &operation, false, &answer, fault));
	TRY(keeper_verdict(&answer, fault));
	if (answer.reply->n_data != 1 || answer.reply->data[0]->n_items != 1)
		return fault_set(fault, ERR_MISMATCH, "the broker gave no paper");
	*ret_note = wire_slice(answer.reply->data[0]->items[0]);
	return ERR_OK;
}

/* Two papers that belong together, opened in an arena of their own. */
struct papers {
	struct slice charter_note, note;
	struct arena arena;
	struct charter *charter;
	struct agreement *agreement;
};

static void papers_fini(struct papers *papers)
{
	arena_fini(&papers->arena);
}

/* By the key that the store has now or by one that it had when it signed. */
static enum err open_agreement(const struct keeper_options *options, struct papers *papers, struct fault *fault)
{
	enum err err = ERR_SIGNATURE;
	struct fault cause = {""};

	for (size_t i = 0; i < options->signer_count && err == ERR_SIGNATURE; i++)
		err = agreement_open(papers->note, papers->charter, options->controller, &options->signers[i],
				     "the broker's agreement", &papers->arena, papers->agreement, &cause);
	return err == ERR_OK ? ERR_OK : fault_set(fault, err, "%s", cause.text);
}

static enum err open_papers(struct keeper *keeper, struct papers *papers, struct fault *fault)
{
	const struct keeper_options *options = &keeper->options;

	papers->charter = arena_alloc(&papers->arena, sizeof *papers->charter);
	papers->agreement = arena_alloc(&papers->arena, sizeof *papers->agreement);
	if (papers->charter == NULL || papers->agreement == NULL)
		return ERR_MEMORY;
	TRY(charter_open(papers->charter_note, options->controller, "the broker's charter", &papers->arena,
			 papers->charter, fault));
	TRY(open_agreement(options, papers, fault));
	if (!slice_equal(SLICE_ARRAY(papers->agreement->hash), SLICE_ARRAY(keeper->seen.agreement.bytes)))
		return fault_set(fault, ERR_MISMATCH, "the broker gave another agreement than it named");
	if (papers->agreement->store != options->shop->number)
		return fault_set(fault, ERR_MISMATCH, "the broker gave store %u's agreement", papers->agreement->store);
	return ERR_OK;
}

static enum err fetch(struct keeper *keeper, struct papers *papers, struct fault *fault)
{
	uint8_t hash[HASH_SIZE];

	TRY(get_paper(keeper, SLICE_ARRAY(keeper->seen.agreement.bytes), &papers->note, fault));
	bool is_named = papers_charter_hash(papers->note, hash);
	return get_paper(keeper, is_named ? SLICE_ARRAY(hash) : SLICE_EMPTY, &papers->charter_note, fault);
}

static enum err keep(const struct keeper_options *options, const struct papers *papers)
{
	if (options->keep_paper == NULL)
		return ERR_OK;
	TRY(options->keep_paper(options->context, "charter.note", papers->charter_note));
	return options->keep_paper(options->context, "agreement.note", papers->note);
}

/* Who answers a till has the lock for reading: after this nobody answers under the agreement before. */
static void put_in_force(struct keeper *keeper, struct papers *papers)
{
	struct shop *shop = keeper->options.shop;

	pthread_rwlock_wrlock(&shop->lock);
	struct arena before = shop->papers;
	shop->papers = papers->arena;
	shop->charter = papers->charter;
	shop->agreement = papers->agreement;
	shop->state = keeper->seen.state;
	pthread_rwlock_unlock(&shop->lock);
	papers->arena = before;
	memset(keeper->copies, 0, sizeof keeper->copies); /* another charter may number purposes otherwise */
	keeper_mark_behind(keeper);
}

static bool has_it(const struct keeper *keeper)
{
	const struct shop *shop = keeper->options.shop;

	return shop->agreement != NULL &&
	       slice_equal(SLICE_ARRAY(shop->agreement->hash), SLICE_ARRAY(keeper->seen.agreement.bytes));
}

static enum err change(struct keeper *keeper, struct fault *fault)
{
	struct papers papers CLEANUP(papers_fini) = {0};

	arena_init(&papers.arena, 16 * PAPER_MAX);
	TRY(fetch(keeper, &papers, fault));
	TRY(open_papers(keeper, &papers, fault));
	TRY(keep(&keeper->options, &papers));
	TRY(shop_keep_state(keeper->options.shop, papers.agreement->hash, keeper->seen.state));
	put_in_force(keeper, &papers);
	return ERR_OK;
}

enum keeper_turn keeper_turn_papers(struct keeper *keeper, enum err *ret_err, struct fault *fault)
{
	if (is_same(&keeper->seen.agreement, keeper->seen.has_agreement, &keeper->done.agreement,
		    keeper->done.has_agreement))
		return TURN_NOTHING;
	bool is_fetched = keeper->seen.has_agreement && !has_it(keeper);
	if (is_fetched) {
		*ret_err = change(keeper, fault);
		if (*ret_err != ERR_OK)
			return TURN_FAILED;
	}
	keeper->done.agreement = keeper->seen.agreement;
	keeper->done.has_agreement = keeper->seen.has_agreement;
	return is_fetched ? TURN_DONE : TURN_NOTHING;
}

/* Suspended, resumed, terminated: the sweep at the next step purges by it. Without one in force nothing is. */
enum keeper_turn keeper_turn_state(struct keeper *keeper, enum err *ret_err, struct fault *fault)
{
	struct shop *shop = keeper->options.shop;
	enum agreement_state state = keeper->seen.has_agreement ? keeper->seen.state : AGREEMENT_NONE;

	(void)fault;
	*ret_err = ERR_OK;
	if (shop->state != state && shop->agreement != NULL)
		*ret_err = shop_keep_state(shop, shop->agreement->hash, state);
	if (*ret_err != ERR_OK)
		return TURN_FAILED;
	keeper->done.state = keeper->seen.state;
	if (shop->state == state)
		return TURN_NOTHING;
	pthread_rwlock_wrlock(&shop->lock);
	shop->state = state;
	pthread_rwlock_unlock(&shop->lock);
	keeper_mark_behind(keeper);
	return TURN_DONE;
}

/* The world failed, this disk and this memory included, or the lane's number was another: nothing was said of the note.
 */
static bool is_worth_another_try(enum err err)
{
	static const enum err passing[] = {ERR_NETWORK, ERR_TIMEOUT, ERR_BUSY,	    ERR_CLOCK,
					   ERR_MEMORY,	ERR_IO,	     ERR_DISK_FULL, ERR_SEQUENCE};

	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
		if (passing[i] == err)
			return true;
	return false;
}

enum keeper_turn keeper_turn_trust(struct keeper *keeper, enum err *ret_err, struct fault *fault)
{
	const struct keeper_options *options = &keeper->options;

	if (is_same(&keeper->seen.trust, keeper->seen.has_trust, &keeper->done.trust, keeper->done.has_trust))
		return TURN_NOTHING;
	bool is_taken = options->take_trust != NULL && keeper->seen.has_trust;
	*ret_err = ERR_OK;
	if (is_taken)
		*ret_err = options->take_trust(options->context, &keeper->session,
					       SLICE_ARRAY(keeper->seen.trust.bytes), keeper_now_ms(keeper), fault);
	if (is_worth_another_try(*ret_err))
		return TURN_FAILED;
	/* A note that does not follow stays out, and the store goes on under the one before. */
	keeper->done.trust = keeper->seen.trust;
	keeper->done.has_trust = keeper->seen.has_trust;
	if (*ret_err != ERR_OK)
		return TURN_FAILED;
	return is_taken ? TURN_DONE : TURN_NOTHING;
}
