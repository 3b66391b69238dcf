/*
 * kluis-hostile: a client that does not keep the rules, for scenarios against a real broker.
 *
 *     kluis-hostile messages ADDRESS CERTIFICATE KEY AGREEMENT OTHER-AGREEMENT EMPLOYEE CARD
 *         sends what FORMAT.md section 4 forbids, one line for each kind, exit status 1 when one is taken; KEY is a
 *         store's, under AGREEMENT, EMPLOYEE one of its cashiers, CARD a customer whom a lookup discloses.
 *         Ends with "entries: N": so many the broker must have written.
 *     kluis-hostile flood ADDRESS CERTIFICATE KEY SECONDS
 *         sends unauthenticated messages over several connections as fast as they are taken.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>

#include "kluis/clock.h"
#include "kluis/entry.h"
#include "kluis/envelope.h"
#include "kluis/file.h"
#include "kluis/hash.h"
#include "kluis/link.h"

#define ANSWER_MS 3000
#define SILENCE_MS 600 /* long enough for a broker that would answer */
#define FLOOD_CONNECTIONS 8
#define MESSAGES_PER_CONNECTION 2 /* that a stranger may have looked at (limits.h) */
#define CARD_FIELD 2

struct hostile {
	const char *address;
	char certificate[8192];
	struct secret_key key;	 /* the store's */
	struct secret_key wrong; /* another key under the store's name */
	uint8_t agreement[HASH_SIZE];
	uint8_t other_agreement[HASH_SIZE];
	uint8_t employee[PSEUDONYM_SIZE];
	const char *card;
	nng_socket socket;
	unsigned sent; /* on this connection */
	unsigned entries;
	unsigned failed;
};

static void must(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "kluis-hostile: %s failed\n", what);
	exit(2);
}

/* ---- connections ---- */

static void dial(const struct hostile *hostile, nng_socket socket)
{
	nng_dialer dialer;
	nng_tls_config *config;

	must(nng_dialer_create(&dialer, socket, hostile->address) == 0, "the address");
	must(nng_tls_config_alloc(&config, NNG_TLS_MODE_CLIENT) == 0 &&
		     nng_tls_config_ca_chain(config, hostile->certificate, NULL) == 0 &&
		     nng_tls_config_server_name(config, TLS_SERVER_NAME) == 0 &&
		     nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED) == 0 &&
		     nng_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config) == 0,
	     "the certificate");
	nng_tls_config_free(config);
	must(nng_dialer_start(dialer, 0) == 0, "connecting");
}

static void hang_up(struct hostile *hostile)
{
	if (hostile->sent > 0)
		nng_close(hostile->socket);
	hostile->sent = 0;
}

