#include "import_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kluis/file.h"
#include "test_keys.h"
#include "text.h"

#define LANE 3

static void must(enum err code)
{
	if (code != ERR_OK)
		abort();
}

int world_begin(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -1;
	scratch_new(world->folder);
	(void)snprintf(world->csv, sizeof(world->csv), "%s/t.csv", world->folder);
	(void)snprintf(world->map, sizeof(world->map), "%s/t.map", world->folder);
	(void)snprintf(world->rejects, sizeof(world->rejects), "%s/rejects.csv", world->folder);
	arena_init(&world->arena, 8 << 20);
	world->key = test_seed_key("foodmart.example/kluis/controller", 7);
	world->broker = import_broker_new(&world->key);
	world->charter = arena_alloc(&world->arena, sizeof(*world->charter));
	if (!world->charter)
		abort();
	const char *charter = text_of_file(&world->arena, "broker/examples/foodmart/charter.ini");
	must(charter_parse(slice_text(charter), "charter.ini", &world->arena, world->charter, NULL));
	*state = world;
	return 0;
}

int world_end(void **state)
{
	struct world *world = *state;

	free(world->summary);
	import_broker_free(&world->broker);
	secret_key_fini(&world->key);
	arena_fini(&world->arena);
	scratch_remove(world->folder);
	free(world);
	return 0;
}

enum err world_run_file(struct world *world, enum import_kind kind, const char *csv, const char *map)
{
	struct session session;
	size_t length = 0;
	enum err code;

	free(world->summary);
	world->summary = NULL;
	FILE *output = open_memstream(&world->summary, &length);
	struct import_options options = {.kind = kind,
					 .file = csv,
					 .mapping = map,
					 .rejects = world->rejects,
					 .charter = world->charter,
					 .is_json = true,
					 .output = output};
	if (!output)
		abort();
	world->fault.text[0] = '\0';
	must(session_open(&session, &world->key, LANE, import_broker_exchange(world->broker),
			  import_broker_memory(world->broker), NULL));
	code = import_run(&options, &session, &world->fault);
	session_close(&session);
	if (fclose(output) != 0)
		abort();
	return code;
}

enum err world_run(struct world *world, enum import_kind kind, const char *csv, const char *map)
{
	must(file_write(world->csv, slice_text(csv), 0600, NULL));
	must(file_write(world->map, slice_text(map), 0600, NULL));
	return world_run_file(world, kind, world->csv, world->map);
}

int64_t world_count(const struct world *world, const char *key)
{
	char wanted[64];

	(void)snprintf(wanted, sizeof(wanted), "\"%s\":", key);
	const char *at = strstr(world->summary, wanted);
	if (!at)
		abort();
	return strtoll(at + strlen(wanted), NULL, 10);
}

const char *foodmart_folder(void)
{
	static char path[1024];
	const char *given = getenv("KLUIS_FOODMART");

	(void)snprintf(path, sizeof(path), "%s/sales_1998_dec.csv", given ? given : TEST_SOURCE_ROOT "/../shared/data");
	if (access(path, R_OK) != 0)
		return NULL;
	*strrchr(path, '/') = '\0';
	return path;
}
