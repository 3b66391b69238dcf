#include "server/outside_witness.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kluis/clock.h"
#include "kluis/log.h"
#include "server/http_post.h"
#include "server/submission.h"

#define LOOK_MS 500 /* between looks whether a round has begun */
#define RETRY_MS_MIN 5000
#define RETRY_MS_MAX 300000
#define BODY_MAX (PAPER_MAX + 64 * 64)

/* One witness, with a thread of its own. */
struct asked {
	struct outside_witnesses *outside;
	struct outside_witness witness;
	struct http_post *post;
	pthread_t thread;
	bool has_thread;
	uint64_t known_size; /* that it cosigned last, as far as is known; 0 at the start */
	uint64_t done_size;  /* of the round that is over for it, answered or not */
	uint64_t next_ms;    /* steady: not before then */
	uint64_t retry_ms;
	struct log_topic topic;
};

struct outside_witnesses {
	struct outside_core core;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_stopping;
	size_t count;
	struct asked asked[OUTSIDE_WITNESSES_MAX];
};

/* ---- addresses ---- */

static bool is_plain(const char *text)
{
	for (const char *letter = text; *letter != '\0'; letter++)
		if (*letter <= ' ' || *letter > '~' || strchr("?#@\\\"<>", *letter) != NULL)
			return false;
	return true;
}

enum err outside_witness_url(const char *text, char ret_url[static WITNESS_URL_MAX + 1], struct fault *fault)
{
	size_t length = strlen(text);
	size_t scheme = strncmp(text, "https://", 8) == 0 ? 8 : strncmp(text, "http://", 7) == 0 ? 7 : 0;

	while (length > 0 && text[length - 1] == '/')
		length--;
	if (scheme == 0 || length <= scheme || length > WITNESS_URL_MAX || text[scheme] == '/' || !is_plain(text))
		return fault_set(fault, ERR_INPUT, "'%.64s' is not an address of the form https://host/path", text);
	memcpy(ret_url, text, length);
	ret_url[length] = '\0';
	return ERR_OK;
}

/* ---- one exchange ---- */

/* What is sent, and what is kept of it to check the answer by. */
struct turn {
	uint64_t size;
	struct bytes note;
	struct bytes body;
};

static enum err make_turn(struct outside_witnesses *outside, const struct asked *asked, struct turn *turn)
{
	struct merkle_proof *proof = calloc(1, sizeof *proof);

	if (proof == NULL)
		return ERR_MEMORY;
	bytes_clear(&turn->note);
	bytes_clear(&turn->body);
	enum err err = outside->core.read(outside->core.core, asked->known_size, &turn->note, &turn->size, proof);
	if (err == ERR_OK)
		err = submission_print(asked->known_size, proof, bytes_slice(&turn->note), &turn->body);
	free(proof);
	return err;
}

static void give_up_round(struct asked *asked, uint64_t size, const char *why)
{
	log_event(&asked->topic, "%s: %s; asked again in the next round", asked->witness.name, why);
	asked->done_size = size;
}

static void try_later(struct asked *asked, const char *why)
{
	asked->retry_ms = asked->retry_ms == 0		       ? RETRY_MS_MIN
			  : asked->retry_ms * 2 > RETRY_MS_MAX ? RETRY_MS_MAX
							       : asked->retry_ms * 2;
	asked->next_ms = clock_steady_ms() + asked->retry_ms;
	log_event(&asked->topic, "%s: %s; it is asked again in %llu s", asked->witness.name, why,
		  (unsigned long long)(asked->retry_ms / 1000));
}

static void on_cosigned(struct outside_witnesses *outside, struct asked *asked, const struct turn *turn,
			struct slice answer)
{
	uint8_t cosignature[COSIGNATURE_SIZE];

	if (submission_parse_cosignature(answer, bytes_slice(&turn->note), &asked->witness.key, cosignature) !=
	    ERR_OK) {
		give_up_round(asked, turn->size,
			      "its answer is not its cosignature of the checkpoint that it was sent");
		return;
	}
	outside->core.take(outside->core.core, (size_t)(asked - outside->asked), &asked->witness.key, turn->size,
			   cosignature);
	asked->known_size = asked->done_size = turn->size;
	asked->retry_ms = 0;
}

/* True if it is worth asking again at once: the witness remembers another size than was thought. */
static bool on_other_size(struct asked *asked, const struct turn *turn, struct slice answer)
{
	uint64_t size;

	if (submission_parse_size(answer, &size) != ERR_OK) {
		give_up_round(asked, turn->size, "its answer 409 has no size");
		return false;
	}
	if (size > turn->size) {
		/* It has seen a tree of this log that is larger than the broker's own: worth a person's look. */
		give_up_round(asked, turn->size,
			      "it has cosigned a larger tree than there is: was the broker restored from a backup?");
		return false;
	}
	bool is_new = size != asked->known_size;
	asked->known_size = size;
	if (!is_new)
		give_up_round(asked, turn->size, "it was asked from the size that it names, and names it again");
	return is_new;
}