/* One message, one answer: false when none comes. */
static bool ask(struct hostile *hostile, struct slice message, int patience_ms, struct bytes *ret_reply)
{
	nng_msg *sent, *reply;

	if (hostile->sent == MESSAGES_PER_CONNECTION)
		hang_up(hostile);
	if (hostile->sent++ == 0) {
		must(nng_req0_open(&hostile->socket) == 0, "a socket");
		nng_socket_set_ms(hostile->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
		nng_socket_set_ms(hostile->socket, NNG_OPT_SENDTIMEO, ANSWER_MS);
		dial(hostile, hostile->socket);
	}
	nng_socket_set_ms(hostile->socket, NNG_OPT_RECVTIMEO, patience_ms);
	must(nng_msg_alloc(&sent, 0) == 0 && nng_msg_append(sent, message.data, message.length) == 0, "memory");
	if (nng_sendmsg(hostile->socket, sent, 0) != 0) {
		nng_msg_free(sent);
		return false;
	}
	if (nng_recvmsg(hostile->socket, &reply, 0) != 0)
		return false;
	bytes_clear(ret_reply);
	must(bytes_append(ret_reply, SLICE(nng_msg_body(reply), nng_msg_len(reply))) == ERR_OK, "the answer");
	nng_msg_free(reply);
	return true;
}

/* ---- requests ---- */

/* A lookup of the card as the store rightly makes it; what is wrong is set in it before it is signed. */
struct draft {
	struct arena arena;
	Kluis__Request request;
	Kluis__Operation operation;
	Kluis__Operation *operations[300];
	Kluis__Lookup lookup;
	Kluis__OpenStore open_store;
	Kluis__Acknowledgement acknowledgement;
	Kluis__Part *part;
	Kluis__Personal personal;
	const struct secret_key *key;
	uint8_t leaf[HASH_SIZE];
};

static void draft_init(struct draft *draft, const struct hostile *hostile, uint32_t lane, uint64_t sequence)
{
	Kluis__Value value = KLUIS__VALUE__INIT, *value_pointer = &value;
	Kluis__Values values = KLUIS__VALUES__INIT;

	arena_init(&draft->arena, MESSAGE_MAX);
	kluis__request__init(&draft->request);
	kluis__operation__init(&draft->operation);
	kluis__lookup__init(&draft->lookup);
	kluis__open_store__init(&draft->open_store);
	kluis__acknowledgement__init(&draft->acknowledgement);
	kluis__personal__init(&draft->personal);
	value.field = draft->lookup.field = CARD_FIELD;
	value.value = arena_text(&draft->arena, slice_text(hostile->card));
	values.values = &value_pointer;
	values.n_values = 1;
	must(part_make(&values.base, &draft->arena, &draft->part, &draft->lookup.commitment) == ERR_OK, "a part");
	draft->personal.parts = &draft->part;
	draft->personal.n_parts = 1;
	draft->operation.purpose = arena_text(&draft->arena, slice_text("service"));
	draft->operation.kind_case = KLUIS__OPERATION__KIND_LOOKUP;
	draft->operation.lookup = &draft->lookup;
	for (size_t i = 0; i < sizeof(draft->operations) / sizeof(draft->operations[0]); i++)
		draft->operations[i] = &draft->operation;
	draft->request.operations = draft->operations;
	draft->request.n_operations = 1;
	draft->request.principal = arena_text(&draft->arena, slice_text(hostile->key.public.name));
	draft->request.lane = lane;
	draft->request.sequence = sequence;
	draft->request.time_ms = clock_now_ms();
	draft->request.has_agreement = draft->request.has_employee = true;
	draft->request.agreement = wire_data(SLICE_ARRAY(hostile->agreement));
	draft->request.employee = wire_data(SLICE_ARRAY(hostile->employee));
	draft->key = &hostile->key;
}

static void draft_sign(struct draft *draft, struct bytes *ret_message)
{
	bytes_clear(ret_message);
	must(envelope_sign(&draft->request, draft->personal.n_parts > 0 ? &draft->personal : NULL, NULL, 0, draft->key,
			   ret_message) == ERR_OK,
	     "signing");
	arena_fini(&draft->arena);
}

/* ---- answers ---- */

struct answer {
	bool has_reply;
	bool has_entry;
	bool discloses;
	enum err code; /* of the reply, of its entry, or of the first operation */
	uint64_t index;
	uint64_t expected;
	uint8_t leaf[HASH_SIZE];
};

static void read_entry(const Kluis__Reply *reply, struct arena *arena, struct answer *answer)
{
	Kluis__Entry *entry;
	struct hash leaf;

	must(WIRE_DECODE(Entry, entry, wire_slice(reply->entry), arena, &entry) == ERR_OK, "the answer's entry");
	if (answer->code == ERR_OK)
		answer->code = (enum err)entry->code;
	if (answer->code == ERR_OK)
		answer->code = (enum err)entry->results[0]->code;
	merkle_leaf(wire_slice(reply->entry), &leaf);
	memcpy(answer->leaf, leaf.bytes, HASH_SIZE);
}

static struct answer read_answer(struct slice bytes)
{
	struct answer answer = {.has_reply = true};
	struct arena arena CLEANUP(arena_fini) = {0};
	Kluis__Reply *reply;

	arena_init(&arena, 4 * MESSAGE_MAX);
	must(WIRE_DECODE(Reply, reply, bytes, &arena, &reply) == ERR_OK, "decoding the answer");
	answer.code = (enum err)reply->code;
	answer.expected = reply->has_expected ? reply->expected : 0;
	answer.discloses = reply->personal != NULL && reply->personal->n_parts > 0;
	answer.has_entry = reply->has_entry;
	answer.index = reply->index;
	if (reply->has_entry)
		read_entry(reply, &arena, &answer);
	return answer;
}

static struct answer try(struct hostile *hostile, struct slice message, int patience_ms)
{
	struct bytes reply CLEANUP(bytes_fini) = {0};

	bytes_init(&reply, 2 * MESSAGE_MAX);
	if (!ask(hostile, message, patience_ms, &reply))
		return (struct answer){0};
	return read_answer(bytes_slice(&reply));
}

static void say(struct hostile *hostile, const char *what, bool is_right, const struct answer *answer)
{
	if (is_right) {
		printf("%s: %s\n", what, answer->has_reply ? error_text(answer->code) : "not taken");
		return;
	}
	printf("%s: WRONG: %s, code %u (%s), %s entry, %s disclosure\n", what,
	       answer->has_reply ? "answered" : "silence", (unsigned)answer->code, error_text(answer->code),
	       answer->has_entry ? "an" : "no", answer->discloses ? "a" : "no");
	hostile->failed++;
}

/* ---- requests with one thing wrong ---- */

static void wrong_key(struct draft *draft, const struct hostile *hostile)
{
	draft->key = &hostile->wrong;
}

static void unknown_store(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	char *slash = strrchr(draft->request.principal, '/');
	snprintf(slash, strlen(slash) + 1, "/9");
}

static void as_head_office(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	char *store = strstr(draft->request.principal, "/store/");
	must(store != NULL, "a store's key");
	draft->request.principal = arena_printf(&draft->arena, "%.*s/controller",
						(int)(store - draft->request.principal), draft->request.principal);
}

static void of_another_formula(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->request.principal[0] = draft->request.principal[0] == 'x' ? 'y' : 'x';
}

static void skipped_number(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->request.sequence = 5;
}

static void number_zero(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->request.sequence = 0;
}

static void lane_too_high(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->request.lane = LANE_MAX + 1;
}

static void other_value(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->part->content.data[draft->part->content.len - 1] ^= 1;
}

static void no_part(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->personal.n_parts = 0;
}

static void no_operation(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->request.n_operations = 0;
	draft->personal.n_parts = 0;
}

static void too_many_operations(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->request.n_operations = sizeof(draft->operations) / sizeof(draft->operations[0]);
}

static void false_acknowledgement(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->acknowledgement.index = 3;
	draft->acknowledgement.leaf = wire_data(SLICE_ARRAY(draft->leaf));
	draft->request.acknowledgement = &draft->acknowledgement;
}

static void other_stores_agreement(struct draft *draft, const struct hostile *hostile)
{
	draft->request.agreement = wire_data(SLICE_ARRAY(hostile->other_agreement));
}

static void no_agreement(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->request.has_agreement = false;
}

static void unknown_employee(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->request.employee = wire_data(SLICE(draft->leaf, PSEUDONYM_SIZE));
}

static void head_offices_operation(struct draft *draft, const struct hostile *hostile)
{
	(void)hostile;
	draft->open_store.store = 4711;
	draft->open_store.name = arena_text(&draft->arena, slice_text("mine"));
	draft->open_store.country = arena_text(&draft->arena, slice_text("NL"));
	draft->operation.kind_case = KLUIS__OPERATION__KIND_OPEN_STORE;
	draft->operation.open_store = &draft->open_store;
	draft->operation.purpose = NULL;
	draft->personal.n_parts = 0;
}

static const struct {
	const char *name;
	void (*spoil)(struct draft *draft, const struct hostile *hostile);
	enum err code;
	bool has_entry; /* of what could be authenticated, the log says that it was refused */
} rows[] = {
	{"another key under a known store's name", wrong_key, ERR_PRINCIPAL, false},
	{"an unknown store", unknown_store, ERR_PRINCIPAL, false},
	{"a store in head office's name", as_head_office, ERR_PRINCIPAL, false},
	{"a store of another formula", of_another_formula, ERR_PRINCIPAL, false},
	{"a sequence number skipped", skipped_number, ERR_SEQUENCE, false},
	{"sequence number 0", number_zero, ERR_INPUT, false},
	{"a lane that cannot be", lane_too_high, ERR_INPUT, false},
	{"a value that its commitment does not cover", other_value, ERR_COMMITMENT, false},
	{"a commitment without its value", no_part, ERR_COMMITMENT, false},
	{"a request of no operation", no_operation, ERR_INPUT, false},
	{"a request of 300 operations", too_many_operations, ERR_INPUT, false},
	{"an acknowledgement of an entry never sent", false_acknowledgement, ERR_ACKNOWLEDGEMENT, true},
	{"another store's agreement", other_stores_agreement, ERR_OTHER_AGREEMENT, true},
	{"a request under no agreement", no_agreement, ERR_OTHER_AGREEMENT, true},
	{"an employee who is not on the roster", unknown_employee, ERR_NO_EMPLOYEE, true},
	{"head office's operation from a store", head_offices_operation, ERR_FORBIDDEN, true},
};

static void try_rows(struct hostile *hostile, struct bytes *message)
{
	static struct draft draft;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		draft_init(&draft, hostile, 10 + (uint32_t)i, 1);
		rows[i].spoil(&draft, hostile);
		draft_sign(&draft, message);
		struct answer answer = try(hostile, bytes_slice(message), ANSWER_MS);
		bool is_right = answer.has_reply && answer.code == rows[i].code &&
				answer.has_entry == rows[i].has_entry && !answer.discloses;
		say(hostile, rows[i].name, is_right, &answer);
		hostile->entries += answer.has_entry;
	}
}

