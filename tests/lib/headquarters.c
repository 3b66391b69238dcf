#include "headquarters.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kluis/arena.h"
#include "text.h"

static void stop(const struct headquarters *hq, const char *what)
{
	fprintf(stderr, "headquarters: %s: %s%s\n", what, hq->last.out, hq->last.err);
	abort();
}

static bool is_free(unsigned port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int socket_ = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1; /* as the broker binds */

	address.sin_port = htons((uint16_t)port);
	if (socket_ < 0 || setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0)
		abort();
	bool is_free = bind(socket_, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(socket_);
	return is_free;
}

/* Below what systems give to outgoing connections, and each process looks in a place of its own: nobody else takes it
 * before the broker does, or while it is restarted. */
static unsigned free_port(void)
{
	unsigned first = 12000 + (unsigned)getpid() * 16 % 20000;

	for (unsigned port = first; port < first + 16; port++) {
		if (is_free(port))
			return port;
	}
	abort();
}

const char *headquarters_path(const struct headquarters *hq, const char *name)
{
	static char paths[10][HEADQUARTERS_PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 10];

	snprintf(path, HEADQUARTERS_PATH_MAX, "%s/%s", hq->folder, name);
	return path;
}

const char *headquarters_file(const struct headquarters *hq, const char *name, const char *text)
{
	const char *path = headquarters_path(hq, name);
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
	return path;
}

bool headquarters_has(const struct headquarters *hq, const char *name)
{
	char path[HEADQUARTERS_PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", hq->broker, name);
	return access(path, F_OK) == 0;
}

unsigned headquarters_mode(const struct headquarters *hq, const char *name)
{
	struct stat status;

	return stat(headquarters_path(hq, name), &status) == 0 ? status.st_mode & 07777 : 0;
}

int headquarters_run(struct headquarters *hq, int who, const char *input, const char *const *words)
{
	char store[HEADQUARTERS_PATH_MAX];
	const char *arguments[40];
	size_t count = 0;

	snprintf(store, sizeof(store), "%s/store-%d", hq->folder, who);
	arguments[count++] = who == BROKER ? TEST_BINARIES "/kluis-broker" : TEST_BINARIES "/kluis-agent";
	for (size_t i = 0; words[i] != NULL && count < 37; i++)
		arguments[count++] = words[i];
	arguments[count++] = "--data";
	arguments[count++] = who == BROKER ? hq->broker : store;
	arguments[count] = NULL;
	child_run(&hq->last, arguments, input);
	return hq->last.status;
}

void headquarters_begin_empty(struct headquarters *hq)
{
	hq->serve.pid = 0;
	scratch_new(hq->folder);
	snprintf(hq->broker, sizeof(hq->broker), "%s/hq", hq->folder);
	snprintf(hq->listen, sizeof(hq->listen), "tls+tcp://127.0.0.1:%u", free_port());
}

void headquarters_begin(struct headquarters *hq)
{
	headquarters_begin_empty(hq);
	if (RUN(hq, BROKER, NULL, "init", "--charter", TEST_SOURCE_ROOT "/broker/examples/minimal/charter.ini",
		"--listen", hq->listen) != 0)
		stop(hq, "init");
	headquarters_serve(hq);
}

void headquarters_serve(struct headquarters *hq)
{
	const char *arguments[] = {TEST_BINARIES "/kluis-broker", "serve", "--data", hq->broker, NULL};

	child_begin(&hq->serve, arguments);
	child_await(&hq->serve, "serving on");
}

int headquarters_stop(struct headquarters *hq)
{
	child_end(&hq->serve);
	return hq->serve.status;
}

void headquarters_end(struct headquarters *hq)
{
	child_end(&hq->serve);
	scratch_remove(hq->folder);
}

const char *headquarters_template(struct headquarters *hq)
{
	struct arena arena CLEANUP(arena_fini) = {0};

	arena_init(&arena, 1 << 20);
	const char *text = text_of_file(&arena, "broker/examples/minimal/agreement.ini");
	text = text_replace(&arena, text, "store   = 12", "store   = ${store_id}");
	text = text_replace(&arena, text, "charter = b8eaadf812783a3ef3153adf8c1bac272a96002982c34790ffc2d8fd3daedf1d",
			    "charter = ${charter}");
	text = text_replace(&arena, text, "from    = 2026-01-01", "from    = ${from}");
	text = text_replace(&arena, text, "until   = 2028-01-01", "until   = ${until}");
	text = text_replace(&arena, text, "customers  = visited", "customers  = all");
	text = text_replace(&arena, text, "mon-sat 07:00-22:00", "mon-sun 00:00-24:00");
	return headquarters_file(hq, "agreement.template", text);
}

void headquarters_offer(struct headquarters *hq, int store)
{
	char number[16], csv[64];

	snprintf(number, sizeof(number), "%d", store);
	snprintf(csv, sizeof(csv), "store_id\n%d\n", store);
	const char *template = headquarters_template(hq);
	const char *values = headquarters_file(hq, "values.csv", csv);
	if (RUN(hq, BROKER, NULL, "store", "open", number, "Winkel", "NL") != 0)
		stop(hq, "store open");
	if (RUN(hq, BROKER, NULL, "agreement", "draft", "--template", template, "--values", values, "--store", number,
		"--from", "2020-01-01") != 0)
		stop(hq, "agreement draft");
	if (RUN(hq, BROKER, NULL, "agreement", "sign", "--store", number) != 0)
		stop(hq, "agreement sign");
}

const char *headquarters_invitation(struct headquarters *hq, int store)
{
	static unsigned made;
	char number[16], name[32];

	snprintf(number, sizeof(number), "%d", store);
	snprintf(name, sizeof(name), "invitation-%u", made++);
	const char *path = headquarters_path(hq, name);
	if (RUN(hq, BROKER, NULL, "invite", "store", number, "--out", path) != 0)
		stop(hq, "invite");
	return path;
}

void headquarters_store(struct headquarters *hq, int store)
{
	headquarters_offer(hq, store);
	if (RUN(hq, AGENT(store), NULL, "join", headquarters_invitation(hq, store)) != 0)
		stop(hq, "join");
	if (RUN(hq, AGENT(store), NULL, "agreement", "sign", "--yes") != 0)
		stop(hq, "agreement sign by the store");
}

void headquarters_begin_shop(struct headquarters *hq)
{
	headquarters_begin(hq);
	headquarters_store(hq, 12);
	const char *map = headquarters_file(hq, "customers.map",
					    "[customers]\npurpose = service\n[fields]\ncard = card\nname = name\n"
					    "phone = phone\n");
	const char *csv =
		headquarters_file(hq, "customers.csv", "card,name,phone\n4711,Anna Smith,0612345678\n4712,Bert,\n");
	if (RUN(hq, BROKER, NULL, "import", "customers", csv, "--mapping", map) != 0)
		stop(hq, "import");
	if (RUN(hq, AGENT(12), "Kees de Vries\n", "staff", "add", "till-1", "--role", "cashier") != 0)
		stop(hq, "staff add");
}

/* ---- for cmocka ---- */

struct headquarters here;

int headquarters_set_up(void **state)
{
	(void)state;
	headquarters_begin(&here);
	return 0;
}

int headquarters_set_up_shop(void **state)
{
	(void)state;
	headquarters_begin_shop(&here);
	return 0;
}

int headquarters_tear_down(void **state)
{
	(void)state;
	headquarters_end(&here);
	return 0;
}