/* True: ask again at once. */
static bool take_answer(struct outside_witnesses *outside, struct asked *asked, const struct turn *turn,
			unsigned status, struct slice answer)
{
	char why[64];

	if (status == 200) {
		on_cosigned(outside, asked, turn, answer);
		return false;
	}
	if (status == 409)
		return on_other_size(asked, turn, answer);
	snprintf(why, sizeof why, "it answered %u", status);
	if (status >= 400 && status < 500 && status != 429)
		give_up_round(asked, turn->size, why);
	else
		try_later(asked, why);
	return false;
}

static bool ask_once(struct outside_witnesses *outside, struct asked *asked, struct turn *turn)
{
	struct bytes answer CLEANUP(bytes_fini) = {0};
	char url[WITNESS_URL_MAX + 32];
	unsigned status = 0;

	enum err err = make_turn(outside, asked, turn);
	if (err == ERR_NOT_FOUND || (err == ERR_OK && turn->size == asked->done_size))
		return false;
	if (err == ERR_INPUT) { /* it remembers more than there is */
		asked->known_size = 0;
		return true;
	}
	bytes_init(&answer, SUBMISSION_ANSWER_MAX);
	snprintf(url, sizeof url, "%s/add-checkpoint", asked->witness.url);
	if (err == ERR_OK)
		err = http_post(asked->post, url, asked->witness.ca_file, bytes_slice(&turn->body), &status, &answer);
	if (err == ERR_OK)
		return take_answer(outside, asked, turn, status, bytes_slice(&answer));
	if (err != ERR_STATE) /* being stopped is no fault of its */
		try_later(asked, error_text(err));
	return false;
}

/* Twice at most: once to learn its size, once from there. */
static void ask(struct outside_witnesses *outside, struct asked *asked)
{
	struct turn turn = {.size = 0};

	if (clock_steady_ms() < asked->next_ms)
		return;
	bytes_init(&turn.note, PAPER_MAX);
	bytes_init(&turn.body, BODY_MAX);
	bool is_to_ask_again = ask_once(outside, asked, &turn);
	if (is_to_ask_again)
		is_to_ask_again = ask_once(outside, asked, &turn);
	if (is_to_ask_again)
		give_up_round(asked, turn.size, "it names one size after another");
	bytes_fini(&turn.note);
	bytes_fini(&turn.body);
}

/* ---- the threads ---- */

/* False when it is time to stop. */
static bool wait_a_while(struct outside_witnesses *outside)
{
	uint64_t due_ms = clock_steady_ms() + LOOK_MS;
	struct timespec due = {.tv_sec = (time_t)(due_ms / 1000), .tv_nsec = (long)(due_ms % 1000) * 1000000};

	pthread_mutex_lock(&outside->mutex);
	if (!outside->is_stopping)
		pthread_cond_timedwait(&outside->changed, &outside->mutex, &due);
	bool is_going_on = !outside->is_stopping;
	pthread_mutex_unlock(&outside->mutex);
	return is_going_on;
}

static void *run(void *argument)
{
	struct asked *asked = argument;

	while (wait_a_while(asked->outside))
		ask(asked->outside, asked);
	return NULL;
}

/* Signals are the main thread's. */
static enum err start_asking(struct asked *asked)
{
	sigset_t all, before;

	TRY(http_post_new(&asked->post));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	asked->has_thread = pthread_create(&asked->thread, NULL, run, asked) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return asked->has_thread ? ERR_OK : ERR_MEMORY;
}

static void init_locks(struct outside_witnesses *outside)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* clock_steady_ms's */
	pthread_cond_init(&outside->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&outside->mutex, NULL);
}

enum err outside_witnesses_new(const struct outside_witness *witnesses, size_t count, const struct outside_core *core,
			       struct outside_witnesses **ret_witnesses)
{
	struct outside_witnesses *outside CLEANUP(outside_witnesses_free) = NULL;

	assert(count <= OUTSIDE_WITNESSES_MAX);
	outside = calloc(1, sizeof *outside);
	if (outside == NULL)
		return ERR_MEMORY;
	outside->core = *core;
	outside->count = count;
	init_locks(outside);
	for (size_t i = 0; i < count; i++) {
		outside->asked[i].outside = outside;
		outside->asked[i].witness = witnesses[i];
		outside->asked[i].topic = (struct log_topic)LOG_TOPIC("witness");
		TRY(start_asking(&outside->asked[i]));
	}
	*ret_witnesses = outside;
	outside = NULL;
	return ERR_OK;
}

void outside_witnesses_free(struct outside_witnesses **witnesses)
{
	struct outside_witnesses *outside = *witnesses;

	*witnesses = NULL;
	if (outside == NULL)
		return;
	pthread_mutex_lock(&outside->mutex);
	outside->is_stopping = true;
	pthread_cond_broadcast(&outside->changed);
	pthread_mutex_unlock(&outside->mutex);
	for (size_t i = 0; i < outside->count; i++)
		if (outside->asked[i].has_thread)
			http_post_cancel(outside->asked[i].post);
	for (size_t i = 0; i < outside->count; i++) {
		if (outside->asked[i].has_thread)
			pthread_join(outside->asked[i].thread, NULL);
		http_post_free(&outside->asked[i].post);
	}
	pthread_cond_destroy(&outside->changed);
	pthread_mutex_destroy(&outside->mutex);
	free(outside);
}