/* ---- bytes that are no request ---- */

static void refused_bytes(struct hostile *hostile, const char *what, struct slice message)
{
	struct answer answer = try(hostile, message, message.length > MESSAGE_MAX ? SILENCE_MS : ANSWER_MS);
	bool is_code = answer.code == ERR_INPUT || answer.code == ERR_TOO_LARGE;

	say(hostile, what, !answer.has_entry && !answer.discloses && (is_code || !answer.has_reply), &answer);
	hang_up(hostile);
}

static void try_garbage(struct hostile *hostile, struct bytes *message)
{
	static const size_t sizes[] = {0, 1, 100, 65536, MESSAGE_MAX, MESSAGE_MAX + 1, 3 * MESSAGE_MAX};
	static uint8_t garbage[3 * MESSAGE_MAX];
	static struct draft draft;
	char what[64];

	random_bytes(garbage, sizeof(garbage));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(what, sizeof(what), "%zu bytes of garbage", sizes[i]);
		refused_bytes(hostile, what, SLICE(garbage, sizes[i]));
	}
	draft_init(&draft, hostile, 40, 1);
	draft_sign(&draft, message);
	must(bytes_append_u8(message, 0) == ERR_OK, "memory");
	refused_bytes(hostile, "a good request and one byte more", bytes_slice(message));
}

/* ---- a good request: altered, cut, sent again ---- */

static void try_altered(struct hostile *hostile, struct bytes *message)
{
	struct answer answer = {0};
	size_t taken = 0;

	for (size_t i = 0; i < message->length; i++) {
		uint8_t bit = (uint8_t)(1u << (i % 8));
		message->data[i] ^= bit;
		struct answer this = try(hostile, bytes_slice(message), ANSWER_MS);
		message->data[i] ^= bit;
		if (this.code != ERR_OK && !this.has_entry && !this.discloses)
			continue;
		answer = this;
		taken++;
	}
	say(hostile, "a good request, each byte altered in turn", taken == 0, &answer);
	taken = 0;
	for (size_t length = 0; length < message->length; length += 5) {
		struct answer this = try(hostile, SLICE(message->data, length), ANSWER_MS);
		if (this.code != ERR_OK && !this.has_entry && !this.discloses)
			continue;
		answer = this;
		taken++;
	}
	say(hostile, "a good request, cut at every fifth byte", taken == 0, &answer);
}

static struct answer expect_good(struct hostile *hostile, const char *what, const struct bytes *message)
{
	struct answer answer = try(hostile, bytes_slice(message), ANSWER_MS);

	say(hostile, what, answer.code == ERR_OK && answer.has_entry && answer.discloses, &answer);
	return answer;
}

static void try_repeated(struct hostile *hostile, struct bytes *first)
{
	static struct draft draft;
	struct bytes second CLEANUP(bytes_fini) = {0};

	bytes_init(&second, MESSAGE_MAX);
	struct answer one = expect_good(hostile, "the same request unaltered", first);
	struct answer again = expect_good(hostile, "the same once more gets the same entry", first);
	say(hostile, "and no second one", one.index == again.index && memcmp(one.leaf, again.leaf, HASH_SIZE) == 0,
	    &again);

	draft_init(&draft, hostile, 41, 2);
	draft.acknowledgement.index = one.index;
	draft.acknowledgement.leaf = wire_data(SLICE_ARRAY(one.leaf));
	draft.request.acknowledgement = &draft.acknowledgement;
	draft_sign(&draft, &second);
	expect_good(hostile, "the next request", &second);
	struct answer old = try(hostile, bytes_slice(first), ANSWER_MS);
	say(hostile, "the one before it, replayed",
	    old.code == ERR_SEQUENCE && !old.has_entry && !old.discloses && old.expected == 3, &old);

	draft_init(&draft, hostile, 41, 2);
	draft.request.time_ms++;
	draft_sign(&draft, &second);
	struct answer reused = try(hostile, bytes_slice(&second), ANSWER_MS);
	say(hostile, "another request under a number that was used",
	    reused.code == ERR_REUSED && reused.has_entry && !reused.discloses, &reused);
	hostile->entries += 3;
}

static int command_messages(struct hostile *hostile)
{
	static struct draft draft;
	struct bytes message CLEANUP(bytes_fini) = {0};

	bytes_init(&message, MESSAGE_MAX);
	try_garbage(hostile, &message);
	try_rows(hostile, &message);
	draft_init(&draft, hostile, 41, 1);
	draft_sign(&draft, &message);
	try_altered(hostile, &message);
	try_repeated(hostile, &message);
	hang_up(hostile);
	printf("entries: %u\n", hostile->entries);
	return hostile->failed > 0;
}

/* ---- flood ---- */

struct flood {
	const struct hostile *hostile;
	uint64_t until_ms;
	_Atomic uint64_t sent;
	struct bytes messages[3]; /* garbage; a request that another key signed; the same cut */
};

/* A raw socket waits for no answer; closed by the broker it dials again at once. */
static void open_flood(const struct hostile *hostile, nng_socket *ret_socket)
{
	must(nng_req0_open_raw(ret_socket) == 0, "a socket");
	nng_socket_set_ms(*ret_socket, NNG_OPT_SENDTIMEO, 50);
	nng_socket_set_ms(*ret_socket, NNG_OPT_RECONNMINT, 1);
	nng_socket_set_ms(*ret_socket, NNG_OPT_RECONNMAXT, 10);
	dial(hostile, *ret_socket);
}

static void *run_flood(void *argument)
{
	struct flood *flood = argument;
	nng_socket socket;
	nng_msg *message, *reply;

	open_flood(flood->hostile, &socket);
	for (uint32_t i = 0; clock_steady_ms() < flood->until_ms; i++) {
		const struct bytes *body = &flood->messages[i % 3];
		must(nng_msg_alloc(&message, 0) == 0 && nng_msg_append(message, body->data, body->length) == 0 &&
			     nng_msg_header_append_u32(message, 0x80000000u | i) == 0,
		     "memory");
		if (nng_sendmsg(socket, message, 0) == 0)
			flood->sent++;
		else
			nng_msg_free(message);
		while (nng_recvmsg(socket, &reply, NNG_FLAG_NONBLOCK) == 0)
			nng_msg_free(reply);
	}
	return NULL;
}

static void fill_flood(struct flood *flood, uint32_t number)
{
	static struct draft draft;
	uint8_t *place;

	for (size_t i = 0; i < 3; i++)
		bytes_init(&flood->messages[i], MESSAGE_MAX);
	must(bytes_reserve(&flood->messages[0], 700, &place) == ERR_OK, "memory");
	random_bytes(place, 700);
	flood->messages[0].length = 700;
	draft_init(&draft, flood->hostile, number % LANE_MAX, 1);
	draft.key = &flood->hostile->wrong;
	draft_sign(&draft, &flood->messages[1]);
	must(bytes_append(&flood->messages[2], SLICE(flood->messages[1].data, flood->messages[1].length / 2)) == ERR_OK,
	     "memory");
}

static _Noreturn void command_flood(struct hostile *hostile, unsigned seconds)
{
	static struct flood floods[FLOOD_CONNECTIONS];
	pthread_t threads[FLOOD_CONNECTIONS];
	uint64_t sent = 0;

	for (uint32_t i = 0; i < FLOOD_CONNECTIONS; i++) {
		floods[i] = (struct flood){.hostile = hostile, .until_ms = clock_steady_ms() + 1000ull * seconds};
		fill_flood(&floods[i], i);
		must(pthread_create(&threads[i], NULL, run_flood, &floods[i]) == 0, "a thread");
	}
	clock_sleep_ms(1000ull * seconds);
	for (uint32_t i = 0; i < FLOOD_CONNECTIONS; i++)
		sent += floods[i].sent;
	printf("sent: %llu\n", (unsigned long long)sent);
	fflush(stdout);
	_exit(0); /* without a farewell: nng may wait for ever for connections that the broker closed */
}

/* ---- arguments ---- */

static void read_common(struct hostile *hostile, char **argv)
{
	struct bytes pem CLEANUP(bytes_fini) = {0};
	struct fault fault = {""};

	bytes_init(&pem, sizeof(hostile->certificate) - 1);
	hostile->address = argv[2];
	must(file_read(argv[3], &pem, &fault) == ERR_OK, argv[3]);
	memcpy(hostile->certificate, pem.data, pem.length);
	must(secret_key_read(argv[4], &hostile->key, &fault) == ERR_OK, argv[4]);
	must(secret_key_new(slice_text(hostile->key.public.name), &hostile->wrong) == ERR_OK, "a key");
	hostile->card = "1";
}

int main(int argc, char **argv)
{
	static struct hostile hostile;
	bool is_flood = argc == 6 && strcmp(argv[1], "flood") == 0;
	int status;

	if (!is_flood && (argc != 9 || strcmp(argv[1], "messages") != 0)) {
		fputs("usage: see tests/lib/hostile/main.c\n", stderr);
		return 2;
	}
	must(keys_init() == ERR_OK, "libsodium");
	read_common(&hostile, argv);
	if (is_flood)
		command_flood(&hostile, (unsigned)strtoul(argv[5], NULL, 10));
	must(hex_parse(slice_text(argv[5]), hostile.agreement, HASH_SIZE) == ERR_OK &&
		     hex_parse(slice_text(argv[6]), hostile.other_agreement, HASH_SIZE) == ERR_OK &&
		     hex_parse(slice_text(argv[7]), hostile.employee, PSEUDONYM_SIZE) == ERR_OK,
	     "reading the arguments");
	hostile.card = argv[8];
	status = command_messages(&hostile);
	secret_key_fini(&hostile.key);
	secret_key_fini(&hostile.wrong);
	return status;
}
